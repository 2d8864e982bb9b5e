package dynamo

import (
	"context"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// Config reads an organisation's configuration, consistently. Errors: fault.NotFound, fault.Unavailable.
func (s *Store) Config(ctx context.Context, id string) (org.Config, error) {
	it, err := s.get(ctx, configKey(id), true)
	if err == nil && it == nil {
		err = noOrganisation(id)
	}
	if err != nil {
		return org.Config{}, within("Config", err)
	}
	c, err := readConfig(it)
	return c, within("Config", err)
}

func noOrganisation(id string) error {
	return fault.New(fault.NotFound, "There is no organisation %q here.", id)
}

func readConfig(it item) (org.Config, error) {
	var c org.Config
	if it == nil {
		return c, nil
	}
	_, err := unpack(it, &c)
	c.Relinks = numberOf(it, attrRelinks)
	return c, err
}

func (s *Store) configItem(c org.Config) (item, error) {
	blob, err := s.pack(nil, c)
	if err != nil {
		return nil, err
	}
	it := configKey(c.Org).item()
	it[attrBlob], it[attrRelinks] = octets(blob), number(c.Relinks)
	sweepAt(it, configSweeps, c.Sweeps, c.Org)
	return it, nil
}

// sweepAt puts an item with sweeps into the work index, under the first of them.
func sweepAt(it item, partition string, sweeps []time.Time, id string) {
	if len(sweeps) > 0 {
		it[attrWorkPK], it[attrWorkSK] = text(partition), text(join(stamp(slices.MinFunc(sweeps, time.Time.Compare)), id))
	}
}

// changeConfig makes the next configuration from the stored one; change answers false when there is nothing to write.
func (s *Store) changeConfig(ctx context.Context, id string, change func(stored org.Config, found bool) (next org.Config, changed bool, err error)) (org.Config, error) {
	it, err := s.amend(ctx, configKey(id), func(stored item) (item, error) {
		c, err := readConfig(stored)
		if err != nil {
			return nil, err
		}
		next, changed, err := change(c, stored != nil)
		if err != nil || !changed {
			return nil, err
		}
		return s.configItem(next)
	})
	c, unread := readConfig(it)
	if err == nil {
		err = unread
	}
	return c, err
}

// PutConfig stores a configuration if the stored one has ifVersion (0: if there is none), and gives it the next version. What the machine notes in it
// stays; sweeps are added. Errors: fault.Conflict, with the stored one; fault.TooLarge, fault.Unavailable.
func (s *Store) PutConfig(ctx context.Context, c org.Config, ifVersion int64) (org.Config, error) {
	c, err := s.changeConfig(ctx, c.Org, func(stored org.Config, _ bool) (org.Config, bool, error) {
		next, err := advanced(stored, c, ifVersion)
		return next, err == nil, err
	})
	return c, within("PutConfig", err)
}

// advanced is the next configuration after the stored one. Errors: fault.Conflict when that has not ifVersion.
func advanced(stored, next org.Config, ifVersion int64) (org.Config, error) {
	if stored.Version != ifVersion {
		return stored, fault.New(fault.Conflict, "Somebody changed the settings at the same time. Look at them again.")
	}
	next.Version = ifVersion + 1
	next.PauseUntil, next.Grants, next.Relinks, next.BrokenSince = stored.PauseUntil, stored.Grants, stored.Relinks, stored.BrokenSince
	next.Sweeps = added(stored.Sweeps, next.Sweeps)
	return next, nil
}

// added is both lists, each time once.
func added(times, more []time.Time) []time.Time {
	all := slices.Concat(times, more)
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

// note changes what the machine notes in a configuration; change answers false when it is noted already.
func (s *Store) note(ctx context.Context, id string, change func(*org.Config) bool) error {
	_, err := s.changeConfig(ctx, id, func(c org.Config, found bool) (org.Config, bool, error) {
		if !found {
			return c, false, noOrganisation(id)
		}
		changed := change(&c)
		return c, changed, nil
	})
	return err
}

// Pause sets the organisation's pause to the later of what it is and until. Errors: fault.NotFound, fault.Unavailable.
func (s *Store) Pause(ctx context.Context, id string, until time.Time) error {
	return within("Pause", s.note(ctx, id, func(c *org.Config) bool {
		if !until.After(c.PauseUntil) {
			return false
		}
		c.PauseUntil = until
		return true
	}))
}

// Broken notes that QuickBooks refuses the organisation's grant, once, unless it was connected again since grants was read. Errors: fault.NotFound,
// fault.Unavailable.
func (s *Store) Broken(ctx context.Context, id string, grants int64, since time.Time) error {
	return within("Broken", s.note(ctx, id, func(c *org.Config) bool {
		if c.Grants != grants || !c.BrokenSince.IsZero() {
			return false
		}
		c.BrokenSince = since
		return true
	}))
}

// Mended takes that note away, counts the grant, and stores when the entries that waited are looked for again. Errors: fault.NotFound, fault.Unavailable.
func (s *Store) Mended(ctx context.Context, id string, sweeps []time.Time) error {
	return within("Mended", s.note(ctx, id, func(c *org.Config) bool {
		c.Grants++
		c.BrokenSince = time.Time{}
		c.Sweeps = added(c.Sweeps, sweeps)
		return true
	}))
}

// ConfigSweeps lists the organisations that have a sweep time up to now. Errors: fault.Unavailable.
func (s *Store) ConfigSweeps(ctx context.Context, now time.Time, limit int) ([]string, error) {
	items, err := s.sweeps(ctx, configSweeps, now, limit)
	if err != nil {
		return nil, within("ConfigSweeps", err)
	}
	var orgs []string
	for _, it := range items {
		c, err := readConfig(it)
		if err != nil {
			return nil, within("ConfigSweeps", err)
		}
		if slices.ContainsFunc(c.Sweeps, over(now)) {
			orgs = append(orgs, c.Org)
		}
	}
	slices.Sort(orgs)
	return orgs, nil
}

// sweeps reads the items of a partition that have a sweep time up to now.
func (s *Store) sweeps(ctx context.Context, partition string, now time.Time, limit int) ([]item, error) {
	rows, err := s.rows(ctx, query{index: workIndex, pk: partition, to: before(stamp(now)), limit: limit})
	if err != nil {
		return nil, err
	}
	return s.fetch(ctx, rows)
}

// over says of a time whether it is not after now.
func over(now time.Time) func(time.Time) bool {
	return func(t time.Time) bool { return !t.After(now) }
}

// ConfigSwept removes an organisation's sweep times up to now; with the last one goes what a person asked to be let go. Errors: fault.NotFound, fault.Unavailable.
func (s *Store) ConfigSwept(ctx context.Context, id string, now time.Time) error {
	return within("ConfigSwept", s.note(ctx, id, func(c *org.Config) bool {
		n := len(c.Sweeps)
		if c.Sweeps = slices.DeleteFunc(c.Sweeps, over(now)); len(c.Sweeps) == 0 {
			c.Freeing = nil
		}
		return len(c.Sweeps) != n
	}))
}

// Flag reads the click on a page's button. A click of this moment may be missed; its sweeps find what was held meanwhile. Errors: fault.Unavailable.
func (s *Store) Flag(ctx context.Context, id, caseID string, page passare.Page) (org.Flag, bool, error) {
	it, err := s.get(ctx, flagKey(id, caseID, page), false)
	if err != nil || it == nil {
		return org.Flag{}, false, within("Flag", err)
	}
	f, err := readFlag(it)
	return f, err == nil, within("Flag", err)
}

func readFlag(it item) (org.Flag, error) {
	var f org.Flag
	_, err := unpack(it, &f)
	return f, err
}

func (s *Store) flagItem(f org.Flag) (item, error) {
	blob, err := s.pack(nil, f)
	if err != nil {
		return nil, err
	}
	it := flagKey(f.Org, f.Case, f.Page).item()
	it[attrRev], it[attrBlob] = number(1), octets(blob)
	sweepAt(it, flagSweeps, f.Sweeps, f.Org+"/"+f.ID())
	return it, nil
}

// PutFlag stores a click; the first one stands. Errors: fault.Unavailable.
func (s *Store) PutFlag(ctx context.Context, f org.Flag) error {
	it, err := s.flagItem(f)
	if err == nil {
		_, _, err = s.put(ctx, it, absent())
	}
	return within("PutFlag", err)
}

// FlagSweeps lists the flags that have a sweep time up to now. Errors: fault.Unavailable.
func (s *Store) FlagSweeps(ctx context.Context, now time.Time, limit int) ([]org.Flag, error) {
	items, err := s.sweeps(ctx, flagSweeps, now, limit)
	if err != nil {
		return nil, within("FlagSweeps", err)
	}
	var flags []org.Flag
	for _, it := range items {
		f, err := readFlag(it)
		if err != nil {
			return nil, within("FlagSweeps", err)
		}
		if slices.ContainsFunc(f.Sweeps, over(now)) {
			flags = append(flags, f)
		}
	}
	return flags, nil
}

// Swept removes a flag's sweep times up to now. Errors: fault.NotFound, fault.Unavailable.
func (s *Store) Swept(ctx context.Context, f org.Flag, now time.Time) error {
	_, err := s.amend(ctx, flagKey(f.Org, f.Case, f.Page), func(stored item) (item, error) {
		if stored == nil {
			return nil, fault.New(fault.NotFound, "There is no such flag.")
		}
		f, err := readFlag(stored)
		if err != nil {
			return nil, err
		}
		f.Sweeps = slices.DeleteFunc(f.Sweeps, over(now))
		return s.flagItem(f)
	})
	return within("Swept", err)
}
