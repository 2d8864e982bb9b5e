package lease_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/memory"
)

// life is how long the things here may be held.
const life = time.Minute

func grant() lease.Thing { return lease.Thing{Org: "willow", Name: "grant", Life: life} }

// job is one thing that is to be done once.
type job struct {
	mu            sync.Mutex
	done          bool
	acting, most  int
	acts          int
	takes         time.Duration // how long acting takes
	neverFinishes bool          // acting leaves it undone
}

func (j *job) look() (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done, nil
}

func (j *job) act() error {
	j.mu.Lock()
	j.acting++
	j.acts++
	j.most = max(j.most, j.acting)
	j.mu.Unlock()
	time.Sleep(j.takes)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.acting--
	j.done = !j.neverFinishes
	return nil
}

// process is one that shares a store with others. Its clock is the bubble's.
func process(store lease.Store, name string) *lease.Taker { return lease.New(store, name, time.Now) }

func undone() (bool, error) { return false, nil }

func TestOneActsAtATimeInAllProcesses(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		neverFinishes bool
		acts          int
	}{
		"who waits notices that another has done it, and does not act": {false, 1},
		"what is still to be done is done by one after another":        {true, 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, j := memory.NewLeases(), &job{takes: time.Second, neverFinishes: x.neverFinishes}
				var wg sync.WaitGroup
				for p := range 3 {
					taker := process(store, fmt.Sprint("process-", p))
					for range 20 {
						wg.Go(func() {
							if err := taker.Do(t.Context(), grant(), j.look, j.act); err != nil {
								t.Error(err)
							}
						})
					}
				}
				wg.Wait()
				if j.most != 1 || j.acts != x.acts {
					t.Errorf("%d acted, %d of them at once; want %d", j.acts, j.most, x.acts)
				}
			})
		})
	}
}

func TestWhatIsDoneAlreadyTakesNoLease(t *testing.T) {
	t.Parallel()
	store := &failing{lease: errors.New("nobody may ask")}
	look := func() (bool, error) { return true, nil }
	if err := process(store, "p").Do(t.Context(), grant(), look, func() error { t.Error("it was done again"); return nil }); err != nil {
		t.Error(err)
	}
}

func TestWhoGotTheLeaseLooksOnceMore(t *testing.T) {
	t.Parallel()
	looks := 0
	look := func() (bool, error) { looks++; return looks > 1, nil }
	store := memory.NewLeases()
	if err := process(store, "p").Do(t.Context(), grant(), look, func() error { t.Error("it was done twice"); return nil }); err != nil {
		t.Error(err)
	}
	free(t, store, grant())
}

// free asserts that nobody has a lease.
func free(t *testing.T, store lease.Store, of lease.Thing) {
	t.Helper()
	now := time.Time{} // before any lease ends
	if taken, err := store.Lease(t.Context(), of.Org, of.Name, "another", now, now.Add(time.Second)); !taken || err != nil {
		t.Errorf("%s of %s is not free: %v", of.Name, of.Org, err)
	}
}

func TestALeaseIsOfOneThingOfOneOrganisation(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]lease.Thing{
		"another thing of the organisation": {Org: "willow", Name: "names", Life: life},
		"the thing of another organisation": {Org: "maple", Name: "grant", Life: life},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := memory.NewLeases()
			inside := false
			err := process(store, "p").Do(t.Context(), grant(), undone, func() error {
				return process(store, "q").Do(t.Context(), other, undone, func() error { inside = true; return nil })
			})
			if err != nil || !inside {
				t.Errorf("it waited: %v", err)
			}
		})
	}
}

func TestALeaseEndsAfterItsHolderDied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, began := memory.NewLeases(), time.Now()
		if taken, err := store.Lease(t.Context(), "willow", "grant", "a process that died", began, began.Add(life)); !taken || err != nil {
			t.Fatal(taken, err)
		}
		j := &job{}
		if err := process(store, "p").Do(t.Context(), grant(), j.look, j.act); err != nil || j.acts != 1 {
			t.Fatalf("%d acts, %v", j.acts, err)
		}
		if waited := time.Since(began); waited < life || waited > life+time.Second {
			t.Errorf("it acted after %s, and the lease was for %s", waited, life)
		}
	})
}

