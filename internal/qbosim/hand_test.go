package qbosim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// desk is a company in whose books people work by hand: two customers, and an entry that lets the first owe 10.00.
type desk struct {
	*bench
	ann, bob, entry string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{bench: newBench(t)}
	d.ann, d.bob = d.customer("Ann"), d.customer("Bob")
	made := d.put("journalentry", entry("D1", "2026-05-05", line("Debit", "10.00", receivable, named("Customer", d.ann)), line("Credit", "10.00", sales)))
	d.entry = made["JournalEntry"].(object)["Id"].(string)
	d.now = d.now.Add(time.Minute)
	return d
}

// changed are the objects of change data of this minute by entity and id; "Deleted" is their status.
func (d *desk) changed() map[string]object {
	d.t.Helper()
	body := d.get("cdc?entities=JournalEntry,Customer&changedSince=" + url.QueryEscape(d.now.Format(time.RFC3339)))
	all := map[string]object{}
	for _, told := range body["CDCResponse"].([]any)[0].(object)["QueryResponse"].([]any) {
		for entity, rows := range told.(object) {
			list, _ := rows.([]any)
			for _, row := range list {
				all[entity+" "+row.(object)["Id"].(string)] = row.(object)
			}
		}
	}
	return all
}

// tells checks which objects change data tells of.
func (d *desk) tells(want ...string) map[string]object {
	d.t.Helper()
	changed := d.changed()
	got := map[string]bool{}
	for name, o := range changed {
		if o["status"] == "Deleted" {
			name += " deleted"
		}
		got[name] = true
	}
	expected := map[string]bool{}
	for _, name := range want {
		expected[name] = true
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		d.t.Errorf("change data (-want +got):\n%s", diff)
	}
	return changed
}

