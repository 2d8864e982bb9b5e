package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/porttest"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/rules"
	"github.com/passare/qbo-sync/internal/telemetry"
)

// scene is something that happens, and what is told of it.
type scene struct {
	what  string
	lines []string
}

// scenes plays everything that is told.
func scenes(t *testing.T) []scene {
	t.Helper()
	r := newRoom(t)
	r.watch.Person("John Smith")
	r.watch.Person("Ana Diaz")
	var all []scene
	scene := func(what string) { all = append(all, scene{what, r.out.take()}) }
	problem := func(k rules.Kind) rules.Problem { return rules.Problem{Kind: k, Text: "John Smith"} }
	tried := func(code, trace string) func(*intlog.Entry) {
		return func(e *intlog.Entry) {
			e.Tried(intlog.Attempt{At: r.clock.now(), Outcome: "John Smith", Code: code, Trace: trace})
		}
	}

	e := r.create(r.entry("p1", intlog.Queued))
	scene("taken in, with auto-sync on")
	r.clock.advance(2 * time.Second)
	e = r.move(e, intlog.Waiting, machine, func(e *intlog.Entry) {
		e.Cause, e.DueAt = []rules.Problem{problem(rules.Member), problem(rules.Member)}, r.clock.now().Add(time.Minute)
	})
	scene("it waits for other records")
	r.clock.advance(time.Minute)
	e = r.move(e, intlog.Claimed, machine, func(e *intlog.Entry) {
		e.Postings = []intlog.Posting{{N: 1, Doc: "24-0113-X5SVZ5YKYV"}, {N: 2, Doc: "24-0113-ABCDEFGHIJ"}}
	})
	scene("it is claimed")
	r.clock.advance(time.Second)
	e = r.update(e, tried("", "1-5f73"), func(e *intlog.Entry) { e.Postings[0].QuickBooksID, e.Postings[1].Faults = "145", 1 })
	scene("one of two outcomes stays unknown")
	r.clock.advance(4 * time.Minute)
	e = r.move(e, intlog.Claimed, machine)
	scene("it is taken up again")
	stranded := r.update(e, func(e *intlog.Entry) { e.Cause = []rules.Problem{problem(rules.Company)} })
	scene("another company was connected while it was unknown")
	r.clock.advance(time.Second)
	r.move(stranded, intlog.Synced, machine, tried("", "1-5f74"), func(e *intlog.Entry) { e.Postings[1].QuickBooksID = "146" })
	scene("it is in QuickBooks")

	e = r.create(r.entry("p2", intlog.Held))
	scene("taken in, and held for the button")
	r.clock.advance(time.Hour)
	e = r.move(e, intlog.Pending, "Ana Diaz")
	scene("the button is clicked, with auto-sync off")
	e = r.move(e, intlog.Queued, "Ana Diaz")
	scene("a person sends it")
	e = r.move(e, intlog.Failed, machine, tried("6540", "1-5f75"), func(e *intlog.Entry) {
		e.Cause = []rules.Problem{problem(rules.Mapping), problem(rules.Period), problem(rules.Mapping)}
	})
	scene("it fails")
	r.clock.advance(time.Hour)
	e = r.move(e, intlog.Queued, machine)
	scene("its cause may be gone")
	r.clock.advance(1500 * time.Millisecond)
	r.move(e, intlog.Synced, machine)
	scene("it is in QuickBooks, 1.5 s after it was released")

	for _, to := range []intlog.State{intlog.Superseded, intlog.Excluded, intlog.Deleted} {
		e = r.create(r.entry("p-"+string(to), intlog.Pending))
		r.out.take()
		r.move(e, to, machine)
		scene(string(to))
	}
	baseline := r.entry("p3", intlog.Excluded)
	baseline.History[0].Who = "Passare"
	r.create(baseline)
	scene("taken in as part of the opening balances, by Passare itself")

	if _, err := r.memory.PutConfig(t.Context(), org.Config{Org: "willow-creek"}, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.store.Broken(t.Context(), "willow-creek", 0, r.clock.advance(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.store.Broken(t.Context(), "willow-creek", 7, r.clock.advance(time.Second)); err != nil {
		t.Fatal(err)
	}
	scene("QuickBooks refuses the grant, again, and one that is not the present one")

	for _, q := range []intlog.Quarantined{
		{Org: "willow-creek", Record: passare.Ref{Type: passare.Payment, ID: "p1"}, Reason: fault.Error{Code: fault.Conflict, Message: "John Smith"}, Body: []byte("John Smith")},
		{Org: "John Smith", Record: passare.Ref{Type: passare.Payment, ID: "John Smith"}, Reason: fault.Error{Code: fault.Invalid}},
		{Reason: fault.Error{Code: fault.Invalid}},
	} {
		if err := r.store.Quarantine(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	scene("deliveries go into quarantine: a twin, one with names where ids should be, one of nobody")

	r.telemetry.OldestDue(0)
	r.telemetry.OldestDue(-time.Second)
	r.telemetry.OldestDue(20*time.Minute + 999*time.Millisecond)
	scene("what is due: nothing, nothing on a clock that is behind, something for 20 minutes")
	r.telemetry.GoodNight()
	scene("a good night")
	night := reconcile.Night{
		Date: "2026-02-28", State: reconcile.Differs, By: "Ana Diaz", Full: true, Why: "John Smith", Entries: 214, Amount: 18233010, Reads: 7, Found: 2, Gone: 1, Open: 3, Says: "John Smith",
		First: []reconcile.Told{{ID: "d1", Sentence: "John Smith", Amount: 100}},
	}
	r.telemetry.Proved(t.Context(), "willow-creek", night)
	night.State, night.Done = reconcile.Running, 100
	r.telemetry.Proved(t.Context(), "John Smith", night)
	night.State = reconcile.Failed
	r.telemetry.Proved(t.Context(), "willow-creek", night)
	scene("the proof of an organisation's books: done, under way, and one that could not be done")
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "8f5e1c2a"})
	if _, _, err := r.store.Create(ctx, r.entry("p4", intlog.Pending), nil); err != nil {
		t.Fatal(err)
	}
	r.telemetry.Log().WarnContext(ctx, "something else", "code", fault.Unavailable)
	scene("in an invocation")
	r.telemetry.Log().With("trace", "t1").WithGroup("delivery").Info("something else", "events", 3)
	scene("of a logger that was made from it")
	return all
}

func TestGoldenWhatIsToldOfEachStep(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, s := range scenes(t) {
		b.WriteString("# " + s.what + "\n" + strings.Join(s.lines, "") + "\n")
	}
	goldenfile.Check(t, "lines", b.String())
}

// TestTheDocumentationNamesAllThatIsTold: each member of each line, and each metric with its unit.
func TestTheDocumentationNamesAllThatIsTold(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	named := func(key string) bool { return regexp.MustCompile(`\b` + key + `\b`).MatchString(page) }
	for _, s := range scenes(t) {
		if s.what == "of a logger that was made from it" {
			continue // others' fields
		}
		for _, written := range s.lines {
			for key := range parsed(t, written) {
				if key != "_aws" && !named(key) {
					t.Errorf("%s is told and not documented", key)
				}
			}
		}
	}
	for _, m := range telemetry.Metrics() {
		if !regexp.MustCompile(`(?m)^//\t` + string(m) + ` +` + m.Unit() + ` `).MatchString(page) {
			t.Errorf("the table has no %s in %s", m, m.Unit())
		}
	}
}

func TestEachTransitionIsOneLine(t *testing.T) {
	t.Parallel()
	for _, from := range intlog.States() {
		for _, to := range intlog.Next(from) {
			t.Run(fmt.Sprintf("from %s to %s", from, to), func(t *testing.T) {
				t.Parallel()
				r := newRoom(t)
				e := r.create(r.entry("p1", from))
				if line := r.line(); line["to"] != string(from) || line["EntriesTaken"] != 1.0 {
					t.Errorf("taken in: %v", line)
				}
				r.clock.advance(time.Second)
				r.move(e, to, machine)
				line := r.line()
				got := []any{line["message"], line["entry"], line["rev"], line["from"], line["to"], line["age_ms"]}
				if diff := cmp.Diff([]any{"transition", e.ID(), 2.0, string(from), string(to), 1000.0}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestTimeToBooksBeginsWhenTheMachineGotIt(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(r *room) intlog.Entry{
		"what is taken in queued: then": func(r *room) intlog.Entry {
			return r.create(r.entry("p1", intlog.Queued))
		},
		"what a person released: then": func(r *room) intlog.Entry {
			e := r.create(r.entry("p1", intlog.Pending))
			r.clock.advance(time.Hour)
			return r.move(e, intlog.Queued, "Ana Diaz")
		},
		"what failed and was freed: then": func(r *room) intlog.Entry {
			e := r.move(r.create(r.entry("p1", intlog.Queued)), intlog.Failed, machine)
			r.clock.advance(time.Hour)
			return r.move(e, intlog.Queued, machine)
		},
		"a wait, a pause and a new plan begin nothing": func(r *room) intlog.Entry {
			e := r.create(r.entry("p1", intlog.Queued))
			r.clock.advance(-time.Hour)
			e = r.move(e, intlog.Waiting, machine)
			e = r.move(e, intlog.Claimed, machine)
			e = r.move(e, intlog.Queued, machine)
			e = r.move(e, intlog.Claimed, machine)
			r.clock.advance(time.Hour)
			return e
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			e := f(r)
			r.out.take()
			r.clock.advance(90 * time.Second)
			if e.State != intlog.Claimed {
				e = r.move(e, intlog.Claimed, machine)
				r.out.take()
			}
			r.move(e, intlog.Synced, machine)
			if line := r.line(); line["TimeToBooks"] != 90000.0 || line["EntriesSynced"] != 1.0 {
				t.Errorf("%v", line)
			}
		})
	}
}

// broken is a store that cannot write.
type broken struct {
	*memory.Store
	err error
}

func (b broken) Create(_ context.Context, e intlog.Entry, _ []passare.Ref) (intlog.Entry, bool, error) {
	return e, true, b.err
}
func (b broken) Update(_ context.Context, e intlog.Entry) (intlog.Entry, error) { return e, b.err }
func (b broken) Broken(context.Context, string, int64, time.Time) error         { return b.err }
func (b broken) Quarantine(context.Context, intlog.Quarantined) error           { return b.err }

func TestAWriteThatFailsIsNotToldAndItsErrorIsTheStores(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	err := errors.New("the store's")
	store := r.telemetry.Watch(broken{r.memory, err})
	_, _, create := store.Create(t.Context(), r.entry("p1", intlog.Queued), nil)
	_, update := store.Update(t.Context(), r.entry("p1", intlog.Queued))
	for what, got := range map[string]error{
		"Create": create, "Update": update, "Broken": store.Broken(t.Context(), "willow-creek", 0, r.clock.now()),
		"Quarantine": store.Quarantine(t.Context(), intlog.Quarantined{}),
	} {
		if got != err { // the very same, not one that wraps it
			t.Errorf("%s answers %v", what, got)
		}
	}
	if lines := r.out.take(); len(lines) > 0 {
		t.Errorf("told: %q", lines)
	}
}

func TestWhatChangesNothingIsNotTold(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	e := r.create(r.entry("p1", intlog.Queued))
	r.out.take()
	stored, created, err := r.store.Create(t.Context(), r.entry("p1", intlog.Pending), nil)
	if err != nil || created || cmp.Diff(e, stored) != "" {
		t.Errorf("a repeat: %t %v %v", created, err, stored)
	}
	moved := r.move(e, intlog.Unchanged, machine)
	r.out.take()
	if stored, err := r.store.Update(t.Context(), e); !fault.Is(err, fault.Conflict) || cmp.Diff(moved, stored) != "" {
		t.Errorf("a stale write: %v %v", err, stored)
	}
	if err := r.store.Broken(t.Context(), "nobody", 0, r.clock.now()); !fault.Is(err, fault.NotFound) {
		t.Errorf("an organisation that is not there: %v", err)
	}
	if lines := r.out.take(); len(lines) > 0 {
		t.Errorf("told: %q", lines)
	}
}

// unreadable is a store whose configurations cannot be read.
type unreadable struct{ *memory.Store }

func (unreadable) Broken(context.Context, string, int64, time.Time) error { return nil }
func (unreadable) Config(context.Context, string) (org.Config, error) {
	return org.Config{}, fault.New(fault.Unavailable, "Later.")
}

func TestABrokenConnectionIsRatherToldTwiceThanNever(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	if err := r.telemetry.Watch(unreadable{r.memory}).Broken(t.Context(), "willow-creek", 0, r.clock.now()); err != nil {
		t.Error(err)
	}
	if line := r.line(); line["ConnectionsBroken"] != 1.0 {
		t.Errorf("%v", line)
	}
}

// full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestALineThatCannotBeWrittenStopsNothing(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	deaf := telemetry.New(telemetry.Options{Out: full{}, Stage: "test", Function: "worker", Now: r.clock.now})
	deaf.GoodNight()
	deaf.OldestDue(0)
	deaf.Log().Error("something else")
	store := deaf.Watch(r.memory)
	e, created, err := store.Create(t.Context(), r.entry("p1", intlog.Queued), nil)
	if err != nil || !created {
		t.Fatalf("created %t: %v", created, err)
	}
	if _, err := store.Update(t.Context(), e); err != nil {
		t.Error(err)
	}
}

func TestTheLevelIsForTheLogAlone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	const warn = 4 // slog.LevelWarn
	quiet := telemetry.New(telemetry.Options{Out: r.out, Stage: "test", Function: "worker", Level: warn, Now: r.clock.now})
	quiet.Log().Info("dropped")
	quiet.Log().With("a", 1).Info("dropped, too")
	quiet.Log().Warn("kept")
	if line := r.line(); line["message"] != "kept" {
		t.Errorf("%v", line)
	}
	quiet.GoodNight()
	if line := r.line(); line["GoodNight"] != 1.0 {
		t.Errorf("%v", line)
	}
}

func TestManyAtOnceWriteWholeLines(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	const many, each = 20, 20
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			for k := range each {
				e := r.create(r.entry(fmt.Sprintf("p%d-%d", i, k), intlog.Queued))
				r.move(e, intlog.Unchanged, machine)
				r.telemetry.OldestDue(time.Minute)
				r.telemetry.Log().Info("something else")
			}
		})
	}
	all.Wait()
	lines := r.out.take()
	if len(lines) != 4*many*each {
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		embedded(t, l)
	}
}

// whole is the watched store with what telemetry does not look at.
type whole struct {
	*telemetry.Watched
	matching.Register
	qbo.Meter
	qbo.Pauses
	reads
	kept
}

// kept is what is kept of how an organisation was set up.
type kept interface {
	SettingsChanges(ctx context.Context, org string, limit int) ([]org.SettingsChange, error)
	MappingVersions(ctx context.Context, at org.Company, before int64, limit int) ([]org.MappingVersion, error)
	MappingVersion(ctx context.Context, at org.Company, version int64) (org.MappingVersion, bool, error)
	Listing(ctx context.Context, at org.Company, list journal.List) (journal.Listing, bool, error)
	PutListing(ctx context.Context, at org.Company, l journal.Listing) error
}

type reads interface {
	ReadsOf(ctx context.Context, org, month string) (int, error)
	OfCase(ctx context.Context, org, caseID string, after intlog.Mark, most int) ([]intlog.Entry, *intlog.Mark, error)
}

func TestAWatchedStoreIsAStore(t *testing.T) {
	t.Parallel()
	porttest.Store(t, func(t *testing.T) porttest.StorePort {
		r := newRoom(t)
		return whole{r.store, r.memory, r.memory, r.memory, r.memory, r.memory}
	})
}
