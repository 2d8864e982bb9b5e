package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/golden"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
)

func TestTheGoldenCaseGoesTheWholeRoad(t *testing.T) {
	t.Parallel()
	s := start(t)
	var out bytes.Buffer
	if err := s.Demo(t.Context(), &out, s.Golden.Expected); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, said := range []string{"All agrees: 12 events, 12 journal entries", "A/R  6,800.00", "Re-signed by Ana Diaz"} {
		if !strings.Contains(out.String(), said) {
			t.Errorf("the demo does not say %q", said)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(readme), "## How an event becomes an entry")
	_, after, _ = strings.Cut(after, "```\n")
	entry, _, _ := strings.Cut(after, "```")
	for line := range strings.Lines(entry) {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains(out.String(), line) {
			t.Errorf("README shows %q, the demo does not", line)
		}
	}
}

func TestTheDemoNoticesEveryWrongFigure(t *testing.T) {
	t.Parallel()
	change := func(f func(*golden.Expected)) golden.Expected {
		c, err := golden.Load(nil)
		if err != nil {
			t.Fatal(err)
		}
		f(&c.Expected)
		return c.Expected
	}
	for name, expected := range map[string]golden.Expected{
		"an amount":         change(func(e *golden.Expected) { e.Events[0].Entries[0].Lines[2].Amount = "3500.01" }),
		"a side":            change(func(e *golden.Expected) { e.Events[2].Entries[0].Lines[0].Side = "Credit" }),
		"an account":        change(func(e *golden.Expected) { e.Events[4].Entries[0].Lines[1].Account = "Card Clearing" }),
		"a name":            change(func(e *golden.Expected) { e.Events[3].Entries[0].Lines[0].Entity.Name = "Guardian" }),
		"a date":            change(func(e *golden.Expected) { e.Events[8].Entries[0].Date = "2026-06-29" }),
		"a line too many":   change(func(e *golden.Expected) { e.Events[5].Entries[0].Lines = e.Events[5].Entries[0].Lines[:1] }),
		"an entry too many": change(func(e *golden.Expected) { e.Events[6].Entries = nil }),
		"a receivable":      change(func(e *golden.Expected) { e.Receivable[7] = "999.79" }),
		"a balance":         change(func(e *golden.Expected) { e.Balances["Cash Advances Payable"] = "-436.00" }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := start(t).Demo(t.Context(), io.Discard, expected); err == nil {
				t.Error("a wrong figure was not noticed")
			}
		})
	}
}

// event makes a payment or another record of a case.
func event(organisation, kind, id string, version int, caseID, fields string) string {
	record, _, _ := strings.Cut(kind, ".")
	c := ""
	if caseID != "" {
		c = fmt.Sprintf(`"case":{"id":%q,"number":%q,"decedent":{"first":"Vera","last":%q}},`, caseID, "no-"+caseID, "Quill-"+caseID)
	}
	return fmt.Sprintf(`{"specversion":"1.0","id":"evt-%s-%d","source":"/organizations/%s","type":"com.passare.%s","time":"2026-03-04T15:00:00Z",
"data":{"record":{"type":%q,"id":%q,"version":%d},%s"branch":{"id":"main","name":"Main"},"actor":{"id":"u1","name":"Ana Diaz"},%s}}`,
		id, version, organisation, kind, record, id, version, c, fields)
}

const (
	cash    = `"method":"cash","amount":"10.00","date":"2026-03-04"`
	signed  = `"signed_on":"2026-03-02","items":[{"id":"i1","kind":"service","gl_account":"4000","description":"Services","amount":"100.00"}],"total":"100.00"`
	printed = `"bank":"operating","number":"2001","date":"2026-03-09","payee":{"name":"Shop"},"lines":[{"kind":"expense","gl_account":"6100","amount":"20.00"}]`
	typed   = `"direction":"added","bank":"operating","gl_account":"7000","transaction_type":"Interest","amount":"12.00","date":"2026-03-31"`
)

// send delivers an event that must be taken, and answers its entry's id.
func send(t *testing.T, s *local.System, body string) string {
	t.Helper()
	status, answer, err := s.Deliver(t.Context(), one, []byte(body))
	if err != nil || status >= 300 {
		t.Fatalf("%v: %d %s", err, status, answer)
	}
	var r struct{ Results []struct{ Entry string } }
	if err := json.Unmarshal(answer, &r); err != nil {
		t.Fatal(err)
	}
	return r.Results[0].Entry
}

// wait waits until an entry is in a state. It polls, since the workers are other goroutines; the deadline only
// ends a test that has failed.
func wait(t *testing.T, s *local.System, organisation, id string, state intlog.State) intlog.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	key, err := intlog.ParseKey(organisation, id)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := s.Store.Entry(ctx, key)
		if err == nil && e.State == state {
			return e
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is %s (%s), not %s: %v", id, e.State, e.Why, state, err)
		case <-ticker.C:
		}
	}
}

