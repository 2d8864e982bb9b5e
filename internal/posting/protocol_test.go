package posting_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/rules"
)

const receipt = "2026-03-04 d deposits_clearing 10.00 c accounts_receivable 10.00"

func (h *house) has(entries ...string) {
	h.t.Helper()
	if diff := cmp.Diff(entries, h.journal()); diff != "" {
		h.t.Errorf("QuickBooks' journal (-want +got):\n%s", diff)
	}
}

func run(t *testing.T, cases map[string]func(*testing.T, *house)) {
	t.Helper()
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newHouse(t))
		})
	}
}

func TestAnUncertainOutcomeIsAskedForBeforeAnythingIsSentAgain(t *testing.T) {
	t.Parallel()
	unexpected := `{"Fault":{"Error":[{"Message":"A business validation error has occurred while processing your request","Detail":"Business Validation Error: An unexpected error occurred while accessing or saving your data. Please wait a few minutes and try again.","code":"6000","element":""}],"type":"ValidationFault"}}`
	for name, f := range map[string]qbosim.Fault{
		"committed, then the connection was cut":        {Kind: "commit_then_drop"},
		"committed, then 500":                           {Kind: "commit_then_status", Status: 500, Body: `{}`},
		"committed, then 504 as a page":                 {Kind: "commit_then_status", Status: 504, Body: `<html>Gateway Time-out</html>`},
		"committed, then 6000 unexpected error":         {Kind: "commit_then_status", Status: 400, Body: unexpected},
		"committed, then 200 with half an answer":       {Kind: "commit_then_status", Status: 200, Body: `{"JournalEntry":{"Id`},
		"committed, then 200 with something else":       {Kind: "commit_then_status", Status: 200, Body: `{"time":"now"}`},
		"never arrived, the connection was cut":         {Kind: "drop"},
		"never arrived, 503":                            {Kind: "status", Status: 503, Body: `{}`},
		"never arrived, but said 6000 unexpected error": {Kind: "status", Status: 400, Body: unexpected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, ignoring := range []bool{false, true} {
				h := newHouse(t)
				h.sim.SetSwitches(realm, qbosim.Switches{IgnoreRequestID: ignoring})
				h.script(f)
				id := h.send(event("payment.created", "p1", 1, paid("10.00")))
				h.work()
				before := h.is(id, intlog.Claimed)
				if len(before.Postings) != 1 || before.Postings[0].Faults != 1 {
					t.Fatalf("%+v", before.Postings)
				}
				h.later(100 * time.Second) // the lease is not over: nothing may happen, not even after a message that came twice
				if err := h.worker.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{id}}); err != nil {
					t.Fatal(err)
				}
				if e := h.is(id, intlog.Claimed); e.Rev != before.Rev {
					t.Error("somebody touched the entry inside its lease")
				}
				h.later(intlog.Lease)
				after := h.is(id, intlog.Synced)
				h.has(receipt)
				if after.Postings[0].Doc != before.Postings[0].Doc || after.N != 1 {
					t.Errorf("another posting was made: %+v", after.Postings)
				}
			}
		})
	}
}

func TestACertainRefusalClosesThePosting(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.sim.SetSwitches(realm, qbosim.Switches{ReplayFailures: true}) // the refusal would come again under the same requestid
	h.script(qbosim.Fault{Kind: "status", Status: 400, Body: `{"Fault":{"Error":[{"Message":"m","Detail":"Business Validation Error: something","code":"6000","element":""}],"type":"ValidationFault"}}`})
	id := h.send(event("payment.created", "p1", 1, paid("10.00")))
	h.work()
	e := h.is(id, intlog.Failed)
	if len(e.Cause) != 1 || e.Cause[0].Kind != rules.Data || !strings.Contains(e.Cause[0].Text, "something") {
		t.Errorf("%+v", e.Cause)
	}
	h.retry(id)
	h.has(receipt)
	if e := h.is(id, intlog.Synced); e.N != 2 || e.Postings[len(e.Postings)-1].N != 2 {
		t.Errorf("the next attempt is posting %d", e.N)
	}
}

