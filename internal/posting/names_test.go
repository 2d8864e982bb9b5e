package posting_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/rules"
)

// second is another case than John's.
func second() funeral { return funeral{id: "c2", number: "24-0114"} }

// seed puts a customer, vendor or employee into QuickBooks.
func (h *house) seed(kind, name string) {
	h.t.Helper()
	raw := fmt.Sprintf(`{"DisplayName":%q,"Active":true,"Id":"%d","SyncToken":"0","MetaData":{"CreateTime":"2026-01-01T00:00:00-08:00"}}`, name, 900+len(h.called(kind)))
	if err := h.sim.Seed(realm, kind, json.RawMessage(raw)); err != nil {
		h.t.Fatal(err)
	}
}

// called lists the names of a kind in QuickBooks, inactive ones included, by their names.
func (h *house) called(kind string) []string {
	h.t.Helper()
	status, answer := h.quickbooks("POST", "query", "application/text", "select * from "+kind+" where Active in (true, false) maxresults 1000")
	var found struct {
		QueryResponse map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(answer), &found); err != nil || status != http.StatusOK {
		h.t.Fatalf("%d %s %v", status, answer, err)
	}
	var rows []struct{ DisplayName string }
	if raw, ok := found.QueryResponse[kind]; ok {
		if err := json.Unmarshal(raw, &rows); err != nil {
			h.t.Fatal(err)
		}
	}
	var names []string
	for _, r := range rows {
		names = append(names, r.DisplayName)
	}
	return names
}

// stands lists the lines that have a name: where, how much, and whose.
func (h *house) stands() []string {
	var list []string
	for _, e := range h.sim.Journal(realm) {
		for _, l := range e.Lines {
			if l.Entity != nil {
				list = append(list, fmt.Sprintf("%s %s %s %s", l.Account, l.Amount, l.Entity.Type, l.Entity.Name))
			}
		}
	}
	return list
}

// posts has events taken in and worked off one by one, and all of them posted.
func (h *house) posts(events ...string) {
	h.t.Helper()
	for _, e := range events {
		id := h.send(e)
		h.work()
		h.is(id, intlog.Synced)
	}
}

// pays is a payment of a case; the id is the payment's, too.
func (c funeral) pays(id, amount string) string {
	return c.event("payment.created", id, 1, paid(amount))
}

// received are the lines of a payment of a customer.
func received(amount, customer string) []string {
	return []string{"deposits_clearing " + amount + " Customer " + customer, "accounts_receivable " + amount + " Customer " + customer}
}

func (h *house) noted(kind journal.NameKind, key, display, note string) {
	h.t.Helper()
	link, found, err := h.store.Link(h.t.Context(), org.Company{Org: willow, Realm: realm}, kind, key)
	if err != nil || !found {
		h.t.Fatalf("%s is not linked, %v", key, err)
	}
	if link.Display != display || note == "" && link.Note != "" || !strings.Contains(link.Note, note) {
		h.t.Errorf("%s is linked to %q with the note %q; want %q, %q", key, link.Display, link.Note, display, note)
	}
}

// trap is one of accounting.md §8 and §10: what happens, and who is in QuickBooks afterwards with which lines.
type trap struct {
	do        func(h *house)
	customers []string
	vendors   []string
	lines     []string
}

