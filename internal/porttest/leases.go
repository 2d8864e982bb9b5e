package porttest

import (
	"fmt"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/lease"
)

// Leases runs the suite.
func Leases(t *testing.T, empty func(*testing.T) lease.Store) {
	t.Helper()
	take := func(t *testing.T, l lease.Store, org, thing, owner string, at, until time.Duration) bool {
		t.Helper()
		return ok(l.Lease(t.Context(), org, thing, owner, began().Add(at), began().Add(until)))(t)
	}
	back := func(t *testing.T, l lease.Store, owner string) {
		t.Helper()
		if err := l.Unlease(t.Context(), "a", "x", owner); err != nil {
			t.Fatal(err)
		}
	}
	for name, f := range map[string]func(*testing.T, lease.Store){
		"one owner has it until it ends; another thing or organisation has its own": func(t *testing.T, l lease.Store) {
			got := []bool{
				take(t, l, "a", "x", "one", 0, time.Minute), take(t, l, "a", "x", "two", 59*time.Second, 2*time.Minute), take(t, l, "b", "x", "two", 0, time.Minute),
				take(t, l, "a", "y", "two", 0, time.Minute), take(t, l, "a", "x", "two", time.Minute, 2*time.Minute), take(t, l, "a", "x", "one", time.Minute, 2*time.Minute),
			}
			same(t, "taken", []bool{true, false, true, true, true, false}, got)
		},
		"its owner can take it again, and give it back; nobody else can": func(t *testing.T, l lease.Store) {
			got := []bool{take(t, l, "a", "x", "one", 0, time.Minute), take(t, l, "a", "x", "one", time.Second, time.Minute)}
			back(t, l, "two")
			got = append(got, take(t, l, "a", "x", "two", 2*time.Second, time.Minute))
			back(t, l, "one")
			got = append(got, take(t, l, "a", "x", "two", 3*time.Second, time.Minute))
			same(t, "taken", []bool{true, true, false, true}, got)
		},
		"of many at once one gets it": func(t *testing.T, l lease.Store) {
			owner := make(chan string, 50)
			for i := range 50 {
				owner <- fmt.Sprint("owner-", i)
			}
			if wins := race(50, func() bool { return take(t, l, "a", "x", <-owner, 0, time.Minute) }); wins != 1 {
				t.Errorf("%d have it", wins)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, empty(t))
		})
	}
}
