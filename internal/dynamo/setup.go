package dynamo

import (
	"bytes"
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// Reconfigure stores a configuration as PutConfig does, and what is kept of the change with it: one transaction. Errors: fault.Conflict, with the stored
// one; fault.TooLarge, fault.Unavailable.
func (s *Store) Reconfigure(ctx context.Context, c org.Config, ifVersion int64, kept org.Kept) (org.Config, error) {
	stored, err := s.reconfigure(ctx, c, ifVersion, kept)
	return stored, within("Reconfigure", err)
}

func (s *Store) reconfigure(ctx context.Context, c org.Config, ifVersion int64, kept org.Kept) (org.Config, error) {
	with, err := s.keeping(c.Company(), kept)
	if err != nil {
		return c, err
	}
	for try := range maxTries {
		it, err := s.get(ctx, configKey(c.Org), true)
		if err != nil {
			return c, err
		}
		stored, err := readConfig(it)
		if err != nil {
			return stored, err
		}
		next, err := advanced(stored, c, ifVersion)
		if err != nil {
			return stored, err
		}
		done, err := s.putTogether(ctx, next, numberOf(it, attrRev), with)
		if err != nil || done {
			return next, err
		}
		if err := pause(ctx, try); err != nil { // the machine noted something meanwhile, or somebody changed it, which the next look tells
			return stored, err
		}
	}
	return c, contended()
}

// putTogether writes a configuration in the place of the revision rev, and other items with it.
func (s *Store) putTogether(ctx context.Context, c org.Config, rev int64, with []types.TransactWriteItem) (done bool, err error) {
	it, err := s.configItem(c)
	if err != nil {
		return false, err
	}
	mine := token()
	it[attrRev], it[attrWrite] = number(rev+1), octets(mine)
	put, err := s.putting(it, at(rev))
	if err != nil {
		return false, err
	}
	reasons, done, err := s.transact(ctx, append([]types.TransactWriteItem{put}, with...)...)
	if err != nil || done {
		return done, err
	}
	return bytes.Equal(octetsOf(reasons[0].Item, attrWrite), mine), nil // its answer was lost
}

// keeping is the writes of what is kept of a change.
func (s *Store) keeping(company org.Company, kept org.Kept) (writes []types.TransactWriteItem, err error) {
	add := func(k key, v any) {
		if err != nil {
			return
		}
		var blob []byte
		var write types.TransactWriteItem
		if blob, err = s.pack(nil, v); err != nil {
			return
		}
		it := k.item()
		it[attrBlob] = octets(blob)
		if write, err = s.putting(it, anything()); err == nil {
			writes = append(writes, write)
		}
	}
	for _, x := range kept.Settings {
		add(settingsKey(company.Org, x.Version), x)
	}
	for _, m := range kept.Mappings {
		add(mappingKey(company, m.Mapping.Version), m)
	}
	return writes, err
}

// SettingsChanges lists an organisation's changes of settings, newest first. Errors: fault.Unavailable.
func (s *Store) SettingsChanges(ctx context.Context, id string, limit int) ([]org.SettingsChange, error) {
	list, err := latest[org.SettingsChange](ctx, s, query{pk: orgPK(id), from: settingsPart + separator, to: before(settingsPart), limit: limit})
	return list, within("SettingsChanges", err)
}

// MappingVersions lists the versions of a company's mapping that are kept, newest first, before one (0: from the newest). Errors: fault.Unavailable.
func (s *Store) MappingVersions(ctx context.Context, company org.Company, earlier int64, limit int) ([]org.MappingVersion, error) {
	all := mappingsOf(company)
	q := query{pk: orgPK(company.Org), from: all + separator, to: before(all), limit: limit}
	if earlier > 0 {
		q.to = before(mappingKey(company, earlier-1).sk)
	}
	list, err := latest[org.MappingVersion](ctx, s, q)
	return list, within("MappingVersions", err)
}

// latest reads the values of a range of the table, the last first.
func latest[T any](ctx context.Context, s *Store, q query) ([]T, error) {
	q.newest = true
	rows, err := s.rows(ctx, q)
	if err != nil {
		return nil, err
	}
	list := make([]T, len(rows))
	for i, it := range rows {
		if _, err := unpack(it, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// MappingVersion reads one version of a company's mapping. Errors: fault.Unavailable.
func (s *Store) MappingVersion(ctx context.Context, company org.Company, version int64) (m org.MappingVersion, found bool, err error) {
	it, err := s.get(ctx, mappingKey(company, version), true)
	if err == nil && it != nil {
		found = true
		_, err = unpack(it, &m)
	}
	return m, found, within("MappingVersion", err)
}

// Listing reads a list of a company's as it was last read from QuickBooks. Errors: fault.Unavailable.
func (s *Store) Listing(ctx context.Context, company org.Company, list journal.List) (l journal.Listing, found bool, err error) {
	it, err := s.get(ctx, listingKey(company, list), false)
	if err == nil && it != nil {
		found = true
		_, err = unpack(it, &l)
	}
	return l, found, within("Listing", err)
}

// PutListing keeps a list of a company's, unless one is kept that was read later. Errors: fault.Invalid without a company; fault.TooLarge, fault.Unavailable.
func (s *Store) PutListing(ctx context.Context, company org.Company, l journal.Listing) error {
	if company.Org == "" || company.Realm == "" {
		return within("PutListing", fault.New(fault.Invalid, "A list belongs to a company."))
	}
	blob, err := s.pack(nil, l)
	if err != nil {
		return within("PutListing", err)
	}
	k := listingKey(company, l.List)
	_, err = s.amend(ctx, k, func(stored item) (item, error) {
		if stored != nil {
			var old journal.Listing
			if _, err := unpack(stored, &old); err != nil || old.ReadAt.After(l.ReadAt) {
				return nil, err
			}
		}
		it := k.item()
		it[attrBlob] = octets(blob)
		return it, nil
	})
	return within("PutListing", err)
}
