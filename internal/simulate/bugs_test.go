package simulate_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
	"github.com/passare/qbo-sync/internal/simulate"
)

// bug is a mistake that the product could have made, seeded between it and the world: never a switch in it. trap says where the mistake is named.
type bug struct {
	name, trap string
	seams      func() simulate.Seams // anew for each schedule
}

// patience is within how many schedules a bug must be found.
const patience = 1000

// TestEverySeededBugIsFound is T3: the schedules of T1, or the stand-stills of T2, tell the product from each of its mistakes. One that is not found
// fails. How many schedules each takes is told by -v, and in the package's documentation.
func TestEverySeededBugIsFound(t *testing.T) {
	t.Parallel()
	if !*bugsToo {
		t.Skip("with -bugs")
	}
	for _, b := range bugs() {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			b.find(t)
		})
	}
}

// find looks for the bug: in some schedules, then in stand-stills, then in the rest of the schedules.
func (b bug) find(t *testing.T) {
	t.Helper()
	for seed := uint64(1); seed <= patience; seed++ {
		if r := run(t, simulate.Options{Seed: seed, Seams: b.seams()}); len(r.Violations) > 0 {
			t.Logf("T3 | %s | %s | %d | %s", b.name, b.trap, seed, r.Violations[0])
			return
		}
		if seed != patience/10 {
			continue
		}
		if where, r := b.quietly(t); r != nil {
			t.Logf("T3 | %s | %s | T2, %s | %s", b.name, b.trap, where, r.Violations[0])
			return
		}
	}
	t.Errorf("%d schedules do not find it", patience)
}

// quietly looks for the bug where nothing else goes wrong: in stand-stills, and with a QuickBooks that is as late as it may be.
func (b bug) quietly(t *testing.T) (where string, found *simulate.Report) {
	t.Helper()
	for _, life := range simulate.QuietLives() {
		if o, r := standstill(t, simulate.Options{Quiet: life}, b.seams); o != nil {
			return fmt.Sprintf("step %d of %s", o.Stall, life), &r
		}
		if o, r := standstill(t, simulate.Options{Quiet: life, Retried: true}, b.seams); o != nil {
			return fmt.Sprintf("step %d of %s, retried meanwhile", o.Stall, life), &r
		}
		if r := run(t, simulate.Options{Seed: 5, Quiet: life, Late: true, Seams: b.seams()}); len(r.Violations) > 0 {
			return life + ", late", &r
		}
	}
	return "", nil
}

// onStore seeds a bug into what is asked of the store.
func onStore(f func(s simulate.Store) simulate.Store) func() simulate.Seams {
	return func() simulate.Seams { return simulate.Seams{Store: f} }
}

// reading seeds a bug into what a worker reads of a record.
func reading(f func(record *intlog.Record)) func() simulate.Seams {
	return onStore(func(s simulate.Store) simulate.Store { return reader{s, f} })
}

type reader struct {
	simulate.Store
	f func(*intlog.Record)
}

func (r reader) Record(ctx context.Context, id string, ref passare.Ref) (intlog.Record, error) {
	record, err := r.Store.Record(ctx, id, ref)
	r.f(&record)
	return record, err
}

// writing seeds a bug into what is written of an entry.
func writing(f func(e *intlog.Entry)) func() simulate.Seams {
	return onStore(func(s simulate.Store) simulate.Store { return writer{s, f} })
}

type writer struct {
	simulate.Store
	f func(*intlog.Entry)
}

func (w writer) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	e.Postings = slices.Clone(e.Postings)
	w.f(&e)
	return w.Store.Update(ctx, e)
}

// onWire seeds a bug into how an answer of QuickBooks is taken.
func onWire(f func(r *http.Request, a *http.Response, err error) (*http.Response, error)) func() simulate.Seams {
	return func() simulate.Seams {
		return simulate.Seams{Transport: func(next http.RoundTripper) http.RoundTripper {
			return wire(func(r *http.Request) (*http.Response, error) {
				a, err := next.RoundTrip(r)
				if strings.HasSuffix(r.URL.Path, "/query") || r.Context().Err() != nil {
					return a, err
				}
				return f(r, a, err)
			})
		}}
	}
}

