package review

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/rules"
)

// ClosedChange is something that happened on a day whose books were closed: it was posted on a later day instead, or it waits for that.
type ClosedChange struct {
	Entry    intlog.Entry
	Original []date.Date // the days on which it happened, in order
	Posted   date.Date   // the day on which it stands in QuickBooks, or was sent to stand; empty when it waits
	Doc      string      // DocNumber, and id if QuickBooks has it
	ID       string
	Amount   money.Cents   // debits of what happened then; of what waits, the amount that the list shows
	Problem  rules.Problem // why it waits
}

// PriorPeriod lists what happened in closed books: of one month (YYYY-MM), or of any if that is empty, newest first, and the mark after which the next page
// begins; no mark means that this page is the last. A page looks at mostExamined entries at most, so that it may have fewer than its limit, or none, and still have a
// next one; entries that came before the month began are not looked at. All of it is from what is stored: a posting keeps the day of each of its
// amounts beside its own. Errors: fault.Invalid for a month or limit that there is not.
func (r *Reader) PriorPeriod(ctx context.Context, id, month string, after intlog.Mark, limit int) ([]ClosedChange, *intlog.Mark, error) {
	if wrong := wrongMonth(month, limit); wrong != nil {
		return nil, nil, fmt.Errorf("review.PriorPeriod: %w", wrong)
	}
	var found []ClosedChange
	for examined := 0; examined < mostExamined; examined += chunk {
		entries, err := r.store.List(ctx, id, "all", after, chunk)
		if err != nil {
			return nil, nil, fmt.Errorf("review.PriorPeriod: %w", err)
		}
		for _, e := range entries {
			if month != "" && date.Of(e.Created).Month() < month {
				return found, nil, nil
			}
			changes := closedChanges(e, month)
			if len(found) > 0 && len(found)+len(changes) > limit {
				return found, &after, nil
			}
			after, found = intlog.MarkOf(e), append(found, changes...)
		}
		if len(entries) < chunk {
			return found, nil, nil
		}
	}
	return found, &after, nil
}

func wrongMonth(month string, limit int) error {
	wrong := wrongList("all", limit)
	if _, err := time.Parse("2006-01", month); month == "" || err == nil {
		return wrong
	}
	f := &fault.Error{Code: fault.Invalid, Message: "This list cannot be shown."}
	if wrong != nil {
		f.Fields = fault.As(wrong).Fields
	}
	f.Fields = append(f.Fields, fault.Field{Field: "month", Value: month, Problem: "must be a month, written YYYY-MM"})
	return f
}

// closedChanges are those of an entry that happened in a month.
func closedChanges(e intlog.Entry, month string) []ClosedChange {
	var changes []ClosedChange
	in := func(d date.Date) bool { return month == "" || d.Month() == month }
	for _, p := range e.Postings {
		if moved := movedTo(p, in); len(moved) > 0 && !p.Closed {
			changes = append(changes, ClosedChange{Entry: e, Original: factsOf(moved), Posted: p.Date, Doc: p.Doc, ID: p.QuickBooksID, Amount: debits(moved)})
		}
	}
	var waits ClosedChange
	for _, p := range e.Cause {
		if on := closedOn(e, p); on != "" && in(on) && !slices.Contains(waits.Original, on) {
			waits.Original, waits.Problem = append(waits.Original, on), p
		}
	}
	if len(waits.Original) > 0 {
		waits.Entry, waits.Amount = e, e.Amount.Abs()
		slices.Sort(waits.Original)
		changes = append(changes, waits)
	}
	return changes
}

// movedTo are the amounts of a posting that happened on another day than its own.
func movedTo(p intlog.Posting, in func(date.Date) bool) []journal.Movement {
	var moved []journal.Movement
	for _, m := range p.Movements {
		if m.Fact != "" && m.Fact != p.Date && in(m.Fact) {
			moved = append(moved, m)
		}
	}
	return moved
}

func factsOf(movements []journal.Movement) []date.Date {
	var facts []date.Date
	for _, m := range movements {
		facts = append(facts, m.Fact)
	}
	slices.Sort(facts)
	return slices.Compact(facts)
}

// debits sums the debits of the lines that amounts make.
func debits(movements []journal.Movement) money.Cents {
	var sum money.Cents
	for _, l := range journal.Net(string(org.AccountsReceivable), movements) {
		if l.Side == journal.Debit {
			sum += l.Amount
		}
	}
	return sum
}

// closedOn is the day for which an entry waits, when its books are closed; empty for any other problem. QuickBooks' own refusal does not name the day: it is
// that of the posting which it refused.
func closedOn(e intlog.Entry, p rules.Problem) date.Date {
	if p.Kind != rules.Period {
		return ""
	}
	if on, found := strings.CutPrefix(p.Subject, "date "); found {
		return date.Date(on)
	}
	for _, posting := range slices.Backward(e.Postings) {
		if posting.Closed {
			return posting.Date
		}
	}
	return e.Date
}
