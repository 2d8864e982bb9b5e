package local_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// Each test named after a sentence of the help page shows that sentence over HTTP.

// read reads an address that must be answered with 200.
func read(t *testing.T, s *local.System, user, path string, into any) reply {
	t.Helper()
	r := ask(t, s, user, http.MethodGet, path, "", nil)
	if r.status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, r.status, r.body)
	}
	if into != nil {
		r.into(t, into)
	}
	return r
}

// sheet reads a download.
func sheet(t *testing.T, body io.Reader) (header []string, rows []map[string]string) {
	t.Helper()
	table, err := csv.NewReader(body).ReadAll()
	if err != nil || len(table) == 0 {
		t.Fatalf("%v %v", table, err)
	}
	for _, line := range table[1:] {
		row := map[string]string{}
		for i, name := range table[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return table[0], rows
}

// remap changes an organisation's mapping.
func remap(t *testing.T, s *local.System, organisation string, change func(*org.Mapping)) {
	t.Helper()
	c, err := s.Store.Config(t.Context(), organisation)
	if err != nil {
		t.Fatal(err)
	}
	change(&c.Mapping)
	if _, err := s.Store.PutConfig(t.Context(), c, c.Version); err != nil {
		t.Fatal(err)
	}
}

func TestSelectingDownloadWillDownloadDataInACSVIncludingHeaders(t *testing.T) {
	t.Parallel()
	s := start(t)
	first := send(t, s, event(local.MapleHill, "payment.created", "p1", 1, "c1", cash))
	send(t, s, event(local.MapleHill, "goods_and_services.signed", "g1", 1, "c2", signed))
	r := read(t, s, "dan", "/v1/entries.csv?tab=pending", nil)
	header, rows := sheet(t, strings.NewReader(r.body))
	if len(header) != 29 || header[0] != "entry id" || header[28] != "person" || len(rows) != 4 || r.header.Get("X-Rows") != "4" {
		t.Fatalf("%v %v", header, rows)
	}
	if got := r.header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="integration-log-pending-20`) {
		t.Error(got)
	}
	// What waits for review has the lines that would be posted.
	last := rows[3]
	for column, want := range map[string]string{
		"entry id": first, "transaction type": "payment.created", "case number": "no-c1", "decedent": "Vera Quill-c1", "credit": "10.00", "debit": "", "role": "accounts_receivable",
		"name": "Vera Quill-c1", "name kind": "Customer", "state": "pending", "record": "payment/p1", "event": "evt-p1-1", "date": "2026-03-04", "line": "2", "QuickBooks id": "", "person": "Ana Diaz", "problem group": "",
	} {
		if last[column] != want {
			t.Errorf("%s is %q, want %q", column, last[column], want)
		}
	}
	// Rows that are ticked, filters, and what is posted.
	_, ticked := sheet(t, strings.NewReader(read(t, s, "dan", "/v1/entries.csv?ids="+first, nil).body))
	_, filtered := sheet(t, strings.NewReader(read(t, s, "dan", "/v1/entries.csv?trigger=payment", nil).body))
	if diff := cmp.Diff(ticked, filtered); diff != "" || len(ticked) != 2 {
		t.Error(diff)
	}
	as(t, s, "dan", http.MethodPost, "/v1/entries/"+first+"/sync")
	synced := wait(t, s, local.MapleHill, first, intlog.Synced)
	_, posted := sheet(t, strings.NewReader(read(t, s, "dan", "/v1/entries.csv?ids="+first, nil).body))
	if p := synced.Postings[0]; len(posted) != 2 || posted[0]["DocNumber"] != p.Doc || posted[0]["QuickBooks id"] != p.QuickBooksID || posted[0]["person"] != "Dan Reyes" ||
		!strings.HasSuffix(posted[0]["link"], "/app/journal?txnId="+p.QuickBooksID) || posted[0]["synced"] == "" {
		t.Errorf("%v", posted)
	}
}

func TestAccountsHaveTheirNamesWhenTheChartWasReadOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := send(t, s, event(local.MapleHill, "payment.created", "p1", 1, "c1", cash))
	shown := func() (account, inDetail, inCSV string) {
		var d struct {
			Planned struct {
				Journal []struct {
					Lines []struct {
						Account string
						Name    string `json:"account_name"`
					}
				} `json:"journal_entries"`
			}
		}
		read(t, s, "dan", "/v1/entries/"+id, &d)
		_, rows := sheet(t, strings.NewReader(read(t, s, "dan", "/v1/entries.csv?ids="+id, nil).body))
		if len(d.Planned.Journal) != 1 || len(rows) != 2 {
			t.Fatalf("%+v, %v", d, rows)
		}
		line := d.Planned.Journal[0].Lines[0]
		return line.Account, line.Name, rows[0]["QuickBooks account"]
	}
	account, inDetail, inCSV := shown()
	if inDetail != "" || inCSV != account {
		t.Errorf("before: account %q, %q and %q", account, inDetail, inCSV)
	}
	as(t, s, "dan", http.MethodGet, "/v1/quickbooks/accounts")
	if _, inDetail, inCSV = shown(); inDetail != "Deposits Clearing" || inCSV != inDetail {
		t.Errorf("account %s is %q in details and %q in a download", account, inDetail, inCSV)
	}
}

