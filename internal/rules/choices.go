package rules

import (
	"slices"

	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/passare"
)

// Decision is what a person chooses when an entry asks (accounting.md §6, Choices).
type Decision string

// The decisions. The first three answer how much of a record is to be posted, the last one a batch that has a member which does not stand.
const (
	Whole      Decision = "whole"      // all that the record should have in QuickBooks and has not
	Difference Decision = "difference" // what was deleted, or is dated before the cut-over, is in the books already: only what changed since
	Nothing    Decision = "nothing"    // the books are right as they are: only what changes later
	Post       Decision = "post"       // the member is in the opening clearing balance
)

// Decisions lists them all.
func Decisions() []Decision { return []Decision{Whole, Difference, Nothing, Post} }

// Says is the decision in a bookkeeper's words.
func (d Decision) Says() string {
	switch d {
	case Whole:
		return "post the whole"
	case Difference:
		return "post only the difference"
	case Nothing:
		return "post nothing"
	case Post:
		return "post the batch, since the member is in the opening clearing balance"
	}
	return string(d)
}

// Choices are what people chose for one entry.
type Choices struct {
	Amounts Decision `json:"amounts,omitzero"` // Whole, Difference or Nothing; empty: nothing was chosen
	Since   int64    `json:"since,omitzero"`   // of a Difference: the deleted version that is in the books; 0: none was deleted
	Members []string `json:"members,omitzero"` // subjects of the members that are in the opening clearing balance
}

// Offers says whether one of problems asks for a decision.
func Offers(problems []Problem, d Decision) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return slices.Contains(p.Choices, d) })
}

// Choose adds a decision that problems ask for; skipped is the version that a person deleted and that was never posted, 0 if there is none.
func (c Choices) Choose(d Decision, skipped int64, problems []Problem) Choices {
	if d != Post {
		c.Amounts, c.Since = d, 0
		if d == Difference {
			c.Since = skipped
		}
		return c
	}
	c.Members = slices.Clone(c.Members)
	for _, p := range problems {
		if slices.Contains(p.Choices, Post) && !slices.Contains(c.Members, p.Subject) {
			c.Members = append(c.Members, p.Subject)
		}
	}
	return c
}

// Has says whether the decision was made.
func (c Choices) Has(d Decision) bool {
	if d == Post {
		return len(c.Members) > 0
	}
	return c.Amounts == d
}

// ByHand says whether part of the record is in the books without us.
func (c Choices) ByHand() bool { return c.Amounts == Difference || c.Amounts == Nothing }

// Decided is what was chosen for one version of the record.
type Decided struct {
	Choices
	Version int64
	Done    bool // the version has had its effect: what differs after it is asked for anew
}

// life is every version that makes legs: those that count, and those that a person deleted of which a later decision says that they are in the books.
func (in Input) life() []passare.Event {
	life := slices.Clone(in.Versions)
	for _, gone := range in.Deleted {
		next := slices.IndexFunc(in.Decided, func(d Decided) bool { return d.Version > gone.Version && d.Amounts != "" })
		if next >= 0 && in.Decided[next].ByHand() {
			life = append(life, gone)
		}
	}
	slices.SortFunc(life, func(a, b passare.Event) int { return int(a.Version - b.Version) })
	return life
}

// upTo is the versions up to one.
func upTo(versions []passare.Event, version int64) []passare.Event {
	after := slices.IndexFunc(versions, func(e passare.Event) bool { return e.Version > version })
	if after < 0 {
		return versions
	}
	return versions[:after]
}

// byHand is what the books hold of the record by people's decisions, beside the opening balances and what we posted: what would have been posted, had they
// not decided. Each decision is measured against what older versions had posted, so it stays the same whatever is posted after it.
func (in Input) byHand(opening []Standing) []Standing {
	var held []Standing
	for _, d := range in.Decided {
		switch d.Amounts {
		case Whole:
			held = nil
		case Nothing:
			held = append(held, in.without(d.Version, d, opening, held, anyDate)...)
		case Difference:
			if d.Since > 0 {
				held = append(held, in.without(d.Since, d, opening, held, anyDate)...)
			}
			held = append(held, in.without(d.Version, d, opening, held, in.beforeCutOver)...)
		case Post:
		}
	}
	return held
}

func anyDate(delta) bool { return true }

func (in Input) beforeCutOver(d delta) bool { return d.on < in.Config.Settings.CutOver }

// without is what the versions up to one would have brought into the books without the decision, as far as it counts.
func (in Input) without(version int64, d Decided, opening, held []Standing, counts func(delta) bool) []Standing {
	posted := slices.DeleteFunc(slices.Clone(in.Standing), func(s Standing) bool { return s.Version >= d.Version })
	standing := slices.Concat(opening, posted, held)
	var would []Standing
	for _, x := range difference(withoutCancelled(in.legs(upTo(in.wanting(), version)), standing), standing) {
		if counts(x) {
			would = append(would, in.counted(x))
		}
	}
	return would
}

// counted is a delta that counts as posted. It is on the place of the posted line that it changes, so that both are netted.
func (in Input) counted(d delta) Standing {
	s := Standing{
		Movement: journal.Movement{Key: d.move.key, Fact: d.fact, Amount: d.move.cents, Description: d.move.text}, On: d.on, baseline: true,
	}
	if d.move.mirror != nil {
		s.Place = *d.move.mirror
		return s
	}
	at := slices.IndexFunc(in.Standing, func(x Standing) bool { return x.Key == s.Key && x.Fact == s.Fact && x.On == s.On })
	if at >= 0 {
		s.Place = in.Standing[at].Place
	}
	return s
}

// decidedWhole says whether a person chose to post the whole of what is planned now.
func (in Input) decidedWhole() bool {
	last := Decided{Done: true}
	for _, d := range in.Decided {
		if d.Amounts != "" {
			last = d
		}
	}
	return last.Amounts == Whole && !last.Done
}

// decidedDifference says whether a person chose to post only the difference, for what is planned now.
func (in Input) decidedDifference() bool {
	return slices.ContainsFunc(in.Decided, func(d Decided) bool { return d.Amounts == Difference && !d.Done })
}

// inClearing says whether a person chose that a batch's member is in the opening clearing balance.
func (in Input) inClearing(member passare.Ref) bool {
	return slices.ContainsFunc(in.Decided, func(d Decided) bool { return slices.Contains(d.Members, member.String()) })
}
