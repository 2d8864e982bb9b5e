package qbosim_test

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/qbosim"
)

// object is what a test reads of an answer.
type object = map[string]any

func (b *bench) get(path string) object {
	b.t.Helper()
	status, body := b.call(http.MethodGet, path, "")
	return b.read(status, body)
}

func (b *bench) put(path, body string) object {
	b.t.Helper()
	status, answer := b.post(path, body)
	return b.read(status, answer)
}

func (b *bench) read(status int, body string) object {
	b.t.Helper()
	var o object
	if err := json.Unmarshal([]byte(body), &o); err != nil || status != http.StatusOK {
		b.t.Fatalf("%d %s %v", status, body, err)
	}
	return o
}

// refused asserts the one fault of a write, code and exact text.
func (b *bench) refused(name, path, body, code, message, detail string) {
	b.t.Helper()
	status, answer := b.post(path, body)
	var f struct {
		Fault struct {
			Error []struct{ Message, Detail, Code string }
			Type  string
		}
	}
	if err := json.Unmarshal([]byte(answer), &f); err != nil || status != http.StatusBadRequest || len(f.Fault.Error) != 1 || f.Fault.Type != "ValidationFault" {
		b.t.Errorf("%s: %d %s", name, status, answer)
		return
	}
	if e := f.Fault.Error[0]; e.Code != code || e.Message != message || e.Detail != detail {
		b.t.Errorf("%s: %+v, want %s %q %q", name, e, code, message, detail)
	}
}

func TestUpdatesWholeAndSparse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.put("journalentry", entry("D1", "2026-05-05", line("Debit", "10.00", checking), line("Credit", "10.00", sales)))["JournalEntry"].(object)
	id := made["Id"].(string)

	t.Run("what was read can be sent back, and changes nothing", func(t *testing.T) {
		echo, err := json.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		got := b.put("journalentry?operation=update", string(echo))["JournalEntry"].(object)
		if got["SyncToken"] != "0" || cmp.Diff(made, got) != "" {
			t.Errorf("%s", cmp.Diff(made, got))
		}
	})
	t.Run("a sparse update keeps what it does not say", func(t *testing.T) {
		b.now = b.now.Add(time.Minute)
		got := b.put("journalentry", fmt.Sprintf(`{"Id":%q,"SyncToken":0,"sparse":true,"PrivateNote":"changed"}`, id))["JournalEntry"].(object)
		if got["SyncToken"] != "1" || got["DocNumber"] != "D1" || got["PrivateNote"] != "changed" || got["MetaData"].(object)["LastUpdatedTime"] == made["MetaData"].(object)["LastUpdatedTime"] {
			t.Errorf("%v", got)
		}
	})
	t.Run("a whole update clears what it leaves out, and moves the balances", func(t *testing.T) {
		body := fmt.Sprintf(`{"Id":%q,"SyncToken":"1","Line":[%s,%s]}`, id, line("Debit", "7.00", checking), line("Credit", "7.00", sales))
		got := b.put("journalentry", body)["JournalEntry"].(object)
		if got["DocNumber"] != nil || got["PrivateNote"] != nil || got["SyncToken"] != "2" || b.sim.Balances(realm)["Checking"] != 700 {
			t.Errorf("%v, checking %s", got, b.sim.Balances(realm)["Checking"])
		}
	})
	b.refused("an old token", "journalentry", fmt.Sprintf(`{"Id":%q,"SyncToken":"1","sparse":true,"PrivateNote":"x"}`, id), "5010", "Stale Object Error",
		"Stale Object Error : You and another user were working on this at the same time. another user finished before you did, so your work was not saved.")
	b.refused("no token", "journalentry", fmt.Sprintf(`{"Id":%q,"PrivateNote":"x"}`, id), "2020",
		"Required param missing, need to supply the required value for the API", "Required parameter SyncToken is missing in the request")
	b.refused("an id that is no number", "journalentry", `{"Id":"1.5","SyncToken":"0"}`, "2030", "Invalid ID", "Id should be a valid number. Supplied value:1.5")
	b.put("journalentry?operation=delete", fmt.Sprintf(`{"Id":%q,"SyncToken":"2"}`, id))
	gone := "Object Not Found : Another user has deleted this transaction."
	b.refused("deleted twice", "journalentry?operation=delete", fmt.Sprintf(`{"Id":%q,"SyncToken":"2"}`, id), "610", "Object Not Found", gone)
	b.refused("updated after it was deleted", "journalentry", fmt.Sprintf(`{"Id":%q,"SyncToken":"2"}`, id), "610", "Object Not Found", gone)
	b.refused("deleted though it never was", "journalentry?operation=delete", `{"Id":"999","SyncToken":"0"}`, "610", "Object Not Found",
		"Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees.")
	if b.sim.Balances(realm)["Checking"] != 0 {
		t.Error("a deleted entry is still in the balances")
	}
}