func TestADownloadIsCompressedForWhoTakesIt(t *testing.T) {
	t.Parallel()
	s := start(t)
	send(t, s, event(local.MapleHill, "payment.created", "p1", 1, "c1", cash))
	r := ask(t, s, "dan", http.MethodGet, "/v1/entries.csv", "", http.Header{"Accept-Encoding": {"gzip"}})
	unpacked, err := gzip.NewReader(strings.NewReader(r.body))
	if err != nil || r.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v %v", err, r.header)
	}
	if _, rows := sheet(t, unpacked); len(rows) != 2 {
		t.Errorf("%v", rows)
	}
}

func TestADownloadIsOfOnesOwnOrganisation(t *testing.T) {
	t.Parallel()
	s := start(t)
	other := send(t, s, event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash))
	for _, path := range []string{"/v1/entries.csv?ids=" + other, "/v1/entries.csv?ids=payment.none.1", "/v1/entries.csv?ids=nothing"} {
		if r := ask(t, s, "dan", http.MethodGet, path, "", nil); r.status != http.StatusNotFound || problemIn(t, []byte(r.body)).Errors[0].Field != "ids" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := read(t, s, "dan", "/v1/entries.csv", nil); strings.Count(r.body, "\r\n") != 1 {
		t.Error(r.body)
	}
	for path, field := range map[string]string{"tab=lost": "tab", "amount_min=x": "amount_min", "cursor=x": "cursor", "ids=" + strings.Repeat("a.b.1&ids=", 1000) + "a.b.1": "ids"} {
		if r := ask(t, s, "dan", http.MethodGet, "/v1/entries.csv?"+path, "", nil); r.status != http.StatusUnprocessableEntity || problemIn(t, []byte(r.body)).Errors[0].Field != field {
			t.Errorf("%.40s: %d %s", path, r.status, r.body)
		}
	}
	if r := ask(t, s, "cleo", http.MethodGet, "/v1/entries.csv", "", nil); r.status != http.StatusForbidden {
		t.Errorf("without the permission: %d", r.status)
	}
}

// details is GET /v1/entries/{id}.
type details struct {
	Problem  string
	Group    string `json:"problem_group"`
	Sentence string
	Problems []struct{ Kind, Subject, Text, Who, Where, Next string }
	Journal  []struct {
		Doc   string `json:"doc_number"`
		Date  string
		URL   string `json:"quickbooks_url"`
		Lines []detailLine
	} `json:"journal_entries"`
	Planned *struct {
		Sentence string
		Journal  []struct {
			Date  string
			Lines []detailLine
		} `json:"journal_entries"`
		Because string `json:"not_posted_because"`
	}
	Attempts []struct{ At, Outcome, Code, Trace string }
	History  []struct{ At, Who, Why, To string }
	Versions []struct{ ID string }
	Related  []struct {
		Record, Entry, State, Sentence, Href string
		QuickBooks                           []struct{ ID, URL string }
	}
}

