package qbosim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
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

// written are the entities that can be created, with a body for each, and the field that a test changes.
func written() map[string]struct{ body, field string } {
	return map[string]struct{ body, field string }{
		"Customer":     {`{"DisplayName":"Amy","BillAddr":{"Line1":"4581 Finch St."},"PrimaryEmailAddr":{"Address":"a@example.com"},"PreferredDeliveryMethod":"Email"}`, "Notes"},
		"Vendor":       {`{"DisplayName":"Acme","CompanyName":"Acme","AcctNum":"17"}`, "AcctNum"},
		"Employee":     {`{"GivenName":"Emily","FamilyName":"Platt"}`, "MiddleName"},
		"Account":      {`{"Name":"Savings","AccountType":"Bank"}`, "Description"},
		"Class":        {`{"Name":"Side"}`, "Name"},
		"Department":   {`{"Name":"Dallas"}`, "Name"},
		"JournalEntry": {simple("D"), "PrivateNote"},
	}
}

func TestAnUpdateThatChangesNothingMovesNothing(t *testing.T) {
	t.Parallel()
	for entity, x := range written() {
		t.Run(entity, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			path := strings.ToLower(entity)
			id := b.put(path, x.body)[entity].(object)["Id"].(string)
			read := b.get(path + "/" + id)[entity].(object)
			b.now = b.now.Add(time.Hour - time.Second)
			for name, change := range map[string]object{"whole, as it was read": read, "sparse, as it was read": with(read, "sparse", true), "sparse and empty": {"Id": id, "SyncToken": "0", "sparse": true}} {
				echo, err := json.Marshal(change)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(read, b.put(path+"?operation=update", string(echo))[entity]); diff != "" {
					t.Errorf("%s (-read +answered):\n%s", name, diff)
				}
			}
			got := b.put(path, fmt.Sprintf(`{"Id":%q,"SyncToken":"0","sparse":true,%q:"other"}`, id, x.field))[entity].(object)
			if got["SyncToken"] != "1" || got[x.field] != "other" || cmp.Equal(got["MetaData"], read["MetaData"]) {
				t.Errorf("a change: %v", got)
			}
		})
	}
}

func with(o object, key string, value any) object {
	c := maps.Clone(o)
	c[key] = value
	return c
}

func TestASparseUpdateReplacesTheLinesAsAWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("journalentry", entry("D", "2026-05-05", line("Debit", "10.00", checking), line("Credit", "4.00", sales), line("Credit", "6.00", sales)))
	b.put("journalentry", `{"Id":"7","SyncToken":"0","sparse":true,"Line":[`+line("Debit", "3.00", checking)+","+line("Credit", "3.00", sales)+`]}`)
	want := []qbosim.JournalLine{{Side: "Debit", Account: "Checking", Amount: "3.00"}, {Side: "Credit", Account: "Sales", Amount: "3.00"}}
	got := b.sim.Journal(realm)[0]
	if diff := cmp.Diff(want, got.Lines); diff != "" || got.DocNumber != "D" || got.Note != "a note" {
		t.Errorf("%+v (-want +got):\n%s", got, diff)
	}
	b.answers(posted("journalentry", `{"Id":"7","SyncToken":"1","sparse":true,"Line":[`+line("Debit", "1.00", checking)+`]}`), 400, broken("Fill out at least two detail lines to continue."))
}

func (b *bench) seed(entity string, ids ...string) {
	b.t.Helper()
	for _, id := range ids {
		raw := fmt.Sprintf(`{"Id":%q,"SyncToken":"0","Active":true,"DisplayName":"N%s","Name":"N%s","MetaData":{"CreateTime":"2026-04-01T10:00:00-07:00","LastUpdatedTime":"2026-04-01T10:00:00-07:00"}}`, id, id, id)
		if err := b.sim.Seed(realm, entity, json.RawMessage(raw)); err != nil {
			b.t.Fatal(err)
		}
	}
}