func join(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

const (
	hill      = `,"purchaser_business":{"name":"Hill & Sons","rolodex_id":"rol-9"}`
	checkHill = `"bank":"operating","number":"1187","date":"2026-03-05","payee":{"name":"Hill & Sons","rolodex_id":"rol-9"},"lines":[{"kind":"expense","gl_account":"6100","amount":"20.00"}]`
	fromHill  = `"insurer":{"name":"Hill & Sons","rolodex_id":"rol-9"},"received":"30.00","applied":"30.00","date":"2026-03-06"`
)

func trade() funeral {
	c := john()
	c.business = hill
	return c
}

func byBusiness(c *org.Config) { c.Settings.TradeCustomer = org.ByBusiness }

// decedents are the traps of who died.
func decedents() map[string]trap {
	const first, last = 60, 40 // with the blank between them 101 characters
	long := john().of(strings.Repeat("a", first), strings.Repeat("b", last))
	whole := strings.Repeat("a", first) + " " + strings.Repeat("b", last)
	const precomposed, combining = "Jos\u00e9", "Jose\u0301"
	return map[string]trap{
		"an apostrophe is written and found": {
			do: func(h *house) {
				h.seed("Customer", "Sean O'Brien")
				h.posts(john().of("Sean", "O'Brien").pays("p1", "10.00"))
				h.noted(journal.Customer, rules.CaseKey("c1"), "Sean O'Brien", "")
			},
			customers: []string{"Sean O'Brien"}, lines: received("10.00", "Sean O'Brien"),
		},
		"blanks around and between are no other name": {
			do: func(h *house) {
				h.seed("Customer", "John Smith")
				h.posts(john().of(" John  ", "Smith ").pays("p1", "10.00"))
			},
			customers: []string{"John Smith"}, lines: received("10.00", "John Smith"),
		},
		"a colon is replaced": {
			do:        func(h *house) { h.posts(john().of("John", "Smith: Estate").pays("p1", "10.00")) },
			customers: []string{"John Smith Estate"}, lines: received("10.00", "John Smith Estate"),
		},
		"101 characters are cut to 100": {
			do:        func(h *house) { h.posts(long.pays("p1", "10.00")) },
			customers: []string{whole[:100]}, lines: received("10.00", whole[:100]),
		},
		"101 characters twice: name and case number are cut so that both fit 100": {
			do: func(h *house) {
				h.posts(long.pays("p1", "10.00"), funeral{id: "c2", number: "24-0114", decedent: long.decedent}.pays("p2", "5.00"))
				h.noted(journal.Customer, rules.CaseKey("c2"), whole[:90]+" (24-0114)", "case number")
			},
			customers: []string{whole[:90] + " (24-0114)", whole[:100]},
			lines:     join(received("10.00", whole[:100]), received("5.00", whole[:90]+" (24-0114)")),
		},
		"a case number as long as a name may be leaves half of the name": {
			do: func(h *house) {
				h.seed("Vendor", whole[:100])
				h.posts(funeral{id: "c2", number: strings.Repeat("9", 100), decedent: long.decedent}.pays("p2", "5.00"))
			},
			customers: []string{whole[:47] + " (" + strings.Repeat("9", 50) + ")"}, vendors: []string{whole[:100]},
			lines: received("5.00", whole[:47]+" ("+strings.Repeat("9", 50)+")"),
		},
		"two decedents of one name are two customers": {
			do: func(h *house) {
				h.posts(john().pays("p1", "10.00"), second().of("John", "Smith").pays("p2", "5.00"))
				h.noted(journal.Customer, rules.CaseKey("c1"), "John Smith", "")
				h.noted(journal.Customer, rules.CaseKey("c2"), "John Smith (24-0114)", "case number")
			},
			customers: []string{"John Smith", "John Smith (24-0114)"},
			lines:     join(received("10.00", "John Smith"), received("5.00", "John Smith (24-0114)")),
		},
		"a decedent who is a vendor": {
			do: func(h *house) {
				h.seed("Vendor", "John Smith")
				h.posts(john().pays("p1", "10.00"))
				h.noted(journal.Customer, rules.CaseKey("c1"), "John Smith (24-0113)", "case number")
			},
			customers: []string{"John Smith (24-0113)"}, vendors: []string{"John Smith"}, lines: received("10.00", "John Smith (24-0113)"),
		},
		"a decedent who is an employee": {
			do: func(h *house) {
				h.seed("Employee", "John Smith")
				h.posts(john().pays("p1", "10.00"))
				h.noted(journal.Customer, rules.CaseKey("c1"), "John Smith (24-0113)", "case number")
			},
			customers: []string{"John Smith (24-0113)"}, lines: received("10.00", "John Smith (24-0113)"),
		},
		"a decedent who is an inactive customer, whose name is free": {
			do: func(h *house) {
				h.seed("Customer", "John Smith")
				h.sim.Deactivate(realm, "Customer", "John Smith")
				h.posts(john().pays("p1", "10.00"))
				h.noted(journal.Customer, rules.CaseKey("c1"), "John Smith", "")
			},
			customers: []string{"John Smith", "John Smith (deleted)"}, lines: received("10.00", "John Smith"),
		},
		"a decedent who is an inactive customer, who still holds the name": {
			do: func(h *house) {
				h.sim.SetSwitches(realm, qbosim.Switches{InactiveNamesTaken: true})
				h.seed("Customer", "John Smith")
				h.sim.Deactivate(realm, "Customer", "John Smith")
				h.posts(john().pays("p1", "10.00"))
				h.noted(journal.Customer, rules.CaseKey("c1"), "John Smith (24-0113)", "case number")
			},
			customers: []string{"John Smith (24-0113)", "John Smith (deleted)"}, lines: received("10.00", "John Smith (24-0113)"),
		},
		"a name that differs only in case is not taken": {
			do: func(h *house) {
				h.seed("Customer", "JOHN SMITH")
				h.posts(john().pays("p1", "10.00"))
			},
			customers: []string{"JOHN SMITH", "John Smith (24-0113)"}, lines: received("10.00", "John Smith (24-0113)"),
		},
		"accents and emoji stay as Passare has them": {
			do: func(h *house) {
				h.seed("Customer", "Zoë Müller-Núñez 🌹")
				h.posts(john().of("Zoë", "Müller-Núñez 🌹").pays("p1", "10.00"), second().of("Zoe", "Muller-Nunez").pays("p2", "5.00"))
			},
			customers: []string{"Zoe Muller-Nunez", "Zoë Müller-Núñez 🌹"},
			lines:     join(received("10.00", "Zoë Müller-Núñez 🌹"), received("5.00", "Zoe Muller-Nunez")),
		},
		// Nothing is made the same that is written differently: who was meant is not ours to guess, and one customer too many is put right by
		// relinking, while a family's lines on somebody else's customer are a wrong statement.
		"an accent of its own is another name than one that is part of its letter": {
			do: func(h *house) {
				h.seed("Customer", combining+" Ruiz")
				h.posts(john().of(precomposed, "Ruiz").pays("p1", "10.00"), second().of(combining, "Ruiz").pays("p2", "5.00"))
			},
			customers: []string{combining + " Ruiz", precomposed + " Ruiz"},
			lines:     join(received("10.00", precomposed+" Ruiz"), received("5.00", combining+" Ruiz")),
		},
		"a name that is corrected later keeps its customer": {
			do: func(h *house) {
				h.posts(john().of("Jon", "Smith").pays("p1", "10.00"), john().pays("p2", "5.00"))
				if w := h.entry("payment.p1.1").Warnings; len(w) != 0 {
					h.t.Errorf("before: %q", w)
				}
				if w := h.entry("payment.p2.1").Warnings; len(w) != 1 || !strings.Contains(w[0], `"John Smith"`) || !strings.Contains(w[0], `"Jon Smith"`) {
					h.t.Errorf("after: %q", w)
				}
				h.noted(journal.Customer, rules.CaseKey("c1"), "Jon Smith", "")
			},
			customers: []string{"Jon Smith"}, lines: join(received("10.00", "Jon Smith"), received("5.00", "Jon Smith")),
		},
		"a case without a name waits, and goes by itself when a later event has one": {
			do: func(h *house) {
				nameless := john()
				nameless.decedent = `{}`
				id := h.send(nameless.pays("p1", "10.00"))
				h.work()
				if e := h.is(id, intlog.Waiting); e.Cause[0].Kind != rules.NoName || !strings.Contains(e.Cause[0].Text, "no first and last name") {
					h.t.Errorf("%+v", e.Cause)
				}
				h.later(intlog.PollMin)
				h.is(id, intlog.Waiting)
				if customers := h.called("Customer"); len(customers) != 0 {
					h.t.Errorf("%q", customers)
				}
				h.posts(john().pays("p2", "5.00"))
				h.later(3 * intlog.PollMin)
				h.is(id, intlog.Synced)
			},
			customers: []string{"John Smith"}, lines: join(received("5.00", "John Smith"), received("10.00", "John Smith")),
		},
		"a name that was freed by renaming its customer is the next decedent's own": {
			do: func(h *house) {
				h.posts(john().pays("p1", "10.00"))
				h.rename("John Smith", "Smith, John")
				h.posts(second().of("John", "Smith").pays("p2", "5.00"))
				h.noted(journal.Customer, rules.CaseKey("c2"), "John Smith", "")
			},
			customers: []string{"John Smith", "Smith, John"}, lines: join(received("10.00", "Smith, John"), received("5.00", "John Smith")),
		},
	}
}

// businesses are the traps of trade homes: payer and payee.
func businesses() map[string]trap {
	return map[string]trap{
		"a trade home that pays first is a vendor under another name": {
			do: func(h *house) {
				h.config(byBusiness)
				h.posts(trade().pays("p1", "10.00"), event("check.printed", "k1", 1, checkHill), second().of("Ann", "Lee").event("insurance_assignment.received", "i1", 1, fromHill))
				h.noted(journal.Customer, rules.BusinessKey("rol-9"), "Hill & Sons", "")
				h.noted(journal.Vendor, rules.BusinessKey("rol-9"), "Hill & Sons (Vendor)", "(Vendor)")
			},
			customers: []string{"Ann Lee", "Hill & Sons"}, vendors: []string{"Hill & Sons (Vendor)"},
			lines: join(received("10.00", "Hill & Sons"), []string{"bank operating 20.00 Vendor Hill & Sons (Vendor)", "deposits_clearing 30.00 Vendor Hill & Sons (Vendor)", "accounts_receivable 30.00 Customer Ann Lee"}),
		},
		"a trade home that is paid first is a customer under its Rolodex number": {
			do: func(h *house) {
				h.config(byBusiness)
				h.posts(event("check.printed", "k1", 1, checkHill), trade().pays("p1", "10.00"))
				h.noted(journal.Vendor, rules.BusinessKey("rol-9"), "Hill & Sons", "")
				h.noted(journal.Customer, rules.BusinessKey("rol-9"), "Hill & Sons (rol-9)", "Rolodex number")
			},
			customers: []string{"Hill & Sons (rol-9)"}, vendors: []string{"Hill & Sons"},
			lines: join([]string{"bank operating 20.00 Vendor Hill & Sons"}, received("10.00", "Hill & Sons (rol-9)")),
		},
		"two trade cases of one home are one customer": {
			do: func(h *house) {
				h.config(byBusiness)
				other := second().of("Ann", "Lee")
				other.business = hill
				h.posts(trade().pays("p1", "10.00"), other.pays("p2", "5.00"))
			},
			customers: []string{"Hill & Sons"}, lines: join(received("10.00", "Hill & Sons"), received("5.00", "Hill & Sons")),
		},
		"a trade case goes to its decedent unless the organisation wants the business": {
			do:        func(h *house) { h.posts(trade().pays("p1", "10.00")) },
			customers: []string{"John Smith"}, lines: received("10.00", "John Smith"),
		},
	}
}

// passing are the traps that go by themselves.
func passing() map[string]trap {
	return map[string]trap{
		"names are locked: it is tried again by itself": {
			do: func(h *house) {
				h.script(qbosim.Fault{Kind: "catalogue", Code: "6000", Variant: "name-lock", Method: "POST", PathContains: "customer"})
				id := h.send(john().pays("p1", "10.00"))
				h.work()
				if e := h.is(id, intlog.Waiting); e.Cause[0].Kind != rules.Transient || !strings.Contains(e.Cause[0].Text, "one name at a time") {
					h.t.Errorf("%+v", e.Cause)
				}
				h.later(intlog.PollMin)
				h.is(id, intlog.Synced)
			},
			customers: []string{"John Smith"}, lines: received("10.00", "John Smith"),
		},
		"a customer was created unheard, where a repeat is refused: it is found by its name": {
			do: func(h *house) {
				h.sim.SetSwitches(realm, qbosim.Switches{DuplicateRequestIDFault: true})
				h.script(qbosim.Fault{Kind: "commit_then_drop", Method: "POST", PathContains: "customer"})
				id := h.send(john().pays("p1", "10.00"))
				h.work()
				h.is(id, intlog.Waiting)
				h.later(2 * intlog.PollMin)
				h.is(id, intlog.Synced)
			},
			customers: []string{"John Smith"}, lines: received("10.00", "John Smith"),
		},
		"the name's refusal is remembered, where a repeat is refused: the numbered name is taken": {
			do: func(h *house) {
				h.sim.SetSwitches(realm, qbosim.Switches{DuplicateRequestIDFault: true, ReplayFailures: true})
				h.seed("Vendor", "John Smith")
				h.script(qbosim.Fault{Kind: "commit_then_drop", Method: "POST", PathContains: "customer"})
				id := h.send(john().pays("p1", "10.00"))
				h.work()
				h.is(id, intlog.Waiting)
				h.later(2 * intlog.PollMin)
				h.is(id, intlog.Synced)
			},
			customers: []string{"John Smith (24-0113)"}, vendors: []string{"John Smith"}, lines: received("10.00", "John Smith (24-0113)"),
		},
	}
}

func TestTrapsOfNames(t *testing.T) {
	t.Parallel()
	for _, traps := range []map[string]trap{decedents(), businesses(), passing()} {
		for name, x := range traps {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				x.do(h)
				for what, list := range map[string][2][]string{
					"customers": {x.customers, h.called("Customer")}, "vendors": {x.vendors, h.called("Vendor")}, "lines": {x.lines, h.stands()},
				} {
					if diff := cmp.Diff(list[0], list[1], cmpopts.EquateEmpty()); diff != "" {
						t.Errorf("%s (-want +got):\n%s", what, diff)
					}
				}
			})
		}
	}
}

