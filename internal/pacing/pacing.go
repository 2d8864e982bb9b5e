// Package pacing keeps the requests of an organisation within the pace that QuickBooks allows a company (../qbosim/quickbooks.md, Limits): 10 requests a
// second, 500 and 40 batches a minute, in all processes, however often they begin anew. A single request of the worker costs no write for that.
//
//	the worker   ─▶ (a batch: reserve its time, BatchesEach after the last) ─▶ go ─▶ hold until WorkerEach is over ─▶ the queue gives the next message
//	anybody else ─▶ reserve the next time, OthersEach after the last        ─▶ go
//
// Guarantees: at most 6 requests a second of the worker and 2 of everybody else, 8 and 473 a minute together. The queue gives an organisation's messages to
// one worker at a time, and the next one only when the one before is acknowledged or was ended; so a worker that does not let go of a request before the next one may
// begin paces every process that comes after it. QuickBooks takes longer than that to answer, as a rule: nothing waits. Batches, and the requests of people,
// which may be made by many processes at once, reserve their times in the store. An organisation that waits keeps no other one waiting.
//
// Failure handling: a turn that would take too long is refused like a 429, before anything was sent; a store that does not answer refuses the turn. Should
// QuickBooks refuse a request for pace all the same, the organisation pauses for a minute (package qbo).
package pacing

import (
	"context"
	"fmt"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/lease"
)

// The pace of a company: from one request to the next.
const (
	WorkerEach  = 170 * time.Millisecond
	OthersEach  = time.Second / 2
	BatchesEach = time.Minute / 40
)

// longestWait is how long a request waits for its turn at most; beyond it the organisation is busy enough.
const longestWait = 10 * time.Second

// Store keeps reservations.
type Store interface {
	// Reserve gives an organisation's next time for a thing: not before now, and apart from the one that was given before.
	Reserve(ctx context.Context, org, thing string, now time.Time, apart time.Duration) (at time.Time, err error)
}

// Pacer paces requests. It may be used by many at once.
type Pacer struct {
	store  Store
	now    func() time.Time
	worker bool
}

// ForWorker makes the pacer of the queue's worker, of which there is one at a time for an organisation.
func ForWorker(store Store, now func() time.Time) *Pacer {
	return &Pacer{store: store, now: now, worker: true}
}

// ForOthers makes the pacer of everybody else.
func ForOthers(store Store, now func() time.Time) *Pacer { return &Pacer{store: store, now: now} }

// InTurn sends a request of an organisation when its turn has come, and returns when the next one may begin. Errors: fault.Throttled when that takes too
// long: nothing was sent, and it is tried again by itself; fault.Unavailable when the caller gives up, or the store does not answer: nothing was sent.
func (p *Pacer) InTurn(ctx context.Context, org string, batch bool, send func()) error {
	if err := p.wait(ctx, org, batch); err != nil {
		return fmt.Errorf("pacing.InTurn: %w", err)
	}
	began := p.now()
	send()
	if p.worker {
		_ = lease.Pause(ctx, began.Add(WorkerEach).Sub(p.now())) // what was sent is answered; a function that ends now is held long enough by the queue
	}
	return nil
}

func (p *Pacer) wait(ctx context.Context, org string, batch bool) error {
	thing, apart := "request", OthersEach
	switch {
	case batch:
		thing, apart = "batch", BatchesEach
	case p.worker:
		return nil
	}
	now := p.now()
	at, err := p.store.Reserve(ctx, org, thing, now, apart)
	if err != nil {
		return err
	}
	if at.Sub(now) > longestWait {
		return &fault.Error{
			Code: fault.Throttled, Class: fault.Transient, Who: "nobody: it goes by itself", Message: "QuickBooks' pace for this company is used up.",
			Remedy: "It is tried again by itself in a minute.",
		}
	}
	if err := lease.Pause(ctx, at.Sub(p.now())); err != nil {
		return fault.Because(err, fault.Unavailable, "It was not its turn at QuickBooks yet.")
	}
	return nil
}