func TestDeactivationRenames(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.put("customer", `{"DisplayName":"John Smith","GivenName":"John"}`)["Customer"].(object)
	id := made["Id"].(string)
	off := b.put("customer", fmt.Sprintf(`{"Id":%q,"SyncToken":"0","sparse":true,"Active":false}`, id))["Customer"].(object)
	if off["DisplayName"] != "John Smith (deleted)" || off["FullyQualifiedName"] != "John Smith (deleted)" || off["PrintOnCheckName"] != "John" || off["Active"] != false {
		t.Errorf("%v", off)
	}
	b.refused("an inactive name is not changed", "customer", fmt.Sprintf(`{"Id":%q,"SyncToken":"1","sparse":true,"Notes":"x"}`, id), "6000",
		"A business validation error has occurred while processing your request", "Business Validation Error: You cannot modify a list element that has been deleted.")
	b.customer("John Smith")
	b.refused("its old name is taken", "customer", fmt.Sprintf(`{"Id":%q,"SyncToken":"1","sparse":true,"Active":true}`, id), "6240", "Duplicate Name Exists Error",
		"The name supplied already exists. : Another customer is already using this name.  Please use a different name.")
	b.sim.SetSwitches(realm, qbosim.Switches{InactiveNamesTaken: true})
	b.put("vendor", `{"DisplayName":"Acme"}`)
	b.sim.Deactivate(realm, "Vendor", "Acme")
	b.refused("where inactive names are taken", "customer", `{"DisplayName":"acme"}`, "6240", "Duplicate Name Exists Error",
		"The name supplied already exists. : Another customer, vendor or employee is already using this name. Please use a different name.")
	b.sim.Activate(realm, "Vendor", "Acme")
	if v := b.get("query?query=" + url.QueryEscape("select * from Vendor"))["QueryResponse"].(object)["Vendor"].([]any); len(v) != 1 || v[0].(object)["DisplayName"] != "Acme" {
		t.Errorf("%v", v)
	}
}

func TestNestedNamesAreUniqueWithTheirParents(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	parent := b.customer("Doe, Jack")
	b.customer("Jack Doe")
	job := b.put("customer", fmt.Sprintf(`{"DisplayName":"Jack Doe","ParentRef":{"value":%q}}`, parent))["Customer"].(object)
	if job["FullyQualifiedName"] != "Doe, Jack:Jack Doe" || job["Level"] != 1.0 || job["Job"] != true {
		t.Errorf("%v", job)
	}
	found := b.get("query?query=" + url.QueryEscape("select * from Customer where DisplayName = 'jack doe'"))["QueryResponse"].(object)["Customer"].([]any)
	if len(found) != 2 {
		t.Errorf("a name that stands twice is found %d times", len(found))
	}
}

