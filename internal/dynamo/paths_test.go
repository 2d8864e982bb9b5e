package dynamo_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/review"
)

// spent is what one entry costs on its way: units in tenths, messages, and calls of QuickBooks.
type spent struct{ Write, Read, Messages, QuickBooksWrites, QuickBooksReads int }

// counted is a queue and a QuickBooks that are counted. QuickBooks answers the next entry with the fault, if there is one.
type counted struct {
	*memory.Queue
	lose  bool // the next message
	fault *fault.Error
	taken []journal.FoundEntry
	cost  spent
}

func (c *counted) Send(ctx context.Context, w intlog.Work) error {
	c.cost.Messages++
	if c.lose {
		c.lose = false
		return nil
	}
	return c.Queue.Send(ctx, w)
}

func (c *counted) CreateJournalEntry(_ context.Context, _ org.Company, e journal.Entry, _ string) (string, error) {
	c.cost.QuickBooksWrites++
	if f := c.fault; f != nil {
		c.fault = nil
		return "", f
	}
	c.taken = append(c.taken, journal.FoundEntry{ID: fmt.Sprint(len(c.taken) + 1), DocNumber: e.DocNumber(), Note: e.Note()})
	return c.taken[len(c.taken)-1].ID, nil
}

// CreateJournalEntries creates each by itself.
func (c *counted) CreateJournalEntries(ctx context.Context, at org.Company, entries []journal.BatchItem, id string) ([]journal.Outcome, error) {
	outcomes := make([]journal.Outcome, len(entries))
	for i, e := range entries {
		outcomes[i].ID, outcomes[i].Err = c.CreateJournalEntry(ctx, at, e.Entry, id)
	}
	c.cost.QuickBooksWrites -= len(entries) - 1 // by one request
	return outcomes, nil
}

func (c *counted) JournalEntriesByDocNumber(_ context.Context, _ org.Company, docs []string) ([]journal.FoundEntry, error) {
	c.cost.QuickBooksReads++
	return slices.DeleteFunc(slices.Clone(c.taken), func(f journal.FoundEntry) bool { return !slices.Contains(docs, f.DocNumber) }), nil
}

func (c *counted) Preferences(context.Context, org.Company) (journal.Preferences, error) {
	c.cost.QuickBooksReads++
	return journal.Preferences{}, nil
}

func (c *counted) CreateCustomer(_ context.Context, _ org.Company, n journal.NewName, _ string) (string, error) {
	c.cost.QuickBooksWrites++
	return fmt.Sprint(100 + len(n.Notes) + c.cost.QuickBooksWrites), nil
}

func (c *counted) CreateVendor(ctx context.Context, at org.Company, n journal.NewName, id string) (string, error) {
	return c.CreateCustomer(ctx, at, n, id)
}

func (c *counted) NamesCalled(context.Context, org.Company, string) ([]journal.FoundName, error) {
	c.cost.QuickBooksReads++
	return nil, nil
}

// way is the product over a table that is metered; nothing runs by itself.
type way struct {
	t       *testing.T
	m       *meter
	c       *counted
	at      time.Time
	store   *dynamo.Store
	intake  *intake.Intake
	desk    *review.Desk
	worker  *posting.Worker
	retrier *retrying.Retrier
}

func newWay(t *testing.T) *way {
	t.Helper()
	w := &way{t: t, m: &meter{spent: map[string]int{}}, c: &counted{Queue: memory.NewQueue()}, at: time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)}
	w.store = dynamo.New(connect(t, w.m.watch), table(t))
	clock := func() time.Time { return w.at }
	mapping := org.Mapping{Roles: map[org.Role]string{}}
	for _, r := range org.Roles() {
		mapping.Roles[r] = string(r)
	}
	config := org.Config{Org: "willow-creek", Realm: "1001", Mapping: mapping, Settings: org.Settings{AutoSync: true, AutoAddToExports: true}}
	if _, err := w.store.PutConfig(t.Context(), config, 0); err != nil {
		t.Fatal(err)
	}
	w.intake, w.desk = intake.New(w.store, w.c, clock), review.New(w.store, w.c, clock)
	w.retrier = retrying.New(w.store, w.c, clock)
	w.worker = posting.New(w.store, w.c, matching.New(w.store, w.c, lease.New(w.store, "worker", clock), clock), clock)
	w.is(w.pays("first", 1, "1.00"), intlog.Synced) // the case is linked, and the worker is warm
	return w
}