type detailLine struct {
	Debit, Credit, Account, Role, Name, Description string
	GL                                              string `json:"gl_account"`
	Kind                                            string `json:"name_kind"`
}

func (l detailLine) String() string {
	return strings.Join([]string{l.Debit + "/" + l.Credit, l.GL + l.Role, l.Kind, l.Name, l.Description}, " | ")
}

func shownLines(lines []detailLine) []string {
	list := []string{}
	for _, l := range lines {
		if l.Account == "" {
			list = append(list, "no account: "+l.String())
			continue
		}
		list = append(list, l.String())
	}
	return list
}

func TestClickOnTheTransactionTypeToSeeMoreDetails(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := send(t, s, event(local.MapleHill, "goods_and_services.signed", "g1", 1, "c1", signed))
	want := []string{
		"100.00/ | accounts_receivable | Customer | Vera Quill-c1 | Contract no-c1",
		"/100.00 | 4000 |  |  | Services",
	}
	var d details
	read(t, s, "dan", "/v1/entries/"+id, &d)
	if d.Planned == nil || len(d.Planned.Journal) != 1 || len(d.Problems) > 0 || !strings.HasPrefix(d.Sentence, "Signed by Ana Diaz") {
		t.Fatalf("%+v", d)
	}
	if diff := cmp.Diff(want, shownLines(d.Planned.Journal[0].Lines)); diff != "" {
		t.Errorf("what would be posted:\n%s", diff)
	}
	if n := len(s.Sim.Journal(local.MapleHillRealm)); n > 0 {
		t.Errorf("looking posts %d entries", n)
	}
	as(t, s, "dan", http.MethodPost, "/v1/entries/"+id+"/sync")
	synced := wait(t, s, local.MapleHill, id, intlog.Synced)
	d = details{}
	read(t, s, "dan", "/v1/entries/"+id, &d)
	if d.Planned != nil || len(d.Journal) != 1 || d.Journal[0].Doc != synced.Postings[0].Doc || !strings.HasSuffix(d.Journal[0].URL, "/app/journal?txnId="+synced.Postings[0].QuickBooksID) {
		t.Fatalf("%+v", d)
	}
	if diff := cmp.Diff(want, shownLines(d.Journal[0].Lines)); diff != "" {
		t.Errorf("what was posted:\n%s", diff)
	}
	if len(d.History) < 3 || d.History[1].Who != "Dan Reyes" || len(d.Versions) != 1 {
		t.Errorf("%+v %+v", d.History, d.Versions)
	}
}

func TestYouCanHoverOverAnErrorMessageToSeeTheFullDetails(t *testing.T) {
	t.Parallel()
	s := start(t)
	remap(t, s, local.WillowCreek, func(m *org.Mapping) { delete(m.GL, "4000"); delete(m.Roles, org.AccountsReceivable) })
	id := send(t, s, event(local.WillowCreek, "goods_and_services.signed", "g1", 1, "c1", signed))
	wait(t, s, local.WillowCreek, id, intlog.Failed)
	var list struct{ Entries []details }
	read(t, s, "ben", "/v1/entries?tab=errors", &list)
	if len(list.Entries) != 1 || list.Entries[0].Group != "mapping" || !strings.HasPrefix(list.Entries[0].Problem, "Map account ") {
		t.Errorf("the list: %+v", list)
	}
	var d details
	read(t, s, "ben", "/v1/entries/"+id, &d)
	var subjects []string
	for _, p := range d.Problems {
		subjects = append(subjects, p.Subject)
		if p.Text == "" || p.Who != "administrator" || p.Where != "Mapping" || p.Next != "Then the entry goes by itself." {
			t.Errorf("%+v", p)
		}
	}
	if diff := cmp.Diff([]string{"account accounts_receivable", "account gl:4000"}, subjects); diff != "" || d.Planned == nil || len(d.Planned.Journal[0].Lines) != 2 {
		t.Errorf("%s\n%+v", diff, d.Planned)
	}
	// A refusal of QuickBooks: what it said, its code and its number for support.
	remap(t, s, local.WillowCreek, func(m *org.Mapping) { m.Roles[org.AccountsReceivable], m.GL["4000"] = "84", "84" })
	script(t, s, "journalentry", "status", http.StatusBadRequest, `{"Fault":{"Error":[{"Message":"x","Detail":"Business Validation Error: no","code":"6000","element":""}],"type":"ValidationFault"}}`)
	refused := send(t, s, event(local.WillowCreek, "payment.created", "p1", 1, "c2", cash))
	wait(t, s, local.WillowCreek, refused, intlog.Failed)
	d = details{}
	read(t, s, "ben", "/v1/entries/"+refused, &d)
	if len(d.Attempts) != 1 || d.Attempts[0].Code != "6000" || d.Attempts[0].Trace == "" || d.Attempts[0].At == "" {
		t.Fatalf("%+v", d.Attempts)
	}
	if len(d.Problems) == 0 || !strings.Contains(d.Problems[0].Text, "Business Validation Error: no") || d.Problems[0].Who == "" || d.Problems[0].Next == "" {
		t.Errorf("%+v", d)
	}
}