type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func answered(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

const refusal = `{"Fault":{"Error":[{"Message":"m","Detail":"Business Validation Error: no","code":"6000"}],"type":"ValidationFault"}}`

// shortLease takes a lease for shorter than QuickBooks may take.
func shortLease(d time.Duration) func() simulate.Seams {
	return writing(func(e *intlog.Entry) {
		if e.State == intlog.Claimed && len(e.History) > 0 && e.Lease.Sub(e.History[len(e.History)-1].At) == intlog.Lease {
			e.Lease = e.Lease.Add(d - intlog.Lease)
		}
	})
}

func bugs() []bug {
	return []bug{
		{"the probe is skipped", "§2 row 15", func() simulate.Seams {
			return simulate.Seams{Transport: func(next http.RoundTripper) http.RoundTripper {
				return wire(func(r *http.Request) (*http.Response, error) {
					raw, err := io.ReadAll(r.Body)
					if err == nil && strings.Contains(string(raw), "from JournalEntry") {
						return answered(http.StatusOK, `{"QueryResponse":{}}`), nil
					}
					r.Body = io.NopCloser(bytes.NewReader(raw))
					return next.RoundTrip(r)
				})
			}}
		}},
		{"one requestid is kept after a certain refusal", "§5", writing(func(e *intlog.Entry) {
			for i := range e.Postings {
				e.Postings[i].Request = fmt.Sprintf("%s %s", e.ID(), e.Postings[i].Date)
			}
		})},
		{"a posting's number is used again", "§1", writing(func(e *intlog.Entry) {
			if e.State == intlog.Queued || e.State == intlog.Failed || e.State == intlog.Waiting {
				e.N = 0
			}
		})},
		{"6000 \"unexpected error\" is taken for certain", "§5", onWire(func(_ *http.Request, a *http.Response, err error) (*http.Response, error) {
			if err != nil || a.StatusCode != http.StatusBadRequest {
				return a, err
			}
			raw, err := io.ReadAll(a.Body)
			return answered(a.StatusCode, strings.ReplaceAll(string(raw), simulate.Unexpected, "Business Validation Error: no")), err
		})},
		{"an answer that was lost is taken for a refusal", "§2 row 18", onWire(func(_ *http.Request, a *http.Response, err error) (*http.Response, error) {
			if err != nil || a.StatusCode == http.StatusBadGateway {
				return answered(http.StatusBadRequest, refusal), nil
			}
			return a, nil
		})},
		{"a request without an answer is taken for done", "§2 row 18", onWire(func(_ *http.Request, a *http.Response, err error) (*http.Response, error) {
			if err != nil {
				return answered(http.StatusOK, `{"JournalEntry":{"Id":"0"},"Customer":{"Id":"0"},"Vendor":{"Id":"0"}}`), nil
			}
			return a, nil
		})},
		{"429 is swallowed", "§2 row 20", onWire(func(_ *http.Request, a *http.Response, err error) (*http.Response, error) {
			if err == nil && a.StatusCode == http.StatusTooManyRequests {
				return answered(http.StatusOK, `{"JournalEntry":{"Id":"0"},"Customer":{"Id":"0"},"Vendor":{"Id":"0"}}`), nil
			}
			return a, err
		})},
		{"a reversal is derived again from today's mapping", "§5", onStore(func(s simulate.Store) simulate.Store { return &rederiving{Store: s} })},
		{"the worker judges by when the entry was due", "§5", reading(func(record *intlog.Record) {
			for i, e := range record.Entries {
				if e.State == intlog.Claimed && e.DueAt.Sub(e.Created) > intlog.FirstDue+time.Second { // retry has moved it
					record.Entries[i].Lease = e.Created
				}
			}
		})},
		{"a change frees entries without sweeps", "§5", onStore(func(s simulate.Store) simulate.Store { return sweepless{s} })},
		{"a numbered name is taken after 6240 with nothing seen", "§5", func() simulate.Seams {
			return simulate.Seams{Names: func(n matching.Names) matching.Names { return impatient{n} }}
		}},
		{"an unapproved newer version supersedes an approved one", "§5", reading(func(record *intlog.Record) {
			for i, e := range record.Entries {
				if e.State == intlog.Pending {
					record.Entries[i].State = intlog.Failed
				}
			}
		})},
		{"posted is what entries that are synced have", "§5", reading(func(record *intlog.Record) {
			for i, e := range record.Entries {
				if e.State != intlog.Synced && e.State != intlog.Claimed {
					record.Entries[i].Postings = nil
				}
			}
		})},
		{"a claim is conditional on the state instead of the revision", "§5", onStore(func(s simulate.Store) simulate.Store { return byState{s} })},
		{"whoever writes last wins", "§1", onStore(func(s simulate.Store) simulate.Store { return lastWins{s} })},
		{"a version is claimed while an older one is being posted", "§5", reading(func(record *intlog.Record) {
			if n := len(record.Entries); n > 1 && (record.Entries[n-1].State == intlog.Queued || record.Entries[n-1].State == intlog.Waiting) {
				for i := range n - 1 {
					if record.Entries[i].State == intlog.Claimed {
						record.Entries[i].State = intlog.Superseded
					}
				}
			}
		})},
		{"a version that changes nothing leaves the older ones on their way", "§2 row 10", onStore(func(s simulate.Store) simulate.Store { return lenient{s} })},
		{"what was undone counts again once the undo is in QuickBooks", "§2 row 24", reading(func(record *intlog.Record) {
			for i, e := range record.Entries {
				if e.Undo > 0 && e.State == intlog.Synced {
					record.Entries[i].State = intlog.Deleted
				}
			}
		})},
		{"settings are read once, before the claim", "§5", onStore(func(s simulate.Store) simulate.Store { return &remembering{Store: s} })},
		{"a batch is woken by its members instead of asking", "§5", func() simulate.Seams {
			w := &woken{}
			return simulate.Seams{Queue: func(q simulate.Queue) simulate.Queue { w.queue = q; return q }, Store: func(s simulate.Store) simulate.Store { return waking{s, w} }}
		}},
		{"a lease of 45 s", "§5", shortLease(45 * time.Second)},
		{"a lease of 90 s", "§5", shortLease(90 * time.Second)},
		{"a lease of 150 s", "§5", shortLease(150 * time.Second)},
		{"a throttled re-send is dropped to waiting", "§5", writing(func(e *intlog.Entry) {
			if e.State != intlog.Claimed || len(e.Attempts) == 0 || e.Attempts[len(e.Attempts)-1].Code != "3001" || !slices.ContainsFunc(e.Postings, func(p intlog.Posting) bool { return p.Open() && p.Faults > 0 }) {
				return
			}
			e.Postings = slices.DeleteFunc(e.Postings, intlog.Posting.Open)
			e.Until = e.Attempts[len(e.Attempts)-1].At.Add(intlog.ThrottlePause)
			if moved, err := e.Move(intlog.Waiting, "bug", "QuickBooks asks for a pause.", e.Until); err == nil {
				*e = moved
			}
		})},
		{"an event is acknowledged before it is stored", "README, Guarantees", onStore(func(s simulate.Store) simulate.Store { return hasty{s} })},
		{"an event's version is not looked for before it is stored", "§2 row 1", onStore(func(s simulate.Store) simulate.Store { return forgetful{s} })},
		{"what is held is posted", "§1 States", onStore(func(s simulate.Store) simulate.Store { return unheld{s} })},
		{"the queue is relied on: nothing is due by itself", "§2 row 4", onStore(func(s simulate.Store) simulate.Store { return undue{s, nil} })},
		{"what is being posted is never looked at again", "§2 row 13", onStore(func(s simulate.Store) simulate.Store { return undue{s, []intlog.State{intlog.Queued, intlog.Waiting}} })},
		{"a name is linked to two cases", "matching", onStore(func(s simulate.Store) simulate.Store { return &promiscuous{Store: s, links: map[string]intlog.Link{}} })},
		{"refreshes do not wait for each other", "§2, Tokens", leasing(0)},
		{"a refresh lease shorter than the function", "§5", leasing(45 * time.Second)},
		{"a refreshed token is stored whatever is there", "§2, Tokens", func() simulate.Seams {
			return simulate.Seams{Secrets: func(s grant.Secrets) grant.Secrets { return stubborn{s} }}
		}},
	}
}

// leasing takes the lease of a refresh for so long only.
func leasing(life time.Duration) func() simulate.Seams {
	return func() simulate.Seams {
		return simulate.Seams{Leases: func(s lease.Store) lease.Store { return brief{s, life} }}
	}
}

type brief struct {
	lease.Store
	life time.Duration
}

func (b brief) Lease(ctx context.Context, id, thing, owner string, now, until time.Time) (bool, error) {
	if thing == "grant" {
		until = now.Add(b.life)
	}
	return b.Store.Lease(ctx, id, thing, owner, now, until)
}

// stubborn are secrets whose writer wins over whoever was faster.
type stubborn struct{ grant.Secrets }

func (s stubborn) Put(ctx context.Context, name string, value []byte, ifVersion string) (string, error) {
	version, err := s.Secrets.Put(ctx, name, value, ifVersion)
	if !fault.Is(err, fault.Conflict) {
		return version, err
	}
	_, now, err := s.Get(ctx, name)
	if err != nil {
		return "", err
	}
	return s.Secrets.Put(ctx, name, value, now)
}

// rederiving puts what stands where the mapping of today would put it.
type rederiving struct {
	simulate.Store
	config org.Config
}

func (s *rederiving) Config(ctx context.Context, id string) (org.Config, error) {
	c, err := s.Store.Config(ctx, id)
	if err == nil {
		s.config = c
	}
	return c, err
}

func (s *rederiving) Record(ctx context.Context, id string, ref passare.Ref) (intlog.Record, error) {
	record, err := s.Store.Record(ctx, id, ref)
	for i := range record.Entries {
		for k, p := range record.Entries[i].Postings {
			if p.QuickBooksID == "" {
				continue
			}
			moves := slices.Clone(p.Movements)
			for m := range moves {
				if account, ok := s.config.Mapping.Account(org.Role(moves[m].Key.Account)); ok && id == s.config.Org {
					moves[m].Place.Account = account
				}
			}
			record.Entries[i].Postings[k].Movements = moves
		}
	}
	return record, err
}

type sweepless struct{ simulate.Store }

func (s sweepless) PutFlag(ctx context.Context, f org.Flag) error {
	f.Sweeps = nil
	return s.Store.PutFlag(ctx, f)
}

type impatient struct{ matching.Names }

func (n impatient) NamesCalled(ctx context.Context, at org.Company, display string) ([]journal.FoundName, error) {
	found, err := n.Names.NamesCalled(ctx, at, display)
	if err == nil && len(found) == 0 {
		found = []journal.FoundName{{Kind: "Employee", ID: "0", Display: display, Active: true}}
	}
	return found, err
}

type byState struct{ simulate.Store }

func (s byState) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	stored, err := s.Store.Update(ctx, e)
	if fault.Is(err, fault.Conflict) && e.State == intlog.Claimed && stored.State == e.History[len(e.History)-1].From {
		e.Rev = stored.Rev
		return s.Store.Update(ctx, e)
	}
	return stored, err
}

