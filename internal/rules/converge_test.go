package rules_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// The properties below print a failing life and rapid's seed; -rapid.seed replays it, and rapid keeps the
// smallest failing case in testdata/rapid.

// lives draws a record's whole life, version by version.
func lives() map[passare.RecordType]func(*rapid.T) []happening {
	return map[passare.RecordType]func(*rapid.T) []happening{
		passare.GoodsAndServices: contractLife, passare.Payment: paymentLife, passare.ACHBatch: settlementLife, passare.ACHPayment: achLife,
		passare.InsuranceAssignment: assignmentLife, passare.Interest: interestLife, passare.Refund: refundLife, passare.Adjustment: adjustmentLife,
		passare.ClaimCheck: claimLife, passare.Check: checkLife, passare.BatchPayment: depositLife, passare.Ledger: ledgerLife,
	}
}

func drawDate(t *rapid.T) string {
	return string(date.Date("2026-01-01").AddDays(rapid.IntRange(0, 119).Draw(t, "day")))
}

func drawLater(t *rapid.T, than string) string {
	return string(date.Date(than).AddDays(rapid.IntRange(0, 60).Draw(t, "days later")))
}

func drawCents(t *rapid.T, least, most int) money.Cents {
	return money.Cents(rapid.IntRange(least, most).Draw(t, "cents"))
}

// somewhere draws case and branch: usually the same.
func somewhere(t *rapid.T, d data, withCase bool) data {
	if withCase {
		d["case"] = caseOf(rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "case"))
	}
	d["branch"] = branchOf(rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "branch"))
	return d
}

// drawLife draws versions: first with a verb of begin, then of next. Version numbers grow with gaps.
func drawLife(t *rapid.T, kind string, begin, next []string, body func(verb string) data) []happening {
	var life []happening
	version := int64(0)
	for i := range rapid.IntRange(1, 6).Draw(t, "versions") {
		verbs := next
		if i == 0 {
			verbs = begin
		}
		verb := rapid.SampledFrom(verbs).Draw(t, "verb")
		version += int64(rapid.IntRange(1, 3).Draw(t, "gap"))
		life = append(life, happening{kind: kind + "." + verb, id: "r1", version: version, data: body(verb)})
	}
	return life
}

func contractLife(t *rapid.T) []happening {
	return drawLife(t, "goods_and_services", []string{"signed"}, []string{"resigned", "resigned", "sign_date_changed", "unsigned", "signed"}, func(string) data {
		var items, discounts, taxes []data
		var total money.Cents
		for i := range 4 {
			if !rapid.Bool().Draw(t, "has item") {
				continue
			}
			c := drawCents(t, -500, 2000)
			item := data{"id": fmt.Sprintf("i%d", i), "description": "Item", "amount": amount(c), "kind": "service", "gl_account": "4000"}
			if rapid.Bool().Draw(t, "advance") {
				item["kind"] = "cash_advance"
				delete(item, "gl_account")
			} else if rapid.Bool().Draw(t, "other account") {
				item["gl_account"] = "4100"
			}
			items, total = append(items, item), total+c
		}
		if total < 0 {
			c := -total + drawCents(t, 0, 1000)
			items, total = append(items, data{"id": "i9", "description": "Casket", "amount": amount(c), "kind": "merchandise", "gl_account": "4200"}), total+c
		}
		if total > 0 && rapid.Bool().Draw(t, "discounted") {
			c := drawCents(t, 0, int(total))
			discounts, total = append(discounts, data{"id": "d1", "description": "Discount", "amount": amount(c)}), total-c
		}
		if rapid.Bool().Draw(t, "taxed") {
			c := drawCents(t, 0, 100)
			taxes, total = append(taxes, data{"id": "t1", "jurisdiction": "TX", "amount": amount(c)}), total+c
		}
		d := data{"signed_on": drawDate(t), "items": list(items), "discounts": list(discounts), "taxes": list(taxes), "total": amount(total)}
		return somewhere(t, d, true)
	})
}

func list(l []data) []data {
	if l == nil {
		return []data{}
	}
	return l
}