// set changes an organisation's settings.
func set(t *testing.T, s *local.System, organisation string, change func(*org.Settings)) {
	t.Helper()
	c, err := s.Store.Config(t.Context(), organisation)
	if err != nil {
		t.Fatal(err)
	}
	change(&c.Settings)
	if _, err := s.Store.PutConfig(t.Context(), c, c.Version); err != nil {
		t.Fatal(err)
	}
}

func state(t *testing.T, s *local.System, organisation, id string) intlog.State {
	t.Helper()
	key, err := intlog.ParseKey(organisation, id)
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Store.Entry(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return e.State
}

func TestWithAutoSyncOffAnEntryWaitsForReviewAndGoesOutAfterSync(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := send(t, s, event(local.MapleHill, "payment.created", "p1", 1, "c1", cash))
	if got := state(t, s, local.MapleHill, id); got != intlog.Pending || len(s.Sim.Journal(local.MapleHillRealm)) != 0 {
		t.Fatalf("it is %s", got)
	}
	if status, body := get(t, s, "dan", "/v1/entries?tab=pending"); status != http.StatusOK || !strings.Contains(string(body), id) {
		t.Errorf("Pending transactions: %d %s", status, body)
	}
	if status, body := as(t, s, "dan", http.MethodPost, "/v1/entries/"+id+"/sync"); status != http.StatusAccepted {
		t.Fatalf("sync: %d %s", status, body)
	}
	wait(t, s, local.MapleHill, id, intlog.Synced)
	if status, _ := as(t, s, "dan", http.MethodPost, "/v1/entries/"+id+"/sync"); status != http.StatusOK {
		t.Errorf("a second sync is answered %d", status)
	}
	if n := len(s.Sim.Journal(local.MapleHillRealm)); n != 1 {
		t.Errorf("%d entries in QuickBooks", n)
	}
	_, body := get(t, s, "dan", "/v1/entries/"+id)
	var d struct {
		QuickBooks []struct {
			ID  string `json:"id"`
			Doc string `json:"doc_number"`
		}
		History []struct{ Who string }
	}
	if err := json.Unmarshal(body, &d); err != nil || len(d.QuickBooks) != 1 || d.QuickBooks[0].Doc == "" || d.History[1].Who != "Dan Reyes" {
		t.Errorf("%v %s", err, body)
	}
}

func TestWithAutomaticAddToExportsOffBothPagesWaitPerPageAndCase(t *testing.T) {
	t.Parallel()
	s := start(t)
	set(t, s, local.WillowCreek, func(x *org.Settings) { x.AutoAddToExports = false })
	w := local.WillowCreek
	held := map[string]string{
		"goods 1":   send(t, s, event(w, "goods_and_services.signed", "g1", 1, "c1", signed)),
		"payment 1": send(t, s, event(w, "payment.created", "p1", 1, "c1", cash)),
		"payment 2": send(t, s, event(w, "payment.created", "p2", 1, "c2", cash)),
		"interest":  send(t, s, event(w, "interest.created", "i1", 1, "c1", `"amount":"1.00","date":"2026-03-04"`)),
	}
	for name, id := range held {
		if got := state(t, s, w, id); got != intlog.Held {
			t.Errorf("%s is %s", name, got)
		}
	}
	for _, never := range []string{event(w, "check.printed", "k1", 1, "", printed), event(w, "ledger.funds_added", "l1", 1, "", typed)} {
		wait(t, s, w, send(t, s, never), intlog.Synced)
	}
	click := send(t, s, swap(event(w, "accounting_export.added", "x1", 1, "c1", `"page":"payments_and_adjustments"`), `"branch":{"id":"main","name":"Main"},`, ""))
	if got := state(t, s, w, click); got != intlog.Unchanged {
		t.Errorf("the click is %s", got)
	}
	wait(t, s, w, held["payment 1"], intlog.Synced)
	wait(t, s, w, held["interest"], intlog.Synced)
	for _, name := range []string{"goods 1", "payment 2"} {
		if got := state(t, s, w, held[name]); got != intlog.Held {
			t.Errorf("the click on another page or case released %s: it is %s", name, got)
		}
	}
	wait(t, s, w, send(t, s, event(w, "payment.created", "p3", 1, "c1", cash)), intlog.Synced)
	if got := state(t, s, w, send(t, s, event(w, "payment.created", "p4", 1, "c2", cash))); got != intlog.Held {
		t.Errorf("another case's payment is %s", got)
	}
}

func TestWithBothSwitchesOffTheButtonLeadsToReview(t *testing.T) {
	t.Parallel()
	s := start(t)
	set(t, s, local.MapleHill, func(x *org.Settings) { x.AutoAddToExports = false })
	id := send(t, s, event(local.MapleHill, "payment.created", "p1", 1, "c1", cash))
	send(t, s, swap(event(local.MapleHill, "accounting_export.added", "x1", 1, "c1", `"page":"payments_and_adjustments"`), `"branch":{"id":"main","name":"Main"},`, ""))
	if got := state(t, s, local.MapleHill, id); got != intlog.Pending {
		t.Errorf("it is %s", got)
	}
}

func TestExcludedChecksAndLedgerAreKeptAndNotPosted(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := local.WillowCreek
	before := send(t, s, event(w, "check.printed", "k0", 1, "", printed))
	wait(t, s, w, before, intlog.Synced)
	set(t, s, w, func(x *org.Settings) { x.ExcludeChecks, x.ExcludeLedger = true, true })
	for _, body := range []string{event(w, "check.printed", "k1", 1, "", printed), event(w, "ledger.funds_added", "l1", 1, "", typed)} {
		if id := send(t, s, body); state(t, s, w, id) != intlog.Excluded {
			t.Errorf("%s is %s", id, state(t, s, w, id))
		}
	}
	void := strings.Replace(printed, "2026-03-09", "2026-03-11", 1)
	wait(t, s, w, send(t, s, event(w, "check.voided", "k0", 2, "", void)), intlog.Synced)
	set(t, s, w, func(x *org.Settings) { x.ExcludeChecks = false })
	if id := send(t, s, event(w, "check.voided", "k1", 2, "", void)); state(t, s, w, id) != intlog.Excluded {
		t.Error("a check that was excluded when it was printed is posted when it is voided")
	}
	if n := len(s.Sim.Journal(local.WillowCreekRealm)); n != 2 {
		t.Errorf("%d entries in QuickBooks, want the print and the void of the first check", n)
	}
}

func TestTwoOrganisationsNeverSeeEachOther(t *testing.T) {
	t.Parallel()
	s := start(t)
	set(t, s, local.MapleHill, func(x *org.Settings) { x.AutoSync = true })
	const n = 40
	type sent struct{ org, id string }
	var all []sent
	for i := range n { // the same ids of records, cases and numbers in both
		for _, o := range []string{local.WillowCreek, local.MapleHill} {
			amount := map[string]string{local.WillowCreek: "10.00", local.MapleHill: "33.00"}[o]
			body := event(o, "payment.created", fmt.Sprintf("p%d", i), 1, fmt.Sprintf("c%d", i%5), strings.Replace(cash, "10.00", amount, 1))
			all = append(all, sent{o, send(t, s, body)})
		}
	}
	for _, x := range all {
		wait(t, s, x.org, x.id, intlog.Synced)
	}
	for realm, want := range map[string]string{local.WillowCreekRealm: "10.00", local.MapleHillRealm: "33.00"} {
		journal := s.Sim.Journal(realm)
		if len(journal) != n {
			t.Errorf("%s has %d entries, want %d", realm, len(journal), n)
		}
		for _, e := range journal {
			if e.Lines[0].Amount != want {
				t.Errorf("%s has an entry of %s", realm, e.Lines[0].Amount)
			}
		}
	}
	if status, _ := get(t, s, "dan", "/v1/entries/goods_and_services.none.1"); status != http.StatusNotFound {
		t.Errorf("an entry that does not exist is answered %d", status)
	}
	only := send(t, s, event(local.WillowCreek, "payment.created", "only-here", 1, "c1", cash))
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		path := "/v1/entries/" + only
		if method == http.MethodPost {
			path += "/sync"
		}
		_, other := as(t, s, "dan", method, path)
		_, none := as(t, s, "dan", method, strings.Replace(path, "only-here", "nowhere", 1))
		if a, b := problemIn(t, other), problemIn(t, none); a.Status != http.StatusNotFound || a.Detail != b.Detail || a.Type != b.Type {
			t.Errorf("another organisation's entry answers %s, one that does not exist %s", other, none)
		}
	}
	_, list := get(t, s, "dan", "/v1/entries?limit=200")
	if strings.Contains(string(list), "only-here") || strings.Contains(string(list), `"10.00"`) {
		t.Error("maple-hill's list has entries of willow-creek")
	}
	willow, maple := org.Company{Org: local.WillowCreek, Realm: local.WillowCreekRealm}, org.Company{Org: local.MapleHill, Realm: local.MapleHillRealm}
	accessW, errW := s.Keeper.Token(t.Context(), willow)
	accessM, errM := s.Keeper.Token(t.Context(), maple)
	if errW != nil || errM != nil || accessW == accessM {
		t.Errorf("the same token: %t; %v %v", accessW == accessM, errW, errM)
	}
	if access, err := s.Keeper.Token(t.Context(), org.Company{Org: local.WillowCreek, Realm: local.MapleHillRealm}); access != "" || !fault.Is(err, fault.Unavailable) {
		t.Errorf("a token of the wrong company: %v", err)
	}
}

