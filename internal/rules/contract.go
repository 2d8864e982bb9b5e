package rules

import (
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// contractLegs: accounting.md §3 "Goods & Services" and §4. Each signing is a leg that holds the change
// since the signing before; a changed sign date moves the newest signing; unsigning takes all away.
func (in Input) contractLegs(versions []passare.Event) []leg {
	var legs []leg
	var before []move
	for _, v := range versions {
		b, ok := v.Body.(*passare.Contract)
		if !ok {
			continue
		}
		if v.Verb == passare.Unsigned {
			legs, before = nil, nil
			continue
		}
		after := in.contractState(v, b)
		change := changeOf(before, after)
		before = after
		if v.Verb == passare.SignDateChanged && len(legs) > 0 {
			newest := &legs[len(legs)-1]
			newest.on = b.SignedOn
			newest.moves = append(newest.moves, change...)
			continue
		}
		legs = append(legs, leg{on: b.SignedOn, moves: change})
	}
	return legs
}

// contractState is the whole contract as moves: what the family owes, then every item, discount and tax.
func (in Input) contractState(e passare.Event, b *passare.Contract) []move {
	o := in.origin(e)
	moves := make([]move, 0, 1+len(b.Items)+len(b.Discounts)+len(b.Taxes))
	moves = append(moves, o.receivable("", b.TotalPrice, "Contract "+e.Case.Number))
	for _, d := range b.Discounts {
		moves = append(moves, o.move("", "discount/"+d.ID, roleOr(d.GLAccount, org.Discounts), d.Amount, nil, d.Description))
	}
	for _, i := range b.Items {
		if i.Kind == passare.CashAdvanceItem {
			moves = append(moves, o.move("", itemPart(i.ID), roleOr(i.GLAccount, org.CashAdvances), -i.Amount, o.customer, i.Description))
			continue
		}
		moves = append(moves, o.move("", itemPart(i.ID), org.GL(i.GLAccount), -i.Amount, nil, i.Description))
	}
	for _, t := range b.Taxes {
		moves = append(moves, o.move("", "tax/"+t.ID, roleOr(t.GLAccount, org.SalesTax), -t.Amount, nil, "Tax "+t.Jurisdiction))
	}
	return moves
}

func itemPart(id string) string { return "item/" + id }

// changeOf is after − before, per key: new and changed lines in the new order, then what went away.
func changeOf(before, after []move) []move {
	old := make(map[journal.Key]money.Cents, len(before))
	for _, m := range before {
		old[m.key] += m.cents
	}
	var change []move
	for _, m := range after {
		m.cents -= old[m.key]
		delete(old, m.key)
		if m.cents != 0 {
			change = append(change, m)
		}
	}
	for _, m := range before {
		if cents, gone := old[m.key]; gone && cents != 0 {
			m.cents = -cents
			delete(old, m.key)
			change = append(change, m)
		}
	}
	return change
}