func TestABatchIsAnsweredItemByItem(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	item := func(id, body string) string {
		return fmt.Sprintf(`{"bId":%q,"operation":"create","JournalEntry":%s}`, id, body)
	}
	good := func(doc string) string {
		return entry(doc, "2026-05-05", line("Debit", "1.00", checking), line("Credit", "1.00", sales))
	}
	batch := func(items ...string) string {
		return `{"BatchItemRequest":[` + strings.Join(items, ",") + `]}`
	}
	request := batch(item("1", good("A")), item("2", entry("B", "2026-05-05", line("Debit", "1.00", checking))), item("3", good("C")), `{"bId":"4","Query":"select count(*) from JournalEntry"}`)
	status, first := b.post("batch?requestid=r1", request)
	for _, want := range []string{
		`{"BatchItemResponse":[{"JournalEntry":{"Adjustment":false`, `"bId":"1"},{"Fault":{"Error":[{"Message":"A business validation error`, `"type":"ValidationFault"},"bId":"2"},{"JournalEntry":`,
		`{"QueryResponse":{"totalCount":2},"bId":"4"}]`,
	} {
		if status != 200 || !strings.Contains(first, want) {
			t.Errorf("%d %s lacks %s", status, first, want)
		}
	}
	b.now = b.now.Add(time.Minute)
	b.post("batch?requestid=r1", request)
	if n := len(b.sim.Journal(realm)); n != 2 {
		t.Errorf("a repeat booked again: %d entries", n)
	}
	b.post("batch?requestid=r1", batch(item("5", good("E"))))
	if n := len(b.sim.Journal(realm)); n != 3 {
		t.Errorf("another bId under the same requestid is a new item: %d entries", n)
	}
	items := slices.Repeat([]string{item("x", good("X"))}, 31)
	b.refused("31 items", "batch", batch(items...), "1040", "Batch size exceeds allowed limit", "Batch size exceeds allowed limit : 30")
	if c := b.sim.Counted(realm); c.Writes != 3+3+1 || c.Reads != 2 {
		t.Errorf("%d writes and %d reads are counted; items count one by one", c.Writes, c.Reads)
	}
}

func TestChangeData(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.customer("Before")
	b.now = b.now.Add(30 * time.Minute)
	since := b.now.Add(-time.Second).Format(time.RFC3339)
	one := b.customer("After")
	b.now = b.now.Add(time.Minute)
	made := b.put("journalentry", entry("D", "2026-05-05", line("Debit", "1.00", checking), line("Credit", "1.00", sales)))["JournalEntry"].(object)
	b.now = b.now.Add(time.Minute)
	b.put("journalentry?operation=delete", fmt.Sprintf(`{"Id":%q,"SyncToken":"0"}`, made["Id"]))
	_, body := b.call(http.MethodGet, "cdc?entities=Customer,JournalEntry,Vendor&changedSince="+url.QueryEscape(since), "")
	want := fmt.Sprintf(`{"JournalEntry":[{"domain":"QBO","status":"Deleted","Id":%q,"MetaData":{"LastUpdatedTime":"`, made["Id"])
	if !strings.HasPrefix(body, `{"CDCResponse":[{"QueryResponse":[{"Customer":[{`) || !strings.Contains(body, want) || !strings.Contains(body, `"startPosition":1,"maxResults":1},{}]}]`) ||
		strings.Contains(body, "Before") || !strings.Contains(body, `"Id":"`+one+`"`) {
		t.Error(body)
	}
	b.sim.SetSwitches(realm, qbosim.Switches{ChangeDays: 30})
	if status, _ := b.call(http.MethodGet, "cdc?entities=Customer&changedSince=2026-01-01T00:00:00Z", ""); status != 400 {
		t.Error("change data goes back further than it should")
	}
}

func TestReportsComeFromTheLedger(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	john := b.customer("John Smith")
	b.put("journalentry", entry("D1", "2026-05-05", line("Debit", "10.00", receivable, named("Customer", john)), line("Credit", "10.00", sales)))
	b.put("journalentry", entry("D2", "2026-05-06", line("Debit", "4.00", checking), line("Credit", "4.00", receivable, named("Customer", john))))
	cells := func(report string) string {
		_, body := b.call(http.MethodGet, "reports/"+report+"?start_date=2026-05-01&end_date=2026-05-31", "")
		return body
	}
	for report, wants := range map[string][]string{
		"TrialBalance": {
			`"ReportName":"TrialBalance"`, `{"ColData":[{"value":"Checking","id":"2"},{"value":"4.00"},{"value":""}]}`, `{"ColData":[{"value":"Receivable","id":"1"},{"value":"6.00"},{"value":""}]}`,
			`{"ColData":[{"value":"Sales","id":"3"},{"value":""},{"value":"10.00"}]}`, `[{"value":"TOTAL"},{"value":"10.00"},{"value":"10.00"}]`,
		},
		"GeneralLedger":   {`{"Header":{"ColData":[{"value":"Receivable","id":"1"}]}`, `{"value":"John Smith","id":"7"}`, `{"value":"-4.00"},{"value":"6.00"}]`},
		"TransactionList": {`{"value":"2026-05-05"},{"value":"Journal Entry","id":"8"},{"value":"D1"}`, `{"value":"D2"}`},
	} {
		body := cells(report)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %s: %s", report, want, body)
			}
		}
	}
	if got := b.get("customer/" + john)["Customer"].(object)["Balance"]; got != 6.0 {
		t.Errorf("the customer owes %v", got)
	}
	if got := b.get("account/" + sales)["Account"].(object)["CurrentBalance"]; got != 0.0 {
		t.Errorf("an income account shows a balance of %v", got)
	}
}

