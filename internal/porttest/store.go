package porttest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/setup"
)

// StorePort is everything that use cases ask of a store.
type StorePort interface {
	intake.Store
	posting.Store
	review.Store
	review.Reads
	retrying.Store
	reconcile.Store
	matching.Register
	grant.Store
	setup.Store
	qbo.Meter
	qbo.Pauses
	// ReadsOf says how many reads an organisation has spent in a month.
	ReadsOf(ctx context.Context, org, month string) (int, error)
}

// began is when the entries of these suites are made.
func began() time.Time { return time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC) }

// entry makes an entry of a payment.
func entry(organisation, id string, version int64, s intlog.State) intlog.Entry {
	e := passare.Event{
		Org: organisation, Record: passare.Ref{Type: passare.Payment, ID: id}, Version: version, Verb: passare.Created, Hash: "hash", Raw: []byte(`{}`),
		Case: &passare.Case{ID: "c1", Number: "24-1"}, Body: &passare.PaymentBody{Amount: 1000, Date: "2026-03-04"},
	}
	return intlog.New(e, s, "why", began())
}

// ok is a call that must succeed: ok(f())(t).
func ok[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func create(t *testing.T, s StorePort, e intlog.Entry, mentions ...passare.Ref) intlog.Entry {
	t.Helper()
	stored, created, err := s.Create(t.Context(), e, mentions)
	if err != nil || !created {
		t.Fatalf("created %t: %v", created, err)
	}
	return stored
}

func move(t *testing.T, s StorePort, e intlog.Entry, to intlog.State, now time.Time) intlog.Entry {
	t.Helper()
	moved := ok(e.Move(to, "test", "", now))(t)
	return ok(s.Update(t.Context(), moved))(t)
}

func ids(entries []intlog.Entry) []string {
	list := []string{}
	for _, e := range entries {
		list = append(list, e.ID())
	}
	return list
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// How long a list may be behind what is stored, and how often one looks again.
const (
	lag    = 5 * time.Second
	moment = 20 * time.Millisecond
)

// becomes is same for what a store may tell a moment late: lists and counters.
func becomes[T any](t *testing.T, what string, want T, read func() T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lag)
	defer cancel()
	for got := read(); !cmp.Equal(want, got); got = read() {
		if lease.Pause(ctx, moment) != nil {
			same(t, what, want, got)
			return
		}
	}
}

func conflicts(t *testing.T, what string, err error) {
	t.Helper()
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("%s: %v, want a conflict", what, err)
	}
}

// Store runs the suite; empty makes a store without anything in it.
func Store(t *testing.T, empty func(*testing.T) StorePort) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, StorePort){
		"a created entry is stored once, and a second create answers the stored one":  createOnce,
		"an update needs the revision that was read, and answers the stored one else": updateByRevision,
		"of many updates at once one wins":                                            updateRace,
		"of many creates at once one wins":                                            createRace,
		"versions come oldest first, whatever order they were stored in":              versionsInOrder,
		"undos come right after what they undo, under keys of their own":              undos,
		"mentions are found again, each once":                                         mentionsFound,
		"a configuration changes only from the version that was read":                 configVersions,
		"a configuration and what is kept of its change are stored together":          reconfigured,
		"of many changes of a configuration at once one is made, and kept":            reconfigureRace,
		"changes of settings come newest first":                                       settingsChanges,
		"versions of a mapping belong to a company, and come newest first":            mappingVersions,
		"a list of QuickBooks belongs to a company, and is as it was last read":       listings,
		"what a person asked to be let go stays until the last sweep":                 freeings,
		"a pause is the later one and changes no version":                             pauses,
		"a dead grant is noted once, survives a change of settings, and is mended":    machineNotes,
		"metered reads are counted by organisation and month":                         reads,
		"due entries come longest due first, and only while the machine owns them":    due,
		"due entries come in turns, so that no organisation takes another's place":    dueInTurns,
		"postponing changes the due time alone, and only if it is as seen":            postpone,
		"lists are newest first, page by page, and follow the states":                 lists,
		"entries of a case are found among the newest of its organisation":            ofCase,
		"held entries are found by case and page, in version order":                   held,
		"the first click stands, and its sweeps go when they are done":                flags,
		"a link is two puts, each not there or the same":                              links,
		"of many who link to one name at once one wins":                               linkRace,
		"a link is replaced from the revision that was read":                          relinks,
		"an attempt to connect is taken once":                                         attempts,
		"a company is one organisation's":                                             owners,
		"a connection changes only from the revision that was read":                   connections,
		"the quarantine keeps a delivery once":                                        quarantine,
		"two organisations share nothing":                                             tenants,
		"what goes in and comes out is copied":                                        copies,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, empty(t))
		})
	}
}