func TestWhatBecomesOfTheLeaseAfterAnError(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		err  error
		kept bool
	}{
		"an unknown outcome keeps it: what was sent may yet arrive": {fault.New(fault.Unknown, "no answer"), true},
		"an unknown outcome inside of another error keeps it":       {fmt.Errorf("grant.Renew: %w", fault.New(fault.Unknown, "no answer")), true},
		"a refusal gives it back":                                   {fault.New(fault.Refused, "no"), false},
		"what certainly did not arrive gives it back":               {fault.New(fault.Unavailable, "nobody there"), false},
		"an error of nobody's gives it back":                        {errors.New("a defect"), false},
		"success gives it back":                                     {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, began := memory.NewLeases(), time.Now()
				err := process(store, "p").Do(t.Context(), grant(), undone, func() error { return x.err })
				if !errors.Is(err, x.err) || fault.CodeOf(err) != fault.CodeOf(x.err) {
					t.Errorf("%v, want %v", err, x.err)
				}
				if err := process(store, "q").Do(t.Context(), grant(), undone, func() error { return nil }); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(began); (waited >= life) != x.kept || waited > life+time.Second {
					t.Errorf("the next one acted after %s; the lease was for %s, and kept: %t", waited, life, x.kept)
				}
			})
		})
	}
}

func TestTheSameProcessWaitsForItselfToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		taker, began := process(memory.NewLeases(), "p"), time.Now()
		if err := taker.Do(t.Context(), grant(), undone, func() error { return fault.New(fault.Unknown, "no answer") }); !fault.Is(err, fault.Unknown) {
			t.Fatal(err)
		}
		if err := taker.Do(t.Context(), grant(), undone, func() error { return nil }); err != nil || time.Since(began) < life {
			t.Errorf("it acted after %s, %v", time.Since(began), err)
		}
	})
}

func TestWhoGivesUpWaitingIsToldToComeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, began := memory.NewLeases(), time.Now()
		if _, err := store.Lease(t.Context(), "willow", "grant", "somebody else", began, began.Add(life)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := process(store, "p").Do(ctx, grant(), undone, func() error { t.Error("it acted without the lease"); return nil })
		if !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

func TestALeaseIsGivenBackThoughItsCallerGaveUp(t *testing.T) {
	t.Parallel()
	store := &failing{Store: memory.NewLeases()}
	ctx, cancel := context.WithCancel(t.Context())
	err := process(store, "p").Do(ctx, grant(), undone, func() error { cancel(); return ctx.Err() })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	free(t, store, grant())
}

// failing is a store that fails where it is told to, and like any store does nothing for a caller that gave up.
type failing struct {
	lease.Store
	lease, unlease error
}

func (s *failing) Lease(ctx context.Context, id, thing, owner string, now, until time.Time) (bool, error) {
	if err := errors.Join(s.lease, ctx.Err()); err != nil {
		return false, err
	}
	return s.Store.Lease(ctx, id, thing, owner, now, until)
}

func (s *failing) Unlease(ctx context.Context, id, thing, owner string) error {
	if err := errors.Join(s.unlease, ctx.Err()); err != nil {
		return err
	}
	return s.Store.Unlease(ctx, id, thing, owner)
}

func TestErrorsArePassedOn(t *testing.T) {
	t.Parallel()
	lost := fault.New(fault.Unavailable, "the store did not answer")
	for name, x := range map[string]struct {
		store failing
		look  func() (bool, error)
		acts  int
		want  error
	}{
		"the store's, and nothing is done":                             {failing{lease: lost}, undone, 0, lost},
		"the look's, and nothing is done":                              {failing{}, func() (bool, error) { return false, lost }, 0, lost},
		"a lease that cannot be given back ends by itself: no trouble": {failing{unlease: lost}, undone, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x.store.Store = memory.NewLeases()
			acts := 0
			err := process(&x.store, "p").Do(t.Context(), grant(), x.look, func() error { acts++; return nil })
			if !errors.Is(err, x.want) || acts != x.acts {
				t.Errorf("%v after %d acts; want %v after %d", err, acts, x.want, x.acts)
			}
		})
	}
}

func TestPauseEndsWithItsTimeOrItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := lease.Pause(t.Context(), time.Hour); err != nil || time.Since(began) != time.Hour {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := lease.Pause(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Hour+time.Minute {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