func TestWebhooksAreSignedInBothFormats(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[string]string{}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte("verifier"))
		mac.Write(body)
		if r.Header.Get("intuit-signature") != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			t.Errorf("signature %q of %s", r.Header.Get("intuit-signature"), body)
		}
		mu.Lock()
		defer mu.Unlock()
		got[r.URL.Path] = r.Header.Get("Content-Type") + " " + string(body)
	}))
	t.Cleanup(receiver.Close)
	sim := qbosim.New(qbosim.Options{Now: func() time.Time { return time.Date(2026, 9, 10, 21, 31, 25, 179851517, time.UTC) }, ClientID: "id", ClientSecret: "secret", Notify: receiver.Client()})
	sim.Hook(receiver.URL+"/new", "verifier", false)
	sim.Hook(receiver.URL+"/old", "verifier", true)
	if err := sim.AddCompany(qbosim.Company{Realm: realm, Accounts: []qbosim.NewAccount{{Name: "Checking", AccountType: "Bank"}}}); err != nil {
		t.Fatal(err)
	}
	sim.Notified()
	for path, wants := range map[string][]string{
		"/new": {`application/cloudevents+json [{"specversion":"1.0"`, `"type":"qbo.account.created.v1"`, `"time":"2026-09-10T21:31:25.179851517Z","intuitentityid":"1","intuitaccountid":"1001","data":{}}]`},
		"/old": {`application/json {"eventNotifications":[{"realmId":"1001","dataChangeEvent":{"entities":[{"name":"Account","id":"1","operation":"Create","lastUpdated":"`},
	} {
		for _, want := range wants {
			if !strings.Contains(got[path], want) {
				t.Errorf("%s got %s, which lacks %s", path, got[path], want)
			}
		}
	}
}

func TestPaceAndMeteredReads(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ok := func(path string) bool {
		status, body := b.call(http.MethodGet, path, "")
		if status == http.StatusTooManyRequests && !strings.Contains(body, `"detail":"The request limit was reached.  Try again later","code":"3001"`) {
			t.Errorf("%s", body)
		}
		return status == http.StatusOK
	}
	b.sim.SetSwitches(realm, qbosim.Switches{Throttle: true})
	answered := 0
	for range 15 {
		if ok("preferences") {
			answered++
		}
	}
	if answered != 10 {
		t.Errorf("%d calls in one second are answered", answered)
	}
	for range 60 {
		b.now = b.now.Add(time.Second)
		for range 10 {
			ok("preferences")
		}
	}
	if c := b.sim.Counted(realm); c.Reads > 10+509 || c.Reads < 500 {
		t.Errorf("%d calls in a minute and a second are answered", c.Reads)
	}
	b.sim.SetSwitches(realm, qbosim.Switches{MonthlyReads: 1})
	if ok("preferences") {
		t.Error("a read beyond the month's allowance is answered")
	}
	if status, _ := b.post("vendor", `{"DisplayName":"Acme"}`); status != 200 {
		t.Error("a write is metered")
	}
	b.now = b.now.AddDate(0, 1, 0)
	b.token = b.grant(realm)
	if !ok("preferences") {
		t.Error("the next month begins without an allowance")
	}
}

