// Package pacing keeps the requests of an organisation within the pace that QuickBooks allows a company (../qbosim/quickbooks.md, Limits): 10 requests a
// second and 500 a minute, which 8 a second keep, counted in this process; and 40 batches a minute, counted in all processes, since these are what a
// backlog goes out by.
//
//	request ─▶ fewer than 8 in the last second? ──yes──▶ go
//	                       └─no─▶ wait until that is so
//	batch   ─▶ reserve the next time: 1.5 s after the one before, whoever took that ─▶ wait until then ─▶ as any request
//
// Guarantees: an organisation that waits keeps no other one waiting; the pace of batches holds across workers and their starts. Not promised: the pace of
// single requests across processes. One worker at a time works for an organisation, and each request takes it a while; should QuickBooks refuse one for
// pace all the same, the organisation pauses for a minute (package qbo).
package pacing

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/lease"
)

// The pace of a company.
const (
	PerSecond   = 8                // requests; more would use up a minute's 500 before it is over
	BatchesEach = time.Minute / 40 // from one batch to the next
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
	store Store
	now   func() time.Time

	mu   sync.Mutex
	sent map[string][]time.Time // of each organisation: when its last PerSecond requests go, oldest first
}

// New makes a pacer.
func New(store Store, now func() time.Time) *Pacer {
	return &Pacer{store: store, now: now, sent: map[string][]time.Time{}}
}

// Wait waits until a request of an organisation may go. Errors: fault.Throttled when that takes too long: nothing was sent, and it is tried again by
// itself; fault.Unavailable when the caller gives up, or the store does not answer.
func (p *Pacer) Wait(ctx context.Context, org string, batch bool) error {
	from := p.now()
	if batch {
		at, err := p.store.Reserve(ctx, org, "batch", from, BatchesEach)
		if err != nil {
			return fmt.Errorf("pacing.Wait: %w", err)
		}
		from = at
	}
	wait := p.reserve(org, from).Sub(p.now())
	if wait > longestWait {
		return fmt.Errorf("pacing.Wait: %w", &fault.Error{
			Code: fault.Throttled, Class: fault.Transient, Who: "nobody: it goes by itself", Message: "QuickBooks' pace for this company is used up.",
			Remedy: "It is tried again by itself in a minute.",
		})
	}
	if err := lease.Pause(ctx, wait); err != nil {
		return fmt.Errorf("pacing.Wait: %w", fault.Because(err, fault.Unavailable, "It was not its turn at QuickBooks yet."))
	}
	return nil
}

// reserve gives the first time from one on at which a request of this process is within the pace, and keeps it.
func (p *Pacer) reserve(org string, from time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent, at := p.sent[org], from
	if n := len(sent); n > 0 && sent[n-1].After(at) {
		at = sent[n-1] // they go in order
	}
	if len(sent) == PerSecond {
		if free := sent[0].Add(time.Second); free.After(at) {
			at = free
		}
		sent = sent[1:]
	}
	if len(p.sent) >= maxOrgs {
		maps.DeleteFunc(p.sent, func(_ string, sent []time.Time) bool { return from.Sub(sent[len(sent)-1]) >= time.Second })
	}
	p.sent[org] = append(slices.Clone(sent), at)
	return at
}

// maxOrgs is of how many organisations requests are kept before those that rest are forgotten.
const maxOrgs = 1_000