// pays is a payment of a case: taken in, and worked off.
func (w *way) pays(id string, version int, amount string) string {
	w.t.Helper()
	r := w.takes(id, version, amount)
	w.work()
	return r
}

func (w *way) takes(id string, version int, amount string) string {
	w.t.Helper()
	verb := "created"
	if version > 1 {
		verb = "updated"
	}
	r := w.intake.Accept(w.t.Context(), fmt.Appendf(nil, `{"specversion":"1.0","id":"evt-%s-%d","source":"/organizations/willow-creek","type":"com.passare.payment.%s",`+
		`"time":"2026-03-04T15:00:00Z","data":{"record":{"type":"payment","id":%q,"version":%d},"case":{"id":"c1","number":"24-0113","decedent":{"first":"John","last":"Smith"}},`+
		`"branch":{"id":"main"},"actor":{"id":"u1","name":"Ana Diaz"},"method":"cash","date":"2026-03-04","amount":%q}}`, id, version, verb, id, version, amount))
	if r.Err != nil {
		w.t.Fatal(fault.Line(r.Err), fault.As(r.Err).Fields)
	}
	return r.Entry
}

func (w *way) work() {
	w.t.Helper()
	for {
		message, done, ok := w.c.TryReceive()
		if !ok {
			return
		}
		if err := w.worker.Handle(w.t.Context(), message); err != nil {
			w.t.Fatal(fault.Line(err))
		}
		done()
	}
}

