package posting_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/rules"
)

// readOnly is a store that takes no write.
type readOnly struct {
	posting.Store
	t *testing.T
}

func (s readOnly) Update(_ context.Context, e intlog.Entry) (intlog.Entry, error) {
	s.t.Errorf("a preview writes %s", e.ID())
	return e, errLost
}

// preview plans an event that is not stored, by a worker that has no QuickBooks.
func (h *house) preview(body string) (rules.Plan, error) {
	h.t.Helper()
	e, err := passare.Decode([]byte(body))
	if err != nil {
		h.t.Fatal(err)
	}
	worker := posting.New(readOnly{h.store, h.t}, nil, h.matcher, h.clock.now)
	return worker.Preview(h.t.Context(), intlog.New(e, intlog.Queued, "", h.clock.now()))
}

// planned shows a plan's lines, by the ids of their accounts.
func planned(p rules.Plan) []string {
	var list []string
	for _, e := range p.Entries {
		for _, l := range e.Lines() {
			list = append(list, fmt.Sprint(e.Date, " ", l.Side, " ", l.Place.Account, " ", l.Amount, " ", l.Place.Name.Display, " ", l.Place.Name.ID != ""))
		}
	}
	return list
}

func TestAPreviewIsWhatWouldBePosted(t *testing.T) {
	t.Parallel()
	run(t, map[string]func(*testing.T, *house){
		"of a record that is not known yet: whole, and names without an id": func(t *testing.T, h *house) {
			plan, err := h.preview(event("payment.created", "p1", 1, paid("10.00")))
			want := []string{"2026-03-04 Debit 1 10.00 John Smith false", "2026-03-04 Credit 14 10.00 John Smith false"}
			if diff := cmp.Diff(want, planned(plan)); diff != "" || err != nil || len(plan.Problems) > 0 {
				t.Errorf("%v %v\n%s", err, plan.Problems, diff)
			}
			if entries, err := h.store.List(t.Context(), willow, "all", intlog.Mark{}, 10); len(entries) > 0 || err != nil {
				t.Errorf("%d entries are stored, %v", len(entries), err)
			}
		},
		"of a next version: the difference, under the customer that is linked": func(t *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			plan, err := h.preview(event("payment.updated", "p1", 2, paid("12.00")))
			want := []string{"2026-03-04 Debit 1 2.00 John Smith true", "2026-03-04 Credit 14 2.00 John Smith true"}
			if diff := cmp.Diff(want, planned(plan)); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
			h.has(receipt)
		},
		"of an entry that is stored: as it is": func(t *testing.T, h *house) {
			e := h.entry(h.send(event("payment.created", "p1", 1, paid("10.00"))))
			plan, err := h.worker.Preview(t.Context(), e)
			if err != nil || len(planned(plan)) != 2 || len(plan.Problems) > 0 {
				t.Errorf("%v %v %v", planned(plan), plan.Problems, err)
			}
		},
		"with every problem at once": func(t *testing.T, h *house) {
			h.config(func(c *org.Config) {
				delete(c.Mapping.Roles, org.DepositsClearing)
				c.CloseDate = "2026-03-31"
			})
			plan, err := h.preview(event("payment.created", "p1", 1, paid("10.00")))
			var kinds []rules.Kind
			for _, p := range plan.Problems {
				kinds = append(kinds, p.Kind)
			}
			if diff := cmp.Diff([]rules.Kind{rules.Mapping, rules.Period}, kinds); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		},
		"beside a version on its way: it says that this one goes after it": func(t *testing.T, h *house) {
			h.script(qbosim.Fault{Kind: "commit_then_drop"})
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			plan, err := h.preview(event("payment.updated", "p1", 2, paid("12.00")))
			if err != nil || len(plan.Problems) != 1 || plan.Problems[0].Kind != rules.Member {
				t.Errorf("%+v %v", plan.Problems, err)
			}
		},
		"under a newer version in Sync errors: nothing, since that one carries it": func(t *testing.T, h *house) {
			h.config(func(c *org.Config) { c.CloseDate = "2026-03-31" })
			h.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-03-31"})
			h.is(h.send(event("payment.updated", "p1", 2, paid("12.00"))), intlog.Queued)
			h.work()
			plan, err := h.preview(event("payment.created", "p1", 1, paid("10.00")))
			if err != nil || len(plan.Entries) > 0 || plan.Excluded == "" {
				t.Errorf("%+v %v", plan, err)
			}
		},
		"of an organisation that is not known: nothing": func(t *testing.T, h *house) {
			worker := posting.New(h.store, nil, h.matcher, h.clock.now)
			if _, err := worker.Preview(t.Context(), intlog.Entry{Key: intlog.Key{Org: "nobody"}}); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		},
	})
}