func createOnce(t *testing.T, s StorePort) {
	a := create(t, s, entry("a", "p1", 1, intlog.Queued))
	twin := entry("a", "p1", 1, intlog.Pending)
	twin.Hash = "other"
	stored, created, err := s.Create(t.Context(), twin, nil)
	if err != nil || created {
		t.Errorf("created again: %v", err)
	}
	same(t, "the stored one", a, stored)
	same(t, "read back", a, ok(s.Entry(t.Context(), a.Key))(t))
	if _, err := s.Entry(t.Context(), intlog.Key{Org: "a", Record: a.Record, Version: 2}); !fault.Is(err, fault.NotFound) {
		t.Errorf("an entry that is not there: %v", err)
	}
}

func updateByRevision(t *testing.T, s StorePort) {
	a := create(t, s, entry("a", "p1", 1, intlog.Pending))
	b := move(t, s, a, intlog.Queued, began())
	if b.Rev != a.Rev+1 {
		t.Errorf("revision %d after %d", b.Rev, a.Rev)
	}
	stored, err := s.Update(t.Context(), a)
	conflicts(t, "an update of an older revision", err)
	same(t, "the stored one", b, stored)
	a.Version = 9
	if _, err := s.Update(t.Context(), a); !fault.Is(err, fault.NotFound) {
		t.Errorf("an update of nothing: %v", err)
	}
}

