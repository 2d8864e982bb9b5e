package posting_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

func (h *house) desk() *review.Desk {
	return review.New(h.store, h.queue, h.clock.now).Plans(h.worker)
}

func (h *house) key(id string) intlog.Key {
	h.t.Helper()
	key, err := intlog.ParseKey(willow, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return key
}

// undo has an entry undone, works it off, and answers the undo's id.
func (h *house) undo(id string) string {
	h.t.Helper()
	e, made, err := h.desk().Undo(h.t.Context(), h.key(id), "Ben Ray", "Entered twice", nil)
	if err != nil || !made {
		h.t.Fatalf("made %t, %v", made, err)
	}
	h.work()
	return e.ID()
}

// refused says why an entry cannot be undone.
func (h *house) refused(id, says string) {
	h.t.Helper()
	_, made, err := h.desk().Undo(h.t.Context(), h.key(id), "Ben Ray", "Entered twice", nil)
	if text := fault.As(err).Text(); made || !fault.Is(err, fault.Conflict) || !strings.Contains(text, says) {
		h.t.Errorf("made %t, %v: want %q", made, err, says)
	}
}

const receiptBack = "2026-03-04 d accounts_receivable 10.00 c deposits_clearing 10.00"

func members() string {
	return `"bank":"operating","date":"2026-03-07","total":"10.00","members":[{"record":{"type":"payment","id":"p1"},"amount":"10.00","method":"cash"}]`
}

func TestAnUndoTakesTheWholeRecordOutAgain(t *testing.T) {
	t.Parallel()
	run(t, map[string]func(*testing.T, *house){
		"a payment is reversed where it stands, and the undo says who, when and why": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			id := h.undo(v1)
			h.has(receipt, receiptBack)
			e := h.is(id, intlog.Synced)
			if want := "Undo of cash payment created: takes the whole record out of QuickBooks again; the family owes 10.00 more."; e.Sentence != want || id != "payment.p1.1~1" || e.Kind != "payment.undone" {
				t.Errorf("%s %s %q", id, e.Kind, e.Sentence)
			}
			if s := e.History[0]; s.Who != "Ben Ray" || s.Why != "Entered twice" || !s.At.Equal(h.clock.now()) || s.To != intlog.Queued {
				t.Errorf("%+v", s)
			}
			h.is(v1, intlog.Synced)
		},
		"all versions go by one undo of the newest": func(_ *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			v2 := h.send(event("payment.updated", "p1", 2, `"method":"cash","date":"2026-04-02","amount":"12.00"`))
			h.work()
			h.undo(v2)
			h.has(receipt, receiptBack, "2026-04-02 d deposits_clearing 12.00 c accounts_receivable 12.00", "2026-04-02 d accounts_receivable 12.00 c deposits_clearing 12.00")
		},
		"both signings of a contract, each on its date": func(_ *testing.T, h *house) {
			h.send(event("goods_and_services.signed", "g1", 1, contract("2026-03-02", "100.00")))
			h.work()
			v2 := h.send(event("goods_and_services.resigned", "g1", 2, contract("2026-04-09", "130.00")))
			h.work()
			h.undo(v2)
			h.has("2026-03-02 d accounts_receivable 100.00 c 4000 100.00", "2026-04-09 d accounts_receivable 30.00 c 4000 30.00",
				"2026-03-02 d 4000 100.00 c accounts_receivable 100.00", "2026-04-09 d 4000 30.00 c accounts_receivable 30.00")
		},
		"a newer version that changed nothing goes with it": func(_ *testing.T, h *house) {
			v1 := h.send(event("goods_and_services.signed", "g1", 1, contract("2026-03-02", "100.00")))
			h.work()
			h.is(h.send(event("goods_and_services.resigned", "g1", 2, contract("2026-04-09", "100.00"))), intlog.Queued)
			h.work()
			if id := h.undo(v1); id != "goods_and_services.g1.2~1" {
				h.t.Error(id)
			}
			h.has("2026-03-02 d accounts_receivable 100.00 c 4000 100.00", "2026-03-02 d 4000 100.00 c accounts_receivable 100.00")
		},
		"the posted lines, not today's mapping": func(_ *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.config(func(c *org.Config) { c.Mapping.Roles[org.DepositsClearing] = c.Mapping.Roles[org.CardClearing] })
			h.undo(v1)
			h.has(receipt, receiptBack)
		},
		"on the first open day when the books were closed and the organisation wants that": func(_ *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.config(func(c *org.Config) { c.Settings.ClosedPeriod = org.FirstOpenDay })
			h.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-03-31"})
			h.undo(v1)
			h.has(receipt, "2026-04-01 d accounts_receivable 10.00 c deposits_clearing 10.00")
		},
		"closed books hold it, and it goes when they are open": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-03-31"})
			id := h.undo(v1)
			if e := h.is(id, intlog.Failed); e.Cause[0].Kind != rules.Period {
				t.Errorf("%+v", e.Cause)
			}
			h.sim.SetSwitches(realm, qbosim.Switches{})
			h.retry(id)
			h.has(receipt, receiptBack)
		},
		"an unknown outcome is asked for by the undo's own mark": func(_ *testing.T, h *house) {
			h.sim.SetSwitches(realm, qbosim.Switches{IgnoreRequestID: true})
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.script(qbosim.Fault{Kind: "commit_then_drop"})
			id := h.undo(v1)
			h.is(id, intlog.Claimed)
			h.later(intlog.FirstDue)
			h.is(id, intlog.Synced)
			h.has(receipt, receiptBack)
		},
	})
}

