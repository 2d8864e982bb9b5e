package memory

import (
	"context"
	"sync"
	"time"
)

// Leases keeps one refresh lease for each organisation.
type Leases struct {
	mu   sync.Mutex
	orgs map[string]lease
}

type lease struct {
	owner string
	until time.Time
}

// NewLeases makes leases that nobody has.
func NewLeases() *Leases { return &Leases{orgs: map[string]lease{}} }

// Lease takes an organisation's lease for an owner until a time, unless another owner has it at now.
func (l *Leases) Lease(_ context.Context, org, owner string, now, until time.Time) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x, ok := l.orgs[org]; ok && x.owner != owner && now.Before(x.until) {
		return false, nil
	}
	l.orgs[org] = lease{owner: owner, until: until}
	return true, nil
}

// Unlease gives it back if the owner still has it.
func (l *Leases) Unlease(_ context.Context, org, owner string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.orgs[org].owner == owner {
		delete(l.orgs, org)
	}
	return nil
}
