package memory

import (
	"context"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// shelf names a company's papers of one kind.
type shelf struct {
	at   org.Company
	kind string
}

// Papers reads those of the ids that there are, in the order of the ids; an id that is named twice comes once.
func (s *Store) Papers(_ context.Context, at org.Company, kind string, ids []string) ([]reconcile.Paper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	papers, seen := s.papers[shelf{at, kind}], map[string]bool{}
	var list []reconcile.Paper
	for _, id := range ids {
		if i, found := findPaper(papers, id); found && !seen[id] {
			list = append(list, clonePaper(papers[i]))
			seen[id] = true
		}
	}
	return list, nil
}

// ListPapers lists papers of a kind by their ids, ascending, after one (none: from the first); only open ones, if so asked.
func (s *Store) ListPapers(_ context.Context, at org.Company, kind, after string, limit int, open bool) ([]reconcile.Paper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	papers, first := s.papers[shelf{at, kind}], 0
	if after != "" {
		first, _ = findPaper(papers, after+"\x00") // the next possible id
	}
	var list []reconcile.Paper
	for _, p := range papers[first:] {
		if len(list) >= limit {
			break
		}
		if p.Open || !open {
			list = append(list, clonePaper(p))
		}
	}
	return list, nil
}

// PutPaper stores a paper if the stored one has p.Rev (0: there is none), and gives it the next revision. Errors: fault.Conflict.
func (s *Store) PutPaper(_ context.Context, at org.Company, p reconcile.Paper) (reconcile.Paper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	on := shelf{at, p.Kind}
	papers := s.papers[on]
	i, found := findPaper(papers, p.ID)
	rev := int64(0)
	if found {
		rev = papers[i].Rev
	}
	if rev != p.Rev {
		return reconcile.Paper{}, fault.New(fault.Conflict, "Somebody changed this at the same time. Look at it again.")
	}
	p.Rev++
	if !found {
		papers = slices.Insert(papers, i, reconcile.Paper{})
		s.papers[on] = papers
	}
	papers[i] = clonePaper(p)
	return clonePaper(p), nil
}

// DropPaper takes a paper away; one that is not there is no error.
func (s *Store) DropPaper(_ context.Context, at org.Company, kind, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	on := shelf{at, kind}
	if i, found := findPaper(s.papers[on], id); found {
		s.papers[on] = slices.Delete(s.papers[on], i, i+1)
	}
	return nil
}

// findPaper says where a paper is among papers that are in the order of their ids, or would be.
func findPaper(papers []reconcile.Paper, id string) (at int, found bool) {
	return slices.BinarySearchFunc(papers, id, func(p reconcile.Paper, id string) int { return strings.Compare(p.ID, id) })
}

func clonePaper(p reconcile.Paper) reconcile.Paper {
	p.Body = slices.Clone(p.Body)
	return p
}