func paymentLife(t *rapid.T) []happening {
	card := rapid.Bool().Draw(t, "card")
	begin, next := []string{"created"}, []string{"updated", "updated", "deleted", "returned"}
	if card {
		begin, next = []string{"completed"}, []string{"updated", "updated", "deleted", "voided", "refunded"}
	}
	return drawLife(t, "payment", begin, next, func(verb string) data {
		on, c := drawDate(t), drawCents(t, 100, 5000)
		d := data{"amount": amount(c), "date": on, "method": "check", "payer": "Mary"}
		switch {
		case verb == "updated" && rapid.Bool().Draw(t, "other method"):
			d["method"] = "cash"
			if !card {
				d["method"] = "credit_card"
			}
		case card:
			d["method"] = "credit_card"
		}
		switch verb {
		case "returned":
			d["returned"] = data{"date": drawLater(t, on), "bank": "operating", "fee": amount(drawCents(t, 0, 50)), "fee_to_family": amount(drawCents(t, 0, 60))}
		case "voided":
			d["voided_on"] = drawLater(t, on)
		case "refunded":
			d["refunds"] = []data{
				{"id": "f1", "amount": amount(drawCents(t, 1, int(c)/2)), "date": drawLater(t, on)},
				{"id": "f2", "amount": amount(drawCents(t, 1, int(c)/2)), "date": drawLater(t, on)},
			}
		}
		return somewhere(t, d, true)
	})
}

func settlementLife(t *rapid.T) []happening {
	return drawLife(t, "ach_batch", []string{"settled"}, []string{"updated"}, func(string) data {
		var payments []data
		for i := range rapid.IntRange(1, 4).Draw(t, "payments") {
			payments = append(payments, data{
				"record": data{"type": "ach_payment", "id": fmt.Sprintf("a%d", i)}, "amount": amount(drawCents(t, 1, 900)),
				"case": caseOf(rapid.IntRange(1, 2).Draw(t, "case")), "branch": branchOf(rapid.IntRange(1, 2).Draw(t, "branch")),
			})
		}
		return somewhere(t, data{"bank": "operating", "date": drawDate(t), "payments": payments, "fees": amount(drawCents(t, 0, 1000))}, false)
	})
}

func achLife(t *rapid.T) []happening {
	return drawLife(t, "ach_payment", []string{"charged_back", "refunded", "updated"}, []string{"charged_back", "refunded", "updated"}, func(verb string) data {
		on, c := drawDate(t), drawCents(t, 100, 5000)
		d := data{"amount": amount(c), "date": on, "ach_batch": "b1"}
		var returns []data
		for i := range rapid.IntRange(0, 2).Draw(t, "returns") {
			r := data{"id": fmt.Sprintf("r%d", i), "amount": amount(c), "date": drawLater(t, on), "bank": "operating", "fee": amount(drawCents(t, 0, 50)), "fee_to_family": amount(drawCents(t, 0, 60))}
			if rapid.Bool().Draw(t, "won back") {
				r["reversed_on"] = drawLater(t, r["date"].(string))
			}
			returns = append(returns, r)
		}
		if verb == "charged_back" && returns == nil {
			returns = []data{{"id": "r0", "amount": amount(c), "date": drawLater(t, on), "bank": "operating"}}
		}
		d["returns"] = list(returns)
		if verb == "refunded" {
			d["refunds"] = []data{{"id": "f1", "amount": amount(drawCents(t, 1, int(c))), "date": drawLater(t, on), "bank": "savings"}}
		}
		return somewhere(t, d, true)
	})
}

func assignmentLife(t *rapid.T) []happening {
	return drawLife(t, "insurance_assignment", []string{"received"}, []string{"updated", "reverted", "received", "clawed_back"}, func(verb string) data {
		on, received, withheld := drawDate(t), drawCents(t, 100, 5000), drawCents(t, 0, 50)
		growth := drawCents(t, 0, 50)
		d := data{
			"insurer":  data{"rolodex_id": fmt.Sprintf("rol-%d", rapid.IntRange(1, 2).Draw(t, "insurer")), "name": "Guardian Life"},
			"received": amount(received), "withheld": amount(withheld), "growth": amount(growth), "applied": amount(received + withheld - growth), "date": on,
		}
		if verb == "clawed_back" {
			d["clawed_back"] = data{"amount": amount(drawCents(t, 1, int(received+withheld-growth))), "date": drawLater(t, on), "bank": "operating"}
		}
		return somewhere(t, d, true)
	})
}