func TestThePeopleOfAnOrganisation(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := send(t, s, event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash))
	for user, want := range map[string]int{"ana": 200, "ben": 200, "cleo": 403, "dan": 404} {
		status, body := get(t, s, user, "/v1/entries/"+id)
		if status != want {
			t.Errorf("%s is answered %d: %s", user, status, body)
		}
		if user == "cleo" && !strings.Contains(string(body), "integration_log") {
			t.Errorf("403 does not name the permission: %s", body)
		}
	}
	for name, header := range map[string]http.Header{
		"no token": {}, "no bearer": {"Authorization": {"Basic abc"}}, "no JWT": {"Authorization": {"Bearer abc"}},
		"alg none": {"Authorization": {"Bearer eyJhbGciOiJub25lIn0.eyJvcmciOiJ3aWxsb3ctY3JlZWsifQ."}},
	} {
		if status, body, err := s.Call(t.Context(), http.MethodGet, "/v1/entries", header, nil); err != nil || status != http.StatusUnauthorized {
			t.Errorf("%s is answered %d %s %v", name, status, body, err)
		}
	}
}

func TestListsArePagedWithoutGaps(t *testing.T) {
	t.Parallel()
	s := start(t)
	want := map[string]bool{}
	for i := range 7 {
		want[send(t, s, event(local.MapleHill, "payment.created", fmt.Sprintf("p%d", i), 1, "c1", cash))] = true
	}
	path, pages := "/v1/entries?tab=pending&limit=3", 0
	for path != "" && pages < 10 {
		status, body := get(t, s, "dan", path)
		var list struct {
			Entries []struct{ ID string }
			Next    string
		}
		if err := json.Unmarshal(body, &list); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s %v", status, body, err)
		}
		for _, e := range list.Entries {
			if !want[e.ID] {
				t.Errorf("%s is there twice or was never sent", e.ID)
			}
			delete(want, e.ID)
		}
		if pages, path = pages+1, ""; list.Next != "" {
			path = "/v1/entries?tab=pending&limit=3&cursor=" + list.Next
		}
	}
	if pages != 3 || len(want) > 0 {
		t.Errorf("%d pages, missing %v", pages, want)
	}
	for query, field := range map[string]string{"tab=lost": "tab", "limit=0": "limit", "limit=201": "limit", "limit=x": "limit", "cursor=x": "cursor", "cursor=MSAy": "cursor"} {
		if status, body := get(t, s, "dan", "/v1/entries?"+query); status != http.StatusUnprocessableEntity || problemIn(t, body).Errors[0].Field != field {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
}

func TestAnIntermittentQuickBooksLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	s := start(t)
	script(t, s, "journalentry", "status", http.StatusBadRequest, `{"Fault":{"Error":[{"Message":"x","Detail":"Business Validation Error: no","code":"6000","element":""}],"type":"ValidationFault"}}`)
	id := send(t, s, event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash))
	failed := wait(t, s, local.WillowCreek, id, intlog.Failed)
	if len(failed.Cause) == 0 || !strings.Contains(failed.Cause[0].Text, "Business Validation Error: no") || len(failed.Attempts) != 1 || failed.Attempts[0].Trace == "" {
		t.Errorf("cause %+v, attempts %+v", failed.Cause, failed.Attempts)
	}
	if status, body := get(t, s, "ana", "/v1/entries?tab=errors"); status != 200 || !strings.Contains(string(body), id) {
		t.Errorf("Sync errors: %d %s", status, body)
	}
	as(t, s, "ana", http.MethodPost, "/v1/entries/"+id+"/sync")
	synced := wait(t, s, local.WillowCreek, id, intlog.Synced)
	if len(synced.Cause) != 0 || synced.N != 2 || len(s.Sim.Journal(local.WillowCreekRealm)) != 1 {
		t.Errorf("after Retry sync: cause %+v, posting %d, %d entries", synced.Cause, synced.N, len(s.Sim.Journal(local.WillowCreekRealm)))
	}
}

// script lets the next call to QuickBooks whose path fits meet a fault.
func script(t *testing.T, s *local.System, path, kind string, status int, body string) {
	t.Helper()
	if err := s.Sim.Script(qbosim.Fault{PathContains: path, Times: 1, Kind: kind, Status: status, Body: body}); err != nil {
		t.Fatal(err)
	}
}