type lastWins struct{ simulate.Store }

func (s lastWins) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	stored, err := s.Store.Update(ctx, e)
	if fault.Is(err, fault.Conflict) {
		e.Rev = stored.Rev
		return s.Store.Update(ctx, e)
	}
	return stored, err
}

// lenient takes back nothing for a version that settles without posting.
type lenient struct{ simulate.Store }

func (s lenient) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	if e.State == intlog.Superseded && strings.HasPrefix(e.Why, "Version ") {
		record, err := s.Record(ctx, e.Org, e.Record)
		if newest := record.Entries; err == nil && len(newest) > 0 && strings.Contains("payment.deleted goods_and_services.unsigned", newest[len(newest)-1].Kind) {
			return e, nil
		}
	}
	return s.Store.Update(ctx, e)
}

// remembering reads an organisation's settings once in a process.
type remembering struct {
	simulate.Store
	configs map[string]org.Config
}

func (s *remembering) Config(ctx context.Context, id string) (org.Config, error) {
	if c, known := s.configs[id]; known {
		return c, nil
	}
	c, err := s.Store.Config(ctx, id)
	if err == nil {
		s.configs = map[string]org.Config{id: c}
	}
	return c, err
}

// woken are batches that wait until one of their members wakes them.
type woken struct {
	mu    sync.Mutex
	queue simulate.Queue
	waits []intlog.Work
}

