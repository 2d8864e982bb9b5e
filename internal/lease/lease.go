// Package lease lets one of many do a thing for an organisation at a time, in all processes: renew its grant, write a name.
//
//	look: is it done already? ──yes──▶ nothing to do
//	  ▲        │ no
//	  │        ▼
//	  └─no── take the lease ──taken──▶ look once more ─▶ act ─▶ give it back, unless what was done may still be going on
//	  in a moment
//
// Guarantees: while a lease lasts nobody else acts, however many processes there are; whoever waits notices that somebody else has done it in 0.2 s
// at first, later in half of the time that it has waited, and never in more than 2 s: each look costs a read and a write. Failure handling: a process that dies keeps its lease until it ends, and so does one that got no answer (fault.Unknown), since what it sent
// may yet arrive. So a lease must last longer than whatever is done under it.
package lease

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
)

// Store keeps leases: one for each thing of an organisation.
type Store interface {
	// Lease takes it for an owner until a time, unless another owner has it at now.
	Lease(ctx context.Context, org, thing, owner string, now, until time.Time) (taken bool, err error)
	// Unlease gives it back if the owner still has it.
	Unlease(ctx context.Context, org, thing, owner string) error
}

// How long somebody who did not get a lease waits before looking again: at first, and at most.
const (
	again  = 200 * time.Millisecond
	seldom = 2 * time.Second
)

// Taker takes leases.
type Taker struct {
	store   Store
	process string
	now     func() time.Time
	serial  atomic.Int64
}

// New makes a taker. process names it among all that share the store.
func New(store Store, process string, now func() time.Time) *Taker {
	return &Taker{store: store, process: process, now: now}
}

// Thing is what is leased, and for how long at most.
type Thing struct {
	Org, Name string
	Life      time.Duration
}

// Do acts under the lease of a thing, unless look says that it is done already; then somebody else has acted. Errors: what look, act and the store
// answer; fault.Unavailable when the caller gave up waiting.
func (t *Taker) Do(ctx context.Context, thing Thing, look func() (done bool, err error), act func() error) error {
	owner := t.process + "/" + strconv.FormatInt(t.serial.Add(1), 10)
	for wait := again; ; wait = min(wait+wait/2, seldom) {
		if done, err := look(); err != nil || done {
			return err
		}
		now := t.now()
		taken, err := t.store.Lease(ctx, thing.Org, thing.Name, owner, now, now.Add(thing.Life))
		if err != nil {
			return fmt.Errorf("lease.Do: %w", err)
		}
		if taken {
			return t.act(ctx, thing, owner, look, act)
		}
		if err := Pause(ctx, wait); err != nil {
			return fmt.Errorf("lease.Do: %w", fault.Because(err, fault.Unavailable, "Somebody else is at it."))
		}
	}
}

// act looks once more, since somebody may have acted and given the lease back after the look before.
func (t *Taker) act(ctx context.Context, thing Thing, owner string, look func() (bool, error), act func() error) (err error) {
	defer func() {
		if !fault.Is(err, fault.Unknown) {
			_ = t.store.Unlease(context.WithoutCancel(ctx), thing.Org, thing.Name, owner) // a lease that is not given back ends by itself
		}
	}()
	if done, err := look(); err != nil || done {
		return err
	}
	return act()
}

// Pause waits, unless the caller gives up first; then its error says so.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
