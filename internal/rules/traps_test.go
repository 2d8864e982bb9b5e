package rules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// post delivers the next version of the record and has its entries accepted.
func (b *books) post(kind string, version int64, d data) rules.Plan {
	b.t.Helper()
	return b.deliver(event(b.t, happening{kind: kind, id: "r1", version: version, data: d}))
}

// relate puts another record beside this one.
func (b *books) relate(ref passare.Ref, r rules.Record) {
	r.Ref = ref
	if r.Newest == nil {
		r.Newest = &passare.Event{Record: ref}
	}
	b.related[ref] = r
	b.mentions = append(b.mentions, ref)
}

func want(t *testing.T, p rules.Plan, lns ...string) {
	t.Helper()
	for _, problem := range p.Problems {
		t.Errorf("problem: %+v", problem)
	}
	if diff := cmp.Diff(lns, lines(p)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func problem(t *testing.T, p rules.Plan, kind rules.Kind, fragments ...string) {
	t.Helper()
	for _, x := range p.Problems {
		if x.Kind != kind {
			continue
		}
		for _, f := range fragments {
			if !strings.Contains(x.Text, f) {
				t.Errorf("%q does not say %q", x.Text, f)
			}
		}
		if x.Who == "" || x.Where == "" || x.Subject == "" {
			t.Errorf("%+v does not say who can fix it and where", x)
		}
		return
	}
	t.Errorf("no problem of kind %s among %+v; entries %v", kind, p.Problems, lines(p))
}

// stands is one line of another record as it stands in QuickBooks.
func stands(leg, part string, role org.Role, c money.Cents) rules.Standing {
	return rules.Standing{
		Movement: journal.Movement{
			Key: journal.Key{Leg: leg, Part: part, Account: string(role), Case: "case-1", Branch: "branch-1"}, Fact: "2026-03-01", Amount: c,
			Place:       journal.Place{Account: "qb " + string(role), Class: "class 1", Name: &journal.Name{Kind: journal.Customer, Key: "case:case-1", ID: "1", Display: "John Smith1"}},
			Description: "as posted",
		},
		On: "2026-03-01",
	}
}

const customer = " (Customer John Smith1)"

func TestTrapsOfTheOrderOfThings(t *testing.T) {
	t.Parallel()
	cash := data{"method": "cash", "amount": "100.00", "date": "2026-03-04"}
	batch := data{"bank": "operating", "date": "2026-03-07", "total": "100.00", "members": []data{{"record": data{"type": "payment", "id": "p7"}, "amount": "100.00", "method": "cash"}}}
	member := passare.Ref{Type: passare.Payment, ID: "p7"}
	run(t, map[string]func(*testing.T, *books){
		"a payment deleted after its batch is held, naming the batch, and goes when it is unprocessed": func(t *testing.T, b *books) {
			b.post("payment.created", 1, cash)
			b51 := passare.Ref{Type: passare.BatchPayment, ID: "b51"}
			b.relate(b51, rules.Record{Standing: []rules.Standing{stands("deposit", "payment/r1", org.DepositsClearing, -10000)}})
			problem(t, b.post("payment.deleted", 2, cash), rules.Member, "b51", "Not posted: already in batch b51, which has banked it. Unprocess")
			b.related[b51] = rules.Record{Ref: b51, Newest: &passare.Event{Record: b51}}
			want(t, b.deliver(b.known[1]), "2026-03-04 Debit  100.00 qb accounts_receivable"+customer, "2026-03-04 Credit 100.00 qb deposits_clearing"+customer)
		},
		"a member of a processed batch whose payer is corrected stays as it is": func(t *testing.T, b *books) {
			b.post("payment.created", 1, cash)
			b.relate(passare.Ref{Type: passare.BatchPayment, ID: "b51"}, rules.Record{Standing: []rules.Standing{stands("deposit", "payment/r1", org.DepositsClearing, -10000)}})
			want(t, b.post("payment.updated", 2, cash.with(data{"payer": "Mary"})))
		},
		"a bounced check of a processed batch is posted: the original stays": func(t *testing.T, b *books) {
			b.post("payment.created", 1, cash)
			b.relate(passare.Ref{Type: passare.BatchPayment, ID: "b51"}, rules.Record{Standing: []rules.Standing{stands("deposit", "payment/r1", org.DepositsClearing, -10000)}})
			want(t, b.post("payment.returned", 2, cash.with(data{"returned": data{"date": "2026-03-20", "bank": "operating"}})),
				"2026-03-20 Debit  100.00 qb accounts_receivable"+customer, "2026-03-20 Credit 100.00 qb bank:operating")
		},
		"a batch with a member that is not posted waits, naming it, and goes when it is posted": func(t *testing.T, b *books) {
			problem(t, b.post("batch_payment.processed", 1, batch), rules.Member, "payment/p7")
			b.relate(member, rules.Record{})
			problem(t, b.deliver(b.known[0]), rules.Member, "payment/p7", "not in QuickBooks")
			b.relate(member, rules.Record{Standing: []rules.Standing{stands("receipt", "", org.DepositsClearing, 10000)}})
			want(t, b.deliver(b.known[0]), "2026-03-07 Debit  100.00 qb bank:operating", "2026-03-07 Credit 100.00 qb deposits_clearing"+customer)
		},
		"a batch waits for a member that is on its way": func(t *testing.T, b *books) {
			b.relate(member, rules.Record{Busy: true, Standing: []rules.Standing{stands("receipt", "", org.DepositsClearing, 10000)}})
			problem(t, b.post("batch_payment.processed", 1, batch), rules.Member, "payment/p7", "on its way")
		},
		"a batch member whose amount is not what stands is held with both amounts": func(t *testing.T, b *books) {
			b.relate(member, rules.Record{Standing: []rules.Standing{stands("receipt", "", org.DepositsClearing, 12000)}})
			problem(t, b.post("batch_payment.processed", 1, batch), rules.Data, "100.00", "120.00")
		},
		"a batch that is processed again takes back what it has banked when a member's change waits for that, and banks anew after it": func(t *testing.T, b *books) {
			one := rules.Record{Standing: []rules.Standing{stands("receipt", "", org.DepositsClearing, 10000)}}
			b.relate(member, one)
			b.post("batch_payment.processed", 1, batch)
			more := batch.with(data{"total": "120.00", "members": []data{{"record": data{"type": "payment", "id": "p7"}, "amount": "120.00", "method": "cash"}}})
			problem(t, b.post("batch_payment.processed", 3, more), rules.Member, "payment/p7", "120.00", "100.00")
			changed := event(t, happening{kind: "payment.updated", id: "p7", version: 2, data: cash.with(data{"amount": "120.00"})})
			one.Newest, one.Busy = &changed, true
			b.relate(member, one)
			problem(t, b.plan(3), rules.Member, "payment/p7", "on its way")
			one.Busy, one.Coming, one.Waits = false, true, []string{"batch_payment/r1"}
			b.relate(member, one)
			p := b.deliver(b.known[1])
			want(t, p, "2026-03-07 Debit  100.00 qb deposits_clearing"+customer, "2026-03-07 Credit 100.00 qb bank:operating")
			if !p.MakesWay || !strings.Contains(p.Sentence, "taken back") {
				t.Errorf("%+v", p)
			}
			problem(t, b.plan(3), rules.Member, "payment/p7", "change goes first")
			b.relate(member, rules.Record{Newest: &changed, Standing: []rules.Standing{stands("receipt", "", org.DepositsClearing, 12000)}})
			p = b.deliver(b.known[1])
			want(t, p, "2026-03-07 Debit  120.00 qb bank:operating", "2026-03-07 Credit 120.00 qb deposits_clearing"+customer)
			if p.MakesWay {
				t.Error("it banks, and says that it makes way")
			}
		},
		"a batch does not let go for a change that would not give its member the batch's amount": func(t *testing.T, b *books) {
			one := rules.Record{Standing: []rules.Standing{stands("receipt", "", org.DepositsClearing, 10000)}}
			b.relate(member, one)
			b.post("batch_payment.processed", 1, batch)
			changed := event(t, happening{kind: "payment.updated", id: "p7", version: 2, data: cash.with(data{"amount": "120.00"})})
			one.Newest, one.Coming, one.Waits = &changed, true, []string{"batch_payment/r1"}
			b.relate(member, one)
			want(t, b.post("batch_payment.processed", 3, batch))
		},
		"a batch member that was excluded or deleted asks for a choice": func(t *testing.T, b *books) {
			b.relate(member, rules.Record{Out: "deleted"})
			problem(t, b.post("batch_payment.processed", 1, batch), rules.Choice, "payment/p7", "opening clearing balance")
		},
		"an ACH settlement that comes twice posts once": func(t *testing.T, b *books) {
			d := data{"bank": "operating", "date": "2026-03-10", "payments": []data{{"record": data{"type": "ach_payment", "id": "a1"}, "case": caseOf(1), "amount": "9.00"}}}
			b.post("ach_batch.settled", 1, d)
			want(t, b.post("ach_batch.settled", 1, d))
		},
		"a return before its settlement is posted at its own date": func(t *testing.T, b *books) {
			want(t, b.post("ach_payment.charged_back", 1, data{
				"amount": "9.00", "date": "2026-03-10", "ach_batch": "b1", "returns": []data{{"id": "r", "amount": "9.00", "date": "2026-03-13", "bank": "operating"}},
			}), "2026-03-13 Debit  9.00 qb accounts_receivable"+customer, "2026-03-13 Credit 9.00 qb bank:operating")
		},
		"a card refund that comes before Complete brings both, and Complete then nothing": func(t *testing.T, b *books) {
			card := data{"method": "credit_card", "amount": "100.00", "date": "2026-03-04"}
			want(t, b.post("payment.refunded", 2, card.with(data{"refunds": []data{{"id": "f", "amount": "40.00", "date": "2026-03-05"}}})),
				"2026-03-04 Debit  100.00 qb card_clearing", "2026-03-04 Credit 100.00 qb accounts_receivable"+customer,
				"2026-03-05 Debit  40.00 qb accounts_receivable"+customer, "2026-03-05 Credit 40.00 qb card_clearing")
			want(t, b.post("payment.completed", 1, card))
		},
		"a re-sign that comes before the first sign is whole, and the first sign then moves its part to its date": func(t *testing.T, b *books) {
			first := contract([]data{item("i1", "service", "4000", "Services", "100.00")}, "100.00")
			second := contract([]data{item("i1", "service", "4000", "Services", "130.00")}, "130.00").with(data{"signed_on": "2026-03-09"})
			want(t, b.post("goods_and_services.resigned", 2, second), "2026-03-09 Debit  130.00 qb accounts_receivable"+customer, "2026-03-09 Credit 130.00 qb 4000")
			want(t, b.post("goods_and_services.signed", 1, first),
				"2026-03-02 Debit  100.00 qb accounts_receivable"+customer, "2026-03-02 Credit 100.00 qb 4000",
				"2026-03-09 Debit  100.00 qb 4000", "2026-03-09 Credit 100.00 qb accounts_receivable"+customer)
		},
		"a reprint whose void never came voids the old number in the same entry": func(t *testing.T, b *books) {
			b.post("check.printed", 1, expense("2001", "2026-03-09"))
			want(t, b.post("check.reprinted", 2, expense("2002", "2026-03-12")),
				"2026-03-12 Debit  20.00 qb bank:operating", "2026-03-12 Debit  20.00 qb 6100", "2026-03-12 Credit 20.00 qb 6100", "2026-03-12 Credit 20.00 qb bank:operating")
		},
		"a reprint after the void brings only the new number": func(t *testing.T, b *books) {
			b.post("check.printed", 1, expense("2001", "2026-03-09"))
			b.post("check.voided", 2, expense("2001", "2026-03-11"))
			want(t, b.post("check.reprinted", 3, expense("2002", "2026-03-12")), "2026-03-12 Debit  20.00 qb 6100", "2026-03-12 Credit 20.00 qb bank:operating")
		},
		"a reprint under the same number and amounts changes nothing": func(t *testing.T, b *books) {
			b.post("check.printed", 1, expense("2001", "2026-03-09"))
			want(t, b.post("check.reprinted", 2, expense("2001", "2026-03-12")))
		},
		"a reprint under the same number posts the pair when the organisation wants that": func(t *testing.T, b *books) {
			b.config.Settings.ReprintPostsPair = true
			b.post("check.printed", 1, expense("2001", "2026-03-09"))
			want(t, b.post("check.reprinted", 2, expense("2001", "2026-03-12")),
				"2026-03-12 Debit  20.00 qb bank:operating", "2026-03-12 Debit  20.00 qb 6100", "2026-03-12 Credit 20.00 qb 6100", "2026-03-12 Credit 20.00 qb bank:operating")
		},
		"a check printed and voided in one month while unposted makes nothing": func(t *testing.T, b *books) {
			b.known = append(b.known, event(t, happening{kind: "check.printed", id: "r1", version: 1, data: expense("2001", "2026-03-09")}))
			want(t, b.post("check.voided", 2, expense("2001", "2026-03-11")))
		},
		"a check printed and voided in two months while unposted shows in both, as each month's books must": func(t *testing.T, b *books) {
			b.known = append(b.known, event(t, happening{kind: "check.printed", id: "r1", version: 1, data: expense("2001", "2026-03-31")}))
			want(t, b.post("check.voided", 2, expense("2001", "2026-04-01")),
				"2026-03-31 Debit  20.00 qb 6100", "2026-03-31 Credit 20.00 qb bank:operating", "2026-04-01 Debit  20.00 qb bank:operating", "2026-04-01 Credit 20.00 qb 6100")
		},
		"the check of a refund that is not posted waits for it": func(t *testing.T, b *books) {
			ref := passare.Ref{Type: passare.Refund, ID: "f1"}
			d := expense("2001", "2026-03-09").with(data{"lines": []data{{"kind": "refund", "case": caseOf(1), "amount": "20.00"}}, "refund_record": "f1"})
			problem(t, b.post("check.printed", 1, d), rules.Member, "f1")
			b.relate(ref, rules.Record{Standing: []rules.Standing{stands("refund/", "", org.RefundsPayable, -2000)}})
			want(t, b.deliver(b.known[0]), "2026-03-09 Debit  20.00 qb refunds_payable"+customer, "2026-03-09 Credit 20.00 qb bank:operating")
			want(t, b.post("check.voided", 2, d.with(data{"date": "2026-03-15"})), "2026-03-15 Debit  20.00 qb bank:operating", "2026-03-15 Credit 20.00 qb refunds_payable"+customer)
		},
		"a refund does not change while its check stands": func(t *testing.T, b *books) {
			d := data{"amount": "20.00", "date": "2026-03-08", "paid_by": "passare_check"}
			want(t, b.post("refund.created", 1, d), "2026-03-08 Debit  20.00 qb accounts_receivable"+customer, "2026-03-08 Credit 20.00 qb refunds_payable"+customer)
			b.relate(passare.Ref{Type: passare.Check, ID: "c1"}, rules.Record{Standing: []rules.Standing{stands("check/2001", "refund", org.RefundsPayable, 2000)}})
			problem(t, b.post("refund.deleted", 2, d), rules.Member, "c1", "Void the check")
		},
		"an adjustment that books the fee of a return is posted by the return": func(t *testing.T, b *books) {
			ref := passare.Ref{Type: passare.ACHPayment, ID: "a1"}
			back := event(t, happening{kind: "ach_payment.charged_back", id: "a1", version: 1, data: data{"amount": "9.00", "date": "2026-03-10", "ach_batch": "b1", "returns": []data{
				{"id": "r", "amount": "9.00", "date": "2026-03-13", "bank": "operating", "fee": "5.00", "fee_to_family": "5.00", "fee_record": "r1"},
			}}})
			b.relate(ref, rules.Record{Newest: &back})
			p := b.post("adjustment.created", 1, data{"direction": "increase", "amount": "5.00", "date": "2026-03-13", "reason": "Return fee"})
			want(t, p)
			if !strings.Contains(p.Sentence, "Not posted: already in ACH payment a1") || p.PostedBy != ref {
				t.Errorf("%q, posted by %s", p.Sentence, p.PostedBy)
			}
		},
		"a return whose fee an adjustment has charged already is shown, not doubled": func(t *testing.T, b *books) {
			b.related[passare.Ref{Type: passare.Adjustment, ID: "adj-9"}] = rules.Record{Standing: []rules.Standing{stands("", "", org.AccountsReceivable, 500)}}
			problem(t, b.post("ach_payment.charged_back", 1, data{"amount": "9.00", "date": "2026-03-10", "ach_batch": "b1", "returns": []data{
				{"id": "r", "amount": "9.00", "date": "2026-03-13", "bank": "operating", "fee": "5.00", "fee_to_family": "5.00", "fee_record": "adj-9"},
			}}), rules.Data, "adj-9", "Delete it")
		},
		"the echo of a check in the ledger is never posted": func(t *testing.T, b *books) {
			p := b.post("ledger.funds_removed", 1, data{
				"direction": "removed", "bank": "operating", "gl_account": "7000", "transaction_type": "Check", "amount": "20.00", "date": "2026-03-09", "echo_of": data{"type": "check", "id": "c1"},
			})
			want(t, p)
			if !strings.Contains(p.Sentence, "Not posted: already in check c1") || p.PostedBy != (passare.Ref{Type: passare.Check, ID: "c1"}) {
				t.Errorf("%q, posted by %s", p.Sentence, p.PostedBy)
			}
		},
		"a refund of a card payment is posted by the payment's own refund": func(t *testing.T, b *books) {
			p := b.post("refund.created", 1, data{"amount": "20.00", "date": "2026-03-08", "paid_by": "card", "of_payment": data{"type": "payment", "id": "p1"}})
			want(t, p)
			if p.Excluded == "" {
				t.Error("the reason is not given")
			}
		},
		"a fee that was also typed as a ledger transaction is a warning, never a guess": func(t *testing.T, b *books) {
			typed := event(t, happening{kind: "ledger.funds_removed", id: "l1", version: 1, data: data{
				"direction": "removed", "bank": "operating", "gl_account": "7000", "transaction_type": "Bank charge", "amount": "12.00", "date": "2026-03-22",
			}})
			b.relate(typed.Record, rules.Record{Newest: &typed})
			p := b.post("payment.returned", 1, cash.with(data{"returned": data{"date": "2026-03-20", "bank": "operating", "fee": "12.00"}}))
			if len(p.Problems) > 0 || len(p.Entries) == 0 || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "ledger/l1") {
				t.Errorf("problems %v, entries %v, warnings %v", p.Problems, lines(p), p.Warnings)
			}
		},
		"the version after one that a person deleted asks for a choice": func(t *testing.T, b *books) {
			p := rules.Make(rules.Input{
				Versions: []passare.Event{event(t, happening{kind: "payment.created", id: "r1", version: 2, data: cash})}, Entry: 2, Skipped: true, Config: b.config,
			})
			problem(t, p, rules.Choice, "whole", "difference", "nothing")
		},
	})
}

func expense(number, on string) data {
	return data{
		"bank": "operating", "number": number, "date": on, "payee": data{"name": "Flag shop"}, "lines": []data{{"kind": "expense", "gl_account": "6100", "amount": "20.00"}},
	}
}

func run(t *testing.T, traps map[string]func(*testing.T, *books)) {
	t.Helper()
	for name, trap := range traps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trap(t, newBooks(t))
		})
	}
}