func TestTotalCountStandsOnPagesOfSomeEntitiesOnly(t *testing.T) {
	t.Parallel()
	b := newEmptyBench(t)
	accounts("1", "One", "2", "Two")(t, b.sim, recording{})
	total := map[string]bool{
		"Invoice": true, "Bill": true, "BillPayment": true, "Deposit": true, "JournalEntry": true, "PurchaseOrder": true,
		"Customer": false, "Vendor": false, "Account": false, "Item": false, "Payment": false, "Purchase": false, "CreditMemo": false, "Estimate": false, "SalesReceipt": false,
	}
	for entity, want := range total {
		switch entity {
		case "Account":
		case "JournalEntry":
			b.put("journalentry", entry("D", "2026-05-05", line("Debit", "1.00", "1"), line("Credit", "1.00", "2")))
		default:
			b.seed(entity, "501", "502")
		}
		page := b.put("query", "select * from "+entity)["QueryResponse"].(object)
		rows := page[entity].([]any)
		count, has := page["totalCount"]
		if has != want || has && count != float64(len(rows)) || page["startPosition"] != 1.0 || page["maxResults"] != float64(len(rows)) {
			t.Errorf("%s: %d rows, %v", entity, len(rows), page)
		}
		ids := b.put("query", "select * from "+entity+" where Id in ('501','502','999')")["QueryResponse"].(object)[entity]
		if rows, _ := ids.([]any); entity != "Account" && entity != "JournalEntry" && len(rows) != 2 {
			t.Errorf("%s by ids: %v", entity, ids)
		}
		counted := b.put("query", "select count(*) from "+entity)["QueryResponse"].(object)
		if diff := cmp.Diff(object{"totalCount": float64(len(rows))}, counted); diff != "" {
			t.Errorf("%s counted: %s", entity, diff)
		}
	}
}

// asks gives the names, or the numbers, of what a statement finds.
func (b *bench) asks(statement string) string {
	b.t.Helper()
	response := b.get("query?query=" + url.QueryEscape(statement))["QueryResponse"].(object)
	var found []string
	for _, rows := range response {
		list, _ := rows.([]any)
		for _, r := range list {
			for _, key := range []string{"DisplayName", "Name", "DocNumber", "CompanyName"} {
				if s, ok := r.(object)[key].(string); ok {
					found = append(found, s)
					break
				}
			}
		}
	}
	return strings.Join(found, " ")
}

func TestQueriesInTheFormsThatClientsWrite(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, name := range []string{"Ann", "ben", "Cy", "Dee"} {
		b.now = b.now.Add(time.Minute)
		b.put("customer", fmt.Sprintf(`{"DisplayName":%q,"GivenName":"G%d","FamilyName":"F","CompanyName":"C%d"}`, name, i%2, i%2))
	}
	b.sim.Deactivate(realm, "Customer", "Cy")
	for _, doc := range []string{"D1", "D2"} {
		b.put("journalentry", entry(doc, "2026-05-05", line("Debit", "1.00", checking), line("Credit", "1.00", sales)))
	}
	for statement, want := range map[string]string{
		"select * from Customer":                                                                      "Ann Dee ben",
		"select * from Customer where Active in (true, false)":                                        "Ann Cy (deleted) Dee ben",
		"select * from Customer where Active = false":                                                 "Cy (deleted)",
		"SELECT * FROM CUSTOMER ORDERBY DisplayName DESC":                                             "ben Dee Ann",
		"select * from customer order by displayname asc":                                             "Ann Dee ben",
		"select * from Customer ORDER BY MetaData.CreateTime DESC":                                    "Dee ben Ann",
		"select * from Customer orderby CompanyName desc, DisplayName":                                "Dee ben Ann",
		"select * from Customer orderby CompanyName ASC , DisplayName DESC maxresults 2":              "Ann ben",
		"select * from Customer where Id in ('7', '8')":                                               "Ann ben",
		"select * from Customer where Id in ('9', '7', '7') and Active in (true, false) orderby Id":   "Ann Cy (deleted)",
		"select * from JournalEntry where DocNumber in ('D2', 'D1', 'D2') orderby Id desc":            "D2 D1",
		"select * from JournalEntry where DocNumber not in ('D2')":                                    "D1",
		"select * from Customer where Id not in ('7')":                                                "Dee ben",
		"select * from Customer where not DisplayName = 'Ann'":                                        "Dee ben",
		"select * from Customer where MetaData.CreateTime > '2026-05-05T03:22:00'":                    "Dee ben",
		"select * from Customer where MetaData.CreateTime > '2026-05-05T10:22:00Z'":                   "Dee ben",
		"select * from Customer where MetaData.LastUpdatedTime >= '2026-05-06'":                       "",
		"select * from Customer where MetaData.LastUpdatedTime between '2026-05-05' and '2026-05-06'": "Ann Dee ben",
		"select DisplayName, CompanyName from Customer where Id = '7'":                                "Ann",
		"select * from CompanyInfo":                                                                   "Company 1001",
	} {
		if got := b.asks(statement); got != want {
			t.Errorf("%s: %q, want %q", statement, got, want)
		}
	}
	if n := b.get("query?query=select%20count(*)%20from%20Customer")["QueryResponse"].(object)["totalCount"]; n != 3.0 {
		t.Errorf("%v customers are counted; inactive ones are not", n)
	}
	if n := b.put("query", "select count(*) from Customer where Active in (true,false)")["QueryResponse"].(object)["totalCount"]; n != 4.0 {
		t.Errorf("%v customers are counted with the inactive ones", n)
	}
	some := b.put("query", "select DisplayName, MetaData.CreateTime from Customer where Id = '7'")["QueryResponse"].(object)["Customer"].([]any)[0].(object)
	if diff := cmp.Diff(object{"domain": "QBO", "sparse": true, "Id": "7", "DisplayName": "Ann", "MetaData": object{"CreateTime": "2026-05-05T03:21:37-07:00"}}, some); diff != "" {
		t.Errorf("only what was asked for (-want +got):\n%s", diff)
	}
	b.answers(queried("select NoSuchField from Customer"), 400, strings.Replace(unquery("Property NoSuchField not found for Entity Customer"), clock, "2026-05-05T03:24:37.245-07:00", 1))
	if _, ok := b.put("query", "select * from Preferences")["QueryResponse"].(object)["Preferences"]; !ok {
		t.Error("the preferences cannot be asked for")
	}
}

