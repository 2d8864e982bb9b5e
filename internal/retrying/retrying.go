// Package retrying finds what is due and sends it to the worker again: lost messages, retries whose time
// has come, leases that are over; and sweeps what a change of settings or a click has freed. It is one
// mechanism for all of them, run each minute.
//
// Guarantees: every entry that the machine owns is sent again until it leaves that state, in growing
// steps; two runs at once are harmless, since each moves the due time only if it is as it was read.
package retrying

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// Store finds what is due. Postpone moves the due time if it is still seen, and changes nothing else, the
// revision included; otherwise it answers fault.Conflict.
type Store interface {
	intake.Releaser
	Config(ctx context.Context, org string) (org.Config, error)
	Due(ctx context.Context, now time.Time, limit int) ([]intlog.Entry, error)
	Postpone(ctx context.Context, key intlog.Key, seen, to time.Time) error
	// FlagSweeps lists the flags that have a sweep time up to now; Swept removes that time.
	FlagSweeps(ctx context.Context, now time.Time, limit int) ([]org.Flag, error)
	Swept(ctx context.Context, f org.Flag, now time.Time) error
	// ConfigSweeps lists the organisations whose configuration has a sweep time up to now; ConfigSwept removes that time.
	ConfigSweeps(ctx context.Context, now time.Time, limit int) (orgs []string, err error)
	ConfigSwept(ctx context.Context, org string, now time.Time) error
	// PutConfig stores a configuration if the stored one has ifVersion; otherwise fault.Conflict.
	PutConfig(ctx context.Context, c org.Config, ifVersion int64) (org.Config, error)
	// Mended takes away the note that QuickBooks refuses the organisation's grant, counts the grant, and stores sweep times.
	Mended(ctx context.Context, org string, sweeps []time.Time) error
	// List lists entries of a tab, newest first, after a mark.
	List(ctx context.Context, org, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error)
}

// Queue takes work for the worker.
type Queue interface {
	Send(ctx context.Context, w intlog.Work) error
}

// PageSize is how many due entries one run handles at most; the rest is due in the next run.
const PageSize = 1000

// Retrier runs retries.
type Retrier struct {
	store Store
	queue Queue
	now   func() time.Time
}

// New makes a retrier.
func New(store Store, queue Queue, now func() time.Time) *Retrier {
	return &Retrier{store: store, queue: queue, now: now}
}

// Report is what a run found and did.
type Report struct {
	Sent   int           // entries that were sent to the worker
	Oldest time.Duration // how long the one of those that were due has been queued or posting that has been so for longest; 0: none was due
}

// Run sends what is due and does what sweeps are due. With an error it reports what was done before it.
func (r *Retrier) Run(ctx context.Context) (Report, error) {
	report, err := r.resend(ctx)
	if err != nil {
		return report, fmt.Errorf("retrying.Run: %w", err)
	}
	for _, sweep := range []func(context.Context) (int, error){r.sweep, r.sweepConfigs} {
		released, err := sweep(ctx)
		if report.Sent += released; err != nil {
			return report, fmt.Errorf("retrying.Run: %w", err)
		}
	}
	return report, nil
}

// resend: protocol.md, row 4.
func (r *Retrier) resend(ctx context.Context) (Report, error) {
	now := r.now()
	due, err := r.store.Due(ctx, now, PageSize)
	if err != nil {
		return Report{}, err
	}
	report := Report{Oldest: oldest(due, now)}
	work := map[string][]string{}
	var order []string
	for _, e := range due {
		err := r.store.Postpone(ctx, e.Key, e.DueAt, now.Add(step(now.Sub(e.Created))))
		if fault.Is(err, fault.Conflict) {
			continue
		}
		if err != nil {
			return report, err
		}
		if work[e.Org] == nil {
			order = append(order, e.Org)
		}
		work[e.Org] = append(work[e.Org], e.ID())
		if len(work[e.Org]) == intlog.MaxWork {
			report.Sent += r.send(ctx, e.Org, work[e.Org])
			work[e.Org] = nil
		}
	}
	for _, org := range order {
		report.Sent += r.send(ctx, org, work[org])
		work[org] = nil
	}
	return report, nil
}

// oldest is how long the longest of entries has been on its way. What waits for a stated time is as it should be.
func oldest(due []intlog.Entry, now time.Time) time.Duration {
	var longest time.Duration
	for _, e := range due {
		longest = max(longest, now.Sub(underwaySince(e, now)))
	}
	return longest
}

// underwaySince is when an entry came to be queued or posting, however often it has changed between these; now, if it is neither.
func underwaySince(e intlog.Entry, now time.Time) time.Time {
	since := now
	for _, step := range slices.Backward(e.History) {
		if step.To != intlog.Queued && step.To != intlog.Claimed {
			break
		}
		since = step.At
	}
	return since
}