func TestWhatComesAfterAnUndo(t *testing.T) {
	t.Parallel()
	run(t, map[string]func(*testing.T, *house){
		"a later version posts in full": func(_ *testing.T, h *house) {
			h.send(event("goods_and_services.signed", "g1", 1, contract("2026-03-02", "100.00")))
			h.work()
			v2 := h.send(event("goods_and_services.resigned", "g1", 2, contract("2026-03-02", "130.00")))
			h.work()
			h.undo(v2)
			v3 := h.send(event("goods_and_services.resigned", "g1", 3, contract("2026-04-09", "140.00")))
			h.work()
			h.is(v3, intlog.Synced)
			if list := h.journal(); len(list) != 4 || list[3] != "2026-04-09 d accounts_receivable 140.00 c 4000 140.00" {
				h.t.Error(list)
			}
		},
		"and by today's mapping": func(_ *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.config(func(c *org.Config) { c.Mapping.Roles[org.DepositsClearing] = c.Mapping.Roles[org.CardClearing] })
			h.undo(v1)
			h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.has(receipt, receiptBack, "2026-03-04 d card_clearing 12.00 c accounts_receivable 12.00")
		},
		"an undo of the undo puts the record in again, also by today's mapping": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			undo := h.undo(v1)
			h.config(func(c *org.Config) { c.Mapping.Roles[org.DepositsClearing] = c.Mapping.Roles[org.CardClearing] })
			redo := h.undo(undo)
			h.has(receipt, receiptBack, "2026-03-04 d card_clearing 10.00 c accounts_receivable 10.00")
			e := h.is(redo, intlog.Synced)
			if want := "Undo of the undo of cash payment created: puts the record into QuickBooks again; the family owes 10.00 less."; e.Sentence != want || redo != "payment.p1.1~2" || e.Kind != "payment.redone" {
				t.Errorf("%s %s %q", redo, e.Kind, e.Sentence)
			}
			third := h.undo(redo)
			h.is(third, intlog.Synced)
			if list := h.journal(); third != "payment.p1.1~3" || list[3] != "2026-03-04 d accounts_receivable 10.00 c card_clearing 10.00" {
				t.Error(third, list)
			}
		},
		"an undo of the undo brings back what that one took out, and no more": func(_ *testing.T, h *house) {
			h.send(event("goods_and_services.signed", "g1", 1, contract("2026-03-02", "100.00")))
			h.work()
			h.undo("goods_and_services.g1.1")
			v2 := h.send(event("goods_and_services.resigned", "g1", 2, contract("2026-04-09", "130.00")))
			h.work()
			h.undo(h.undo(v2))
			if list := h.journal(); len(list) != 5 || list[4] != "2026-04-09 d accounts_receivable 130.00 c 4000 130.00" {
				h.t.Error(list)
			}
		},
		"a version from before that comes late is settled, and never posted": func(_ *testing.T, h *house) {
			v2 := h.send(event("goods_and_services.resigned", "g1", 2, contract("2026-04-09", "130.00")))
			h.work()
			h.undo(v2)
			v1 := h.send(event("goods_and_services.signed", "g1", 1, contract("2026-03-02", "100.00")))
			h.work()
			h.is(v1, intlog.Superseded)
			h.has("2026-04-09 d accounts_receivable 130.00 c 4000 130.00", "2026-04-09 d 4000 130.00 c accounts_receivable 130.00")
		},
		"a repeat of an event from before changes nothing": func(_ *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			undo := h.undo(v1)
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.later(intlog.RetryStepMax)
			h.is(v1, intlog.Synced)
			h.is(undo, intlog.Synced)
			h.has(receipt, receiptBack)
		},
		"a version that came before the undo was worked off carries it": func(_ *testing.T, h *house) {
			h.send(event("goods_and_services.signed", "g1", 1, contract("2026-03-02", "100.00")))
			h.work()
			undo, _, err := h.desk().Undo(h.t.Context(), h.key("goods_and_services.g1.1"), "Ben Ray", "Entered twice", nil)
			if err != nil {
				h.t.Fatal(err)
			}
			v2 := h.send(event("goods_and_services.resigned", "g1", 2, contract("2026-04-09", "130.00")))
			h.work()
			h.is(undo.ID(), intlog.Superseded)
			h.is(v2, intlog.Synced)
			h.has("2026-03-02 d accounts_receivable 100.00 c 4000 100.00", "2026-03-02 d 4000 100.00 c accounts_receivable 100.00", "2026-04-09 d accounts_receivable 130.00 c 4000 130.00")
		},
	})
}

