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
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
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

// Run sends what is due and does what sweeps are due. It answers how many entries it sent.
func (r *Retrier) Run(ctx context.Context) (int, error) {
	sent, err := r.resend(ctx)
	if err != nil {
		return sent, fmt.Errorf("retrying.Run: %w", err)
	}
	swept, err := r.sweep(ctx)
	if err != nil {
		return sent + swept, fmt.Errorf("retrying.Run: %w", err)
	}
	return sent + swept, nil
}

// resend: protocol.md, row 4.
func (r *Retrier) resend(ctx context.Context) (int, error) {
	now := r.now()
	due, err := r.store.Due(ctx, now, PageSize)
	if err != nil {
		return 0, err
	}
	sent := 0
	work := map[string][]string{}
	var order []string
	for _, e := range due {
		err := r.store.Postpone(ctx, e.Key, e.DueAt, now.Add(step(now.Sub(e.Created))))
		if fault.Is(err, fault.Conflict) {
			continue
		}
		if err != nil {
			return sent, err
		}
		if work[e.Org] == nil {
			order = append(order, e.Org)
		}
		work[e.Org] = append(work[e.Org], e.ID())
		if len(work[e.Org]) == intlog.MaxWork {
			sent += r.send(ctx, e.Org, work[e.Org])
			work[e.Org] = nil
		}
	}
	for _, org := range order {
		sent += r.send(ctx, org, work[org])
		work[org] = nil
	}
	return sent, nil
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