// retry is what a person's Retry sync does.
func (h *house) retry(id string) {
	h.t.Helper()
	e, err := h.entry(id).Move(intlog.Queued, "Ana Diaz", "Retry sync", h.clock.now())
	if err == nil {
		_, err = h.store.Update(h.t.Context(), e)
	}
	if err == nil {
		err = h.worker.Handle(h.t.Context(), intlog.Work{Org: willow, Entries: []string{id}})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestWhatQuickBooksSaysBecomesAState(t *testing.T) {
	t.Parallel()
	run(t, map[string]func(*testing.T, *house){
		"429 pauses the organisation and goes by itself": func(t *testing.T, h *house) {
			h.script(qbosim.Fault{Kind: "status", Status: 429, Body: `{"fault":{"error":[{"message":"message=ThrottleExceeded; errorCode=003001; statusCode=429","detail":"The request limit was reached.  Try again later","code":"3001","element":null}],"type":"SERVICE"}}`})
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			if e := h.is(id, intlog.Waiting); len(e.Postings) != 0 || !e.Until.Equal(h.clock.now().Add(intlog.ThrottlePause)) {
				t.Errorf("%+v until %s", e.Postings, e.Until)
			}
			other := h.send(event("payment.created", "p2", 1, paid("11.00")))
			h.work()
			h.is(other, intlog.Waiting)
			if c := h.sim.Counted(realm); c.Requests["POST journalentry"] != 0 {
				t.Errorf("%d requests during the pause", c.Requests["POST journalentry"])
			}
			h.later(61 * time.Second)
			h.is(id, intlog.Synced)
			h.is(other, intlog.Synced)
		},
		"an account made inactive between review and post is shown, and goes when it is active again": func(t *testing.T, h *house) {
			h.sim.Deactivate(realm, "Account", "deposits_clearing")
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			if e := h.is(id, intlog.Failed); e.Cause[0].Kind != rules.Account || !strings.Contains(e.Cause[0].Text, "inactive") {
				t.Errorf("%+v", e.Cause)
			}
			h.sim.Activate(realm, "Account", "deposits_clearing")
			h.retry(id)
			h.is(id, intlog.Synced)
			h.has(receipt)
		},
		"an expired token is renewed under the same requestid": func(t *testing.T, h *house) {
			h.clock.advance(2 * time.Hour)
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.is(id, intlog.Synced)
		},
		"a dead connection stops the whole organisation, and a new one lets everything go": func(t *testing.T, h *house) {
			h.script(qbosim.Fault{Kind: "status", Status: 403, Body: `{"fault":{"error":[{"message":"message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403","detail":null,"code":"3100","element":null}],"type":"SERVICE"}}`})
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			before := h.sim.Counted(realm).Requests["POST journalentry"]
			other := h.send(event("payment.created", "p2", 1, paid("11.00")))
			h.work()
			for _, x := range []string{id, other} {
				if e := h.is(x, intlog.Failed); e.Cause[0].Kind != rules.Connection || !strings.Contains(e.Cause[0].Text, "Reconnect") || e.Cause[0].Who != "administrator" {
					t.Errorf("%+v", e.Cause)
				}
			}
			h.retry(other)
			h.is(other, intlog.Failed)
			if after := h.sim.Counted(realm).Requests["POST journalentry"]; after != before {
				t.Errorf("%d requests were made with a dead grant", after-before)
			}
			if n, err := h.retrier.Reconnected(t.Context(), willow); n != 2 || err != nil {
				t.Errorf("%d entries go, %v", n, err)
			}
			h.work()
			h.has(receipt, "2026-03-04 d deposits_clearing 11.00 c accounts_receivable 11.00")
		},
		"a refusal of the old grant that comes after reconnecting stops nobody, and its entry is let go by the sweep": func(t *testing.T, h *house) {
			slow := posting.New(h.store, &reconnecting{h.client, h}, h.matcher, h.clock.now)
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			if err := slow.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{id}}); err != nil {
				t.Fatal(err)
			}
			h.is(id, intlog.Failed)
			if config, err := h.store.Config(t.Context(), willow); err != nil || !config.Connected() {
				t.Errorf("the organisation is stopped since %s, %v", config.BrokenSince, err)
			}
			h.later(intlog.SweepSoon + time.Second)
			h.is(id, intlog.Synced)
			h.has(receipt)
		},
		"a number that is in use by our own entry is adopted": func(t *testing.T, h *house) {
			h.sim.SetSwitches(realm, qbosim.Switches{DuplicateNumberCheck: true, IgnoreRequestID: true})
			h.script(qbosim.Fault{Kind: "commit_then_drop"})
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			blind := posting.New(h.store, &lagging{Books: h.client}, h.matcher, h.clock.now)
			h.clock.advance(intlog.Lease + time.Minute)
			if err := blind.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{id}}); err != nil {
				t.Fatal(err)
			}
			h.is(id, intlog.Synced)
			h.has(receipt)
		},
		"books closed meanwhile hold the entry": func(t *testing.T, h *house) {
			h.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-03-31"})
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			if e := h.is(id, intlog.Failed); e.Cause[0].Kind != rules.Period || !strings.Contains(e.Cause[0].Text, "3/31/2026") {
				t.Errorf("%+v", e.Cause)
			}
			h.sim.SetSwitches(realm, qbosim.Switches{})
			h.retry(id)
			h.has(receipt)
		},
		"books closed meanwhile move the entry to the first open day when the organisation wants that": func(t *testing.T, h *house) {
			h.config(func(c *org.Config) { c.Settings.ClosedPeriod = org.FirstOpenDay })
			h.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-03-31"})
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.is(id, intlog.Synced)
			h.has("2026-04-01 d deposits_clearing 10.00 c accounts_receivable 10.00")
		},
		"books reopened since are noticed before an entry is moved": func(t *testing.T, h *house) {
			h.config(func(c *org.Config) { c.Settings.ClosedPeriod, c.CloseDate = org.FirstOpenDay, "2026-03-31" })
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.is(id, intlog.Synced)
			h.has(receipt)
		},
		"an unmapped account is shown with every other problem, and goes once mapped": func(t *testing.T, h *house) {
			var account string
			h.config(func(c *org.Config) {
				account = c.Mapping.Roles[org.DepositsClearing]
				delete(c.Mapping.Roles, org.DepositsClearing)
			})
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			if e := h.is(id, intlog.Failed); e.Cause[0].Subject != "account deposits_clearing" {
				t.Errorf("%+v", e.Cause)
			}
			h.config(func(c *org.Config) { c.Mapping.Roles[org.DepositsClearing] = account })
			h.retry(id)
			h.has(receipt)
		},
	})
}

