package bench_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/passare/qbo-sync/internal/bench"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/posting"
)

var backlog = flag.String("backlog", "400", "sizes of a backlog, with commas (make bench: 1000,10000)")

// drained is what came of a backlog.
type drained struct {
	took                                       time.Duration
	requests, reads, refused, doubled, missing int
}

// scene is a backlog of one organisation, or spread over many.
type scene struct {
	entries, companies int
	unsure             int // calls of a thousand
	seed               uint64
}

func (s scene) each() int { return s.entries / s.companies }

func (s scene) String() string {
	text := fmt.Sprintf("%d entries of %d organisations", s.entries, s.companies)
	if s.companies == 1 {
		text = fmt.Sprintf("%d entries of one organisation", s.entries)
	}
	if s.unsure > 0 {
		text += fmt.Sprintf(", %d %% of the calls uncertain", s.unsure/10)
	}
	return text
}

func (s scene) fleet(t *testing.T, workers int) *bench.Fleet {
	t.Helper()
	f, err := bench.NewFleet(t.Context(), bench.FleetOptions{Companies: s.companies, Workers: workers, Unsure: s.unsure, Seed: s.seed, Now: time.Now})
	if err != nil {
		t.Fatal(fault.Line(err))
	}
	return f
}

// counts counts what the simulator has after all has arrived.
func (s scene) counts(f *bench.Fleet, took time.Duration) drained {
	f.Wire.Settle()
	d := drained{took: took}
	for i := range s.companies {
		c := f.Sim.Counted(bench.Company(i))
		d.reads += c.Reads
		d.refused += c.Throttled
		for _, n := range c.Requests {
			d.requests += n
		}
		docs := map[string]int{}
		for _, e := range f.Sim.Journal(bench.Company(i)) {
			docs[e.DocNumber]++
		}
		d.missing += s.each() - len(docs)
		for _, n := range docs {
			d.doubled += n - 1
		}
	}
	return d
}

// workers are as many as the template allows at once, unless it is told otherwise (WorkerConcurrency).
const workers = 10

// ours drains the scene with the product.
func ours(t *testing.T, s scene) (d drained) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := s.fleet(t, workers)
		ctx, stop := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer stop()
		var messages []intlog.Work
		for i := range s.companies {
			ids, err := f.Takes(ctx, i, s.each())
			if err != nil {
				t.Fatal(fault.Line(err))
			}
			for some := range slices.Chunk(ids, intlog.MaxWork) {
				messages = append(messages, intlog.Work{Org: bench.Organisation(i), Entries: some})
			}
		}
		began := time.Now()
		fails := func(err error) { t.Error(fault.Line(err)) }
		f.Run(ctx, func(intlog.Work) {}, fails)
		go f.Retry(ctx, fails)
		for _, w := range messages {
			if err := f.Queue.Send(ctx, w); err != nil {
				t.Fatal(err)
			}
		}
		for !allSynced(t, f, s) {
			if err := lease.Pause(ctx, time.Second); err != nil {
				t.Fatal(err)
			}
			if time.Since(began) > 24*time.Hour {
				t.Fatal("it never ends")
			}
		}
		d = s.counts(f, time.Since(began))
	})
	return d
}

// allSynced says whether every entry is in QuickBooks as far as we know.
func allSynced(t *testing.T, f *bench.Fleet, s scene) bool {
	t.Helper()
	for i := range s.companies {
		list, err := f.Store.List(t.Context(), bench.Organisation(i), intlog.Synced.Tab(), intlog.Mark{}, s.each())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) < s.each() {
			return false
		}
	}
	return true
}

// naive drains it with a naive connector for each organisation.
func naive(t *testing.T, s scene, workers int) (d drained) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := s.fleet(t, 1)
		began := time.Now()
		var all sync.WaitGroup
		for i := range s.companies {
			all.Go(func() { f.Naive(i, workers, s.seed+uint64(i)).Post(t.Context(), bench.Payments(s.each())) })
		}
		all.Wait()
		d = s.counts(f, time.Since(began))
	})
	return d
}

// TestDrainBesideWhatMostConnectorsDo: a backlog at QuickBooks' limits, in virtual time.
func TestDrainBesideWhatMostConnectorsDo(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	fmt.Fprintf(&table, "\n| backlog | | drained in | requests an entry | metered reads an entry | 429 | doubled | missing |\n|---|---|---|---|---|---|---|---|\n")
	for _, field := range strings.Split(*backlog, ",") {
		var n int
		if _, err := fmt.Sscan(field, &n); err != nil {
			t.Fatal(err)
		}
		for _, s := range []scene{{n, 1, 0, 1}, {n, 200, 0, 1}, {n, 1, 10, 1}} {
			we, one, pool := ours(t, s), naive(t, s, 1), naive(t, s, 10)
			for _, row := range []struct {
				who string
				d   drained
			}{{"this one", we}, {"naive, one by one", one}, {"naive, ten at once", pool}} {
				fmt.Fprintf(&table, "| %s | %s | %s | %.3f | %.3f | %d | %d | %d |\n", s, row.who, row.d.took.Round(time.Second), per(row.d.requests, n), per(row.d.reads, n), row.d.refused, row.d.doubled, row.d.missing)
			}
			fmt.Fprintf(&table, "| | times as fast | %.1f, %.1f | %.0f, %.0f times fewer | | | | |\n",
				one.took.Seconds()/we.took.Seconds(), pool.took.Seconds()/we.took.Seconds(), per(one.requests, we.requests), per(pool.requests, we.requests))
			check(t, s, we, one)
		}
	}
	t.Log(table.String())
	results(t, "drain", "A backlog at QuickBooks' limits, in virtual time (`go test ./internal/bench -run Drain -v -backlog="+*backlog+"`)", table.String())
}

// results keeps a table beside the package, for README to lead to, when it is told to (make bench).
func results(t *testing.T, name, title, table string) {
	t.Helper()
	if os.Getenv("WRITE_RESULTS") == "" {
		return
	}
	if err := os.WriteFile("results/"+name+".md", []byte("# "+title+"\n"+table), 0o644); err != nil {
		t.Fatal(err)
	}
}

func per(a, b int) float64 { return float64(a) / float64(b) }

// check holds a row to what is promised.
func check(t *testing.T, s scene, we, one drained) {
	t.Helper()
	if we.refused > 0 || we.doubled > 0 || we.missing > 0 {
		t.Errorf("%s: %+v", s, we)
	}
	if s.companies > 1 || s.unsure > 0 {
		return
	}
	if we.reads > 0 {
		t.Errorf("%s: %d metered reads", s, we.reads)
	}
	if one.requests < 25*we.requests {
		t.Errorf("%s: %d requests, the naive connector %d", s, we.requests, one.requests)
	}
	if one.took < 10*we.took {
		t.Errorf("%s: %s, the naive connector %s", s, we.took, one.took)
	}
	batches := (s.entries + posting.MaxBatch - 1) / posting.MaxBatch
	if allowed := time.Duration(batches-1) * pacing.BatchesEach; s.entries >= 10_000 && allowed*100 < we.took*95 {
		t.Errorf("%s: drained in %s, and %s are allowed", s, we.took, allowed)
	}
}