type waking struct {
	simulate.Store
	w *woken
}

func (s waking) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	waits := e.State == intlog.Waiting && slices.ContainsFunc(e.Cause, func(p rules.Problem) bool { return p.Kind == rules.Member })
	if waits {
		e.DueAt, e.Until = e.Until.AddDate(1, 0, 0), time.Time{}
	}
	stored, err := s.Store.Update(ctx, e)
	s.w.mu.Lock()
	var wake []intlog.Work
	switch {
	case err != nil:
	case waits:
		s.w.waits = append(s.w.waits, intlog.Work{Org: e.Org, Entries: []string{e.ID()}})
	case e.State == intlog.Synced:
		wake, s.w.waits = s.w.waits, nil
	}
	s.w.mu.Unlock()
	for _, w := range wake {
		_ = s.w.queue.Send(ctx, w)
	}
	return stored, err
}

// hasty says that an entry is stored, and stores it then, once.
type hasty struct{ simulate.Store }

func (s hasty) Create(ctx context.Context, e intlog.Entry, mentions []passare.Ref) (intlog.Entry, bool, error) {
	stored, created, err := s.Store.Create(ctx, e, mentions)
	if err != nil {
		return e, true, nil
	}
	return stored, created, nil
}

// forgetful takes other data under a known version for the version.
type forgetful struct{ simulate.Store }

