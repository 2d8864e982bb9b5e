package porttest

import (
	"fmt"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/grant"
)

// Leases runs the suite.
func Leases(t *testing.T, empty func(*testing.T) grant.Leases) {
	t.Helper()
	take := func(t *testing.T, l grant.Leases, org, owner string, at, until time.Duration) bool {
		return ok(l.Lease(t.Context(), org, owner, began().Add(at), began().Add(until)))(t)
	}
	for name, f := range map[string]func(*testing.T, grant.Leases){
		"one owner has it until it ends, and another organisation's is another": func(t *testing.T, l grant.Leases) {
			got := []bool{
				take(t, l, "a", "one", 0, time.Minute), take(t, l, "a", "two", 59*time.Second, 2*time.Minute), take(t, l, "b", "two", 0, time.Minute),
				take(t, l, "a", "two", time.Minute, 2*time.Minute), take(t, l, "a", "one", time.Minute, 2*time.Minute),
			}
			same(t, "taken", []bool{true, false, true, true, false}, got)
		},
		"its owner can take it again, and give it back; nobody else can": func(t *testing.T, l grant.Leases) {
			got := []bool{take(t, l, "a", "one", 0, time.Minute), take(t, l, "a", "one", time.Second, time.Minute)}
			if err := l.Unlease(t.Context(), "a", "two"); err != nil {
				t.Fatal(err)
			}
			got = append(got, take(t, l, "a", "two", 2*time.Second, time.Minute))
			if err := l.Unlease(t.Context(), "a", "one"); err != nil {
				t.Fatal(err)
			}
			got = append(got, take(t, l, "a", "two", 3*time.Second, time.Minute))
			same(t, "taken", []bool{true, true, false, true}, got)
		},
		"of many at once one gets it": func(t *testing.T, l grant.Leases) {
			owner := make(chan string, 50)
			for i := range 50 {
				owner <- fmt.Sprint("owner-", i)
			}
			if wins := race(50, func() bool { return take(t, l, "a", <-owner, 0, time.Minute) }); wins != 1 {
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
