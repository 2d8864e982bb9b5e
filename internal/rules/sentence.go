package rules

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// maxChanges is how many changes a sentence names before it counts the rest.
const maxChanges = 5

// sentence explains the entry: what happened, who did it, what changes for the family, and on which dates.
func (in Input) sentence(p Plan) string {
	if in.Undo > 0 {
		return in.undoSentence(p)
	}
	e := in.entryEvent()
	s := in.happened(e)
	switch {
	case p.Excluded != "":
		return s + ". Not posted: " + lowerFirst(p.Excluded)
	case len(p.Entries) == 0:
		return s + "; nothing changes in the books."
	}
	if d := deletedOn(e); d != "" {
		s += "; deleted on " + d.Short()
	}
	if p.MakesWay {
		s += "; what it had banked before is taken back first, since a member was changed"
	}
	return s + in.consequences(p) + "."
}

// happened is what happened, who did it, and how much.
func (in Input) happened(e passare.Event) string {
	s := headline(e)
	if e.Actor.Name != "" {
		s += " by " + e.Actor.Name
	}
	if what := in.what(e); what != "" {
		s += ": " + what
	}
	return s
}

// Told is an event in one sentence before it is planned: what happened, who did it, and how much. What it changes in the books is known to a plan only.
func Told(e passare.Event) string {
	in := Input{Entry: e.Version, Versions: []passare.Event{e}}
	return in.happened(e) + "."
}

// consequences are what the entries change for the family, and which of them are dated otherwise than their facts.
func (in Input) consequences(p Plan) (s string) {
	if owes := in.owes(p); owes != "" {
		s += "; " + owes
	}
	for _, planned := range p.Entries {
		for _, fact := range planned.Facts {
			if in.closed(fact) {
				s += fmt.Sprintf("; dated %s, posted on %s because the books are closed", fact.Short(), planned.Date.Short())
			}
		}
	}
	return s
}

// entryEvent is the version that the entry is about: the newest, unless a late older one is posted.
func (in Input) entryEvent() passare.Event {
	for _, v := range in.Versions {
		if v.Version == in.Entry {
			return v
		}
	}
	return in.newest()
}

// headline is record and verb in the trade's words.
func headline(e passare.Event) string {
	name := map[passare.RecordType]string{
		passare.ACHBatch: "ACH settlement ", passare.ACHPayment: "ACH payment ", passare.InsuranceAssignment: "Insurance assignment ",
		passare.Interest: "Interest ", passare.Refund: "Refund ", passare.Adjustment: "Adjustment ", passare.ClaimCheck: "CLAIMCHECK ",
		passare.Check: "Check ", passare.BatchPayment: "Batch ", passare.Ledger: "Ledger: ", passare.AccountingExport: "Add to Accounting Export ",
	}[e.Record.Type]
	verb := map[passare.Verb]string{
		passare.Resigned: "re-signed", passare.SignDateChanged: "sign date changed", passare.ChargedBack: "charged back",
		passare.ClawedBack: "clawed back", passare.FundsAdded: "funds added", passare.FundsRemoved: "funds removed",
	}[e.Verb]
	if verb == "" {
		verb = string(e.Verb)
	}
	switch b := e.Body.(type) {
	case *passare.PaymentBody:
		name = map[passare.Method]string{passare.Cash: "Cash payment ", passare.ByCheck: "Check payment ", passare.CreditCard: "Card payment "}[b.Method]
	case *passare.CheckBody:
		name += b.Number + " "
	case *passare.Deposit:
		name += e.Record.ID + " "
	}
	return upperFirst(name + verb)
}

// what is the matter of the event: the items that changed of a contract, the amount of anything else.
func (in Input) what(e passare.Event) string {
	switch b := e.Body.(type) {
	case *passare.Contract:
		return in.contractChanges(e)
	case *passare.CheckBody:
		return b.Total().Grouped() + " to " + b.Payee.Name
	case *passare.PaymentBody:
		if b.Payer != "" {
			return b.Amount.Grouped() + " from " + b.Payer
		}
	case *passare.Assignment:
		return fmt.Sprintf("%s received, %s applied", b.Received.Grouped(), b.Applied.Grouped())
	case *passare.Export:
		return strings.ReplaceAll(string(b.Page), "_", " ")
	}
	return e.Body.Total().Grouped()
}

// deletedOn is the day on which a payment was deleted: for the note, since the reversal stands where the payment stood.
func deletedOn(e passare.Event) date.Date {
	if b, ok := e.Body.(*passare.PaymentBody); ok && e.Verb == passare.Deleted {
		return b.DeletedOn
	}
	return ""
}

// contractChanges: "flowers 200.00 added, certificates 15.00 less", or the total of a first signing.
func (in Input) contractChanges(e passare.Event) string {
	var before []move
	signed, signedOn := false, date.Date("")
	for _, v := range in.inForce() {
		if v.Version >= e.Version {
			break
		}
		before, signed = nil, v.Verb != passare.Unsigned
		if b, ok := v.Body.(*passare.Contract); ok && signed {
			before, signedOn = in.contractState(v, b), b.SignedOn
		}
	}
	b, ok := e.Body.(*passare.Contract)
	if !ok || e.Verb == passare.Unsigned {
		return ""
	}
	if !signed {
		return "contract " + e.Case.Number + ", " + b.TotalPrice.Grouped()
	}
	had := map[string]bool{}
	for _, m := range before {
		had[m.key.Part] = true
	}
	has := map[string]bool{}
	after := in.contractState(e, b)
	for _, m := range after {
		has[m.key.Part] = true
	}
	var changes []string
	if e.Verb == passare.SignDateChanged && signedOn != b.SignedOn {
		changes = append(changes, "from "+signedOn.Short()+" to "+b.SignedOn.Short())
	}
	for _, m := range changeOf(before, after) {
		if m.key.Account == string(org.AccountsReceivable) {
			continue
		}
		changes = append(changes, lowerFirst(m.text)+" "+m.cents.Abs().Grouped()+" "+changeWord(had[m.key.Part], has[m.key.Part], m))
	}
	if len(changes) > maxChanges {
		more := len(changes) - maxChanges
		changes = append(changes[:maxChanges], fmt.Sprintf("and %d more changes", more))
	}
	return strings.Join(changes, ", ")
}

// changeWord: credits of items and taxes grow when the move is a credit, discounts when it is a debit.
func changeWord(had, has bool, m move) string {
	grows := (m.cents < 0) != strings.HasPrefix(m.key.Part, "discount/")
	switch {
	case !had:
		return "added"
	case !has:
		return "removed"
	case grows:
		return "more"
	default:
		return "less"
	}
}

// owes: what the entries change for the family.
func (in Input) owes(p Plan) string {
	var sum money.Cents
	for _, planned := range p.Entries {
		for _, m := range planned.Movements {
			if m.Key.Account == string(org.AccountsReceivable) {
				sum += m.Amount
			}
		}
	}
	who := "the family owes "
	if len(in.Versions) > 0 && in.newest().Record.Type == passare.ACHBatch {
		who = "the families owe "
	}
	switch {
	case sum > 0:
		return who + sum.Grouped() + " more"
	case sum < 0:
		return who + (-sum).Grouped() + " less"
	default:
		return ""
	}
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	second, _ := utf8.DecodeRuneInString(s[n:])
	if unicode.IsUpper(second) {
		return s // an acronym or initials
	}
	return string(unicode.ToLower(r)) + s[n:]
}

func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
