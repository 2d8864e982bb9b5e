// Package intake accepts a delivery of Passare: authenticate, decode, de-duplicate, decide, store, and
// hand to the worker.
//
//	delivery ─▶ signature ─▶ size and type ─▶ each event by itself:
//	                                            decode ─✗─▶ quarantine, every wrong field named
//	                                            │
//	                                            ▼
//	        first state: excluded / held / pending / queued ──one conditional write──▶ log
//	                                            │ queued
//	                                            ▼
//	                                          queue (a hint: a lost message is due by itself)
//
// Guarantees: an answer of 202 comes after the durable write; the same version with the same data is one
// entry however often it comes, and answers the same; the same version with other data is never posted;
// what was signed and could not be taken is kept in quarantine.
package intake

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// Store keeps configurations, flags, entries and the quarantine. Reads are strongly consistent.
type Store interface {
	// Config: fault.NotFound for an organisation that is not connected.
	Config(ctx context.Context, org string) (org.Config, error)
	// Create stores an entry unless its key exists; then it answers the stored one and false. mentions
	// are the records that must find this one again; they are durable before the entry is.
	Create(ctx context.Context, e intlog.Entry, mentions []passare.Ref) (stored intlog.Entry, created bool, err error)
	Record(ctx context.Context, org string, ref passare.Ref) (intlog.Record, error)
	// Update: fault.Conflict when the revision is not the stored one.
	Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error)
	Flag(ctx context.Context, org, caseID string, page passare.Page) (flag org.Flag, found bool, err error)
	PutFlag(ctx context.Context, f org.Flag) error
	// HeldOn lists the entries of a case's page that wait for its button, oldest version first.
	HeldOn(ctx context.Context, org, caseID string, page passare.Page) ([]intlog.Entry, error)
	Quarantine(ctx context.Context, q intlog.Quarantined) error
}

// Queue takes work for the worker.
type Queue interface {
	Send(ctx context.Context, w intlog.Work) error
}

// Result is what became of one event.
type Result struct {
	Event string // its CloudEvents id, as far as it could be read
	Entry string // id of its entry
	State intlog.State
	New   bool  // false for a repeat
	Err   error // why it was not taken
}

// Intake accepts events.
type Intake struct {
	store Store
	queue Queue
	now   func() time.Time
}

// New makes an intake.
func New(store Store, queue Queue, now func() time.Time) *Intake {
	return &Intake{store: store, queue: queue, now: now}
}

// Accept takes one event. Errors, in Result.Err: fault.Invalid with every wrong field, fault.Conflict for
// other data under a known version (both are kept in quarantine), fault.Unavailable when nothing could
// be stored and the delivery should be sent again.
func (in *Intake) Accept(ctx context.Context, raw []byte) Result {
	e, err := passare.Decode(raw)
	r := Result{Event: e.ID}
	if err == nil {
		err = in.accept(ctx, e, &r)
	}
	if err == nil {
		return r
	}
	r.Err = fmt.Errorf("intake.Accept: %w", err)
	if kept := in.quarantine(ctx, e, raw, err); kept != nil {
		r.Err = fmt.Errorf("intake.Accept: %w", kept)
	}
	return r
}

// Reject keeps a signed delivery that could not be read as events at all.
func (in *Intake) Reject(ctx context.Context, raw []byte, cause error) error {
	if err := in.quarantine(ctx, passare.Event{}, raw, cause); err != nil {
		return fmt.Errorf("intake.Reject: %w", err)
	}
	return nil
}

// quarantine keeps what cannot be taken. Faults of ours are not Passare's: they are simply sent again.
func (in *Intake) quarantine(ctx context.Context, e passare.Event, raw []byte, cause error) error {
	f := fault.As(cause)
	if f.Code != fault.Invalid && f.Code != fault.Conflict {
		return nil
	}
	return in.store.Quarantine(ctx, intlog.Quarantined{Org: e.Org, Record: e.Record, At: in.now(), Reason: *f, Body: raw})
}

func (in *Intake) accept(ctx context.Context, e passare.Event, r *Result) error {
	config, err := in.store.Config(ctx, e.Org)
	if fault.Is(err, fault.NotFound) {
		return &fault.Error{
			Code: fault.Invalid, Message: "This organisation is not connected to QuickBooks here.",
			Fields: []fault.Field{{Field: "source", Value: "/organizations/" + e.Org, Problem: "is not a connected organisation"}},
		}
	}
	if err != nil {
		return err
	}
	if b, ok := e.Body.(*passare.Export); ok {
		if err := in.raiseFlag(ctx, e.Org, e.Case.ID, b.Page, e.Actor.Name); err != nil {
			return err
		}
	}
	state, why, err := in.firstState(ctx, config, e)
	if err != nil {
		return err
	}
	entry, created, err := in.store.Create(ctx, intlog.New(e, state, why, in.now()), e.Mentions())
	if err != nil {
		return err
	}
	if !created && entry.Hash != e.Hash {
		return otherData(e)
	}
	r.Entry, r.State, r.New = entry.ID(), entry.State, created
	if b, ok := e.Body.(*passare.Export); ok {
		return in.release(ctx, config, e, b.Page)
	}
	in.hint(ctx, entry)
	return nil
}