func TestAnUndoAndTheRecordsAround(t *testing.T) {
	t.Parallel()
	run(t, map[string]func(*testing.T, *house){
		"a batch: the members stand on clearing again, and may be changed": func(_ *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			batch := h.send(event("batch_payment.processed", "b1", 1, members()))
			h.work()
			h.undo(batch)
			h.has(receipt, "2026-03-07 d bank operating 10.00 c deposits_clearing 10.00", "2026-03-07 d deposits_clearing 10.00 c bank operating 10.00")
			h.undo(v1)
			if list := h.journal(); len(list) != 4 || list[3] != receiptBack {
				h.t.Error(list)
			}
		},
		"a member of a processed batch is held, naming the batch, and goes when the batch is undone": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			batch := h.send(event("batch_payment.processed", "b1", 1, members()))
			h.work()
			undo := h.undo(v1)
			if e := h.is(undo, intlog.Waiting); !strings.Contains(e.Cause[0].Text, "batch b1") {
				t.Errorf("%+v", e.Cause)
			}
			h.undo(batch)
			h.later(intlog.PollMin)
			h.is(undo, intlog.Synced)
			if b := h.sim.Balances(realm); b["deposits_clearing"] != 0 || b["accounts_receivable"] != 0 || b["bank operating"] != 0 {
				t.Error(b)
			}
		},
		"a batch with a member that was undone is held, naming it": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.undo(v1)
			batch := h.send(event("batch_payment.processed", "b1", 1, members()))
			h.work()
			if e := h.is(batch, intlog.Failed); !strings.Contains(e.Cause[0].Text, "payment/p1 is undone") {
				t.Errorf("%+v", e.Cause)
			}
		},
		"a refund whose check stands is held, naming the check": func(t *testing.T, h *house) {
			refund := h.send(event("refund.created", "r1", 1, `"amount":"10.00","date":"2026-03-04","paid_by":"passare_check"`))
			h.work()
			h.send(event("check.printed", "k1", 1, `"bank":"operating","number":"2001","date":"2026-03-05","payee":{"name":"Mary Smith"},"refund_record":{"type":"refund","id":"r1"},`+
				`"lines":[{"kind":"refund","amount":"10.00","case":{"id":"c1","number":"24-0113","decedent":{"first":"John","last":"Smith"}}}]`))
			h.work()
			undo := h.undo(refund)
			if e := h.is(undo, intlog.Waiting); !strings.Contains(e.Cause[0].Text, "check k1") {
				t.Errorf("%+v", e.Cause)
			}
			h.undo("check.k1.1")
			h.later(intlog.PollMin)
			h.is(undo, intlog.Synced)
			if b := h.sim.Balances(realm); b["refunds_payable"] != 0 || b["accounts_receivable"] != 0 || b["bank operating"] != 0 {
				t.Error(b)
			}
		},
	})
}

