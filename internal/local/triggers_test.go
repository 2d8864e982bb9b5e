package local_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/org"
)

// TestTheTriggersOfTheHelpPage: what each row of its chart names becomes journal entries in QuickBooks, which the log shows.
func TestTheTriggersOfTheHelpPage(t *testing.T) {
	t.Parallel()
	dated := func(date string) string { return strings.ReplaceAll(signed, "2026-03-02", date) }
	const (
		ach     = `"amount":"985.00","date":"2026-03-10","ach_batch":"b1"`
		insured = `"insurer":{"rolodex_id":"rol-310","name":"Guardian Life"},"received":"4850.00","applied":"5000.00","withheld":"150.00","date":"2026-03-06"`
		claim   = `"received":"970.00","applied":"1000.00","fee":"30.00","date":"2026-03-08","payer":{"name":"CLAIMCHECK"}`
	)
	check := strings.Replace(printed, `"number":"2001"`, `"number":%q`, 1)
	for row, life := range map[string][][2]string{
		"Goods & Services: When G&S is signed, re-signed, or the sign date is changed": {
			{"goods_and_services.signed", signed},
			{"goods_and_services.resigned", strings.ReplaceAll(signed, "100.00", "120.00")},
			{"goods_and_services.sign_date_changed", strings.ReplaceAll(dated("2026-03-05"), "100.00", "120.00")},
		},
		"Cash and check payments: When the payment is created, deleted, or updated": {
			{"payment.created", cash}, {"payment.updated", strings.ReplaceAll(cash, "10.00", "12.00")}, {"payment.deleted", strings.ReplaceAll(cash, "10.00", "12.00")},
		},
		"Credit card payments: When the payment status is Complete": {{"payment.completed", strings.Replace(cash, "cash", "credit_card", 1)}},
		"ACH payments: When the batch is settled": {{"ach_batch.settled", `"bank":"operating","date":"2026-03-10","fees":"3.00","net":"982.00","payments":[{"record":` +
			`{"type":"ach_payment","id":"a1"},"case":{"id":"c1","number":"no-c1","decedent":{"first":"Vera","last":"Quill-c1"}},"amount":"985.00"}]`}},
		"ACH payments: chargeback occurs":                                 {{"ach_payment.charged_back", ach + `,"returns":[{"id":"r1","amount":"985.00","date":"2026-03-13","bank":"operating"}]`}},
		"ACH payments: or is refunded":                                    {{"ach_payment.refunded", ach + `,"refunds":[{"id":"f1","amount":"85.00","date":"2026-03-15","bank":"operating"}]`}},
		"Insurance assignments: When funds are marked as Received":        {{"insurance_assignment.received", insured}},
		"CLAIMCHECK: When the assignment is marked as Complete":           {{"claimcheck.completed", claim}},
		"Interest: When a transaction is created, deleted, or updated":    threeOf("interest", `"amount":"14.78","date":"2026-04-13"`, "14.78"),
		"Refunds: When a transaction is created, deleted, or updated":     threeOf("refund", `"amount":"50.00","date":"2026-04-20","paid_by":"bank","bank":"operating"`, "50.00"),
		"Adjustments: When a transaction is created, deleted, or updated": threeOf("adjustment", `"direction":"decrease","amount":"99.00","date":"2026-04-21","reason":"Courtesy"`, "99.00"),
		"Checks: When a check is printed, reprinted, or voided":           {{"check.printed", fmt.Sprintf(check, "2001")}, {"check.reprinted", fmt.Sprintf(check, "2002")}, {"check.voided", fmt.Sprintf(check, "2002")}},
		"Batch payments: When a batch is processed":                       nil, // with its member, below
		"Ledger: When funds are added":                                    {{"ledger.funds_added", typed}},
		"Ledger: or removed":                                              {{"ledger.funds_removed", strings.Replace(typed, "added", "removed", 1)}},
	} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			if life == nil {
				wait(t, s, local.WillowCreek, send(t, s, event(local.WillowCreek, "payment.created", "p0", 1, "c1", cash)), intlog.Synced)
				life = [][2]string{{"batch_payment.processed", `"bank":"operating","date":"2026-03-07","total":"10.00","members":[{"record":{"type":"payment","id":"p0"},"amount":"10.00","method":"cash"}]`}}
			}
			for i, step := range life {
				kind, caseID := step[0], "c1"
				if record, _, _ := strings.Cut(kind, "."); record == "check" || record == "batch_payment" || record == "ach_batch" || record == "ledger" {
					caseID = ""
				}
				before := len(s.Sim.Journal(local.WillowCreekRealm))
				id := send(t, s, event(local.WillowCreek, kind, "r1", i+1, caseID, step[1]))
				e := wait(t, s, local.WillowCreek, id, intlog.Synced)
				if made := len(s.Sim.Journal(local.WillowCreekRealm)) - before; made == 0 || made != len(e.Postings) {
					t.Errorf("%s makes %d journal entries in QuickBooks, %d in the log", kind, made, len(e.Postings))
				}
				as(t, s, "ana", http.MethodGet, "/v1/entries/"+id)
			}
		})
	}
}

