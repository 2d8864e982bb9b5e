package posting_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/rules"
)

const (
	maple     = "maple-hill"
	elsewhere = "2002" // another company
)

// moveTo connects an organisation to a company, with the same chart of accounts, as a person does who has confirmed that.
func (h *house) moveTo(organisation, to string) {
	h.t.Helper()
	tokens, err := h.oauth.Refresh(h.t.Context(), h.sim.Grant(to))
	if err == nil {
		err = h.keeper.Connect(h.t.Context(), organisation, to, tokens, true)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	c, err := h.store.Config(h.t.Context(), organisation)
	if err != nil {
		h.t.Fatal(err)
	}
	c.Realm = to
	if _, err := h.store.PutConfig(h.t.Context(), c, c.Version); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.retrier.Reconnected(h.t.Context(), organisation); err != nil {
		h.t.Fatal(err)
	}
	h.work()
}

// names lists who is on the receivable lines of a company's journal.
func (h *house) names(of string) []string {
	var list []string
	for _, e := range h.sim.Journal(of) {
		for _, l := range e.Lines {
			if l.Entity != nil {
				list = append(list, l.Account+" "+l.Amount+" "+l.Entity.Name)
			}
		}
	}
	return slices.DeleteFunc(list, func(s string) bool { return !strings.HasPrefix(s, "accounts_receivable ") })
}

func TestAnotherCompany(t *testing.T) {
	t.Parallel()
	run(t, map[string]func(*testing.T, *house){
		"what stands in the company before is not corrected in the new one, and goes when the old one is connected again": func(t *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.moveTo(willow, elsewhere)
			edit := h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.work()
			e := h.is(edit, intlog.Failed)
			if e.Cause[0].Kind != rules.Company || !strings.Contains(e.Cause[0].Text, realm) || e.Cause[0].Who != "bookkeeper" {
				t.Errorf("%+v", e.Cause)
			}
			again := h.send(event("payment.created", "p2", 1, paid("5.00")))
			h.work()
			h.is(again, intlog.Synced)
			if got := h.sim.Journal(elsewhere); len(got) != 1 || len(h.sim.Journal(realm)) != 1 {
				t.Errorf("the new company has %+v", got)
			}
			h.moveTo(willow, realm)
			h.is(edit, intlog.Synced)
			h.has(receipt, "2026-03-04 d deposits_clearing 2.00 c accounts_receivable 2.00")
		},
		"a member that stands in the company before is no member of a batch in the new one": func(t *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.moveTo(willow, elsewhere)
			batch := h.send(event("batch_payment.processed", "b1", 1, `"bank":"operating","date":"2026-03-09","members":[{"record":{"type":"payment","id":"p1"},"amount":"10.00","method":"cash"}],"total":"10.00"`))
			h.work()
			if e := h.is(batch, intlog.Failed); e.Cause[0].Kind != rules.Choice || !strings.Contains(e.Cause[0].Text, "connected before") {
				t.Errorf("%+v", e.Cause)
			}
		},
		"an outcome that is unknown in the company before is not asked for or sent in the new one": func(t *testing.T, h *house) {
			h.script(qbosim.Fault{Kind: "commit_then_drop"})
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.is(id, intlog.Claimed)
			h.moveTo(willow, elsewhere)
			for range 3 {
				h.later(intlog.RetryStepMax)
			}
			e := h.is(id, intlog.Claimed)
			if len(e.Cause) != 1 || e.Cause[0].Kind != rules.Company || len(h.sim.Journal(elsewhere)) != 0 {
				t.Errorf("%+v, %d entries in the new company", e.Cause, len(h.sim.Journal(elsewhere)))
			}
			h.moveTo(willow, realm)
			h.later(intlog.RetryStepMax)
			if e := h.is(id, intlog.Synced); len(e.Cause) != 0 {
				t.Errorf("%+v", e.Cause)
			}
			h.has(receipt)
		},
		"each company has its own customers": func(t *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.moveTo(willow, elsewhere)
			h.send(event("payment.created", "p2", 1, paid("5.00")))
			h.work()
			for of, want := range map[string]string{realm: "accounts_receivable 10.00 John Smith", elsewhere: "accounts_receivable 5.00 John Smith"} {
				if got := h.names(of); len(got) != 1 || got[0] != want {
					t.Errorf("%s: %q", of, got)
				}
			}
		},
		"an organisation that was never connected waits, and goes by itself once it is": func(t *testing.T, h *house) {
			h.config(func(c *org.Config) { c.Realm = "" })
			id := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			if e := h.is(id, intlog.Failed); e.Cause[0].Kind != rules.Connection || !strings.Contains(e.Cause[0].Text, "not connected yet") {
				t.Errorf("%+v", e.Cause)
			}
			h.moveTo(willow, realm)
			h.is(id, intlog.Synced)
			h.has(receipt)
		},
		"429 pauses one organisation; another one goes on": func(t *testing.T, h *house) {
			config, err := h.store.Config(t.Context(), willow)
			if err != nil {
				t.Fatal(err)
			}
			config.Org = maple
			if _, err := h.store.PutConfig(t.Context(), config, 0); err != nil {
				t.Fatal(err)
			}
			h.moveTo(maple, elsewhere)
			h.script(qbosim.Fault{Kind: "status", Status: 429, Realm: realm})
			slow := h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			next := h.send(event("payment.created", "p2", 1, paid("11.00")))
			theirs := strings.ReplaceAll(event("payment.created", "p1", 1, paid("7.00")), willow, maple)
			if r := h.intake.Accept(t.Context(), []byte(theirs)); r.Err != nil {
				t.Fatal(r.Err)
			}
			before := h.sim.Counted(realm).Requests["POST journalentry"]
			h.work()
			h.is(slow, intlog.Waiting)
			h.is(next, intlog.Waiting)
			if after := h.sim.Counted(realm).Requests["POST journalentry"]; after != before || len(h.sim.Journal(elsewhere)) != 1 {
				t.Errorf("%d requests during the pause; the other organisation has %d entries", after-before, len(h.sim.Journal(elsewhere)))
			}
			h.later(intlog.ThrottlePause)
			h.has(receipt, "2026-03-04 d deposits_clearing 11.00 c accounts_receivable 11.00")
		},
	})
}

// customer puts a customer into the company and answers its id.
func (h *house) customer(id int, name string) string {
	h.t.Helper()
	raw := fmt.Sprintf(`{"DisplayName":%q,"Active":true,"Id":"%d","SyncToken":"0","MetaData":{"CreateTime":"2026-01-01T00:00:00-08:00"}}`, name, id)
	if err := h.sim.Seed(realm, "Customer", json.RawMessage(raw)); err != nil {
		h.t.Fatal(err)
	}
	return fmt.Sprint(id)
}

func (h *house) relink(id string) (intlog.Link, int, error) {
	return matching.NewRelinker(h.store, h.client, h.retrier, h.clock.now).Relink(h.t.Context(), willow,
		matching.Change{Kind: journal.Customer, Key: rules.CaseKey("c1"), ID: id, Who: "Ana Diaz"})
}

func TestRelinking(t *testing.T) {
	t.Parallel()
	run(t, map[string]func(*testing.T, *house){
		"what is posted stays, and so do its corrections; new records go to the new customer": func(t *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			if _, _, err := h.relink(h.customer(900, "Smith Family")); err != nil {
				t.Fatal(err)
			}
			h.send(event("payment.updated", "p1", 2, paid("12.00")))
			h.send(event("payment.created", "p2", 1, paid("5.00")))
			h.work()
			h.send(event("payment.deleted", "p1", 3, paid("12.00")))
			h.work()
			want := []string{"10.00 John Smith", "2.00 John Smith", "5.00 Smith Family", "12.00 John Smith"}
			for i := range want {
				want[i] = "accounts_receivable " + want[i]
			}
			if got := h.names(realm); !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
		},
		"a customer that was merged away or made inactive fails its entry, which goes by itself after relinking": func(t *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			if !h.sim.Deactivate(realm, "Customer", "John Smith") {
				t.Fatal("there is no such customer")
			}
			id := h.send(event("payment.created", "p2", 1, paid("5.00")))
			h.work()
			if e := h.is(id, intlog.Failed); e.Cause[0].Kind != rules.Account || !strings.Contains(e.Cause[0].Text, "inactive or gone") {
				t.Errorf("%+v", e.Cause)
			}
			if _, n, err := h.relink(h.customer(900, "Smith Family")); n != 1 || err != nil {
				t.Errorf("%d released, %v", n, err)
			}
			h.work()
			h.is(id, intlog.Synced)
		},
		"a customer that was renamed in QuickBooks is followed by its id": func(t *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.work()
			h.rename("John Smith", "Smith, John (pre-need)")
			h.send(event("payment.created", "p2", 1, paid("5.00")))
			h.work()
			if got := h.names(realm); len(got) != 2 || got[1] != "accounts_receivable 5.00 Smith, John (pre-need)" {
				t.Errorf("%q", got)
			}
		},
		"another case's customer, an inactive one, and one that is not there are refused": func(t *testing.T, h *house) {
			h.send(event("payment.created", "p1", 1, paid("10.00")))
			h.send(strings.ReplaceAll(event("payment.created", "p2", 1, paid("5.00")), `"c1","number":"24-0113"`, `"c2","number":"24-0114"`))
			h.work()
			theirs, found, err := h.store.Link(t.Context(), org.Company{Org: willow, Realm: realm}, journal.Customer, rules.CaseKey("c2"))
			if err != nil || !found {
				t.Fatal(found, err)
			}
			h.customer(900, "Gone")
			h.sim.Deactivate(realm, "Customer", "Gone")
			for id, want := range map[string]fault.Code{theirs.ID: fault.Conflict, "900": fault.Invalid, "77777": fault.Invalid, "": fault.Invalid, "x'": fault.Invalid} {
				if _, _, err := h.relink(id); !fault.Is(err, want) {
					t.Errorf("%q: %v", id, err)
				}
			}
		},
	})
}

// rename renames a customer in QuickBooks.
func (h *house) rename(from, to string) {
	h.t.Helper()
	status, answer := h.quickbooks("POST", "query", "application/text", "select * from Customer where DisplayName = '"+from+"'")
	var found struct {
		QueryResponse struct {
			Customer []struct{ ID, SyncToken string }
		}
	}
	if err := json.Unmarshal([]byte(answer), &found); err != nil || status != 200 || len(found.QueryResponse.Customer) != 1 {
		h.t.Fatalf("%d %s %v", status, answer, err)
	}
	c := found.QueryResponse.Customer[0]
	status, answer = h.quickbooks("POST", "customer", "application/json", fmt.Sprintf(`{"sparse":true,"Id":%q,"SyncToken":%q,"DisplayName":%q}`, c.ID, c.SyncToken, to))
	if status != 200 {
		h.t.Fatalf("%d %s", status, answer)
	}
}
