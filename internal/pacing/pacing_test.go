package pacing_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/pacing"
)

// perMinute is what QuickBooks allows.
const perMinute = 500

// most is the largest number of times within any span of a length.
func most(times []time.Time, span time.Duration) int {
	largest := 0
	for i, from := range times {
		n := slices.IndexFunc(times[i:], func(t time.Time) bool { return t.Sub(from) >= span })
		if n < 0 {
			n = len(times) - i
		}
		largest = max(largest, n)
	}
	return largest
}

func TestRequestsOfACompanyStayWithinItsPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pacing.New(memory.NewReservations(), time.Now)
		var sent []time.Time
		for range 1200 {
			if err := p.Wait(t.Context(), "a", false); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, time.Now())
		}
		if second, minute := most(sent, time.Second), most(sent, time.Minute); second > pacing.PerSecond || minute > perMinute || minute*100 < perMinute*95 {
			t.Errorf("%d in a second, %d in a minute", second, minute)
		}
		before := time.Now()
		if err := p.Wait(t.Context(), "b", false); err != nil || !time.Now().Equal(before) {
			t.Errorf("another organisation waits %s: %v", time.Since(before), err)
		}
	})
}

func TestBatchesAreApartInAllProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.NewReservations()
		var sent []time.Time
		for range 90 {
			if err := pacing.New(shared, time.Now).Wait(t.Context(), "a", true); err != nil { // each time a process that has just begun
				t.Fatal(err)
			}
			sent = append(sent, time.Now())
		}
		if n := most(sent, time.Minute); n != 40 {
			t.Errorf("%d batches in a minute", n)
		}
	})
}

func TestWhatWouldWaitTooLongIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.NewReservations()
		for range 10 {
			if _, err := shared.Reserve(t.Context(), "a", "batch", time.Now(), pacing.BatchesEach); err != nil {
				t.Fatal(err)
			}
		}
		before := time.Now()
		if err := pacing.New(shared, time.Now).Wait(t.Context(), "a", true); !fault.Is(err, fault.Throttled) || !time.Now().Equal(before) {
			t.Errorf("after %s: %v", time.Since(before), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := pacing.New(shared, time.Now).Wait(ctx, "b", true); err != nil && !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	})
}
