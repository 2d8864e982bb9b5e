package posting_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// many has payments taken in, whose messages are lost.
func (h *house) many(n int) []string {
	h.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = h.send(event("payment.created", fmt.Sprint("p", i), 1, paid(fmt.Sprintf("%d.00", 10+i))))
	}
	h.drop()
	return ids
}

func (h *house) all(ids []string, s intlog.State) {
	h.t.Helper()
	for _, id := range ids {
		h.is(id, s)
	}
}

// requests are how often QuickBooks was asked for what, names left out.
func (h *house) requests() map[string]int {
	all := h.sim.Counted(realm).Requests
	delete(all, "POST customer")
	return all
}

func (h *house) asked(want map[string]int) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.requests()); diff != "" {
		h.t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestEntriesOfOneMessageGoOutTogether(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(*testing.T, *house){
		"thirty by one request, each known by its own item": func(t *testing.T, h *house) {
			ids := h.many(30)
			h.handle(ids...)
			h.all(ids, intlog.Synced)
			h.asked(map[string]int{"POST batch": 1})
			slots := map[string]bool{}
			for _, id := range ids {
				p := h.entry(id).Postings[0]
				if slots[p.Request+" "+p.Item] = true; len(p.Request) > 36 || len(p.Item) > 10 || p.Item == "" {
					t.Errorf("%+v", p)
				}
			}
			if len(slots) != 30 {
				t.Errorf("%d slots", len(slots))
			}
		},
		"one alone goes alone": func(_ *testing.T, h *house) {
			ids := h.many(1)
			h.handle(ids...)
			h.all(ids, intlog.Synced)
			h.asked(map[string]int{"POST journalentry": 1})
		},
		"more than thirty by as many requests as it takes": func(_ *testing.T, h *house) {
			ids := h.many(70)
			h.handle(ids...)
			h.all(ids, intlog.Synced)
			h.asked(map[string]int{"POST batch": 3})
		},
		"an entry that is named twice goes out once": func(_ *testing.T, h *house) {
			ids := h.many(2)
			h.handle(ids[0], ids[1], ids[0])
			h.all(ids, intlog.Synced)
			if n := len(h.journal()); n != 2 {
				h.t.Errorf("%d entries", n)
			}
		},
		"one that QuickBooks refuses keeps no other waiting": func(_ *testing.T, h *house) {
			bad := h.send(event("payment.created", "bad", 1, `"method":"cash","date":"2026-02-27","amount":"5.00"`))
			ids := h.many(3)
			h.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-02-28"})
			h.handle(ids[0], bad, ids[1], ids[2])
			h.all(ids, intlog.Synced)
			h.is(bad, intlog.Failed)
			h.asked(map[string]int{"POST batch": 1, "GET preferences": 1})
			h.sim.SetSwitches(realm, qbosim.Switches{})
			h.retry(bad)
			h.is(bad, intlog.Synced)
		},
		"of two versions of a record the newer one goes out, and carries the other": func(_ *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			other := h.many(1)
			h.handle(v1, v2, other[0])
			h.all([]string{v2, other[0]}, intlog.Synced)
			h.is(v1, intlog.Superseded)
			h.asked(map[string]int{"POST batch": 1})
		},
		"what waits for another of the message goes out right after it": func(_ *testing.T, h *house) {
			ids := h.many(2)
			batch := h.send(event("batch_payment.processed", "b1", 1, `"bank":"operating","date":"2026-03-07","total":"21.00",`+
				`"members":[{"record":{"type":"payment","id":"p0"},"amount":"10.00","method":"cash"},{"record":{"type":"payment","id":"p1"},"amount":"11.00","method":"cash"}]`))
			h.drop()
			h.handle(ids[0], ids[1], batch)
			h.all(append(ids, batch), intlog.Synced)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newHouse(t))
		})
	}
}

func TestOfABatchOnlyWhatIsStillUnknownIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		kind  string
		asked map[string]int // of what was answered by more than a script
	}{
		"it arrived, and the answer was lost: each is found": {"commit_then_drop", map[string]int{"POST batch": 1, "POST query": 1}},
		"it never arrived: all go out again":                 {"drop", map[string]int{"POST batch": 1, "POST query": 1}},
		"half of the answer came":                            {"truncate", map[string]int{"POST batch": 1, "POST query": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			ids := h.many(30)
			h.script(qbosim.Fault{Kind: x.kind, PathContains: "batch"})
			h.handle(ids...)
			h.all(ids, intlog.Claimed)
			before := map[string]intlog.Posting{}
			for _, id := range ids {
				before[id] = h.entry(id).Postings[0]
			}
			h.later(intlog.FirstDue)
			h.all(ids, intlog.Synced)
			h.asked(x.asked)
			for _, id := range ids {
				if p := h.entry(id).Postings[0]; p.Request != before[id].Request || p.Item != before[id].Item || p.Doc != before[id].Doc {
					t.Errorf("%s goes out again as %+v", id, p)
				}
			}
			if n := len(h.journal()); n != 30 {
				t.Errorf("%d entries", n)
			}
		})
	}
}

func TestABatchIsHeldByWhatIsTrueRightBeforeIt(t *testing.T) {
	t.Parallel()
	t.Run("settings that changed after the claims: each is planned anew, and goes out at once", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		ids := h.many(3)
		store := &changing{Store: h.store, change: func() {
			h.config(func(c *org.Config) { c.Mapping.Roles[org.DepositsClearing] = c.Mapping.Roles[org.CardClearing] })
		}}
		h.worker = posting.New(store, h.client, h.matcher, h.clock.now)
		h.handle(ids...)
		h.all(ids, intlog.Synced)
		for _, line := range h.journal() {
			if !strings.Contains(line, "card_clearing") {
				t.Error(line)
			}
		}
	})
	t.Run("a worker that is too slow sends nothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		ids := h.many(3)
		store := &changing{Store: h.store}
		store.change = func() { h.clock.advance(intlog.SendWithin + time.Second) }
		h.worker = posting.New(&slowConfig{changing: store, clock: h.clock}, h.client, h.matcher, h.clock.now)
		h.handle(ids...)
		h.has()
		h.connect(time.Minute)
		h.later(intlog.FirstDue + intlog.Lease)
		h.all(ids, intlog.Synced)
	})
	t.Run("429: all of them wait, and nothing more is sent", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		ids := h.many(70)
		h.script(qbosim.Fault{Kind: "catalogue", Code: "3001", PathContains: "batch"})
		h.handle(ids...)
		h.all(ids, intlog.Waiting)
		h.asked(map[string]int{}) // but for the one that a script answered
		h.later(intlog.FirstDue)
		h.all(ids, intlog.Synced)
	})
}

func TestACrashAtEveryStepOfABatchLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 12; at++ {
		for _, after := range []bool{false, true} {
			h := newHouse(t)
			ids := h.many(4)
			worker := posting.New(&failing{Store: h.store, at: at, after: after}, h.client, h.matcher, h.clock.now)
			_ = worker.Handle(t.Context(), intlog.Work{Org: willow, Entries: ids})
			for range 4 {
				h.later(intlog.Lease + intlog.RetryStepMax)
			}
			h.all(ids, intlog.Synced)
			if n := len(h.journal()); n != 4 {
				t.Errorf("step %d, after %t: %v", at, after, h.journal())
			}
		}
	}
}