func TestTwoNameWritesAtOnceAreRefusedWhereNamesAreLocked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sim.SetSwitches(realm, qbosim.Switches{LockNames: true})
	body, write := io.Pipe() // the first write is under way as long as its body is
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/v3/company/"+realm+"/customer", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	req.Header.Set("Expect", "100-continue") // the body is asked for once the write is under way
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}}
	done := make(chan int)
	go func() {
		res, err := client.Do(req)
		if err != nil {
			t.Error(err)
			done <- 0
			return
		}
		_ = res.Body.Close()
		done <- res.StatusCode
	}()
	if _, err := write.Write([]byte(`{"DisplayName":`)); err != nil {
		t.Fatal(err)
	}
	_, answer := b.post("vendor", `{"DisplayName":"Acme"}`)
	refused := answer == broken("You can only add or edit one name at a time. Please try again.")
	if _, err := write.Write([]byte(`"John Smith"}`)); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	if status := <-done; status != http.StatusOK || !refused {
		t.Errorf("the first is answered %d; the second was refused: %t", status, refused)
	}
}

func TestWhatRealClientsSend(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"DisplayName":"Zipped"}`))
	_ = z.Close()
	for name, x := range map[string]struct {
		method, path, body, header string
		want                       string
	}{
		"a compressed body":                     {http.MethodPost, "customer?minorversion=73&", packed.String(), "Content-Encoding: gzip", `"DisplayName":"Zipped"`},
		"gzip said of no body":                  {http.MethodGet, "preferences", "", "Content-Encoding: gzip", `"Preferences"`},
		"format, && and requestid on a read":    {http.MethodGet, "query?&&format=json&requestid=1&query=select+*+from+Account&minorversion=4", "", "", `"Account":[`},
		"a raw quote and %20":                   {http.MethodGet, "query?query=select%20*%20from%20Account%20where%20Name='Checking'", "", "", `"Name":"Checking"`},
		"ORDERBY, lower case and double blanks": {http.MethodPost, "query", "select  *  from account where Active = True ORDERBY Name desc", "Content-Type: application/text", `"Account":[{"Name":"Sales"`},
		"tokens as numbers, texts for amounts": {
			http.MethodPost, "journalentry",
			`{"TxnDate":"2026-05-05","TotalAmt":0,"ExchangeRate":1,"Line":[{"Id":"0","LineNum":0,"Description":"","Amount":"12.50","DetailType":"JournalEntryLineDetail","LinkedTxn":[],"JournalEntryLineDetail":{"PostingType":"Debit","AccountRef":{"value":"2","name":"","type":""},"TaxApplicableOn":"Sales","TaxAmount":0}},` + line("Credit", "12.5", sales) + `]}`,
			"", `"Amount":12.50`,
		},
	} {
		req, err := http.NewRequestWithContext(t.Context(), x.method, b.url+"/v3/company/"+realm+"/"+x.path, strings.NewReader(x.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+b.token)
		if key, value, ok := strings.Cut(x.header, ": "); ok {
			req.Header.Set(key, value)
		}
		if status, _, body := b.do(req); status != 200 || !strings.Contains(body, x.want) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/v3/company/"+realm+"/preferences", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/xml")
	if status, header, body := b.do(req); status != 401 || header.Get("Content-Type") != "application/xml" || body != gatewayXML(notAuthenticated, "Token revoked", "3200", "AUTHENTICATION") {
		t.Errorf("%d %s", status, body)
	}
}

func TestTheGrantFromConsentToItsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := "http://127.0.0.1/callback"
	authorize := func(more string) (int, string) {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := client.Get(b.url + "/connect/oauth2?client_id=id&response_type=code&scope=" + url.QueryEscape("openid com.intuit.quickbooks.accounting") + "&state=s1&redirect_uri=" + url.QueryEscape(back) + more)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if to := res.Header.Get("Location"); to != "" {
			return res.StatusCode, to
		}
		return res.StatusCode, string(body)
	}
	if status, page := authorize(""); status != 200 || !strings.Contains(page, "Company 1001") || !strings.Contains(page, "Do not share") {
		t.Errorf("%d %s", status, page)
	}
	if status, to := authorize("&deny=true"); status != 302 || !strings.Contains(to, "error=access_denied") {
		t.Errorf("%d %s", status, to)
	}
	status, to := authorize("&auto=true&realm=" + realm)
	address, err := url.Parse(to)
	if err != nil || status != 302 || address.Query().Get("realmId") != realm || address.Query().Get("state") != "s1" {
		t.Fatalf("%d %s", status, to)
	}
	exchange := func() (int, string) {
		status, _, body := b.form("/oauth2/v1/tokens/bearer", url.Values{"grant_type": {"authorization_code"}, "code": {address.Query().Get("code")}, "redirect_uri": {back}})
		return status, body
	}
	status, body := exchange()
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(body), &tokens); err != nil || status != 200 || tokens.Access == "" || strings.Count(tokens.ID, ".") != 2 {
		t.Fatalf("%d %s", status, body)
	}
	refresh := func(token string) (int, string) {
		status, _, body := b.form("/oauth2/v1/tokens/bearer", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
		return status, body
	}
	if status, body := refresh(tokens.Access); status != 400 || body != `{"error":"invalid_grant","error_description":"Incorrect Token type or clientID"}` {
		t.Errorf("an access token as refresh token: %d %s", status, body)
	}
	if status, body := exchange(); status != 400 || body != `{"error":"invalid_grant"}` {
		t.Errorf("a code used twice: %d %s", status, body)
	}
	if status, _ := refresh(tokens.Refresh); status != 400 {
		t.Error("the grant of a code that was used twice is still good")
	}
	rotated := func(x qbosim.Switches) (first, second string) {
		b.sim.SetSwitches(realm, x)
		first = b.sim.Grant(realm)
		b.now = b.now.Add(25 * time.Hour)
		_, body := refresh(first)
		_ = json.Unmarshal([]byte(body), &tokens)
		return first, tokens.Refresh
	}
	if first, second := rotated(qbosim.Switches{Rotation: "never"}); first != second {
		t.Error("a token is replaced though it never should be")
	}
	first, second := rotated(qbosim.Switches{Rotation: "always", ReuseRevokes: true})
	if first == second {
		t.Error("a token is not replaced though it always should be")
	}
	if status, body := refresh(first); status != 400 || body != `{"error_description":"Token invalid","error":"invalid_grant"}` {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := refresh(second); status != 400 {
		t.Error("the grant outlives the reuse of a replaced token")
	}
	b.sim.SetSwitches(realm, qbosim.Switches{HardEnd: b.now.Add(time.Hour).Format(time.RFC3339)})
	last := b.sim.Grant(realm)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/oauth2/v1/tokens/bearer", strings.NewReader("grant_type=refresh_token&refresh_token="+last))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("x-include-refresh-token-hard-expires-in", "true")
	req.SetBasicAuth("id", "secret")
	if _, _, body := b.do(req); !strings.Contains(body, `"x_refresh_token_hard_expires_in":3`) {
		t.Error(body)
	}
	b.now = b.now.Add(2 * time.Hour)
	if status, _ := refresh(last); status != 400 {
		t.Error("a grant outlives its hard end")
	}
	for _, path := range []string{"/.well-known/openid_configuration/", "/op/v1/jwks"} {
		if res, err := http.Get(b.url + path); err != nil || res.StatusCode != 200 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestScriptedFaultsOfEveryKind(t *testing.T) {
	t.Parallel()
	for kind, commits := range map[string]bool{"status": false, "drop": false, "hang": false, "delay": true, "commit_then_delay": true, "commit_then_status": true, "commit_then_drop": true, "commit_then_hang": true, "truncate": true} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if err := b.sim.Script(qbosim.Fault{PathContains: "journalentry", Times: 1, Kind: kind, Status: 504, Body: "<html>", ContentType: "text/html", DelayMS: 1}); err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/v3/company/"+realm+"/journalentry",
				strings.NewReader(entry("D", "2026-05-05", line("Debit", "1.00", checking), line("Credit", "1.00", sales))))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+b.token)
			client := &http.Client{}
			if strings.HasSuffix(kind, "hang") {
				client.Timeout = 50 * time.Millisecond
			}
			status, failed := 0, false
			if res, err := client.Do(req); err != nil {
				failed = true
			} else {
				_, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				status, failed = res.StatusCode, err != nil
			}
			late := strings.HasSuffix(kind, "delay")
			answered := late || strings.HasSuffix(kind, "status")
			if failed == answered || late && status != 200 || strings.HasSuffix(kind, "status") && status != 504 {
				t.Errorf("status %d, no whole answer: %t", status, failed)
			}
			if n := len(b.sim.Journal(realm)); (n == 1) != commits {
				t.Errorf("%d entries are booked", n)
			}
		})
	}
}
