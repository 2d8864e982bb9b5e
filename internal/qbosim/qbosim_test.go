package qbosim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/qbosim"
)

const (
	realm = "1001"
	other = "1002"
)

// bench is a simulator on real HTTP with two companies and a fixed clock.
type bench struct {
	t     *testing.T
	sim   *qbosim.Sim
	url   string
	token string
	now   time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchOf(t, qbosim.Options{})
}

// newBenchOf is newBench with options of its own beside the clock and the client.
func newBenchOf(t *testing.T, o qbosim.Options) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 5, 5, 10, 20, 37, 245e6, time.UTC)}
	o.Now, o.ClientID, o.ClientSecret = func() time.Time { return b.now }, "id", "secret"
	b.sim = qbosim.New(o)
	for _, r := range []string{realm, other} {
		err := b.sim.AddCompany(qbosim.Company{Realm: r, Name: "Company " + r, Classes: []string{"Main"}, Departments: []string{"Austin"}, Accounts: []qbosim.NewAccount{
			{Name: "Receivable", AccountType: "Accounts Receivable"}, {Name: "Checking", AccountType: "Bank"}, {Name: "Sales", AccountType: "Income"}, {Name: "Payable", AccountType: "Accounts Payable"},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(b.sim.Handler())
	t.Cleanup(server.Close)
	b.url = server.URL
	b.token = b.grant(realm)
	return b
}

// The ids of the accounts, class and department that newBench makes.
const receivable, checking, sales, payable, class, department = "1", "2", "3", "4", "5", "6"

func (b *bench) grant(r string) string {
	b.t.Helper()
	_, _, body := b.form("/oauth2/v1/tokens/bearer", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {b.sim.Grant(r)}})
	var tokens struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &tokens); err != nil || tokens.Access == "" {
		b.t.Fatalf("%v: %s", err, body)
	}
	return tokens.Access
}

func (b *bench) form(path string, form url.Values) (int, http.Header, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("id", "secret")
	return b.do(req)
}

func (b *bench) do(req *http.Request) (int, http.Header, string) {
	b.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(res.Header.Values("intuit_tid")) == 0 && len(res.Header["Intuit_tid"]) == 0 {
		b.t.Errorf("%s has no intuit_tid", req.URL.Path)
	}
	return res.StatusCode, res.Header, string(body)
}

func (b *bench) call(method, path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+"/v3/company/"+realm+"/"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	status, _, answer := b.do(req)
	return status, answer
}

func (b *bench) post(path, body string) (int, string) {
	b.t.Helper()
	return b.call(http.MethodPost, path, body)
}

func line(side, amount, account string, more ...string) string {
	return fmt.Sprintf(`{"Amount":%s,"DetailType":"JournalEntryLineDetail","JournalEntryLineDetail":{"PostingType":%q,"AccountRef":{"value":%q}%s}}`, amount, side, account, strings.Join(more, ""))
}

func named(kind, id string) string {
	return fmt.Sprintf(`,"Entity":{"Type":%q,"EntityRef":{"value":%q}}`, kind, id)
}

func entry(doc, date string, lines ...string) string {
	return fmt.Sprintf(`{"DocNumber":%q,"TxnDate":%q,"PrivateNote":"a note","Line":[%s]}`, doc, date, strings.Join(lines, ","))
}

func (b *bench) customer(name string) string {
	b.t.Helper()
	status, body := b.post("customer", fmt.Sprintf(`{"DisplayName":%q}`, name))
	var c struct {
		Customer struct {
			ID string `json:"Id"`
		}
	}
	if err := json.Unmarshal([]byte(body), &c); err != nil || status != 200 {
		b.t.Fatalf("%d %s", status, body)
	}
	return c.Customer.ID
}

func TestAnEntryIsAnsweredAsQuickBooksDoes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	john := b.customer("John Smith")
	status, got := b.post("journalentry?minorversion=75&requestid=r1", entry("JE-001", "2024-05-05",
		line("Debit", "100", receivable, named("Customer", john)), line("Credit", `"100.00"`, sales, `,"ClassRef":{"value":"`+class+`"},"DepartmentRef":{"value":"`+department+`","name":""}`)))
	want := `{"JournalEntry":{"Adjustment":false,"TotalAmt":0,"domain":"QBO","sparse":false,"Id":"8","SyncToken":"0",` +
		`"MetaData":{"CreateTime":"2026-05-05T03:20:37-07:00","LastUpdatedTime":"2026-05-05T03:20:37-07:00"},` +
		`"DocNumber":"JE-001","TxnDate":"2024-05-05","CurrencyRef":{"value":"USD","name":"United States Dollar"},"PrivateNote":"a note",` +
		`"Line":[{"Id":"0","Amount":100.00,"DetailType":"JournalEntryLineDetail","JournalEntryLineDetail":{"PostingType":"Debit","Entity":{"Type":"Customer","EntityRef":{"value":"7","name":"John Smith"}},"AccountRef":{"value":"1","name":"Receivable"}},"CustomExtensions":[]},` +
		`{"Id":"1","Amount":100.00,"DetailType":"JournalEntryLineDetail","JournalEntryLineDetail":{"PostingType":"Credit","AccountRef":{"value":"3","name":"Sales"},"ClassRef":{"value":"5","name":"Main"},"DepartmentRef":{"value":"6","name":"Austin"}},"CustomExtensions":[]}],` +
		`"TxnTaxDetail":{}},"time":"2026-05-05T03:20:37.245-07:00"}`
	if diff := cmp.Diff(want, got); status != 200 || diff != "" {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
	if b.sim.CustomerBalance(realm, "John Smith") != 10000 || b.sim.Balances(realm)["Sales"] != -10000 {
		t.Error("the balances did not move")
	}
	if _, again := b.call(http.MethodGet, "journalentry/8", ""); again != want {
		t.Errorf("read: %s", again)
	}
}

func TestPacificTimeChangesWithTheSeason(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for at, want := range map[string]string{
		"2026-03-08T09:59:59Z": "01:59:59.000-08:00", "2026-03-08T10:00:00Z": "03:00:00.000-07:00", "2026-11-01T08:59:59Z": "01:59:59.000-07:00", "2026-11-01T09:00:00Z": "01:00:00.000-08:00",
	} {
		b.now, _ = time.Parse(time.RFC3339, at)
		b.token = b.grant(realm)
		if _, body := b.call(http.MethodGet, "preferences", ""); !strings.Contains(body, want) {
			t.Errorf("%s: %s", at, body)
		}
	}
}

func TestNamesShareOneSpace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.customer("John Smith")
	for body, code := range map[string]string{
		`{"DisplayName":"john SMITH"}`: "6240", `{"DisplayName":"a:b"}`: "2040", `{"DisplayName":""}`: "6080", `{"DisplayName":"` + strings.Repeat("x", 101) + `"}`: "2050",
	} {
		for _, kind := range []string{"customer", "vendor"} {
			if status, answer := b.post(kind, body); status != 400 || !strings.Contains(answer, `"code":"`+code+`"`) {
				t.Errorf("%s %s: %d %s", kind, body, status, answer)
			}
		}
	}
	b.sim.Deactivate(realm, "Customer", "John Smith")
	if _, body := b.post("query", "select * from Customer"); strings.Contains(body, "John") {
		t.Errorf("an inactive customer is shown: %s", body)
	}
	if _, body := b.post("query", "select * from Customer where Active in (true, false)"); !strings.Contains(body, `"DisplayName":"John Smith (deleted)"`) {
		t.Errorf("%s", body)
	}
	b.customer("John Smith")
}

