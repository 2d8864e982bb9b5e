package memory

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// Store keeps configurations, entries, flags, links and the quarantine. Every operation is atomic.
type Store struct {
	mu         sync.Mutex
	configs    map[string]org.Config
	entries    map[intlog.Key]intlog.Entry
	versions   map[recordKey][]intlog.Key // ascending
	mentions   map[recordKey][]passare.Ref
	logs       map[listKey]*index // entries by tab, in order of creation; tab "all" has every one
	held       map[pageKey]map[intlog.Key]bool
	due        map[intlog.Key]bool
	flags      map[pageKey]org.Flag
	links      map[linkKey]intlog.Link
	linked     map[linkKey]string // QuickBooks id → key
	quarantine map[string][]intlog.Quarantined
	attempts   map[string]grant.Attempt
	connected  map[string]org.Connection
	owners     map[string]string // company → organisation
	reads      map[readKey]int   // metered reads by organisation and month; organisation "" has the sum
	replies    map[replyKey]org.Reply
	seen       map[personKey]org.Seen
	setup      setup
	papers     map[shelf][]reconcile.Paper // in the order of their ids
}

type readKey struct{ org, month string }

type recordKey struct {
	org string
	ref passare.Ref
}

type listKey struct{ org, tab string }

type pageKey struct {
	org, caseID string
	page        passare.Page
}

// NewStore makes an empty store.
func NewStore() *Store {
	return &Store{
		configs: map[string]org.Config{}, entries: map[intlog.Key]intlog.Entry{}, versions: map[recordKey][]intlog.Key{},
		mentions: map[recordKey][]passare.Ref{}, logs: map[listKey]*index{}, held: map[pageKey]map[intlog.Key]bool{},
		due: map[intlog.Key]bool{}, flags: map[pageKey]org.Flag{}, links: map[linkKey]intlog.Link{}, linked: map[linkKey]string{},
		quarantine: map[string][]intlog.Quarantined{}, reads: map[readKey]int{}, attempts: map[string]grant.Attempt{}, connected: map[string]org.Connection{}, owners: map[string]string{},
		replies: map[replyKey]org.Reply{}, seen: map[personKey]org.Seen{},
		setup: newSetup(), papers: map[shelf][]reconcile.Paper{},
	}
}

// Config reads an organisation's configuration. Errors: fault.NotFound.
func (s *Store) Config(_ context.Context, id string) (org.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.configs[id]
	if !ok {
		return c, fault.New(fault.NotFound, "There is no organisation %q here.", id)
	}
	return cloneConfig(c), nil
}

func cloneConfig(c org.Config) org.Config {
	c.Sweeps = slices.Clone(c.Sweeps)
	if c.Freeing != nil {
		freeing := *c.Freeing
		c.Freeing = &freeing
	}
	return c
}

// PutConfig stores a configuration if the stored one has ifVersion (0: if there is none), and gives it the
// next version. What the machine notes in it stays; sweeps are added. Errors: fault.Conflict.
func (s *Store) PutConfig(_ context.Context, c org.Config, ifVersion int64) (org.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.putConfig(c, ifVersion)
}

func (s *Store) putConfig(c org.Config, ifVersion int64) (org.Config, error) {
	stored := s.configs[c.Org]
	if stored.Version != ifVersion {
		return stored, fault.New(fault.Conflict, "Somebody changed the settings at the same time. Look at them again.")
	}
	c.Version = ifVersion + 1
	c.PauseUntil, c.Grants, c.Relinks, c.BrokenSince = stored.PauseUntil, stored.Grants, stored.Relinks, stored.BrokenSince
	c.Sweeps = added(stored.Sweeps, c.Sweeps)
	s.configs[c.Org] = cloneConfig(c)
	return cloneConfig(c), nil
}

// added is both lists, each time once.
func added(times, more []time.Time) []time.Time {
	all := slices.Concat(times, more)
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

// note changes what the machine notes in a configuration.
func (s *Store) note(id string, change func(*org.Config)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.configs[id]
	if !ok {
		return fault.New(fault.NotFound, "There is no organisation %q here.", id)
	}
	c = cloneConfig(c)
	change(&c)
	s.configs[id] = c
	return nil
}

// Pause sets the organisation's pause to the later of what it is and until.
func (s *Store) Pause(_ context.Context, id string, until time.Time) error {
	return s.note(id, func(c *org.Config) {
		if until.After(c.PauseUntil) {
			c.PauseUntil = until
		}
	})
}

// Broken notes that QuickBooks refuses the organisation's grant, once, unless it was connected again since grants was read.
func (s *Store) Broken(_ context.Context, id string, grants int64, since time.Time) error {
	return s.note(id, func(c *org.Config) {
		if c.Grants == grants && c.BrokenSince.IsZero() {
			c.BrokenSince = since
		}
	})
}

// Mended takes that note away, counts the grant, and stores when the entries that waited are looked for again.
func (s *Store) Mended(_ context.Context, id string, sweeps []time.Time) error {
	return s.note(id, func(c *org.Config) {
		c.Grants++
		c.BrokenSince = time.Time{}
		c.Sweeps = added(c.Sweeps, sweeps)
	})
}

// ConfigSweeps lists the organisations that have a sweep time up to now.
func (s *Store) ConfigSweeps(_ context.Context, now time.Time, limit int) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var orgs []string
	for id, c := range s.configs {
		if len(orgs) < limit && slices.ContainsFunc(c.Sweeps, func(t time.Time) bool { return !t.After(now) }) {
			orgs = append(orgs, id)
		}
	}
	slices.Sort(orgs)
	return orgs, nil
}

