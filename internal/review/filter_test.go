package review_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
)

func now() time.Time { return time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC) }

// entry is the entry of a payment of a case, made a second after the one before.
func entry(n int, caseNo string, amount money.Cents) intlog.Entry {
	return intlog.New(passare.Event{
		Org: "a", Record: passare.Ref{Type: passare.Payment, ID: fmt.Sprint("p", n)}, Version: 1, Verb: passare.Created, Raw: []byte(`{}`),
		Case: &passare.Case{ID: "id-" + caseNo, Number: caseNo, Decedent: passare.Decedent{First: "John", Last: "Smith"}}, Branch: passare.Branch{ID: "main"},
		Body: &passare.PaymentBody{Amount: amount, Date: "2026-03-04"},
	}, intlog.Pending, "", now().Add(time.Duration(n)*time.Second))
}

func TestAFilterWantsWhatAllItsPartsWant(t *testing.T) {
	t.Parallel()
	e := entry(1, "24-0113", 1000)
	ten, more := money.Cents(1000), money.Cents(1001)
	for name, test := range map[string]struct {
		f    review.Filter
		want bool
	}{
		"nothing":                       {review.Filter{}, true},
		"the record type":               {review.Filter{Trigger: "payment"}, true},
		"the event":                     {review.Filter{Trigger: "payment.created"}, true},
		"another event":                 {review.Filter{Trigger: "payment.deleted"}, false},
		"the case's number":             {review.Filter{Case: "24-0113"}, true},
		"the case's id":                 {review.Filter{Case: "id-24-0113"}, true},
		"another case":                  {review.Filter{Case: "24-01"}, false},
		"the branch":                    {review.Filter{Branch: "main"}, true},
		"another branch":                {review.Filter{Branch: "north"}, false},
		"the day":                       {review.Filter{From: "2026-03-04", To: "2026-03-04"}, true},
		"the days after":                {review.Filter{From: "2026-03-05"}, false},
		"the days before":               {review.Filter{To: "2026-03-03"}, false},
		"the amount":                    {review.Filter{Min: &ten, Max: &ten}, true},
		"more":                          {review.Filter{Min: &more}, false},
		"words of the name":             {review.Filter{Query: "smith JOHN"}, true},
		"a word that is nowhere":        {review.Filter{Query: "john doe"}, false},
		"the amount, as a word":         {review.Filter{Query: "10.00"}, true},
		"one part that is not, of many": {review.Filter{Trigger: "payment", Case: "24-0113", Branch: "north"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.f.Has(e) != test.want {
				t.Errorf("wanted %t", !test.want)
			}
		})
	}
}

// TestFilteredPagesHaveEachEntryOnce: whatever is wanted, and however long the pages are, all pages together have every wanted entry once, in their order.
func TestFilteredPagesHaveEachEntryOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		store := memory.NewStore()
		var want []string
		for n := range rapid.IntRange(0, 700).Draw(rt, "entries") {
			caseNo := rapid.SampledFrom([]string{"1", "2", "2", "2", "2"}).Draw(rt, "case")
			e := entry(n, caseNo, 1000)
			if _, _, err := store.Create(t.Context(), e, nil); err != nil {
				rt.Fatal(err)
			}
			if caseNo == "1" {
				want = append([]string{e.ID()}, want...)
			}
		}
		desk, limit := review.New(store, memory.NewQueue(), now), rapid.IntRange(1, review.MaxPage).Draw(rt, "limit")
		oldest := rapid.Bool().Draw(rt, "the oldest first")
		if oldest {
			slices.Reverse(want)
		}
		var got []string
		for after := (intlog.Mark{}); ; {
			page, next, err := desk.Find(t.Context(), "a", review.Filter{Tab: "pending", Case: "1", Oldest: oldest}, after, limit)
			if err != nil || len(page) > limit {
				rt.Fatalf("%d entries, %v", len(page), err)
			}
			for _, e := range page {
				got = append(got, e.ID())
			}
			if next == nil {
				break
			}
			after = *next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Error(diff)
		}
	})
}