// step: the older the entry, the longer until it is sent again.
func step(age time.Duration) time.Duration {
	return min(max(age, intlog.RetryStepMin), intlog.RetryStepMax)
}

// send sends one message. One that cannot be sent is due again after its step.
func (r *Retrier) send(ctx context.Context, org string, entries []string) int {
	if len(entries) == 0 {
		return 0
	}
	_ = r.queue.Send(ctx, intlog.Work{Org: org, Entries: entries})
	return len(entries)
}

// sweep: protocol.md, row 21, for the button: an entry that was being stored as held while the button was
// clicked is released now.
func (r *Retrier) sweep(ctx context.Context) (int, error) {
	now := r.now()
	flags, err := r.store.FlagSweeps(ctx, now, PageSize)
	if err != nil {
		return 0, err
	}
	released := 0
	for _, f := range flags {
		config, err := r.store.Config(ctx, f.Org)
		if err != nil {
			return released, err
		}
		n, err := intake.Release(ctx, r.store, r.queue, config, f.Case, passare.Page(f.Page), f.By, now)
		released += n
		if err != nil {
			return released, err
		}
		if err := r.store.Swept(ctx, f, now); err != nil {
			return released, err
		}
	}
	return released, nil
}

// Reconnected lets everything of an organisation go that waited for its connection: at once what is seen now, and by
// sweeps what was being stored at the same moment. It answers how many entries it released.
func (r *Retrier) Reconnected(ctx context.Context, org string) (int, error) {
	now := r.now()
	if err := r.store.Mended(ctx, org, []time.Time{now.Add(intlog.SweepSoon), now.Add(intlog.SweepLate)}); err != nil {
		return 0, fmt.Errorf("retrying.Reconnected: %w", err)
	}
	n, err := r.release(ctx, org, fixedByConfig)
	if err != nil {
		return n, fmt.Errorf("retrying.Reconnected: %w", err)
	}
	return n, nil
}

// Renamed lets the entries of an organisation go that failed for a name or for something inactive, since a case or business was linked anew. It
// answers how many it released.
func (r *Retrier) Renamed(ctx context.Context, org string) (int, error) {
	n, err := r.release(ctx, org, func(p rules.Problem) bool { return p.Kind == rules.NoName || p.Kind == rules.Account })
	if err != nil {
		return n, fmt.Errorf("retrying.Renamed: %w", err)
	}
	return n, nil
}

// sweepConfigs: protocol.md, row 21, for what waits for a configuration.
func (r *Retrier) sweepConfigs(ctx context.Context) (int, error) {
	now := r.now()
	orgs, err := r.store.ConfigSweeps(ctx, now, PageSize)
	if err != nil {
		return 0, err
	}
	released := 0
	for _, id := range orgs {
		n, err := r.release(ctx, id, fixedByConfig)
		if released += n; err != nil {
			return released, err
		}
		if err := r.store.ConfigSwept(ctx, id, now); err != nil {
			return released, err
		}
	}
	return released, nil
}

// release queues the failed entries that have a cause of a kind, which may be gone, oldest first. One that still has its cause fails again.
func (r *Retrier) release(ctx context.Context, id string, kind func(rules.Problem) bool) (int, error) {
	waiting, err := r.failedFor(ctx, id, kind)
	if err != nil {
		return 0, err
	}
	var queued []string
	for _, e := range waiting {
		moved, err := e.Move(intlog.Queued, machine, "Its cause may be gone; it is tried again.", r.now())
		if err == nil {
			_, err = r.store.Update(ctx, moved)
		}
		switch {
		case fault.Is(err, fault.Conflict): // somebody else was faster
		case err != nil:
			return len(queued), err
		default:
			queued = append(queued, e.ID())
		}
	}
	for work := range slices.Chunk(queued, intlog.MaxWork) {
		r.send(ctx, id, work)
	}
	return len(queued), nil
}

// failedFor lists an organisation's failed entries that have a cause of a kind, oldest first.
func (r *Retrier) failedFor(ctx context.Context, id string, kind func(rules.Problem) bool) ([]intlog.Entry, error) {
	var found []intlog.Entry
	var after intlog.Mark
	for {
		page, err := r.store.List(ctx, id, intlog.Failed.Tab(), after, PageSize)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if after = intlog.MarkOf(e); slices.ContainsFunc(e.Cause, kind) {
				found = append(found, e)
			}
		}
		if len(page) < PageSize {
			slices.Reverse(found)
			return found, nil
		}
	}
}

func fixedByConfig(p rules.Problem) bool {
	return p.Kind == rules.Connection || p.Kind == rules.Mapping || p.Kind == rules.Company || p.Kind == rules.Period
}

// machine is who did what no person did.
const machine = "Passare sync"
