package simulate_test

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/passare/qbo-sync/internal/simulate"
)

var (
	schedules = flag.Int("schedules", 300, "how many schedules are run")
	onlySeed  = flag.Uint64("seed", 0, "the one schedule to run, with its story")
	bugsToo   = flag.Bool("bugs", false, "look for the seeded bugs, and run the naive connectors")
	firstSeed = flag.Uint64("first", 1, "the first seed of the schedules")
)

// run runs a schedule in virtual time.
func run(t *testing.T, o simulate.Options) (r simulate.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Now = time.Now
		var err error
		if r, err = simulate.Run(o); err != nil {
			t.Fatal(err)
		}
	})
	return r
}

// fails ends the test with the story of a schedule.
func fails(t *testing.T, o simulate.Options, r simulate.Report) {
	t.Helper()
	o.Story = true
	if told := run(t, o); !slices.Equal(told.Violations, r.Violations) {
		t.Errorf("seed %d is not the same in every run: %v, then %v", o.Seed, r.Violations, told.Violations)
	} else {
		r = told
	}
	t.Fatalf("seed %d (%s):\n%s\n\nagain: go test ./internal/simulate -run Schedules -seed=%d", o.Seed, r.Variant, strings.Join(append(r.Story, r.Violations...), "\n"), o.Seed)
}

// abreast calls f with every seed, on all processors. f says whether to go on.
func abreast(t *testing.T, first uint64, n int, f func(t *testing.T, seed uint64) (goOn bool)) {
	t.Helper()
	var mu sync.Mutex
	next, last := first, first+uint64(n)
	take := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= last
	}
	t.Run("all", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("some", func(t *testing.T) {
				t.Parallel()
				for seed, ok := take(); ok; seed, ok = take() {
					if !f(t, seed) {
						mu.Lock()
						next = last
						mu.Unlock()
					}
				}
			})
		}
	})
}

// TestSchedulesLoseAndDoubleNothing is T1.
func TestSchedulesLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	if *onlySeed != 0 {
		o := simulate.Options{Seed: *onlySeed, Story: true}
		r := run(t, o)
		t.Logf("%s\n%s\n%+v", r.Variant, strings.Join(r.Story, "\n"), r.Tally)
		for _, v := range r.Violations {
			t.Error(v)
		}
		return
	}
	var mu sync.Mutex
	variants := map[string]int{}
	var sum simulate.Tally
	abreast(t, *firstSeed, *schedules, func(t *testing.T, seed uint64) bool {
		o := simulate.Options{Seed: seed}
		r := run(t, o)
		if len(r.Violations) > 0 {
			fails(t, o, r)
		}
		mu.Lock()
		defer mu.Unlock()
		variants[r.Variant]++
		sum.Add(r.Tally)
		return true
	})
	t.Logf("%d schedules from seed %d: %+v", *schedules, *firstSeed, sum)
	for _, v := range slices.Sorted(maps.Keys(variants)) {
		t.Logf("%6d with %s", variants[v], v)
	}
	for what, n := range sum.Faults() {
		if *schedules >= 300 && n == 0 {
			t.Errorf("no schedule has %s", what)
		}
	}
}

func TestAScheduleIsTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 10; seed++ {
		a, b := run(t, simulate.Options{Seed: seed, Story: true}), run(t, simulate.Options{Seed: seed, Story: true})
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("seed %d: %+v, then %+v", seed, a.Tally, b.Tally)
		}
	}
}
