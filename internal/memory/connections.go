package memory

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/org"
)

// PutAttempt keeps an attempt to connect. Those that ended before it began are dropped.
func (s *Store) PutAttempt(_ context.Context, a grant.Attempt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	began := a.Ends.Add(-grant.AttemptLife)
	maps.DeleteFunc(s.attempts, func(_ string, old grant.Attempt) bool { return old.Ends.Before(began) })
	s.attempts[a.ID] = a
	return nil
}

// TakeAttempt reads an attempt and removes it. Errors: fault.NotFound.
func (s *Store) TakeAttempt(_ context.Context, id string) (grant.Attempt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.attempts[id]
	if !ok {
		return a, fault.New(fault.NotFound, "There is no such attempt to connect.")
	}
	delete(s.attempts, id)
	return a, nil
}

// Connection reads what people may know of an organisation's grant; the zero value if it was never connected.
func (s *Store) Connection(_ context.Context, id string) (org.Connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected[id], nil
}

// PutConnection stores it if the stored one has the revision ifRev, and gives it the next. Errors: fault.Conflict.
func (s *Store) PutConnection(_ context.Context, c org.Connection, ifRev int64) (org.Connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored := s.connected[c.Org]; stored.Rev != ifRev {
		return stored, fault.New(fault.Conflict, "Somebody changed the connection at the same time. Look at it again.")
	}
	c.Rev = ifRev + 1
	s.connected[c.Org] = c
	return c, nil
}

// Connections lists connections by organisation, after one.
func (s *Store) Connections(_ context.Context, after string, limit int) ([]org.Connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.SortedFunc(maps.Values(s.connected), func(a, b org.Connection) int { return strings.Compare(a.Org, b.Org) })
	list = slices.DeleteFunc(list, func(c org.Connection) bool { return c.Org <= after })
	return list[:min(len(list), limit)], nil
}

// CompanyOwner says which organisation is connected to a company; empty: none.
func (s *Store) CompanyOwner(_ context.Context, realm string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owners[realm], nil
}

// OwnCompany makes a company an organisation's. Errors: fault.Conflict when it is another's.
func (s *Store) OwnCompany(_ context.Context, at org.Company) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if owner, owned := s.owners[at.Realm]; owned && owner != at.Org {
		return fault.New(fault.Conflict, "This QuickBooks company is connected to another organisation already.")
	}
	s.owners[at.Realm] = at.Org
	return nil
}

// FreeCompany lets a company go that is the organisation's.
func (s *Store) FreeCompany(_ context.Context, at org.Company) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owners[at.Realm] == at.Org {
		delete(s.owners, at.Realm)
	}
	return nil
}