func TestTrapsOfDates(t *testing.T) {
	t.Parallel()
	signed := contract([]data{item("i1", "service", "4000", "Services", "100.00")}, "100.00")
	moved := func(on string) data { return signed.with(data{"signed_on": on}) }
	interest := data{"amount": "14.78", "date": "2026-02-10"}
	insured := data{"insurer": data{"name": "Guardian"}, "received": "50.00", "applied": "50.00", "date": "2026-03-06"}
	run(t, map[string]func(*testing.T, *books){
		"closed books hold the entry, saying which date": func(t *testing.T, b *books) {
			b.config.CloseDate = "2026-03-31"
			problem(t, b.post("goods_and_services.signed", 1, signed), rules.Period, "3/2/2026", "3/31/2026", "4/1/2026")
		},
		"first open day posts after the close date, keeps the original date in its sentence, and a reversal uses it": func(t *testing.T, b *books) {
			b.config.CloseDate, b.config.Settings.ClosedPeriod = "2026-03-31", org.FirstOpenDay
			p := b.post("goods_and_services.signed", 1, signed)
			want(t, p, "2026-04-01 Debit  100.00 qb accounts_receivable"+customer, "2026-04-01 Credit 100.00 qb 4000")
			if !strings.Contains(p.Sentence, "dated 3/2/2026, posted on 4/1/2026") {
				t.Errorf("sentence: %s", p.Sentence)
			}
			b.config.CloseDate = ""
			want(t, b.post("goods_and_services.unsigned", 2, data{}), "2026-04-01 Debit  100.00 qb 4000", "2026-04-01 Credit 100.00 qb accounts_receivable"+customer)
		},
		"a difference of a signing that was moved to the first open day goes there too": func(t *testing.T, b *books) {
			b.config.CloseDate, b.config.Settings.ClosedPeriod = "2026-03-31", org.FirstOpenDay
			b.post("payment.created", 1, data{"method": "cash", "amount": "10.00", "date": "2026-03-04"})
			b.config.CloseDate = ""
			want(t, b.post("payment.updated", 2, data{"method": "cash", "amount": "12.00", "date": "2026-03-04"}),
				"2026-04-01 Debit  2.00 qb deposits_clearing"+customer, "2026-04-01 Credit 2.00 qb accounts_receivable"+customer)
		},
		"books reopened after first open day leave what stands where it stands": func(t *testing.T, b *books) {
			b.config.CloseDate, b.config.Settings.ClosedPeriod = "2026-03-31", org.FirstOpenDay
			b.post("goods_and_services.signed", 1, signed)
			b.config.CloseDate = ""
			want(t, b.post("goods_and_services.resigned", 2, signed))
		},
		"a sign date moved inside closed books nets to nothing on the first open day": func(t *testing.T, b *books) {
			b.config.CloseDate, b.config.Settings.ClosedPeriod = "2026-03-31", org.FirstOpenDay
			b.post("goods_and_services.signed", 1, signed)
			want(t, b.post("goods_and_services.sign_date_changed", 2, moved("2026-03-15")))
		},
		"a sign date moved across the close date and back": func(t *testing.T, b *books) {
			b.config.CloseDate, b.config.Settings.ClosedPeriod = "2026-02-28", org.FirstOpenDay
			b.post("goods_and_services.signed", 1, moved("2026-03-02"))
			want(t, b.post("goods_and_services.sign_date_changed", 2, moved("2026-02-20")),
				"2026-03-01 Debit  100.00 qb accounts_receivable"+customer, "2026-03-01 Credit 100.00 qb 4000",
				"2026-03-02 Debit  100.00 qb 4000", "2026-03-02 Credit 100.00 qb accounts_receivable"+customer)
			want(t, b.post("goods_and_services.sign_date_changed", 3, moved("2026-03-02")),
				"2026-03-01 Debit  100.00 qb 4000", "2026-03-01 Credit 100.00 qb accounts_receivable"+customer,
				"2026-03-02 Debit  100.00 qb accounts_receivable"+customer, "2026-03-02 Credit 100.00 qb 4000")
		},
		"re-signed later, then date changed: only the newest signing moves": func(t *testing.T, b *books) {
			b.post("goods_and_services.signed", 1, signed)
			more := contract([]data{item("i1", "service", "4000", "Services", "130.00")}, "130.00")
			b.post("goods_and_services.resigned", 2, more.with(data{"signed_on": "2026-04-05"}))
			want(t, b.post("goods_and_services.sign_date_changed", 3, more.with(data{"signed_on": "2026-03-30"})),
				"2026-03-30 Debit  30.00 qb accounts_receivable"+customer, "2026-03-30 Credit 30.00 qb 4000",
				"2026-04-05 Debit  30.00 qb 4000", "2026-04-05 Credit 30.00 qb accounts_receivable"+customer)
		},
		"unsigned, then signed again back-dated": func(t *testing.T, b *books) {
			b.post("goods_and_services.signed", 1, signed)
			want(t, b.post("goods_and_services.unsigned", 2, data{}), "2026-03-02 Debit  100.00 qb 4000", "2026-03-02 Credit 100.00 qb accounts_receivable"+customer)
			want(t, b.post("goods_and_services.signed", 3, moved("2026-02-01")), "2026-02-01 Debit  100.00 qb accounts_receivable"+customer, "2026-02-01 Credit 100.00 qb 4000")
		},
		"received, reverted, received again with another amount": func(t *testing.T, b *books) {
			b.post("insurance_assignment.received", 1, insured)
			b.post("insurance_assignment.reverted", 2, insured)
			want(t, b.post("insurance_assignment.received", 3, insured.with(data{"received": "60.00", "applied": "60.00", "date": "2026-03-20"})),
				"2026-03-20 Debit  60.00 qb deposits_clearing", "2026-03-20 Credit 60.00 qb accounts_receivable"+customer)
		},
		"interest deleted two months later is reversed where it stands": func(t *testing.T, b *books) {
			b.post("interest.created", 1, interest)
			want(t, b.post("interest.deleted", 2, interest), "2026-02-10 Debit  14.78 qb finance_income", "2026-02-10 Credit 14.78 qb accounts_receivable"+customer)
		},
		"what happened before the cut-over date is in the opening balances": func(t *testing.T, b *books) {
			b.config.Settings.CutOver = "2026-04-01" // tests' events are triggered on 2026-03-02
			p := b.post("goods_and_services.signed", 1, signed)
			want(t, p)
			if !strings.Contains(p.Excluded, "opening balances") {
				t.Errorf("excluded: %q", p.Excluded)
			}
		},
		"cut-over in the middle of a record's life: the later difference is posted": func(t *testing.T, b *books) {
			b.config.Settings.CutOver = "2026-04-01"
			b.post("goods_and_services.signed", 1, signed)
			more := contract([]data{item("i1", "service", "4000", "Services", "130.00")}, "130.00")
			want(t, b.post("goods_and_services.resigned", 2, more.with(data{"signed_on": "2026-04-05"})),
				"2026-04-05 Debit  30.00 qb accounts_receivable"+customer, "2026-04-05 Credit 30.00 qb 4000")
		},
		"an event marked baseline counts as posted and is never sent": func(t *testing.T, b *books) {
			want(t, b.post("goods_and_services.signed", 1, signed.with(data{"baseline": true})))
			want(t, b.post("goods_and_services.resigned", 2, contract([]data{item("i1", "service", "4000", "Services", "130.00")}, "130.00").with(data{"signed_on": "2026-04-05"})),
				"2026-04-05 Debit  30.00 qb accounts_receivable"+customer, "2026-04-05 Credit 30.00 qb 4000")
		},
		"a record from before the cut-over date without a known baseline asks for a choice": func(t *testing.T, b *books) {
			b.config.Settings.CutOver = "2026-03-01" // triggered after it, dated before it
			problem(t, b.post("goods_and_services.signed", 1, moved("2026-02-20")), rules.Choice, "3/1/2026", "whole")
			c := newBooks(t)
			c.config.Settings.CutOver = "2026-03-01"
			problem(t, c.post("goods_and_services.resigned", 4, moved("2026-03-05").with(data{"first_date": "2026-01-10"})), rules.Choice, "3/1/2026")
		},
		"a posted record moved to before the cut-over date asks for a choice": func(t *testing.T, b *books) {
			b.config.Settings.CutOver = "2026-03-01"
			b.post("goods_and_services.signed", 1, signed)
			problem(t, b.post("goods_and_services.sign_date_changed", 2, moved("2026-02-20")), rules.Choice, "3/1/2026")
		},
	})
}

