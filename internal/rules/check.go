package rules

import (
	"strconv"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// print is one printing of a check that is known: its lines, and whether it was voided since.
type print struct {
	number string
	fact   fact
	moves  []move
	voided bool
}

// fact names a printing: the leg, on which lines are netted, and the version that brought it. A number that
// is printed twice is one leg with two facts.
type fact struct{ leg, version string }

func (f fact) String() string { return f.leg + " " + f.version }

// checkLegs: accounting.md §3 "Checks" and §4. A print and each void are legs of their own dates; lines
// of different check numbers are never netted, since the number is the leg's name.
func (in Input) checkLegs(versions []passare.Event) []leg {
	var legs []leg
	var last *print
	void := func(on date.Date) {
		legs = append(legs, leg{on: on, undoes: last.fact.String(), moves: reversed(last.moves)})
		last.voided = true
	}
	issue := func(v passare.Event, b *passare.CheckBody, name string) {
		f := fact{leg: name, version: strconv.FormatInt(v.Version, 10)}
		last = &print{number: b.Number, fact: f, moves: in.checkMoves(v, b, f)}
		legs = append(legs, leg{on: b.Date, fact: f.String(), moves: last.moves})
	}
	for _, v := range versions {
		b, ok := v.Body.(*passare.CheckBody)
		if !ok {
			continue
		}
		name := checkLeg + b.Number
		standing := last != nil && !last.voided
		switch {
		case v.Verb == passare.Voided && standing:
			void(b.Date)
		case v.Verb == passare.Voided:
			// The print is not known yet, or voided already: the void has nothing to take back.
		case !standing:
			issue(v, b, name)
		case last.number != b.Number:
			void(b.Date)
			issue(v, b, name)
		case in.Config.Settings.ReprintPostsPair:
			void(b.Date)
			issue(v, b, name+"/reprint "+string(b.Date))
		case len(changeOf(last.moves, in.checkMoves(v, b, last.fact))) > 0:
			void(b.Date)
			issue(v, b, last.fact.leg)
		}
	}
	return legs
}

// checkMoves: one line per item, and one line for the bank.
func (in Input) checkMoves(e passare.Event, b *passare.CheckBody, f fact) []move {
	var sum money.Cents
	onlyRefunds := true
	moves := make([]move, 0, len(b.Lines)+1)
	for i, l := range b.Lines {
		sum += l.Amount
		onlyRefunds = onlyRefunds && l.Kind == passare.CheckRefund
		moves = append(moves, in.checkLine(e, b, f.leg, i, l))
	}
	bank := origin{branch: e.Branch.ID}.move(f.leg, "", org.Bank(b.Bank), -sum, vendor(b.Payee), "Check "+b.Number+" to "+b.Payee.Name)
	if onlyRefunds {
		bank.party = nil
	}
	moves = append(moves, bank)
	for i := range moves {
		moves[i].key.Fact = f.version
	}
	return moves
}

func (in Input) checkLine(e passare.Event, b *passare.CheckBody, leg string, i int, l passare.CheckLine) move {
	branch := e.Branch
	if l.Branch.ID != "" {
		branch = l.Branch
	}
	o := in.originOf(l.Case, branch)
	text := "Check " + b.Number + " to " + b.Payee.Name
	if l.Description != "" {
		text += ": " + l.Description
	}
	part := linePart(b.Lines, i)
	switch l.Kind {
	case passare.CheckCashAdvance:
		m := o.move(leg, part, roleOr(l.GLAccount, org.CashAdvances), l.Amount, o.customer, text+", case "+l.Case.Number)
		if standing, ok := in.itemStanding(l.Case.ID, l.ItemID); ok {
			m.account = standing.Place.Account
			m.text = text + ": " + standing.Description + ", case " + l.Case.Number
		}
		return m
	case passare.CheckRefund:
		return o.move(leg, part, org.RefundsPayable, l.Amount, o.customer, text+", refund")
	case passare.CheckExpense:
		return o.move(leg, part, org.GL(l.GLAccount), l.Amount, nil, text)
	}
	return move{}
}

// linePart names a line by its item, so that it keeps its name when lines before it go away; lines
// without an item, and an item's second line, are named by their place among their like.
func linePart(lines []passare.CheckLine, i int) string {
	same := 0
	for _, l := range lines[:i] {
		if l.Kind == lines[i].Kind && l.ItemID == lines[i].ItemID && l.GLAccount == lines[i].GLAccount {
			same++
		}
	}
	part := string(lines[i].Kind)
	if lines[i].ItemID != "" {
		part = itemPart(lines[i].ItemID)
	}
	for ; same > 0; same-- {
		part += "+"
	}
	return part
}
