package review

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// Action is something that a person does with an entry.
type Action string

// The actions.
const (
	Sync    Action = "sync"    // send it on its way, after review
	Retry   Action = "retry"   // try again now what failed or waits
	Delete  Action = "delete"  // take it off the tabs; its data are kept
	Restore Action = "restore" // bring back what was deleted
	Undo    Action = "undo"    // by an entry of its own (Desk.Undo)
)

// Deed is an action with all that belongs to it.
type Deed struct {
	Action Action
	Who    string         // for the history
	Reason string         // of a deletion, or of an undo
	Choice rules.Decision // of a retry, when the entry asks for one
	IfRev  *int64         // the revision that the person saw; nil: whatever is stored
}

// MaxReason is how many characters a reason has at most.
const MaxReason = 500

// act says what an action makes of an entry: the entry to be stored and true, or the entry as it is and false when it is so already. Errors: fault.Conflict
// when the action is not possible, saying why.
type act func(ctx context.Context, e intlog.Entry, deed Deed) (intlog.Entry, bool, error)

// acts is the one table of actions on an entry itself: what a person does to one, or to many.
func (d *Desk) acts() map[Action]act {
	return map[Action]act{Sync: d.sync, Retry: d.retry, Delete: d.delete, Restore: d.restore}
}

// Sync sends an entry on its way: one that waits for review, or one that failed. An entry that is on its way or in QuickBooks already is answered as it is,
// with false. ifRev is the revision that the person saw; nil: whatever is stored. Errors: fault.NotFound; fault.Stale when somebody changed it since;
// fault.Conflict when that is not possible. Both say who did what.
func (d *Desk) Sync(ctx context.Context, key intlog.Key, ifRev *int64, who string) (intlog.Entry, bool, error) {
	return d.Do(ctx, key, Deed{Action: Sync, Who: who, IfRev: ifRev})
}

// Retry tries an entry again at once that failed or waits; for one that is stuck the worker is told again. choice is what the person chose, if the entry asks
// (../rules/accounting.md §6, Choices); else empty. Answers and errors are those of Sync.
func (d *Desk) Retry(ctx context.Context, key intlog.Key, choice rules.Decision, ifRev *int64, who string) (intlog.Entry, bool, error) {
	return d.Do(ctx, key, Deed{Action: Retry, Who: who, Choice: choice, IfRev: ifRev})
}

// Delete takes an entry away of which nothing is posted, and keeps its data with the reason, 1 to MaxReason characters. Answers and errors are those of Sync,
// and fault.Invalid for the reason.
func (d *Desk) Delete(ctx context.Context, key intlog.Key, reason string, ifRev *int64, who string) (intlog.Entry, bool, error) {
	return d.Do(ctx, key, Deed{Action: Delete, Who: who, Reason: reason, IfRev: ifRev})
}

// Restore brings a deleted entry back: on its way if the organisation's settings let it flow, else to review. Answers and errors are those of Sync.
func (d *Desk) Restore(ctx context.Context, key intlog.Key, ifRev *int64, who string) (intlog.Entry, bool, error) {
	return d.Do(ctx, key, Deed{Action: Restore, Who: who, IfRev: ifRev})
}

// Do does something with an entry: the entry, and whether it changed. Errors: those of the action.
func (d *Desk) Do(ctx context.Context, key intlog.Key, deed Deed) (intlog.Entry, bool, error) {
	deed, wrong := d.checked(deed)
	if wrong != nil {
		return intlog.Entry{}, false, fmt.Errorf("review.Do: %w", wrong)
	}
	e, changed, err := d.do(ctx, key, deed)
	if err != nil {
		return e, false, fmt.Errorf("review.Do: %w", err)
	}
	d.hint(ctx, key.Org, e)
	return e, changed, nil
}

// checked names what is wrong with a deed, whatever it is done to.
func (d *Desk) checked(deed Deed) (Deed, error) {
	var wrong []fault.Field
	tell := func(field, value, problem string) {
		wrong = append(wrong, fault.Field{Field: field, Value: value, Problem: problem})
	}
	if _, known := d.acts()[deed.Action]; !known && deed.Action != Undo {
		tell("action", string(deed.Action), "is nothing that can be done with an entry")
	}
	deed.Reason = strings.TrimSpace(deed.Reason)
	says := deed.Action == Delete || deed.Action == Undo
	switch n := utf8.RuneCountInString(deed.Reason); {
	case says && (n == 0 || n > MaxReason):
		tell("reason", "", "must say why, in 1 to "+strconv.Itoa(MaxReason)+" characters")
	case !says && n > 0:
		tell("reason", "", "is for delete and undo alone")
	}
	if deed.Choice != "" && (deed.Action != Retry || !slices.Contains(rules.Decisions(), deed.Choice)) {
		tell("choice", string(deed.Choice), "must be one of whole, difference, nothing and post, with retry")
	}
	if wrong != nil {
		return deed, &fault.Error{Code: fault.Invalid, Message: "Nothing was done.", Fields: wrong}
	}
	return deed, nil
}

