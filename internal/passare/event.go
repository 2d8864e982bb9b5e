package passare

import (
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/money"
)

// RecordType is the kind of a record in Passare.
type RecordType string

// The record types (events.md, table). Case and fee are no records of their own: they only stand in
// references, by which records find each other that share a case, or a bank and the amount of a fee.
const (
	GoodsAndServices    RecordType = "goods_and_services"
	Payment             RecordType = "payment"
	ACHBatch            RecordType = "ach_batch"
	ACHPayment          RecordType = "ach_payment"
	InsuranceAssignment RecordType = "insurance_assignment"
	Interest            RecordType = "interest"
	Refund              RecordType = "refund"
	Adjustment          RecordType = "adjustment"
	ClaimCheck          RecordType = "claimcheck"
	Check               RecordType = "check"
	BatchPayment        RecordType = "batch_payment"
	Ledger              RecordType = "ledger"
	AccountingExport    RecordType = "accounting_export"
	CaseRecord          RecordType = "case"
	FeeRecord           RecordType = "fee"
)

// Verb is what happened to the record.
type Verb string

// The verbs, as they end an event's type.
const (
	Signed          Verb = "signed"
	Resigned        Verb = "resigned"
	SignDateChanged Verb = "sign_date_changed"
	Unsigned        Verb = "unsigned"
	Created         Verb = "created"
	Updated         Verb = "updated"
	Deleted         Verb = "deleted"
	Returned        Verb = "returned"
	Completed       Verb = "completed"
	Voided          Verb = "voided"
	Refunded        Verb = "refunded"
	Settled         Verb = "settled"
	ChargedBack     Verb = "charged_back"
	Received        Verb = "received"
	Reverted        Verb = "reverted"
	ClawedBack      Verb = "clawed_back"
	Printed         Verb = "printed"
	Reprinted       Verb = "reprinted"
	Processed       Verb = "processed"
	Unprocessed     Verb = "unprocessed"
	FundsAdded      Verb = "funds_added"
	FundsRemoved    Verb = "funds_removed"
	Added           Verb = "added"
)

// TypePrefix begins every event type.
const TypePrefix = "com.passare."

// verbs lists, for every record type, the verbs that its events may have (events.md, table).
func verbs(t RecordType) []Verb {
	switch t {
	case GoodsAndServices:
		return []Verb{Signed, Resigned, SignDateChanged, Unsigned}
	case Payment:
		return []Verb{Created, Updated, Deleted, Returned, Completed, Voided, Refunded}
	case ACHBatch:
		return []Verb{Settled, Updated}
	case ACHPayment:
		return []Verb{ChargedBack, Refunded, Updated}
	case InsuranceAssignment:
		return []Verb{Received, Updated, Reverted, ClawedBack}
	case Interest, Refund, Adjustment:
		return []Verb{Created, Updated, Deleted}
	case ClaimCheck:
		return []Verb{Completed, Updated, Reverted}
	case Check:
		return []Verb{Printed, Reprinted, Voided}
	case BatchPayment:
		return []Verb{Processed, Updated, Unprocessed}
	case Ledger:
		return []Verb{FundsAdded, FundsRemoved, Updated, Deleted}
	case AccountingExport:
		return []Verb{Added}
	case CaseRecord, FeeRecord:
		return nil
	}
	return nil
}

// RecordTypes lists every type that has events, in the order of events.md.
func RecordTypes() []RecordType {
	return []RecordType{
		GoodsAndServices, Payment, ACHBatch, ACHPayment, InsuranceAssignment, Interest, Refund, Adjustment,
		ClaimCheck, Check, BatchPayment, Ledger, AccountingExport,
	}
}

// Verbs lists the verbs that events of a record type may have.
func (t RecordType) Verbs() []Verb { return verbs(t) }

// HasCase says whether events of the type carry the case at the top of their data.
func (t RecordType) HasCase() bool {
	switch t {
	case Check, BatchPayment, ACHBatch, Ledger, CaseRecord, FeeRecord:
		return false
	case GoodsAndServices, Payment, ACHPayment, InsuranceAssignment, Interest, Refund, Adjustment, ClaimCheck, AccountingExport:
		return true
	}
	return false
}

// Page is a page of a case in Passare that has its own Add to Accounting Export button.
type Page string

// The two pages with a button. Other records never wait for one (accounting.md §6).
const (
	NoPage       Page = ""
	GoodsPage    Page = "goods_and_services"
	PaymentsPage Page = "payments_and_adjustments"
)

// Page is the page whose button releases records of the type.
func (t RecordType) Page() Page {
	switch t {
	case GoodsAndServices:
		return GoodsPage
	case Payment, InsuranceAssignment, Interest, Refund, Adjustment, ClaimCheck:
		return PaymentsPage
	case ACHBatch, ACHPayment, Check, BatchPayment, Ledger, AccountingExport, CaseRecord, FeeRecord:
		return NoPage
	}
	return NoPage
}

