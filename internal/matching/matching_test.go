package matching_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
)

// quickBooks is a list of names that behaves as QuickBooks' does: one space for customers, vendors and
// employees, compared without case, where deactivation renames.
type quickBooks struct {
	mu       sync.Mutex
	names    []journal.FoundName
	requests map[string]string
	lose     int  // the answers of this many creations are lost after their effect
	hidden   bool // queries show nothing yet
	held     bool // an inactive name still holds the name that it had
	once     bool // a repeat of a requestid is refused (600), whatever came of the first
	creates  int
}

func (q *quickBooks) add(kind, display string, active bool) {
	q.names = append(q.names, journal.FoundName{Kind: kind, ID: fmt.Sprint(len(q.names) + 1), Display: display, Active: active})
}

func (q *quickBooks) create(kind string, n journal.NewName, request string) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.creates++
	if strings.ContainsAny(n.Display, ":\t\n") || len([]rune(n.Display)) > 100 || n.Display != strings.TrimSpace(n.Display) || n.Display == "" {
		return "", fault.New(fault.Refused, "bad name %q", n.Display)
	}
	if id, ok := q.requests[request]; ok && q.once {
		return "", &fault.Error{Code: fault.Unknown, Class: fault.Transient, Origin: "600", Message: "received before"}
	} else if ok {
		return id, nil
	}
	for _, have := range q.names {
		if strings.EqualFold(have.Display, n.Display) || q.held && strings.EqualFold(strings.TrimSuffix(have.Display, " (deleted)"), n.Display) {
			return "", fault.New(fault.NameTaken, "%q is in use", n.Display)
		}
	}
	q.add(kind, n.Display, true)
	id := q.names[len(q.names)-1].ID
	if q.requests == nil {
		q.requests = map[string]string{}
	}
	q.requests[request] = id
	if q.lose > 0 {
		q.lose--
		return "", fault.New(fault.Unknown, "no answer")
	}
	return id, nil
}

func (q *quickBooks) CreateCustomer(_ context.Context, _ org.Company, n journal.NewName, r string) (string, error) {
	return q.create("Customer", n, r)
}

func (q *quickBooks) CreateVendor(_ context.Context, _ org.Company, n journal.NewName, r string) (string, error) {
	return q.create("Vendor", n, r)
}

func (q *quickBooks) NamesCalled(_ context.Context, _ org.Company, display string) ([]journal.FoundName, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var found []journal.FoundName
	for _, n := range q.names {
		if strings.EqualFold(n.Display, display) && !q.hidden {
			found = append(found, n)
		}
	}
	return found, nil
}

func (q *quickBooks) displays(kind string) []string {
	var list []string
	for _, n := range q.names {
		if n.Kind == kind {
			list = append(list, n.Display)
		}
	}
	return list
}

func decedent(caseID, name string) journal.Name {
	return journal.Name{Kind: journal.Customer, Key: "case:" + caseID, Display: name, Number: "24-0" + caseID}
}

func business(id, name string) journal.Name {
	return journal.Name{Kind: journal.Vendor, Key: "business:" + id, Display: name, Number: id}
}

func willow() org.Company { return org.Company{Org: "willow-creek", Realm: "1"} }

type desk struct {
	t         *testing.T
	books     *quickBooks
	links     *memory.Store
	leases    *memory.Leases
	matcher   *matching.Matcher
	processes int
	now       time.Time
}

func newDesk(t *testing.T) *desk {
	return &desk{t: t, books: &quickBooks{}, links: memory.NewStore(), leases: memory.NewLeases(), now: time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)}
}

// another is another process's matcher over the same links.
func (d *desk) another(books matching.Names) *matching.Matcher {
	d.processes++
	now := func() time.Time { return d.now }
	return matching.New(d.links, books, lease.New(d.leases, fmt.Sprint("process-", d.processes), now), now)
}

func (d *desk) match(n journal.Name) journal.Name {
	d.t.Helper()
	m, err := d.matcher.Match(d.t.Context(), willow(), n)
	if err != nil {
		d.t.Fatal(err)
	}
	if m.ID == "" {
		d.t.Error("no id")
	}
	return m
}

func (d *desk) refuses(n journal.Name, code fault.Code) {
	d.t.Helper()
	if m, err := d.matcher.Match(d.t.Context(), willow(), n); !fault.Is(err, code) {
		d.t.Errorf("matched %+v, error %v; want %s", m, err, code)
	}
	d.now = d.now.Add(intlog.NamesLease) // what was not answered keeps others waiting as long
}

func (d *desk) has(kind string, displays ...string) {
	d.t.Helper()
	if diff := cmp.Diff(displays, d.books.displays(kind), cmpopts.EquateEmpty()); diff != "" {
		d.t.Errorf("%s (-want +got):\n%s", kind, diff)
	}
}

func TestTrapsOfNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Wolfeschlegelstein", 6)
	for name, trap := range map[string]func(d *desk){
		"a new decedent is created and linked": func(d *desk) {
			first := d.match(decedent("113", "John Smith"))
			if again := d.match(decedent("113", "John Smith")); again != first || d.books.creates != 1 {
				d.t.Errorf("%+v, then %+v after %d creations", first, again, d.books.creates)
			}
			d.has("Customer", "John Smith")
		},
		"an exact match is linked, not created": func(d *desk) {
			d.books.add("Customer", "John Smith", true)
			if m := d.match(decedent("113", "John Smith")); m.ID != "1" {
				d.t.Errorf("%+v", m)
			}
			d.has("Customer", "John Smith")
		},
		"an apostrophe is part of a name": func(d *desk) {
			d.books.add("Customer", "Sean O'Brien", true)
			if m := d.match(decedent("113", "Sean O'Brien")); m.ID != "1" {
				d.t.Errorf("%+v", m)
			}
		},
		"trailing blanks are no other name":    func(d *desk) { d.match(decedent("113", "John  Smith ")); d.has("Customer", "John Smith") },
		"colon, tab and line end are replaced": func(d *desk) { d.match(decedent("113", "John:\tSmith\n")); d.has("Customer", "John Smith") },
		"101 characters are cut to 100": func(d *desk) {
			if m := d.match(decedent("113", long[:101])); m.Display != long[:100] {
				d.t.Errorf("%q", m.Display)
			}
		},
		"a cut name keeps its whole case number": func(d *desk) {
			d.match(decedent("113", long))
			if m := d.match(decedent("114", long)); len(m.Display) != 100 || !strings.HasSuffix(m.Display, " (24-0114)") {
				d.t.Errorf("%q has %d characters", m.Display, len(m.Display))
			}
		},
		"two decedents of one name are two customers": func(d *desk) {
			d.match(decedent("113", "John Smith"))
			d.match(decedent("114", "John Smith"))
			d.match(decedent("115", "John Smith"))
			d.has("Customer", "John Smith", "John Smith (24-0114)", "John Smith (24-0115)")
		},
		"a decedent who is a vendor gets the numbered name": func(d *desk) {
			d.books.add("Vendor", "John Smith", true)
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith (24-0113)")
		},
		"a decedent who is an employee gets the numbered name": func(d *desk) {
			d.books.add("Employee", "John Smith", true)
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith (24-0113)")
		},
		"an inactive customer is not matched": func(d *desk) {
			d.books.add("Customer", "John Smith (deleted)", false)
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith (deleted)", "John Smith")
		},
		"an inactive customer that still holds the name is not matched either": func(d *desk) {
			d.books.add("Customer", "John Smith", false)
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith", "John Smith (24-0113)")
		},
		"an inactive customer that was renamed and still holds the name is seen, and not matched": func(d *desk) {
			d.books.add("Customer", "John Smith (deleted)", false)
			d.books.held = true
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith (deleted)", "John Smith (24-0113)")
		},
		"a name in use that is not shown says where to look": func(d *desk) {
			d.books.add("Customer", "John Smith", true)
			d.books.hidden = true
			_, err := d.matcher.Match(d.t.Context(), willow(), decedent("113", "John Smith"))
			f := fault.As(err)
			if f.Code != fault.NameTaken || f.Class != fault.Name || !strings.Contains(f.Text(), `"John Smith"`) || !strings.Contains(f.Text(), "inactive") {
				d.t.Errorf("%+v", f)
			}
		},
		"a creation that QuickBooks received before is found by its name": func(d *desk) {
			d.books.once, d.books.lose = true, 1
			d.refuses(decedent("113", "John Smith"), fault.Unknown)
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith")
		},
		"a creation that QuickBooks received before and did not carry out is made under another requestid": func(d *desk) {
			d.books.once, d.books.lose = true, 1
			d.refuses(decedent("113", "John Smith"), fault.Unknown)
			d.books.names = nil
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith")
		},
		"a case number of any length keeps the numbered name within its limit": func(d *desk) {
			d.books.add("Vendor", long[:matching.MaxName], true)
			for _, n := range []int{97, 98, 100, 200} {
				name := decedent(fmt.Sprint(n), long)
				name.Number = (fmt.Sprint(n, "-") + strings.Repeat("9", n))[:n]
				if m := d.match(name); len(m.Display) > matching.MaxName || !strings.HasPrefix(m.Display, "Wolfe") || !strings.HasSuffix(m.Display, "9)") {
					d.t.Errorf("a number of %d characters: %q", n, m.Display)
				}
			}
		},
		"a numbered name says what the number is": func(d *desk) {
			d.books.add("Vendor", "Hill & Sons", true)
			trade := journal.Name{Kind: journal.Customer, Key: "business:rol-9", Display: "Hill & Sons", Number: "rol-9"}
			d.match(trade)
			link, _, err := d.links.Link(d.t.Context(), willow(), trade.Kind, trade.Key)
			if err != nil || !strings.Contains(link.Note, "Rolodex number") {
				d.t.Errorf("%q %v", link.Note, err)
			}
		},
		"a name that somebody else is writing for too long is waited for": func(d *desk) {
			hold(d, "names")
			ctx, cancel := context.WithCancel(d.t.Context())
			cancel()
			_, err := d.matcher.Match(ctx, willow(), decedent("113", "John Smith"))
			if f := fault.As(err); f.Code != fault.Unavailable || f.Class != fault.Transient || f.Who == "" || f.Remedy == "" {
				d.t.Errorf("%+v", f)
			}
			d.has("Customer")
		},
		"a name that differs only in case is not taken": func(d *desk) {
			d.books.add("Customer", "JOHN SMITH", true)
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "JOHN SMITH", "John Smith (24-0113)")
		},
		"a trade home is customer and vendor under two names": func(d *desk) {
			d.match(journal.Name{Kind: journal.Customer, Key: "business:rol-9", Display: "Hill & Sons", Number: "rol-9"})
			d.match(business("rol-9", "Hill & Sons"))
			d.has("Customer", "Hill & Sons")
			d.has("Vendor", "Hill & Sons (Vendor)")
		},
		"two businesses of one name are two vendors": func(d *desk) {
			d.match(business("rol-1", "Oak Hill"))
			d.match(business("rol-2", "Oak Hill"))
			d.match(business("rol-3", "Oak Hill"))
			d.has("Vendor", "Oak Hill", "Oak Hill (Vendor)", "Oak Hill (rol-3)")
		},
		"a name that is corrected later keeps its customer": func(d *desk) {
			first := d.match(decedent("113", "Jon Smith"))
			if m := d.match(decedent("113", "John Smith")); m.ID != first.ID {
				d.t.Errorf("%+v, then %+v", first, m)
			}
			d.has("Customer", "Jon Smith")
		},
		"a case without a name waits, unless it is linked": func(d *desk) {
			d.refuses(decedent("113", ""), fault.Invalid)
			d.match(decedent("113", "John Smith"))
			d.match(decedent("113", ""))
		},
		"a name in use that QuickBooks does not show is waited for": func(d *desk) {
			d.books.add("Customer", "John Smith", true)
			d.books.hidden = true
			d.refuses(decedent("113", "John Smith"), fault.NameTaken)
			d.has("Customer", "John Smith")
			d.books.hidden = false
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith")
		},
		"a creation whose answer was lost ends with one customer": func(d *desk) {
			d.books.lose = 1
			d.refuses(decedent("113", "John Smith"), fault.Unknown)
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith")
		},
		"a creation whose answer and requestid were lost ends with one customer": func(d *desk) {
			d.books.lose = 1
			d.refuses(decedent("113", "John Smith"), fault.Unknown)
			d.books.requests = nil
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith")
		},
		"a lost numbered creation is found again": func(d *desk) {
			d.books.add("Vendor", "John Smith", true)
			d.books.lose = 1
			d.refuses(decedent("113", "John Smith"), fault.Unknown)
			d.books.requests = nil
			d.match(decedent("113", "John Smith"))
			d.has("Customer", "John Smith (24-0113)")
		},
		"when even the numbered name is used, a person is asked": func(d *desk) {
			d.books.add("Vendor", "John Smith", true)
			d.books.add("Vendor", "John Smith (24-0113)", true)
			d.refuses(decedent("113", "John Smith"), fault.Conflict)
		},
		"many workers at once make one customer": func(d *desk) {
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() { _, _ = d.matcher.Match(d.t.Context(), willow(), decedent("113", "John Smith")) })
			}
			wg.Wait()
			d.has("Customer", "John Smith")
		},
		"another organisation has its own links": func(d *desk) {
			d.match(decedent("113", "John Smith"))
			other := &quickBooks{}
			m, err := d.another(other).Match(d.t.Context(), org.Company{Org: "maple-hill", Realm: "2"}, decedent("113", "John Smith"))
			if err != nil || other.creates != 1 || m.ID != "1" {
				d.t.Errorf("%+v %v after %d creations", m, err, other.creates)
			}
		},
		"a link says why the name differs": func(d *desk) {
			d.books.add("Vendor", "John Smith", true)
			d.match(decedent("113", "John Smith"))
			link, found, err := d.links.Link(d.t.Context(), willow(), journal.Customer, "case:113")
			if err != nil || !found || !strings.Contains(link.Note, "case number") {
				d.t.Errorf("%+v %t %v", link, found, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.matcher = d.another(d.books)
			trap(d)
		})
	}
}

// hold takes a lease as another process does.
func hold(d *desk, thing string) {
	d.t.Helper()
	if taken, err := d.leases.Lease(d.t.Context(), willow().Org, thing, "another process", d.now, d.now.Add(time.Minute)); !taken || err != nil {
		d.t.Fatal(taken, err)
	}
}

func TestACleanNameIsOneThatQuickBooksTakes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := matching.Clean(rapid.String().Draw(t, "name"))
		if strings.ContainsAny(s, ":\t\n\r") || len([]rune(s)) > matching.MaxName || s != strings.TrimSpace(s) || strings.Contains(s, "  ") || matching.Clean(s) != s {
			t.Fatalf("%q", s)
		}
	})
}