func TestQueries(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, name := range []string{"Sean O'Brien", "amy", "Zoe & Co", `Back\slash`} {
		b.customer(name)
	}
	for i := range 3 {
		b.now = b.now.Add(time.Minute)
		b.post("journalentry", entry(fmt.Sprintf("D%d", i), "2026-05-05", line("Debit", "1.00", checking), line("Credit", "1.00", sales)))
	}
	names := func(statement string) []string {
		status, body := b.post("query", statement)
		var r struct {
			QueryResponse struct {
				Customer, Account []struct{ DisplayName, Name string }
				JournalEntry      []struct{ DocNumber string }
			}
		}
		if err := json.Unmarshal([]byte(body), &r); err != nil || status != 200 {
			t.Errorf("%s: %d %s", statement, status, body)
		}
		list := []string{}
		for _, c := range r.QueryResponse.Customer {
			list = append(list, c.DisplayName)
		}
		for _, a := range r.QueryResponse.Account {
			list = append(list, a.Name)
		}
		for _, e := range r.QueryResponse.JournalEntry {
			list = append(list, e.DocNumber)
		}
		return list
	}
	for statement, want := range map[string][]string{
		`select * from Customer where DisplayName = 'sean o\'brien'`:                       {"Sean O'Brien"},
		`SELECT * FROM customer WHERE displayname LIKE '%O%'`:                              {"Sean O'Brien", "Zoe & Co"},
		`select * from Customer where DisplayName = 'Back\\slash'`:                         {`Back\slash`},
		`select from Customer where DisplayName in ('amy', 'Zoe & Co')`:                    {"Zoe & Co", "amy"},
		`select * from Customer where DisplayName = 'nobody'`:                              {},
		`select * from Customer startposition 2 maxresults 2`:                              {"Sean O'Brien", "Zoe & Co"},
		`select * from Account where AccountType = 'Bank'`:                                 {"Checking"},
		`select * from journalEntry`:                                                       {"D2", "D1", "D0"},
		`select * from JournalEntry Order By DocNumber`:                                    {"D0", "D1", "D2"},
		`select * from JournalEntry where DocNumber in ('D0','D2','none') orderby Id desc`: {"D2", "D0"},
		`select * from JournalEntry where TxnDate >= '2026-05-05' AND DocNumber = 'D1'`:    {"D1"},
		`select * from JournalEntry where DocNumber = 'D1' maxresults 1 startposition 1`:   {"D1"},
		`select  *  from JournalEntry where DocNumber = 'D1' and TxnDate < '2026-05-05'`:   {},
	} {
		if diff := cmp.Diff(want, names(statement)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", statement, diff)
		}
	}
	for statement, want := range map[string]string{
		"select * from Customer where Balance > 0":             `"code":"4000"`,
		"select * from Customer where DisplayName = 'O'Brien'": `"code":"4000"`,
		"selekt * from Customer":                               `"code":"4000"`,
		"select * from Custmoer":                               "invalid context declaration: Custmoer",
		"select * from JournalEntry where PrivateNote = 'x'":   "not queryable",
		"select * from Customer startposition 0":               "value 0 is too small. Min allowed value is 1",
		"select * from Customer maxresults 1001":               "value 1001 is too large. Max allowed value is 1000",
		"select * from Customer where DisplayName = 'x":        `"code":"4000"`,
		"": `"code":"4000"`,
	} {
		if status, body := b.post("query", statement); status != 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", statement, status, body)
		}
	}
	if _, body := b.call(http.MethodGet, "query?query="+url.QueryEscape("select count(*) from Customer"), ""); !strings.HasPrefix(body, `{"QueryResponse":{"totalCount":4},`) {
		t.Error(body)
	}
	if _, body := b.post("query", "select * from Customer where DisplayName = 'nobody'"); !strings.HasPrefix(body, `{"QueryResponse":{},`) {
		t.Error(body)
	}
}