// Ref names a record.
type Ref struct {
	Type RecordType `json:"type,omitempty"`
	ID   string     `json:"id"`
}

// String is "type/id", the subject of the record's events.
func (r Ref) String() string { return string(r.Type) + "/" + r.ID }

// Event is one version of one record: its whole present state, and what happened.
type Event struct {
	ID        string    // the CloudEvent's id, for tracing only
	Org       string    // organisation id, from source
	Time      time.Time // when the trigger occurred, for people; no accounting date comes from it
	Record    Ref
	Version   int64 // grows with every change of the record
	Verb      Verb
	FirstDate date.Date // date of the record's first fact, when known
	Baseline  bool      // state at connection: counted as posted, never sent
	Case      *Case
	Branch    Branch
	Actor     Actor
	Body      Body
	Hash      string // of verb and data: tells a repeat from an edited twin
	Raw       []byte // the event as delivered, compact
}

// Type is "goods_and_services.signed": the event's type without its prefix.
func (e Event) Type() string { return string(e.Record.Type) + "." + string(e.Verb) }

// Case is a case in Passare.
type Case struct {
	ID                string
	Number            string
	Decedent          Decedent
	PurchaserBusiness *Business
}

// Decedent is the person whose funeral the case is. First and last may be empty: then the case has
// no name yet, and its entries wait (accounting.md §8).
type Decedent struct{ First, Middle, Last, Suffix string }

// Name is "First Middle Last Suffix" with single blanks, or empty when first and last are both missing.
func (d Decedent) Name() string {
	if strings.TrimSpace(d.First) == "" && strings.TrimSpace(d.Last) == "" {
		return ""
	}
	return strings.Join(strings.Fields(d.First+" "+d.Middle+" "+d.Last+" "+d.Suffix), " ")
}

// Business is an entry of the Rolodex; without a RolodexID it is a typed name, which gets no vendor.
type Business struct{ RolodexID, Name string }

// Branch is where it happened.
type Branch struct{ ID, Name string }

// Actor is the person in Passare whose action was the trigger.
type Actor struct{ ID, Name string }

// Body is the state beyond what all events share: one type for each record type.
type Body interface {
	// Total is the amount that people see in a list: what the record is about, in cents.
	Total() money.Cents
	// On is the date that people see in a list.
	On() date.Date
	// Mentions lists the records that this one speaks of and that must find it again.
	Mentions() []Ref
}

// ItemKind is what a contract's item is.
type ItemKind string

// The kinds of contract items.
const (
	ServiceItem     ItemKind = "service"
	MerchandiseItem ItemKind = "merchandise"
	CashAdvanceItem ItemKind = "cash_advance"
	FeeItem         ItemKind = "fee"
)

// Contract is the body of goods_and_services: total = Σ items − Σ discounts + Σ taxes.
type Contract struct {
	SignedOn   date.Date // empty only when unsigned
	Items      []Item
	Discounts  []Discount
	Taxes      []Tax
	TotalPrice money.Cents
}

// Item is a line of a contract; the amount may be negative.
type Item struct {
	ID          string
	Kind        ItemKind
	GLAccount   string
	Description string
	Amount      money.Cents
	Vendor      *Business
}

// Discount is a reduction of a contract, shown gross.
type Discount struct {
	ID          string
	GLAccount   string
	Description string
	Amount      money.Cents
}

// Tax is a tax of a contract.
type Tax struct {
	ID           string
	Jurisdiction string
	GLAccount    string
	Amount       money.Cents
}

// Method is how a payment was made.
type Method string

// The methods of payments and of batch members.
const (
	Cash       Method = "cash"
	ByCheck    Method = "check"
	CreditCard Method = "credit_card"
	ACH        Method = "ach"
	Insurance  Method = "insurance"
	ByClaim    Method = "claimcheck"
)

// PaymentBody is the body of payment: cash, check and credit card.
type PaymentBody struct {
	Method          Method
	Amount          money.Cents
	Date            date.Date
	Payer           string
	CheckNumber     string
	BatchID         string
	DeletedOn       date.Date
	Returned        *ReturnedCheck
	MerchantAccount string
	Fee             money.Cents // the processor's, shown and not posted
	VoidedOn        date.Date
	Refunds         []Repayment
}

// ReturnedCheck is a bounced check.
type ReturnedCheck struct {
	Date        date.Date
	Bank        string
	Fee         money.Cents // charged by the bank
	FeeToFamily money.Cents // charged on to the family
	FeeRecord   *Ref        // the adjustment that books the same charge
}

// Repayment is one refund of a card or ACH payment. Bank is empty for cards.
type Repayment struct {
	ID     string
	Amount money.Cents
	Date   date.Date
	Bank   string
}