func TestWhatCannotBeUndone(t *testing.T) {
	t.Parallel()
	run(t, map[string]func(*testing.T, *house){
		"while a version is on its way": func(_ *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.refused(v1, "Version 2 is queued, by Ana Diaz on 3/4/2026 15:00 UTC.")
		},
		"while a newer version is in Sync errors": func(_ *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-03-31"})
			h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.refused(v1, "Version 2 is failed, by Passare sync")
		},
		"by an older version": func(_ *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.refused(v1, "Undo payment.p1.2:")
		},
		"what is not in QuickBooks": func(_ *testing.T, h *house) {
			h.config(func(c *org.Config) { c.Settings.AutoSync = false })
			h.refused(h.send(event("payment.created", "p1", 1, paid("10.00"))), "This entry is pending")
		},
		"what was deleted in Passare": func(_ *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			v2 := h.send(event("payment.deleted", "p1", 2, paid("10.00")))
			h.work()
			h.refused(v2, "Nothing of this record stands")
		},
		"an undo after which a version came that wants nothing": func(_ *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			undo := h.undo(v1)
			h.is(h.send(event("payment.deleted", "p1", 2, paid("10.00"))), intlog.Queued)
			h.work()
			h.refused(undo, "Version 2 is unchanged")
		},
		"without a reason, of nothing, or of what has changed": func(t *testing.T, h *house) {
			v1 := h.key(h.send(event("payment.created", "p1", 1, paid("10.00"))))
			h.work()
			rev, none := int64(1), v1
			none.Version = 7
			for _, c := range []struct {
				key    intlog.Key
				reason string
				rev    *int64
				want   fault.Code
			}{{v1, " ", nil, fault.Invalid}, {v1, strings.Repeat("x", 501), nil, fault.Invalid}, {none, "why", nil, fault.NotFound}, {v1, "why", &rev, fault.Stale}} {
				if _, _, err := h.desk().Undo(t.Context(), c.key, "Ben Ray", c.reason, c.rev); !fault.Is(err, c.want) {
					t.Errorf("%v, want %s", err, c.want)
				}
			}
			h.has(receipt)
		},
	})
}