const (
	received = `"method":"check","amount":"10.00","date":"2026-03-04"`
	banked   = `"bank":"operating","date":"2026-03-05","members":[{"record":{"type":"payment","id":"p1"},"amount":"10.00","method":"check"}],"fees":"0.00","total":"10.00"`
)

func TestWhatAnotherRecordPostsSaysWhereItIs(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := local.WillowCreek
	wait(t, s, w, send(t, s, event(w, "payment.created", "p1", 1, "c1", received)), intlog.Synced)
	batch := send(t, s, event(w, "batch_payment.processed", "51", 1, "", banked))
	posted := wait(t, s, w, batch, intlog.Synced)
	deleted := send(t, s, event(w, "payment.deleted", "p1", 2, "c1", received+`,"deleted_on":"2026-03-06"`))
	wait(t, s, w, deleted, intlog.Waiting)
	var d details
	read(t, s, "ana", "/v1/entries/"+deleted, &d)
	if len(d.Problems) != 1 || !strings.HasPrefix(d.Problems[0].Text, "Not posted: already in batch 51") || len(d.Related) != 1 || d.Related[0].Entry != batch ||
		len(d.Related[0].QuickBooks) != 1 || !strings.HasSuffix(d.Related[0].QuickBooks[0].URL, "txnId="+posted.Postings[0].QuickBooksID) {
		t.Fatalf("%+v", d)
	}
	read(t, s, "ana", d.Related[0].Href, nil)
	echo := swap(event(w, "ledger.funds_added", "l1", 1, "", typed), `"amount":"12.00"`, `"amount":"12.00","echo_of":{"type":"batch_payment","id":"51"}`)
	mirrored := send(t, s, echo)
	wait(t, s, w, mirrored, intlog.Excluded)
	d = details{}
	read(t, s, "ana", "/v1/entries/"+mirrored, &d)
	if !strings.Contains(d.Sentence, "Not posted: already in batch 51") || len(d.Related) != 1 || d.Related[0].Entry != batch {
		t.Errorf("%+v", d)
	}
}

// caseHistory is GET /v1/cases/{id}/history.
type caseHistory struct {
	Case  struct{ ID, Number, Decedent string }
	Pages []struct {
		Page   string
		Flows  bool
		Button bool   `json:"button_visible"`
		By     string `json:"clicked_by"`
		At     string `json:"clicked_at"`
		Syncs  []struct {
			Entry, State, At, Person, Sentence, Amount, Next string
			QuickBooks                                       []struct{ ID, URL string }
		}
	}
	Next string
}