// Settlement is the body of ach_batch.
type Settlement struct {
	Bank     string
	Date     date.Date
	Payments []SettledPayment
	Fees     money.Cents
	Net      money.Cents // Σ payments − fees
}

// SettledPayment is one payment of an ACH settlement.
type SettledPayment struct {
	Record Ref
	Case   Case
	Branch Branch
	Amount money.Cents
}

// ACHPaymentBody is the body of ach_payment: its returns and refunds. The settlement belongs to ach_batch.
type ACHPaymentBody struct {
	Amount  money.Cents
	Date    date.Date
	Batch   string
	Returns []ACHReturn
	Refunds []Repayment
}

// ACHReturn is one return (chargeback) of an ACH payment; ReversedOn is the day it was won back.
type ACHReturn struct {
	ID          string
	Amount      money.Cents
	Date        date.Date
	Bank        string
	Fee         money.Cents
	FeeToFamily money.Cents
	FeeRecord   *Ref
	ReversedOn  date.Date
}

// Assignment is the body of insurance_assignment: received + withheld = applied + growth.
type Assignment struct {
	Insurer     Business
	Payer       *Business // the funding company, when another
	Received    money.Cents
	Applied     money.Cents
	Withheld    money.Cents
	Growth      money.Cents
	Date        date.Date
	PolicyLast4 string
	ClawedBack  *ClawBack
}

// ClawBack is proceeds that the insurer took back.
type ClawBack struct {
	Amount money.Cents
	Date   date.Date
	Bank   string
}

// Charge is the body of interest.
type Charge struct {
	Amount    money.Cents
	Date      date.Date
	GLAccount string
}

// PaidBy is how a refund is paid.
type PaidBy string

// The ways a refund is paid.
const (
	PaidByBank  PaidBy = "bank"
	PaidByCard  PaidBy = "card"
	PaidByACH   PaidBy = "ach"
	PaidByCheck PaidBy = "passare_check"
)

// RefundBody is the body of refund.
type RefundBody struct {
	Amount          money.Cents
	Date            date.Date
	PaidBy          PaidBy
	Bank            string
	MerchantAccount string
	GLAccount       string
	OfPayment       *Ref
}

// Direction of an adjustment or a ledger movement.
type Direction string

// The directions.
const (
	Decrease Direction = "decrease"
	Increase Direction = "increase"
	FundsIn  Direction = "added"
	FundsOut Direction = "removed"
)

// AdjustmentBody is the body of adjustment.
type AdjustmentBody struct {
	Direction Direction
	Amount    money.Cents
	Date      date.Date
	GLAccount string
	Reason    string
}

// Claim is the body of claimcheck.
type Claim struct {
	Received money.Cents
	Applied  money.Cents
	Fee      money.Cents
	Date     date.Date
	Payer    *Business
}

// CheckLineKind is what a line of a check pays for.
type CheckLineKind string

// The kinds of check lines.
const (
	CheckCashAdvance CheckLineKind = "cash_advance"
	CheckExpense     CheckLineKind = "expense"
	CheckRefund      CheckLineKind = "refund"
)

// CheckBody is the body of check; Date is the date of the verb.
type CheckBody struct {
	Bank         string
	Number       string
	Date         date.Date
	Payee        Business
	Lines        []CheckLine
	RefundRecord *Ref
}

// CheckLine is one line of a check.
type CheckLine struct {
	Kind        CheckLineKind
	GLAccount   string
	Case        *Case
	ItemID      string
	Branch      Branch
	Description string
	Amount      money.Cents
}

// Deposit is the body of batch_payment: total = Σ members − fees.
type Deposit struct {
	Bank    string
	Date    date.Date
	Members []Member
	Fees    money.Cents
	Sum     money.Cents
}

// Member is one payment of a batch; below zero it is a refund that the processor netted.
type Member struct {
	Record Ref
	Case   *Case
	Branch Branch
	Amount money.Cents
	Method Method
}

// LedgerBody is the body of ledger.
type LedgerBody struct {
	Direction       Direction
	Bank            string
	GLAccount       string
	TransactionType string
	Amount          money.Cents
	Date            date.Date
	Memo            string
	Case            *Case
	EchoOf          *Ref
}

// Export is the body of accounting_export: a click on Add to Accounting Export.
type Export struct{ Page Page }

