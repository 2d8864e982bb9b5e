package qbo_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/reconcile"
)

var _ reconcile.Books = (*qbo.Client)(nil)

// newLedger is a counter whose company has the accounts Receivable, Cash and Sales.
func newLedger(t *testing.T) *counter {
	t.Helper()
	c := newCounter(t)
	err := c.sim.AddCompany(qbosim.Company{Realm: at("o").Realm, Accounts: []qbosim.NewAccount{
		{Name: "Receivable", AccountType: "Accounts Receivable"}, {Name: "Cash", AccountType: "Bank"}, {Name: "Sales", AccountType: "Income"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// types lets a person type an entry over 1.00 by hand.
func (c *counter) types(doc string) (id string) {
	c.t.Helper()
	id, err := c.sim.TypeJournalEntry(at("o").Realm, qbosim.JournalDraft{Date: "2026-03-04", DocNumber: doc, Lines: []qbosim.DraftLine{
		{Side: "Debit", Account: "Cash", Amount: 100}, {Side: "Credit", Account: "Sales", Amount: 100},
	}})
	c.must(err)
	return id
}

func (c *counter) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *counter) customer(name string) (id string) {
	c.t.Helper()
	id, err := c.client.CreateCustomer(c.t.Context(), at("o"), journal.NewName{Display: name}, name)
	c.must(err)
	return id
}

// reads counts the metered reads of what is done.
func (c *counter) reads(do func()) int {
	before := c.sim.Counted(at("o").Realm).Reads
	do()
	return c.sim.Counted(at("o").Realm).Reads - before
}

func TestEntriesAreReadByTheirIDsAsTheyAreNow(t *testing.T) {
	t.Parallel()
	c := newLedger(t)
	vera := c.customer("Vera Quill")
	lines := []journal.Line{
		{Side: journal.Debit, Amount: 123456, Place: journal.Place{Account: "1", Name: &journal.Name{Kind: journal.Customer, ID: vera}}, Description: "Service"},
		{Side: journal.Credit, Amount: 123456, Place: journal.Place{Account: "3"}},
	}
	e, err := journal.New("2026-03-04", "24-1-ABC", "a note", lines)
	c.must(err)
	posted, err := c.client.CreateJournalEntry(t.Context(), at("o"), e, "r")
	c.must(err)
	typed, deleted := c.types(""), c.types("X")
	c.must(c.sim.DeleteJournalEntry(at("o").Realm, deleted))
	c.must(c.sim.EditJournalEntry(at("o").Realm, posted, func(d *qbosim.JournalDraft) { d.Date, d.Lines[1].Account = "2026-03-05", "Cash" }))

	var got []journal.BookedEntry
	if n := c.reads(func() {
		got, err = c.client.JournalEntries(t.Context(), at("o"), []string{posted, deleted, typed, "999999", posted})
		c.must(err)
	}); n != 1 {
		t.Errorf("%d reads", n)
	}
	slices.SortFunc(got, func(a, b journal.BookedEntry) int { return strings.Compare(a.DocNumber, b.DocNumber) })
	lines[0].Place.Name.Display, lines[1].Place.Account = "Vera Quill", "2"
	want := []journal.BookedEntry{
		{ID: typed, Date: "2026-03-04", Lines: []journal.Line{
			{Side: journal.Debit, Amount: 100, Place: journal.Place{Account: "2"}}, {Side: journal.Credit, Amount: 100, Place: journal.Place{Account: "3"}},
		}},
		{ID: posted, DocNumber: "24-1-ABC", Note: "a note", Date: "2026-03-05", Lines: lines},
	}
	for i := range got {
		if got[i].Updated.IsZero() {
			t.Errorf("%s was never changed", got[i].ID)
		}
		got[i].Updated = time.Time{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCustomersAreReadByTheirIDsInactiveOnesToo(t *testing.T) {
	t.Parallel()
	c := newLedger(t)
	vera, otto, gone := c.customer("Vera Quill"), c.customer("Otto Quill"), c.customer("O. Quill")
	c.must(c.sim.Owe(at("o").Realm, gone, 1250))
	c.must(c.sim.MergeCustomers(at("o").Realm, gone, otto))
	c.sim.Deactivate(at("o").Realm, "Customer", "Vera Quill")
	want := map[string]journal.Debtor{
		vera: {ID: vera, Display: "Vera Quill (deleted)"},
		otto: {ID: otto, Display: "Otto Quill", Balance: 1250, Active: true},
	}
	check := func(got []journal.Debtor, err error) {
		t.Helper()
		c.must(err)
		found := map[string]journal.Debtor{}
		for _, d := range got {
			if d.Updated.IsZero() || d.Created.IsZero() {
				t.Errorf("%s was never changed", d.ID)
			}
			d.Created, d.Updated = time.Time{}, time.Time{}
			found[d.ID] = d
		}
		if diff := cmp.Diff(want, found); diff != "" || len(got) != 2 {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	check(c.client.Customers(t.Context(), at("o"), []string{gone, vera, otto, "999999"}))
	got, last, err := c.client.CustomersPage(t.Context(), at("o"), 0)
	if check(got, err); !last {
		t.Error("a page follows")
	}
}

// TestThePagesOfAllEntriesMissNone changes and creates entries between the pages: what was there is on one of them all the same.
func TestThePagesOfAllEntriesMissNone(t *testing.T) {
	t.Parallel()
	c := newLedger(t)
	seen := map[string]int{}
	for i := range 2100 {
		seen[c.types(strconv.Itoa(i))] = 0
	}
	change := func(ids ...string) {
		for _, id := range ids {
			c.must(c.sim.EditJournalEntry(at("o").Realm, id, func(d *qbosim.JournalDraft) { d.Note += "changed" }))
		}
	}
	first, newest := "4", strconv.Itoa(3+2100)
	page := 0
	for last := false; !last; page++ {
		var got []journal.BookedEntry
		var err error
		if n := c.reads(func() { got, last, err = c.client.JournalEntriesPage(t.Context(), at("o"), page) }); n != 1 || err != nil || len(got) > 1000 {
			t.Fatalf("page %d: %d reads, %d entries, %v", page, n, len(got), err)
		}
		for _, e := range got {
			seen[e.ID]++
		}
		change(first, newest)
		c.types("")
	}
	if page != 3 {
		t.Errorf("%d pages", page)
	}
	for id, times := range seen {
		if times == 0 {
			t.Errorf("%s was missed", id)
		}
	}
}

func TestAFullPageMayHaveOneAfterIt(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{0: true, 1: true, 999: true, 1000: false} {
		c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
			entries := slices.Repeat([]string{`{"Id":"7","TxnDate":"2026-03-04","MetaData":{"LastUpdatedTime":"2026-03-04T05:06:07-08:00"}}`}, n)
			debtors := slices.Repeat([]string{`{"Id":"7","MetaData":{"LastUpdatedTime":"2026-03-04T05:06:07-08:00"}}`}, n)
			_, _ = fmt.Fprintf(w, `{"QueryResponse":{"JournalEntry":[%s],"Customer":[%s]}}`, strings.Join(entries, ","), strings.Join(debtors, ","))
		})
		entries, last, err := c.JournalEntriesPage(t.Context(), at("o"), 0)
		if err != nil || last != want || len(entries) != n {
			t.Errorf("%d: %d entries, last %t, %v", n, len(entries), last, err)
		}
		debtors, last, err := c.CustomersPage(t.Context(), at("o"), 0)
		if err != nil || last != want || len(debtors) != n {
			t.Errorf("%d: %d customers, last %t, %v", n, len(debtors), last, err)
		}
	}
}

func TestAHundredIDsAreOneQuestion(t *testing.T) {
	t.Parallel()
	var statements []string
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		statements = append(statements, string(raw))
		_, _ = io.WriteString(w, `{"QueryResponse":{}}`)
	})
	ids := make([]string, 101)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	hundred := "'" + strings.Join(ids[:100], "', '") + "'"
	ctx, o := t.Context(), at("o")
	for name, x := range map[string]struct {
		call func() (any, error)
		want []string
	}{
		"entries": {func() (any, error) { return c.JournalEntries(ctx, o, ids) }, []string{
			"select * from JournalEntry where Id in (" + hundred + ") startposition 1 maxresults 1000",
			"select * from JournalEntry where Id in ('100') startposition 1 maxresults 1000",
		}},
		"customers": {func() (any, error) { return c.Customers(ctx, o, ids) }, []string{
			"select * from Customer where Id in (" + hundred + ") and Active in (true, false) startposition 1 maxresults 1000",
			"select * from Customer where Id in ('100') and Active in (true, false) startposition 1 maxresults 1000",
		}},
		"no entries":   {func() (any, error) { return c.JournalEntries(ctx, o, nil) }, nil},
		"no customers": {func() (any, error) { return c.Customers(ctx, o, nil) }, nil},
		"a page of entries": {func() (any, error) {
			_, last, err := c.JournalEntriesPage(ctx, o, 2)
			return last, err
		}, []string{"select * from JournalEntry orderby Id startposition 2001 maxresults 1000"}},
		"a page of customers": {func() (any, error) {
			_, last, err := c.CustomersPage(ctx, o, 0)
			return last, err
		}, []string{"select * from Customer where Active in (true, false) orderby Id startposition 1 maxresults 1000"}},
	} {
		statements = nil
		if _, err := x.call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(x.want, statements); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnAnswerThatCannotBeReadIsNotNothing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `{}`, `[]`, `{"QueryResponse":null}`, `{"QueryResponse":{"JournalEntry":{},"Customer":{}}}`, `{"QueryResponse":{"JournalEntry":[null],"Customer":[null]}}`,
		`{"QueryResponse":{"JournalEntry":[{"Id":"7","TxnDate":"2026-03-04"}],"Customer":[{"Id":"7"}]}}`,
		`{"QueryResponse":{"JournalEntry":[{"Id":"7","TxnDate":"2026-13-04","MetaData":{"LastUpdatedTime":"2026-03-04T05:06:07-08:00"}}],
			"Customer":[{"Id":"7","Balance":0.001,"MetaData":{"LastUpdatedTime":"2026-03-04T05:06:07-08:00"}}]}}`,
		`{"QueryResponse":{"JournalEntry":[{"Id":"7","TxnDate":"2026-03-04"`,
	} {
		c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		entries, err := c.JournalEntries(t.Context(), at("o"), []string{"7"})
		page, last, pageErr := c.JournalEntriesPage(t.Context(), at("o"), 0)
		debtors, debtorErr := c.Customers(t.Context(), at("o"), []string{"7"})
		debtorPage, lastDebtors, debtorPageErr := c.CustomersPage(t.Context(), at("o"), 0)
		for _, err := range []error{err, pageErr, debtorErr, debtorPageErr} {
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s: %v", body, err)
			}
		}
		if entries != nil || page != nil || debtors != nil || debtorPage != nil || last || lastDebtors {
			t.Errorf("%s: %v %v %v %v", body, entries, page, debtors, debtorPage)
		}
	}
}

func TestPagesCanWaitWhenTheMonthsReadsAreNearlyUsedUp(t *testing.T) {
	t.Parallel()
	m := meter(t, 100, nil)
	m.spend(t, 90)
	for page := range 2 {
		_, _, err := m.client.JournalEntriesPage(t.Context(), at("willow"), page)
		_, _, other := m.client.CustomersPage(t.Context(), at("willow"), page)
		if !fault.Is(err, fault.Throttled) || !fault.Is(other, fault.Throttled) || m.sent != 0 {
			t.Errorf("page %d: %d requests, %v, %v", page, m.sent, err, other)
		}
	}
}