// reconnecting is QuickBooks to a worker that asks with the old grant while somebody reconnects.
type reconnecting struct {
	posting.Books
	h *house
}

func (r *reconnecting) CreateJournalEntry(ctx context.Context, _ org.Company, _ journal.Entry, _ string) (string, error) {
	if _, err := r.h.retrier.Reconnected(ctx, willow); err != nil {
		r.h.t.Error(err)
	}
	return "", &fault.Error{Code: fault.Disconnected, Class: fault.Connection, Who: "administrator", Message: "Reconnect."}
}

// lagging is QuickBooks whose queries do not show the newest entries the first time.
type lagging struct {
	posting.Books
	asked int
}

func (l *lagging) JournalEntriesByDocNumber(ctx context.Context, at org.Company, docs []string) ([]journal.FoundEntry, error) {
	if l.asked++; l.asked == 1 {
		return nil, nil
	}
	return l.Books.JournalEntriesByDocNumber(ctx, at, docs)
}

func TestVersionsInWhateverOrder(t *testing.T) {
	t.Parallel()
	run(t, map[string]func(*testing.T, *house){
		"an edit that comes while the first version waits carries it": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.is(v1, intlog.Superseded)
			h.is(v2, intlog.Synced)
			h.has("2026-03-04 d deposits_clearing 12.00 c accounts_receivable 12.00")
		},
		"a late older version of a payment changes nothing": func(t *testing.T, h *house) {
			h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.is(v1, intlog.Superseded)
			h.has("2026-03-04 d deposits_clearing 12.00 c accounts_receivable 12.00")
		},
		"a late first signing moves its part to its date": func(t *testing.T, h *house) {
			h.send(event("goods_and_services.resigned", "g1", 2, contract("2026-04-09", "130.00")))
			h.work()
			v1 := h.send(event("goods_and_services.signed", "g1", 1, contract("2026-03-02", "100.00")))
			h.work()
			h.is(v1, intlog.Synced)
			h.has("2026-04-09 d accounts_receivable 130.00 c 4000 130.00", "2026-03-02 d accounts_receivable 100.00 c 4000 100.00", "2026-04-09 d 4000 100.00 c accounts_receivable 100.00")
		},
		"an older version does not go while a newer one is on its way, and is measured after it": func(t *testing.T, h *house) {
			h.script(qbosim.Fault{Kind: "commit_then_drop"})
			v2 := h.send(event("goods_and_services.resigned", "g1", 2, contract("2026-04-09", "130.00")))
			h.work()
			h.is(v2, intlog.Claimed)
			v1 := h.send(event("goods_and_services.signed", "g1", 1, contract("2026-03-02", "100.00")))
			h.work()
			h.is(v1, intlog.Queued)
			h.later(intlog.Lease + intlog.FirstDue)
			h.later(intlog.RetryStepMax)
			h.is(v2, intlog.Synced)
			h.is(v1, intlog.Synced)
			if n := len(h.journal()); n != 3 {
				t.Errorf("%d entries: %v", n, h.journal())
			}
		},
		"a newer version waits while an older one is being posted": func(t *testing.T, h *house) {
			h.script(qbosim.Fault{Kind: "commit_then_drop"})
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.is(v2, intlog.Queued)
			h.later(intlog.Lease + time.Minute)
			h.is(v1, intlog.Synced)
			h.later(intlog.RetryStepMax)
			h.is(v2, intlog.Synced)
			h.has(receipt, "2026-03-04 d deposits_clearing 2.00 c accounts_receivable 2.00")
		},
		"a payment that is deleted in Passare while it is being posted is taken back after it": func(t *testing.T, h *house) {
			h.script(qbosim.Fault{Kind: "commit_then_drop"})
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			v2 := h.send(event("payment.deleted", "p1", 2, paid("10.00")))
			h.work()
			h.is(v1, intlog.Claimed)
			h.later(intlog.Lease + time.Minute)
			h.later(intlog.RetryStepMax)
			h.is(v1, intlog.Synced)
			h.is(v2, intlog.Synced)
			h.has(receipt, "2026-03-04 d accounts_receivable 10.00 c deposits_clearing 10.00")
		},
		"a sign date that moves twice while the first move is being posted stands on the last": func(t *testing.T, h *house) {
			h.send(event("goods_and_services.signed", "g1", 1, contract("2026-03-02", "100.00")))
			h.work()
			h.script(qbosim.Fault{Kind: "commit_then_drop"})
			h.send(event("goods_and_services.sign_date_changed", "g1", 2, contract("2026-03-09", "100.00")))
			h.work()
			v3 := h.send(event("goods_and_services.sign_date_changed", "g1", 3, contract("2026-03-20", "100.00")))
			h.work()
			for range 3 {
				h.later(intlog.RetryStepMax)
			}
			h.is(v3, intlog.Synced)
			stands := map[string]int{}
			for _, line := range h.journal() {
				if strings.Contains(line, "d accounts_receivable") {
					stands[line[:10]]++
				} else {
					stands[line[:10]]--
				}
			}
			if diff := cmp.Diff(map[string]int{"2026-03-02": 0, "2026-03-09": 0, "2026-03-20": 1}, stands); diff != "" {
				t.Errorf("%s: %v", diff, h.journal())
			}
		},
		"a check that is voided after its print failed leaves nothing": func(t *testing.T, h *house) {
			h.script(qbosim.Fault{Kind: "status", Status: 400, PathContains: "journalentry", Body: `{"Fault":{"Error":[{"Message":"m","Detail":"Business Validation Error: something","code":"6000","element":""}],"type":"ValidationFault"}}`})
			check := `"bank":"operating","number":"2001","date":"2026-03-04","payee":{"rolodex_id":"r1","name":"Oak Hill"},"lines":[{"kind":"expense","gl_account":"4000","amount":"10.00"}]`
			v1 := h.send(event("check.printed", "k1", 1, check))
			h.work()
			h.is(v1, intlog.Failed)
			v2 := h.send(event("check.voided", "k1", 2, check))
			h.work()
			h.is(v2, intlog.Unchanged)
			h.is(v1, intlog.Superseded)
			h.has()
		},
		"a chargeback that comes before its settlement is posted at its date, and the settlement at its own": func(t *testing.T, h *house) {
			back := h.send(event("ach_payment.charged_back", "a1", 1, `"amount":"9.00","date":"2026-03-10","ach_batch":"b1","returns":[{"id":"r","amount":"9.00","date":"2026-03-13","bank":"operating"}]`))
			h.work()
			settled := h.send(event("ach_batch.settled", "b1", 1, `"bank":"operating","date":"2026-03-10","payments":[{"record":{"type":"ach_payment","id":"a1"},"case":`+
				`{"id":"c1","number":"24-0113","decedent":{"first":"John","last":"Smith"}},"amount":"9.00"}]`))
			h.work()
			h.is(back, intlog.Synced)
			h.is(settled, intlog.Synced)
			h.has("2026-03-13 d accounts_receivable 9.00 c bank operating 9.00", "2026-03-10 d bank operating 9.00 c accounts_receivable 9.00")
		},
		"a pending newer version does not supersede an approved one": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.config(func(c *org.Config) { c.Settings.AutoSync = false })
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.is(v1, intlog.Synced)
			h.is(v2, intlog.Pending)
			h.has(receipt)
		},
		"an approved version carries an older one that is still pending": func(t *testing.T, h *house) {
			h.config(func(c *org.Config) { c.Settings.AutoSync = false })
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.config(func(c *org.Config) { c.Settings.AutoSync = true })
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			h.is(v1, intlog.Superseded)
			h.is(v2, intlog.Synced)
		},
		"a version after one that a person deleted asks for a choice": func(t *testing.T, h *house) {
			h.config(func(c *org.Config) { c.Settings.AutoSync = false })
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			gone, err := h.entry(v1).Move(intlog.Deleted, "Ana Diaz", "typed by mistake", h.clock.now())
			if err == nil {
				_, err = h.store.Update(t.Context(), gone)
			}
			if err != nil {
				t.Fatal(err)
			}
			h.config(func(c *org.Config) { c.Settings.AutoSync = true })
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			if e := h.is(v2, intlog.Failed); e.Cause[0].Kind != rules.Choice {
				t.Errorf("%+v", e.Cause)
			}
			if r := h.send(event("payment.created", "p1", 1, paid("10.00"))); r != v1 {
				t.Errorf("a repeat of the deleted event made %s", r)
			}
			h.is(v1, intlog.Deleted)
			h.has()
			if e := h.is(v2, intlog.Failed); !rules.Offers(e.Cause, rules.Difference) {
				t.Errorf("%+v", e.Cause)
			}
		},
		"a payment created and deleted while unposted makes nothing": func(t *testing.T, h *house) {
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.deleted", "p1", 2, paid("10.00")))
			h.work()
			h.is(v2, intlog.Unchanged)
			if s := h.entry(v1).State; s != intlog.Superseded && s != intlog.Queued {
				t.Errorf("v1 is %s", s)
			}
			h.later(intlog.FirstDue)
			h.is(v1, intlog.Superseded)
			h.has()
		},
		"a batch waits for its member and goes by itself": func(t *testing.T, h *house) {
			batch := h.send(event("batch_payment.processed", "b1", 1, `"bank":"operating","date":"2026-03-07","total":"10.00","members":[{"record":{"type":"payment","id":"p1"},"amount":"10.00","method":"cash"}]`))
			h.work()
			if e := h.is(batch, intlog.Waiting); !strings.Contains(e.Cause[0].Text, "payment/p1") {
				t.Errorf("%+v", e.Cause)
			}
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.later(intlog.PollMin)
			h.is(batch, intlog.Synced)
			h.has(receipt, "2026-03-07 d bank operating 10.00 c deposits_clearing 10.00")
			change := h.send(event("payment.deleted", "p1", 2, paid("10.00")))
			h.work()
			if e := h.is(change, intlog.Waiting); !strings.Contains(e.Cause[0].Text, "b1") {
				t.Errorf("%+v", e.Cause)
			}
			h.send(event("batch_payment.unprocessed", "b1", 2, `"bank":"operating","date":"2026-03-07","total":"10.00","members":[{"record":{"type":"payment","id":"p1"},"amount":"10.00","method":"cash"}]`))
			h.work()
			h.later(intlog.PollMin)
			h.is(change, intlog.Synced)
			if b := h.sim.Balances(realm); b["accounts_receivable"] != 0 || b["deposits_clearing"] != 0 || b["bank operating"] != 0 {
				t.Errorf("%v", b)
			}
		},
		"mapping changed between post and reversal: what was posted is reversed": func(t *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.config(func(c *org.Config) { c.Mapping.Roles[org.DepositsClearing] = c.Mapping.Roles[org.CardClearing] })
			h.send(event("payment.deleted", "p1", 2, paid("10.00")))
			h.work()
			h.has(receipt, "2026-03-04 d accounts_receivable 10.00 c deposits_clearing 10.00")
		},
		"two workers at once post once": func(t *testing.T, h *house) {
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { _ = h.worker.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{id}}) })
			}
			wg.Wait()
			h.is(id, intlog.Synced)
			h.has(receipt)
		},
		"a lost message is found": func(t *testing.T, h *house) {
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			for {
				_, done, ok := h.queue.TryReceive()
				if !ok {
					break
				}
				done()
			}
			h.later(intlog.FirstDue)
			h.is(id, intlog.Synced)
			h.has(receipt)
		},
	})
}