// Total is the contract's total.
func (b *Contract) Total() money.Cents       { return b.TotalPrice }
func (b *PaymentBody) Total() money.Cents    { return b.Amount }
func (b *Settlement) Total() money.Cents     { return b.Net }
func (b *ACHPaymentBody) Total() money.Cents { return b.Amount }
func (b *Assignment) Total() money.Cents     { return b.Applied }
func (b *Charge) Total() money.Cents         { return b.Amount }
func (b *RefundBody) Total() money.Cents     { return b.Amount }
func (b *AdjustmentBody) Total() money.Cents { return b.Amount }
func (b *Claim) Total() money.Cents          { return b.Applied }
func (b *Deposit) Total() money.Cents        { return b.Sum }
func (b *LedgerBody) Total() money.Cents     { return b.Amount }
func (b *Export) Total() money.Cents         { return 0 }

// Total is the check's amount, Σ of its lines.
func (b *CheckBody) Total() money.Cents {
	var sum money.Cents
	for _, l := range b.Lines {
		sum += l.Amount
	}
	return sum
}

// On is the sign date.
func (b *Contract) On() date.Date       { return b.SignedOn }
func (b *PaymentBody) On() date.Date    { return b.Date }
func (b *Settlement) On() date.Date     { return b.Date }
func (b *ACHPaymentBody) On() date.Date { return b.Date }
func (b *Assignment) On() date.Date     { return b.Date }
func (b *Charge) On() date.Date         { return b.Date }
func (b *RefundBody) On() date.Date     { return b.Date }
func (b *AdjustmentBody) On() date.Date { return b.Date }
func (b *Claim) On() date.Date          { return b.Date }
func (b *CheckBody) On() date.Date      { return b.Date }
func (b *Deposit) On() date.Date        { return b.Date }
func (b *LedgerBody) On() date.Date     { return b.Date }
func (b *Export) On() date.Date         { return "" }

// BankFee is a fee that a bank charged for a returned payment.
type BankFee struct {
	Bank   string
	Amount money.Cents
	Date   date.Date
}

// Ref is what records mention that speak of a fee of that bank and amount.
func (f BankFee) Ref() Ref { return Ref{Type: FeeRecord, ID: f.Bank + "/" + f.Amount.String()} }

// BankFees lists the fees that an event's returns had, or for money taken from a bank in the ledger, what may be one.
func (e Event) BankFees() []BankFee {
	var fees []BankFee
	switch b := e.Body.(type) {
	case *PaymentBody:
		if r := b.Returned; r != nil && r.Fee > 0 {
			fees = append(fees, BankFee{r.Bank, r.Fee, r.Date})
		}
	case *ACHPaymentBody:
		for _, r := range b.Returns {
			if r.Fee > 0 {
				fees = append(fees, BankFee{r.Bank, r.Fee, r.Date})
			}
		}
	case *LedgerBody:
		if b.Direction == FundsOut {
			fees = append(fees, BankFee{b.Bank, b.Amount, b.Date})
		}
	}
	return fees
}

// Mentions of a payment: the adjustment that books the fee of its return.
func (b *PaymentBody) Mentions() []Ref {
	if b.Returned != nil && b.Returned.FeeRecord != nil {
		return []Ref{*b.Returned.FeeRecord}
	}
	return nil
}

// Mentions of an ACH payment: the adjustments that book the fees of its returns.
func (b *ACHPaymentBody) Mentions() []Ref {
	var refs []Ref
	for _, r := range b.Returns {
		if r.FeeRecord != nil {
			refs = append(refs, *r.FeeRecord)
		}
	}
	return refs
}

// Mentions of a check: the refund that it pays.
func (b *CheckBody) Mentions() []Ref {
	if b.RefundRecord != nil {
		return []Ref{*b.RefundRecord}
	}
	return nil
}

// Mentions of a batch: its members.
func (b *Deposit) Mentions() []Ref {
	refs := make([]Ref, 0, len(b.Members))
	for _, m := range b.Members {
		refs = append(refs, m.Record)
	}
	return refs
}

// Mentions of the bodies that no other record looks for.
func (b *Contract) Mentions() []Ref       { return nil }
func (b *Settlement) Mentions() []Ref     { return nil }
func (b *Assignment) Mentions() []Ref     { return nil }
func (b *Charge) Mentions() []Ref         { return nil }
func (b *RefundBody) Mentions() []Ref     { return nil }
func (b *AdjustmentBody) Mentions() []Ref { return nil }
func (b *Claim) Mentions() []Ref          { return nil }
func (b *LedgerBody) Mentions() []Ref     { return nil }
func (b *Export) Mentions() []Ref         { return nil }

// Mentions lists the records that must find this one again: a check's item looks for the contract
// of its case, a payment for its batch, a refund for its check, an adjustment for its return.
func (e Event) Mentions() []Ref {
	if e.Record.Type == GoodsAndServices && e.Case != nil {
		return []Ref{{Type: CaseRecord, ID: e.Case.ID}}
	}
	if e.Body == nil {
		return nil
	}
	refs := e.Body.Mentions()
	for _, f := range e.BankFees() {
		refs = append(refs, f.Ref())
	}
	return refs
}
