package passare

import (
	"strings"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/money"
)

// The bodies of events.md, one function each. A sum that does not add up is a wrong field of its own.

func decodeContract(d *reader, verb Verb) *Contract {
	n := need(verb != Unsigned)
	b := &Contract{SignedOn: d.date("signed_on", n)}
	before := len(*d.problems)
	items, discounts, taxes := map[string]bool{}, map[string]bool{}, map[string]bool{}
	d.list("items", n, 0, func(r *reader) {
		i := Item{
			ID:        r.id("id", required),
			Kind:      ItemKind(r.choice("kind", required, string(ServiceItem), string(MerchandiseItem), string(CashAdvanceItem), string(FeeItem))),
			GLAccount: r.id("gl_account", optional), Description: r.text("description", required, MaxText),
			Amount: r.amount("amount", required, anySign), Vendor: r.business("vendor", optional),
		}
		r.unique(items, "id", i.ID)
		b.Items = append(b.Items, i)
	})
	d.list("discounts", optional, 0, func(r *reader) {
		x := Discount{
			ID: r.id("id", required), GLAccount: r.id("gl_account", optional),
			Description: r.text("description", required, MaxText), Amount: r.amount("amount", required, notBelow),
		}
		r.unique(discounts, "id", x.ID)
		b.Discounts = append(b.Discounts, x)
	})
	d.list("taxes", optional, 0, func(r *reader) {
		x := Tax{
			ID: r.id("id", required), Jurisdiction: r.text("jurisdiction", required, MaxName),
			GLAccount: r.id("gl_account", optional), Amount: r.amount("amount", required, notBelow),
		}
		r.unique(taxes, "id", x.ID)
		b.Taxes = append(b.Taxes, x)
	})
	b.TotalPrice = d.amount("total", n, notBelow)
	if _, given := d.fields["total"]; given {
		d.adds("total", b.TotalPrice, b.sum(), "Σ items − Σ discounts + Σ taxes", before)
	}
	return b
}

func (b *Contract) sum() money.Cents {
	var sum money.Cents
	for _, i := range b.Items {
		sum += i.Amount
	}
	for _, x := range b.Discounts {
		sum -= x.Amount
	}
	for _, x := range b.Taxes {
		sum += x.Amount
	}
	return sum
}

// adds reports a sum that does not add up, unless its parts are already reported as wrong.
func (r *reader) adds(key string, given, computed money.Cents, formula string, problemsBefore int) {
	if given != computed && len(*r.problems) == problemsBefore {
		r.wrong(key, given.String(), "does not add up: %s = %s", formula, computed)
	}
}

// atMost reports an amount above another of the same object.
func (r *reader) atMost(key string, amount, limit money.Cents, what string) {
	if amount > limit {
		r.wrong(key, amount.String(), "must not be more than %s", what)
	}
}

// notBefore reports a date before the fact that it follows.
func (r *reader) notBefore(key string, d, first date.Date, what string) {
	if d != "" && first != "" && d < first {
		r.wrong(key, string(d), "must not be before %s (%s)", what, first)
	}
}

func decodePayment(d *reader, verb Verb) *PaymentBody {
	b := &PaymentBody{
		Method: Method(d.choice("method", required, methodsOf(verb)...)),
		Amount: d.amount("amount", required, positive), Date: d.date("date", required),
		Payer: d.text("payer", optional, MaxName), BatchID: d.id("batch_id", optional), DeletedOn: d.date("deleted_on", optional),
	}
	if b.Method == CreditCard {
		b.MerchantAccount = d.text("merchant_account", optional, MaxName)
		b.Fee = d.amount("fee", optional, notBelow)
		b.VoidedOn = d.date("voided_on", need(verb == Voided))
		d.notBefore("voided_on", b.VoidedOn, b.Date, "the payment")
		b.Refunds = d.repayments(need(verb == Refunded), b.Amount, b.Date, false)
		return b
	}
	b.CheckNumber = d.text("check_number", optional, MaxID)
	d.object("returned", need(verb == Returned), func(r *reader) {
		b.Returned = &ReturnedCheck{Date: r.date("date", required), Bank: r.id("bank", required)}
		r.notBefore("date", b.Returned.Date, b.Date, "the payment")
		b.Returned.Fee, b.Returned.FeeToFamily, b.Returned.FeeRecord = r.fees()
	})
	return b
}