func (w *way) later(d time.Duration) {
	w.t.Helper()
	w.at = w.at.Add(d)
	if _, err := w.retrier.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

func (w *way) key(id string) intlog.Key {
	w.t.Helper()
	k, err := intlog.ParseKey("willow-creek", id)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *way) is(id string, s intlog.State) {
	w.t.Helper()
	e, err := w.store.Entry(w.t.Context(), w.key(id))
	if err != nil || e.State != s {
		w.t.Fatalf("%s is %s (%s): %v", id, e.State, e.Why, err)
	}
}

// release is a person's Sync.
func (w *way) release(id string) {
	w.t.Helper()
	if _, _, err := w.desk.Sync(w.t.Context(), w.key(id), nil, "Ana Diaz"); err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

func (w *way) setAutoSync(on bool) {
	w.t.Helper()
	c, err := w.store.Config(w.t.Context(), "willow-creek")
	if err == nil {
		c.Settings.AutoSync = on
		_, err = w.store.PutConfig(w.t.Context(), c, c.Version)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// costs is what f costs, after which the entry that it answers is synced. What the retrier's look for what is due costs, which is not an entry's, is left out by looking once more when nothing is due.
func (w *way) costs(f func() string) spent {
	w.t.Helper()
	w.c.cost = spent{}
	id := ""
	units := w.m.spend(w.t, func() error { id = f(); return nil })
	cost := w.c.cost
	cost.Write, cost.Read = units["write"], units["read"]
	if id != "" {
		w.is(id, intlog.Synced)
	}
	return cost
}

func minus(a, b spent) spent {
	a.Read -= b.Read
	return a
}

// TestGoldenTheCostOfAnEntryByPath: T14. The limits are those of ../posting/protocol.md §4; the table is golden.
func TestGoldenTheCostOfAnEntryByPath(t *testing.T) {
	t.Parallel()
	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		t.Skip("units are counted on DynamoDB Local alone: ministack's are not AWS's (../porttest/doc.go)")
	}
	w := newWay(t)
	idle := w.costs(func() string { w.later(0); return "" })
	unknown := &fault.Error{Code: fault.Unknown, Class: fault.Transient, Message: "QuickBooks did not answer."}
	refused := &fault.Error{Code: fault.Refused, Class: fault.Data, Message: "QuickBooks refuses this."}
	var table strings.Builder
	fmt.Fprintf(&table, "%-62s %6s %6s %9s %s\n", "", "write", "read", "messages", "QuickBooks writes, reads")
	for _, path := range []struct {
		name        string
		write, read int // units at most
		walk        func() spent
	}{
		{"automatic: taken in, posted", 6, 3, func() spent {
			return w.costs(func() string { return w.pays("automatic", 1, "10.00") })
		}},
		{"manual: taken in, reviewed, released, posted", 9, 4, func() spent {
			w.setAutoSync(false)
			defer w.setAutoSync(true)
			w.is(w.pays("warm", 1, "1.00"), intlog.Pending)
			id := ""
			taken := w.costs(func() string { id = w.takes("manual", 1, "10.00"); return "" })
			w.setAutoSync(true)
			w.pays("warmer", 1, "1.00") // the worker sees the new configuration
			released := w.costs(func() string { w.release(id); return id })
			released.Write, released.Read = released.Write+taken.Write, released.Read+taken.Read
			return released
		}},
		{"corrected: version 2 of what is posted", 6, 3, func() spent {
			w.is(w.pays("corrected", 1, "10.00"), intlog.Synced)
			return w.costs(func() string { return w.pays("corrected", 2, "12.00") })
		}},
		{"superseding: version 2 while version 1 waits for review", 8, 4, func() spent {
			w.setAutoSync(false)
			w.is(w.pays("superseding", 1, "10.00"), intlog.Pending)
			w.setAutoSync(true)
			w.pays("warmest", 1, "1.00")
			return w.costs(func() string { return w.pays("superseding", 2, "12.00") })
		}},
		{"retried: the message was lost; it was due by itself", 9, 5, func() spent {
			w.c.lose = true
			return minus(w.costs(func() string {
				id := w.pays("lost", 1, "10.00")
				w.later(intlog.FirstDue)
				return id
			}), idle)
		}},
		{"unknown outcome: no answer, asked by number, sent again", 13, 7, func() spent {
			w.c.fault = unknown
			return minus(w.costs(func() string {
				id := w.pays("unknown", 1, "10.00")
				w.later(intlog.FirstDue)
				return id
			}), idle)
		}},
		{"refused by QuickBooks, fixed, retried by a person", 13, 6, func() spent {
			w.c.fault = refused
			return w.costs(func() string {
				id := w.pays("refused", 1, "10.00")
				w.release(id)
				return id
			})
		}},
		{"each of thirty that were released together", 6, 3, func() spent {
			const many = 30
			var ids []string
			for i := range many {
				ids = append(ids, w.takes(fmt.Sprint("bulk-", i), 1, "10.00"))
			}
			for {
				if _, done, ok := w.c.TryReceive(); ok {
					done()
					continue
				}
				break
			}
			cost := w.costs(func() string {
				if err := w.c.Send(t.Context(), intlog.Work{Org: "willow-creek", Entries: ids}); err != nil {
					t.Fatal(err)
				}
				w.work()
				return ids[many-1]
			})
			if cost.Messages != 1 || cost.QuickBooksWrites != 1 || cost.QuickBooksReads != 0 {
				t.Errorf("%d together cost %+v", many, cost)
			}
			return spent{Write: cost.Write/many + 30, Read: cost.Read/many + 10} // they were taken in for 3 and 1
		}},
		{"automatic, the first entry of a worker that has just begun", 6, 5, func() spent {
			cold := newWay(t)
			cold.worker = posting.New(cold.store, cold.c, matching.New(cold.store, cold.c, lease.New(cold.store, "new", time.Now), time.Now), func() time.Time { return cold.at })
			return cold.costs(func() string { return cold.pays("cold", 1, "10.00") })
		}},
	} {
		got := path.walk()
		if got.Write > path.write*10 || got.Read > path.read*10 {
			t.Errorf("%s: %d write and %d read tenths of a unit, at most %d and %d units are allowed", path.name, got.Write, got.Read, path.write, path.read)
		}
		fmt.Fprintf(&table, "%-62s %6s %6s %9d %d, %d\n", path.name, tenths(got.Write), tenths(got.Read), got.Messages, got.QuickBooksWrites, got.QuickBooksReads)
	}
	goldenfile.Check(t, "costs", table.String())
}

func tenths(n int) string { return fmt.Sprintf("%d.%d", n/10, n%10) }