func race(n int, f func() bool) int64 {
	var wins atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if f() {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	return wins.Load()
}

func updateRace(t *testing.T, s StorePort) {
	a := create(t, s, entry("a", "p1", 1, intlog.Queued))
	if wins := race(50, func() bool { _, err := s.Update(t.Context(), a); return err == nil }); wins != 1 {
		t.Errorf("%d won", wins)
	}
}

func createRace(t *testing.T, s StorePort) {
	wins := race(50, func() bool {
		_, created, err := s.Create(t.Context(), entry("a", "p1", 1, intlog.Queued), nil)
		return err == nil && created
	})
	if wins != 1 {
		t.Errorf("%d won", wins)
	}
}

func versionsInOrder(t *testing.T, s StorePort) {
	for _, v := range []int64{10, 2, 999, 1} {
		create(t, s, entry("a", "p1", v, intlog.Queued))
	}
	create(t, s, entry("a", "p10", 1, intlog.Queued))
	r := ok(s.Record(t.Context(), "a", passare.Ref{Type: passare.Payment, ID: "p1"}))(t)
	same(t, "versions", []string{"payment.p1.1", "payment.p1.2", "payment.p1.10", "payment.p1.999"}, ids(r.Entries))
}

func undos(t *testing.T, s StorePort) {
	put := func(version int64, undo int) intlog.Entry {
		e := entry("a", "p1", version, intlog.Queued)
		if e.Undo = undo; undo > 0 {
			e = intlog.NewUndo(e, e.Key, "Ana Diaz", "why", began())
		}
		return create(t, s, e)
	}
	put(10, 0)
	put(2, 10)
	put(2, 2)
	first := put(2, 1)
	put(2, 0)
	put(1, 0)
	same(t, "read back", first, ok(s.Entry(t.Context(), first.Key))(t))
	if _, created, err := s.Create(t.Context(), first, nil); created || err != nil {
		t.Errorf("created again: %v", err)
	}
	want := []string{"payment.p1.1", "payment.p1.2", "payment.p1.2~1", "payment.p1.2~2", "payment.p1.2~10", "payment.p1.10"}
	r := ok(s.Record(t.Context(), "a", first.Record))(t)
	same(t, "of the record", want, ids(r.Entries))
	read := func() (got []string) {
		for mark := (intlog.Mark{}); ; {
			page := ok(s.List(t.Context(), "a", "all", mark, 2))(t)
			if len(page) == 0 {
				slices.Reverse(got)
				return got
			}
			got, mark = append(got, ids(page)...), intlog.MarkOf(page[len(page)-1])
		}
	}
	becomes(t, "page by page", want, read)
	becomes(t, "due", want, func() []string { return ids(ok(s.Due(t.Context(), first.DueAt, 10, 10))(t)) })
	moved := move(t, s, first, intlog.Unchanged, began())
	if err := s.Postpone(t.Context(), moved.Key, first.DueAt, first.DueAt); !fault.Is(err, fault.Conflict) {
		t.Errorf("an undo that is done is postponed: %v", err)
	}
	same(t, "the version that it undoes", intlog.Queued, ok(s.Entry(t.Context(), intlog.Key{Org: "a", Record: first.Record, Version: 2}))(t).State)
}

func mentionsFound(t *testing.T, s StorePort) {
	target := passare.Ref{Type: passare.Payment, ID: "p1"}
	create(t, s, entry("a", "b1", 1, intlog.Queued), target)
	create(t, s, entry("a", "b1", 2, intlog.Queued), target, target)
	create(t, s, entry("a", "b2", 1, intlog.Queued), target)
	r := ok(s.Record(t.Context(), "a", target))(t)
	got := []string{}
	for _, ref := range r.MentionedBy {
		got = append(got, ref.String())
	}
	slices.Sort(got)
	same(t, "mentioned by", []string{"payment/b1", "payment/b2"}, got)
}

func configVersions(t *testing.T, s StorePort) {
	if _, err := s.Config(t.Context(), "a"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no configuration: %v", err)
	}
	c := ok(s.PutConfig(t.Context(), org.Config{Org: "a", Name: "one"}, 0))(t)
	if _, err := s.PutConfig(t.Context(), org.Config{Org: "a"}, 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second first: %v", err)
	}
	d := ok(s.PutConfig(t.Context(), org.Config{Org: "a", Name: "two"}, c.Version))(t)
	if d.Version <= c.Version {
		t.Errorf("version %d after %d", d.Version, c.Version)
	}
	_, err := s.PutConfig(t.Context(), org.Config{Org: "a", Name: "three"}, c.Version)
	conflicts(t, "an older version", err)
	same(t, "read back", d, ok(s.Config(t.Context(), "a"))(t))
}

func pauses(t *testing.T, s StorePort) {
	c := ok(s.PutConfig(t.Context(), org.Config{Org: "a"}, 0))(t)
	late := began().Add(time.Hour)
	for _, until := range []time.Time{began(), late, began().Add(time.Minute)} {
		if err := s.Pause(t.Context(), "a", until); err != nil {
			t.Fatal(err)
		}
	}
	got := ok(s.Config(t.Context(), "a"))(t)
	if !got.PauseUntil.Equal(late) || got.Version != c.Version {
		t.Errorf("paused until %s, version %d after %d", got.PauseUntil, got.Version, c.Version)
	}
}

func machineNotes(t *testing.T, s StorePort) {
	c := ok(s.PutConfig(t.Context(), org.Config{Org: "a"}, 0))(t)
	at := began()
	broken := func(grants int64, since time.Time) {
		t.Helper()
		if err := s.Broken(t.Context(), "a", grants, since); err != nil {
			t.Fatal(err)
		}
	}
	broken(0, at)
	broken(0, at.Add(time.Hour))
	c.Name = "changed"
	got := ok(s.PutConfig(t.Context(), c, c.Version))(t)
	if !got.BrokenSince.Equal(at) {
		t.Errorf("a change of settings loses the note: broken since %s", got.BrokenSince)
	}
	if err := s.Mended(t.Context(), "a", []time.Time{at, at.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if got = ok(s.Config(t.Context(), "a"))(t); !got.BrokenSince.IsZero() || got.Grants != 1 || len(got.Sweeps) != 2 || got.Version != c.Version+1 {
		t.Errorf("mended: %+v", got)
	}
	broken(0, at)
	if got = ok(s.Config(t.Context(), "a"))(t); !got.BrokenSince.IsZero() {
		t.Error("a refusal of the grant before is noted")
	}
	broken(1, at)
	if got = ok(s.Config(t.Context(), "a"))(t); !got.BrokenSince.Equal(at) {
		t.Error("a refusal of this grant is not noted")
	}
	swept := func(now time.Time) func() []string {
		return func() []string { return append([]string{}, ok(s.ConfigSweeps(t.Context(), now, 10))(t)...) }
	}
	becomes(t, "sweeps due", []string{"a"}, swept(at))
	if err := s.ConfigSwept(t.Context(), "a", at); err != nil {
		t.Fatal(err)
	}
	becomes(t, "due when it is swept", []string{}, swept(at.Add(time.Minute)))
	becomes(t, "the later one", []string{"a"}, swept(at.Add(time.Hour)))
}

func reads(t *testing.T, s StorePort) {
	for i, id := range []string{"a", "b", "a"} {
		if n := ok(s.SpendRead(t.Context(), id, "2026-03"))(t); n != i+1 {
			t.Errorf("read %d is counted as %d", i+1, n)
		}
	}
	for month, want := range map[string]int{"2026-03": 3, "2026-04": 0} {
		becomes(t, "spent in "+month, want, func() int { return ok(s.ReadsSpent(t.Context(), month))(t) })
	}
	becomes(t, "spent by a", 2, func() int { return ok(s.ReadsOf(t.Context(), "a", "2026-03"))(t) })
}

func due(t *testing.T, s StorePort) {
	a := create(t, s, entry("a", "p1", 1, intlog.Queued))
	create(t, s, entry("a", "p2", 1, intlog.Pending))
	c := create(t, s, entry("b", "p3", 1, intlog.Queued))
	if err := s.Postpone(t.Context(), c.Key, c.DueAt, a.DueAt.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	read := func(now time.Time, most int) func() []string {
		return func() []string { return ids(ok(s.Due(t.Context(), now, most, most))(t)) }
	}
	becomes(t, "before", []string{}, read(a.DueAt.Add(-time.Hour), 10))
	becomes(t, "longest due first", []string{"payment.p3.1", "payment.p1.1"}, read(a.DueAt, 10))
	becomes(t, "within the limit", []string{"payment.p3.1"}, read(a.DueAt, 1))
	move(t, s, a, intlog.Unchanged, began())
	becomes(t, "after it is done", []string{"payment.p3.1"}, read(a.DueAt.Add(time.Hour), 10))
}

func dueInTurns(t *testing.T, s StorePort) {
	const small = 40 // more than any adapter has partitions, so that some are beside the large one
	var first []string
	for i := range 60 {
		e := entry("large", fmt.Sprintf("p%02d", i), 1, intlog.Queued)
		e.DueAt = began().Add(time.Duration(i) * time.Second)
		create(t, s, e)
	}
	for i := range small {
		e := entry(fmt.Sprintf("small-%02d", i), "p", 1, intlog.Queued)
		e.DueAt = began().Add(time.Duration(60+i) * time.Second)
		create(t, s, e)
		first = append(first, e.Org+" "+e.ID())
	}
	late := entry("small-00", "late", 1, intlog.Queued)
	late.DueAt = began().Add(time.Hour)
	create(t, s, late)
	second := entry("small-01", "second", 1, intlog.Queued)
	second.DueAt = began().Add(2 * time.Minute)
	create(t, s, second)
	read := func(most, each int) func() []string {
		return func() (list []string) {
			for _, e := range ok(s.Due(t.Context(), began().Add(10*time.Minute), most, each))(t) {
				list = append(list, e.Org+" "+e.ID())
			}
			return list
		}
	}
	all := slices.Concat([]string{"large payment.p00.1"}, first, []string{"large payment.p01.1", "small-01 payment.second.1", "large payment.p02.1"})
	becomes(t, "in turns", all, read(100, 3))
	becomes(t, "one of each", all[:small+1], read(100, 1))
	becomes(t, "when there is less room than there are organisations", all[:5], read(5, 3))
	becomes(t, "when the room ends in the second turn", all[:small+2], read(small+2, 3))
}

func postpone(t *testing.T, s StorePort) {
	a := create(t, s, entry("a", "p1", 1, intlog.Queued))
	to := a.DueAt.Add(time.Hour)
	if err := s.Postpone(t.Context(), a.Key, a.DueAt, to); err != nil {
		t.Fatal(err)
	}
	conflicts(t, "a due time that is no longer seen", s.Postpone(t.Context(), a.Key, a.DueAt, to))
	got := ok(s.Entry(t.Context(), a.Key))(t)
	want := a
	want.DueAt = to
	same(t, "the entry", want, got)
	move(t, s, a, intlog.Unchanged, began())
	conflicts(t, "an entry that is done", s.Postpone(t.Context(), a.Key, to, to))
}

func lists(t *testing.T, s StorePort) {
	var all []intlog.Entry
	for i := range 7 {
		e := entry("a", fmt.Sprintf("p%d", i), 1, intlog.Pending)
		e.Created = e.Created.Add(time.Duration(i/2) * time.Second) // pairs of the same time
		all = append(all, create(t, s, e))
	}
	read := func(tab string, limit int) func() []string {
		return func() (got []string) {
			mark := intlog.Mark{}
			for {
				page := ok(s.List(t.Context(), "a", tab, mark, limit))(t)
				if len(page) == 0 {
					return got
				}
				if len(page) > limit {
					t.Fatalf("%d on a page of %d", len(page), limit)
				}
				got = append(got, ids(page)...)
				mark = intlog.MarkOf(page[len(page)-1])
			}
		}
	}
	want := ids(all)
	oldest := func(tab string, limit int) func() []string {
		return func() (got []string) {
			mark := intlog.Mark{}
			for {
				page := ok(s.ListOldest(t.Context(), "a", tab, mark, limit))(t)
				if len(page) == 0 {
					return got
				}
				got = append(got, ids(page)...)
				mark = intlog.MarkOf(page[len(page)-1])
			}
		}
	}
	for _, limit := range []int{1, 3, 7, 100} {
		becomes(t, "pending, the oldest first", slices.Clone(want), oldest("pending", limit))
		becomes(t, "all, the oldest first", slices.Clone(want), oldest("all", limit))
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 7, 100} {
		becomes(t, "pending", want, read("pending", limit))
	}
	queued := move(t, s, all[3], intlog.Queued, began())
	failed := move(t, s, queued, intlog.Failed, began())
	becomes(t, "pending, when one left", slices.DeleteFunc(slices.Clone(want), func(id string) bool { return id == failed.ID() }), read("pending", 3))
	becomes(t, "errors", []string{failed.ID()}, read("errors", 3))
	// What is stuck is shown among them, in its place, as long as it is.
	waiting := move(t, s, all[1], intlog.Queued, began())
	waiting.Until = began().Add(time.Minute)
	waiting = move(t, s, waiting, intlog.Waiting, began())
	becomes(t, "errors, when one has begun to wait", []string{failed.ID()}, read("errors", 3))
	waiting = move(t, s, waiting, intlog.Waiting, began().Add(intlog.StuckAfter))
	newer := move(t, s, all[5], intlog.Queued, began())
	for range 3 {
		newer = move(t, s, newer, intlog.Claimed, began())
	}
	for _, limit := range []int{1, 2, 3, 100} {
		becomes(t, "errors, with what is stuck", []string{newer.ID(), failed.ID(), waiting.ID()}, read("errors", limit))
		becomes(t, "errors, with what is stuck, the oldest first", []string{waiting.ID(), failed.ID(), newer.ID()}, oldest("errors", limit))
	}
	move(t, s, newer, intlog.Synced, began())
	move(t, s, waiting, intlog.Queued, began())
	becomes(t, "errors, when nothing is stuck", []string{failed.ID()}, read("errors", 3))
	becomes(t, "all", want, read("all", 3))
}

func held(t *testing.T, s StorePort) {
	create(t, s, entry("a", "p1", 2, intlog.Held))
	one := create(t, s, entry("a", "p1", 1, intlog.Held))
	other := entry("a", "p2", 1, intlog.Held)
	other.Case = "c2"
	create(t, s, other)
	goods := entry("a", "g1", 1, intlog.Held)
	goods.Page = passare.GoodsPage
	create(t, s, goods)
	read := func() []string {
		return ids(ok(s.HeldOn(t.Context(), "a", "c1", passare.PaymentsPage))(t))
	}
	becomes(t, "held", []string{"payment.p1.1", "payment.p1.2"}, read)
	move(t, s, one, intlog.Queued, began())
	becomes(t, "after one is released", []string{"payment.p1.2"}, read)
}

func flags(t *testing.T, s StorePort) {
	ctx := context.Background()
	if _, found, err := s.Flag(ctx, "a", "c1", passare.GoodsPage); found || err != nil {
		t.Errorf("found %t, %v", found, err)
	}
	soon, late := began().Add(time.Minute), began().Add(time.Hour)
	f := org.Flag{Org: "a", Case: "c1", Page: passare.GoodsPage, By: "Ana", Sweeps: []time.Time{soon, late}}
	for _, by := range []string{"Ana", "Ben"} {
		f.By = by
		if err := s.PutFlag(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	var got org.Flag
	becomes(t, "clicked by", "Ana", func() string {
		f, _, err := s.Flag(ctx, "a", "c1", passare.GoodsPage)
		if err != nil {
			t.Error(err)
		}
		got = f
		return f.By
	})
	if _, found, _ := s.Flag(ctx, "a", "c1", passare.PaymentsPage); found {
		t.Error("the other page is flagged, too")
	}
	sweeps := func(what string, want ...int) {
		t.Helper()
		becomes(t, what, want, func() (n []int) {
			for _, now := range []time.Time{began(), soon, late} {
				n = append(n, len(ok(s.FlagSweeps(ctx, now, 10))(t)))
			}
			return n
		})
	}
	sweeps("sweeps", 0, 1, 1)
	if err := s.Swept(ctx, got, soon); err != nil {
		t.Error(err)
	}
	sweeps("after the first", 0, 0, 1)
	if err := s.Swept(ctx, got, late); err != nil {
		t.Error(err)
	}
	sweeps("after the last", 0, 0, 0)
}

func links(t *testing.T, s StorePort) {
	ctx := context.Background()
	at := org.Company{Org: "a", Realm: "1"}
	one := intlog.Link{Kind: journal.Customer, Key: "case:1", ID: "7", Display: "John", Rev: 1}
	for range 2 {
		same(t, "stored", one, ok(s.PutLink(ctx, at, one))(t))
	}
	other := one
	other.ID = "8"
	stored, err := s.PutLink(ctx, at, other)
	conflicts(t, "another id for the key", err)
	same(t, "the key's link", one, stored)
	thief := one
	thief.Key = "case:2"
	stored, err = s.PutLink(ctx, at, thief)
	conflicts(t, "another key for the id", err)
	same(t, "no link", intlog.Link{}, stored)
	if _, found, err := s.Link(ctx, at, journal.Customer, "case:2"); found || err != nil {
		t.Errorf("half a link was stored: %v", err)
	}
	if _, found, _ := s.Link(ctx, at, journal.Vendor, "case:1"); found {
		t.Error("customers and vendors share links")
	}
}

func linkRace(t *testing.T, s StorePort) {
	at := org.Company{Org: "a", Realm: "1"}
	n := atomic.Int64{}
	if wins := race(50, func() bool {
		key := fmt.Sprint("case:", n.Add(1))
		_, err := s.PutLink(t.Context(), at, intlog.Link{Kind: journal.Customer, Key: key, ID: "7"})
		return err == nil
	}); wins != 1 {
		t.Errorf("%d have the name", wins)
	}
	if links := ok(s.Links(t.Context(), at, journal.Customer, "", 100))(t); len(links) > 1 {
		t.Errorf("linked: %v", links)
	}
}

func relinks(t *testing.T, s StorePort) {
	ctx := context.Background()
	at := org.Company{Org: "a", Realm: "1"}
	link := func(key, id string) intlog.Link { return intlog.Link{Kind: journal.Customer, Key: key, ID: id} }
	_ = ok(s.PutLink(ctx, at, link("case:1", "7")))(t)
	_ = ok(s.PutLink(ctx, at, link("case:2", "8")))(t)
	_, err := s.Relink(ctx, at, link("case:1", "9"), 1)
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("nothing to count it in: %v", err)
	}
	config := ok(s.PutConfig(ctx, org.Config{Org: "a"}, 0))(t)
	_, err = s.Relink(ctx, at, link("case:1", "8"), 1)
	conflicts(t, "an id that is another's", err)
	if _, err := s.Relink(ctx, at, link("case:1", "9"), 0); !fault.Is(err, fault.Stale) {
		t.Errorf("an older revision: %v", err)
	}
	same(t, "moved", int64(2), ok(s.Relink(ctx, at, link("case:1", "9"), 1))(t).Rev)
	same(t, "the old id is free", int64(2), ok(s.Relink(ctx, at, link("case:2", "7"), 1))(t).Rev)
	same(t, "the new one is not there yet", int64(1), ok(s.Relink(ctx, at, link("case:3", "8"), 0))(t).Rev)
	same(t, "counted, whatever else changes", int64(3), ok(s.PutConfig(ctx, config, config.Version))(t).Relinks)
	becomes(t, "in pages by their keys", []string{"case:1 9", "case:2 7", "case:3 8"}, func() (keys []string) {
		for after := ""; ; {
			page := ok(s.Links(ctx, at, journal.Customer, after, 2))(t)
			if len(page) == 0 {
				return keys
			}
			for _, l := range page {
				keys, after = append(keys, l.Key+" "+l.ID), l.Key
			}
		}
	})
	_, found, err := s.Link(ctx, at, journal.Customer, "case:9")
	if found || err != nil {
		t.Errorf("%t %v", found, err)
	}
}

func attempts(t *testing.T, s StorePort) {
	a := grant.Attempt{ID: "x", Browser: "b", Org: "a", Subject: "s", Name: "n", Other: true, Ends: began().Add(grant.AttemptLife)}
	if err := s.PutAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TakeAttempt(t.Context(), "y"); !fault.Is(err, fault.NotFound) {
		t.Errorf("another: %v", err)
	}
	var mu sync.Mutex
	var got []grant.Attempt
	wins := race(50, func() bool {
		taken, err := s.TakeAttempt(t.Context(), "x")
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			got = append(got, taken)
		}
		return err == nil
	})
	if wins != 1 || !fault.Is(fail(s.TakeAttempt(t.Context(), "x")), fault.NotFound) {
		t.Errorf("taken %d times", wins)
	}
	same(t, "taken", []grant.Attempt{a}, got)
}

// fail is a call of which only the error matters.
func fail[T any](_ T, err error) error { return err }

func connections(t *testing.T, s StorePort) {
	same(t, "none", org.Connection{}, ok(s.Connection(t.Context(), "a"))(t))
	first := ok(s.PutConnection(t.Context(), org.Connection{Org: "b", Realm: "1"}, 0))(t)
	conflicts(t, "a second first", fail(s.PutConnection(t.Context(), org.Connection{Org: "b"}, 0)))
	first.Company = "Willow"
	second := ok(s.PutConnection(t.Context(), first, first.Rev))(t)
	conflicts(t, "an older revision", fail(s.PutConnection(t.Context(), first, first.Rev)))
	same(t, "read back", second, ok(s.Connection(t.Context(), "b"))(t))
	for _, id := range []string{"c", "a"} {
		_ = ok(s.PutConnection(t.Context(), org.Connection{Org: id}, 0))(t)
	}
	becomes(t, "in pages by organisation", []string{"a", "b", "c"}, func() (orgs []string) {
		for after := ""; ; after = orgs[len(orgs)-1] {
			page := ok(s.Connections(t.Context(), after, 2))(t)
			if len(page) == 0 {
				return orgs
			}
			for _, c := range page {
				orgs = append(orgs, c.Org)
			}
		}
	})
}

func owners(t *testing.T, s StorePort) {
	ctx := t.Context()
	a, b := org.Company{Org: "a", Realm: "1"}, org.Company{Org: "b", Realm: "1"}
	owned := func(by string) {
		t.Helper()
		same(t, "owner", by, ok(s.CompanyOwner(ctx, "1"))(t))
	}
	done := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	owned("")
	done(s.OwnCompany(ctx, a))
	done(s.OwnCompany(ctx, a))
	conflicts(t, "another's", s.OwnCompany(ctx, b))
	done(s.FreeCompany(ctx, b))
	owned("a")
	done(s.FreeCompany(ctx, a))
	done(s.FreeCompany(ctx, a))
	owned("")
	n := atomic.Int64{}
	if wins := race(50, func() bool { return s.OwnCompany(ctx, org.Company{Org: fmt.Sprint("o", n.Add(1)), Realm: "2"}) == nil }); wins != 1 {
		t.Errorf("%d own it", wins)
	}
}

func quarantine(t *testing.T, s StorePort) {
	for range 3 {
		for _, body := range []string{"one", "two"} {
			if err := s.Quarantine(t.Context(), intlog.Quarantined{Org: "a", At: began(), Body: []byte(body)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	becomes(t, "kept", []string{"one", "two"}, func() (bodies []string) {
		for _, q := range ok(s.Quarantined(t.Context(), "a"))(t) {
			bodies = append(bodies, string(q.Body))
		}
		return bodies
	})
}

func tenants(t *testing.T, s StorePort) {
	ctx := context.Background()
	a := create(t, s, entry("a", "p1", 1, intlog.Held), passare.Ref{Type: passare.Refund, ID: "f"})
	_ = ok(s.PutConfig(ctx, org.Config{Org: "a"}, 0))(t)
	_ = ok(s.PutLink(ctx, org.Company{Org: "a", Realm: "1"}, intlog.Link{Kind: journal.Customer, Key: "case:1", ID: "7"}))(t)
	if err := s.PutFlag(ctx, org.Flag{Org: "a", Case: "c1", Page: passare.GoodsPage}); err != nil {
		t.Fatal(err)
	}
	if err := s.Quarantine(ctx, intlog.Quarantined{Org: "a", Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	key := a.Key
	key.Org = "b"
	if _, err := s.Entry(ctx, key); !fault.Is(err, fault.NotFound) {
		t.Errorf("entry: %v", err)
	}
	if _, err := s.Config(ctx, "b"); !fault.Is(err, fault.NotFound) {
		t.Errorf("configuration: %v", err)
	}
	for _, ref := range []passare.Ref{a.Record, {Type: passare.Refund, ID: "f"}} {
		if r := ok(s.Record(ctx, "b", ref))(t); len(r.Entries)+len(r.MentionedBy) > 0 {
			t.Errorf("record: %+v", r)
		}
	}
	if list := ok(s.List(ctx, "b", "all", intlog.Mark{}, 10))(t); len(list) > 0 {
		t.Errorf("list: %v", ids(list))
	}
	if list := ok(s.HeldOn(ctx, "b", "c1", passare.PaymentsPage))(t); len(list) > 0 {
		t.Errorf("held: %v", ids(list))
	}
	if _, found, _ := s.Flag(ctx, "b", "c1", passare.GoodsPage); found {
		t.Error("flag")
	}
	for _, other := range []org.Company{{Org: "b", Realm: "1"}, {Org: "a", Realm: "2"}} {
		if _, found, _ := s.Link(ctx, other, journal.Customer, "case:1"); found {
			t.Errorf("%+v has the link", other)
		}
		if list := ok(s.Links(ctx, other, journal.Customer, "", 10))(t); len(list) > 0 {
			t.Errorf("%+v: %v", other, list)
		}
		if _, err := s.PutLink(ctx, other, intlog.Link{Kind: journal.Customer, Key: "case:2", ID: "7"}); err != nil {
			t.Errorf("the same QuickBooks id in another company: %v", err)
		}
	}
	if kept := ok(s.Quarantined(ctx, "b"))(t); len(kept) > 0 {
		t.Error("quarantine")
	}
}

func copies(t *testing.T, s StorePort) {
	e := entry("a", "p1", 1, intlog.Queued)
	e.Postings = []intlog.Posting{{N: 1, Doc: "d1"}}
	stored := create(t, s, e)
	e.Postings[0].Doc = "changed"
	stored.Postings[0].Doc = "changed"
	stored.History[0].Who = "changed"
	got := ok(s.Entry(t.Context(), e.Key))(t)
	if got.Postings[0].Doc != "d1" || got.History[0].Who == "changed" {
		t.Errorf("the store changed with its caller: %+v", got)
	}
	got.Postings[0].Doc = "changed"
	r := ok(s.Record(t.Context(), "a", e.Record))(t)
	if r.Entries[0].Postings[0].Doc != "d1" {
		t.Error("the store changed with its reader")
	}
}