func interestLife(t *rapid.T) []happening {
	return drawLife(t, "interest", []string{"created"}, []string{"updated", "deleted"}, func(string) data {
		d := data{"amount": amount(drawCents(t, 1, 900)), "date": drawDate(t)}
		if rapid.Bool().Draw(t, "own account") {
			d["gl_account"] = "7000"
		}
		return somewhere(t, d, true)
	})
}

func refundLife(t *rapid.T) []happening {
	return drawLife(t, "refund", []string{"created"}, []string{"updated", "deleted"}, func(string) data {
		by := rapid.SampledFrom([]string{"bank", "card", "ach", "passare_check"}).Draw(t, "paid by")
		d := data{"amount": amount(drawCents(t, 1, 900)), "date": drawDate(t), "paid_by": by, "bank": "operating"}
		if by == "card" && rapid.Bool().Draw(t, "of a payment") {
			d["of_payment"] = data{"type": "payment", "id": "p1"}
		}
		return somewhere(t, d, true)
	})
}

func adjustmentLife(t *rapid.T) []happening {
	return drawLife(t, "adjustment", []string{"created"}, []string{"updated", "deleted"}, func(string) data {
		d := data{
			"amount": amount(drawCents(t, 1, 900)), "date": drawDate(t), "reason": "Courtesy",
			"direction": rapid.SampledFrom([]string{"decrease", "increase"}).Draw(t, "direction"),
		}
		return somewhere(t, d, true)
	})
}

func claimLife(t *rapid.T) []happening {
	return drawLife(t, "claimcheck", []string{"completed"}, []string{"updated", "reverted", "completed"}, func(string) data {
		received, fee := drawCents(t, 1, 900), drawCents(t, 0, 50)
		return somewhere(t, data{"received": amount(received), "fee": amount(fee), "applied": amount(received + fee), "date": drawDate(t)}, true)
	})
}

func checkLife(t *rapid.T) []happening {
	return drawLife(t, "check", []string{"printed"}, []string{"reprinted", "reprinted", "voided"}, func(string) data {
		var lines []data
		for i := range rapid.IntRange(1, 3).Draw(t, "lines") {
			l := data{"kind": "expense", "gl_account": "6100", "amount": amount(drawCents(t, 1, 900)), "branch": branchOf(rapid.IntRange(1, 2).Draw(t, "line branch"))}
			if rapid.Bool().Draw(t, "advance") {
				l["kind"], l["case"], l["item_id"] = "cash_advance", caseOf(rapid.IntRange(1, 2).Draw(t, "case")), fmt.Sprintf("i%d", i)
				delete(l, "gl_account")
			}
			lines = append(lines, l)
		}
		d := data{
			"bank": "operating", "number": fmt.Sprint(2000 + rapid.IntRange(1, 2).Draw(t, "number")), "date": drawDate(t), "lines": lines,
			"payee": data{"rolodex_id": "rol-200", "name": "Oak Hill"},
		}
		return somewhere(t, d, false)
	})
}

func depositLife(t *rapid.T) []happening {
	return drawLife(t, "batch_payment", []string{"processed"}, []string{"updated", "unprocessed", "processed"}, func(string) data {
		var members []data
		var total money.Cents
		for i, c := range memberAmounts() {
			if i > 0 && !rapid.Bool().Draw(t, "in the batch") {
				continue
			}
			members, total = append(members, data{"record": data{"type": "payment", "id": fmt.Sprintf("p%d", i)}, "amount": amount(c), "method": "check"}), total+c
		}
		if rapid.Bool().Draw(t, "with ACH") {
			members, total = append(members, data{"record": data{"type": "ach_payment", "id": "a1"}, "amount": "7.00", "method": "ach"}), total+700
		}
		fees := drawCents(t, 0, 50)
		return somewhere(t, data{"bank": "operating", "date": drawDate(t), "members": members, "fees": amount(fees), "total": amount(total - fees)}, false)
	})
}

