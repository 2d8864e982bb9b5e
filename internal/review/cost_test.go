package review_test

import (
	"context"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
)

// counting is a store that counts what lists cost.
type counting struct {
	*memory.Store
	calls, read int
}

func (c *counting) List(ctx context.Context, id, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error) {
	list, err := c.Store.List(ctx, id, tab, after, limit)
	c.calls++
	c.read += len(list)
	return list, err
}

// TestAPageOfTenThousandPendingEntriesCostsTheSameEverywhere: the last page costs what the first does, and so does a filtered one.
func TestAPageOfTenThousandPendingEntriesCostsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	const entries = 10_000
	d := newDesk(t, org.Settings{})
	for n := range entries {
		e := entry(n, []string{"1", "2"}[n/7%2], 1000)
		if _, _, err := d.store.Create(t.Context(), e, nil); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		filter      review.Filter
		found       int
		calls, read int // of a page, at most
	}{
		"all":                     {review.Filter{Tab: "pending"}, entries, 1, 51},
		"half of them":            {review.Filter{Tab: "pending", Case: "1"}, 5_002, 1, 250},
		"none of them":            {review.Filter{Tab: "pending", Case: "3"}, 0, 4, 1_000},
		"those of a day, by word": {review.Filter{Tab: "pending", From: "2026-03-04", Query: "john"}, entries, 1, 250},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &counting{Store: d.store}
			desk, found, after := review.New(store, d.queue, now), 0, intlog.Mark{}
			for page := 1; ; page++ {
				store.calls, store.read = 0, 0
				list, next, err := desk.Find(t.Context(), "a", test.filter, after, 50)
				if err != nil || store.calls > test.calls || store.read > test.read {
					t.Fatalf("page %d: %d lists and %d entries read, %v", page, store.calls, store.read, err)
				}
				if found += len(list); next == nil {
					break
				}
				after = *next
			}
			if found != test.found {
				t.Errorf("%d entries", found)
			}
		})
	}
}
