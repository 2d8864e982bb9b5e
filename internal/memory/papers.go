package memory

import (
	"context"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/reconcile"
)

type paperKind struct {
	at   org.Company
	kind string
}

// Papers reads those of the ids that there are.
func (s *Store) Papers(_ context.Context, at org.Company, kind string, ids []string) ([]reconcile.Paper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []reconcile.Paper
	for _, id := range ids {
		if p, ok := s.papers[paperKind{at, kind}][id]; ok {
			found = append(found, p)
		}
	}
	return found, nil
}

// ListPapers lists papers of a kind by their ids.
func (s *Store) ListPapers(_ context.Context, at org.Company, kind, after string, limit int, open bool) ([]reconcile.Paper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []reconcile.Paper
	for id, p := range s.papers[paperKind{at, kind}] {
		if id > after && (p.Open || !open) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b reconcile.Paper) int { return strings.Compare(a.ID, b.ID) })
	return found[:min(len(found), limit)], nil
}

// PutPaper stores a paper if the stored one has its revision, and gives it the next.
func (s *Store) PutPaper(_ context.Context, at org.Company, p reconcile.Paper) (reconcile.Paper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := paperKind{at, p.Kind}
	if s.papers[k][p.ID].Rev != p.Rev {
		return p, fault.New(fault.Conflict, "Somebody changed this working paper at the same time.")
	}
	p.Rev++
	p.Body = slices.Clone(p.Body)
	if s.papers[k] == nil {
		s.papers[k] = map[string]reconcile.Paper{}
	}
	s.papers[k][p.ID] = p
	return p, nil
}

// DropPaper takes a paper away.
func (s *Store) DropPaper(_ context.Context, at org.Company, kind, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.papers[paperKind{at, kind}], id)
	return nil
}