func TestARequestidIsAnsweredAsTheFirstTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body := entry("D", "2026-05-05", line("Debit", "1.00", checking), line("Credit", "1.00", sales))
	_, first := b.post("journalentry?requestid=r1", body)
	b.now = b.now.Add(time.Minute)
	if _, again := b.post("journalentry?requestid=r1", body); again != first || len(b.sim.Journal(realm)) != 1 {
		t.Errorf("%s\n%s", first, again)
	}
	bad := entry("D", "2026-05-05", line("Debit", "1.00", checking))
	b.post("journalentry?requestid=r2", bad)
	if status, _ := b.post("journalentry?requestid=r2", body); status != 200 {
		t.Error("a refusal is remembered without being asked to")
	}
	b.sim.SetSwitches(realm, qbosim.Switches{ReplayFailures: true})
	b.post("journalentry?requestid=r3", bad)
	if status, _ := b.post("journalentry?requestid=r3", body); status != 400 {
		t.Error("a refusal is not remembered")
	}
	b.sim.SetSwitches(realm, qbosim.Switches{IgnoreRequestID: true})
	n := len(b.sim.Journal(realm))
	b.post("journalentry?requestid=r1", body)
	if len(b.sim.Journal(realm)) != n+1 {
		t.Error("requestid is honoured though it should be ignored")
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	fresh := b.token
	for name, c := range map[string]struct {
		token  string
		after  time.Duration
		status int
		body   string
	}{
		"none":                    {"", 0, 401, `"code":"3200"`},
		"invented":                {"eyJ", 0, 401, `"type":"AUTHENTICATION"`},
		"expired":                 {fresh, time.Hour, 401, "Token expired"},
		"another company's token": {b.grant(other), 0, 403, `"code":"3100"`},
	} {
		b.now = b.now.Add(c.after)
		b.token = c.token
		if status, body := b.call(http.MethodGet, "companyinfo/"+realm, ""); status != c.status || !strings.Contains(body, c.body) || !strings.HasPrefix(body, `{"warnings":null,"intuitObject":null,"fault":{"error":[{"message":`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
		b.now = b.now.Add(-c.after)
	}
	refresh := b.sim.Grant(realm)
	use := func(token string) (int, string) {
		status, _, body := b.form("/oauth2/v1/tokens/bearer", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
		return status, body
	}
	if _, body := use(refresh); !strings.HasPrefix(body, `{"x_refresh_token_expires_in":8726400,"refresh_token":"`+refresh+`","access_token":"eyJ`) || !strings.HasSuffix(body, `"token_type":"bearer","expires_in":3600}`) {
		t.Error(body)
	}
	b.now = b.now.Add(24 * time.Hour)
	if _, body := use(refresh); strings.Contains(body, refresh) || !strings.Contains(body, "refresh_token") {
		t.Errorf("a refresh token of a day is not replaced: %s", body)
	}
	if status, body := use(refresh); status != 400 || body != `{"error_description":"Token invalid","error":"invalid_grant"}` {
		t.Errorf("%d %s", status, body)
	}
	again := b.sim.Grant(realm)
	b.form("/v2/oauth2/tokens/revoke", url.Values{"token": {again}})
	if status, _ := use(again); status != 400 {
		t.Error("a revoked token is good")
	}
}

func TestScriptedFaultsAndSwitches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body := entry("D", "2026-05-05", line("Debit", "1.00", checking), line("Credit", "1.00", sales))
	post := func(path, body string) int {
		res, err := http.Post(b.url+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if status := post("/_sim/faults", `{"realm":"`+realm+`","path_contains":"journalentry","times":1,"kind":"commit_then_status","status":504,"body":"late"}`); status != 204 {
		t.Fatal(status)
	}
	if status, answer := b.post("journalentry", body); status != 504 || answer != "late" || len(b.sim.Journal(realm)) != 1 {
		t.Errorf("%d %s", status, answer)
	}
	if status, _ := b.post("journalentry", body); status != 200 {
		t.Error("the fault came twice")
	}
	for _, bad := range []string{`{"kind":"explode","times":1}`, `{"kind":"drop"}`, `{"kind":"status","times":1}`, `{"kynd":"drop"}`} {
		if status := post("/_sim/faults", bad); status != 400 {
			t.Errorf("%s: %d", bad, status)
		}
	}
	for bad, want := range map[string]int{`{"book_close_date":"2026-02-30"}`: 400, `{"unknown":1}`: 400, `{"book_close_date":"2026-05-31"}`: 200} {
		if status := post("/_sim/realms/"+realm, bad); status != want {
			t.Errorf("%s: %d", bad, status)
		}
	}
	if status := post("/_sim/realms/none", `{}`); status != 404 {
		t.Error(status)
	}
	if status, answer := b.call(http.MethodGet, "preferences", ""); status != 200 || !strings.Contains(answer, `"BookCloseDate":"2026-05-31"`) {
		t.Error(answer)
	}
	if c := b.sim.Counted(realm); c.Requests["POST journalentry"] != 2 || c.Writes != 2 {
		t.Errorf("%+v", c)
	}
	if len(b.sim.Journal(other)) != 0 || b.sim.Counted(other).Reads != 0 {
		t.Error("the other company was touched")
	}
}

func TestDeletingTakesAnEntryOutOfTheBooks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.post("journalentry", entry("D", "2026-05-05", line("Debit", "1.00", checking), line("Credit", "1.00", sales)))
	if status, body := b.post("journalentry?operation=delete", `{"Id":"7","SyncToken":"0"}`); status != 200 || !strings.HasPrefix(body, `{"JournalEntry":{"domain":"QBO","status":"Deleted","Id":"7"},`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := b.post("journalentry?operation=delete", `{"Id":"7","SyncToken":"0"}`); status != 400 || !strings.Contains(body, "Another user has deleted") {
		t.Errorf("%d %s", status, body)
	}
	if len(b.sim.Journal(realm)) != 0 || b.sim.Balances(realm)["Checking"] != 0 {
		t.Error("it still stands")
	}
}