func TestQueriesComeByGetAndPost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	statement := "select * from Account where Name = 'Checking'"
	in := "query?minorversion=75&query=" + url.QueryEscape(statement)
	var answers []string
	for _, a := range []asked{
		got(in),
		{http.MethodPost, in, "", "Content-Type: text/plain"},
		{http.MethodPost, "query?minorversion=75", statement, "Content-Type: application/text"},
		{http.MethodPost, "query", statement, "Content-Type: text/plain"},
		got("query?query=" + url.QueryEscape(statement) + "&minorversion=4"),
	} {
		_, _, body := b.ask(a)
		answers = append(answers, body)
	}
	if distinct := slices.Compact(slices.Clone(answers)); len(distinct) != 1 || !strings.Contains(answers[0], `"Name":"Checking"`) {
		t.Errorf("%q", answers)
	}
}

func TestChangeDataIsCutAtAThousandOverAllEntities(t *testing.T) {
	t.Parallel()
	b := newEmptyBench(t)
	ids := make([]string, 700)
	for i := range ids {
		ids[i] = fmt.Sprint(1000 + i)
	}
	b.seed("Customer", ids...)
	b.seed("Vendor", ids...)
	b.seed("Invoice", ids...)
	changed := func() []int {
		var counts []int
		for _, r := range b.get("cdc?entities=Customer,Vendor,Invoice&changedSince=2026-03-31")["CDCResponse"].([]any)[0].(object)["QueryResponse"].([]any) {
			for _, rows := range r.(object) {
				if list, ok := rows.([]any); ok {
					counts = append(counts, len(list))
				}
			}
		}
		return counts
	}
	if diff := cmp.Diff([]int{700, 300}, changed()); diff != "" {
		t.Error(diff)
	}
	past := validation(problem(invalidProperty, "Property Name:changedSince specified is unsupported or invalid", "2010"))
	b.sim.SetSwitches(realm, qbosim.Switches{ChangeDays: 30})
	b.answers(got("cdc?entities=Customer&changedSince=2026-03-31"), 400, past)
	b.get("cdc?entities=Customer&changedSince=2026-04-06")
	b.answers(got("cdc?entities=Customer"), 400, past)
	b.answers(got("cdc?entities=Custmoer&changedSince=2026-05-01"), 400, unquery("invalid context declaration: Custmoer"))
}

