package pacing_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
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

var burst = flag.Int("burst", 1200, "how many entries the large organisation has")

const (
	companies = 200 // one of them is the large one
	atOnce    = 10  // workers, each with its own process's pacer and client
)

func newFleet(t *testing.T) *bench.Fleet {
	t.Helper()
	f, err := bench.NewFleet(t.Context(), bench.FleetOptions{Companies: companies, Workers: atOnce, Now: time.Now})
	if err != nil {
		t.Fatal(fault.Line(err))
	}
	return f
}

func takes(t *testing.T, f *bench.Fleet, i, many int) []string {
	t.Helper()
	ids, err := f.Takes(t.Context(), i, many)
	if err != nil {
		t.Fatal(fault.Line(err))
	}
	return ids
}

// smallOnes sends one entry of each small organisation at a random time within a span, and answers how long the slowest but 5 % take.
func smallOnes(t *testing.T, f *bench.Fleet, within time.Duration, large []string) (p95, drained time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer synctest.Wait()
	defer stop()
	began := time.Now()
	at := map[string]time.Time{}
	finished := make(chan intlog.Work, companies+len(large))
	f.Run(ctx, func(w intlog.Work) { finished <- w }, func(err error) { t.Error(fault.Line(err)) })
	messages := 0
	for some := range slices.Chunk(large, intlog.MaxWork) {
		messages++
		if err := f.Queue.Send(ctx, intlog.Work{Org: bench.Organisation(0), Entries: some}); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := 1; i < companies; i++ {
		id, pause := takes(t, f, i, 1), time.Duration(random.Int64N(int64(within)))
		at[bench.Organisation(i)] = began.Add(pause)
		go func() {
			if lease.Pause(ctx, pause) == nil {
				_ = f.Queue.Send(ctx, intlog.Work{Org: bench.Organisation(i), Entries: id})
			}
		}()
	}
	var took []time.Duration
	for range messages + companies - 1 {
		w := <-finished
		if w.Org == bench.Organisation(0) {
			drained = time.Since(began)
			continue
		}
		took = append(took, time.Since(at[w.Org]))
	}
	slices.Sort(took)
	return took[len(took)*95/100], drained
}

// TestABurstOfOneOrganisation: T13. It drains as fast as QuickBooks allows, without a refusal for pace, and the small organisations do not notice.
func TestABurstOfOneOrganisation(t *testing.T) {
	t.Parallel()
	var alone time.Duration
	batches := (*burst + posting.MaxBatch - 1) / posting.MaxBatch
	allowed := time.Duration(batches-1) * pacing.BatchesEach
	synctest.Test(t, func(t *testing.T) { alone, _ = smallOnes(t, newFleet(t), allowed, nil) })
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		large := takes(t, f, 0, *burst)
		p95, drained := smallOnes(t, f, allowed, large)
		c := f.Sim.Counted(bench.Company(0))
		t.Logf("%d entries in %s, %.1f %% of what is allowed; %d requests of %d batches; small organisations' p95 %s, alone %s",
			*burst, drained, 100*allowed.Seconds()/drained.Seconds(), c.Requests["POST batch"], batches, p95, alone)
		for i := range companies {
			if n := f.Sim.Counted(bench.Company(i)).Throttled; n > 0 {
				t.Errorf("%s is refused %d times for pace", bench.Organisation(i), n)
			}
		}
		if n := len(f.Sim.Journal(bench.Company(0))); n != *burst {
			t.Errorf("%d entries of %d", n, *burst)
		}
		if began := 2 * bench.BatchTakes; (drained-began)*95 > allowed*100 {
			t.Errorf("drained in %s; %s are allowed", drained, allowed)
		}
		if p95 > 2*alone {
			t.Errorf("a small organisation waits %s, alone %s", p95, alone)
		}
	})
}
