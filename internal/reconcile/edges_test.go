package reconcile_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// opened are books whose first proof is done.
func opened(t *testing.T) *books {
	t.Helper()
	b := newBooks(t)
	n := b.night()
	b.agrees(n)
	if !n.Full || n.Why != "The first proof compares everything." {
		t.Errorf("%+v", n)
	}
	return b
}

// family is a contract of 1,000 and a payment of 400.
func (b *books) family() (c funeral, contract, payment intlog.Entry) {
	c = b.funeral()
	on := b.clock.now().Format(time.DateOnly)
	contract = b.post(b.event(&c, "goods_and_services.signed", "g"+c.id, 1, signed(on, "900.00", "100.00", "1000.00")))
	payment = b.post(b.event(&c, "payment.created", "p"+c.id, 1, paid(on, "400.00")))
	return c, contract, payment
}

func (b *books) settings(change func(*org.Config)) {
	b.t.Helper()
	c, err := b.store.Config(context.Background(), willow)
	if err != nil {
		b.t.Fatal(err)
	}
	change(&c)
	if _, err := b.store.PutConfig(context.Background(), c, c.Version); err != nil {
		b.t.Fatal(err)
	}
}

func (b *books) switches(x qbosim.Switches) { b.sim.SetSwitches(realm, x) }

func TestWhatIsNotPostedIsOnItsWayForADayAndUnpostedAfterIt(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.settings(func(c *org.Config) { c.Settings.AutoSync = false })
	c := b.funeral()
	id := b.send(b.event(&c, "payment.created", "p1", 1, paid("2026-03-03", "400.00")))
	b.clock.advance(time.Hour)
	n := b.prove(reconcile.Request{Org: willow, Who: "Ana Diaz"})
	b.agrees(n)
	if d := b.one(); d.Class != reconcile.Timing || d.Sentence != "$400.00 of payment p1, John Smith 1 waits under Pending transactions since 3/3/2026." || len(d.Remedies) > 0 {
		t.Errorf("%+v", d)
	}
	if n.Says != "All agrees: nothing has changed since the proof before. 1 more is on the way for less than a day." {
		t.Error(n.Says)
	}
	n = b.night()
	if d := b.one(); d.Class != reconcile.Unposted || n.State != reconcile.Differs || d.Amount != 40000 {
		t.Errorf("%+v %s", d, n.State)
	}
	proof, err := b.proof.Case(t.Context(), willow, c.id)
	if err != nil || proof.Agrees || proof.Owed != (reconcile.Figures{Passare: -40000}) {
		t.Errorf("%+v %v", proof, err)
	}
	e, err := b.entry(id).Move(intlog.Queued, "Ben Ito", "", b.clock.now())
	if err == nil {
		_, err = b.store.Update(t.Context(), e)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := b.worker.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{id}}); err != nil {
		t.Fatal(err)
	}
	b.agrees(b.night())
}

func TestAMergedCustomerIsOneDifference(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"its entries count as changed": true, "its entries do not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := opened(t)
			b.switches(qbosim.Switches{MergeTouchesEntries: told})
			b.family()
			b.family()
			b.agrees(b.night())
			if err := b.sim.MergeCustomers(realm, "John Smith 1", "John Smith 2"); err != nil {
				t.Fatal(err)
			}
			n := b.night()
			d := b.one()
			want := "Customer John Smith 1 was merged into John Smith 2 in QuickBooks: its entries stand on that one now. Link its cases to John Smith 2, so that new entries go there."
			if d.Class != reconcile.Changed || d.Sentence != want || n.Open != 1 {
				t.Errorf("%s: %s", d.Class, d.Sentence)
			}
			b.act(d.ID, reconcile.Act{Action: reconcile.Accept})
			b.agrees(b.night())
			b.agrees(b.prove(reconcile.Request{Org: willow, Full: true}))
			proof, err := b.proof.Case(t.Context(), willow, "c1")
			if err != nil || !proof.Agrees || len(proof.Customers) != 1 || proof.Customers[0].Balance != 120000 || proof.Customers[0].Cases != 2 {
				t.Errorf("%+v %v", proof, err)
			}
		})
	}
}