func (s forgetful) Create(ctx context.Context, e intlog.Entry, mentions []passare.Ref) (intlog.Entry, bool, error) {
	stored, created, err := s.Store.Create(ctx, e, mentions)
	if err == nil && !created && stored.Hash != e.Hash {
		stored.Hash = e.Hash
	}
	return stored, created, err
}

type unheld struct{ simulate.Store }

func (s unheld) Flag(ctx context.Context, id, caseID string, page passare.Page) (org.Flag, bool, error) {
	f, _, err := s.Store.Flag(ctx, id, caseID, page)
	return f, true, err
}

// undue shows what is due in some states only.
type undue struct {
	simulate.Store
	states []intlog.State
}

func (s undue) Due(ctx context.Context, now time.Time, limit, share int) ([]intlog.Entry, error) {
	due, err := s.Store.Due(ctx, now, limit, share)
	return slices.DeleteFunc(due, func(e intlog.Entry) bool { return !slices.Contains(s.states, e.State) }), err
}

// promiscuous forgets to whom an id is linked, and keeps a process's links for itself.
type promiscuous struct {
	simulate.Store
	links map[string]intlog.Link
}

func (s *promiscuous) PutLink(ctx context.Context, at org.Company, l intlog.Link) (intlog.Link, error) {
	stored, err := s.Store.PutLink(ctx, at, l)
	if fault.Is(err, fault.Conflict) && stored.ID == "" {
		s.links[at.Org+l.Key] = l
		return l, nil
	}
	return stored, err
}

func (s *promiscuous) Link(ctx context.Context, at org.Company, kind journal.NameKind, key string) (intlog.Link, bool, error) {
	if l, ok := s.links[at.Org+key]; ok {
		return l, true, nil
	}
	return s.Store.Link(ctx, at, kind, key)
}
