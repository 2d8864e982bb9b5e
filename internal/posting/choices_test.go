package posting_test

import (
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// does has a person do something with an entry.
func (h *house) does(deed review.Deed, id string) {
	h.t.Helper()
	deed.Who = "Ana Diaz"
	if _, changed, err := review.New(h.store, h.queue, h.clock.now).Do(h.t.Context(), h.entry(id).Key, deed); err != nil || !changed {
		h.t.Fatalf("%s of %s: changed %t, %v", deed.Action, id, changed, err)
	}
}

// review has entries wait for a person from now on, or not.
func (h *house) review(on bool) {
	h.t.Helper()
	h.config(func(c *org.Config) { c.Settings.AutoSync = !on })
}

// deletes sends an event that waits for review, and has a person delete its entry.
func (h *house) deletes(event string) string {
	h.t.Helper()
	h.review(true)
	id := h.send(event)
	h.does(review.Deed{Action: review.Delete, Reason: "typed by mistake"}, id)
	h.review(false)
	return id
}

// chooses has a person answer what a failed entry asks, and works it off.
func (h *house) chooses(id string, choice rules.Decision) {
	h.t.Helper()
	h.is(id, intlog.Failed)
	h.does(review.Deed{Action: review.Retry, Choice: choice}, id)
	h.work()
}

func TestAChoiceIsCarriedOut(t *testing.T) {
	t.Parallel()
	cash := func(amount string) string {
		return "2026-03-04 d deposits_clearing " + amount + " c accounts_receivable " + amount
	}
	run(t, map[string]func(*testing.T, *house){
		"whole": func(t *testing.T, h *house) {
			h.deletes(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.chooses(v2, rules.Whole)
			h.is(v2, intlog.Synced)
			h.send(event("payment.updated", "p1", 3, paid("15.00")))
			h.work()
			h.has(cash("12.00"), cash("3.00"))
		},
		"difference": func(t *testing.T, h *house) {
			h.deletes(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.chooses(v2, rules.Difference)
			h.is(v2, intlog.Synced)
			h.send(event("payment.updated", "p1", 3, paid("15.00")))
			h.work()
			h.has(cash("2.00"), cash("3.00"))
		},
		"nothing": func(t *testing.T, h *house) {
			h.deletes(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.chooses(v2, rules.Nothing)
			h.is(v2, intlog.Unchanged)
			h.has()
			h.send(event("payment.updated", "p1", 3, paid("15.00")))
			h.work()
			h.has(cash("3.00"))
		},
		"a choice survives a refusal, and holds for the version that carries it": func(t *testing.T, h *house) {
			h.deletes(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.script(qbosim.Fault{Kind: "status", Status: 400, Body: `{"Fault":{"Error":[{"Message":"m","Detail":"Business Validation Error: something","code":"6000","element":""}],"type":"ValidationFault"}}`})
			h.chooses(v2, rules.Difference)
			h.is(v2, intlog.Failed)
			v3 := h.send(event("payment.updated", "p1", 3, paid("15.00")))
			h.work()
			h.is(v3, intlog.Synced)
			h.is(v2, intlog.Superseded)
			h.has(cash("5.00"))
		},
		"a deleted version that is restored needs no choice": func(t *testing.T, h *house) {
			v1 := h.deletes(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.is(v2, intlog.Failed)
			h.does(review.Deed{Action: review.Restore}, v1)
			h.work()
			h.is(v1, intlog.Superseded)
			h.does(review.Deed{Action: review.Retry}, v2)
			h.work()
			h.is(v2, intlog.Synced)
			h.has(cash("12.00"))
		},
		"a version that is deleted after its choice takes the choice away": func(t *testing.T, h *house) {
			h.deletes(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.does(review.Deed{Action: review.Retry, Choice: rules.Nothing}, v2)
			h.does(review.Deed{Action: review.Delete, Reason: "why"}, v2)
			h.work()
			v3 := h.send(event("payment.updated", "p1", 3, paid("15.00")))
			h.work()
			h.chooses(v3, rules.Whole)
			h.has(cash("15.00"))
		},
		"a batch with a deleted member is posted when that is in the opening clearing balance": func(t *testing.T, h *house) {
			h.deletes(event("payment.created", "p1", 1, paid("10.00")))
			batch := h.send(event("batch_payment.processed", "b1", 1, `"bank":"operating","date":"2026-03-09","members":[{"record":{"type":"payment","id":"p1"},"amount":"10.00","method":"cash"}],"total":"10.00"`))
			h.work()
			h.chooses(batch, rules.Post)
			h.is(batch, intlog.Synced)
			h.has("2026-03-09 d bank operating 10.00 c deposits_clearing 10.00")
		},
		"a batch asks for a member of which nothing was posted by choice": func(t *testing.T, h *house) {
			h.deletes(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.chooses(v2, rules.Nothing)
			batch := h.send(event("batch_payment.processed", "b1", 1, `"bank":"operating","date":"2026-03-09","members":[{"record":{"type":"payment","id":"p1"},"amount":"12.00","method":"cash"}],"total":"12.00"`))
			h.work()
			h.chooses(batch, rules.Post)
			h.has("2026-03-09 d bank operating 12.00 c deposits_clearing 12.00")
		},
		"a payment from before the cut-over": func(t *testing.T, h *house) {
			h.config(func(c *org.Config) { c.Settings.CutOver = "2026-03-04" })
			early := h.send(event("payment.created", "p1", 1, `"method":"cash","date":"2026-03-03","amount":"10.00"`))
			h.work()
			h.chooses(early, rules.Nothing)
			h.is(early, intlog.Unchanged)
			whole := h.send(event("payment.created", "p2", 1, `"method":"cash","date":"2026-03-03","amount":"11.00"`))
			h.work()
			h.chooses(whole, rules.Whole)
			h.is(whole, intlog.Synced)
			h.has("2026-03-03 d deposits_clearing 11.00 c accounts_receivable 11.00")
		},
	})
}