// changing is a store whose configuration changes right after a claim.
type changing struct {
	posting.Store
	change func()
}

func (s *changing) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	stored, err := s.Store.Update(ctx, e)
	if err == nil && stored.State == intlog.Claimed && s.change != nil {
		change := s.change
		s.change = nil
		change()
	}
	return stored, err
}

func TestSettingsChangedAfterTheClaimAreRespected(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	store := &changing{Store: h.store, change: func() {
		h.config(func(c *org.Config) { c.Mapping.Roles[org.DepositsClearing] = c.Mapping.Roles[org.CardClearing] })
	}}
	worker := posting.New(store, h.client, h.matcher, h.clock.now)
	id := h.send(event("payment.created", "p1", 1, paid("10.00")))
	if err := worker.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{id}}); err != nil {
		t.Fatal(err)
	}
	h.has("2026-03-04 d card_clearing 10.00 c accounts_receivable 10.00")
	if e := h.is(id, intlog.Synced); e.N != 2 {
		t.Errorf("the number of the posting that was never sent is used again: %d", e.N)
	}
}

// panicking is a store with a defect that one record meets.
type panicking struct {
	posting.Store
	at string
}

func (p panicking) Record(ctx context.Context, id string, ref passare.Ref) (intlog.Record, error) {
	if ref.ID == p.at {
		panic("John Smith's entry")
	}
	return p.Store.Record(ctx, id, ref)
}