// turns is a store of leases that tells when somebody was refused one.
type turns struct {
	lease.Store
	refused func()
}

func (s *turns) Lease(ctx context.Context, id, thing, owner string, now, until time.Time) (bool, error) {
	taken, err := s.Store.Lease(ctx, id, thing, owner, now, until)
	if err == nil && !taken {
		s.refused()
	}
	return taken, err
}

// pen is QuickBooks' list of names, in which the first to write is kept until somebody else wants to write, too, or does.
type pen struct {
	mu            sync.Mutex
	writing, most int
	wanted        chan struct{}
	want          func()
}

func newPen() *pen {
	p := &pen{wanted: make(chan struct{})}
	p.want = sync.OnceFunc(func() { close(p.wanted) })
	return p
}

func (p *pen) take() (put func()) {
	p.mu.Lock()
	p.writing++
	p.most = max(p.most, p.writing)
	if p.writing > 1 {
		p.want()
	}
	p.mu.Unlock()
	<-p.wanted
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.writing--
	}
}

// penned is a client whose writes of names take the pen.
type penned struct {
	*qbo.Client
	*pen
}

func (p penned) CreateCustomer(ctx context.Context, at org.Company, n journal.NewName, request string) (string, error) {
	defer p.take()()
	return p.Client.CreateCustomer(ctx, at, n, request)
}

