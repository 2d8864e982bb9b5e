package dynamo_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
)

// payments makes entries of cases, all in one state, that were made a second after one another.
func payments(t *testing.T, s *dynamo.Store, from, to int, state intlog.State) {
	t.Helper()
	for i := from; i < to; i++ {
		e := intlog.New(passare.Event{
			Org: "willow-creek", Record: passare.Ref{Type: passare.Payment, ID: fmt.Sprintf("pay-%05d", i)}, Version: 1, Verb: passare.Created, Raw: []byte(`{"some":"data"}`),
			Case: &passare.Case{ID: fmt.Sprintf("case-%d", i%100), Number: "24-1"}, Body: &passare.PaymentBody{Amount: 1000, Date: "2026-03-04"},
		}, state, "", now().Add(time.Duration(i)*time.Second))
		create(t, s, e)
	}
}

// TestACaseIsFoundByTheKeysOfTheLog: what it costs to look for a case's entries, per entry of the log, is a tenth of reading them.
func TestACaseIsFoundByTheKeysOfTheLog(t *testing.T) {
	t.Parallel()
	m := &meter{spent: map[string]int{}}
	s := dynamo.New(connect(t, m.watch), table(t))
	const n, ofThem = 1_200, 12
	payments(t, s, 0, n, intlog.Synced)
	var found []intlog.Entry
	units := m.spend(t, func() (err error) {
		found, _, err = s.OfCase(t.Context(), "willow-creek", "case-7", intlog.Mark{}, 10_000)
		return err
	})
	if len(found) != ofThem || units["write"] > 0 {
		t.Fatalf("%d entries, %v", len(found), units)
	}
	const each = 5 // tenths of a unit, to read an entry
	if keys := units["read"] - each*ofThem; keys > n*each/10 {
		t.Errorf("%d rows are read for %d tenths of a unit", n, keys)
	}
}

// nobodyPlans is a previewer that is not asked.
type nobodyPlans struct{ review.Previewer }

func TestASummaryCostsNoMoreTheMoreIsSynced(t *testing.T) {
	t.Parallel()
	m := &meter{spent: map[string]int{}}
	s := dynamo.New(connect(t, m.watch), table(t))
	if _, err := s.PutConfig(t.Context(), org.Config{Org: "willow-creek"}, 0); err != nil {
		t.Fatal(err)
	}
	reader := review.NewReader(s, nobodyPlans{}, now)
	summary := func() map[string]int {
		return m.spend(t, func() error {
			_, err := reader.Summary(t.Context(), "willow-creek")
			return err
		})
	}
	payments(t, s, 0, 20, intlog.Pending)
	before := summary()
	payments(t, s, 20, 320, intlog.Synced)
	if after := summary(); after["read"] != before["read"] || before["read"] > 140 {
		t.Errorf("%v tenths of a unit with nothing synced, %v with 300 entries", before, after)
	}
}