func TestAnUndoIsMadeOnce(t *testing.T) {
	t.Parallel()
	run(t, map[string]func(*testing.T, *house){
		"by two people at once": func(t *testing.T, h *house) {
			v1 := h.key(h.send(event("payment.created", "p1", 1, paid("10.00"))))
			h.work()
			var wg sync.WaitGroup
			made := make(chan string, 8)
			for range 8 {
				wg.Go(func() {
					e, first, err := h.desk().Undo(context.WithoutCancel(t.Context()), v1, "Ben Ray", "Entered twice", nil)
					if err != nil || e.ID() != "payment.p1.1~1" {
						t.Errorf("%s %v", e.ID(), err)
					}
					if first {
						made <- e.ID()
					}
				})
			}
			wg.Wait()
			h.work()
			if len(made) != 1 {
				t.Errorf("%d were made", len(made))
			}
			h.has(receipt, receiptBack)
		},
		"when it is asked for again, on its way or done": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			for range 3 {
				e, _, err := h.desk().Undo(t.Context(), h.key(v1), "Ben Ray", "Entered twice", nil)
				if err != nil || e.ID() != "payment.p1.1~1" {
					t.Errorf("%s %v", e.ID(), err)
				}
				h.work()
			}
			h.has(receipt, receiptBack)
		},
		"one that was deleted and comes back waits for the one that was made instead": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			change := func(id string, to intlog.State) {
				t.Helper()
				e, err := h.entry(id).Move(to, "Ben Ray", "", h.clock.now())
				if err == nil {
					_, err = h.store.Update(t.Context(), e)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			begin := func() string {
				t.Helper()
				e, _, err := h.desk().Undo(t.Context(), h.key(v1), "Ben Ray", "Entered twice", nil)
				if err != nil {
					t.Fatal(err)
				}
				h.drop()
				return e.ID()
			}
			one := begin()
			change(one, intlog.Deleted)
			other := begin()
			change(one, intlog.Queued)
			h.handle(one)
			h.is(one, intlog.Queued)
			h.handle(other)
			h.is(other, intlog.Synced)
			h.is(one, intlog.Superseded)
			if h.has(receipt, receiptBack); other != "payment.p1.1~3" {
				t.Error(other)
			}
		},
		"and one that a person deleted before it was posted keeps its number, and undoes nothing": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			e, _, err := h.desk().Undo(t.Context(), h.key(v1), "Ben Ray", "Entered twice", nil)
			if err == nil {
				e, err = e.Move(intlog.Deleted, "Ben Ray", "", h.clock.now())
			}
			if err == nil {
				_, err = h.store.Update(t.Context(), e)
			}
			if err != nil {
				t.Fatal(err)
			}
			h.work()
			h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.has(receipt, "2026-03-04 d deposits_clearing 2.00 c accounts_receivable 2.00")
			if id := h.undo("payment.p1.2"); id != "payment.p1.2~1" {
				t.Error(id)
			}
		},
	})
}

func TestAPreviewOfAnUndoIsWhatItPosts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
	h.work()
	e, plan, err := h.desk().Plans(posting.New(readOnly{h.store, t}, nil, h.matcher, h.clock.now)).PreviewUndo(t.Context(), h.key(v1), "Ben Ray", "Entered twice", nil)
	want := []string{"2026-03-04 Debit 14 10.00 John Smith true", "2026-03-04 Credit 1 10.00 John Smith true"}
	if diff := cmp.Diff(want, planned(plan)); diff != "" || err != nil || e.ID() != "payment.p1.1~1" || e.Sentence != plan.Sentence {
		t.Errorf("%s %q %v\n%s", e.ID(), e.Sentence, err, diff)
	}
	r, err := h.store.Record(t.Context(), willow, passare.Ref{Type: passare.Payment, ID: "p1"})
	if err != nil || len(r.Entries) != 1 {
		t.Errorf("%d entries are stored, %v", len(r.Entries), err)
	}
	h.undo(v1)
	if _, _, err := h.desk().PreviewUndo(t.Context(), h.key(v1), "Ben Ray", "Entered twice", nil); !fault.Is(err, fault.Conflict) {
		t.Errorf("a preview of what is undone: %v", err)
	}
	h.has(receipt, receiptBack)
}
