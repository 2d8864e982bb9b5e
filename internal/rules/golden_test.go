package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/golden"
	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// with is a copy of data with other fields set; nil takes a field away.
func (d data) with(changes data) data {
	c := data{}
	for k, v := range d {
		c[k] = v
	}
	for k, v := range changes {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func contract(items []data, total string) data {
	return data{"signed_on": "2026-03-02", "items": list(items), "total": total}
}

func item(id, kind, gl, description, amount string) data {
	d := data{"id": id, "kind": kind, "description": description, "amount": amount}
	if gl != "" {
		d["gl_account"] = gl
	}
	return d
}

func standardItems() []data {
	return []data{
		item("i1", "service", "4000", "Professional services", "3500.00"), item("i2", "merchandise", "4100", "Oak casket", "2400.00"),
		item("i3", "cash_advance", "", "Certificates", "150.00"),
	}
}

// examples has, for every event type, the life that ends in it.
func examples() map[string][]happening {
	signed := contract(standardItems(), "6050.00")
	more := contract(append(standardItems()[:2], item("i3", "cash_advance", "", "Certificates", "135.00"), item("i4", "cash_advance", "", "Flowers", "200.00")), "6235.00")
	cash := data{"method": "check", "amount": "1000.00", "date": "2026-03-04", "payer": "Mary Smith", "check_number": "1187"}
	card := data{"method": "credit_card", "amount": "500.00", "date": "2026-03-04", "payer": "Mary Smith", "merchant_account": "front desk"}
	settled := data{
		"bank": "operating", "date": "2026-03-10", "fees": "3.00", "net": "982.00",
		"payments": []data{{"record": data{"type": "ach_payment", "id": "a1"}, "case": caseOf(1), "amount": "985.00"}},
	}
	ach := data{"amount": "985.00", "date": "2026-03-10", "ach_batch": "b1"}
	returned := []data{{"id": "ret-1", "amount": "985.00", "date": "2026-03-13", "bank": "operating", "fee": "25.00", "fee_to_family": "10.00"}}
	insured := data{
		"insurer": data{"rolodex_id": "rol-310", "name": "Guardian Life"}, "received": "4850.00", "applied": "5000.00", "withheld": "150.00",
		"date": "2026-03-06", "policy_last4": "7731",
	}
	interest := data{"amount": "14.78", "date": "2026-04-13"}
	refund := data{"amount": "50.00", "date": "2026-04-20", "paid_by": "bank", "bank": "operating"}
	adjustment := data{"direction": "decrease", "amount": "99.00", "date": "2026-04-21", "reason": "Courtesy"}
	claim := data{"received": "970.00", "applied": "1000.00", "fee": "30.00", "date": "2026-03-08", "payer": data{"name": "CLAIMCHECK"}}
	check := data{
		"bank": "operating", "number": "2001", "date": "2026-03-09", "payee": data{"rolodex_id": "rol-200", "name": "Oak Hill Cemetery"},
		"lines": []data{
			{"kind": "cash_advance", "case": caseOf(1), "item_id": "i3", "amount": "150.00"},
			{"kind": "expense", "gl_account": "6100", "description": "Flags", "amount": "20.00"},
		},
	}
	batch := data{
		"bank": "operating", "date": "2026-03-07", "fees": "1.00", "total": "9.00",
		"members": []data{{"record": data{"type": "payment", "id": "p0"}, "amount": "10.00", "method": "check"}},
	}
	ledger := data{
		"direction": "added", "bank": "operating", "gl_account": "7000", "transaction_type": "Interest earned", "amount": "12.00", "date": "2026-03-31", "memo": "March",
	}
	life := func(steps ...any) []happening {
		var hs []happening
		for i := 0; i+1 < len(steps); i += 2 {
			hs = append(hs, happening{kind: steps[i].(string), id: "r1", version: int64(i/2 + 1), data: steps[i+1].(data)})
		}
		return hs
	}
	return map[string][]happening{
		"goods_and_services.signed":            life("goods_and_services.signed", signed),
		"goods_and_services.resigned":          life("goods_and_services.signed", signed, "goods_and_services.resigned", more),
		"goods_and_services.sign_date_changed": life("goods_and_services.signed", signed, "goods_and_services.sign_date_changed", signed.with(data{"signed_on": "2026-02-27"})),
		"goods_and_services.unsigned":          life("goods_and_services.signed", signed, "goods_and_services.resigned", more.with(data{"signed_on": "2026-03-05"}), "goods_and_services.unsigned", data{}),
		"payment.created":                      life("payment.created", cash),
		"payment.updated":                      life("payment.created", cash, "payment.updated", cash.with(data{"amount": "1200.00"})),
		"payment.deleted":                      life("payment.created", cash, "payment.deleted", cash.with(data{"deleted_on": "2026-05-01"})),
		"payment.returned":                     life("payment.created", cash, "payment.returned", cash.with(data{"returned": data{"date": "2026-03-20", "bank": "operating", "fee": "12.00"}})),
		"payment.completed":                    life("payment.completed", card),
		"payment.voided":                       life("payment.completed", card, "payment.voided", card.with(data{"voided_on": "2026-03-06"})),
		"payment.refunded": life("payment.completed", card, "payment.refunded", card.with(data{"refunds": []data{
			{"id": "f1", "amount": "100.00", "date": "2026-03-20"}, {"id": "f2", "amount": "50.00", "date": "2026-03-25"},
		}})),
		"ach_batch.settled":        life("ach_batch.settled", settled),
		"ach_batch.updated":        life("ach_batch.settled", settled, "ach_batch.updated", settled.with(data{"fees": "5.00", "net": "980.00"})),
		"ach_payment.charged_back": life("ach_payment.charged_back", ach.with(data{"returns": returned})),
		"ach_payment.refunded":     life("ach_payment.refunded", ach.with(data{"refunds": []data{{"id": "f1", "amount": "85.00", "date": "2026-03-15", "bank": "operating"}}})),
		"ach_payment.updated": life("ach_payment.charged_back", ach.with(data{"returns": returned}),
			"ach_payment.updated", ach.with(data{"returns": []data{returned[0].with(data{"reversed_on": "2026-03-30"})}})),
		"insurance_assignment.received": life("insurance_assignment.received", insured),
		"insurance_assignment.updated":  life("insurance_assignment.received", insured, "insurance_assignment.updated", insured.with(data{"received": "4900.00", "withheld": "100.00"})),
		"insurance_assignment.reverted": life("insurance_assignment.received", insured, "insurance_assignment.reverted", insured),
		"insurance_assignment.clawed_back": life("insurance_assignment.received", insured,
			"insurance_assignment.clawed_back", insured.with(data{"clawed_back": data{"amount": "500.00", "date": "2026-06-01", "bank": "operating"}})),
		"interest.created":          life("interest.created", interest),
		"interest.updated":          life("interest.created", interest, "interest.updated", interest.with(data{"date": "2026-04-30"})),
		"interest.deleted":          life("interest.created", interest, "interest.deleted", interest),
		"refund.created":            life("refund.created", refund),
		"refund.updated":            life("refund.created", refund, "refund.updated", refund.with(data{"paid_by": "passare_check", "bank": nil})),
		"refund.deleted":            life("refund.created", refund, "refund.deleted", refund),
		"adjustment.created":        life("adjustment.created", adjustment),
		"adjustment.updated":        life("adjustment.created", adjustment, "adjustment.updated", adjustment.with(data{"direction": "increase"})),
		"adjustment.deleted":        life("adjustment.created", adjustment, "adjustment.deleted", adjustment),
		"claimcheck.completed":      life("claimcheck.completed", claim),
		"claimcheck.updated":        life("claimcheck.completed", claim, "claimcheck.updated", claim.with(data{"received": "1000.00", "fee": "0.00"})),
		"claimcheck.reverted":       life("claimcheck.completed", claim, "claimcheck.reverted", claim),
		"check.printed":             life("check.printed", check),
		"check.reprinted":           life("check.printed", check, "check.reprinted", check.with(data{"number": "2002", "date": "2026-03-12"})),
		"check.voided":              life("check.printed", check, "check.voided", check.with(data{"date": "2026-03-11"})),
		"batch_payment.processed":   life("batch_payment.processed", batch),
		"batch_payment.updated":     life("batch_payment.processed", batch, "batch_payment.updated", batch.with(data{"fees": "2.00", "total": "8.00"})),
		"batch_payment.unprocessed": life("batch_payment.processed", batch, "batch_payment.unprocessed", batch),
		"ledger.funds_added":        life("ledger.funds_added", ledger),
		"ledger.funds_removed":      life("ledger.funds_removed", ledger.with(data{"direction": "removed", "transaction_type": "Bank charge"})),
		"ledger.updated":            life("ledger.funds_added", ledger, "ledger.updated", ledger.with(data{"amount": "15.00"})),
		"ledger.deleted":            life("ledger.funds_added", ledger, "ledger.deleted", ledger),
		"accounting_export.added":   life("accounting_export.added", data{"page": "goods_and_services", "branch": nil}),
	}
}

// TestGoldenEachTriggerToItsEntries renders every example and compares it byte by byte. UPDATE_GOLDEN=1
// (make golden) writes the files anew; then look at the difference.
func TestGoldenEachTriggerToItsEntries(t *testing.T) {
	t.Parallel()
	examples := examples()
	for _, kind := range passare.RecordTypes() {
		for _, verb := range kind.Verbs() {
			name := string(kind) + "." + string(verb)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				life, ok := examples[name]
				if !ok {
					t.Fatal("has no example")
				}
				if last := life[len(life)-1].kind; last != name {
					t.Fatalf("the example ends in %s", last)
				}
				goldenfile.Check(t, name, render(t, life))
			})
		}
	}
}