func TestTrapsOfAmounts(t *testing.T) {
	t.Parallel()
	signed := func(total string, items ...data) data { return contract(items, total) }
	services := item("i1", "service", "4000", "Services", "100.00")
	run(t, map[string]func(*testing.T, *books){
		"a re-sign with no change is unchanged, whatever its date": func(t *testing.T, b *books) {
			b.post("goods_and_services.signed", 1, signed("100.00", services))
			want(t, b.post("goods_and_services.resigned", 2, signed("100.00", services).with(data{"signed_on": "2026-05-05"})))
		},
		"a contract that goes to zero gives everything back": func(t *testing.T, b *books) {
			b.post("goods_and_services.signed", 1, signed("100.00", services))
			want(t, b.post("goods_and_services.resigned", 2, signed("0.00")), "2026-03-02 Debit  100.00 qb 4000", "2026-03-02 Credit 100.00 qb accounts_receivable"+customer)
		},
		"an infant's contract, fully discounted, posts without a receivable": func(t *testing.T, b *books) {
			d := signed("0.00", services).with(data{"discounts": []data{{"id": "d1", "description": "No charge", "amount": "100.00"}}})
			want(t, b.post("goods_and_services.signed", 1, d), "2026-03-02 Debit  100.00 qb discounts", "2026-03-02 Credit 100.00 qb 4000")
		},
		"taxes are taken as Passare rounded them": func(t *testing.T, b *books) {
			d := signed("100.03", services).with(data{"taxes": []data{{"id": "t1", "jurisdiction": "TX", "amount": "0.01"}, {"id": "t2", "jurisdiction": "Austin", "amount": "0.02"}}})
			want(t, b.post("goods_and_services.signed", 1, d), "2026-03-02 Debit  100.03 qb accounts_receivable"+customer,
				"2026-03-02 Credit 100.00 qb 4000", "2026-03-02 Credit 0.01 qb sales_tax", "2026-03-02 Credit 0.02 qb sales_tax")
		},
		"a negative item is a debit, never a negative line": func(t *testing.T, b *books) {
			want(t, b.post("goods_and_services.signed", 1, signed("70.00", services, item("i2", "service", "4200", "Allowance", "-30.00"))),
				"2026-03-02 Debit  70.00 qb accounts_receivable"+customer, "2026-03-02 Debit  30.00 qb 4200", "2026-03-02 Credit 100.00 qb 4000")
		},
		"an item that keeps its id but changes kind moves to its new account": func(t *testing.T, b *books) {
			b.post("goods_and_services.signed", 1, signed("100.00", services))
			want(t, b.post("goods_and_services.resigned", 2, signed("100.00", item("i1", "cash_advance", "", "Services", "100.00"))),
				"2026-03-02 Debit  100.00 qb 4000", "2026-03-02 Credit 100.00 qb cash_advances"+customer)
		},
		"an item whose GL account changes moves, and the receivable stays": func(t *testing.T, b *books) {
			b.post("goods_and_services.signed", 1, signed("100.00", services))
			want(t, b.post("goods_and_services.resigned", 2, signed("100.00", item("i1", "service", "4100", "Services", "100.00"))),
				"2026-03-02 Debit  100.00 qb 4000", "2026-03-02 Credit 100.00 qb 4100")
		},
		"a changed branch moves every line to its class and location": func(t *testing.T, b *books) {
			b.post("payment.created", 1, data{"method": "cash", "amount": "10.00", "date": "2026-03-04"})
			p := b.post("payment.updated", 2, data{"method": "cash", "amount": "10.00", "date": "2026-03-04", "branch": branchOf(2)})
			got := map[cell]money.Cents{}
			for _, planned := range p.Entries {
				for _, m := range planned.Movements {
					got[cell{account: m.Place.Account, class: m.Place.Class + " " + m.Place.Location}] += m.Amount
				}
			}
			if diff := cmp.Diff(map[cell]money.Cents{
				{account: "qb deposits_clearing", class: "class 1 "}: -1000, {account: "qb accounts_receivable", class: "class 1 "}: 1000,
				{account: "qb deposits_clearing", class: "class 2 place 2"}: 1000, {account: "qb accounts_receivable", class: "class 2 place 2"}: -1000,
			}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		},
		"a payment that becomes a card payment is one entry": func(t *testing.T, b *books) {
			b.post("payment.created", 1, data{"method": "cash", "amount": "10.00", "date": "2026-03-04"})
			want(t, b.post("payment.updated", 2, data{"method": "credit_card", "amount": "10.00", "date": "2026-03-04"}),
				"2026-03-04 Debit  10.00 qb card_clearing", "2026-03-04 Credit 10.00 qb deposits_clearing"+customer)
		},
		"cash that becomes a check is the same account: unchanged": func(t *testing.T, b *books) {
			b.post("payment.created", 1, data{"method": "cash", "amount": "10.00", "date": "2026-03-04"})
			want(t, b.post("payment.updated", 2, data{"method": "check", "amount": "10.00", "date": "2026-03-04", "check_number": "77"}))
		},
		"a payment moved to another case is one entry": func(t *testing.T, b *books) {
			b.post("payment.completed", 1, data{"method": "credit_card", "amount": "10.00", "date": "2026-03-04"})
			want(t, b.post("payment.updated", 2, data{"method": "credit_card", "amount": "10.00", "date": "2026-03-04", "case": caseOf(2)}),
				"2026-03-04 Debit  10.00 qb accounts_receivable"+customer, "2026-03-04 Credit 10.00 qb accounts_receivable (Customer John Smith2)")
		},
		"a second card refund brings only itself": func(t *testing.T, b *books) {
			card := data{"method": "credit_card", "amount": "100.00", "date": "2026-03-04"}
			one := data{"id": "f1", "amount": "10.00", "date": "2026-03-05"}
			b.post("payment.refunded", 1, card.with(data{"refunds": []data{one}}))
			want(t, b.post("payment.refunded", 2, card.with(data{"refunds": []data{one, {"id": "f2", "amount": "20.00", "date": "2026-03-06"}}})),
				"2026-03-06 Debit  20.00 qb accounts_receivable"+customer, "2026-03-06 Credit 20.00 qb card_clearing")
		},
		"a card voided on the day that it completed, while unposted, makes nothing": func(t *testing.T, b *books) {
			want(t, b.post("payment.voided", 1, data{"method": "credit_card", "amount": "100.00", "date": "2026-03-04", "voided_on": "2026-03-04"}))
		},
		"a second ACH return brings only itself": func(t *testing.T, b *books) {
			ach := data{"amount": "9.00", "date": "2026-03-10", "ach_batch": "b1"}
			one := data{"id": "r1", "amount": "9.00", "date": "2026-03-13", "bank": "operating", "reversed_on": "2026-03-14"}
			b.post("ach_payment.charged_back", 1, ach.with(data{"returns": []data{one}}))
			want(t, b.post("ach_payment.charged_back", 2, ach.with(data{"returns": []data{one, {"id": "r2", "amount": "9.00", "date": "2026-03-20", "bank": "operating"}}})),
				"2026-03-20 Debit  9.00 qb accounts_receivable"+customer, "2026-03-20 Credit 9.00 qb bank:operating")
		},
		"a fee charged to the family beyond the bank's is a credit of our expense": func(t *testing.T, b *books) {
			want(t, b.post("ach_payment.charged_back", 1, data{"amount": "9.00", "date": "2026-03-10", "ach_batch": "b1", "returns": []data{
				{"id": "r", "amount": "9.00", "date": "2026-03-13", "bank": "operating", "fee": "5.00", "fee_to_family": "8.00"},
			}}), "2026-03-13 Debit  17.00 qb accounts_receivable"+customer,
				"2026-03-13 Credit 3.00 qb returned_payment_fees", "2026-03-13 Credit 9.00 qb bank:operating", "2026-03-13 Credit 5.00 qb bank:operating")
		},
		"a cemetery paid 850 of 900 leaves 50 on the cash advances": func(t *testing.T, b *books) {
			b.related[passare.Ref{Type: passare.GoodsAndServices, ID: "g1"}] = rules.Record{
				Ref: passare.Ref{Type: passare.GoodsAndServices, ID: "g1"}, Standing: []rules.Standing{stands("", "item/i3", org.CashAdvances, -90000)},
			}
			d := expense("2001", "2026-03-09").with(data{"lines": []data{{"kind": "cash_advance", "case": caseOf(1), "item_id": "i3", "amount": "850.00"}}})
			want(t, b.post("check.printed", 1, d), "2026-03-09 Debit  850.00 qb cash_advances"+customer, "2026-03-09 Credit 850.00 qb bank:operating")
		},
		"a check pays an item on the account on which it stands posted, not on today's": func(t *testing.T, b *books) {
			posted := stands("", "item/i3", "gl:2300", -90000)
			posted.Place.Account = "qb old liability"
			b.related[passare.Ref{Type: passare.GoodsAndServices, ID: "g1"}] = rules.Record{Ref: passare.Ref{Type: passare.GoodsAndServices, ID: "g1"}, Standing: []rules.Standing{posted}}
			d := expense("2001", "2026-03-09").with(data{"lines": []data{{"kind": "cash_advance", "case": caseOf(1), "item_id": "i3", "amount": "900.00"}}})
			want(t, b.post("check.printed", 1, d), "2026-03-09 Debit  900.00 qb old liability"+customer, "2026-03-09 Credit 900.00 qb bank:operating")
		},
		"a check over three cases has a line for each": func(t *testing.T, b *books) {
			d := expense("2001", "2026-03-09").with(data{"lines": []data{
				{"kind": "cash_advance", "case": caseOf(1), "amount": "1.00"}, {"kind": "cash_advance", "case": caseOf(2), "amount": "2.00"}, {"kind": "cash_advance", "case": caseOf(3), "amount": "3.00"},
			}})
			want(t, b.post("check.printed", 1, d), "2026-03-09 Debit  1.00 qb cash_advances"+customer, "2026-03-09 Debit  2.00 qb cash_advances (Customer John Smith2)",
				"2026-03-09 Debit  3.00 qb cash_advances (Customer John Smith3)", "2026-03-09 Credit 6.00 qb bank:operating")
		},
		"a batch over two branches keeps each member's class": func(t *testing.T, b *books) {
			one, two := stands("receipt", "", org.DepositsClearing, 1000), stands("receipt", "", org.DepositsClearing, 2000)
			two.Place.Class, two.Key.Branch = "class 2", "branch-2"
			b.relate(passare.Ref{Type: passare.Payment, ID: "p1"}, rules.Record{Standing: []rules.Standing{one}})
			b.relate(passare.Ref{Type: passare.Payment, ID: "p2"}, rules.Record{Standing: []rules.Standing{two}})
			p := b.post("batch_payment.processed", 1, data{"bank": "operating", "date": "2026-03-07", "total": "30.00", "members": []data{
				{"record": data{"type": "payment", "id": "p1"}, "amount": "10.00", "method": "cash"}, {"record": data{"type": "payment", "id": "p2"}, "amount": "20.00", "method": "cash"},
			}})
			want(t, p, "2026-03-07 Debit  30.00 qb bank:operating", "2026-03-07 Credit 10.00 qb deposits_clearing"+customer, "2026-03-07 Credit 20.00 qb deposits_clearing"+customer)
			if ls := p.Entries[0].Lines(); ls[1].Place.Class != "class 1" || ls[2].Place.Class != "class 2" {
				t.Errorf("classes: %+v", ls)
			}
		},
		"a batch of only ACH members is unchanged: they are banked already": func(t *testing.T, b *books) {
			want(t, b.post("batch_payment.processed", 1, data{"bank": "operating", "date": "2026-03-07", "total": "10.00", "members": []data{
				{"record": data{"type": "ach_payment", "id": "a1"}, "amount": "10.00", "method": "ach"},
			}}))
		},
		"a card payment in a batch leaves card clearing, a netted refund comes back to it": func(t *testing.T, b *books) {
			paid, repaid := stands("receipt", "", org.CardClearing, 10000), stands("refund/f1", "", org.CardClearing, -2500)
			paid.Place.Name, repaid.Place.Name = nil, nil
			b.relate(passare.Ref{Type: passare.Payment, ID: "p1"}, rules.Record{Standing: []rules.Standing{paid, repaid}})
			want(t, b.post("batch_payment.processed", 1, data{"bank": "operating", "date": "2026-03-07", "total": "72.00", "fees": "3.00", "members": []data{
				{"record": data{"type": "payment", "id": "p1"}, "amount": "100.00", "method": "credit_card"},
				{"record": data{"type": "payment", "id": "p1"}, "amount": "-25.00", "method": "credit_card"},
			}}), "2026-03-07 Debit  72.00 qb bank:operating", "2026-03-07 Debit  3.00 qb merchant_fees", "2026-03-07 Debit  25.00 qb card_clearing", "2026-03-07 Credit 100.00 qb card_clearing")
		},
		"a typed payee without a Rolodex id gets no vendor, only a description": func(t *testing.T, b *books) {
			p := b.post("check.printed", 1, expense("2001", "2026-03-09"))
			for _, l := range p.Entries[0].Lines() {
				if l.Place.Name != nil || !strings.Contains(l.Description, "Flag shop") {
					t.Errorf("%+v", l)
				}
			}
		},
		"receivables of one customer are one line, also in an ACH settlement": func(t *testing.T, b *books) {
			want(t, b.post("ach_batch.settled", 1, data{"bank": "operating", "date": "2026-03-10", "payments": []data{
				{"record": data{"type": "ach_payment", "id": "a1"}, "case": caseOf(1), "amount": "1.00"},
				{"record": data{"type": "ach_payment", "id": "a2"}, "case": caseOf(1), "amount": "2.00"},
				{"record": data{"type": "ach_payment", "id": "a3"}, "case": caseOf(2), "amount": "4.00"},
			}}), "2026-03-10 Debit  7.00 qb bank:operating", "2026-03-10 Credit 3.00 qb accounts_receivable"+customer, "2026-03-10 Credit 4.00 qb accounts_receivable (Customer John Smith2)")
		},
	})
}

func TestTrapsOfSettings(t *testing.T) {
	t.Parallel()
	signed := contract([]data{item("i1", "service", "4000", "Services", "100.00"), item("i2", "cash_advance", "", "Flowers", "5.00")}, "105.00")
	run(t, map[string]func(*testing.T, *books){
		"every problem is told at once": func(t *testing.T, b *books) {
			b.config.CloseDate = "2026-03-31"
			b.config.Mapping.GL, b.config.Mapping.Branches = nil, map[string]org.BranchPlace{"branch-9": {Class: "x"}}
			delete(b.config.Mapping.Roles, org.CashAdvances)
			p := b.post("goods_and_services.signed", 1, signed)
			var subjects []string
			for _, x := range p.Problems {
				subjects = append(subjects, x.Subject)
			}
			if diff := cmp.Diff([]string{"branch branch-1", "account gl:4000", "account cash_advances", "date 2026-03-02"}, subjects); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		},
		"nothing is posted to a silent default": func(t *testing.T, b *books) {
			delete(b.config.Mapping.GL, "4000")
			problem(t, b.post("goods_and_services.signed", 1, signed), rules.Mapping, "GL account 4000")
		},
		"an item without a GL account must be given one in Passare": func(t *testing.T, b *books) {
			problem(t, b.post("goods_and_services.signed", 1, contract([]data{item("i1", "service", "", "Services", "100.00")}, "100.00")), rules.Data, "Services", "GL account")
		},
		"increases use their own account, or that of adjustments": func(t *testing.T, b *books) {
			delete(b.config.Mapping.Roles, org.AdjustmentsIncrease)
			want(t, b.post("adjustment.created", 1, data{"direction": "increase", "amount": "5.00", "date": "2026-03-13", "reason": "Late fee"}),
				"2026-03-13 Debit  5.00 qb accounts_receivable"+customer, "2026-03-13 Credit 5.00 qb adjustments")
		},
		"a reversal mirrors the posted lines, never today's mapping": func(t *testing.T, b *books) {
			b.post("goods_and_services.signed", 1, signed)
			b.config.Mapping.GL["4000"], b.config.Mapping.Roles[org.AccountsReceivable] = "qb new", "qb new receivable"
			want(t, b.post("goods_and_services.unsigned", 2, data{}), "2026-03-02 Debit  100.00 qb 4000", "2026-03-02 Debit  5.00 qb cash_advances"+customer, "2026-03-02 Credit 105.00 qb accounts_receivable"+customer)
		},
		"a difference stays on the account on which the line was first posted": func(t *testing.T, b *books) {
			b.post("goods_and_services.signed", 1, signed)
			b.config.Mapping.GL["4000"] = "qb new"
			more := contract([]data{item("i1", "service", "4000", "Services", "110.00"), item("i2", "cash_advance", "", "Flowers", "5.00")}, "115.00")
			want(t, b.post("goods_and_services.resigned", 2, more), "2026-03-02 Debit  10.00 qb accounts_receivable"+customer, "2026-03-02 Credit 10.00 qb 4000")
		},
		"a trade case's customer is the business when the organisation wants that": func(t *testing.T, b *books) {
			b.config.Settings.TradeCustomer = org.ByBusiness
			c := caseOf(1).with(data{"purchaser_business": data{"rolodex_id": "rol-9", "name": "Hill & Sons"}})
			want(t, b.post("interest.created", 1, data{"amount": "1.00", "date": "2026-03-01", "case": c}),
				"2026-03-01 Debit  1.00 qb accounts_receivable (Customer Hill & Sons)", "2026-03-01 Credit 1.00 qb finance_income")
		},
	})
}
