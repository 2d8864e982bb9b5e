package posting_test

import (
	"slices"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/review"
)

// TestWhatWaitsForItsCauseGoesByItselfWhenTheCauseIsGone: nobody touches the entries.
func TestWhatWaitsForItsCauseGoesByItselfWhenTheCauseIsGone(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(*testing.T, *house){
		"a mapping is saved: all that waited for it go out, in batches": func(t *testing.T, h *house) {
			clearing := ""
			h.config(func(c *org.Config) {
				clearing = c.Mapping.Roles[org.DepositsClearing]
				delete(c.Mapping.Roles, org.DepositsClearing)
			})
			ids := h.many(75)
			for some := range slices.Chunk(ids, intlog.MaxWork) {
				h.handle(some...)
			}
			h.all(ids, intlog.Failed)
			config, err := h.store.Config(t.Context(), willow)
			if err != nil {
				t.Fatal(err)
			}
			config.Mapping.Roles[org.DepositsClearing] = clearing
			if _, released, err := h.retrier.Configure(t.Context(), config, config.Version); err != nil || released != len(ids) {
				t.Errorf("%d released, %v", released, err)
			}
			h.work()
			h.all(ids, intlog.Synced)
			h.asked(map[string]int{"POST batch": 3})
		},
		"the books are opened again: the next entry that looks sees it, and the others follow": func(_ *testing.T, h *house) {
			h.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-03-31"})
			h.config(func(c *org.Config) { c.CloseDate = "2026-03-31" })
			ids := h.many(40)
			for some := range slices.Chunk(ids, intlog.MaxWork) {
				h.handle(some...)
			}
			h.all(ids, intlog.Failed)
			h.asked(map[string]int{"GET preferences": 2}) // one for each message
			h.sim.SetSwitches(realm, qbosim.Switches{})
			h.clock.advance(time.Hour)
			h.retry(ids[0])
			h.is(ids[0], intlog.Synced)
			h.later(0)
			h.all(ids, intlog.Synced)
		},
		"something in QuickBooks is put right without a word: the night tries it": func(t *testing.T, h *house) {
			h.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-03-31"})
			ids := h.many(3)
			h.handle(ids...)
			h.all(ids, intlog.Failed)
			h.sim.SetSwitches(realm, qbosim.Switches{})
			h.clock.advance(12 * time.Hour)
			if n, err := h.retrier.Nightly(t.Context(), willow); n != len(ids) || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			h.work()
			h.all(ids, intlog.Synced)
		},
		"a dead connection: one refusal, one notice, and all go after reconnecting": func(t *testing.T, h *house) {
			ids := h.many(300)
			h.script(qbosim.Fault{Kind: "catalogue", Code: "3100", PathContains: "batch"})
			for some := range slices.Chunk(ids, intlog.MaxWork) {
				h.handle(some...)
			}
			h.all(ids, intlog.Failed)
			h.asked(map[string]int{}) // but for the one that a script answered
			config, err := h.store.Config(t.Context(), willow)
			if err != nil {
				t.Fatal(err)
			}
			if n := grant.Notices(org.Connection{Org: willow, Realm: realm}, config, h.clock.now()); len(n) != 1 {
				t.Errorf("%d notices: %+v", len(n), n)
			}
			if n, err := h.retrier.Reconnected(t.Context(), willow); n != len(ids) || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			h.work()
			h.all(ids, intlog.Synced)
			h.asked(map[string]int{"POST batch": 10})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newHouse(t))
		})
	}
}

func TestQuickBooksThatEvadesForEverIsSentAnotherRequestid(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"600", "6000"} {
		h := newHouse(t)
		id := h.send(event("payment.created", "p1", 1, paid("10.00")))
		fault := qbosim.Fault{Kind: "catalogue", Code: code, Times: 3}
		if code == "6000" {
			fault = qbosim.Fault{Kind: "status", Status: 400, Times: 3, Body: `{"Fault":{"Error":[{"Message":"An unexpected error occurred while accessing or saving your data.","Detail":"An unexpected error occurred while accessing or saving your data.","code":"6000"}]}}`}
		}
		h.script(fault)
		h.work()
		first := h.is(id, intlog.Claimed).Postings[0]
		for n := range 2 {
			h.later(intlog.RetryStepMax)
			if p := h.is(id, intlog.Claimed).Postings[0]; p.Request != first.Request {
				t.Errorf("after %d evasions: %+v", n+1, p)
			}
		}
		h.later(intlog.RetryStepMax)
		if p := h.is(id, intlog.Synced).Postings[0]; p.Request == first.Request || p.Doc != first.Doc {
			t.Errorf("%s: %+v, before %+v", code, p, first)
		}
		if n := len(h.journal()); n != 1 {
			t.Errorf("%d entries", n)
		}
	}
}