// maxTries is how often an action is decided on anew, since the machine changed the entry at the same moment.
const maxTries = 5

// do decides and stores, on the revision that was read. When another person was faster it is not done over them: they are named.
func (d *Desk) do(ctx context.Context, key intlog.Key, deed Deed) (intlog.Entry, bool, error) {
	act := d.acts()[deed.Action]
	for range maxTries {
		e, err := d.store.Entry(ctx, key)
		if err != nil {
			return e, false, err
		}
		if deed.IfRev != nil && *deed.IfRev != e.Rev {
			return e, false, stale(e, *deed.IfRev)
		}
		next, changed, err := act(ctx, e, deed)
		if err != nil || !changed {
			return e, false, err
		}
		stored, err := d.store.Update(ctx, next)
		switch {
		case !fault.Is(err, fault.Conflict):
			return stored, err == nil, err
		case deed.IfRev != nil:
			return stored, false, stale(stored, *deed.IfRev)
		case stored.Last().Who == intlog.Machine:
			continue
		}
		if _, changed, err := act(ctx, stored, deed); err == nil && !changed {
			return stored, false, nil // they did the same
		}
		return stored, false, fault.New(fault.Conflict, "Somebody was faster: %s. Look at it again.", stored.Latest())
	}
	return intlog.Entry{}, false, fault.New(fault.Conflict, "This entry is changing right now. Look at it again in a moment.")
}

// stale says who changed an entry since a revision of it was read.
func stale(e intlog.Entry, rev int64) error {
	return fault.New(fault.Stale, "It was changed since you looked: %s. Look at it again.", e.Since(rev))
}

// sync: ../posting/protocol.md, row 2.
func (d *Desk) sync(_ context.Context, e intlog.Entry, deed Deed) (intlog.Entry, bool, error) {
	switch e.State {
	case intlog.Queued, intlog.Claimed, intlog.Waiting, intlog.Synced:
		return e, false, nil
	case intlog.Pending, intlog.Failed:
		return d.move(e, intlog.Queued, deed.Who, "Sync")
	case intlog.Held, intlog.Deleted, intlog.Superseded, intlog.Excluded, intlog.Unchanged:
	}
	return e, false, impossible(e, "synced")
}

// retry: row 2.
func (d *Desk) retry(ctx context.Context, e intlog.Entry, deed Deed) (intlog.Entry, bool, error) {
	if deed.Choice != "" {
		return d.choose(ctx, e, deed)
	}
	switch e.State {
	case intlog.Queued, intlog.Claimed, intlog.Synced:
		return e, false, nil
	case intlog.Failed, intlog.Waiting:
		return d.move(e, intlog.Queued, deed.Who, "Retry sync")
	case intlog.Pending, intlog.Held, intlog.Deleted, intlog.Superseded, intlog.Excluded, intlog.Unchanged:
	}
	return e, false, impossible(e, "retried")
}

// choose stores what a person chose, and tries again with it. A choice is made once, for what the entry asks.
func (d *Desk) choose(ctx context.Context, e intlog.Entry, deed Deed) (intlog.Entry, bool, error) {
	switch {
	case e.State == intlog.Failed && rules.Offers(e.Cause, deed.Choice):
	case e.State != intlog.Failed && e.State != intlog.Deleted && e.Choices.Has(deed.Choice):
		return e, false, nil
	case e.State == intlog.Failed:
		return e, false, fault.New(fault.Conflict, "This entry does not ask for that choice. Its problems say what it waits for.")
	default:
		return e, false, fault.New(fault.Conflict, "This entry does not ask for a choice: %s.", e.Latest())
	}
	record, err := d.store.Record(ctx, e.Org, e.Record)
	if err != nil {
		return e, false, err
	}
	chosen := e.Choices.Choose(deed.Choice, record.Skipped(e.Key), e.Cause)
	e, changed, err := d.move(e, intlog.Queued, deed.Who, "Retry sync, chosen: "+deed.Choice.Says())
	e.Choices = chosen
	return e, changed, err
}

