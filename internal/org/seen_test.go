package org_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/org"
)

// TestASeenMarkCountsForWhatBeganBefore holds it to the plain meaning: a notice is read if it, or all, were marked when it had begun.
func TestASeenMarkCountsForWhatBeganBefore(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	rapid.Check(t, func(t *rapid.T) {
		seen, all, marked := org.Seen{}, time.Time{}, map[string]time.Time{}
		for i := range rapid.IntRange(0, 30).Draw(t, "marks") {
			if id := rapid.SampledFrom([]string{"all", "a", "b", "c"}).Draw(t, "id"); id == "all" {
				seen, all = seen.WithAll(at(i)), at(i)
			} else {
				seen, marked[id] = seen.With(id, at(i)), at(i)
			}
		}
		for _, id := range []string{"a", "b", "c"} {
			began := at(rapid.IntRange(0, 30).Draw(t, "began"))
			want := !all.Before(began) || !marked[id].Before(began)
			if seen.Has(id, began) != want {
				t.Fatalf("%s, begun at %d: %t, want %t (%+v)", id, began.Unix(), !want, want, seen)
			}
		}
	})
}

func TestTheNewestSeenMarksAreKept(t *testing.T) {
	t.Parallel()
	seen := org.Seen{}
	for i := range org.MaxSeen + 10 {
		before := seen
		seen = seen.With(fmt.Sprint("n", i), time.Unix(int64(i), 0))
		if len(before.Marks) > 0 && before.Marks[len(before.Marks)-1].ID != fmt.Sprint("n", i-1) {
			t.Fatal("what was read is changed")
		}
	}
	if len(seen.Marks) != org.MaxSeen || seen.Has("n9", time.Unix(0, 0)) || !seen.Has("n10", time.Unix(0, 0)) {
		t.Errorf("%d marks", len(seen.Marks))
	}
}