// stand checks the balances of accounts, and of Ann and Bob, also as QuickBooks shows them.
func (d *desk) stand(accounts map[string]money.Cents, ann, bob money.Cents) {
	d.t.Helper()
	got := d.sim.Balances(realm)
	for name, cents := range got {
		if cents == 0 {
			delete(got, name)
		}
	}
	if diff := cmp.Diff(accounts, got); diff != "" {
		d.t.Errorf("accounts (-want +got):\n%s", diff)
	}
	for name, want := range map[string]money.Cents{"Ann": ann, "Bob": bob} {
		if got := d.sim.CustomerBalance(realm, name); got != want {
			d.t.Errorf("%s owes %s, want %s", name, got, want)
		}
	}
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestAnEntryEditedByHandShowsEverywhere(t *testing.T) {
	t.Parallel()
	moved := map[string]money.Cents{"Receivable": 1000, "Sales": -1000}
	for name, x := range map[string]struct {
		change   func(*qbosim.JournalDraft)
		accounts map[string]money.Cents
		ann, bob money.Cents
		shows    string
	}{
		"a date":     {func(d *qbosim.JournalDraft) { d.Date = "2026-04-30" }, moved, 1000, 0, `"TxnDate":"2026-04-30"`},
		"a number":   {func(d *qbosim.JournalDraft) { d.DocNumber = "" }, moved, 1000, 0, `"SyncToken":"1"`},
		"a note":     {func(d *qbosim.JournalDraft) { d.Note += ", and more" }, moved, 1000, 0, `"PrivateNote":"a note, and more"`},
		"a customer": {func(d *qbosim.JournalDraft) { d.Lines[0].EntityID = "Bob" }, moved, 0, 1000, `"name":"Bob"`},
		"an amount": {
			func(d *qbosim.JournalDraft) { d.Lines[0].Amount, d.Lines[1].Amount = 750, 750 },
			map[string]money.Cents{"Receivable": 750, "Sales": -750},
			750, 0, `"Amount":7.5`,
		},
		"an account, by its name": {
			func(d *qbosim.JournalDraft) { d.Lines[1].Account = "Checking" },
			map[string]money.Cents{"Receivable": 1000, "Checking": -1000},
			1000, 0, `"AccountRef":{"name":"Checking","value":"2"}`,
		},
		"class and department, by their names": {
			func(d *qbosim.JournalDraft) { d.Lines[1].Class, d.Lines[1].Department = "Main", "Austin" }, moved, 1000, 0, `"ClassRef":{"name":"Main","value":"5"},"DepartmentRef":{"name":"Austin","value":"6"}`,
		},
		"another line": {
			func(d *qbosim.JournalDraft) {
				d.Lines[0].Amount = 1200
				d.Lines = append(d.Lines, qbosim.DraftLine{Side: "Credit", Account: checking, Amount: 200, Description: "a fee"})
			}, map[string]money.Cents{"Receivable": 1200, "Sales": -1000, "Checking": -200}, 1200, 0, `"Description":"a fee"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.must(d.sim.EditJournalEntry(realm, d.entry, x.change))
			d.stand(x.accounts, x.ann, x.bob)
			shown, err := json.Marshal(d.tells("JournalEntry " + d.entry)["JournalEntry "+d.entry])
			if err != nil || !strings.Contains(string(shown), x.shows) || !strings.Contains(string(shown), `"SyncToken":"1"`) {
				t.Errorf("%s lacks %s", shown, x.shows)
			}
		})
	}
}

func TestHandworkIsNoCallAndObeysTheRules(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	before := d.sim.Counted(realm)
	d.must(d.sim.EditJournalEntry(realm, d.entry, func(*qbosim.JournalDraft) {}))
	for name, err := range map[string]error{
		"unbalanced":         d.sim.EditJournalEntry(realm, d.entry, func(x *qbosim.JournalDraft) { x.Lines[0].Amount++ }),
		"no customer":        d.sim.EditJournalEntry(realm, d.entry, func(x *qbosim.JournalDraft) { x.Lines[0].EntityType = "" }),
		"no such account":    d.sim.EditJournalEntry(realm, d.entry, func(x *qbosim.JournalDraft) { x.Lines[0].Account = "Petty cash" }),
		"no such entry":      d.sim.EditJournalEntry(realm, "999", func(*qbosim.JournalDraft) { t.Error("it was changed") }),
		"nothing to delete":  d.sim.DeleteJournalEntry(realm, "999"),
		"merged into itself": d.sim.MergeCustomers(realm, d.ann, "Ann"),
		"merged into nobody": d.sim.MergeCustomers(realm, d.ann, "Cy"),
		"nobody merged":      d.sim.MergeCustomers(realm, "Cy", d.ann),
		"nobody owes":        d.sim.Owe(realm, "Cy", 1),
		"no such company":    d.sim.Owe("9", d.ann, 1),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := d.sim.CopyJournalEntry(realm, "999", true); err == nil {
		t.Error("an entry that there is not is copied")
	}
	if _, err := d.sim.TypeJournalEntry(realm, qbosim.JournalDraft{Date: "2026-05-05"}); err == nil {
		t.Error("an entry without lines is taken")
	}
	if diff := cmp.Diff(before, d.sim.Counted(realm)); diff != "" {
		t.Errorf("handwork is counted:\n%s", diff)
	}
	d.stand(map[string]money.Cents{"Receivable": 1000, "Sales": -1000}, 1000, 0)
	d.tells()
}

func TestEntriesDeletedTypedAndCopiedByHand(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	typed, err := d.sim.TypeJournalEntry(realm, qbosim.JournalDraft{Date: "2026-05-06", Note: "typed", Lines: []qbosim.DraftLine{
		{Side: "Debit", Account: "Checking", Amount: 400}, {Side: "Credit", Account: "Receivable", Amount: 400, EntityType: "Customer", EntityID: "Ann"},
	}})
	d.must(err)
	d.stand(map[string]money.Cents{"Receivable": 600, "Checking": 400, "Sales": -1000}, 600, 0)
	marked, err := d.sim.CopyJournalEntry(realm, d.entry, true)
	d.must(err)
	plain, err := d.sim.CopyJournalEntry(realm, typed, false)
	d.must(err)
	d.stand(map[string]money.Cents{"Receivable": 1200, "Checking": 800, "Sales": -2000}, 1200, 0)
	d.must(d.sim.DeleteJournalEntry(realm, d.entry))
	d.stand(map[string]money.Cents{"Receivable": 200, "Checking": 800, "Sales": -1000}, 200, 0)
	d.tells("JournalEntry "+d.entry+" deleted", "JournalEntry "+typed, "JournalEntry "+marked, "JournalEntry "+plain)
	var got []string
	for _, e := range d.sim.Journal(realm) {
		got = append(got, strings.Join([]string{e.ID, e.Date, e.DocNumber, e.Note}, "|"))
	}
	if diff := cmp.Diff([]string{typed + "|2026-05-06||typed", marked + "|2026-05-05|D1-1|a note", plain + "|2026-05-06||"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	d.must(d.sim.EditJournalEntry(realm, marked, func(x *qbosim.JournalDraft) { x.DocNumber = strings.Repeat("9", 20) }))
	long, err := d.sim.CopyJournalEntry(realm, marked, true)
	d.must(err)
	if got := d.get("journalentry/" + long)["JournalEntry"].(object)["DocNumber"]; got != nil {
		t.Errorf("the copy of a long number has %v", got)
	}
}

func TestAMergedCustomersEntriesAndBalanceAreTheOthers(t *testing.T) {
	t.Parallel()
	for _, touches := range []bool{false, true} {
		t.Run(fmt.Sprint(touches), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.sim.SetSwitches(realm, qbosim.Switches{MergeTouchesEntries: touches})
			d.must(d.sim.Owe(realm, d.ann, 55))
			d.must(d.sim.MergeCustomers(realm, d.ann, d.bob))
			d.stand(map[string]money.Cents{"Receivable": 1000, "Sales": -1000}, 0, 1055)
			want := []string{"Customer " + d.ann + " deleted", "Customer " + d.bob}
			if touches {
				want = append(want, "JournalEntry "+d.entry)
			}
			if got := d.tells(want...)["Customer "+d.bob]["Balance"]; got != 10.55 {
				t.Errorf("Bob owes %v", got)
			}
			shown, err := json.Marshal(d.get("journalentry/" + d.entry))
			if err != nil || !strings.Contains(string(shown), fmt.Sprintf(`"EntityRef":{"name":"Bob","value":%q}`, d.bob)) || strings.Contains(string(shown), "Ann") {
				t.Errorf("%s", shown)
			}
			found := d.get("query?query=" + url.QueryEscape("select * from Customer where Active in (true, false)"))["QueryResponse"].(object)["Customer"].([]any)
			if len(found) != 1 || found[0].(object)["DisplayName"] != "Bob" {
				t.Errorf("%v", found)
			}
			if status, _ := d.call(http.MethodGet, "customer/"+d.ann, ""); status != http.StatusBadRequest {
				t.Error("it is still read by its id")
			}
			if status, body := d.post("journalentry", entry("D2", "2026-05-05", line("Debit", "1.00", receivable, named("Customer", d.ann)), line("Credit", "1.00", sales))); status != 400 || !strings.Contains(body, `"2500"`) {
				t.Errorf("an entry that names it: %d %s", status, body)
			}
			d.must(d.sim.DeleteJournalEntry(realm, d.entry))
			d.stand(map[string]money.Cents{}, 0, 55)
			if id := d.customer("Ann"); id == d.ann {
				t.Error("its name is not free")
			}
		})
	}
}

func TestAMergeIsToldByWebhook(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		told = append(told, string(body))
	}))
	t.Cleanup(receiver.Close)
	b := newBenchOf(t, qbosim.Options{Notify: receiver.Client()})
	ann, bob := b.customer("Ann"), b.customer("Bob")
	b.sim.Hook(receiver.URL, "verifier", true)
	if err := b.sim.MergeCustomers(realm, ann, bob); err != nil {
		t.Fatal(err)
	}
	b.sim.Notified()
	if want := fmt.Sprintf(`"name":"Customer","id":%q,"operation":"Merge",`, bob); len(told) != 1 || !strings.Contains(told[0], want) || !strings.Contains(told[0], fmt.Sprintf(`"deletedId":%q`, ann)) {
		t.Errorf("%v", told)
	}
}

func TestWhatIsNoJournalEntryChangesWhatACustomerOwes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.must(d.sim.Owe(realm, d.ann, 250))
	d.must(d.sim.Owe(realm, "Bob", -100))
	d.stand(map[string]money.Cents{"Receivable": 1000, "Sales": -1000}, 1250, -100)
	if got := d.tells("Customer "+d.ann, "Customer "+d.bob)["Customer "+d.ann]["Balance"]; got != 12.5 {
		t.Errorf("Ann owes %v", got)
	}
}

// TestHandworkOverHTTP does each action as a person would: by the test switch.
func TestHandworkOverHTTP(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	hand := func(body string) (status int, id, answer string) {
		t.Helper()
		res, err := http.Post(d.url+"/_sim/realms/"+realm+"/hand", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		var o struct{ ID string }
		_ = json.Unmarshal(raw, &o)
		return res.StatusCode, o.ID, string(raw)
	}
	does := func(body, want string) string {
		t.Helper()
		status, id, answer := hand(body)
		if status != http.StatusOK || id == "" || want != "" && id != want {
			t.Fatalf("%s: %d %s", body, status, answer)
		}
		return id
	}
	typed := does(`{"action":"type","entry":{"date":"2026-05-06","lines":[{"side":"Debit","account":"Checking","amount":"4.00"},{"side":"Credit","account":"Sales","amount":"4.00"}]}}`, "")
	does(fmt.Sprintf(`{"action":"edit","id":%q,"entry":{"private_note":"changed"}}`, d.entry), d.entry)
	does(fmt.Sprintf(`{"action":"edit","id":%q,"entry":{"lines":[{"side":"Debit","account":"Receivable","amount":"3.00","entity_type":"Customer","entity_id":"Ann"},{"side":"Credit","account":"Sales","amount":"3.00"}]}}`, d.entry), d.entry)
	copied := does(fmt.Sprintf(`{"action":"copy","id":%q,"with_mark":true}`, d.entry), "")
	does(`{"action":"owe","id":"Ann","amount":"0.50"}`, d.ann)
	does(fmt.Sprintf(`{"action":"merge","id":%q,"into":"Bob"}`, d.ann), d.bob)
	does(fmt.Sprintf(`{"action":"delete","id":%q}`, d.entry), d.entry)
	d.stand(map[string]money.Cents{"Receivable": 300, "Checking": 400, "Sales": -700}, 0, 350)
	d.tells("JournalEntry "+typed, "JournalEntry "+copied, "JournalEntry "+d.entry+" deleted", "Customer "+d.ann+" deleted", "Customer "+d.bob)
	if e := d.sim.Journal(realm)[1]; e.ID != copied || e.Note != "changed" || e.Date != "2026-05-05" || e.DocNumber != "D1-1" {
		t.Errorf("%+v", e)
	}
	for _, body := range []string{
		``, `{"action":"void"}`, `{"action":"type"}`, `{"action":"edit","id":"` + copied + `"}`, `{"action":"edit","id":"` + copied + `","entry":{"total":1}}`,
		`{"action":"delete","id":"` + d.entry + `"}`, `{"action":"merge","id":"Bob","into":"Bob"}`, `{"action":"owe","id":"Bob","amount":1}`, `{"action":"delete","who":"me"}`,
	} {
		if status, _, answer := hand(body); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
}