// methodsOf: completed, voided and refunded happen to cards; created and returned to cash and checks.
func methodsOf(verb Verb) []string {
	switch verb {
	case Created, Returned:
		return []string{string(Cash), string(ByCheck)}
	case Completed, Voided, Refunded:
		return []string{string(CreditCard)}
	default:
		return []string{string(Cash), string(ByCheck), string(CreditCard)}
	}
}

func (r *reader) fees() (fee, toFamily money.Cents, record *Ref) {
	fee = r.amount("fee", optional, notBelow)
	toFamily = r.amount("fee_to_family", optional, notBelow)
	return fee, toFamily, r.ref("fee_record", optional, Adjustment)
}

// repayments reads the refunds of a payment; together they are at most the payment.
func (r *reader) repayments(n need, limit money.Cents, after date.Date, withBank bool) []Repayment {
	var list []Repayment
	var sum money.Cents
	seen := map[string]bool{}
	least := 0
	if n == required {
		least = 1
	}
	r.list("refunds", n, least, func(r *reader) {
		x := Repayment{ID: r.id("id", required), Amount: r.amount("amount", required, positive), Date: r.date("date", required)}
		if withBank {
			x.Bank = r.id("bank", required)
		}
		r.unique(seen, "id", x.ID)
		r.notBefore("date", x.Date, after, "the payment")
		sum += x.Amount
		list = append(list, x)
	})
	r.atMost("refunds", sum, limit, "the payment")
	return list
}

func decodeSettlement(d *reader) *Settlement {
	before := len(*d.problems)
	b := &Settlement{Bank: d.id("bank", required), Date: d.date("date", required)}
	var sum money.Cents
	seen := map[string]bool{}
	d.list("payments", required, 1, func(r *reader) {
		p := SettledPayment{}
		if ref := r.ref("record", required, ACHPayment); ref != nil {
			p.Record = *ref
			r.unique(seen, "record.id", ref.ID)
		}
		if c := r.caseOf("case", required); c != nil {
			p.Case = *c
		}
		p.Branch, p.Amount = r.branch("branch", optional), r.amount("amount", required, positive)
		sum += p.Amount
		b.Payments = append(b.Payments, p)
	})
	b.Fees = d.amount("fees", optional, notBelow)
	b.Net = d.amount("net", optional, anySign)
	if _, given := d.fields["net"]; given {
		d.adds("net", b.Net, sum-b.Fees, "Σ payments − fees", before)
	}
	b.Net = sum - b.Fees
	return b
}

func decodeACHPayment(d *reader, verb Verb) *ACHPaymentBody {
	b := &ACHPaymentBody{Amount: d.amount("amount", required, positive), Date: d.date("date", required), Batch: d.id("ach_batch", required)}
	seen := map[string]bool{}
	least := 0
	if verb == ChargedBack {
		least = 1
	}
	d.list("returns", need(verb == ChargedBack), least, func(r *reader) {
		x := ACHReturn{
			ID: r.id("id", required), Amount: r.amount("amount", required, positive), Date: r.date("date", required), Bank: r.id("bank", required),
			ReversedOn: r.date("reversed_on", optional),
		}
		x.Fee, x.FeeToFamily, x.FeeRecord = r.fees()
		r.unique(seen, "id", x.ID)
		r.atMost("amount", x.Amount, b.Amount, "the payment")
		r.notBefore("date", x.Date, b.Date, "the payment")
		r.notBefore("reversed_on", x.ReversedOn, x.Date, "the return")
		b.Returns = append(b.Returns, x)
	})
	b.Refunds = d.repayments(need(verb == Refunded), b.Amount, b.Date, true)
	return b
}

func decodeAssignment(d *reader, verb Verb) *Assignment {
	before := len(*d.problems)
	b := &Assignment{Payer: d.business("payer", optional)}
	if insurer := d.business("insurer", required); insurer != nil {
		b.Insurer = *insurer
	}
	b.Received = d.amount("received", required, notBelow)
	b.Applied = d.amount("applied", required, notBelow)
	b.Withheld = d.amount("withheld", optional, notBelow)
	b.Growth = d.amount("growth", optional, notBelow)
	b.Date = d.date("date", required)
	b.PolicyLast4 = d.text("policy_last4", optional, 4)
	d.adds("applied", b.Applied, b.Received+b.Withheld-b.Growth, "received + withheld − growth", before)
	d.object("clawed_back", need(verb == ClawedBack), func(r *reader) {
		b.ClawedBack = &ClawBack{Amount: r.amount("amount", required, positive), Date: r.date("date", required), Bank: r.id("bank", required)}
		r.atMost("amount", b.ClawedBack.Amount, b.Applied, "what was applied")
		r.notBefore("date", b.ClawedBack.Date, b.Date, "the receipt")
	})
	return b
}

