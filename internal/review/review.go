// Package review is what admins do with entries of the Integration log. Every action is idempotent and
// attributed: a repeat answers the present state, and the entry's history says who did what.
package review

import (
	"context"
	"fmt"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
)

// Store keeps entries. Update: fault.Conflict when the revision is not the stored one.
type Store interface {
	Entry(ctx context.Context, key intlog.Key) (intlog.Entry, error)
	Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error)
}

// Queue takes work for the worker.
type Queue interface {
	Send(ctx context.Context, w intlog.Work) error
}

// Desk is where entries are reviewed.
type Desk struct {
	store Store
	queue Queue
	now   func() time.Time
}

// New makes a desk.
func New(store Store, queue Queue, now func() time.Time) *Desk {
	return &Desk{store: store, queue: queue, now: now}
}

// Sync sends an entry on its way: one that waits for review, or one that failed and may go now. An entry
// that is on its way or in QuickBooks already is answered as it is, with false. Errors: fault.NotFound;
// fault.Conflict in any other state, saying why.
func (d *Desk) Sync(ctx context.Context, key intlog.Key, who string) (intlog.Entry, bool, error) {
	e, err := d.store.Entry(ctx, key)
	if err != nil {
		return e, false, fmt.Errorf("review.Sync: %w", err)
	}
	switch e.State {
	case intlog.Queued, intlog.Claimed, intlog.Waiting, intlog.Synced:
		d.hint(ctx, e)
		return e, false, nil
	case intlog.Pending, intlog.Failed:
	case intlog.Held, intlog.Deleted, intlog.Superseded, intlog.Excluded, intlog.Unchanged:
		return e, false, fmt.Errorf("review.Sync: %w", fault.New(fault.Conflict, "This entry is %s: %s", e.State, reason(e)))
	}
	queued, err := e.Move(intlog.Queued, who, "Sync", d.now())
	if err != nil {
		return e, false, fmt.Errorf("review.Sync: %w", err)
	}
	stored, err := d.store.Update(ctx, queued)
	if fault.Is(err, fault.Conflict) && stored.State.Owned() {
		return stored, false, nil
	}
	if err != nil {
		return stored, false, fmt.Errorf("review.Sync: %w", err)
	}
	d.hint(ctx, stored)
	return stored, true, nil
}

func reason(e intlog.Entry) string {
	if e.Why != "" {
		return e.Why
	}
	return "it cannot be sent."
}

// hint tells the worker; a lost message is no harm, since the entry is due by itself.
func (d *Desk) hint(ctx context.Context, e intlog.Entry) {
	if e.State == intlog.Queued {
		_ = d.queue.Send(ctx, intlog.Work{Org: e.Org, Entries: []string{e.ID()}})
	}
}