// underErrors says what shows under Sync errors, as the log is read by people.
func (h *house) underErrors() []string {
	h.t.Helper()
	list, _, err := review.New(h.store, h.queue, h.clock.now).Find(h.t.Context(), willow, review.Filter{Tab: "errors"}, intlog.Mark{}, 50)
	if err != nil {
		h.t.Fatal(err)
	}
	var ids []string
	for _, e := range list {
		ids = append(ids, e.ID())
	}
	return ids
}

func TestWhatIsStuckShowsUnderSyncErrorsAndGoesOn(t *testing.T) {
	t.Parallel()
	t.Run("an outcome that stays unknown, after two leases", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.script(qbosim.Fault{Kind: "drop", Times: 5}) // the request, twice the question, and once more both
		id := h.send(event("payment.created", "p1", 1, paid("10.00")))
		h.work()
		for leases := range 3 {
			e := h.is(id, intlog.Claimed)
			if shown := h.underErrors(); (leases == 2) != slices.Contains(shown, id) || e.Outlook().At.IsZero() {
				t.Errorf("after %d leases, under Sync errors: %v; %+v", leases, shown, e.Outlook())
			}
			h.later(intlog.RetryStepMax)
		}
		for range 3 {
			h.later(intlog.RetryStepMax)
		}
		h.is(id, intlog.Synced)
		h.has(receipt)
		if shown := h.underErrors(); shown != nil {
			t.Errorf("under Sync errors: %v", shown)
		}
	})
	t.Run("what waits, after a quarter of an hour", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		batch := h.send(event("batch_payment.processed", "b1", 1, `"bank":"operating","date":"2026-03-07","total":"10.00",`+
			`"members":[{"record":{"type":"payment","id":"late"},"amount":"10.00","method":"cash"}]`))
		h.work()
		began := h.clock.now()
		for h.clock.now().Sub(began) < 2*intlog.StuckAfter {
			e := h.is(batch, intlog.Waiting)
			long := e.History[len(e.History)-1].At.Sub(began) >= intlog.StuckAfter
			if shown := h.underErrors(); long != slices.Contains(shown, batch) {
				t.Errorf("after %s, under Sync errors: %v", h.clock.now().Sub(began), shown)
			}
			h.later(e.Until.Sub(h.clock.now()) + time.Second)
		}
		h.send(event("payment.created", "late", 1, paid("10.00")))
		h.later(2 * intlog.PollMax)
		h.is(batch, intlog.Synced)
		if shown := h.underErrors(); shown != nil {
			t.Errorf("under Sync errors: %v", shown)
		}
	})
}

func TestWhatWaitsForTooLongIsShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	batch := h.send(event("batch_payment.processed", "b1", 1, `"bank":"operating","date":"2026-03-07","total":"10.00",`+
		`"members":[{"record":{"type":"payment","id":"late"},"amount":"10.00","method":"cash"}]`))
	h.work()
	var waits []time.Duration
	for range intlog.MaxPolls {
		e := h.is(batch, intlog.Waiting)
		waits = append(waits, e.Until.Sub(h.clock.now()))
		h.later(2 * time.Hour)
	}
	for i, d := range waits {
		least := min(intlog.PollMin<<min(i, 6), intlog.PollMax)
		if d < least || d > least+least/4 {
			t.Errorf("wait %d takes %s, want %s and up to a quarter more", i+1, d, least)
		}
	}
	if e := h.is(batch, intlog.Failed); len(e.Cause) == 0 {
		t.Errorf("%+v", e)
	}
	late := h.send(event("payment.created", "late", 1, paid("10.00")))
	h.work()
	h.is(late, intlog.Synced)
	if n, err := h.retrier.Nightly(t.Context(), willow); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	h.work()
	h.is(batch, intlog.Synced)
}