// ConfigSwept removes an organisation's sweep times up to now; with the last one goes what a person asked to be let go.
func (s *Store) ConfigSwept(_ context.Context, id string, now time.Time) error {
	return s.note(id, func(c *org.Config) {
		c.Sweeps = slices.DeleteFunc(c.Sweeps, func(t time.Time) bool { return !t.After(now) })
		if len(c.Sweeps) == 0 {
			c.Freeing = nil
		}
	})
}

// SpendRead counts one metered read of an organisation in a month and says how many all of them have spent in it.
func (s *Store) SpendRead(_ context.Context, id, month string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads[readKey{id, month}]++
	s.reads[readKey{"", month}]++
	return s.reads[readKey{"", month}], nil
}

// ReadsSpent says how many reads all organisations have spent in a month.
func (s *Store) ReadsSpent(_ context.Context, month string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[readKey{"", month}], nil
}

// ReadsOf says how many reads an organisation has spent in a month.
func (s *Store) ReadsOf(_ context.Context, id, month string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[readKey{id, month}], nil
}

// Create stores an entry unless its key exists; then it answers the stored one and false.
func (s *Store) Create(_ context.Context, e intlog.Entry, mentions []passare.Ref) (intlog.Entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored, ok := s.entries[e.Key]; ok {
		return clone(stored), false, nil
	}
	for _, m := range mentions {
		k := recordKey{e.Org, m}
		if !slices.Contains(s.mentions[k], e.Record) {
			s.mentions[k] = append(s.mentions[k], e.Record)
		}
	}
	record := recordKey{e.Org, e.Record}
	at, _ := slices.BinarySearchFunc(s.versions[record], e.Key, intlog.Key.Compare)
	s.versions[record] = slices.Insert(s.versions[record], at, e.Key)
	s.put(intlog.Entry{}, e)
	s.log(e.Org, allTab).insert(e)
	return clone(e), true, nil
}

const allTab = "all"

// Entry reads one entry. Errors: fault.NotFound.
func (s *Store) Entry(_ context.Context, key intlog.Key) (intlog.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	if !ok {
		return e, fault.New(fault.NotFound, "There is no entry of that id.")
	}
	return clone(e), nil
}

// Record reads every version of a record and every undo, oldest first, and the records that mention it.
func (s *Store) Record(_ context.Context, id string, ref passare.Ref) (intlog.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := recordKey{id, ref}
	r := intlog.Record{MentionedBy: slices.Clone(s.mentions[k])}
	for _, version := range s.versions[k] {
		r.Entries = append(r.Entries, clone(s.entries[version]))
	}
	return r, nil
}

// Update stores an entry if its revision is the stored one, and gives it the next. Errors: fault.Conflict,
// with the stored entry; fault.NotFound.
func (s *Store) Update(_ context.Context, e intlog.Entry) (intlog.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.entries[e.Key]
	switch {
	case !ok:
		return e, fault.New(fault.NotFound, "There is no entry of that id.")
	case stored.Rev != e.Rev:
		return clone(stored), fault.New(fault.Conflict, "Somebody changed this entry at the same time. Look at it again.")
	}
	e.Rev++
	s.put(stored, e)
	return clone(e), nil
}

// put stores an entry and keeps the indexes.
func (s *Store) put(old, e intlog.Entry) {
	e = clone(e)
	s.entries[e.Key] = e
	if old.Tab() != e.Tab() {
		if t := old.Tab(); t != "" {
			s.log(e.Org, t).remove(old)
		}
		if t := e.Tab(); t != "" {
			s.log(e.Org, t).insert(e)
		}
	}
	page := pageKey{e.Org, e.Case, e.Page}
	if e.State == intlog.Held {
		if s.held[page] == nil {
			s.held[page] = map[intlog.Key]bool{}
		}
		s.held[page][e.Key] = true
	} else {
		delete(s.held[page], e.Key)
	}
	if e.DueAt.IsZero() {
		delete(s.due, e.Key)
	} else {
		s.due[e.Key] = true
	}
}

// Due lists entries whose due time is not after now, in turns: the longest due of each organisation, then the second of each, and so on; each of one
// organisation at most, and most in all.
func (s *Store) Due(_ context.Context, now time.Time, most, each int) ([]intlog.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []intlog.Entry
	for k := range s.due {
		if e := s.entries[k]; !e.DueAt.After(now) {
			due = append(due, e)
		}
	}
	slices.SortFunc(due, func(a, b intlog.Entry) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), order(a, b))
	})
	due = intlog.InTurns(due, func(e intlog.Entry) string { return e.Org }, most, each)
	for i := range due {
		due[i] = clone(due[i])
	}
	return due, nil
}

