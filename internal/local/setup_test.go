package local_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// flowers is a contract with a cash advance on a GL account that nobody has mapped.
const flowers = `"signed_on":"2026-03-02","items":[{"id":"i1","kind":"cash_advance","gl_account":"4410","description":"flowers","amount":"200.00"}],"total":"200.00"`

// chosen is a mapping as PUT /v1/mapping takes it.
type chosen struct {
	Roles    map[string]string            `json:"roles"`
	GL       map[string]string            `json:"gl_accounts"`
	Branches map[string]map[string]string `json:"branches"`
}

func (c chosen) json(t *testing.T) string {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// mapped is an answer of GET or PUT /v1/mapping.
type mapped struct {
	chosen
	Version int64
	By      string `json:"saved_by"`
	Stored  bool
	Effect  struct {
		Changed  []org.Changed
		Going    struct{ Entries int }
		Staying  struct{ Entries int }
		Released struct {
			Failed int
			More   bool
		}
		Says []string
	}
	Known struct {
		GL []struct {
			Account string
			UsedFor []string `json:"used_for"`
		} `json:"gl_accounts"`
	}
}

func mapping(t *testing.T, s *local.System, user string) (m mapped, etag string) {
	t.Helper()
	r := ask(t, s, user, http.MethodGet, "/v1/mapping", "", nil)
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r.into(t, &m)
	return m, r.header.Get("Etag")
}

func TestAMappingThatIsSavedMovesEveryEntryThatWaited(t *testing.T) {
	t.Parallel()
	s := start(t)
	var ids []string
	for i := range 14 {
		ids = append(ids, send(t, s, event(local.WillowCreek, "goods_and_services.signed", fmt.Sprint("g", i), 1, fmt.Sprint("c", i), flowers)))
	}
	for _, id := range ids {
		wait(t, s, local.WillowCreek, id, intlog.Failed)
	}
	var problems struct {
		Entries int
		Amount  string
		Missing []struct {
			Field, Label, Amount string
			Entries              int
			Needed               string `json:"needed_from"`
			Examples             []string
			Suggestions          []struct{ ID, Name, Why string }
		}
		Amiss []any
	}
	ask(t, s, "ana", http.MethodGet, "/v1/mapping/problems", "", nil).into(t, &problems)
	if problems.Entries != 14 || problems.Amount != "2800.00" || len(problems.Missing) != 1 || len(problems.Amiss) != 0 {
		t.Fatalf("%+v", problems)
	}
	m := problems.Missing[0]
	if m.Field != "gl_accounts.4410" || m.Label != "Cash advance – flowers" || m.Entries != 14 || m.Amount != "2800.00" || m.Needed != "administrator" || len(m.Examples) == 0 ||
		len(m.Suggestions) == 0 || m.Suggestions[0].Name != "Cash Advances Payable" {
		t.Fatalf("%+v", m)
	}
	before, etag := mapping(t, s, "ana")
	next := before.chosen
	next.GL = maps.Clone(next.GL)
	next.GL["4410"] = m.Suggestions[0].ID

	var dry mapped
	ask(t, s, "ana", http.MethodPut, "/v1/mapping?dry_run=true", next.json(t), http.Header{"If-Match": {etag}}).into(t, &dry)
	if dry.Stored || dry.Effect.Going.Entries != 14 || dry.Effect.Staying.Entries != 0 || dry.Effect.Released.Failed != 0 || !strings.Contains(strings.Join(dry.Effect.Says, " "), "14 entries ($2,800.00)") {
		t.Errorf("a dry run says %+v", dry)
	}
	if now, unchanged := mapping(t, s, "ana"); unchanged != etag || !cmp.Equal(now.chosen, before.chosen) || state(t, s, local.WillowCreek, ids[0]) != intlog.Failed {
		t.Errorf("a dry run has stored %+v", now)
	}

	r := ask(t, s, "ana", http.MethodPut, "/v1/mapping", next.json(t), http.Header{"If-Match": {etag}})
	var saved mapped
	r.into(t, &saved)
	if r.status != http.StatusOK || !saved.Stored || saved.Effect.Released.Failed != 14 || saved.By != "Ana Diaz" || r.header.Get("Etag") == etag {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for _, id := range ids {
		wait(t, s, local.WillowCreek, id, intlog.Synced)
	}
	ask(t, s, "ana", http.MethodGet, "/v1/mapping/problems", "", nil).into(t, &problems)
	if problems.Entries != 0 || len(problems.Missing) != 0 {
		t.Errorf("afterwards: %+v", problems)
	}
	undo(t, s, before.chosen, saved.Version)
}

// undo puts an earlier version again, as the calls of versions have it.
func undo(t *testing.T, s *local.System, want chosen, version int64) {
	t.Helper()
	var list struct {
		Versions []struct {
			Version int64
			By      string `json:"saved_by"`
			Changed []org.Changed
		}
	}
	ask(t, s, "ana", http.MethodGet, "/v1/mapping/versions", "", nil).into(t, &list)
	if len(list.Versions) != 2 || list.Versions[0].Version != version || list.Versions[0].By != "Ana Diaz" || len(list.Versions[0].Changed) != 1 ||
		list.Versions[0].Changed[0].ToName != "Cash Advances Payable" {
		t.Fatalf("%+v", list)
	}
	var earlier chosen
	ask(t, s, "ana", http.MethodGet, fmt.Sprintf("/v1/mapping/versions/%d", list.Versions[1].Version), "", nil).into(t, &earlier)
	if diff := cmp.Diff(want, earlier); diff != "" {
		t.Error(diff)
	}
	r := ask(t, s, "ana", http.MethodPut, "/v1/mapping", earlier.json(t), nil)
	if now, _ := mapping(t, s, "ana"); r.status != http.StatusOK || !cmp.Equal(now.chosen, want) || now.Version != version+1 {
		t.Errorf("put again: %d %s", r.status, r.body)
	}
	for path, status := range map[string]int{"/v1/mapping/versions/99": 404, "/v1/mapping/versions/x": 422, "/v1/mapping/versions/0": 422, "/v1/mapping/versions?limit=201": 422} {
		if r := ask(t, s, "ana", http.MethodGet, path, "", nil); r.status != status {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	var none struct{ Versions []any }
	ask(t, s, "dan", http.MethodGet, "/v1/mapping/versions", "", nil).into(t, &none)
	if r := ask(t, s, "dan", http.MethodGet, fmt.Sprintf("/v1/mapping/versions/%d", version), "", nil); len(none.Versions) != 0 || r.status != http.StatusNotFound {
		t.Errorf("another organisation sees %+v, %d", none, r.status)
	}
}

func TestAMappingThatBreaksRulesNamesEveryWrongField(t *testing.T) {
	t.Parallel()
	s := start(t)
	before, etag := mapping(t, s, "ana")
	accounts := map[string]string{}
	for _, a := range listed(t, s, "ana", "accounts").Accounts {
		accounts[a.Name] = a.ID
	}
	if !s.Sim.Deactivate(local.WillowCreekRealm, "Account", "Office Supplies") {
		t.Fatal("there is no such account")
	}
	wrong := chosen{
		Roles: map[string]string{
			"accounts_receivable": accounts["Deposits Clearing"], "bank:operating": accounts["Merchant Fees"], "discounts": "99999", "no_role": accounts["Bad Debt"],
		},
		GL:       map[string]string{"4000": accounts["Accounts Receivable (A/R)"], "6100": accounts["Office Supplies"], "4100": accounts["Casket Sales"]},
		Branches: map[string]map[string]string{"main": {}},
	}
	r := ask(t, s, "ana", http.MethodPut, "/v1/mapping", wrong.json(t), nil)
	if r.status != http.StatusUnprocessableEntity {
		t.Fatalf("%d %s", r.status, r.body)
	}
	var p struct {
		Errors []struct{ Field, Problem string }
	}
	r.into(t, &p)
	said := map[string]string{}
	for _, e := range p.Errors {
		said[e.Field] = e.Problem
	}
	for field, part := range map[string]string{
		"roles.accounts_receivable": "of type Accounts Receivable", "roles.bank:operating": "of type Bank", "roles.discounts": "is not an account in QuickBooks",
		"roles.no_role": "is not a role", "gl_accounts.4000": "only the role accounts_receivable", "gl_accounts.6100": "inactive", "branches.main": "needs a class",
	} {
		if !strings.Contains(said[field], part) {
			t.Errorf("%s: %q", field, said[field])
		}
		delete(said, field)
	}
	if len(said) != 0 {
		t.Errorf("also said: %v", said)
	}
	if now, unchanged := mapping(t, s, "ana"); unchanged != etag || !cmp.Equal(now.chosen, before.chosen) {
		t.Error("it was stored all the same")
	}
	for _, body := range []string{`{`, `{"roles":{}}`, `{"roles":{"discounts":5},"gl_accounts":{},"branches":{}}`, `{"roles":{},"gl_accounts":{},"branches":{},"more":1}`} {
		if r := ask(t, s, "ana", http.MethodPut, "/v1/mapping", body, nil); r.status != 422 && r.status != 400 {
			t.Errorf("%s: %d", body, r.status)
		}
	}
	var problems struct {
		Amiss []struct{ Field, Name, Problem string }
	}
	ask(t, s, "ana", http.MethodGet, "/v1/quickbooks/accounts?refresh=true", "", nil)
	ask(t, s, "ana", http.MethodGet, "/v1/mapping/problems", "", nil).into(t, &problems)
	if len(problems.Amiss) != 1 || problems.Amiss[0].Field != "gl_accounts.6100" || !strings.Contains(problems.Amiss[0].Problem, "inactive") {
		t.Errorf("%+v", problems)
	}
}

func TestAMappedBranchStandsOnEveryLine(t *testing.T) {
	t.Parallel()
	s := start(t)
	wait(t, s, local.WillowCreek, send(t, s, event(local.WillowCreek, "payment.created", "p0", 1, "c1", cash)), intlog.Synced)
	access, err := s.Keeper.Token(t.Context(), org.Company{Org: local.WillowCreek, Realm: local.WillowCreekRealm})
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for entity, path := range map[string]string{"Class": "class", "Department": "department"} {
		r := ask(t, s, "", http.MethodPost, s.QBOURL+"/v3/company/"+local.WillowCreekRealm+"/"+path+"?minorversion=75", `{"Name":"Main Street"}`, http.Header{
			"Authorization": {"Bearer " + access}, "Content-Type": {"application/json"}, "Accept": {"application/json"},
		})
		var object map[string]json.RawMessage
		r.into(t, &object)
		var x struct{ ID string }
		if err := json.Unmarshal(object[entity], &x); err != nil || x.ID == "" {
			t.Fatalf("%d %s", r.status, r.body)
		}
		made[path] = x.ID
	}
	classes, departments := listed(t, s, "ana", "classes").Classes, listed(t, s, "ana", "departments").Departments
	if len(classes) != 1 || classes[0].ID != made["class"] || len(departments) != 1 || departments[0].ID != made["department"] {
		t.Fatalf("%+v %+v", classes, departments)
	}
	m, etag := mapping(t, s, "ana")
	next := m.chosen
	put := func(branch string) reply {
		next.Branches = map[string]map[string]string{branch: {"class": made["class"], "location": made["department"]}}
		return ask(t, s, "ana", http.MethodPut, "/v1/mapping", next.json(t), http.Header{"If-Match": {etag}})
	}
	if r := put("side"); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "branches.main") {
		t.Errorf("not all branches: %d %s", r.status, r.body)
	}
	if r := put("main"); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	wait(t, s, local.WillowCreek, send(t, s, event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash)), intlog.Synced)
	journal := s.Sim.Journal(local.WillowCreekRealm)
	for _, l := range journal[len(journal)-1].Lines {
		if l.Class != "Main Street" || l.Department != "Main Street" {
			t.Errorf("%+v", l)
		}
	}
}

func TestOfTwoWhoSaveAtOnceOneIsToldToLookAgain(t *testing.T) {
	t.Parallel()
	s := start(t)
	m, etag := mapping(t, s, "ana")
	both(t, "mapping", func(i int) reply {
		next := m.chosen
		next.GL = maps.Clone(next.GL)
		next.GL[fmt.Sprint("new", i)] = next.GL["4000"]
		return ask(t, s, "ana", http.MethodPut, "/v1/mapping", next.json(t), http.Header{"If-Match": {etag}})
	})
	etag = ask(t, s, "ana", http.MethodGet, "/v1/settings", "", nil).header.Get("Etag")
	both(t, "settings", func(i int) reply {
		return ask(t, s, "ana", http.MethodPatch, "/v1/settings", fmt.Sprintf(`{"cut_over_date":"2020-01-%02d"}`, i+1), http.Header{"If-Match": {etag}})
	})
}

// both saves twice at once: one is stored, the other is stale.
func both(t *testing.T, what string, save func(int) reply) {
	t.Helper()
	var stored, stale atomic.Int64
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			switch r := save(i); r.status {
			case http.StatusOK:
				stored.Add(1)
			case http.StatusPreconditionFailed:
				stale.Add(1)
			default:
				t.Errorf("%s: %d %s", what, r.status, r.body)
			}
		})
	}
	all.Wait()
	if stored.Load() != 1 || stale.Load() != 1 {
		t.Errorf("%s: %d stored, %d stale", what, stored.Load(), stale.Load())
	}
}