func TestChangeDataInsideOfABatch(t *testing.T) {
	t.Parallel()
	b := newEmptyBench(t)
	b.seed("Estimate", "501")
	body := `{"BatchItemRequest":[{"bId":"1","CDCQuery":{"Entities":"Estimate,Customer","ChangedSince":"2026-03-31"}},{"bId":"2","CDCQuery":{"Entities":"Estimate"}}]}`
	_, _, answer := b.ask(posted("batch", body))
	want := `{"BatchItemResponse":[{"CDCResponse":{"QueryResponse":[{"Estimate":[{"Id":"501","SyncToken":"0","Active":true,"DisplayName":"N501","Name":"N501","MetaData":` +
		`{"CreateTime":"2026-04-01T10:00:00-07:00","LastUpdatedTime":"2026-04-01T10:00:00-07:00"}}],"startPosition":1,"maxResults":1},{}]},"bId":"1"},{"Fault":{"Error":[` +
		problem(invalidProperty, "Property Name:changedSince specified is unsupported or invalid", "2010") + `],"type":"ValidationFault"},"bId":"2"}],"time":"` + clock + `"}`
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Error(diff)
	}
}

func TestWebhooksOfEveryEntityInBothFormats(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	told := map[string]bool{}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		told[notified(raw)] = true
	}))
	t.Cleanup(receiver.Close)
	b := newBenchOf(t, qbosim.Options{Notify: receiver.Client()})
	b.sim.Hook(receiver.URL, "verifier", false)
	b.sim.Hook(receiver.URL, "verifier", true)
	want := map[string]bool{}
	expect := func(entity, id, event, operation string) {
		want["qbo."+strings.ToLower(entity)+"."+event+".v1 "+id+" "+realm] = true
		want[entity+" "+operation+" "+id+" "+realm] = true
	}
	for entity, x := range written() {
		path := strings.ToLower(entity)
		id := b.put(path, x.body)[entity].(object)["Id"].(string)
		expect(entity, id, "created", "Create")
		b.put(path, fmt.Sprintf(`{"Id":%q,"SyncToken":"0","sparse":true,%q:"other"}`, id, x.field))
		expect(entity, id, "updated", "Update")
		if entity == "JournalEntry" {
			b.put(path+"?operation=delete", fmt.Sprintf(`{"Id":%q,"SyncToken":"1"}`, id))
			expect(entity, id, "deleted", "Delete")
		}
	}
	b.sim.Notified()
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// notified is one webhook in a line: its type or name and operation, the object's id, the company.
func notified(raw []byte) string {
	var events []struct{ Type, Intuitentityid, Intuitaccountid string }
	if json.Unmarshal(raw, &events) == nil && len(events) == 1 {
		return events[0].Type + " " + events[0].Intuitentityid + " " + events[0].Intuitaccountid
	}
	var old struct {
		EventNotifications []struct {
			RealmID         string `json:"realmId"`
			DataChangeEvent struct {
				Entities []struct{ Name, ID, Operation string }
			}
		}
	}
	if json.Unmarshal(raw, &old) != nil || len(old.EventNotifications) != 1 || len(old.EventNotifications[0].DataChangeEvent.Entities) != 1 {
		return string(raw)
	}
	e := old.EventNotifications[0].DataChangeEvent.Entities[0]
	return e.Name + " " + e.Operation + " " + e.ID + " " + old.EventNotifications[0].RealmID
}

func TestDiscoveryOfProductionAndSandbox(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, path := range []string{"openid_configuration", "openid_configuration/", "openid_sandbox_configuration", "openid_sandbox_configuration/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/.well-known/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		status, _, body := b.do(req)
		var page map[string]any
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, body)
			continue
		}
		want := map[string]any{
			"authorization_endpoint": b.url + "/connect/oauth2", "token_endpoint": b.url + "/oauth2/v1/tokens/bearer", "revocation_endpoint": b.url + "/v2/oauth2/tokens/revoke",
			"userinfo_endpoint": b.url + "/v1/openid_connect/userinfo", "jwks_uri": b.url + "/op/v1/jwks", "issuer": issuer,
		}
		for key, value := range want {
			if page[key] != value {
				t.Errorf("%s: %s is %v, want %v", path, key, page[key], value)
			}
		}
	}
}

func TestAPersonWhoLeftTheCompanyCannotRefresh(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	token := b.sim.Grant(realm)
	refresh := func() (int, http.Header, string) {
		return b.form("/oauth2/v1/tokens/bearer", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	}
	b.sim.SetSwitches(realm, qbosim.Switches{UserNotInRealm: true})
	want := `{"error_description":"Unauthorized Request: User is not a member of the specified Realm","x_error_reason":"user_not_in_realm",` +
		`"x_error_reason_detail":"The user is not in the specified realm","error":"invalid_grant"}`
	if status, _, body := refresh(); status != http.StatusBadRequest || body != want {
		t.Errorf("%d %s", status, body)
	}
	b.sim.SetSwitches(realm, qbosim.Switches{})
	status, header, body := refresh()
	if status != http.StatusOK || header.Get("Cache-Control") != "no-cache, no-store" || header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", status, header, body)
	}
}

