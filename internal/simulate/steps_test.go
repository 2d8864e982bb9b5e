package simulate_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/simulate"
)

var deep = flag.Int("deaths", 1, "how many deaths there are at most in one run")

// TestADeathAtEveryStepLosesAndDoublesNothing is T2: whatever process takes a step (a call to the store, the queue or QuickBooks, before its effect
// and after it), of intake, workers and retries, dies there; at every one, with -deaths=2 at every two, with -deaths=3 at every three.
func TestADeathAtEveryStepLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, life := range simulate.QuietLives() {
		t.Run(life, func(t *testing.T) {
			t.Parallel()
			if runs := deaths(t, life, nil, *deep); runs < 15 {
				t.Errorf("only %d runs", runs)
			} else {
				t.Logf("%s: %d runs, up to %d deaths in each", life, runs, *deep)
			}
		})
	}
}

// deaths runs a life with a death at every step after those that it dies at already, and so on until there are as many as wanted.
func deaths(t *testing.T, life string, die []int, most int) (runs int) {
	t.Helper()
	o := simulate.Options{Seed: 5, Quiet: life, Die: die} // this QuickBooks ignores requestids and lets a number stand twice
	r := run(t, o)
	if len(r.Violations) > 0 {
		failsAt(t, o, r)
	}
	runs = 1
	if len(die) == most {
		return runs
	}
	first := 1
	if len(die) > 0 {
		first = die[len(die)-1] + 1
	}
	for step := first; step <= r.Tally.Steps; step++ {
		if !slices.Contains(r.Same, step) {
			runs += deaths(t, life, append(die[:len(die):len(die)], step), most)
		}
	}
	return runs
}

// TestDeathsBetweenTwoEffectsAreTheSame: of these, T2 takes only the first. They are looked for in undisturbed lives, and after a death at each step.
func TestDeathsBetweenTwoEffectsAreTheSame(t *testing.T) {
	t.Parallel()
	for _, life := range simulate.QuietLives() {
		t.Run(life, func(t *testing.T) {
			t.Parallel()
			undisturbed := run(t, simulate.Options{Seed: 5, Quiet: life})
			sameDeaths(t, life, nil, undisturbed.Same)
			for step := 1; step <= undisturbed.Tally.Steps; step++ {
				later := slices.DeleteFunc(run(t, simulate.Options{Seed: 5, Quiet: life, Die: []int{step}}).Same, func(same int) bool { return same <= step+1 })
				if len(later) > 0 {
					sameDeaths(t, life, []int{step}, later[step%len(later):][:1])
				}
			}
		})
	}
}

// sameDeaths holds that each of these deaths is that at the step before, in a life with other deaths before it.
func sameDeaths(t *testing.T, life string, die, same []int) {
	t.Helper()
	if len(same) == 0 {
		t.Error("no two deaths are the same")
	}
	for _, step := range same {
		if first, second := became(t, life, append(die[:len(die):len(die)], step-1)...), became(t, life, append(die[:len(die):len(die)], step)...); first != second {
			t.Errorf("deaths at %v and %d:\n%s\nand at %d:\n%s", die, step-1, first, step, second)
		}
	}
}

// became is everything that became of a life with deaths, but for which steps these were and how many there were, and what was only read.
func became(t *testing.T, life string, die ...int) string {
	t.Helper()
	r := run(t, simulate.Options{Seed: 5, Quiet: life, Die: die, Story: true})
	if r.Tally.Died < len(die) {
		t.Errorf("%d deaths of %v", r.Tally.Died, die)
	}
	r.Tally.Steps, r.Tally.Requests, r.Same = 0, 0, nil
	r.Story = slices.DeleteFunc(r.Story, func(line string) bool {
		return strings.Contains(line, " dies ") || strings.Contains(line, " POST query ")
	})
	return fmt.Sprintf("%+v\n%s\n%v %d", r.Tally, strings.Join(r.Story, "\n"), r.Violations, r.Wrong)
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
			if o, r := standstill(t, simulate.Options{Quiet: life}, correct); o != nil {
				failsAt(t, *o, r)
			}
		})
	}
}

// TestAWorkerThatStandsStillWhileItsVersionIsRetriedDoublesNothing: it stands still at each step, while another worker posts a part of the version and a
// person retries the rest.
func TestAWorkerThatStandsStillWhileItsVersionIsRetriedDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, life := range simulate.QuietLives() {
		t.Run(life, func(t *testing.T) {
			t.Parallel()
			if o, r := standstill(t, simulate.Options{Quiet: life, Retried: true}, correct); o != nil {
				failsAt(t, *o, r)
			}
		})
	}
}

// TestAQuickBooksThatIsAsLateAsItMayBeLosesAndDoublesNothing: every journal entry is carried out 110 s after it was sent, and shown another 60 s later.
func TestAQuickBooksThatIsAsLateAsItMayBeLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, life := range simulate.QuietLives() {
		o := simulate.Options{Seed: 5, Quiet: life, Late: true}
		if r := run(t, o); len(r.Violations) > 0 {
			failsAt(t, o, r)
		}
	}
}

func correct() simulate.Seams { return simulate.Seams{} }

// standstill gives the first stand-still that a life does not survive, if any.
func standstill(t *testing.T, o simulate.Options, seams func() simulate.Seams) (*simulate.Options, simulate.Report) {
	t.Helper()
	for step := 1; ; step++ {
		o.Seed, o.Stall, o.Seams = 5, step, seams()
		r := run(t, o)
		switch {
		case len(r.Violations) > 0:
			return &o, r
		case r.Tally.Steps < step:
			return nil, r
		}
	}
}
