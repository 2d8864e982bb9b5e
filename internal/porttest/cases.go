package porttest

import (
	"fmt"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
)

// ofCase: every third entry is of the case c2, one has no case, and another organisation has the same cases.
func ofCase(t *testing.T, s StorePort) {
	var want []string
	for i := range 10 {
		e := entry("a", fmt.Sprintf("p%d", i), 1, intlog.Pending)
		e.Created = e.Created.Add(time.Duration(i/2) * time.Second) // pairs of the same time
		if i%3 == 0 {
			e.Case = "c2"
			want = append([]string{e.ID()}, want...)
		}
		if i == 5 {
			e.Case = ""
		}
		create(t, s, e)
	}
	other := entry("b", "p3", 1, intlog.Pending)
	other.Case = "c2"
	create(t, s, other)
	read := func(most int) func() [][]string {
		return func() (pages [][]string) {
			for mark := (intlog.Mark{}); ; {
				entries, next, err := s.OfCase(t.Context(), "a", "c2", mark, most)
				if err != nil {
					t.Fatal(err)
				}
				if pages = append(pages, ids(entries)); next == nil {
					return pages
				}
				mark = *next
			}
		}
	}
	becomes(t, "all at once", [][]string{want}, read(10))
	becomes(t, "when more could be looked at", [][]string{want}, read(100))
	becomes(t, "three at a time", [][]string{want[:1], want[1:2], want[2:3], want[3:]}, read(3))
	becomes(t, "one at a time", [][]string{want[:1], {}, {}, want[1:2], {}, {}, want[2:3], {}, {}, want[3:]}, read(1))
	none, next, err := s.OfCase(t.Context(), "a", "c9", intlog.Mark{}, 100)
	if len(none) > 0 || next != nil || err != nil {
		t.Errorf("a case that is not there: %v %v %v", ids(none), next, err)
	}
}