func TestAnEntryThatMakesTheWorkerPanicKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	bad, good := h.send(event("payment.created", "p1", 1, paid("10.00"))), h.send(event("payment.created", "p2", 1, paid("10.00")))
	worker := posting.New(panicking{h.store, "p1"}, h.client, h.matcher, h.clock.now)
	err := worker.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{bad, good}})
	if line := fault.Line(err); !fault.Is(err, fault.Internal) || !strings.Contains(line, "panic of string") || strings.Contains(line, "John Smith") {
		t.Errorf("%s", line)
	}
	h.is(good, intlog.Synced)
	h.later(intlog.FirstDue) // with a worker without the defect
	h.is(bad, intlog.Synced)
}

func TestAWorkerThatIsTooSlowDoesNotSend(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	store := &changing{Store: h.store}
	store.change = func() { h.clock.advance(intlog.SendWithin + time.Second) }
	worker := posting.New(&slowConfig{changing: store, clock: h.clock}, h.client, h.matcher, h.clock.now)
	id := h.send(event("payment.created", "p1", 1, paid("10.00")))
	if err := worker.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{id}}); err != nil {
		t.Fatal(err)
	}
	h.has()
	h.later(intlog.FirstDue + intlog.Lease)
	h.is(id, intlog.Synced)
	h.has(receipt)
}