func render(t *testing.T, life []happening) string {
	t.Helper()
	b := newBooks(t)
	withMembers(b)
	var out strings.Builder
	for _, h := range life {
		e := event(t, h)
		p := b.deliver(e)
		fmt.Fprintf(&out, "version %d: %s\n  %s\n", h.version, h.kind, p.Sentence)
		for _, problem := range p.Problems {
			fmt.Fprintf(&out, "  ! %s (%s): %s\n", problem.Kind, problem.Who, problem.Text)
		}
		for _, planned := range p.Entries {
			fmt.Fprintf(&out, "  %s\n", planned.Date)
			for _, l := range planned.Lines() {
				out.WriteString(renderLine(l))
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

func renderLine(l journal.Line) string {
	debit, credit, name := l.Amount.String(), "", ""
	if l.Side == journal.Credit {
		debit, credit = "", debit
	}
	if n := l.Place.Name; n != nil {
		name = string(n.Kind) + " " + n.Display
	}
	place := strings.TrimSpace(l.Place.Class + " " + l.Place.Location)
	return strings.TrimRight(fmt.Sprintf("    %-28s %10s %10s  %-28s %-8s %s", strings.TrimPrefix(l.Place.Account, "qb "), debit, credit, name, place, l.Description), " ") + "\n"
}

func TestTheGoldenCaseMakesTheEntriesWorkedOutByHand(t *testing.T) {
	t.Parallel()
	g, err := golden.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	mapping := org.Mapping{Roles: map[org.Role]string{}, GL: g.Company.Mapping.GLAccounts}
	for role, account := range g.Company.Mapping.Roles {
		mapping.Roles[org.Role(role)] = account
	}
	all := map[passare.Ref]*books{}
	receivable := money.Cents(0)
	for i, raw := range g.Events {
		e, err := passare.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		b := all[e.Record]
		if b == nil {
			b = newBooks(t)
			b.config.Mapping = mapping
			all[e.Record] = b
		}
		for ref, other := range all {
			b.related[ref] = rules.Record{Ref: ref, Newest: &passare.Event{Record: ref}, Standing: other.standing}
		}
		p := b.deliver(e)
		if diff := cmp.Diff(g.Expected.Events[i].Entries, asGolden(p)); diff != "" || len(p.Problems) > 0 {
			t.Errorf("%s %v (-want +got):\n%s", g.Expected.Events[i].Event, p.Problems, diff)
		}
		// What is told before it is planned is how the plan's sentence begins; but what a re-signing changes is known to the plan only.
		if told := strings.TrimSuffix(rules.Told(e), "."); e.Verb != passare.Resigned && !strings.HasPrefix(p.Sentence, told) {
			t.Errorf("%q is told of %q", told, p.Sentence)
		}
		for _, planned := range p.Entries {
			for _, m := range planned.Movements {
				if m.Key.Account == string(org.AccountsReceivable) {
					receivable += m.Amount
				}
			}
		}
		if receivable.String() != g.Expected.Receivable[i] {
			t.Errorf("A/R after %s is %s, want %s", g.Expected.Events[i].Event, receivable, g.Expected.Receivable[i])
		}
	}
}

func asGolden(p rules.Plan) []golden.Entry {
	var entries []golden.Entry
	for _, planned := range p.Entries {
		e := golden.Entry{Date: string(planned.Date)}
		for _, l := range planned.Lines() {
			x := golden.Line{Side: string(l.Side), Account: l.Place.Account, Amount: l.Amount.String()}
			if n := l.Place.Name; n != nil {
				x.Entity = &golden.Entity{Type: string(n.Kind), Name: n.Display}
			}
			e.Lines = append(e.Lines, x)
		}
		entries = append(entries, e)
	}
	return entries
}
