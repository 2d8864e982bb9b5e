package porttest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/pacing"
)

// Reservations runs the suite.
func Reservations(t *testing.T, empty func(*testing.T) pacing.Store) {
	t.Helper()
	reserve := func(t *testing.T, s pacing.Store, org, thing string, at time.Duration) time.Duration {
		t.Helper()
		return ok(s.Reserve(t.Context(), org, thing, began().Add(at), time.Second))(t).Sub(began())
	}
	for name, f := range map[string]func(*testing.T, pacing.Store){
		"each time is apart from the one before, and not before now": func(t *testing.T, s pacing.Store) {
			got := []time.Duration{reserve(t, s, "a", "x", 0), reserve(t, s, "a", "x", 0), reserve(t, s, "a", "x", 500*time.Millisecond), reserve(t, s, "a", "x", 9*time.Second)}
			same(t, "times", []time.Duration{0, time.Second, 2 * time.Second, 9 * time.Second}, got)
		},
		"another organisation or thing has its own": func(t *testing.T, s pacing.Store) {
			got := []time.Duration{reserve(t, s, "a", "x", 0), reserve(t, s, "b", "x", 0), reserve(t, s, "a", "y", 0)}
			same(t, "times", []time.Duration{0, 0, 0}, got)
		},
		"of many at once each gets a time of its own": func(t *testing.T, s pacing.Store) {
			var all sync.WaitGroup
			const many = 5
			times := make([]time.Duration, many)
			for i := range times {
				all.Go(func() { times[i] = reserve(t, s, "a", "x", 0) })
			}
			all.Wait()
			slices.Sort(times)
			for i, d := range times {
				if d != time.Duration(i)*time.Second {
					t.Errorf("times %v", times)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, empty(t))
		})
	}
}