// settled is an answer of GET or PATCH /v1/settings.
type settled struct {
	AutoSync bool    `json:"auto_sync"`
	CutOver  *string `json:"cut_over_date"`
	Exclude  struct{ Checks, Ledger bool }
	Stored   bool
	Effect   struct {
		Pending  struct{ Entries int }
		Released struct{ Pending, Held int }
		Says     []string
	}
	Changes []struct {
		Who    string
		Fields []org.Changed
	}
}

func TestTurningAutoSyncOnAsksWhatBecomesOfWhatIsPending(t *testing.T) {
	t.Parallel()
	s := start(t)
	var ids []string
	for i := range 3 {
		ids = append(ids, send(t, s, event(local.MapleHill, "payment.created", fmt.Sprint("p", i), 1, "c1", cash)))
	}
	patch := func(body string) (reply, settled) {
		t.Helper()
		r := ask(t, s, "dan", http.MethodPatch, "/v1/settings", body, nil)
		var x settled
		if r.status == http.StatusOK {
			r.into(t, &x)
		}
		return r, x
	}
	r, _ := patch(`{"auto_sync":true}`)
	if r.status != http.StatusConflict || !strings.Contains(r.body, "3 entries ($30.00) wait for review") || !strings.Contains(r.body, `"field":"pending"`) || !strings.Contains(r.body, "leave (they stay") {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r, x := patch(`{"auto_sync":true,"pending":"sync","dry_run":true}`)
	if r.status != http.StatusOK || x.Stored || x.Effect.Pending.Entries != 3 || len(x.Effect.Says) == 0 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if got := state(t, s, local.MapleHill, ids[0]); got != intlog.Pending {
		t.Fatalf("after a dry run it is %s", got)
	}
	if r, x = patch(`{"auto_sync":true,"pending":"sync"}`); r.status != http.StatusOK || !x.Stored || !x.AutoSync || x.Effect.Released.Pending != 3 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for _, id := range ids {
		wait(t, s, local.MapleHill, id, intlog.Synced)
	}
	wait(t, s, local.MapleHill, send(t, s, event(local.MapleHill, "payment.created", "p9", 1, "c1", cash)), intlog.Synced)
	if r, x = patch(`{"cut_over_date":"2020-01-01","exclude":{"ledger":true}}`); r.status != http.StatusOK || x.CutOver == nil || *x.CutOver != "2020-01-01" || !x.Exclude.Ledger || x.Exclude.Checks {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r, x = patch(`{"cut_over_date":null}`); r.status != http.StatusOK || x.CutOver != nil || !x.Exclude.Ledger {
		t.Fatalf("%d %s", r.status, r.body)
	}
	var shown settled
	ask(t, s, "dan", http.MethodGet, "/v1/settings", "", nil).into(t, &shown)
	if len(shown.Changes) != 3 || shown.Changes[2].Who != "Dan Reyes" {
		t.Fatalf("%+v", shown)
	}
	want := []org.Changed{{Field: "auto_sync", From: "false", To: "true"}, {Field: "pending", To: "sync"}}
	if diff := cmp.Diff(want, shown.Changes[2].Fields); diff != "" {
		t.Error(diff)
	}
	var other settled
	if ask(t, s, "ana", http.MethodGet, "/v1/settings", "", nil).into(t, &other); len(other.Changes) != 0 {
		t.Errorf("another organisation sees %+v", other.Changes)
	}
}

func TestSettingsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for body, field := range map[string]string{
		`{"auto_sync":"yes"}`:                  "auto_sync",
		`{"closed_period":"never"}`:            "closed_period",
		`{"trade_customer":"nobody"}`:          "trade_customer",
		`{"cut_over_date":"2026-02-30"}`:       "cut_over_date",
		`{"cut_over_date":"1066-10-14"}`:       "cut_over_date",
		`{"pending":"maybe"}`:                  "pending",
		`{"auto_sync":false,"pending":"sync"}`: "pending",
		`{"exclude":{"cheques":true}}`:         "exclude.cheques",
		`{"colour":"red"}`:                     "colour",
	} {
		r := ask(t, s, "ana", http.MethodPatch, "/v1/settings", body, nil)
		if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	if r := ask(t, s, "ana", http.MethodPatch, "/v1/settings", `{"closed_period":"never","trade_customer":"nobody"}`, nil); !strings.Contains(r.body, "closed_period") || !strings.Contains(r.body, "trade_customer") {
		t.Errorf("both: %s", r.body)
	}
	for _, stale := range []string{`"99"`, "x"} {
		if r := ask(t, s, "ana", http.MethodPatch, "/v1/settings", `{"auto_sync":false}`, http.Header{"If-Match": {stale}}); r.status != http.StatusPreconditionFailed {
			t.Errorf("%s: %d %s", stale, r.status, r.body)
		}
	}
}

func TestWhoMaySetUp(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range [][2]string{
		{http.MethodGet, "/v1/settings"},
		{http.MethodPatch, "/v1/settings"},
		{http.MethodGet, "/v1/mapping"},
		{http.MethodPut, "/v1/mapping"},
		{http.MethodGet, "/v1/mapping/versions"},
		{http.MethodGet, "/v1/mapping/versions/1"},
		{http.MethodGet, "/v1/mapping/problems"},
		{http.MethodGet, "/v1/quickbooks/accounts"},
		{http.MethodGet, "/v1/quickbooks/classes"},
		{http.MethodGet, "/v1/quickbooks/departments"},
	} {
		for user, want := range map[string]int{"": http.StatusUnauthorized, "ben": http.StatusForbidden, "cleo": http.StatusForbidden} {
			if r := ask(t, s, user, c[0], c[1], "", nil); r.status != want || want == http.StatusForbidden && !strings.Contains(r.body, "integrations_admin") {
				t.Errorf("%s %s as %q: %d %s", c[0], c[1], user, r.status, r.body)
			}
		}
	}
}

// inList is a list of QuickBooks.
type inList struct {
	AsOf     string `json:"as_of"`
	Note     string
	Accounts []struct {
		ID, Name, Type string
		Active         bool
	}
	Classes     []struct{ ID, Name string }
	Departments []struct{ ID, Name string }
}

func listed(t *testing.T, s *local.System, user, list string) (l inList) {
	t.Helper()
	r := ask(t, s, user, http.MethodGet, "/v1/quickbooks/"+list, "", nil)
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r.into(t, &l)
	return l
}

func TestListsOfQuickBooksComeFromACacheThatIsOfTheCompany(t *testing.T) {
	t.Parallel()
	s := start(t)
	first := listed(t, s, "ana", "accounts")
	spent := s.Sim.Counted(local.WillowCreekRealm).Reads
	if again := listed(t, s, "ana", "accounts"); again.AsOf != first.AsOf || len(again.Accounts) != len(first.Accounts) || s.Sim.Counted(local.WillowCreekRealm).Reads != spent {
		t.Errorf("asked again: %+v, %d reads", again, s.Sim.Counted(local.WillowCreekRealm).Reads-spent)
	}
	if !s.Sim.Deactivate(local.WillowCreekRealm, "Account", "Office Supplies") {
		t.Fatal("there is no such account")
	}
	refreshed := listed(t, s, "ana", "accounts?refresh=true")
	inactive := 0
	for _, a := range refreshed.Accounts {
		if !a.Active {
			inactive++
		}
	}
	if refreshed.AsOf == first.AsOf || inactive != 1 || s.Sim.Counted(local.WillowCreekRealm).Reads != spent+1 {
		t.Errorf("refreshed: %d inactive, %d reads", inactive, s.Sim.Counted(local.WillowCreekRealm).Reads-spent)
	}
	for _, list := range []string{"classes", "departments"} {
		if l := listed(t, s, "ana", list); l.AsOf == "" || len(l.Classes)+len(l.Departments) != 0 {
			t.Errorf("%s: %+v", list, l)
		}
	}
	if err := s.Sim.Script(qbosim.Fault{Realm: local.WillowCreekRealm, Kind: "status", Status: 503, PathContains: "query", Times: 1}); err != nil {
		t.Fatal(err)
	}
	if l := listed(t, s, "ana", "accounts?refresh=true"); l.AsOf != refreshed.AsOf || !strings.Contains(l.Note, "could not be asked") || len(l.Accounts) != len(first.Accounts) {
		t.Errorf("QuickBooks does not answer: %+v", l)
	}
	if r := ask(t, s, "dan", http.MethodDelete, "/v1/connection", "", nil); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := ask(t, s, "dan", http.MethodGet, "/v1/quickbooks/accounts", "", nil); r.status != http.StatusConflict || !strings.Contains(r.body, "not connected") {
		t.Errorf("disconnected, and never read: %d %s", r.status, r.body)
	}
	if r := ask(t, s, "ana", http.MethodDelete, "/v1/connection", "", nil); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if l := listed(t, s, "ana", "accounts?refresh=true"); l.AsOf != refreshed.AsOf || !strings.Contains(l.Note, "not connected") {
		t.Errorf("disconnected: %+v", l)
	}
	back, cookie := consent(t, s, "dan", `{"other_company":true}`, local.WillowCreekRealm)
	if r := ask(t, s, "", http.MethodGet, back, "", cookie); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if l := listed(t, s, "dan", "accounts"); l.AsOf == refreshed.AsOf {
		t.Error("another organisation sees what this one had read")
	}
	token, err := s.TokenOf(org.Person{Subject: "eve", Name: "Eve", Org: "new-one", Permissions: []org.Permission{org.Manage}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/settings", "/v1/mapping", "/v1/mapping/problems", "/v1/quickbooks/accounts"} {
		r := ask(t, s, "", http.MethodGet, path, "", http.Header{"Authorization": {"Bearer " + token}})
		if r.status != http.StatusConflict || !strings.Contains(r.body, "not connected to QuickBooks yet") {
			t.Errorf("%s of an organisation that was never connected: %d %s", path, r.status, r.body)
		}
	}
}
