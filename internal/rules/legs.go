package rules

import (
	"strings"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// leg is one fact with one date: a signing, receipt, refund, return, print or void. Its moves balance.
type leg struct {
	on    date.Date
	moves []move
	// undoes names the fact that this leg cancels. A fact and its cancel that are both unposted and
	// in the same month make nothing (accounting.md §1.3).
	undoes string
	fact   string // name of this fact, for undoes
}

// move is one signed amount of a leg (debit positive), before it has a place in QuickBooks.
type move struct {
	key   journal.Key
	cents money.Cents
	party *journal.Name // customer or vendor, unmatched
	text  string
	// mirror is the place of the posted line that this one answers, when the rules want exactly that one:
	// a reversal, a batch member. account is the account alone, for a check's item.
	mirror  *journal.Place
	account string
}

// Names of legs. Lines of different legs are not netted in an entry; receivables are.
const (
	receiptLeg = "receipt"
	refundLeg  = "refund/"
	returnLeg  = "return/"
	clawLeg    = "clawed back"
	checkLeg   = "check/"
	depositLeg = "deposit"
)

// origin is what all moves of a record share: its customer, case and branch.
type origin struct {
	customer *journal.Name
	caseID   string
	branch   string
}

func (in Input) origin(e passare.Event) origin {
	return in.originOf(e.Case, e.Branch)
}

func (in Input) originOf(c *passare.Case, b passare.Branch) origin {
	o := origin{branch: b.ID}
	if c != nil {
		o.caseID, o.customer = c.ID, in.customer(*c)
	}
	return o
}

// customer is the case's decedent, or the purchaser's business when trade cases go to it (accounting.md §8).
func (in Input) customer(c passare.Case) *journal.Name {
	if b := c.PurchaserBusiness; b != nil && b.RolodexID != "" && in.Config.Settings.TradeCustomer == org.ByBusiness {
		return &journal.Name{Kind: journal.Customer, Key: BusinessKey(b.RolodexID), Display: b.Name, Number: b.RolodexID}
	}
	return &journal.Name{Kind: journal.Customer, Key: CaseKey(c.ID), Display: c.Decedent.Name(), Number: c.Number}
}

// vendor is the business, or nil when it is only a typed name.
func vendor(b passare.Business) *journal.Name {
	if b.RolodexID == "" {
		return nil
	}
	return &journal.Name{Kind: journal.Vendor, Key: BusinessKey(b.RolodexID), Display: b.Name, Number: b.RolodexID}
}

// CaseKey is the key of a case's customer.
func CaseKey(id string) string { return "case:" + id }

// BusinessKey is the key of a Rolodex business.
func BusinessKey(rolodexID string) string { return "business:" + rolodexID }

// move makes a move on a role, with the record's case and branch.
func (o origin) move(leg, part string, role org.Role, cents money.Cents, party *journal.Name, text string) move {
	m := move{
		key:   journal.Key{Leg: leg, Part: part, Account: string(role), Case: o.caseID, Branch: o.branch},
		cents: cents, party: party, text: text,
	}
	if party != nil && party.Kind == journal.Vendor {
		m.key.Vendor = party.Key
	}
	return m
}

// receivable makes the customer's side of a leg; in an entry receivables are one line per customer,
// class and location.
func (o origin) receivable(leg string, cents money.Cents, text string) move {
	return o.move(leg, "", org.AccountsReceivable, cents, o.customer, text)
}

// roleOr is the GL account when there is one, else the role.
func roleOr(gl string, role org.Role) org.Role {
	if gl != "" {
		return org.GL(gl)
	}
	return role
}

// legs are the record's desired legs: what should stand in QuickBooks after these versions, in
// version order. Most kinds need only the newest; contracts and checks need all (accounting.md §1.2).
func (in Input) legs(versions []passare.Event) []leg {
	if len(versions) == 0 {
		return nil
	}
	newest := versions[len(versions)-1]
	o := in.origin(newest)
	switch b := newest.Body.(type) {
	case *passare.Contract:
		return in.contractLegs(versions)
	case *passare.CheckBody:
		return in.checkLegs(versions)
	case *passare.PaymentBody:
		return paymentLegs(newest.Verb, b, o)
	case *passare.Settlement:
		return in.settlementLegs(newest, b)
	case *passare.ACHPaymentBody:
		return achLegs(b, o)
	case *passare.Assignment:
		return assignmentLegs(newest.Verb, b, o)
	case *passare.Charge:
		return chargeLegs(newest.Verb, b, o)
	case *passare.RefundBody:
		return refundLegs(newest.Verb, b, o)
	case *passare.AdjustmentBody:
		return adjustmentLegs(newest.Verb, b, o)
	case *passare.Claim:
		return claimLegs(newest.Verb, b, o)
	case *passare.Deposit:
		return in.depositLegs(newest, b)
	case *passare.LedgerBody:
		return ledgerLegs(newest.Verb, b, o)
	}
	return nil
}

// paymentLegs: accounting.md §3 "Cash and check payments", "Credit card".
func paymentLegs(verb passare.Verb, b *passare.PaymentBody, o origin) []leg {
	if verb == passare.Deleted {
		return nil
	}
	text := paymentText(b)
	clearing, party := org.DepositsClearing, o.customer
	if b.Method == passare.CreditCard {
		clearing, party = org.CardClearing, nil
	}
	receipt := []move{
		o.move(receiptLeg, "", clearing, b.Amount, party, text),
		o.receivable(receiptLeg, -b.Amount, text),
	}
	legs := []leg{{on: b.Date, fact: receiptLeg, moves: receipt}}
	if b.VoidedOn != "" {
		legs = append(legs, leg{on: b.VoidedOn, undoes: receiptLeg, moves: reversed(receipt)})
	}
	for _, r := range b.Refunds {
		name := refundLeg + r.ID
		legs = append(legs, leg{on: r.Date, fact: name, moves: []move{
			o.receivable(name, r.Amount, "Refund of "+text),
			o.move(name, "", clearing, -r.Amount, party, "Refund of "+text),
		}})
	}
	if r := b.Returned; r != nil {
		legs = append(legs, returned(o, "", b.Amount, r.Fee, r.FeeToFamily, r.Bank, r.Date, "Returned: "+text))
	}
	return legs
}

func paymentText(b *passare.PaymentBody) string {
	text := map[passare.Method]string{passare.Cash: "Cash", passare.ByCheck: "Check", passare.CreditCard: "Card payment"}[b.Method]
	if b.CheckNumber != "" {
		text += " " + b.CheckNumber
	}
	if b.Payer != "" {
		text += " from " + b.Payer
	}
	return text
}

// returned is a bounced check or an ACH return: the family owes again, and the bank took the amount
// and its fee as two lines, as its statement shows them. What the family must bear of the fee is
// receivable; the rest is our expense, a credit when the family is charged more than the bank did.
func returned(o origin, id string, amount, fee, toFamily money.Cents, bank string, on date.Date, text string) leg {
	name := returnLeg + id
	l := leg{on: on, fact: name, moves: []move{o.receivable(name, amount, text)}}
	if toFamily != 0 {
		l.moves = append(l.moves, o.receivable(name, toFamily, "Fee charged to the family"))
	}
	l.moves = append(l.moves,
		o.move(name, "", org.ReturnedPaymentFees, fee-toFamily, nil, "Fee of the returned payment"),
		o.move(name, "amount", org.Bank(bank), -amount, nil, text),
		o.move(name, "fee", org.Bank(bank), -fee, nil, "Fee of the returned payment"))
	return l
}

// reversed is the same moves with the other sign.
func reversed(moves []move) []move {
	out := make([]move, len(moves))
	for i, m := range moves {
		m.cents = -m.cents
		out[i] = m
	}
	return out
}

// settlementLegs: accounting.md §3 "ACH, batch settled". The bank's one line must match the bank feed.
func (in Input) settlementLegs(e passare.Event, b *passare.Settlement) []leg {
	whole := origin{branch: e.Branch.ID}
	l := leg{on: b.Date, moves: []move{
		whole.move("", "", org.Bank(b.Bank), b.Net, nil, "ACH settlement "+e.Record.ID),
		whole.move("", "", org.MerchantFees, b.Fees, nil, "Fees of ACH settlement "+e.Record.ID),
	}}
	for _, p := range b.Payments {
		branch := e.Branch
		if p.Branch.ID != "" {
			branch = p.Branch
		}
		o := in.originOf(&p.Case, branch)
		l.moves = append(l.moves, o.move("", p.Record.String(), org.AccountsReceivable, -p.Amount, o.customer, "ACH payment "+p.Record.ID))
	}
	return []leg{l}
}

// achLegs: accounting.md §3 "ACH, each return, each refund". A return that was won back gives back
// the amount; the bank's fee stays.
func achLegs(b *passare.ACHPaymentBody, o origin) []leg {
	var legs []leg
	for _, r := range b.Returns {
		text := "ACH payment returned"
		l := returned(o, r.ID, r.Amount, r.Fee, r.FeeToFamily, r.Bank, r.Date, text)
		legs = append(legs, l)
		if r.ReversedOn != "" {
			name := returnLeg + r.ID
			legs = append(legs, leg{on: r.ReversedOn, moves: []move{
				o.move(name, "amount", org.Bank(r.Bank), r.Amount, nil, "Return won back"),
				o.receivable(name, -r.Amount, "Return won back"),
			}})
		}
	}
	for _, r := range b.Refunds {
		name := refundLeg + r.ID
		legs = append(legs, leg{on: r.Date, fact: name, moves: []move{
			o.receivable(name, r.Amount, "ACH payment refunded"),
			o.move(name, "", org.Bank(r.Bank), -r.Amount, nil, "ACH payment refunded"),
		}})
	}
	return legs
}

// assignmentLegs: accounting.md §3 "Insurance assignment".
func assignmentLegs(verb passare.Verb, b *passare.Assignment, o origin) []leg {
	if verb == passare.Reverted {
		return nil
	}
	payer := b.Insurer
	if b.Payer != nil {
		payer = *b.Payer
	}
	text := "Insurance assignment from " + payer.Name
	if b.PolicyLast4 != "" {
		text += ", policy ending " + b.PolicyLast4
	}
	legs := []leg{{on: b.Date, fact: receiptLeg, moves: []move{
		o.move(receiptLeg, "", org.DepositsClearing, b.Received, vendor(payer), text),
		o.move(receiptLeg, "", org.InsuranceFees, b.Withheld, vendor(payer), "Withheld by "+payer.Name),
		o.receivable(receiptLeg, -b.Applied, text),
		o.move(receiptLeg, "", org.InsuranceGrowth, -b.Growth, nil, "Growth of the policy"),
	}}}
	if c := b.ClawedBack; c != nil {
		legs = append(legs, leg{on: c.Date, fact: clawLeg, moves: []move{
			o.receivable(clawLeg, c.Amount, "Taken back by "+payer.Name),
			o.move(clawLeg, "", org.Bank(c.Bank), -c.Amount, nil, "Taken back by "+payer.Name),
		}})
	}
	return legs
}

// claimLegs: accounting.md §3 "CLAIMCHECK".
func claimLegs(verb passare.Verb, b *passare.Claim, o origin) []leg {
	if verb == passare.Reverted {
		return nil
	}
	text := "CLAIMCHECK"
	if b.Payer != nil {
		text += " from " + b.Payer.Name
	}
	return []leg{{on: b.Date, fact: receiptLeg, moves: []move{
		o.move(receiptLeg, "", org.DepositsClearing, b.Received, nil, text),
		o.move(receiptLeg, "", org.InsuranceFees, b.Fee, nil, "Fee of CLAIMCHECK"),
		o.receivable(receiptLeg, -b.Applied, text),
	}}}
}

// chargeLegs: accounting.md §3 "Interest".
func chargeLegs(verb passare.Verb, b *passare.Charge, o origin) []leg {
	if verb == passare.Deleted {
		return nil
	}
	return []leg{{on: b.Date, moves: []move{
		o.receivable("", b.Amount, "Interest"),
		o.move("", "", roleOr(b.GLAccount, org.FinanceIncome), -b.Amount, nil, "Interest"),
	}}}
}

// adjustmentLegs: accounting.md §3 "Adjustment".
func adjustmentLegs(verb passare.Verb, b *passare.AdjustmentBody, o origin) []leg {
	if verb == passare.Deleted {
		return nil
	}
	text := "Adjustment: " + b.Reason
	role, amount := org.Adjustments, -b.Amount
	if b.Direction == passare.Increase {
		role, amount = org.AdjustmentsIncrease, b.Amount
	}
	return []leg{{on: b.Date, moves: []move{
		o.receivable("", amount, text),
		o.move("", "", roleOr(b.GLAccount, role), -amount, nil, text),
	}}}
}

// refundLegs: accounting.md §3 "Refund". A refund of a card or ACH payment is posted by the payment's
// own refund (§6), so it has no legs here.
func refundLegs(verb passare.Verb, b *passare.RefundBody, o origin) []leg {
	if verb == passare.Deleted || refundedByPayment(b) {
		return nil
	}
	from, party := roleOr(b.GLAccount, org.Bank(b.Bank)), (*journal.Name)(nil)
	switch {
	case b.PaidBy == passare.PaidByCheck:
		from, party = org.RefundsPayable, o.customer
	case b.PaidBy == passare.PaidByCard:
		from = roleOr(b.GLAccount, org.CardClearing)
	}
	return []leg{{on: b.Date, fact: refundLeg, moves: []move{
		o.receivable(refundLeg, b.Amount, "Refund"),
		o.move(refundLeg, "", from, -b.Amount, party, "Refund"),
	}}}
}

func refundedByPayment(b *passare.RefundBody) bool {
	return b.OfPayment != nil && (b.PaidBy == passare.PaidByCard || b.PaidBy == passare.PaidByACH)
}

// ledgerLegs: accounting.md §3 "Ledger". The echo of a check or batch is posted by that (§6).
func ledgerLegs(verb passare.Verb, b *passare.LedgerBody, o origin) []leg {
	if verb == passare.Deleted || b.EchoOf != nil {
		return nil
	}
	text := b.TransactionType
	if b.Memo != "" {
		text += ": " + b.Memo
	}
	amount := b.Amount
	if b.Direction == passare.FundsOut {
		amount = -amount
	}
	o.customer, o.caseID = nil, ""
	return []leg{{on: b.Date, moves: []move{
		o.move("", "", org.Bank(b.Bank), amount, nil, text),
		o.move("", "", org.GL(b.GLAccount), -amount, nil, text),
	}}}
}

// depositLegs: accounting.md §3 "Batch payments". Each member's line mirrors the clearing line on which
// the member stands posted; members that are already banked (ACH) are left out.
func (in Input) depositLegs(e passare.Event, b *passare.Deposit) []leg {
	if e.Verb == passare.Unprocessed {
		return nil
	}
	whole := origin{branch: e.Branch.ID}
	var banked money.Cents
	var members []move
	for _, m := range b.Members {
		if alreadyBanked(m) {
			continue
		}
		banked += m.Amount
		line := move{
			key:   journal.Key{Leg: depositLeg, Part: memberPart(m), Account: string(clearingOf(m))},
			cents: -m.Amount, text: strings.TrimSpace(string(m.Record.Type) + " " + m.Record.ID),
		}
		if standing, ok := in.onClearing(m); ok {
			line.key = standing.Key
			line.key.Leg, line.key.Part = depositLeg, memberPart(m)
			line.mirror, line.text = &standing.Place, standing.Description
		}
		members = append(members, line)
	}
	moves := []move{
		whole.move(depositLeg, "", org.Bank(b.Bank), banked-b.Fees, nil, "Batch "+e.Record.ID),
		whole.move(depositLeg, "", org.MerchantFees, b.Fees, nil, "Fees of batch "+e.Record.ID),
	}
	if len(members) == 0 && b.Fees == 0 {
		return nil
	}
	return []leg{{on: b.Date, moves: append(moves, members...)}}
}

// alreadyBanked: an ACH payment's settlement has moved it to the bank (accounting.md §6).
func alreadyBanked(m passare.Member) bool {
	return m.Method == passare.ACH || m.Record.Type == passare.ACHPayment
}

// memberPart tells a payment's receipt from its netted refund in one batch.
func memberPart(m passare.Member) string {
	if m.Amount < 0 {
		return "refund of " + m.Record.String()
	}
	return m.Record.String()
}

func clearingOf(m passare.Member) org.Role {
	if m.Method == passare.CreditCard {
		return org.CardClearing
	}
	return org.DepositsClearing
}