// delete: row 3.
func (d *Desk) delete(_ context.Context, e intlog.Entry, deed Deed) (intlog.Entry, bool, error) {
	switch e.State {
	case intlog.Deleted:
		return e, false, nil
	case intlog.Claimed:
		return e, false, fault.New(fault.Conflict, "This entry is being sent to QuickBooks, so it cannot be deleted now (%s). Wait until it is known whether it arrived.", e.Latest())
	case intlog.Held, intlog.Pending, intlog.Queued, intlog.Waiting, intlog.Failed:
		if e.Open() || len(e.Standing()) > 0 {
			return e, false, fault.New(fault.Conflict,
				"Part of this entry is in QuickBooks already (%s), so it cannot be deleted. Retry sync posts the rest; or correct the record in Passare, and the difference is posted.", posted(e))
		}
		gone, changed, err := d.move(e, intlog.Deleted, deed.Who, deed.Reason)
		gone.Choices = rules.Choices{} // they were for what was to be posted
		return gone, changed, err
	case intlog.Synced, intlog.Superseded, intlog.Excluded, intlog.Unchanged:
	}
	return e, false, impossible(e, "deleted")
}

// posted lists the numbers under which the entry stands, or may stand, in QuickBooks.
func posted(e intlog.Entry) string {
	var docs []string
	for _, p := range e.Postings {
		if !p.Closed {
			docs = append(docs, p.Doc)
		}
	}
	return strings.Join(docs, ", ")
}

// restore: row 3, back. What was restored before is answered as it is.
func (d *Desk) restore(ctx context.Context, e intlog.Entry, deed Deed) (intlog.Entry, bool, error) {
	if e.State != intlog.Deleted {
		if slices.ContainsFunc(e.History, func(s intlog.Step) bool { return s.From == intlog.Deleted }) {
			return e, false, nil
		}
		return e, false, fault.New(fault.Conflict, "This entry is not deleted: %s.", e.Latest())
	}
	to, err := d.place(ctx, e)
	if err != nil {
		return e, false, err
	}
	return d.move(e, to, deed.Who, "Restored")
}

// place is where an entry goes that is restored: on its way if auto-sync is on and its page flows, else to review. It is never held again, since whoever
// restores it looks after it.
func (d *Desk) place(ctx context.Context, e intlog.Entry) (intlog.State, error) {
	config, err := d.store.Config(ctx, e.Org)
	if err != nil {
		return "", err
	}
	to, _ := intake.Flowing(config)
	if to != intlog.Queued || config.Settings.AutoAddToExports || e.Page == passare.NoPage || e.Case == "" {
		return to, nil
	}
	_, clicked, err := d.store.Flag(ctx, e.Org, e.Case, e.Page)
	if err != nil || clicked {
		return to, err
	}
	return intlog.Pending, nil
}

func (d *Desk) move(e intlog.Entry, to intlog.State, who, why string) (intlog.Entry, bool, error) {
	moved, err := e.Move(to, who, why, d.now())
	return moved, err == nil, err
}

// impossible says why something cannot be done with an entry in its state: what the state means, who brought it there, and what helps.
func impossible(e intlog.Entry, done string) error {
	return fault.New(fault.Conflict, "This entry cannot be %s: %s (%s).", done, meaning(e.State), e.Latest())
}

func meaning(s intlog.State) string {
	switch s {
	case intlog.Held:
		return "it waits for Add to Accounting Export on the page of its case; click that"
	case intlog.Pending:
		return "it waits for review and was not tried yet; Sync sends it"
	case intlog.Synced:
		return "it is in QuickBooks; Undo takes it out again, by a reversal"
	case intlog.Deleted:
		return "it is deleted; restore it first"
	case intlog.Superseded:
		return "a newer version of its record carries it"
	case intlog.Excluded:
		return "it is left out of the sync"
	case intlog.Unchanged:
		return "it changes nothing in the books"
	case intlog.Queued, intlog.Claimed, intlog.Waiting, intlog.Failed:
	}
	return "it is " + string(s)
}

// hint tells the worker of entries of one organisation that it may take: what is queued, and what is stuck. A message that is lost is no harm, since every
// one of them is due by itself.
func (d *Desk) hint(ctx context.Context, org string, entries ...intlog.Entry) {
	var ids []string
	for _, e := range entries {
		if e.State == intlog.Queued || e.Stuck() {
			ids = append(ids, e.ID())
		}
	}
	for some := range slices.Chunk(ids, intlog.MaxWork) {
		_ = d.queue.Send(ctx, intlog.Work{Org: org, Entries: some})
	}
}
