package retrying_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/rules"
)

// saves stores the settings of organisation a, and asks for what waits to be let go.
func (h *house) saves(store retrying.Store, settings org.Settings, asked org.Freeing) retrying.Saved {
	h.t.Helper()
	c, err := h.store.Config(h.t.Context(), "a")
	if err != nil {
		h.t.Fatal(err)
	}
	c.Settings, c.Freeing = settings, &asked
	saved, err := retrying.New(store, h.queue, h.now).Save(h.t.Context(), c, c.Version, org.Kept{})
	if err != nil {
		h.t.Fatal(err)
	}
	return saved
}

func (h *house) configured() {
	h.t.Helper()
	if _, err := h.store.PutConfig(h.t.Context(), org.Config{Org: "a"}, 0); err != nil {
		h.t.Fatal(err)
	}
}

func TestWhatAPersonAskedToBeLetGoGoesAtOnceAndTheRestBySweeps(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.configured()
	const all = retrying.PageSize + retrying.PageShare + 50
	for i := range all {
		h.has("a", fmt.Sprint(i), intlog.Pending)
	}
	held := h.has("a", "held", intlog.Held)
	other := h.has("b", "other", intlog.Pending)
	h.at = h.at.Add(time.Minute)
	saved := h.saves(h.store, org.Settings{AutoSync: true}, org.Freeing{Pending: true, Before: h.at.Add(intlog.SweepSoon), By: "Ana"})
	if saved.Pending != retrying.PageSize || !saved.More {
		t.Errorf("%d at once, more %t", saved.Pending, saved.More)
	}
	h.at = h.at.Add(time.Second)
	raced := h.has("a", "raced", intlog.Pending) // by an intake that had read the settings before
	var runs []int
	h.at = h.at.Add(intlog.SweepSoon)
	for range 3 {
		h.queue.sent = nil
		h.run(h.retrier()) // what was queued long ago is sent again as well, so the entries themselves are looked at
		left, err := h.store.List(t.Context(), "a", "pending", intlog.Mark{}, all)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, len(left))
	}
	if diff := cmp.Diff([]int{51, 0, 0}, runs); diff != "" {
		t.Errorf("pending after each run (-want +got):\n%s", diff)
	}
	e := h.entry(raced.Key)
	if last := e.History[len(e.History)-1]; e.State != intlog.Queued || last.Who != "Ana" {
		t.Errorf("what raced with the switch is %s by %s", e.State, last.Who)
	}
	if s := h.entry(held.Key).State; s != intlog.Held {
		t.Errorf("what nobody asked for is %s", s)
	}
	if s := h.entry(other.Key).State; s != intlog.Pending {
		t.Errorf("another organisation's is %s", s)
	}
	h.at = h.at.Add(intlog.SweepLate)
	h.run(h.retrier())
	if c, err := h.store.Config(t.Context(), "a"); err != nil || c.Freeing != nil {
		t.Errorf("after the last sweep: %+v, %v", c.Freeing, err)
	}
}

func TestWhatNobodyAskedForStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.configured()
	before := h.has("a", "before", intlog.Pending)
	h.at = h.at.Add(time.Hour)
	after := h.has("a", "after", intlog.Pending)
	at := before.Created.Add(time.Minute)
	if saved := h.saves(h.store, org.Settings{}, org.Freeing{Pending: true, Held: true, Before: at}); saved.Pending != 0 {
		t.Errorf("though auto-sync is off: %+v", saved)
	}
	if saved := h.saves(h.store, org.Settings{AutoSync: true}, org.Freeing{Held: true, Before: at}); saved.Pending != 0 {
		t.Errorf("though it is for what is held: %+v", saved)
	}
	if saved := h.saves(h.store, org.Settings{AutoSync: true}, org.Freeing{Pending: true, Before: at}); saved.Pending != 1 {
		t.Errorf("%+v", saved)
	}
	if b, a := h.entry(before.Key).State, h.entry(after.Key).State; b != intlog.Queued || a != intlog.Pending {
		t.Errorf("what was made before is %s, and after %s", b, a)
	}
}

func TestWhatIsHeldGoesToReviewUnlessAutoSyncIsOn(t *testing.T) {
	t.Parallel()
	for state, settings := range map[intlog.State]org.Settings{
		intlog.Pending: {AutoAddToExports: true}, intlog.Queued: {AutoAddToExports: true, AutoSync: true}, intlog.Held: {AutoSync: true},
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.configured()
			held := h.has("a", "held", intlog.Held)
			h.at = h.at.Add(time.Minute)
			h.saves(h.store, settings, org.Freeing{Held: true, Before: h.at, By: "Ana"})
			if s := h.entry(held.Key).State; s != state {
				t.Errorf("it is %s", s)
			}
		})
	}
}

// unlisted is a store whose lists fail.
type unlisted struct{ retrying.Store }

func (unlisted) List(context.Context, string, string, intlog.Mark, int) ([]intlog.Entry, error) {
	return nil, fault.New(fault.Unavailable, "no store")
}

func TestASaveWhoseReleaseFailsIsSavedAndTheSweepsDoTheRest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.configured()
	failed := h.has("a", "failed", intlog.Queued)
	moved, err := failed.Move(intlog.Failed, "test", "", h.at)
	moved.Cause = []rules.Problem{{Kind: rules.Account}}
	if err == nil {
		_, err = h.store.Update(t.Context(), moved)
	}
	if err != nil {
		t.Fatal(err)
	}
	pending := h.has("a", "pending", intlog.Pending)
	h.at = h.at.Add(time.Minute)
	asked := org.Freeing{Pending: true, Before: h.at, By: "Ana"}
	if saved := h.saves(unlisted{h.store}, org.Settings{AutoSync: true}, asked); !saved.More || saved.Pending+saved.Failed != 0 || !saved.Config.Settings.AutoSync {
		t.Errorf("%+v", saved)
	}
	h.at = h.at.Add(intlog.SweepSoon)
	h.run(h.retrier())
	if s := h.entry(pending.Key).State; s != intlog.Queued {
		t.Errorf("after the sweep it is %s", s)
	}
	if saved := h.saves(h.store, org.Settings{AutoSync: true}, asked); saved.Failed != 1 {
		t.Errorf("what failed for an account is not tried again: %+v", saved)
	}
}