func decodeRefund(d *reader) *RefundBody {
	b := &RefundBody{
		Amount: d.amount("amount", required, positive), Date: d.date("date", required),
		PaidBy:          PaidBy(d.choice("paid_by", required, string(PaidByBank), string(PaidByCard), string(PaidByACH), string(PaidByCheck))),
		MerchantAccount: d.text("merchant_account", optional, MaxName), GLAccount: d.id("gl_account", optional),
		OfPayment: d.ref("of_payment", optional, Payment, ACHPayment),
	}
	fromBank := (b.PaidBy == PaidByBank || b.PaidBy == PaidByACH) && b.GLAccount == ""
	b.Bank = d.id("bank", need(fromBank))
	return b
}

// decodeClaim: received + fee = applied when the home bears the fee; when the family does, applied = received.
func decodeClaim(d *reader) *Claim {
	before := len(*d.problems)
	b := &Claim{
		Received: d.amount("received", required, notBelow), Applied: d.amount("applied", required, positive),
		Fee: d.amount("fee", optional, notBelow), Date: d.date("date", required), Payer: d.business("payer", optional),
	}
	d.adds("applied", b.Applied, b.Received+b.Fee, "received + fee", before)
	return b
}

func decodeCheck(d *reader) *CheckBody {
	b := &CheckBody{Bank: d.id("bank", required), Number: d.id("number", required), Date: d.date("date", required)}
	if payee := d.business("payee", required); payee != nil {
		b.Payee = *payee
	}
	d.list("lines", required, 1, func(r *reader) {
		l := CheckLine{Kind: CheckLineKind(r.choice("kind", required, string(CheckCashAdvance), string(CheckExpense), string(CheckRefund)))}
		l.GLAccount = r.id("gl_account", need(l.Kind == CheckExpense))
		l.Case = r.caseOf("case", need(l.Kind == CheckCashAdvance || l.Kind == CheckRefund))
		l.ItemID, l.Branch = r.id("item_id", optional), r.branch("branch", optional)
		l.Description, l.Amount = r.text("description", optional, MaxText), r.amount("amount", required, positive)
		b.Lines = append(b.Lines, l)
	})
	b.RefundRecord = d.ref("refund_record", optional, Refund)
	return b
}

func decodeDeposit(d *reader) *Deposit {
	before := len(*d.problems)
	b := &Deposit{Bank: d.id("bank", required), Date: d.date("date", required)}
	var sum money.Cents
	d.list("members", required, 1, func(r *reader) {
		m := Member{Case: nil}
		if ref := r.ref("record", required, Payment, ACHPayment, InsuranceAssignment, ClaimCheck, Refund); ref != nil {
			m.Record = *ref
		}
		m.Case, m.Branch = r.caseOf("case", optional), r.branch("branch", optional)
		m.Amount = r.amount("amount", required, anySign)
		if m.Amount == 0 && r.fields["amount"] == "0.00" {
			r.wrong("amount", "0.00", "must not be zero")
		}
		m.Method = Method(r.choice("method", required, string(Cash), string(ByCheck), string(CreditCard), string(ACH), string(Insurance), string(ByClaim)))
		sum += m.Amount
		b.Members = append(b.Members, m)
	})
	b.Fees, b.Sum = d.amount("fees", optional, notBelow), d.amount("total", required, anySign)
	d.adds("total", b.Sum, sum-b.Fees, "Σ members − fees", before)
	return b
}

func decodeLedger(d *reader, verb Verb) *LedgerBody {
	b := &LedgerBody{Direction: Direction(d.choice("direction", required, string(FundsIn), string(FundsOut)))}
	if (verb == FundsAdded && b.Direction == FundsOut) || (verb == FundsRemoved && b.Direction == FundsIn) {
		d.wrong("direction", string(b.Direction), "must be %s, as the event's type says", strings.TrimPrefix(string(verb), "funds_"))
	}
	b.Bank, b.GLAccount = d.id("bank", required), d.id("gl_account", required)
	b.TransactionType = d.text("transaction_type", required, MaxName)
	b.Amount, b.Date = d.amount("amount", required, positive), d.date("date", required)
	b.Memo, b.Case = d.text("memo", optional, MaxText), d.caseOf("case", optional)
	b.EchoOf = d.ref("echo_of", optional, Check, BatchPayment)
	return b
}
