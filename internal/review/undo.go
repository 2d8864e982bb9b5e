package review

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/rules"
)

// Planner plans an entry, stored or not, and writes and sends nothing (posting.Worker.Preview).
type Planner interface {
	Preview(ctx context.Context, e intlog.Entry) (rules.Plan, error)
}

// Plans makes a desk that shows what an entry would do before it is made.
func (d *Desk) Plans(p Planner) *Desk {
	with := *d
	with.planner = p
	return &with
}

// Undo takes a record out of QuickBooks again: everything that stands of it is reversed where it stands, by an entry of its own, which is on its way at once. key
// is the record's newest posted entry; when that is itself an undo, it is taken back, and the record is posted again. ifRev is the revision of that entry that
// the person has seen; nil: whatever is stored. An entry that is undone already is answered with its undo, and false. Errors: fault.NotFound; fault.Invalid
// without a reason; fault.Stale; fault.Conflict that says who did what, when a version is on its way or in Sync errors, another entry is the newest posted one, or
// nothing of the record stands.
func (d *Desk) Undo(ctx context.Context, key intlog.Key, who, reason string, ifRev *int64) (undo intlog.Entry, made bool, err error) {
	undo, done, err := d.undo(ctx, key, who, reason, ifRev)
	if err != nil {
		return undo, false, fmt.Errorf("review.Undo: %w", err)
	}
	if !done {
		if undo, made, err = d.store.Create(ctx, undo, nil); err != nil {
			return undo, false, fmt.Errorf("review.Undo: %w", err)
		}
	}
	d.hint(ctx, key.Org, undo)
	return undo, made, nil
}

// PreviewUndo is the entry that Undo would make, and its plan: the journal lines and every problem. Nothing is stored. Errors: as Undo; fault.Conflict when the
// entry is undone already, too.
func (d *Desk) PreviewUndo(ctx context.Context, key intlog.Key, who, reason string, ifRev *int64) (intlog.Entry, rules.Plan, error) {
	undo, done, err := d.undo(ctx, key, who, reason, ifRev)
	if err == nil && done {
		err = fault.New(fault.Conflict, "It is undone already: %s", underway(undo))
	}
	if err != nil {
		return undo, rules.Plan{}, fmt.Errorf("review.PreviewUndo: %w", err)
	}
	plan, err := d.planner.Preview(ctx, undo)
	if err != nil {
		return undo, plan, fmt.Errorf("review.PreviewUndo: %w", err)
	}
	undo.Sentence, undo.Warnings = plan.Sentence, plan.Warnings
	return undo, plan, nil
}

// undo makes the undo of an entry, or finds the one that was made before.
func (d *Desk) undo(ctx context.Context, key intlog.Key, who, reason string, ifRev *int64) (undo intlog.Entry, done bool, err error) {
	if reason = strings.TrimSpace(reason); reason == "" || utf8.RuneCountInString(reason) > MaxReason {
		return undo, false, &fault.Error{
			Code: fault.Invalid, Message: "This was not undone.",
			Fields: []fault.Field{{Field: "reason", Problem: "must say why, in at most " + strconv.Itoa(MaxReason) + " characters"}},
		}
	}
	r, err := d.store.Record(ctx, key.Org, key.Record)
	if err != nil {
		return undo, false, err
	}
	at := slices.IndexFunc(r.Entries, func(e intlog.Entry) bool { return e.Key == key })
	switch {
	case at < 0:
		return undo, false, fault.New(fault.NotFound, "There is no entry of that id.")
	case ifRev != nil && *ifRev != r.Entries[at].Rev:
		return undo, false, fault.New(fault.Stale, "This entry was changed since you looked. Look at it again.")
	}
	if undo, done = undoneBy(r, key); done {
		return undo, true, nil
	}
	if err := undoable(r, r.Entries[at]); err != nil {
		return undo, false, err
	}
	version, next := nextUndo(r, key)
	if next.Undo > intlog.MaxUndos {
		return undo, false, fault.New(fault.Conflict, "This version was undone and put back %d times, which is the most.", intlog.MaxUndos)
	}
	return intlog.NewUndo(version, next, who, reason, d.now()), false, nil
}

// released are the entries that nobody has to release any more, oldest first.
func released(r intlog.Record) []intlog.Entry {
	return slices.DeleteFunc(slices.Clone(r.Entries), func(e intlog.Entry) bool { return !e.State.Approved() })
}

// newestPosted is the newest of entries that is in QuickBooks.
func newestPosted(entries []intlog.Entry) (newest intlog.Entry, found bool) {
	for _, e := range slices.Backward(entries) {
		if e.State == intlog.Synced {
			return e, true
		}
	}
	return newest, false
}

// undoneBy is the undo of an entry, if the entry is undone and nothing came after that.
func undoneBy(r intlog.Record, key intlog.Key) (undo intlog.Entry, found bool) {
	entries := released(r)
	if len(entries) == 0 || entries[len(entries)-1].Undo == 0 {
		return undo, false
	}
	undo = entries[len(entries)-1]
	of, posted := newestPosted(entries[:len(entries)-1])
	return undo, posted && of.Key == key
}

// undoable says why an entry cannot be undone.
func undoable(r intlog.Record, e intlog.Entry) error {
	entries := released(r)
	newest, posted := newestPosted(entries)
	for _, x := range entries {
		switch after := x.Key.Compare(newest.Key) > 0; {
		case x.State.Owned():
			return fault.New(fault.Conflict, "This cannot be undone now: %s", underway(x))
		case posted && after && x.State == intlog.Failed:
			return fault.New(fault.Conflict, "This cannot be undone now: %s. Put that right, or delete it there, first.", strings.TrimSuffix(underway(x), "."))
		case posted && after && newest.Undoes():
			return fault.New(fault.Conflict, "This cannot be undone any more: %s", underway(x))
		}
	}
	switch {
	case e.State != intlog.Synced:
		return fault.New(fault.Conflict, "This entry is %s, so there is nothing in QuickBooks to undo by it.", e.State)
	case newest.Key != e.Key:
		return fault.New(fault.Conflict, "This is not the newest entry of its record: %s Undo %s: that takes the whole record out of QuickBooks.", underway(newest), newest.ID())
	case !e.Undoes() && !stands(r):
		return fault.New(fault.Conflict, "Nothing of this record stands in QuickBooks: %s", underway(e))
	}
	return nil
}

func stands(r intlog.Record) bool {
	var standing []rules.Standing
	for _, e := range r.Entries {
		standing = append(standing, e.Standing()...)
	}
	return rules.Stands(standing)
}

// underway says who brought an entry to where it is.
func underway(e intlog.Entry) string {
	says := e.Key.Title() + " is " + string(e.State)
	if len(e.History) > 0 {
		last := e.History[len(e.History)-1]
		says += ", by " + last.Who + " on " + last.At.UTC().Format("1/2/2006 15:04 UTC")
	}
	return says + "."
}

// nextUndo is the key of the next undo of a record whose newest posted entry is given, and the version that it is about. An undo has an odd number, and
// what takes it back an even one; those that a person has deleted keep theirs.
func nextUndo(r intlog.Record, of intlog.Key) (version intlog.Entry, next intlog.Key) {
	for _, e := range released(r) {
		if e.Undo == 0 && (!of.Undoes() || e.Version == of.Version) {
			version = e
		}
	}
	next = version.Key
	for _, e := range r.Entries {
		if e.Version == version.Version {
			next.Undo = e.Undo
		}
	}
	if next.Undo++; next.Undoes() == of.Undoes() {
		next.Undo++
	}
	return version, next
}
