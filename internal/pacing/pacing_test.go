package pacing_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/pacing"
)

// What QuickBooks allows a company.
const (
	perSecond = 10
	perMinute = 500
)

// most is the largest number of times within any span of a length.
func most(times []time.Time, span time.Duration) int {
	slices.SortFunc(times, time.Time.Compare)
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

// sent notes when requests go.
type sent struct {
	mu    sync.Mutex
	times []time.Time
}

func (s *sent) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, time.Now())
}

// workers work off an organisation's messages, each with one request that QuickBooks answers after a while: many processes, each of which has just begun.
func workers(t *testing.T, shared pacing.Store, messages int, answered time.Duration, s *sent) {
	t.Helper()
	queue := memory.NewQueue()
	for range messages {
		if err := queue.Send(t.Context(), intlog.Work{Org: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	var at sync.WaitGroup
	for range 10 {
		at.Go(func() {
			for {
				_, done, ok := queue.TryReceive()
				if !ok && s.len() >= messages {
					return
				}
				if !ok {
					_ = lease.Pause(t.Context(), time.Millisecond)
					continue
				}
				if err := pacing.ForWorker(shared, time.Now).InTurn(t.Context(), "a", false, func() { s.note(); _ = lease.Pause(t.Context(), answered) }); err != nil {
					t.Error(err)
				}
				done()
			}
		})
	}
	at.Wait()
}

func (s *sent) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.times)
}

func TestRequestsOfACompanyStayWithinItsPaceInAllProcesses(t *testing.T) {
	t.Parallel()
	for name, answered := range map[string]time.Duration{"QuickBooks answers at once": 0, "QuickBooks answers in 100 ms": 100 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var s sent
				workers(t, memory.NewReservations(), 700, answered, &s)
				if second, minute := most(s.times, time.Second), most(s.times, time.Minute); second > perSecond-2 || minute > perMinute-120 || minute < 340 {
					t.Errorf("%d in a second, %d in a minute", second, minute)
				}
			})
		})
	}
	t.Run("with people who look at once, each through a process of its own", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var s sent
			shared := memory.NewReservations()
			var at sync.WaitGroup
			for range 8 {
				at.Go(func() {
					for range 25 {
						if err := pacing.ForOthers(shared, time.Now).InTurn(t.Context(), "a", false, s.note); err != nil {
							t.Error(err)
						}
					}
				})
			}
			at.Go(func() { workers(t, shared, 600, 0, &s) })
			at.Wait()
			if second, minute := most(s.times, time.Second), most(s.times, time.Minute); second > perSecond-2 || minute > perMinute || minute < 450 {
				t.Errorf("%d in a second, %d in a minute", second, minute)
			}
		})
	})
	t.Run("a request that is answered slowly is not held any longer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			before := time.Now()
			err := pacing.ForWorker(memory.NewReservations(), time.Now).InTurn(t.Context(), "a", false, func() { _ = lease.Pause(t.Context(), time.Second) })
			if took := time.Since(before); err != nil || took != time.Second {
				t.Errorf("%s: %v", took, err)
			}
		})
	})
	t.Run("another organisation does not wait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			shared, before := memory.NewReservations(), time.Now()
			for _, org := range []string{"a", "b"} {
				if err := pacing.ForOthers(shared, time.Now).InTurn(t.Context(), org, false, func() {}); err != nil || !time.Now().Equal(before) {
					t.Errorf("%s waits %s: %v", org, time.Since(before), err)
				}
			}
		})
	})
}

func TestBatchesAreApartInAllProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.NewReservations()
		var s sent
		for range 90 {
			if err := pacing.ForWorker(shared, time.Now).InTurn(t.Context(), "a", true, s.note); err != nil { // each time a process that has just begun
				t.Fatal(err)
			}
		}
		if n := most(s.times, time.Minute); n != 40 {
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
		sends := func() { t.Error("it is sent") }
		if err := pacing.ForWorker(shared, time.Now).InTurn(t.Context(), "a", true, sends); !fault.Is(err, fault.Throttled) || !time.Now().Equal(before) {
			t.Errorf("after %s: %v", time.Since(before), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := shared.Reserve(t.Context(), "b", "batch", time.Now(), pacing.BatchesEach); err != nil {
			t.Fatal(err)
		}
		if err := pacing.ForWorker(shared, time.Now).InTurn(ctx, "b", true, sends); !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	})
}
