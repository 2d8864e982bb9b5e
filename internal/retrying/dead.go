package retrying

import (
	"context"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/rules"
)

// DeadLetters has the messages that the worker was given intlog.MaxReceives times and never acknowledged: each time it was ended, or could not begin.
type DeadLetters interface {
	// Take gives one, if there is any, without waiting for long. done takes it away for good; without it the message comes again. One that cannot be read is
	// found with fault.Invalid, and a done.
	Take(ctx context.Context) (w intlog.Work, done func(), found bool, err error)
}

// DeadLetter is a message that was drained.
type DeadLetter struct {
	Org       string
	Entries   int   // that it named
	Sent      int   // of these, those that were sent again, each alone
	Failed    int   // of these, those that were given up
	CannotSay error // why it could not be read; then there is nothing else
}

const (
	// MaxDeadLetters is how many messages a run drains at most: 300 entries, about 10 s. An organisation has one in a quarter of an hour (intlog.DeathsApart).
	MaxDeadLetters = 10
	// MaxDeaths is how often an entry becomes a dead letter until it is given up. The first time it may have been in the company of the one that did it; the
	// second time it was alone. That is nearly an hour, in which its organisation's other entries waited most of the time.
	MaxDeaths = 3
)

// What an attempt and the history say of a dead letter.
const (
	diedOutcome     = "The worker was given this entry ten times, and was ended each time or could not begin. It is tried again alone."
	diedOutcomeLast = "The worker was given this entry ten times, and was ended each time or could not begin, for the third time. It is not tried again by itself."
	diedWhy         = "The worker did not finish it in ten tries; it is tried again alone."
	givenUpWhy      = "The worker did not finish it in three times ten tries, the last of them alone."
)

// drain: protocol.md, row 22. A message is taken away when all of its entries have been seen to; until then it comes again, which is no harm.
func (r *run) drain(ctx context.Context) error {
	if r.dead == nil {
		return nil
	}
	for range MaxDeadLetters {
		if !r.goesOn() {
			return nil
		}
		w, done, found, err := r.dead.Take(ctx)
		switch {
		case found && err != nil: // it names nothing, so that nothing is lost with it; left there, it would stand before the rest of its group
			r.report.Dead = append(r.report.Dead, DeadLetter{CannotSay: err})
			done()
			continue
		case err != nil || !found:
			return err
		}
		letter, err := r.revive(ctx, w)
		r.report.Dead = append(r.report.Dead, letter)
		r.report.Sent += letter.Sent
		if err != nil {
			return err
		}
		done()
	}
	return nil
}

// revive sees to each entry of a dead letter.
func (r *run) revive(ctx context.Context, w intlog.Work) (DeadLetter, error) {
	letter := DeadLetter{Org: w.Org, Entries: len(w.Entries)}
	for _, id := range w.Entries {
		key, err := intlog.ParseKey(w.Org, id)
		if err != nil {
			continue // it names nothing
		}
		e, err := r.store.Entry(ctx, key)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return letter, err
		}
		moved, ok := died(e, len(w.Entries) == 1, r.now())
		if !ok {
			continue
		}
		_, err = r.store.Update(ctx, moved)
		switch {
		case fault.Is(err, fault.Conflict): // somebody has just brought it on
		case err != nil:
			return letter, err
		case moved.State == intlog.Failed:
			letter.Failed++
		default:
			letter.Sent += r.send(ctx, w.Org, []string{id})
		}
	}
	return letter, nil
}

// died writes into an entry that its message has become a dead letter. Nothing is written into one that the machine does not own, that a worker holds right
// now (its outcome would not be taken: the entry is due after the lease), or that has it written already, by another run or by one that was ended since:
// an organisation's next dead letter comes later than that.
func died(e intlog.Entry, alone bool, now time.Time) (intlog.Entry, bool) {
	before := deaths(e)
	if !e.State.Owned() || now.Before(e.Lease) || before.n > 0 && now.Before(before.last.Add(intlog.DeathsApart)) {
		return e, false
	}
	// Whether a posting is in QuickBooks is never given up to ask; and in company it may have been another's fault.
	if alone && before.n+1 >= MaxDeaths && e.State != intlog.Claimed {
		moved, err := e.Move(intlog.Failed, intlog.Machine, givenUpWhy, now)
		moved.Cause = []rules.Problem{{
			Kind: rules.Data, Subject: e.Record.String(), Who: "support", Where: "support",
			Text: "Something in this entry ends our sync each time. Support has to look at it; after that, sync it again here.",
		}}
		moved.Tried(intlog.Attempt{At: now, Outcome: diedOutcomeLast})
		return moved, err == nil
	}
	moved, err := e.Move(e.State, intlog.Machine, diedWhy, now)
	waits := e.State == intlog.Waiting && moved.DueAt.After(now)
	if again := now.Add(intlog.RetryStepMax); !waits && moved.DueAt.Before(again) {
		moved.DueAt = again // its message is on its way for as long as ten tries take, and each further one would stop its organisation for as long
	}
	moved.Tried(intlog.Attempt{At: now, Outcome: diedOutcome})
	return moved, err == nil
}

// death is how often an entry has been a dead letter, and when last.
type death struct {
	n    int
	last time.Time
}

// deaths counts those since a person, or a cause that was gone, last let the entry go.
func deaths(e intlog.Entry) (d death) {
	var since time.Time
	for _, s := range slices.Backward(e.History) {
		if s.From == intlog.Failed {
			since = s.At
			break
		}
	}
	for _, a := range e.Attempts {
		if (a.Outcome == diedOutcome || a.Outcome == diedOutcomeLast) && !a.At.Before(since) {
			d.n, d.last = d.n+1, a.At
		}
	}
	return d
}
