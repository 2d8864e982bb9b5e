package rules

import (
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// Record is what a plan must know of another record.
type Record struct {
	Ref      passare.Ref
	Newest   *passare.Event // its newest version that counts; nil when none is known
	Standing []Standing
	Busy     bool     // a version of it is on its way: its books may change
	Coming   bool     // a version newer than what it has in the books waits, or has failed: its books will change
	Waits    []string // what such versions wait for (Problem.Subject)
	Out      string   // why it will not be posted ("excluded", "deleted", "undone", "before the cut-over date"), else ""
	ByHand   bool     // a person chose that part of it is in the books without us
}

// stands nets a record's standing lines by a property.
func (r Record) stands(counts func(Standing) bool) money.Cents {
	var sum money.Cents
	for _, m := range r.Standing {
		if counts(m) {
			sum += m.Amount
		}
	}
	return sum
}

// Needs lists the records that a plan for the event must see, besides those that mention its record.
func Needs(e passare.Event) (records, mentionedBy []passare.Ref) {
	mentionedBy = []passare.Ref{e.Record}
	for _, ref := range e.Mentions() {
		switch ref.Type {
		case passare.CaseRecord:
		case passare.FeeRecord:
			mentionedBy = append(mentionedBy, ref)
		default:
			records = append(records, ref)
		}
	}
	if b, ok := e.Body.(*passare.CheckBody); ok {
		for _, l := range b.Lines {
			if l.Kind == passare.CheckCashAdvance && l.Case != nil {
				mentionedBy = append(mentionedBy, passare.Ref{Type: passare.CaseRecord, ID: l.Case.ID})
			}
		}
	}
	slices.SortFunc(mentionedBy, func(a, b passare.Ref) int { return strings.Compare(a.String(), b.String()) })
	return records, slices.Compact(mentionedBy)
}

// onClearing is the clearing line of a batch member: its receipt, or its refund when the member is
// below zero. A standing line that nets to zero is none.
func (in Input) onClearing(m passare.Member) (Standing, bool) {
	r, ok := in.Related[m.Record]
	if !ok {
		return Standing{}, false
	}
	counts := clearingLine(m)
	if r.stands(counts) == 0 {
		return Standing{}, false
	}
	for i := len(r.Standing) - 1; i >= 0; i-- {
		if counts(r.Standing[i]) {
			return r.Standing[i], true
		}
	}
	return Standing{}, false
}

func clearingLine(m passare.Member) func(Standing) bool {
	return func(s Standing) bool {
		isRefund := strings.HasPrefix(s.Key.Leg, refundLeg)
		return org.Role(s.Key.Account).IsClearing() && isRefund == (m.Amount < 0)
	}
}

// itemStanding is the line of a contract's item in the books, from the contract of its case.
func (in Input) itemStanding(caseID, itemID string) (Standing, bool) {
	for _, r := range in.Related {
		if r.Ref.Type != passare.GoodsAndServices {
			continue
		}
		ours := func(s Standing) bool { return s.Key.Case == caseID && s.Key.Part == itemPart(itemID) }
		if itemID == "" || r.stands(ours) == 0 {
			continue
		}
		for i := len(r.Standing) - 1; i >= 0; i-- {
			if ours(r.Standing[i]) {
				return r.Standing[i], true
			}
		}
	}
	return Standing{}, false
}

// relatedProblems are the problems of accounting.md §6: another record has the posting right, must come
// first, or must let go first.
func (in Input) relatedProblems(deltas []delta) []Problem {
	b, isBatch := in.newest().Body.(*passare.Deposit)
	switch {
	case isBatch && in.gone():
		return nil
	case isBatch: // its members' changes count even if nothing changes for itself
		return in.memberProblems(b, deltas)
	case len(deltas) == 0:
		return nil
	}
	switch b := in.newest().Body.(type) {
	case *passare.CheckBody:
		return in.refundOfCheckProblems(b, deltas)
	case *passare.RefundBody:
		return append(in.batchedProblems(deltas), in.checkOfRefundProblems()...)
	case *passare.PaymentBody, *passare.Assignment, *passare.Claim:
		return append(in.batchedProblems(deltas), in.feeProblems()...)
	case *passare.ACHPaymentBody:
		return in.feeProblems()
	}
	return nil
}

// memberProblems: a batch waits for its members and for their changes, and goes only with the amounts that stand.
func (in Input) memberProblems(b *passare.Deposit, deltas []delta) []Problem {
	changed := map[string]bool{}
	for _, d := range deltas {
		changed[d.move.key.Part] = true
	}
	var problems []Problem
	for _, m := range b.Members {
		if alreadyBanked(m) || in.newest().Verb == passare.Unprocessed || in.inClearing(m.Record) && !in.Related[m.Record].Busy {
			continue
		}
		r, banks := in.Related[m.Record], in.banks(m) != 0
		stands := r.stands(clearingLine(m))
		switch {
		case r.Busy && (banks || changed[memberPart(m)]):
			problems = append(problems, waitsFor(m.Record, "Waits for %s, which is on its way to QuickBooks.", m.Record))
		case (banks && r.Coming || r.waitsFor(in.newest().Record)) && in.willStand(m):
			problems = append(problems, waitsFor(m.Record, "Waits for %s, whose change goes first.", m.Record))
		case !changed[memberPart(m)]:
		case r.Out != "" && stands == 0:
			problems = append(problems, choose(m.Record.String(), []Decision{Post},
				"Member %s is %s, so it does not stand on a clearing account. If it is in the opening clearing balance, choose to post it; else take it out of the batch.", m.Record, r.Out))
		case r.ByHand && stands != m.Amount:
			problems = append(problems, choose(m.Record.String(), []Decision{Post},
				"The batch has %s for %s, of which we posted %s, since it was chosen to post only part of it. If the rest is on the clearing account, choose to post the batch; else correct one of them in Passare.",
				m.Amount.Grouped(), m.Record, stands.Grouped()))
		case stands == 0 && r.Newest == nil:
			problems = append(problems, waitsFor(m.Record, "Waits for %s, which Passare has not sent yet.", m.Record))
		case stands == 0:
			problems = append(problems, waitsFor(m.Record, "Waits for %s, which is not in QuickBooks yet.", m.Record))
		case stands != m.Amount && (r.Coming || in.hasBanked(m)):
			problems = append(problems, waitsFor(m.Record,
				"The batch has %s for %s, but %s stands on the clearing account. Waits for the change of that record.", m.Amount.Grouped(), m.Record, stands.Grouped()))
		case stands != m.Amount:
			problems = append(problems, wrongData(m.Record.String(),
				"The batch has %s for %s, but %s stands on the clearing account. Correct one of them in Passare.", m.Amount.Grouped(), m.Record, stands.Grouped()))
		}
	}
	return problems
}

// makesWay says whether a batch must first take back all that it has banked, as its unprocessing would: a member's change waits for that, and every
// member will then stand with the amount that the batch has for it. Its unprocessing was not posted, since the newer version had come by then.
func (in Input) makesWay() bool {
	b, isBatch := in.newest().Body.(*passare.Deposit)
	if !isBatch || in.newest().Verb == passare.Unprocessed || in.gone() {
		return false
	}
	waited := false
	for _, m := range b.Members {
		if alreadyBanked(m) || in.inClearing(m.Record) {
			continue
		}
		if !in.willStand(m) {
			return false
		}
		waited = waited || in.banks(m) != 0 && in.Related[m.Record].waitsFor(in.newest().Record)
	}
	return waited
}

// ofMember tells a batch's lines of a member.
func ofMember(m passare.Member) func(Standing) bool {
	return func(s Standing) bool { return s.Key.Part == memberPart(m) }
}

// banks is what the batch has in the books of a member.
func (in Input) banks(m passare.Member) money.Cents {
	return Record{Standing: in.Standing}.stands(ofMember(m))
}

// hasBanked says whether the batch had banked the member before: then another amount for it means that the member was changed.
func (in Input) hasBanked(m passare.Member) bool {
	return slices.ContainsFunc(in.Standing, ofMember(m))
}

// willStand says whether the member's newest version wants the amount on clearing that the batch has for it.
func (in Input) willStand(m passare.Member) bool {
	newest := in.Related[m.Record].Newest
	if newest == nil {
		return false
	}
	var sum money.Cents
	counts := clearingLine(m)
	for _, l := range in.legs([]passare.Event{*newest}) {
		for _, x := range l.moves {
			if counts(Standing{Movement: journal.Movement{Key: x.key}}) {
				sum += x.cents
			}
		}
	}
	return sum == m.Amount
}

// waitsFor says whether a version of the record waits for another record.
func (r Record) waitsFor(ref passare.Ref) bool { return slices.Contains(r.Waits, ref.String()) }

// batchedProblems: what a processed batch has banked stays until the batch is unprocessed.
func (in Input) batchedProblems(deltas []delta) []Problem {
	touches := slices.ContainsFunc(deltas, func(d delta) bool {
		return org.Role(d.move.key.Account).IsClearing() && (d.move.key.Leg == receiptLeg || d.move.key.Leg == refundLeg)
	})
	if !touches {
		return nil
	}
	me := in.newest().Record.String()
	var problems []Problem
	for _, ref := range in.mentioners(passare.BatchPayment) {
		banked := in.Related[ref].stands(func(s Standing) bool { return s.Key.Part == me || s.Key.Part == "refund of "+me })
		if banked != 0 {
			problems = append(problems, waitsFor(ref, "Not posted: already in batch %s, which has banked it. Unprocess the batch in Passare; this change then goes by itself.", ref.ID))
		}
	}
	return problems
}

// refundOfCheckProblems: the refund must stand on refunds payable before its check clears it.
func (in Input) refundOfCheckProblems(b *passare.CheckBody, deltas []delta) []Problem {
	clears := slices.ContainsFunc(deltas, func(d delta) bool {
		return d.move.key.Account == string(org.RefundsPayable) && d.move.cents > 0 && d.move.mirror == nil
	})
	if !clears || b.RefundRecord == nil {
		return nil
	}
	r := in.Related[*b.RefundRecord]
	if (r.stands(onRefundsPayable) != 0 || r.ByHand) && !r.Busy {
		return nil
	}
	return []Problem{waitsFor(*b.RefundRecord, "Waits for refund %s, which is not in QuickBooks yet.", b.RefundRecord.ID)}
}

func onRefundsPayable(s Standing) bool { return s.Key.Account == string(org.RefundsPayable) }

// checkOfRefundProblems: a posted refund does not change while its check stands.
func (in Input) checkOfRefundProblems() []Problem {
	if len(in.Standing) == 0 {
		return nil
	}
	var problems []Problem
	for _, ref := range in.mentioners(passare.Check) {
		if in.Related[ref].stands(onRefundsPayable) != 0 {
			problems = append(problems, waitsFor(ref, "Not posted: already paid by check %s, which stands. Void the check in Passare; this change then goes by itself.", ref.ID))
		}
	}
	return problems
}

// feeProblems: a fee charged to the family is posted by the return, so its adjustment must not stand.
func (in Input) feeProblems() []Problem {
	if in.gone() { // the fee goes, too
		return nil
	}
	var problems []Problem
	for _, ref := range in.newest().Mentions() {
		if ref.Type != passare.Adjustment {
			continue
		}
		switch r := in.Related[ref]; {
		case r.Busy:
			problems = append(problems, waitsFor(ref, "Waits for adjustment %s, which books the same fee.", ref.ID))
		case r.stands(func(s Standing) bool { return s.Key.Account == string(org.AccountsReceivable) }) != 0:
			problems = append(problems, wrongData(ref.String(), "Adjustment %s has already charged this fee to the family. Delete it in Passare, then retry.", ref.ID))
		}
	}
	return problems
}

// otherRight says why the record is not posted by itself: another record, which it names, has its posting right.
func (in Input) otherRight() (why string, postedBy passare.Ref) {
	e := in.newest()
	switch b := e.Body.(type) {
	case *passare.RefundBody:
		if refundedByPayment(b) {
			return "Already in " + Named(*b.OfPayment) + ", whose own refund posts this money.", *b.OfPayment
		}
	case *passare.LedgerBody:
		if b.EchoOf != nil {
			return "Already in " + Named(*b.EchoOf) + ", which posts this money.", *b.EchoOf
		}
	case *passare.AdjustmentBody:
		for _, t := range []passare.RecordType{passare.Payment, passare.ACHPayment} {
			for _, ref := range in.mentioners(t) {
				if r := in.Related[ref]; r.Newest != nil && r.Newest.Verb != passare.Deleted && r.Out == "" && slices.Contains(r.Newest.Mentions(), e.Record) {
					return "Already in " + Named(ref) + ", whose return posts this fee.", ref
				}
			}
		}
	}
	return "", passare.Ref{}
}

// Named is a record in a bookkeeper's words: "batch 51".
func Named(r passare.Ref) string {
	words := map[passare.RecordType]string{
		passare.BatchPayment: "batch", passare.ACHBatch: "ACH settlement", passare.ACHPayment: "ACH payment", passare.ClaimCheck: "CLAIMCHECK", passare.GoodsAndServices: "contract",
	}
	if word := words[r.Type]; word != "" {
		return word + " " + r.ID
	}
	return strings.ReplaceAll(string(r.Type), "_", " ") + " " + r.ID
}

// mentioners lists the related records of a type that mention this record, in order.
func (in Input) mentioners(t passare.RecordType) []passare.Ref {
	var refs []passare.Ref
	for ref, r := range in.Related {
		if ref.Type == t && r.Newest != nil && slices.Contains(in.MentionedBy, ref) {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, func(a, b passare.Ref) int { return strings.Compare(a.ID, b.ID) })
	return refs
}

// sameFeeWithin is how far apart two records of one fee may be dated, in days.
const sameFeeWithin = 3

// warnings: the same fee may have been typed as a ledger transaction, too. That is never guessed, only said
// (accounting.md §10, Oddities).
func (in Input) warnings() []string {
	e := in.newest()
	var warnings []string
	for ref, r := range in.Related {
		typed := (e.Record.Type == passare.Ledger) != (ref.Type == passare.Ledger)
		if !typed || ref == e.Record || r.Newest == nil || r.Out != "" || r.Newest.Verb == passare.Deleted {
			continue
		}
		for _, mine := range e.BankFees() {
			for _, other := range r.Newest.BankFees() {
				near := other.Date >= mine.Date.AddDays(-sameFeeWithin) && other.Date <= mine.Date.AddDays(sameFeeWithin)
				if mine.Ref() == other.Ref() && near {
					warnings = append(warnings, "The same fee, "+mine.Amount.Grouped()+" from bank "+mine.Bank+", may be in "+ref.String()+" too. If it is, delete one of them in Passare.")
				}
			}
		}
	}
	slices.Sort(warnings)
	return slices.Compact(warnings)
}
