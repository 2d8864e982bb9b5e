// Package review is what admins see of the Integration log and do with its entries, one or many.
//
//	Desk    lists and filters, shows one entry; sync, retry, delete, restore: one write of the entry, on the revision that was read
//	        undo: an entry of its own, which reverses what stands of the record (../posting/protocol.md, row 24)
//	Reader  summary, downloads, a case's history, what happened in closed books
//
// Guarantees: every action is idempotent and attributed: a repeat answers the present state, and the entry's history says who did what. Nothing is done over
// another person: who loses to them is told what they did. What a list, a summary or a download costs is bounded, however many entries there are; what
// they leave out they say. Failure handling: an action on many that ended in the middle is sent again, and does what is left; messages to the worker are
// hints, since whatever is queued is due by itself.
package review

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// Store keeps entries. Update: fault.Conflict when the revision is not the stored one.
type Store interface {
	Entry(ctx context.Context, key intlog.Key) (intlog.Entry, error)
	Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error)
	// Create stores an entry unless its key exists; then it answers the stored one and false.
	Create(ctx context.Context, e intlog.Entry, mentions []passare.Ref) (stored intlog.Entry, created bool, err error)
	// Record reads every version of a record and every undo, oldest first.
	Record(ctx context.Context, org string, ref passare.Ref) (intlog.Record, error)
	// List lists entries of a tab, newest first, after a mark (none: from the newest).
	List(ctx context.Context, org, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error)
	// ListOldest lists them oldest first, after a mark (none: from the oldest).
	ListOldest(ctx context.Context, org, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error)
	Settings
	// Quarantined lists the deliveries of an organisation that were signed and not taken.
	Quarantined(ctx context.Context, org string) ([]intlog.Quarantined, error)
}

// Settings says where an entry goes that is restored.
type Settings interface {
	Config(ctx context.Context, org string) (org.Config, error)
	// Flag reads the click on Add to Accounting Export of a case's page.
	Flag(ctx context.Context, org, caseID string, page passare.Page) (flag org.Flag, found bool, err error)
}

// Queue takes work for the worker.
type Queue interface {
	Send(ctx context.Context, w intlog.Work) error
}

// Desk is where entries are reviewed.
type Desk struct {
	store   Store
	queue   Queue
	now     func() time.Time
	planner Planner // of Plans
}

// New makes a desk.
func New(store Store, queue Queue, now func() time.Time) *Desk {
	return &Desk{store: store, queue: queue, now: now}
}

// MaxPage is how many entries a page of a list may have.
const MaxPage = 200

// Detail is an entry with what stands around it.
type Detail struct {
	Entry    intlog.Entry
	Versions []intlog.Entry       // every version of its record and every undo, oldest first
	Twins    []intlog.Quarantined // deliveries for its record that were not taken
}

// Entry reads an entry. Errors: fault.NotFound.
func (d *Desk) Entry(ctx context.Context, key intlog.Key) (Detail, error) {
	e, err := d.store.Entry(ctx, key)
	if err != nil {
		return Detail{}, fmt.Errorf("review.Entry: %w", err)
	}
	record, err := d.store.Record(ctx, key.Org, key.Record)
	if err != nil {
		return Detail{}, fmt.Errorf("review.Entry: %w", err)
	}
	kept, err := d.store.Quarantined(ctx, key.Org)
	if err != nil {
		return Detail{}, fmt.Errorf("review.Entry: %w", err)
	}
	kept = slices.DeleteFunc(kept, func(q intlog.Quarantined) bool { return q.Record != key.Record })
	return Detail{Entry: e, Versions: record.Entries, Twins: kept}, nil
}
