package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// setup is what is kept of how organisations were set up.
type setup struct {
	settings map[string][]org.SettingsChange      // in the order of their versions
	mappings map[org.Company][]org.MappingVersion // the same
	listings map[listingKey]journal.Listing
}

type listingKey struct {
	at   org.Company
	list journal.List
}

func newSetup() setup {
	return setup{settings: map[string][]org.SettingsChange{}, mappings: map[org.Company][]org.MappingVersion{}, listings: map[listingKey]journal.Listing{}}
}

// Reconfigure stores a configuration as PutConfig does, and what is kept of the change with it. Errors: fault.Conflict, with the stored one.
func (s *Store) Reconfigure(_ context.Context, c org.Config, ifVersion int64, kept org.Kept) (org.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Mapping = cloneMapping(c.Mapping)
	stored, err := s.putConfig(c, ifVersion)
	if err != nil {
		return stored, err
	}
	for _, x := range kept.Settings {
		x.Fields = slices.Clone(x.Fields)
		s.setup.settings[c.Org] = append(s.setup.settings[c.Org], x)
	}
	for _, m := range kept.Mappings {
		s.keepMapping(c.Company(), m)
	}
	return stored, nil
}

func (s *Store) keepMapping(at org.Company, m org.MappingVersion) {
	list := slices.DeleteFunc(s.setup.mappings[at], func(x org.MappingVersion) bool { return x.Mapping.Version == m.Mapping.Version })
	list = append(list, cloneVersion(m))
	slices.SortFunc(list, func(a, b org.MappingVersion) int { return int(a.Mapping.Version - b.Mapping.Version) })
	s.setup.mappings[at] = list
}

// SettingsChanges lists an organisation's changes of settings, newest first.
func (s *Store) SettingsChanges(_ context.Context, id string, limit int) ([]org.SettingsChange, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []org.SettingsChange{}
	for _, x := range slices.Backward(s.setup.settings[id]) {
		if len(list) == limit {
			break
		}
		x.Fields = slices.Clone(x.Fields)
		list = append(list, x)
	}
	return list, nil
}

// MappingVersions lists the versions of a company's mapping that are kept, newest first, before one (0: from the newest).
func (s *Store) MappingVersions(_ context.Context, at org.Company, before int64, limit int) ([]org.MappingVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []org.MappingVersion{}
	for _, m := range slices.Backward(s.setup.mappings[at]) {
		if len(list) < limit && (before == 0 || m.Mapping.Version < before) {
			list = append(list, cloneVersion(m))
		}
	}
	return list, nil
}

// MappingVersion reads one version of a company's mapping.
func (s *Store) MappingVersion(_ context.Context, at org.Company, version int64) (org.MappingVersion, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.setup.mappings[at]
	i := slices.IndexFunc(list, func(m org.MappingVersion) bool { return m.Mapping.Version == version })
	if i < 0 {
		return org.MappingVersion{}, false, nil
	}
	return cloneVersion(list[i]), true, nil
}

// Listing reads a list of a company's as it was last read from QuickBooks.
func (s *Store) Listing(_ context.Context, at org.Company, list journal.List) (journal.Listing, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, found := s.setup.listings[listingKey{at, list}]
	return cloneListing(l), found, nil
}

// PutListing keeps a list of a company's, unless one is kept that was read later.
func (s *Store) PutListing(_ context.Context, at org.Company, l journal.Listing) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Org == "" || at.Realm == "" {
		return fault.New(fault.Invalid, "A list belongs to a company.")
	}
	k := listingKey{at, l.List}
	if !s.setup.listings[k].ReadAt.After(l.ReadAt) {
		s.setup.listings[k] = cloneListing(l)
	}
	return nil
}

func cloneListing(l journal.Listing) journal.Listing {
	l.Accounts, l.Segments = slices.Clone(l.Accounts), slices.Clone(l.Segments)
	return l
}

func cloneMapping(m org.Mapping) org.Mapping {
	m.Roles, m.GL, m.Branches = maps.Clone(m.Roles), maps.Clone(m.GL), maps.Clone(m.Branches)
	return m
}

func cloneVersion(m org.MappingVersion) org.MappingVersion {
	m.Mapping, m.Changes = cloneMapping(m.Mapping), slices.Clone(m.Changes)
	return m
}