// threeOf is a transaction that is created, updated to more, and deleted.
func threeOf(record, fields, amount string) [][2]string {
	more := strings.ReplaceAll(fields, amount, "1"+amount)
	return [][2]string{{record + ".created", fields}, {record + ".updated", more}, {record + ".deleted", more}}
}

// TestRecordMatchingOfTheHelpPage: a name that QuickBooks has exactly is linked, and another one is created; for customers and for vendors.
func TestRecordMatchingOfTheHelpPage(t *testing.T) {
	t.Parallel()
	at := org.Company{Org: local.WillowCreek, Realm: local.WillowCreekRealm}
	check := func(payee string) string {
		return strings.Replace(printed, `"payee":{"name":"Shop"}`, `"payee":{"name":"`+payee+`","rolodex_id":"r7"}`, 1)
	}
	for sentence, test := range map[string]struct {
		list, key, display, body string
		create                   func(*local.System, *testing.T) (string, error) // what QuickBooks has before; none: nothing
	}{
		"If it finds an exact match, Passare will create a link between the case and QBO customer": {
			"customers", "case:c1", "Vera Quill-c1", event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash),
			func(s *local.System, t *testing.T) (string, error) {
				return s.Client.CreateCustomer(t.Context(), at, journal.NewName{Display: "Vera Quill-c1"}, "before")
			},
		},
		"If it does not find a match, Passare will create the decedent as a new customer in QBO": {
			"customers", "case:c1", "Vera Quill-c1", event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash), nil,
		},
		"If it finds an exact match, it will automatically tie the QBO vendor to the Rolodex entry": {
			"vendors", "business:r7", "Willow Florist", event(local.WillowCreek, "check.printed", "k1", 1, "", check("Willow Florist")),
			func(s *local.System, t *testing.T) (string, error) {
				return s.Client.CreateVendor(t.Context(), at, journal.NewName{Display: "Willow Florist"}, "before")
			},
		},
		"If it does not find a match, it will create a new vendor in QBO": {
			"vendors", "business:r7", "Willow Florist", event(local.WillowCreek, "check.printed", "k1", 1, "", check("Willow Florist")), nil,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			had := ""
			if test.create != nil {
				var err error
				if had, err = test.create(s, t); err != nil {
					t.Fatal(err)
				}
			}
			wait(t, s, local.WillowCreek, send(t, s, test.body), intlog.Synced)
			var shown struct {
				Links []struct {
					ID, Name   string
					QuickBooks string `json:"quickbooks_id"`
				}
			}
			ask(t, s, "ana", http.MethodGet, "/v1/links/"+test.list, "", nil).into(t, &shown)
			if l := shown.Links; len(l) != 1 || l[0].ID != test.key || l[0].Name != test.display || l[0].QuickBooks == "" || had != "" && l[0].QuickBooks != had {
				t.Errorf("%+v, and QuickBooks had %q", l, had)
			}
		})
	}
}