func TestAnEntryThatQuickBooksNeverShowedIsMissing(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.switches(qbosim.Switches{ChangeDays: 30})
	_, _, payment := b.family()
	if err := b.sim.DeleteJournalEntry(realm, payment.Postings[0].QuickBooksID); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(40 * 24 * time.Hour)
	n := b.night()
	if !n.Full || n.Why != "The proof before was on 3/3/2026, and QuickBooks tells of changes for 30 days only, so everything is compared." {
		t.Errorf("%t %s", n.Full, n.Why)
	}
	if d := b.one(); d.Class != reconcile.Missing {
		t.Errorf("%+v", d)
	}
}

// TestALinkedEntryIsExpectedInThePlaceOfTheOneThatIsGone: somebody deleted ours and typed it again.
func TestALinkedEntryIsExpectedInThePlaceOfTheOneThatIsGone(t *testing.T) {
	t.Parallel()
	b := opened(t)
	_, _, payment := b.family()
	b.agrees(b.night())
	ours := payment.Postings[0].QuickBooksID
	again, err := b.sim.CopyJournalEntry(realm, ours, false)
	if err == nil {
		err = b.sim.DeleteJournalEntry(realm, ours)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.night()
	list := b.differences()
	at := slices.IndexFunc(list, func(d reconcile.Difference) bool { return d.Class == reconcile.Deleted })
	if len(list) != 2 || at < 0 || list[1-at].Class != reconcile.Unknown {
		t.Fatalf("%+v", list)
	}
	for _, link := range []string{"", "abc", "99999", b.entry("goods_and_services.gc1.1").Postings[0].QuickBooksID} {
		if _, err := b.proof.Act(t.Context(), willow, list[at].ID, reconcile.Act{Action: reconcile.Link, Link: link, Who: "Ben Ito"}); !fault.Is(err, fault.Invalid) || fault.As(err).Fields[0].Field != "quickbooks_id" {
			t.Errorf("%q: %v", link, err)
		}
	}
	b.act(list[at].ID, reconcile.Act{Action: reconcile.Link, Link: again})
	b.agrees(b.night())
	if e := b.entry(payment.ID()); e.Postings[0].QuickBooksID != again || e.State != intlog.Synced {
		t.Errorf("%+v", e.Postings)
	}
}

func TestWhatIsIgnoredIsNotToldOfAgainUnlessItChanges(t *testing.T) {
	t.Parallel()
	b := opened(t)
	_, _, payment := b.family()
	b.agrees(b.night())
	id := payment.Postings[0].QuickBooksID
	if err := b.sim.EditJournalEntry(realm, id, func(d *qbosim.JournalDraft) { d.Lines[0].Amount, d.Lines[1].Amount = 40001, 40001 }); err != nil {
		t.Fatal(err)
	}
	b.night()
	d := b.one()
	if _, err := b.proof.Act(t.Context(), willow, d.ID, reconcile.Act{Action: reconcile.Ignore, Who: "Ben Ito"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	b.act(d.ID, reconcile.Act{Action: reconcile.Ignore, Reason: "Known."})
	b.agrees(b.night())
	b.agrees(b.prove(reconcile.Request{Org: willow, Full: true}))
	if err := b.sim.DeleteJournalEntry(realm, id); err != nil {
		t.Fatal(err)
	}
	b.night()
	if again := b.one(); again.ID != d.ID || again.Class != reconcile.Deleted || len(again.History) != 3 {
		t.Errorf("%+v", again)
	}
}

func TestARemedyIsForWhatWasLookedAt(t *testing.T) {
	t.Parallel()
	b := opened(t)
	_, _, payment := b.family()
	b.agrees(b.night())
	id := payment.Postings[0].QuickBooksID
	move := func(on string) {
		if err := b.sim.EditJournalEntry(realm, id, func(d *qbosim.JournalDraft) { d.Date = on }); err != nil {
			t.Fatal(err)
		}
	}
	move("2026-02-01")
	b.night()
	d := b.one()
	if len(d.Remedies) != 3 || d.Remedies[0].Action != reconcile.Correct || len(d.Remedies[0].Lines) != 4 {
		t.Fatalf("%+v", d.Remedies)
	}
	move("2026-02-02")
	if _, err := b.proof.Act(t.Context(), willow, d.ID, reconcile.Act{Action: reconcile.Correct, Seen: d.Seen, Who: "Ben Ito"}); !fault.Is(err, fault.Stale) {
		t.Errorf("QuickBooks has changed it meanwhile: %v", err)
	}
	b.night()
	if _, err := b.proof.Act(t.Context(), willow, d.ID, reconcile.Act{Action: reconcile.Correct, Seen: d.Seen, Who: "Ben Ito"}); !fault.Is(err, fault.Stale) {
		t.Errorf("it is another difference by now: %v", err)
	}
	d = b.one()
	b.act(d.ID, reconcile.Act{Action: reconcile.Correct, Seen: d.Seen})
	after := len(b.sim.Journal(realm))
	if _, err := b.proof.Act(t.Context(), willow, d.ID, reconcile.Act{Action: reconcile.Correct, Who: "Ben Ito"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second time: %v", err)
	}
	b.work()
	if got := len(b.sim.Journal(realm)); got != after {
		t.Errorf("%d entries, not %d", got, after)
	}
	b.agrees(b.night())
}

// pausing is QuickBooks whose client does something between two reads.
type pausing struct {
	reconcile.Books
	before map[string]func()
	calls  []string
}

func (p *pausing) call(name string) {
	p.calls = append(p.calls, name)
	times := 0
	for _, c := range p.calls {
		if c == name {
			times++
		}
	}
	if do := p.before[fmt.Sprintf("%s %d", name, times)]; do != nil {
		do()
	}
}

func (p *pausing) Changes(ctx context.Context, at org.Company, since time.Time) (journal.Changes, error) {
	p.call("changes")
	return p.Books.Changes(ctx, at, since)
}

func (p *pausing) Customers(ctx context.Context, at org.Company, ids []string) ([]journal.Debtor, error) {
	p.call("customers")
	return p.Books.Customers(ctx, at, ids)
}

func (p *pausing) JournalEntriesPage(ctx context.Context, at org.Company, page int) ([]journal.BookedEntry, bool, error) {
	p.call("page")
	return p.Books.JournalEntriesPage(ctx, at, page)
}

func (p *pausing) JournalEntries(ctx context.Context, at org.Company, ids []string) ([]journal.BookedEntry, error) {
	p.call("entries")
	return p.Books.JournalEntries(ctx, at, ids)
}

// with makes a proof over other books than QuickBooks' own.
func (b *books) with(books reconcile.Books, leases lease.Store) *reconcile.Proof {
	return reconcile.New(reconcile.Options{
		Store: b.store, Books: books, Planner: b.worker, Queue: b.queue, Requests: b, Leases: leases, Process: "another", Now: b.clock.now,
	})
}

// TestAnEntryThatComesWhileBooksAreProvedIsNoDifference: before each read of QuickBooks, something is posted, or corrected by an event.
func TestAnEntryThatComesWhileBooksAreProvedIsNoDifference(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} {
		for _, before := range []string{"changes 1", "page 1", "customers 1", "entries 1", "changes 2", "customers 2", "changes 3"} {
			t.Run(fmt.Sprintf("before %s, full %t", before, full), func(t *testing.T) {
				t.Parallel()
				b := opened(t)
				c, _, _ := b.family()
				b.agrees(b.night())
				b.post(b.event(&c, "payment.updated", "pc1", 2, paid("2026-03-03", "450.00")))
				b.clock.advance(24 * time.Hour)
				comes := func(id string) func() {
					return func() {
						b.clock.advance(time.Second)
						b.post(b.event(&c, "payment.created", id, 1, paid("2026-03-03", "25.00")))
					}
				}
				p := &pausing{Books: b.client, before: map[string]func(){"customers 1": comes("p2"), before: func() {
					comes("p3")()
					b.post(b.event(&c, "payment.updated", "pc1", 3, paid("2026-03-03", "475.00")))
				}}}
				n, err := b.with(p, b.leases).Run(t.Context(), reconcile.Request{Org: willow, Full: full, Who: "Ana Diaz"})
				if err != nil {
					t.Fatal(err)
				}
				b.agrees(n)
				b.agrees(b.night())
			})
		}
	}
}

func TestOneRunOfAnOrganisationAtATime(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.family()
	b.clock.advance(24 * time.Hour)
	p := &pausing{Books: b.client, before: map[string]func(){"changes 1": func() {
		if _, err := b.proof.Run(t.Context(), reconcile.Request{Org: willow}); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second run: %v", err)
		}
	}}}
	n, err := b.with(p, b.leases).Run(t.Context(), reconcile.Request{Org: willow})
	if err != nil {
		t.Fatal(err)
	}
	b.agrees(n)
	if again := b.prove(reconcile.Request{Org: willow}); again.Reads != n.Reads || !again.Began.Equal(n.Began) {
		t.Errorf("the schedule that asks twice has it done once: %+v", again)
	}
}

// dying fails every write of the store after some.
type dying struct {
	reconcile.Store
	left atomic.Int64
}

func dies(store reconcile.Store, after int) *dying {
	d := &dying{Store: store}
	d.left.Store(int64(after))
	return d
}

func (d *dying) PutPaper(ctx context.Context, at org.Company, p reconcile.Paper) (reconcile.Paper, error) {
	if d.left.Add(-1) < 0 {
		return p, fault.New(fault.Unavailable, "dead")
	}
	return d.Store.PutPaper(ctx, at, p)
}

// TestARunThatDiesIsGoneOnWith ends a run after each of its writes: the one after it finds the same.
func TestARunThatDiesIsGoneOnWith(t *testing.T) {
	t.Parallel()
	finished := false
	for writes := 0; !finished; writes++ {
		b := opened(t)
		_, _, first := b.family()
		_, _, second := b.family()
		b.agrees(b.night())
		if err := b.sim.DeleteJournalEntry(realm, first.Postings[0].QuickBooksID); err != nil {
			t.Fatal(err)
		}
		if _, err := b.sim.CopyJournalEntry(realm, second.Postings[0].QuickBooksID, writes%2 == 0); err != nil {
			t.Fatal(err)
		}
		b.family()
		b.clock.advance(24 * time.Hour)
		store := dies(b.store, writes)
		dead := reconcile.New(reconcile.Options{Store: store, Books: b.client, Planner: b.worker, Queue: b.queue, Leases: b.leases, Process: "dying", Now: b.clock.now})
		_, err := dead.Run(t.Context(), reconcile.Request{Org: willow})
		finished = err == nil && store.left.Load() >= 0
		n := b.prove(reconcile.Request{Org: willow, Who: "Ana Diaz"})
		var classes []string
		for _, d := range b.differences() {
			classes = append(classes, string(d.Class))
		}
		slices.Sort(classes)
		if diff := cmp.Diff([]string{"deleted", "doubled"}, classes); diff != "" || n.Open != 2 {
			t.Fatalf("after %d writes: %s %+v", writes, diff, n)
		}
		if writes > 200 {
			t.Fatal("it never ends")
		}
	}
}

// TestARunThatHasNoTimeLeftGoesOn has a deadline that is always near.
func TestARunThatHasNoTimeLeftGoesOn(t *testing.T) {
	t.Parallel()
	b := opened(t)
	for range 5 {
		b.family()
	}
	b.clock.advance(24 * time.Hour)
	hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond*15_000)
	defer cancel()
	n, err := b.proof.Run(hurried, reconcile.Request{Org: willow, Who: "Ana Diaz"})
	if err != nil || n.State != reconcile.Running {
		t.Fatalf("%+v %v", n, err)
	}
	n = b.prove(reconcile.Request{Org: willow, Who: "Ana Diaz"})
	b.agrees(n)
	if n.Entries != 10 {
		t.Errorf("%+v", n)
	}
}

// TestMoreThanAThousandChangesAreAllSeen: change data is split.
func TestMoreThanAThousandChangesAreAllSeen(t *testing.T) {
	t.Parallel()
	b := opened(t)
	_, _, payment := b.family()
	b.agrees(b.night())
	for i := range 1100 {
		if i%50 == 0 {
			b.clock.advance(time.Second)
		}
		if _, err := b.sim.TypeJournalEntry(realm, qbosim.JournalDraft{Date: "2026-03-05", Lines: []qbosim.DraftLine{
			{Side: "Debit", Account: "rent", Amount: 100}, {Side: "Credit", Account: "bank operating", Amount: 100},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	b.clock.advance(time.Second)
	if err := b.sim.DeleteJournalEntry(realm, payment.Postings[0].QuickBooksID); err != nil {
		t.Fatal(err)
	}
	n := b.night()
	if d := b.one(); d.Class != reconcile.Deleted || n.Full || n.Reads > 8 {
		t.Errorf("%s %+v", d.Class, n)
	}
}

// TestTheEndOfAMonthIsWhereTheEntryIsDated: the day of the proof, in whatever time zone, moves nothing.
func TestTheEndOfAMonthIsWhereTheEntryIsDated(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	b.clock.advance(29*24*time.Hour + 12*time.Hour + 30*time.Minute) // 4/1 04:30 UTC, and still 3/31 in the United States
	b.agrees(b.prove(reconcile.Request{Org: willow}))
	c := b.funeral()
	b.post(b.event(&c, "payment.created", "p1", 1, paid("2026-03-31", "400.00")))
	b.clock.advance(5 * time.Hour)
	n := b.prove(reconcile.Request{Org: willow, Who: "Ana Diaz"})
	b.agrees(n)
	if n.Date != "2026-03-31" {
		t.Error(n.Date)
	}
	march, err := b.proof.Packet(t.Context(), willow, "2026-03")
	if err != nil || march.Entries != 1 || march.Debits != 40000 || march.Says != "1 journal entry, $400.00. Both books agree." {
		t.Errorf("%+v %v", march, err)
	}
	april, err := b.proof.Packet(t.Context(), willow, "2026-04")
	if err != nil || april.Entries != 0 {
		t.Errorf("%+v %v", april, err)
	}
}

func TestAClosedMonthShowsWhatCameIntoItLater(t *testing.T) {
	t.Parallel()
	b := opened(t)
	c, _, _ := b.family()
	b.agrees(b.night())
	open := map[string]string{}
	if packet, err := b.proof.Packet(t.Context(), willow, "2026-03"); err != nil || packet.Night != "Proof of 3/4/2026. All agrees: 2 entries, $1,400.00." {
		t.Errorf("%+v %v", packet, err)
	} else {
		for _, p := range packet.Proofs {
			open[p.Name] = p.Open.String()
		}
	}
	if diff := cmp.Diff(map[string]string{
		"Deposits clearing": "400.00", "Card clearing": "0.00", "Refunds payable": "0.00", "Cash advances not paid on": "100.00", "Paid by families beyond what they owe": "0.00",
	}, open); diff != "" {
		t.Error(diff)
	}
	closed, err := b.proof.CloseMonth(t.Context(), willow, "2026-03", "Ben Ito", true)
	if err != nil || !closed.Closed || closed.ClosedBy != "Ben Ito" || len(closed.Changes) > 0 || closed.Entries != 2 {
		t.Fatalf("%+v %v", closed, err)
	}
	b.clock.advance(time.Hour)
	b.post(b.event(&c, "payment.created", "p9", 1, paid("2026-03-03", "25.00")))
	b.agrees(b.night())
	packet, err := b.proof.Packet(t.Context(), willow, "2026-03")
	if err != nil || len(packet.Changes) != 1 || packet.Changes[0].Debits != 2500 || packet.Changes[0].Entry != "payment.p9.1" || packet.Entries != 3 {
		t.Errorf("%+v %v", packet, err)
	}
	var rows []reconcile.PacketRow
	for after := ""; ; {
		page, next, err := b.proof.PacketRows(t.Context(), willow, "2026-03", after, 2)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, page...)
		if after = next; next == "" {
			break
		}
	}
	var debits, credits int64
	for _, r := range rows {
		if r.InQuickBooks != "agrees" {
			t.Errorf("%+v", r)
		}
		if r.Line.Side == journal.Debit {
			debits += int64(r.Line.Amount)
		} else {
			credits += int64(r.Line.Amount)
		}
	}
	if debits != 142500 || credits != debits || int64(packet.Debits) != debits {
		t.Errorf("%d %d %s", debits, credits, packet.Debits)
	}
	opened, err := b.proof.CloseMonth(t.Context(), willow, "2026-03", "Ben Ito", false)
	if err != nil || opened.Closed || len(opened.Changes) > 0 {
		t.Errorf("%+v %v", opened, err)
	}
	for _, month := range []string{"", "2026", "2026-13", "2026-3", "2027-01", "03-2026"} {
		if _, err := b.proof.Packet(t.Context(), willow, month); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", month, err)
		}
	}
}

// TestAHintIsLookedAtEvenIfChangeDataDoesNotTell: change data that leaves out what a webhook told of.
func TestAHintIsLookedAtEvenIfChangeDataDoesNotTell(t *testing.T) {
	t.Parallel()
	b := opened(t)
	_, _, payment := b.family()
	b.agrees(b.night())
	id := payment.Postings[0].QuickBooksID
	if err := b.sim.DeleteJournalEntry(realm, id); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := b.proof.Hear(t.Context(), []reconcile.Hint{
			{Realm: realm, Entity: "JournalEntry", ID: id, Operation: "deleted", At: b.clock.now()},
			{Realm: "unknown", Entity: "JournalEntry", ID: id, Operation: "deleted", At: b.clock.now()},
			{Realm: realm, Entity: "Invoice", ID: id, Operation: "deleted", At: b.clock.now()},
			{Realm: realm, Entity: "JournalEntry", ID: "77", Operation: "created", At: b.clock.now()},
		}); err != nil {
			t.Fatal(err)
		}
	}
	b.clock.advance(24 * time.Hour)
	deaf := &deafTo{Books: b.client}
	n, err := b.with(deaf, b.leases).Run(t.Context(), reconcile.Request{Org: willow})
	if err != nil {
		t.Fatal(err)
	}
	if d := b.one(); d.Class != reconcile.Deleted || n.Open != 1 {
		t.Errorf("%+v", d)
	}
	at := org.Company{Org: willow, Realm: realm}
	if left, err := b.store.ListPapers(t.Context(), at, "hint", "", 10, false); err != nil || len(left) > 0 {
		t.Errorf("%+v %v", left, err)
	}
}

// deafTo is change data that tells of nothing.
type deafTo struct{ reconcile.Books }

func (deafTo) Changes(context.Context, org.Company, time.Time) (journal.Changes, error) {
	return journal.Changes{Reads: 1}, nil
}

func TestWithoutAConnectionTheNightSaysSo(t *testing.T) {
	t.Parallel()
	b := opened(t)
	c, err := b.store.Config(t.Context(), willow)
	if err == nil {
		err = b.store.Broken(t.Context(), willow, c.Grants, b.clock.now())
	}
	if err != nil {
		t.Fatal(err)
	}
	n := b.night()
	if n.State != reconcile.Failed || n.Says != "The books could not be compared: QuickBooks is not connected. Connect it; then the books are proved again each night." || n.Reads != 0 {
		t.Errorf("%+v", n)
	}
	if err := b.proof.Ask(t.Context(), reconcile.Request{Org: willow, Who: "Ana Diaz"}); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if err := b.store.Mended(t.Context(), willow, nil); err != nil {
		t.Fatal(err)
	}
	b.agrees(b.night())
	if err := b.proof.Ask(t.Context(), reconcile.Request{Org: willow, Who: "Ana Diaz"}); err != nil || len(b.asked) != 1 {
		t.Error(err, b.asked)
	}
}

func TestTheDigestIsOneNotice(t *testing.T) {
	t.Parallel()
	b := opened(t)
	_, _, payment := b.family()
	b.agrees(b.night())
	digest := func() (intlog.Notice, bool) {
		n, news, found, err := b.proof.Digest(t.Context(), willow)
		if err != nil || !found {
			t.Fatal(err, found)
		}
		return n, news
	}
	if n, news := digest(); news || n.Text != "Proof of 3/4/2026. All agrees: 2 entries, $1,400.00." {
		t.Errorf("%+v", n)
	}
	if err := b.sim.DeleteJournalEntry(realm, payment.Postings[0].QuickBooksID); err != nil {
		t.Fatal(err)
	}
	b.night()
	first, news := digest()
	if !news || !strings.HasSuffix(first.Text, " was deleted in QuickBooks.") {
		t.Errorf("%+v", first)
	}
	b.night()
	if second, news := digest(); !news || !second.At.Equal(first.At) || second.Key != first.Key {
		t.Errorf("the same cause is the same notice: %+v", second)
	}
}

// TestWhatIsChangedAgainIsCorrectedAgain: each time exactly by what it differs from what was put right before.
func TestWhatIsChangedAgainIsCorrectedAgain(t *testing.T) {
	t.Parallel()
	b := opened(t)
	_, _, payment := b.family()
	b.agrees(b.night())
	for i, amount := range []money.Cents{45000, 52000, 100, 40000} {
		if err := b.sim.EditJournalEntry(realm, payment.Postings[0].QuickBooksID, func(d *qbosim.JournalDraft) { d.Lines[0].Amount, d.Lines[1].Amount = amount, amount }); err != nil {
			t.Fatal(err)
		}
		b.night()
		d := b.one()
		b.act(d.ID, reconcile.Act{Action: reconcile.Correct, Seen: d.Seen})
		b.agrees(b.night())
		if got := b.sim.Balances(realm); got["accounts_receivable"] != 60000 || got["deposits_clearing"] != 40000 {
			t.Fatalf("after change %d: %v", i+1, got)
		}
	}
	if err := b.sim.DeleteJournalEntry(realm, payment.Postings[0].QuickBooksID); err != nil {
		t.Fatal(err)
	}
	b.night()
	b.act(b.one().ID, reconcile.Act{Action: reconcile.Repost})
	b.agrees(b.night())
	if got := b.sim.Balances(realm); got["accounts_receivable"] != 60000 || got["deposits_clearing"] != 40000 {
		t.Error(got)
	}
}

// TestManyChangesAreAllProvedAfterADeath: more than are proved between two writes.
func TestManyChangesAreAllProvedAfterADeath(t *testing.T) {
	t.Parallel()
	for writes := 60; writes < 300; writes += 60 {
		b := opened(t)
		c := b.funeral()
		var ids []string
		for i := range 60 {
			e := b.post(b.event(&c, "payment.created", fmt.Sprintf("p%d", i), 1, paid("2026-03-03", "10.00")))
			ids = append(ids, e.Postings[0].QuickBooksID)
		}
		b.agrees(b.night())
		for _, id := range ids {
			if err := b.sim.DeleteJournalEntry(realm, id); err != nil {
				t.Fatal(err)
			}
		}
		b.clock.advance(24 * time.Hour)
		dead := reconcile.New(reconcile.Options{Store: dies(b.store, writes), Books: b.client, Planner: b.worker, Queue: b.queue, Leases: b.leases, Process: "dying", Now: b.clock.now})
		if _, err := dead.Run(t.Context(), reconcile.Request{Org: willow}); err == nil && writes < 120 {
			t.Fatalf("after %d writes it lives", writes)
		}
		if n := b.prove(reconcile.Request{Org: willow, Who: "Ana Diaz"}); n.Open != 60 {
			t.Errorf("after %d writes: %d are found", writes, n.Open)
		}
	}
}

// TestOneFaultOfQuickBooksDoesNotCostTheNight, and a night that could not be done is done by the next one.
func TestOneFaultOfQuickBooksDoesNotCostTheNight(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"cdc", "query"} {
		for times := 1; times <= 3; times++ {
			t.Run(fmt.Sprintf("%s, %d times", path, times), func(t *testing.T) {
				t.Parallel()
				b := opened(t)
				_, _, payment := b.family()
				b.agrees(b.night())
				b.family()
				if err := b.sim.DeleteJournalEntry(realm, payment.Postings[0].QuickBooksID); err != nil {
					t.Fatal(err)
				}
				if err := b.sim.Script(qbosim.Fault{Realm: realm, PathContains: path, Kind: "status", Status: 503, Body: "busy", Times: times}); err != nil {
					t.Fatal(err)
				}
				var waited []time.Duration
				proof := reconcile.New(reconcile.Options{
					Store: b.store, Books: b.client, Planner: b.worker, Queue: b.queue, Leases: b.leases, Process: "patient", Now: b.clock.now,
					Pause: func(_ context.Context, d time.Duration) error { waited = append(waited, d); return nil },
				})
				b.clock.advance(24 * time.Hour)
				n, err := proof.Run(t.Context(), reconcile.Request{Org: willow})
				if err != nil {
					t.Fatal(err)
				}
				want := reconcile.Differs
				if times == 3 {
					want = reconcile.Failed
				}
				if n.State != want || len(waited) != min(times, 2) {
					t.Errorf("%s after %v: %s", n.State, waited, n.Says)
				}
				b.night()
				if d := b.one(); d.Class != reconcile.Deleted {
					t.Errorf("%+v", d)
				}
			})
		}
	}
}

// TestWhatComesInTheSecondOfTheFirstProofIsNotFromBefore: QuickBooks tells times in seconds.
func TestWhatComesInTheSecondOfTheFirstProofIsNotFromBefore(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	b.clock.advance(24*time.Hour + 300*time.Millisecond)
	b.agrees(b.prove(reconcile.Request{Org: willow}))
	b.clock.advance(300 * time.Millisecond)
	if _, err := b.sim.TypeJournalEntry(realm, qbosim.JournalDraft{Date: "2026-03-03", Lines: []qbosim.DraftLine{
		{Side: "Debit", Account: "deposits_clearing", Amount: 2500}, {Side: "Credit", Account: "rent", Amount: 2500},
	}}); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(300 * time.Millisecond)
	b.prove(reconcile.Request{Org: willow, Who: "Ana Diaz"})
	if d := b.one(); d.Class != reconcile.Unknown {
		t.Errorf("%+v", d)
	}
}

// TestACorrectionInClosedBooksHoldsLikeAnyEntry, or goes to the first open day if the organisation wants that.
func TestACorrectionInClosedBooksHoldsLikeAnyEntry(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]org.ClosedPeriod{"held": org.HoldClosed, "on the first open day": org.FirstOpenDay} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := opened(t)
			_, _, payment := b.family()
			b.agrees(b.night())
			if err := b.sim.EditJournalEntry(realm, payment.Postings[0].QuickBooksID, func(d *qbosim.JournalDraft) { d.Lines[0].Amount, d.Lines[1].Amount = 45000, 45000 }); err != nil {
				t.Fatal(err)
			}
			b.switches(qbosim.Switches{BookCloseDate: "2026-03-31"})
			b.settings(func(c *org.Config) { c.CloseDate, c.Settings.ClosedPeriod = "2026-03-31", policy })
			b.night()
			d := b.one()
			if held := strings.HasPrefix(d.Remedies[0].Says, "It cannot go yet: "); held != (policy == org.HoldClosed) {
				t.Errorf("%+v", d.Remedies[0])
			}
			b.act(d.ID, reconcile.Act{Action: reconcile.Correct, Seen: d.Seen})
			e := b.entry(payment.ID())
			if policy == org.FirstOpenDay {
				if e.State != intlog.Synced || e.Postings[len(e.Postings)-1].Date != "2026-04-01" {
					t.Errorf("%s %+v", e.State, e.Postings)
				}
				b.agrees(b.night())
				return
			}
			if e.State != intlog.Failed || e.Cause[0].Kind != "period" {
				t.Fatalf("%s %+v", e.State, e.Cause)
			}
			b.switches(qbosim.Switches{})
			b.settings(func(c *org.Config) { c.CloseDate = "" })
			moved, err := e.Move(intlog.Queued, "Ben Ito", "", b.clock.now())
			if err == nil {
				_, err = b.store.Update(t.Context(), moved)
			}
			if err == nil {
				err = b.queue.Send(t.Context(), intlog.Work{Org: willow, Entries: []string{e.ID()}})
			}
			if err != nil {
				t.Fatal(err)
			}
			b.work()
			b.agrees(b.night())
			if got := b.sim.Balances(realm)["deposits_clearing"]; got != 40000 {
				t.Error(got)
			}
		})
	}
}
