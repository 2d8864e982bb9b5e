package memory

import (
	"context"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

type linkKey struct {
	at   org.Company
	kind journal.NameKind
	key  string
}

// Link reads the link of a case or business in a company.
func (s *Store) Link(_ context.Context, at org.Company, kind journal.NameKind, key string) (intlog.Link, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.links[linkKey{at, kind, key}]
	return l, ok, nil
}

// PutLink stores a link unless its key or its id is linked otherwise: then fault.Conflict, and the link
// that the key has, if any.
func (s *Store) PutLink(_ context.Context, at org.Company, l intlog.Link) (intlog.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored, ok := s.links[linkKey{at, l.Kind, l.Key}]; ok {
		if stored.ID == l.ID {
			return stored, nil
		}
		return stored, fault.New(fault.Conflict, "It is linked to another name already.")
	}
	return s.link(at, intlog.Link{}, l)
}

// Relink replaces a link that has the revision ifRev, and counts that in the configuration. Errors: fault.Stale, fault.Conflict; fault.NotFound without
// a configuration.
func (s *Store) Relink(_ context.Context, at org.Company, l intlog.Link, ifRev int64) (intlog.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.links[linkKey{at, l.Kind, l.Key}]
	if stored.Rev != ifRev {
		return stored, fault.New(fault.Stale, "Somebody changed this link since you looked. Look at it again.")
	}
	config, ok := s.configs[at.Org]
	if !ok {
		return stored, fault.New(fault.NotFound, "There is no organisation %q here.", at.Org)
	}
	linked, err := s.link(at, stored, l)
	if err == nil {
		config.Relinks++
		s.configs[at.Org] = config
	}
	return linked, err
}

// link stores a link in the place of an old one, whose id becomes free.
func (s *Store) link(at org.Company, old, l intlog.Link) (intlog.Link, error) {
	byID := linkKey{at, l.Kind, l.ID}
	if key, taken := s.linked[byID]; taken && key != l.Key {
		return intlog.Link{}, fault.New(fault.Conflict, "That name is linked to something else already.")
	}
	delete(s.linked, linkKey{at, l.Kind, old.ID})
	l.Rev = old.Rev + 1
	s.links[linkKey{at, l.Kind, l.Key}], s.linked[byID] = l, l.Key
	return l, nil
}

// Links lists a company's links of a kind by their keys, after one.
func (s *Store) Links(_ context.Context, at org.Company, kind journal.NameKind, after string, limit int) ([]intlog.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	links := []intlog.Link{}
	for k, l := range s.links {
		if k.at == at && k.kind == kind && k.key > after {
			links = append(links, l)
		}
	}
	slices.SortFunc(links, func(a, b intlog.Link) int { return strings.Compare(a.Key, b.Key) })
	return links[:min(len(links), limit)], nil
}