// slowConfig takes long to read the configuration once an entry is claimed.
type slowConfig struct {
	*changing
	clock *clock
	reads int
}

func (s *slowConfig) Config(ctx context.Context, id string) (org.Config, error) {
	if s.reads++; s.reads == 2 {
		s.clock.advance(intlog.SendWithin + time.Second)
	}
	return s.changing.Config(ctx, id)
}

// failing is a store that fails one call, before or after its effect.
type failing struct {
	posting.Store
	at, calls int
	after     bool
}

var errLost = fault.New(fault.Unavailable, "the store did not answer")

func (s *failing) strike() bool { s.calls++; return s.calls == s.at }

func (s *failing) Config(ctx context.Context, id string) (org.Config, error) {
	if s.strike() {
		return org.Config{}, errLost
	}
	return s.Store.Config(ctx, id)
}

func (s *failing) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	if !s.strike() {
		return s.Store.Update(ctx, e)
	}
	if s.after {
		_, _ = s.Store.Update(ctx, e)
	}
	return intlog.Entry{}, errLost
}

func TestACrashAtEveryStepLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 6; at++ {
		for _, after := range []bool{false, true} {
			h := newHouse(t)
			v1 := h.send(event("payment.created", "p1", 1, paid("10.00")))
			v2 := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			worker := posting.New(&failing{Store: h.store, at: at, after: after}, h.client, h.matcher, h.clock.now)
			_ = worker.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{v2, v1}})
			for range 4 {
				h.later(intlog.Lease + intlog.RetryStepMax)
			}
			h.is(v2, intlog.Synced)
			if b := h.sim.Balances(realm); b["deposits_clearing"] != 1200 || b["accounts_receivable"] != -1200 || len(h.journal()) != 1 {
				t.Errorf("step %d, after %t: %v %v", at, after, b, h.journal())
			}
		}
	}
}