func TestYouCanSeeTheQBOSyncStatusInDetailedHistoryPagesOfGoodsAndServicesAndPaymentsAndAdjustments(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := local.WillowCreek
	goods := send(t, s, event(w, "goods_and_services.signed", "g1", 1, "c1", signed))
	paid := send(t, s, event(w, "payment.created", "p1", 1, "c1", cash))
	for _, id := range []string{goods, paid, send(t, s, event(w, "payment.created", "p2", 1, "c2", cash))} {
		wait(t, s, w, id, intlog.Synced)
	}
	remap(t, s, w, func(m *org.Mapping) { delete(m.Roles, org.DepositsClearing) })
	failed := send(t, s, event(w, "payment.created", "p3", 1, "c1", cash))
	wait(t, s, w, failed, intlog.Failed)
	var h caseHistory
	read(t, s, "ben", "/v1/cases/c1/history", &h)
	if len(h.Pages) != 2 || h.Case.Number != "no-c1" || h.Case.Decedent != "Vera Quill-c1" || h.Next != "" {
		t.Fatalf("%+v", h)
	}
	got := map[string][]string{}
	for _, p := range h.Pages {
		for _, x := range p.Syncs {
			got[p.Page] = append(got[p.Page], x.Entry+" "+x.State+" "+x.Person+" "+x.Amount)
			if x.At == "" || (x.State == "synced") != (len(x.QuickBooks) == 1) || x.State == "failed" && x.Next == "" || x.Sentence == "" {
				t.Errorf("%+v", x)
			}
		}
	}
	want := map[string][]string{
		"goods_and_services":       {goods + " synced Ana Diaz 100.00"},
		"payments_and_adjustments": {failed + " failed Ana Diaz 10.00", paid + " synced Ana Diaz 10.00"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var other, none caseHistory
	read(t, s, "dan", "/v1/cases/c1/history", &other)
	read(t, s, "dan", "/v1/cases/c9/history", &none)
	none.Case.ID = other.Case.ID
	if diff := cmp.Diff(none, other); diff != "" {
		t.Errorf("another organisation's case is not like one that does not exist:\n%s", diff)
	}
}

func TestThisButtonIsOnTheGoodsAndServicesAndPaymentsAndAdjustmentsPagesAndIsOnlyVisibleIfTheSettingIsOff(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, automatic := range []bool{true, false} {
		set(t, s, local.WillowCreek, func(x *org.Settings) { x.AutoAddToExports = automatic })
		var h caseHistory
		read(t, s, "ben", "/v1/cases/c1/history", &h)
		var pages []string
		for _, p := range h.Pages {
			if pages = append(pages, p.Page); p.Button == automatic || p.Flows != automatic {
				t.Errorf("with the setting %t: %+v", automatic, p)
			}
		}
		if diff := cmp.Diff([]string{"goods_and_services", "payments_and_adjustments"}, pages); diff != "" {
			t.Error(diff)
		}
		r := ask(t, s, "ben", http.MethodPost, "/v1/cases/c1/pages/goods_and_services/add-to-accounting-export", "", nil)
		if want := map[bool]int{true: http.StatusConflict, false: http.StatusOK}[automatic]; r.status != want {
			t.Errorf("with the setting %t a click is answered %d %s", automatic, r.status, r.body)
		}
	}
	for user, want := range map[string]int{"cleo": http.StatusForbidden, "ben": http.StatusUnprocessableEntity} {
		if r := ask(t, s, user, http.MethodPost, "/v1/cases/c1/pages/checks/add-to-accounting-export", "", nil); r.status != want {
			t.Errorf("%s on another page: %d %s", user, r.status, r.body)
		}
	}
}

func TestOnceTheAddToAccountingExportButtonIsClickedInACaseAllSubsequentDataFromThatPageAutomaticallySyncs(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := local.WillowCreek
	set(t, s, w, func(x *org.Settings) { x.AutoAddToExports = false })
	held := []string{send(t, s, event(w, "payment.created", "p1", 1, "c1", cash)), send(t, s, event(w, "payment.updated", "p1", 2, "c1", strings.Replace(cash, "10.00", "12.00", 1)))}
	goods := send(t, s, event(w, "goods_and_services.signed", "g1", 1, "c1", signed))
	const button = "/v1/cases/c1/pages/payments_and_adjustments/add-to-accounting-export"
	click := func(user string) (c struct {
		Released int
		By       string `json:"clicked_by"`
		At       string `json:"clicked_at"`
	},
	) {
		t.Helper()
		r := ask(t, s, user, http.MethodPost, button, "", nil)
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		r.into(t, &c)
		return c
	}
	first := click("ben")
	if first.Released != 2 || first.By != "Ben Okafor" || first.At == "" {
		t.Errorf("%+v", first)
	}
	wait(t, s, w, held[1], intlog.Synced)
	if again := click("ana"); again.Released != 0 || again.By != "Ben Okafor" || again.At != first.At {
		t.Errorf("a second click: %+v", again)
	}
	for _, id := range []string{"p2", "p3"} {
		wait(t, s, w, send(t, s, event(w, "payment.created", id, 1, "c1", cash)), intlog.Synced)
	}
	if got := state(t, s, w, goods); got != intlog.Held {
		t.Errorf("the other page is %s", got)
	}
	var h caseHistory
	read(t, s, "ben", "/v1/cases/c1/history", &h)
	if g, p := h.Pages[0], h.Pages[1]; g.Flows || g.By != "" || !p.Flows || p.By != "Ben Okafor" || len(p.Syncs) != 4 {
		t.Errorf("%+v", h)
	}
}

// inBooks reads an address of QuickBooks' own API.
func inBooks(t *testing.T, s *local.System, organisation, realm, path string, into any) {
	t.Helper()
	token, err := s.Keeper.Token(t.Context(), org.Company{Org: organisation, Realm: realm})
	if err != nil {
		t.Fatal(err)
	}
	r := ask(t, s, "", http.MethodGet, s.QBOURL+"/v3/company/"+realm+path, "", http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/json"}})
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r.into(t, into)
}

// transactionsOf are the lines that carry a name in QuickBooks' own journal report.
func transactionsOf(t *testing.T, s *local.System, name string) (lines []string) {
	t.Helper()
	var report struct {
		Rows struct {
			Row []struct{ ColData []struct{ Value string } }
		}
	}
	inBooks(t, s, local.WillowCreek, local.WillowCreekRealm, "/reports/JournalReport?start_date=2026-01-01&end_date=2026-12-31", &report)
	for _, row := range report.Rows.Row {
		var cells []string
		for _, cell := range row.ColData {
			cells = append(cells, cell.Value)
		}
		if slices.Contains(cells, name) {
			lines = append(lines, strings.Join(cells, " | "))
		}
	}
	return lines
}

func TestFinancialsLinkedToACustomerWillAppearInThatCustomersRecord(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := local.WillowCreek
	for _, body := range []string{event(w, "goods_and_services.signed", "g1", 1, "c1", signed), event(w, "payment.created", "p1", 1, "c1", cash)} {
		wait(t, s, w, send(t, s, body), intlog.Synced)
	}
	var found struct {
		QueryResponse struct {
			Customer []struct {
				DisplayName string
				Balance     json.Number
			}
		}
	}
	query := url.QueryEscape("select * from Customer where DisplayName = 'Vera Quill-c1'")
	inBooks(t, s, w, local.WillowCreekRealm, "/query?query="+query, &found)
	if c := found.QueryResponse.Customer; len(c) != 1 || c[0].Balance.String() != "90.00" && c[0].Balance.String() != "90" {
		t.Errorf("%+v", c)
	}
	if lines := transactionsOf(t, s, "Vera Quill-c1"); len(lines) != 3 { // the contract's receivable, and both lines of the payment
		t.Errorf("%q", lines)
	}
}

func TestFinancialsLinkedToAVendorWillAppearInThatVendorsRecord(t *testing.T) {
	t.Parallel()
	s := start(t)
	check := strings.Replace(printed, `"payee":{"name":"Shop"}`, `"payee":{"name":"Willow Florist","rolodex_id":"r7"}`, 1)
	wait(t, s, local.WillowCreek, send(t, s, event(local.WillowCreek, "check.printed", "k1", 1, "", check)), intlog.Synced)
	if lines := transactionsOf(t, s, "Willow Florist"); len(lines) != 1 || !strings.Contains(lines[0], "20.00") {
		t.Errorf("%v", lines)
	}
}

// previewed is POST /v1/entries/preview.
type previewed struct {
	ID, State, Why string
	Planned        struct {
		Sentence string
		Journal  []struct {
			Date  string
			Lines []detailLine
		} `json:"journal_entries"`
		Because string `json:"not_posted_because"`
	}
	Problems []struct{ Kind, Text, Next string }
	Warnings []string
}

func TestAPreviewShowsWhatAnEventWouldBecomeAndStoresNothing(t *testing.T) {
	t.Parallel()
	s := start(t)
	preview := func(user, body string) (reply, previewed) {
		t.Helper()
		r := ask(t, s, user, http.MethodPost, "/v1/entries/preview", body, http.Header{"Content-Type": {one}})
		var p previewed
		r.into(t, &p)
		return r, p
	}
	before := s.Sim.Journal(local.MapleHillRealm)
	r, p := preview("dan", event(local.MapleHill, "payment.created", "p1", 1, "c1", cash))
	want := []string{"10.00/ | deposits_clearing | Customer | Vera Quill-c1 | Cash", "/10.00 | accounts_receivable | Customer | Vera Quill-c1 | Cash"}
	if r.status != http.StatusOK || p.State != "pending" || p.Why == "" || len(p.Planned.Journal) != 1 || len(p.Problems) > 0 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if diff := cmp.Diff(want, shownLines(p.Planned.Journal[0].Lines)); diff != "" {
		t.Error(diff)
	}
	if list := read(t, s, "dan", "/v1/entries", nil); !strings.Contains(list.body, `"entries":[]`) || len(s.Sim.Journal(local.MapleHillRealm)) != len(before) {
		t.Errorf("something is stored: %s", list.body)
	}
	// A change of what is posted is its difference, and all problems come at once.
	id := send(t, s, event(local.MapleHill, "payment.created", "p1", 1, "c1", cash))
	as(t, s, "dan", http.MethodPost, "/v1/entries/"+id+"/sync")
	wait(t, s, local.MapleHill, id, intlog.Synced)
	r, p = preview("dan", event(local.MapleHill, "payment.updated", "p1", 2, "c1", strings.Replace(cash, "10.00", "12.00", 1)))
	if r.status != http.StatusOK || len(p.Planned.Journal) != 1 || p.Planned.Journal[0].Lines[0].Debit != "2.00" {
		t.Errorf("%d %s", r.status, r.body)
	}
	remap(t, s, local.MapleHill, func(m *org.Mapping) { delete(m.GL, "4000"); delete(m.Roles, org.AccountsReceivable) })
	if r, p = preview("dan", event(local.MapleHill, "goods_and_services.signed", "g1", 1, "c1", signed)); len(p.Problems) != 2 || p.Problems[0].Next == "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"wrong fields":                         {swap(payment, `"10.00"`, `10`), http.StatusUnprocessableEntity},
		"another organisation's event":         {event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash), http.StatusUnprocessableEntity},
		"other data under a version that came": {event(local.MapleHill, "payment.created", "p1", 1, "c1", strings.Replace(cash, "10.00", "11.00", 1)), http.StatusConflict},
		"no JSON":                              {"{", http.StatusBadRequest},
	} {
		if r, _ := preview("dan", c.body); r.status != c.status {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if kept, err := s.Store.Quarantined(t.Context(), local.MapleHill); len(kept) > 0 || err != nil {
		t.Errorf("%d deliveries in quarantine, %v", len(kept), err)
	}
}

func TestTheSummarySaysWhatWaitsAndHowTheConnectionIs(t *testing.T) {
	t.Parallel()
	s := start(t)
	var all struct {
		Tabs []struct {
			Tab, Amount, Oldest, Says string
			Count                     int
		}
		Connection struct{ State, Says string }
		AtRisk     struct {
			Cases  int
			Amount string
			Says   string
		} `json:"at_risk"`
	}
	read(t, s, "dan", "/v1/summary", &all)
	if all.AtRisk.Says != "All agrees: nothing waits." || all.Connection.State != "connected" || !strings.HasPrefix(all.Connection.Says, "QuickBooks is connected to ") || len(all.Tabs) != 3 {
		t.Errorf("%+v", all)
	}
	send(t, s, event(local.MapleHill, "payment.created", "p1", 1, "c1", cash))
	read(t, s, "dan", "/v1/summary", &all)
	const waits = "Nothing has waited for more than 24 h; 1 entry waits now."
	if w := all.Tabs[0]; w.Tab != "pending" || w.Count != 1 || w.Amount != "10.00" || w.Oldest == "" || w.Says != "1 entry, $10.00" || all.AtRisk.Says != waits {
		t.Errorf("%+v", all)
	}
	_, etag := connection(t, s, "ana")
	if r := ask(t, s, "ana", http.MethodDelete, "/v1/connection", "", http.Header{"If-Match": {etag}}); r.status != http.StatusOK {
		t.Fatal(r.body)
	}
	r := read(t, s, "ben", "/v1/summary", &all)
	if all.Connection.State != "disconnected" || !strings.Contains(all.Connection.Says, "was disconnected on") || strings.Contains(r.body, "Ana") {
		t.Errorf("%+v", all)
	}
}

func TestAMonthThatIsClosedShowsWhatCameAfterIt(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := local.WillowCreek
	s.Sim.SetSwitches(local.WillowCreekRealm, qbosim.Switches{BookCloseDate: "2026-03-31"})
	remap(t, s, w, func(*org.Mapping) {})
	c, err := s.Store.Config(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	c.CloseDate = "2026-03-31"
	if _, err := s.Store.PutConfig(t.Context(), c, c.Version); err != nil {
		t.Fatal(err)
	}
	held := send(t, s, event(w, "payment.created", "p1", 1, "c1", cash))
	wait(t, s, w, held, intlog.Failed)
	set(t, s, w, func(x *org.Settings) { x.ClosedPeriod = org.FirstOpenDay })
	moved := send(t, s, event(w, "goods_and_services.signed", "g1", 1, "c2", signed))
	synced := wait(t, s, w, moved, intlog.Synced)
	wait(t, s, w, send(t, s, event(w, "payment.created", "p2", 1, "c2", strings.Replace(cash, "03-04", "04-04", 1))), intlog.Synced)
	type list struct {
		Moved   string `json:"moved_amount"`
		Held    string `json:"held_amount"`
		Changes []struct {
			Entry, Outcome, Amount, Person, Problem string
			Original                                []string `json:"original_dates"`
			Posted                                  string   `json:"posted_date"`
			URL                                     string   `json:"quickbooks_url"`
		}
		Next string
	}
	var march list
	read(t, s, "ben", "/v1/prior-period-changes?month=2026-03", &march)
	got := []string{march.Moved, march.Held}
	for _, x := range march.Changes {
		linked := strings.HasSuffix(x.URL, "txnId="+synced.Postings[0].QuickBooksID)
		got = append(got, fmt.Sprint(x.Entry, " ", x.Outcome, " ", x.Original, " ", x.Posted, " ", x.Amount, " ", x.Person, " ", x.Problem != "", " ", linked))
	}
	want := []string{"100.00", "10.00", moved + " moved [2026-03-02] 2026-04-01 100.00 Ana Diaz false true", held + " held [2026-03-04]  10.00 Ana Diaz true false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for month, n := range map[string]int{"": 2, "?month=2026-02": 0} {
		var other list
		if read(t, s, "ben", "/v1/prior-period-changes"+month, &other); len(other.Changes) != n {
			t.Errorf("%s: %+v", month, other)
		}
	}
	if r := ask(t, s, "ben", http.MethodGet, "/v1/prior-period-changes?month=2026-13", "", nil); r.status != http.StatusUnprocessableEntity || problemIn(t, []byte(r.body)).Errors[0].Field != "month" {
		t.Errorf("%d %s", r.status, r.body)
	}
}