// another is a process with a worker, a client, a matcher and a taker of leases of its own, over the same stores.
func (h *house) another(process string, p *pen) *posting.Worker {
	h.t.Helper()
	leases := lease.New(&turns{h.leases, p.want}, process, h.clock.now)
	client, err := qbo.New(qbo.Options{
		BaseURL: h.server.URL, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Tokens: grant.New(h.secrets, leases, h.oauth, h.clock.now),
		Timeout: time.Minute, Now: h.clock.now, Meter: h.store, Pauses: h.store,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return posting.New(h.store, client, matching.New(h.store, penned{client, p}, leases, h.clock.now), h.clock.now)
}

func TestNamesOfAnOrganisationAreWrittenOneAtATimeByAllProcesses(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		other     funeral
		creates   int
		customers []string
	}{
		"two events of one new decedent":          {john(), 1, []string{"John Smith"}},
		"events of two new decedents of one name": {second().of("John", "Smith"), 3, []string{"John Smith", "John Smith (24-0114)"}},
		"events of two new decedents":             {second().of("Ann", "Lee"), 2, []string{"Ann Lee", "John Smith"}},
	} {
		for _, locks := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, names lock %t", name, locks), func(t *testing.T) {
				t.Parallel()
				h, p := newHouse(t), newPen()
				h.sim.SetSwitches(realm, qbosim.Switches{LockNames: locks})
				entries := []string{h.send(john().pays("p1", "10.00")), h.send(x.other.pays("p2", "5.00"))}
				var wg sync.WaitGroup
				for i, id := range entries {
					worker := h.another(fmt.Sprint("process-", i), p)
					wg.Go(func() {
						defer p.want() // whoever is done keeps nobody waiting
						if err := worker.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{id}}); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				for _, id := range entries {
					if e := h.is(id, intlog.Synced); len(e.Attempts) != 1 {
						t.Errorf("%+v", e.Attempts)
					}
				}
				if p.most != 1 {
					t.Errorf("%d were writing at once", p.most)
				}
				if n := h.sim.Counted(realm).Requests["POST customer"]; n != x.creates {
					t.Errorf("QuickBooks was asked %d times to create a customer, want %d", n, x.creates)
				}
				if got := h.called("Customer"); len(got) != len(x.customers) || x.creates < 3 && !cmp.Equal(x.customers, got) {
					t.Errorf("customers %q, want %q", got, x.customers)
				}
				if b := h.sim.Balances(realm); b["accounts_receivable"] != -1500 || len(h.journal()) != 2 {
					t.Errorf("%v in %q", b, h.journal())
				}
			})
		}
	}
}