func TestTheConstantsAreOneChain(t *testing.T) {
	t.Parallel()
	for name, holds := range map[string]bool{
		"a request that is sent in time is answered before the worker's deadline": intlog.SendWithin+intlog.RequestTimeout+5*time.Second <= intlog.WorkerDeadline,
		"the worker stops before it is stopped":                                   intlog.WorkerDeadline < intlog.WorkerTimeout,
		"the lease is longer than QuickBooks' slowest commit":                     intlog.Lease >= intlog.SendWithin+intlog.Transit+intlog.QuickBooksCut+intlog.QueryLag+2*intlog.Skew,
		"an entry is due only after its lease":                                    intlog.FirstDue > intlog.Lease+intlog.Skew,
		"a message comes again only after its worker ended":                       intlog.Visibility >= intlog.WorkerTimeout+10*time.Second,
		"retries are at least a lease apart":                                      intlog.RetryStepMin >= intlog.Lease,
		"a refresh is over before another one may begin":                          intlog.RefreshLease >= intlog.WorkerTimeout+intlog.Transit+intlog.QuickBooksCut+2*intlog.Skew,
		"a name is written before another one may be":                             intlog.NamesLease >= intlog.WorkerTimeout+2*intlog.Skew+20*time.Second && intlog.NamesLease >= intlog.QuickBooksCut,
		"a sweep comes after workers that read the old settings":                  intlog.SweepSoon >= intlog.WorkerTimeout+intlog.QueryLag,
	} {
		if !holds {
			t.Errorf("not so: %s", name)
		}
	}
}

func TestAWorkerRemembersAConfigurationForAMinute(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.send(event("payment.created", "p1", 1, paid("10.00")))
	h.work()
	h.config(func(c *org.Config) { c.Mapping.Roles[org.DepositsClearing] = c.Mapping.Roles[org.CardClearing] })
	h.clock.advance(time.Minute + time.Second)
	id := h.send(event("payment.created", "p2", 1, paid("20.00")))
	h.work()
	if e := h.is(id, intlog.Synced); e.N != 1 {
		t.Errorf("it was planned %d times, first with a configuration that is out of date", e.N)
	}
}