func TestReportsOfAPeriod(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	expense := b.put("account", `{"Name":"Rent","AccountType":"Expense"}`)["Account"].(object)["Id"].(string)
	john := b.customer("John")
	for date, lines := range map[string][]string{
		"2026-03-31": {line("Debit", "5.00", checking), line("Credit", "5.00", sales)},
		"2026-04-10": {line("Debit", "10.00", receivable, named("Customer", john)), line("Credit", "10.00", sales)},
		"2026-04-30": {line("Debit", "3.00", expense), line("Credit", "3.00", checking)},
		"2026-05-01": {line("Debit", "100.00", checking), line("Credit", "100.00", sales)},
	} {
		b.put("journalentry", entry("D"+date[5:], date, lines...))
	}
	const april = "?start_date=2026-04-01&end_date=2026-04-30"
	for report, want := range map[string]string{
		"TrialBalance" + april:    "Checking 2.00 · | Receivable 10.00 · | Rent 3.00 · | Sales · 15.00 | TOTAL 15.00 15.00",
		"TransactionList" + april: "2026-04-10 Journal Entry D04-10 John · Receivable 10.00 10.00 | 2026-04-30 Journal Entry D04-30 · · Rent 3.00 3.00",
		"JournalReport" + april: "2026-04-10 Journal Entry D04-10 John · Receivable 10.00 · | · · · · · Sales · 10.00 | 2026-04-30 Journal Entry D04-30 · · Rent 3.00 · | " +
			"· · · · · Checking · 3.00 | TOTAL · · · · · 13.00 13.00",
		"ProfitAndLoss" + april: "Income · | Sales 10.00 | Total Income 10.00 | Expenses · | Rent 3.00 | Total Expenses 3.00 | Net Income 7.00",
		"BalanceSheet" + april:  "ASSETS · | Checking 2.00 | Receivable 10.00 | TOTAL ASSETS 12.00 | LIABILITIES AND EQUITY · | Net Income 12.00 | TOTAL LIABILITIES AND EQUITY 12.00",
		"GeneralLedger?start_date=2026-04-30&end_date=2026-04-30": "Checking | 2026-04-30 Journal Entry D04-30 · · Checking -3.00 -3.00 | Total for Checking · · · · · -3.00 · | " +
			"Rent | 2026-04-30 Journal Entry D04-30 · · Rent 3.00 3.00 | Total for Rent · · · · · 3.00 ·",
		"TransactionList?start_date=2026-06-01&end_date=2026-06-30": "",
	} {
		answer := b.get("reports/" + report)
		name, _, _ := strings.Cut(report, "?")
		header := answer["Header"].(object)
		if got := strings.Join(reportRows(answer), " | "); got != want || header["ReportName"] != name || header["ReportBasis"] != "Accrual" {
			t.Errorf("%s:\n%q, want\n%q", report, got, want)
		}
		none := header["Option"].([]any)[0].(object)
		if diff := cmp.Diff(object{"Name": "NoReportData", "Value": fmt.Sprint(want == "")}, none); diff != "" {
			t.Errorf("%s: %s", report, diff)
		}
	}
}

// reportRows are the cells of a report, a line for each row, from the top.
func reportRows(node any) []string {
	var rows []string
	o, _ := node.(object)
	cells := func(v any) {
		list, _ := v.(object)["ColData"].([]any)
		var texts []string
		for _, c := range list {
			value := c.(object)["value"].(string)
			if value == "" {
				value = "·"
			}
			texts = append(texts, value)
		}
		rows = append(rows, strings.Join(texts, " "))
	}
	if _, isRow := o["ColData"]; isRow {
		cells(o)
	}
	if header, ok := o["Header"].(object); ok && header["ColData"] != nil {
		cells(header)
	}
	if inner, ok := o["Rows"].(object); ok {
		list, _ := inner["Row"].([]any)
		for _, r := range list {
			rows = append(rows, reportRows(r)...)
		}
	}
	if summary, ok := o["Summary"]; ok {
		cells(summary)
	}
	return rows
}