func memberAmounts() []money.Cents { return []money.Cents{1000, 2500, 333} }

func ledgerLife(t *rapid.T) []happening {
	return drawLife(t, "ledger", []string{"funds_added", "funds_removed"}, []string{"updated", "deleted"}, func(verb string) data {
		direction := rapid.SampledFrom([]string{"added", "removed"}).Draw(t, "direction")
		switch verb {
		case "funds_added":
			direction = "added"
		case "funds_removed":
			direction = "removed"
		}
		d := data{
			"direction": direction, "bank": rapid.SampledFrom([]string{"operating", "savings"}).Draw(t, "bank"), "gl_account": "7000",
			"transaction_type": "Interest earned", "amount": amount(drawCents(t, 1, 900)), "date": drawDate(t),
		}
		if rapid.SampledFrom([]bool{false, false, true}).Draw(t, "echo") {
			d["echo_of"] = data{"type": "check", "id": "c1"}
		}
		return somewhere(t, d, false)
	})
}

// withMembers gives a batch the members that it deposits, standing on clearing.
func withMembers(b *books) {
	for i, c := range memberAmounts() {
		ref := passare.Ref{Type: passare.Payment, ID: fmt.Sprintf("p%d", i)}
		b.related[ref] = rules.Record{Ref: ref, Newest: &passare.Event{Record: ref}, Standing: []rules.Standing{{
			Movement: journal.Movement{
				Key: journal.Key{Leg: "receipt", Account: string(org.DepositsClearing), Case: "case-1", Branch: "branch-1"}, Fact: "2026-01-01", Amount: c,
				Place: journal.Place{Account: "qb deposits_clearing", Class: "class 1", Name: &journal.Name{Kind: journal.Customer, Key: "case:case-1", ID: "1"}},
			},
			On: "2026-01-01",
		}}}
	}
}

// world draws settings that hold for a whole life.
func world(t *rapid.T, tb testing.TB) *books {
	b := newBooks(tb)
	withMembers(b)
	b.config.Settings.ReprintPostsPair = rapid.Bool().Draw(t, "reprint posts pair")
	if rapid.Bool().Draw(t, "closed books") {
		b.config.CloseDate, b.config.Settings.ClosedPeriod = "2026-02-10", org.FirstOpenDay
	}
	return b
}

func TestBooksConvergeInWhateverOrderVersionsCome(t *testing.T) {
	t.Parallel()
	for kind, life := range lives() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				var events []passare.Event
				for _, h := range life(rt) {
					events = append(events, event(t, h))
				}
				var order []int
				for i := range events {
					order = append(order, i)
				}
				order = rapid.Permutation(slices.Concat(order, order[:len(order)/2])).Draw(rt, "order of delivery")
				inOrder, late := world(rt, t), newBooks(t)
				*late = *inOrder
				for _, e := range events {
					inOrder.deliver(e)
				}
				for i, n := range order {
					e := events[n]
					late.deliver(e)
					if again := late.plan(e.Version); len(again.Entries) > 0 && len(again.Problems) == 0 {
						rt.Fatalf("planning again right after still posts: %v", lines(again))
					}
					fresh := newBooks(t)
					fresh.config, fresh.related, fresh.known = late.config, late.related, late.known
					fresh.accept(fresh.plan(e.Version))
					if diff := cmp.Diff(monthly(fresh.standing), monthly(late.standing)); diff != "" {
						rt.Fatalf("after %d deliveries the books are not the desired legs of what is known (-desired +posted):\n%s", i+1, diff)
					}
				}
				if diff := cmp.Diff(monthly(inOrder.standing), monthly(late.standing)); diff != "" {
					rt.Fatalf("another order of delivery gives other books (-in order +late):\n%s", diff)
				}
			})
		})
	}
}
