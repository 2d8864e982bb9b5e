package qbo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbo"
)

// metered is a client whose reads are counted, and what became of its requests.
type metered struct {
	client *qbo.Client
	at     time.Time
	store  *memory.Store
	sent   int
	paused []string
}

func (m *metered) Pause(_ context.Context, id string, _ time.Time) error {
	m.paused = append(m.paused, id)
	return nil
}

// meter is a client of a QuickBooks that has two pages of accounts. Without a meter of its own it counts in a store.
func meter(t *testing.T, allowance int, own qbo.Meter) *metered {
	t.Helper()
	m := &metered{at: time.Date(2026, 3, 31, 23, 59, 59, 0, time.UTC), store: memory.NewStore()}
	if own == nil {
		own = m.store
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.sent++
		raw, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, m.answer(r.URL.Path, string(raw)))
	}))
	t.Cleanup(server.Close)
	var err error
	m.client, err = qbo.New(qbo.Options{
		BaseURL: server.URL, HTTP: server.Client(), Tokens: oneToken("t"), Timeout: 30 * time.Second, Now: func() time.Time { return m.at },
		Meter: own, Pauses: m, Allowance: allowance,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *metered) answer(path, body string) string {
	switch {
	case strings.Contains(body, "from Account where") && strings.Contains(body, "startposition 1 "):
		return `{"QueryResponse":{"Account":[` + strings.Repeat(`{"Id":"1"},`, 999) + `{"Id":"1"}]}}`
	case strings.HasSuffix(path, "/query"):
		return `{"QueryResponse":{}}`
	case strings.HasSuffix(path, "/preferences"):
		return `{"Preferences":{}}`
	case strings.Contains(path, "/companyinfo/"):
		return `{"CompanyInfo":{"CompanyName":"Willow Creek"}}`
	case strings.HasSuffix(path, "/cdc"):
		return `{"CDCResponse":[{"QueryResponse":[{},{}]}]}`
	}
	return `{"JournalEntry":{"Id":"1"},"Customer":{"Id":"1"},"Vendor":{"Id":"1"}}`
}

// spend lets earlier reads of another organisation have been made this month.
func (m *metered) spend(t *testing.T, n int) {
	t.Helper()
	for range n {
		if _, err := m.store.SpendRead(t.Context(), "maple", "2026-03"); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *metered) spent(t *testing.T, id, month string) int {
	t.Helper()
	n, err := m.store.ReadsOf(t.Context(), id, month)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// calls are the client's calls, each with how many reads it is.
func calls(t *testing.T, c *qbo.Client) map[string]struct {
	reads int
	call  func() error
} {
	t.Helper()
	type counted = struct {
		reads int
		call  func() error
	}
	ctx, at := t.Context(), at("willow")
	return map[string]counted{
		"preferences":        {1, func() error { return second(c.Preferences(ctx, at)) }},
		"company info":       {1, func() error { return second(c.CompanyInfo(ctx, at)) }},
		"entries by number":  {1, func() error { return second(c.JournalEntriesByDocNumber(ctx, at, make([]string, 30))) }},
		"31 numbers":         {2, func() error { return second(c.JournalEntriesByDocNumber(ctx, at, make([]string, 31))) }},
		"names of each kind": {3, func() error { return second(c.NamesCalled(ctx, at, "John Smith")) }},
		"a name by its id": {1, func() error {
			if _, err := c.Name(ctx, at, "Customer", "7"); !fault.Is(err, fault.NotFound) {
				return err
			}
			return nil
		}},
		"two pages of accounts": {2, func() error { return second(c.Accounts(ctx, at)) }},
		"what changed":          {1, func() error { return second(c.Changes(ctx, at, time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC))) }},
		"100 entries by id":     {1, func() error { return second(c.JournalEntries(ctx, at, make([]string, 100))) }},
		"101 entries by id":     {2, func() error { return second(c.JournalEntries(ctx, at, make([]string, 101))) }},
		"100 customers by id":   {1, func() error { return second(c.Customers(ctx, at, make([]string, 100))) }},
		"101 customers by id":   {2, func() error { return second(c.Customers(ctx, at, make([]string, 101))) }},
		"a page of all entries": {1, func() error {
			_, _, err := c.JournalEntriesPage(ctx, at, 3)
			return err
		}},
		"a page of all customers": {1, func() error {
			_, _, err := c.CustomersPage(ctx, at, 3)
			return err
		}},
		"a customer, written": {0, func() error { return second(create(t, c, "Customer")) }},
		"a vendor, written":   {0, func() error { return second(create(t, c, "Vendor")) }},
		"an entry, written":   {0, func() error { return second(create(t, c, "JournalEntry")) }},
	}
}

func TestEachReadIsCountedOnceAndNoWriteIs(t *testing.T) {
	t.Parallel()
	for name := range calls(t, nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := meter(t, 0, nil)
			x := calls(t, m.client)[name]
			if err := x.call(); err != nil {
				t.Fatal(err)
			}
			for id, want := range map[string]int{"willow": x.reads, "o": 0, "maple": 0} {
				if got := m.spent(t, id, "2026-03"); got != want {
					t.Errorf("%s: %d reads are counted, want %d", id, got, want)
				}
			}
			if x.reads > 0 && m.sent != x.reads {
				t.Errorf("%d requests for %d reads", m.sent, x.reads)
			}
		})
	}
}