// firstState decides where an entry begins: the organisation's exclusions, the button, auto-sync.
func (in *Intake) firstState(ctx context.Context, config org.Config, e passare.Event) (intlog.State, string, error) {
	if e.Record.Type == passare.AccountingExport {
		return intlog.Unchanged, "From now on this page of the case flows to QuickBooks.", nil
	}
	if e.Baseline {
		return intlog.Excluded, "It is in the opening balances.", nil
	}
	excluded, err := in.excluded(ctx, config, e)
	if err != nil || excluded {
		return intlog.Excluded, "Your organisation leaves " + excludedName(e.Record.Type) + " out of the sync.", err
	}
	return in.released(ctx, config, e.Case, e.Record.Type.Page())
}

// released is where an entry goes that is not excluded.
func (in *Intake) released(ctx context.Context, config org.Config, c *passare.Case, page passare.Page) (intlog.State, string, error) {
	if page != passare.NoPage && c != nil && !config.Settings.AutoAddToExports {
		if _, clicked, err := in.store.Flag(ctx, config.Org, c.ID, page); err != nil || !clicked {
			return intlog.Held, "Waits for Add to Accounting Export on the case's page.", err
		}
	}
	state, why := Flowing(config)
	return state, why, nil
}

// Flowing is where an entry goes that nothing holds: to the worker, or to a person.
func Flowing(config org.Config) (intlog.State, string) {
	if config.Settings.AutoSync {
		return intlog.Queued, ""
	}
	return intlog.Pending, "Auto-sync is off: waits for review."
}

// excluded: decided by the record's first version and kept (../rules/accounting.md §3, end).
func (in *Intake) excluded(ctx context.Context, config org.Config, e passare.Event) (bool, error) {
	if e.Record.Type != passare.Check && e.Record.Type != passare.Ledger {
		return false, nil
	}
	record, err := in.store.Record(ctx, e.Org, e.Record)
	if err != nil {
		return false, err
	}
	others := slices.DeleteFunc(record.Entries, func(x intlog.Entry) bool { return x.Version == e.Version })
	if len(others) == 0 {
		return config.Settings.Excludes(e.Record.Type), nil
	}
	return others[0].State == intlog.Excluded && strings.HasPrefix(others[0].Why, "Your organisation leaves"), nil
}

func excludedName(t passare.RecordType) string {
	if t == passare.Check {
		return "checks"
	}
	return "the ledger"
}

// hint tells the worker. A message that is lost is no harm: the entry is due by itself.
func (in *Intake) hint(ctx context.Context, entries ...intlog.Entry) {
	var queued []string
	for _, e := range entries {
		if e.State == intlog.Queued {
			queued = append(queued, e.ID())
		}
	}
	for batch := range slices.Chunk(queued, intlog.MaxWork) {
		_ = in.queue.Send(ctx, intlog.Work{Org: entries[0].Org, Entries: batch})
	}
}

// raiseFlag stores the click before anything is released, with the times at which the sweep looks again
// for entries that were being stored as held at the same moment.
func (in *Intake) raiseFlag(ctx context.Context, id, caseID string, page passare.Page, by string) error {
	if _, raised, err := in.store.Flag(ctx, id, caseID, page); err != nil || raised {
		return err
	}
	now := in.now()
	return in.store.PutFlag(ctx, org.Flag{
		Org: id, Case: caseID, Page: page, By: by, At: now,
		Sweeps: []time.Time{now.Add(intlog.SweepSoon), now.Add(intlog.SweepLate)},
	})
}

// release sends everything that waited for the button, in version order (accounting.md §6).
func (in *Intake) release(ctx context.Context, config org.Config, e passare.Event, page passare.Page) error {
	who := e.Actor.Name
	_, err := Release(ctx, in.store, in.queue, config, e.Case.ID, page, who, in.now())
	return err
}

// Releaser is what Release needs of the store.
type Releaser interface {
	HeldOn(ctx context.Context, org, caseID string, page passare.Page) ([]intlog.Entry, error)
	Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error)
}

// Release moves every entry that waits for the button of a case's page to its place, oldest version first,
// and says how many. An entry that somebody else moved meanwhile is left to them.
func Release(ctx context.Context, store Releaser, queue Queue, config org.Config, caseID string, page passare.Page, who string, now time.Time) (int, error) {
	held, err := store.HeldOn(ctx, config.Org, caseID, page)
	if err != nil {
		return 0, fmt.Errorf("intake.Release: %w", err)
	}
	state, why := Flowing(config)
	released := 0
	for _, entry := range held {
		moved, err := entry.Move(state, who, why, now)
		if err != nil {
			return released, fmt.Errorf("intake.Release: %w", err)
		}
		if _, err := store.Update(ctx, moved); err != nil && !fault.Is(err, fault.Conflict) {
			return released, fmt.Errorf("intake.Release: %w", err)
		}
		if released++; state == intlog.Queued {
			_ = queue.Send(ctx, intlog.Work{Org: config.Org, Entries: []string{entry.ID()}})
		}
	}
	return released, nil
}