// Postpone moves an entry's due time if it is still seen. Errors: fault.Conflict.
func (s *Store) Postpone(_ context.Context, key intlog.Key, seen, to time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	if !ok || !e.DueAt.Equal(seen) {
		return fault.New(fault.Conflict, "The entry is due at another time.")
	}
	e.DueAt = to
	s.entries[key] = e
	return nil
}

// List lists entries of a tab, newest first, after the one named by after (none: from the newest).
func (s *Store) List(_ context.Context, id, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []intlog.Entry
	for _, k := range s.log(id, tab).before(after, limit) {
		list = append(list, clone(s.entries[k]))
	}
	return list, nil
}

// OfCase lists the entries of a case among the newest entries of the organisation after a mark (none: from the newest), of which most are looked at; newest
// first, with the mark of the last that was looked at if there are more.
func (s *Store) OfCase(_ context.Context, id, caseID string, after intlog.Mark, most int) (entries []intlog.Entry, next *intlog.Mark, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := s.log(id, allTab).before(after, most+1)
	if len(keys) > most {
		keys = keys[:most]
		last := intlog.MarkOf(s.entries[keys[most-1]])
		next = &last
	}
	for _, k := range keys {
		if e := s.entries[k]; e.Case == caseID {
			entries = append(entries, clone(e))
		}
	}
	return entries, next, nil
}

// ListOldest lists entries of a tab, oldest first, after the one named by after (none: from the oldest).
func (s *Store) ListOldest(_ context.Context, id, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []intlog.Entry
	for _, k := range s.log(id, tab).after(after, limit) {
		list = append(list, clone(s.entries[k]))
	}
	return list, nil
}

// HeldOn lists the entries of a case's page that wait for its button, in version order.
func (s *Store) HeldOn(_ context.Context, id, caseID string, page passare.Page) ([]intlog.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var held []intlog.Entry
	for k := range s.held[pageKey{id, caseID, page}] {
		held = append(held, clone(s.entries[k]))
	}
	slices.SortFunc(held, func(a, b intlog.Entry) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), order(a, b))
	})
	return held, nil
}

// Flag reads the click on a page's button.
func (s *Store) Flag(_ context.Context, id, caseID string, page passare.Page) (org.Flag, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.flags[pageKey{id, caseID, page}]
	f.Sweeps = slices.Clone(f.Sweeps)
	return f, ok, nil
}

// PutFlag stores a click; the first one stands.
func (s *Store) PutFlag(_ context.Context, f org.Flag) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := pageKey{f.Org, f.Case, f.Page}
	if _, ok := s.flags[k]; !ok {
		f.Sweeps = slices.Clone(f.Sweeps)
		s.flags[k] = f
	}
	return nil
}

// FlagSweeps lists the flags that have a sweep time up to now.
func (s *Store) FlagSweeps(_ context.Context, now time.Time, limit int) ([]org.Flag, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var flags []org.Flag
	for _, f := range s.flags {
		if len(flags) < limit && slices.ContainsFunc(f.Sweeps, func(t time.Time) bool { return !t.After(now) }) {
			f.Sweeps = slices.Clone(f.Sweeps)
			flags = append(flags, f)
		}
	}
	return flags, nil
}

// Swept removes a flag's sweep times up to now.
func (s *Store) Swept(_ context.Context, f org.Flag, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := pageKey{f.Org, f.Case, f.Page}
	stored, ok := s.flags[k]
	if !ok {
		return fault.New(fault.NotFound, "There is no such flag.")
	}
	stored.Sweeps = slices.DeleteFunc(slices.Clone(stored.Sweeps), func(t time.Time) bool { return !t.After(now) })
	s.flags[k] = stored
	return nil
}

// MaxQuarantined is how many deliveries an organisation's quarantine keeps; the oldest go first.
const MaxQuarantined = 1000

// Quarantine keeps a delivery that could not be taken; the same one again is kept once.
func (s *Store) Quarantine(_ context.Context, q intlog.Quarantined) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.quarantine[q.Org]
	if slices.ContainsFunc(list, func(x intlog.Quarantined) bool { return string(x.Body) == string(q.Body) }) {
		return nil
	}
	q.Body = slices.Clone(q.Body)
	list = append(list, q)
	if len(list) > MaxQuarantined {
		list = slices.Delete(list, 0, 1)
	}
	s.quarantine[q.Org] = list
	return nil
}

// Quarantined lists what is in an organisation's quarantine, oldest first.
func (s *Store) Quarantined(_ context.Context, id string) ([]intlog.Quarantined, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.quarantine[id]), nil
}

// clone copies what an entry shares. Movements, data and history steps are never changed in place.
func clone(e intlog.Entry) intlog.Entry {
	e.Postings = slices.Clone(e.Postings)
	e.History = slices.Clone(e.History)
	e.Attempts = slices.Clone(e.Attempts)
	e.Cause = slices.Clone(e.Cause)
	return e
}
