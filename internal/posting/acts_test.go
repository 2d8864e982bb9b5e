package posting_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// life is the life of a payment in the hands of people, with what the books must come to.
type life struct {
	*house
	rt      *rapid.T
	amounts map[string]money.Cents // of the versions that were sent, by their entries
	ids     []string               // oldest first
	byHand  money.Cents            // what people said is in the books without us
}

// held is what the deposits' account holds.
func (l *life) held() money.Cents {
	var sum money.Cents
	for _, e := range l.sim.Journal(realm) {
		for _, line := range e.Lines {
			cents, err := money.Parse(line.Amount)
			if err != nil {
				l.rt.Fatal(err)
			}
			switch {
			case line.Account != "deposits_clearing":
			case line.Side == "Debit":
				sum += cents
			default:
				sum -= cents
			}
		}
	}
	return sum
}

// send sends the next version of the payment.
func (l *life) send(amount money.Cents) string {
	version := len(l.ids) + 1
	kind := "payment.updated"
	if version == 1 {
		kind = "payment.created"
	}
	id := l.house.send(event(kind, "p1", version, paid(amount.String())))
	l.ids, l.amounts[id] = append(l.ids, id), amount
	return id
}

// does has a person do something that may not be possible.
func (l *life) does(deed review.Deed, id string) {
	deed.Who = "Ana Diaz"
	if _, _, err := review.New(l.store, l.queue, l.clock.now).Do(l.t.Context(), l.entry(id).Key, deed); err != nil && !fault.Is(err, fault.Conflict) {
		l.rt.Fatal(err)
	}
}

// choose answers what an entry asks, if it does. By then nothing of it, or of a newer version, is posted.
func (l *life) choose(id string, choice rules.Decision) {
	e := l.entry(id)
	if e.State != intlog.Failed || !rules.Offers(e.Cause, choice) || len(e.Standing()) > 0 || id != l.ids[len(l.ids)-1] {
		return
	}
	held := l.held()
	switch choice {
	case rules.Whole:
		l.byHand = 0
	case rules.Nothing:
		l.byHand = l.amounts[id] - held
	case rules.Difference:
		if skipped := l.record().Skipped(e.Key); skipped > 0 {
			l.byHand = l.amounts[l.ids[skipped-1]] - held
		}
	case rules.Post:
	}
	l.does(review.Deed{Action: review.Retry, Choice: choice}, id)
	l.work()
}

// undo takes the record out of QuickBooks again, if that is possible. Then nothing of it is in the books, with us or without.
func (l *life) undo(id string) {
	_, made, err := review.New(l.store, l.queue, l.clock.now).Undo(l.t.Context(), l.entry(id).Key, "Ana Diaz", "why", nil)
	if err != nil && !fault.Is(err, fault.Conflict) {
		l.rt.Fatal(err)
	}
	if made {
		l.byHand = 0
	}
}

func (l *life) record() intlog.Record {
	r, err := l.store.Record(l.t.Context(), willow, passare.Ref{Type: passare.Payment, ID: "p1"})
	if err != nil {
		l.rt.Fatal(err)
	}
	return r
}

// TestBooksConvergeToWhatRemainsApproved: whatever people do with the versions of a payment, in whatever order, and whatever QuickBooks does meanwhile, the
// books come to its last version, less what people said is in them without us; and no entry is posted twice.
func TestBooksConvergeToWhatRemainsApproved(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := &life{house: newHouse(t), rt: rt, amounts: map[string]money.Cents{}}
		defer l.server.Close()
		anyOf := func() string { return rapid.SampledFrom(l.ids).Draw(rt, "of") }
		l.send(1000)
		step := map[string]func(*rapid.T){
			"send":    func(rt *rapid.T) { l.send(money.Cents(rapid.IntRange(1, 50).Draw(rt, "amount") * 100)) },
			"auto":    func(rt *rapid.T) { l.review(rapid.Bool().Draw(rt, "review")) },
			"sync":    func(*rapid.T) { l.does(review.Deed{Action: review.Sync}, anyOf()) },
			"retry":   func(*rapid.T) { l.does(review.Deed{Action: review.Retry}, anyOf()) },
			"delete":  func(*rapid.T) { l.does(review.Deed{Action: review.Delete, Reason: "why"}, anyOf()) },
			"delete2": func(*rapid.T) { l.does(review.Deed{Action: review.Delete, Reason: "why"}, l.ids[len(l.ids)-1]) },
			"restore": func(*rapid.T) { l.does(review.Deed{Action: review.Restore}, anyOf()) },
			"work":    func(*rapid.T) { l.work() },
			"later":   func(*rapid.T) { l.later(intlog.Lease + intlog.FirstDue) },
			"fault": func(rt *rapid.T) {
				l.script(rapid.SampledFrom([]qbosim.Fault{
					{Kind: "commit_then_drop"},
					{Kind: "drop"},
					{Kind: "status", Status: 400, Body: `{"Fault":{"Error":[{"Message":"m","Detail":"Business Validation Error: something","code":"6000","element":""}],"type":"ValidationFault"}}`},
				}).Draw(rt, "fault"))
			},
			"choose": func(rt *rapid.T) {
				l.choose(l.ids[len(l.ids)-1], rapid.SampledFrom([]rules.Decision{rules.Whole, rules.Difference, rules.Nothing}).Draw(rt, "choice"))
			},
			"undo": func(*rapid.T) { l.undo(anyOf()) },
		}
		names := slices.Sorted(maps.Keys(step))
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			step[rapid.SampledFrom(names).Draw(rt, "step")](rt)
		}
		l.calm()
		l.review(false)
		last := l.send(777)
		l.work()
		l.calm()
		l.choose(last, rapid.SampledFrom([]rules.Decision{rules.Whole, rules.Difference, rules.Nothing}).Draw(rt, "choice"))
		l.calm()
		if got, want := l.held(), l.amounts[last]-l.byHand; got != want {
			rt.Errorf("the books hold %s, not %s\n%s", got, want, l.story())
		}
		if e := l.entry(last); !e.State.Settled() {
			rt.Errorf("the last version is %s (%s)\n%s", e.State, e.Why, l.story())
		}
		docs := map[string]int{}
		for _, e := range l.sim.Journal(realm) {
			if docs[e.DocNumber]++; docs[e.DocNumber] > 1 {
				rt.Errorf("%s is posted twice", e.DocNumber)
			}
		}
	})
}

// calm lets everything that goes by itself end, and retries what failed for a refusal.
func (l *life) calm() {
	const mostFaults = 100 // that were told to come
	for range mostFaults {
		l.later(intlog.RetryStepMax)
		settled := true
		for _, id := range l.ids {
			e := l.entry(id)
			failed := e.State == intlog.Failed && !rules.Offers(e.Cause, rules.Whole)
			if failed {
				l.does(review.Deed{Action: review.Retry}, id)
			}
			settled = settled && !failed && !e.State.Owned()
		}
		if settled {
			return
		}
		l.work()
	}
}

func (l *life) story() (s string) {
	for _, id := range l.ids {
		e := l.entry(id)
		s += fmt.Sprintf("%s %s %s %+v\n", id, l.amounts[id], e.State, e.Choices)
		for _, step := range e.History {
			s += "  " + step.Says() + "\n"
		}
	}
	return s
}
