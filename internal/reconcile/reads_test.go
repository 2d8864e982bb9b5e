package reconcile_test

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/reconcile"
)

var existing = flag.String("existing", "100,1000", "with how many existing entries the cost of a night is measured (README: 100,1000,10000,100000)")

// perCustomer is how many entries a customer has.
const perCustomer = 10

// synced puts an entry into both books that was posted some time ago: what a worker would have left, without its calls.
func (b *books) synced(n int) {
	b.t.Helper()
	c := funeral{id: fmt.Sprintf("c%d", n/perCustomer), number: fmt.Sprintf("26-%d", n/perCustomer), first: "Ann", last: fmt.Sprintf("Lee %d", n/perCustomer)}
	name := c.first + " " + c.last
	on := b.clock.now().Format(time.DateOnly)
	event, err := passare.Decode([]byte(b.event(&c, "payment.created", fmt.Sprintf("p%d", n), 1, paid(on, "10.00"))))
	if err != nil {
		b.t.Fatal(err)
	}
	now := b.clock.now()
	e := intlog.New(event, intlog.Queued, "", now)
	customer := b.customer(name)
	party := &journal.Name{Kind: journal.Customer, Key: "case:" + c.id, ID: customer, Display: name}
	movement := func(role org.Role, cents money.Cents) journal.Movement {
		return journal.Movement{
			Key: journal.Key{Leg: "receipt", Account: string(role), Case: c.id, Branch: "main"}, Fact: event.Body.On(), Amount: cents,
			Place: journal.Place{Account: b.mapping.Roles[role], Name: party},
		}
	}
	p := intlog.Posting{N: 1, Doc: journal.DocNumber(c.number, e.Identity(1)), Date: event.Body.On(), Realm: realm, Movements: []journal.Movement{
		movement(org.DepositsClearing, 1000), movement(org.AccountsReceivable, -1000),
	}}
	p.QuickBooksID, err = b.sim.TypeJournalEntry(realm, qbosim.JournalDraft{Date: on, DocNumber: p.Doc, Note: e.NoteMark(1), Lines: []qbosim.DraftLine{
		{Side: "Debit", Account: p.Movements[0].Place.Account, Amount: 1000, EntityType: "Customer", EntityID: customer},
		{Side: "Credit", Account: p.Movements[1].Place.Account, Amount: 1000, EntityType: "Customer", EntityID: customer},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	e.N, e.Postings = 1, []intlog.Posting{p}
	for _, to := range []intlog.State{intlog.Claimed, intlog.Synced} {
		if e, err = e.Move(to, intlog.Machine, "", now); err != nil {
			b.t.Fatal(err)
		}
	}
	if _, _, err := b.store.Create(context.Background(), e, nil); err != nil {
		b.t.Fatal(err)
	}
	b.clock.advance(30 * time.Second)
}

// customer is a customer's id, who is made when there is none.
func (b *books) customer(name string) string {
	b.t.Helper()
	if b.named == nil {
		b.named = map[string]string{}
	}
	if b.named[name] == "" {
		id, err := b.client.CreateCustomer(context.Background(), org.Company{Org: willow, Realm: realm}, journal.NewName{Display: name}, strings.ReplaceAll("c"+name, " ", "-"))
		if err != nil {
			b.t.Fatal(err)
		}
		b.named[name] = id
	}
	return b.named[name]
}

// metered is how many reads QuickBooks has counted.
func (b *books) metered() int { return b.sim.Counted(realm).Reads }

// TestANightCostsWhatChangedNotWhatExists measures metered reads of QuickBooks by its own count, with more and more entries in the books.
func TestANightCostsWhatChangedNotWhatExists(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	fmt.Fprintf(&table, "\n%10s %10s", "existing", "customers")
	changes := []int{0, 10, 100}
	if *existing != "100,1000" {
		changes = append(changes, 1000)
	}
	for _, n := range changes {
		fmt.Fprintf(&table, " %12s", fmt.Sprintf("%d changed", n))
	}
	fmt.Fprintf(&table, " %12s\n", "full pass")
	first := map[int]int{}
	for _, field := range strings.Split(*existing, ",") {
		size, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		b := newBooks(t)
		n := 0
		for range size {
			b.synced(n)
			n++
		}
		b.clock.advance(24 * time.Hour)
		b.proveAll()
		fmt.Fprintf(&table, "%10d %10d", size, (size+perCustomer-1)/perCustomer)
		for _, changed := range changes {
			for range changed {
				b.synced(n)
				n++
			}
			b.clock.advance(24 * time.Hour)
			before := b.metered()
			night := b.proveAll()
			reads := b.metered() - before
			b.agrees(night)
			if night.Reads != reads {
				t.Errorf("the night says %d reads, QuickBooks has counted %d", night.Reads, reads)
			}
			fmt.Fprintf(&table, " %12d", reads)
			if of, measured := first[changed]; !measured {
				first[changed] = reads
			} else if reads > of+1 {
				t.Errorf("%d changed of %d: %d reads, and %d with fewer entries in the books", changed, size, reads, of)
			}
		}
		before := b.metered()
		b.agrees(b.proveFull())
		fmt.Fprintf(&table, " %12d\n", b.metered()-before)
	}
	t.Log(table.String())
}

func (b *books) proveAll() reconcile.Night {
	return b.prove(reconcile.Request{Org: willow, Who: "Ana Diaz"})
}

func (b *books) proveFull() reconcile.Night {
	return b.prove(reconcile.Request{Org: willow, Who: "Ana Diaz", Full: true})
}

// TestAMonthOfAThousandEntriesIsUnder200Reads: thirty nights, one of them a full pass.
func TestAMonthOfAThousandEntriesIsUnder200Reads(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	const there = 200
	for n := range there {
		b.synced(n)
	}
	b.clock.advance(24 * time.Hour)
	b.proveAll()
	before := b.metered()
	n := there
	for range 31 {
		for range 1000 / 31 {
			b.synced(n)
			n++
		}
		b.agrees(b.night())
	}
	b.agrees(b.proveFull())
	if reads := b.metered() - before; reads >= 200 {
		t.Errorf("%d reads", reads)
	} else {
		t.Logf("%d metered reads in a month of 31 nights and a full pass, with 1,000 new entries", reads)
	}
}
