package simulate_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/simulate"
)

var deep = flag.Int("deaths", 1, "how many deaths there are at most in one run; 3 take minutes")

// TestADeathAtEveryStepLosesAndDoublesNothing is T2: whatever process takes a step (a call to the store, the queue or QuickBooks, before its effect
// and after it), of intake, workers and retries, dies there; at every one, with -deaths=2 at every two, with -deaths=3 at every three.
func TestADeathAtEveryStepLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, life := range simulate.QuietLives() {
		t.Run(life, func(t *testing.T) {
			t.Parallel()
			if runs := deaths(t, life, nil); runs < 20 {
				t.Errorf("only %d runs", runs)
			} else {
				t.Logf("%d runs, up to %d deaths in each", runs, *deep)
			}
		})
	}
}

// deaths runs a life with a death at every step after those that it dies at already, and so on until it is deep enough.
func deaths(t *testing.T, life string, die []int) (runs int) {
	t.Helper()
	o := simulate.Options{Seed: 5, Quiet: life, Die: die} // this QuickBooks ignores requestids and lets a number stand twice
	r := run(t, o)
	if len(r.Violations) > 0 {
		failsAt(t, o, r)
	}
	runs = 1
	if len(die) == *deep {
		return runs
	}
	first := 1
	if len(die) > 0 {
		first = die[len(die)-1] + 1
	}
	for step := first; step <= r.Tally.Steps; step++ {
		runs += deaths(t, life, append(die[:len(die):len(die)], step))
	}
	return runs
}

func failsAt(t *testing.T, o simulate.Options, r simulate.Report) {
	t.Helper()
	o.Story = true
	r = run(t, o)
	t.Fatalf("%s, with deaths at %v and a stand-still at %d:\n%s", o.Quiet, o.Die, o.Stall, strings.Join(append(r.Story, r.Violations...), "\n"))
}

// TestAVersionThatComesBetweenAnyTwoStepsIsNotLost: a process stands still at each step, while the next version comes and is worked off.
func TestAVersionThatComesBetweenAnyTwoStepsIsNotLost(t *testing.T) {
	t.Parallel()
	for _, life := range simulate.QuietLives() {
		t.Run(life, func(t *testing.T) {
			t.Parallel()
			if o, r := standstill(t, life, func() simulate.Seams { return simulate.Seams{} }); o != nil {
				failsAt(t, *o, r)
			}
		})
	}
}

// standstill gives the first stand-still that a life does not survive, if any.
func standstill(t *testing.T, life string, seams func() simulate.Seams) (*simulate.Options, simulate.Report) {
	t.Helper()
	for step := 1; ; step++ {
		o := simulate.Options{Seed: 5, Quiet: life, Stall: step, Seams: seams()}
		r := run(t, o)
		switch {
		case len(r.Violations) > 0:
			return &o, r
		case r.Tally.Steps < step:
			return nil, r
		}
	}
}
