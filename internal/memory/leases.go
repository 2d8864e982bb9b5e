package memory

import (
	"context"
	"sync"
	"time"
)

// Leases keeps leases of organisations' things (package lease).
type Leases struct {
	mu     sync.Mutex
	things map[thing]holder
}

type thing struct{ org, name string }

type holder struct {
	owner string
	until time.Time
}

// NewLeases makes leases that nobody has.
func NewLeases() *Leases { return &Leases{things: map[thing]holder{}} }

// Lease takes a lease for an owner until a time, unless another owner has it at now.
func (l *Leases) Lease(_ context.Context, org, name, owner string, now, until time.Time) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := thing{org, name}
	if h, ok := l.things[k]; ok && h.owner != owner && now.Before(h.until) {
		return false, nil
	}
	l.things[k] = holder{owner: owner, until: until}
	return true, nil
}

// Unlease gives it back if the owner still has it.
func (l *Leases) Unlease(_ context.Context, org, name, owner string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := (thing{org, name}); l.things[k].owner == owner {
		delete(l.things, k)
	}
	return nil
}
