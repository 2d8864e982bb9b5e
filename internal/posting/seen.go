package posting

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/rules"
)

// seen is what a worker remembers of organisations from one entry to the next: the configuration as it was last read, and the links that were found
// with it. So the usual entry costs one strong read of the configuration, the one right before it is sent (row 14), and none of its links. It is never
// the ground of a decision that lasts (plain).
type seen struct {
	mu   sync.Mutex
	orgs map[string]*remembered
}

type remembered struct {
	config org.Config
	at     time.Time // when it was read
	names  map[string]journal.Name
}

// rememberedFor is how long a configuration is planned with after it was read: what was claimed with it by a worker that then died is sent as it was
// stored, so this is how old a setting may be by which an entry is posted (protocol.md §4).
const rememberedFor = time.Minute

// How much is remembered. Beyond it the memory begins anew.
const (
	maxOrgs  = 1_000
	maxNames = 5_000 // of one organisation
)

func newSeen() *seen { return &seen{orgs: map[string]*remembered{}} }

func (s *seen) config(id string, now time.Time) (org.Config, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orgs[id]
	if !ok || now.Sub(o.at) > rememberedFor {
		return org.Config{}, false
	}
	return o.config, true
}

// learn remembers a configuration that was just read. Links are forgotten with the one that they were found with.
func (s *seen) learn(c org.Config, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.orgs[c.Org]; ok && o.config.Version == c.Version && o.config.Relinks == c.Relinks {
		o.config, o.at = c, now
		return
	}
	if len(s.orgs) >= maxOrgs {
		clear(s.orgs)
	}
	s.orgs[c.Org] = &remembered{config: c, at: now, names: map[string]journal.Name{}}
}

// name gives a name that was matched under a configuration.
func (s *seen) name(c org.Config, n journal.Name) (journal.Name, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orgs[c.Org]
	if !ok || o.config.Version != c.Version || o.config.Relinks != c.Relinks {
		return n, false
	}
	known, ok := o.names[string(n.Kind)+n.Key]
	if ok {
		n.ID, n.Display = known.ID, known.Display
	}
	return n, ok
}

// learnName remembers a name that was matched after a configuration had been read.
func (s *seen) learnName(c org.Config, n journal.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orgs[c.Org]
	if !ok || o.config.Version != c.Version || o.config.Relinks != c.Relinks {
		return
	}
	if len(o.names) >= maxNames {
		clear(o.names)
	}
	o.names[string(n.Kind)+n.Key] = n
}

// readConfig reads an organisation's configuration, strongly.
func (w *Worker) readConfig(ctx context.Context, id string) (org.Config, error) {
	now := w.now()
	c, err := w.store.Config(ctx, id)
	if err == nil {
		w.seen.learn(c, now)
	}
	return c, err
}

// plain plans with what is remembered, and says whether the entry can go as it is: the record's only open version, nothing in its way, and every name
// linked. Whatever else becomes of an entry is decided on what is stored (row 8). If what is remembered is out of date, that is found right before the
// first request (row 14), and the entry is planned again.
func (j *job) plain(ctx context.Context) (rules.Plan, bool) {
	if j.entry.State == intlog.Claimed || j.now().Before(j.config.PauseUntil) || !j.config.Connected() || j.order() != proceed || j.olderOpen() {
		return rules.Plan{}, false
	}
	plan, err := j.plan(ctx)
	if err != nil || plan.Closed || len(plan.Problems) > 0 || len(plan.Entries) == 0 {
		return plan, false
	}
	j.entry.Sentence, j.entry.Warnings = plan.Sentence, plan.Warnings
	unlinked := false
	err = j.match(plan.Entries, func(n journal.Name) (journal.Name, error) {
		matched, found, err := j.linked(ctx, n)
		unlinked = unlinked || !found
		return matched, err
	})
	return plan, err == nil && !unlinked
}

// linked gives a name as it is linked, if it is.
func (j *job) linked(ctx context.Context, n journal.Name) (journal.Name, bool, error) {
	if known, ok := j.seen.name(j.config, n); ok {
		return known, true, nil
	}
	matched, found, err := j.names.Known(ctx, j.config.Company(), n)
	if err == nil && found {
		j.seen.learnName(j.config, matched)
	}
	return matched, found, err
}

// olderOpen says whether this entry would supersede an older version.
func (j *job) olderOpen() bool {
	return slices.ContainsFunc(j.record.Entries, func(e intlog.Entry) bool {
		return e.Key.Compare(j.entry.Key) < 0 && intlog.Allowed(e.State, intlog.Superseded)
	})
}