func TestAMonthOfReadsIsOneOfUTC(t *testing.T) {
	t.Parallel()
	m := meter(t, 0, nil)
	pacific := time.FixedZone("UTC-8", -8*60*60)
	for _, now := range []time.Time{m.at, m.at.In(pacific), m.at.Add(time.Second), m.at.Add(time.Second).In(pacific), m.at.Add(2 * time.Second)} {
		m.at = now
		if _, err := m.client.Preferences(t.Context(), at("willow")); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]int{"2026-03": m.spent(t, "willow", "2026-03"), "2026-04": m.spent(t, "willow", "2026-04")}
	if diff := cmp.Diff(map[string]int{"2026-03": 2, "2026-04": 3}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAtNineTenthsOfTheAllowanceReadsThatCanWaitAreRefused(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		spent, allowance int
		refused          bool
	}{
		"a read before nine tenths":  {89, 100, false},
		"nine tenths":                {90, 100, true},
		"all of it":                  {100, 100, true},
		"more than all":              {150, 100, true},
		"no allowance is no limit":   {150, 0, false},
		"an allowance of next to no": {0, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := meter(t, x.allowance, nil)
			m.spend(t, x.spent)
			_, err := m.client.Accounts(t.Context(), at("willow"))
			if !x.refused {
				if err != nil || m.sent == 0 {
					t.Errorf("%d requests, %v", m.sent, err)
				}
				return
			}
			f := fault.As(err)
			if f.Code != fault.Throttled || f.Class != fault.Transient || f.Who == "" || !strings.Contains(f.Text(), "month's reads") || !strings.Contains(f.Text(), "next month") {
				t.Errorf("%v: %+v", err, f)
			}
			if m.sent != 0 || m.spent(t, "willow", "2026-03") != 0 {
				t.Errorf("%d requests were sent and %d reads counted", m.sent, m.spent(t, "willow", "2026-03"))
			}
			if len(m.paused) != 0 {
				t.Errorf("%v is paused", m.paused)
			}
		})
	}
}

func TestWhatAnEntryNeedsGoesOnWhateverIsSpent(t *testing.T) {
	t.Parallel()
	m := meter(t, 100, nil)
	m.spend(t, 200)
	for name, x := range calls(t, m.client) {
		if slices.Contains([]string{"two pages of accounts", "what changed", "a page of all entries", "a page of all customers"}, name) {
			continue // the reads that can wait
		}
		if err := x.call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	m.at = m.at.Add(time.Second)
	if _, err := m.client.Accounts(t.Context(), at("willow")); err != nil {
		t.Errorf("the next month begins at nothing: %v", err)
	}
}

// brokenMeter cannot count.
type brokenMeter struct{ asked int }

func (b *brokenMeter) SpendRead(context.Context, string, string) (int, error) {
	b.asked++
	return 0, errors.New("the store does not answer")
}

func (b *brokenMeter) ReadsSpent(context.Context, string) (int, error) {
	b.asked++
	return 1_000_000, errors.New("the store does not answer")
}

func TestAMeterThatFailsStopsNothing(t *testing.T) {
	t.Parallel()
	broken := &brokenMeter{}
	m := meter(t, 100, broken)
	for name, x := range calls(t, m.client) {
		if err := x.call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if broken.asked == 0 {
		t.Error("the meter was never asked")
	}
}

func TestWhatQuickBooksRefusesForPacePausesThatOrganisationAlone(t *testing.T) {
	t.Parallel()
	m := &metered{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	t.Cleanup(server.Close)
	c, err := qbo.New(qbo.Options{BaseURL: server.URL, HTTP: server.Client(), Tokens: oneToken("t"), Timeout: 30 * time.Second, Now: time.Now, Pauses: m})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []org.Company{at("willow"), at("maple")} {
		if _, err := c.Accounts(t.Context(), at); !fault.Is(err, fault.Throttled) {
			t.Error(err)
		}
	}
	if diff := cmp.Diff("[willow maple]", fmt.Sprint(m.paused)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
