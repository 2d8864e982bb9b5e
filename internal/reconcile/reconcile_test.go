package reconcile_test

import (
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// TestEachClassAndItsRemedy does to one entry what people do in QuickBooks, each in books of its own: the next proof finds it, with its class and its
// sentence, and after its remedy the one after that agrees.
func TestEachClassAndItsRemedy(t *testing.T) {
	t.Parallel()
	type fact struct {
		b      *books
		c      funeral
		id     string // of the payment's journal entry in QuickBooks
		doc    string
		signed string // of the contract's
	}
	for name, test := range map[string]struct {
		do       func(f fact) error
		class    reconcile.Class
		sentence string // with DOC for the number
		remedy   reconcile.Action
		journal  int // how many entries QuickBooks has at the end
	}{
		"deleted, posted again": {
			func(f fact) error { return f.b.sim.DeleteJournalEntry(realm, f.id) },
			reconcile.Deleted, "Journal entry DOC of 3/3/2026, $400.00 (payment p1, John Smith 1) was deleted in QuickBooks.", reconcile.Repost, 2,
		},
		"deleted, and that is right": {
			func(f fact) error { return f.b.sim.DeleteJournalEntry(realm, f.id) },
			reconcile.Deleted, "Journal entry DOC of 3/3/2026, $400.00 (payment p1, John Smith 1) was deleted in QuickBooks.", reconcile.Accept, 1,
		},
		"another amount, corrected": {
			func(f fact) error {
				return f.b.sim.EditJournalEntry(realm, f.id, func(d *qbosim.JournalDraft) { d.Lines[0].Amount, d.Lines[1].Amount = 45000, 45000 })
			},
			reconcile.Changed, "Journal entry DOC of 3/3/2026, $400.00 (payment p1, John Smith 1) was changed in QuickBooks: deposits clearing, John Smith 1 is 450.00 debit, not 400.00 debit, and 1 more.",
			reconcile.Correct, 3,
		},
		"another amount, accepted": {
			func(f fact) error {
				return f.b.sim.EditJournalEntry(realm, f.id, func(d *qbosim.JournalDraft) { d.Lines[0].Amount, d.Lines[1].Amount = 45000, 45000 })
			},
			reconcile.Changed, "Journal entry DOC of 3/3/2026, $400.00 (payment p1, John Smith 1) was changed in QuickBooks: deposits clearing, John Smith 1 is 450.00 debit, not 400.00 debit, and 1 more.",
			reconcile.Accept, 2,
		},
		"another account, corrected": {
			func(f fact) error {
				return f.b.sim.EditJournalEntry(realm, f.id, func(d *qbosim.JournalDraft) {
					for i := range d.Lines {
						if d.Lines[i].Side == "Debit" {
							d.Lines[i].Account = "card_clearing"
						}
					}
				})
			},
			reconcile.Changed, "Journal entry DOC of 3/3/2026, $400.00 (payment p1, John Smith 1) was changed in QuickBooks: account is card clearing, not deposits clearing.", reconcile.Correct, 3,
		},
		"another date, corrected": {
			func(f fact) error {
				return f.b.sim.EditJournalEntry(realm, f.id, func(d *qbosim.JournalDraft) { d.Date = "2026-02-27" })
			},
			reconcile.Moved, "Journal entry DOC of 3/3/2026, $400.00 (payment p1, John Smith 1) was moved to 2/27/2026 in QuickBooks.", reconcile.Correct, 4,
		},
		"copied with its mark, reversed": {
			func(f fact) error { _, err := f.b.sim.CopyJournalEntry(realm, f.id, true); return err },
			reconcile.Doubled, "Journal entry DOC of 3/3/2026, $400.00 (payment p1, John Smith 1) is in QuickBooks twice: also as DOC-1 of 3/3/2026.", reconcile.Reverse, 4,
		},
		"copied without it, reversed": {
			func(f fact) error { _, err := f.b.sim.CopyJournalEntry(realm, f.id, false); return err },
			reconcile.Doubled, "Journal entry DOC of 3/3/2026, $400.00 (payment p1, John Smith 1) is in QuickBooks twice: also as DOC-1 of 3/3/2026.", reconcile.Reverse, 4,
		},
		"copied, and both are right": {
			func(f fact) error { _, err := f.b.sim.CopyJournalEntry(realm, f.id, true); return err },
			reconcile.Doubled, "Journal entry DOC of 3/3/2026, $400.00 (payment p1, John Smith 1) is in QuickBooks twice: also as DOC-1 of 3/3/2026.", reconcile.Accept, 3,
		},
		"typed by hand, accepted": {
			func(f fact) error {
				_, err := f.b.sim.TypeJournalEntry(realm, qbosim.JournalDraft{Date: "2026-03-03", DocNumber: "GJ-7", Lines: []qbosim.DraftLine{
					{Side: "Debit", Account: "deposits_clearing", Amount: 2500}, {Side: "Credit", Account: "rent", Amount: 2500},
				}})
				return err
			},
			reconcile.Unknown, "Journal entry GJ-7 of 3/3/2026, which Passare sync did not make, has $25.00 on deposits clearing.", reconcile.Accept, 3,
		},
		"typed by hand on a family, accepted": {
			func(f fact) error {
				_, err := f.b.sim.TypeJournalEntry(realm, qbosim.JournalDraft{Date: "2026-03-03", Lines: []qbosim.DraftLine{
					{Side: "Debit", Account: "rent", Amount: 2500}, {Side: "Credit", Account: "accounts_receivable", Amount: 2500, EntityType: "Customer", EntityID: "John Smith 1"},
				}})
				return err
			},
			reconcile.Unknown, "Journal entry without a number of 3/3/2026, which Passare sync did not make, has $25.00 on accounts receivable, John Smith 1.", reconcile.Accept, 3,
		},
		"an invoice for the family, accepted": {
			func(f fact) error { return f.b.sim.Owe(realm, "John Smith 1", 9900) },
			reconcile.Unknown, "John Smith 1 owes $699.00 in QuickBooks, $99.00 more than the journal entries come to: somebody recorded an invoice, a payment or another transaction there.",
			reconcile.Accept, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBooks(t)
			b.agrees(b.night())
			c := b.funeral()
			contract := b.post(b.event(&c, "goods_and_services.signed", "g1", 1, signed("2026-03-03", "900.00", "100.00", "1000.00")))
			payment := b.post(b.event(&c, "payment.created", "p1", 1, paid("2026-03-03", "400.00")))
			n := b.night()
			b.agrees(n)
			if n.Says != "All agrees: 2 entries, $1,400.00." {
				t.Error(n.Says)
			}
			p := payment.Postings[0]
			if err := test.do(fact{b, c, p.QuickBooksID, p.Doc, contract.Postings[0].QuickBooksID}); err != nil {
				t.Fatal(err)
			}
			n = b.night()
			d := b.one()
			if want := strings.ReplaceAll(test.sentence, "DOC", p.Doc); d.Class != test.class || d.Sentence != want {
				t.Errorf("%s: %s\nnot %s: %s", d.Class, d.Sentence, test.class, want)
			}
			if n.State != reconcile.Differs || n.Open != 1 || n.Found != 1 || len(n.First) != 1 {
				t.Errorf("%+v", n)
			}
			before := len(b.sim.Journal(realm))
			b.act(d.ID, reconcile.Act{Action: test.remedy, Seen: d.Seen})
			n = b.night()
			b.agrees(n)
			if got := len(b.sim.Journal(realm)); got != test.journal {
				t.Errorf("%d journal entries, and before the remedy %d: %+v", got, before, b.sim.Journal(realm))
			}
			if settled, err := b.proof.Difference(t.Context(), willow, d.ID); err != nil || settled.Settled.IsZero() || len(settled.Remedies) > 0 || settled.How == "" {
				t.Errorf("%+v %v", settled, err)
			}
			b.agrees(b.night())
			b.agrees(b.prove(reconcile.Request{Org: willow, Full: true, Who: "Ben Ito"}))
			if test.remedy == reconcile.Accept {
				return
			}
			for account, want := range map[string]money.Cents{"accounts_receivable": 60000, "deposits_clearing": 40000, "card_clearing": 0} {
				if got := b.sim.Balances(realm)[account]; got != want {
					t.Errorf("%s is %s", account, got)
				}
			}
		})
	}
}
