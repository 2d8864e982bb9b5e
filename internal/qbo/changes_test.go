package qbo_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
)

// change is an object of change data that changed at a second of this day.
func change(id string, second int) string {
	return fmt.Sprintf(`{"status":"Deleted","Id":%q,"MetaData":{"LastUpdatedTime":%q}}`, id, midnight().Add(time.Duration(second)*time.Second).Format(time.RFC3339))
}

// midnight is before what changed in these tests, and less than 30 days ago.
func midnight() time.Time { return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -2) }

// feed answers change data of objects that are given by their ids and seconds, at most 1,000 at once, and keeps what it was asked for.
func feed(t *testing.T, asked *[]string, objects map[string][]int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		since, err := time.Parse(time.RFC3339, r.URL.Query().Get("changedSince"))
		if err != nil || r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/cdc") {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		entities := r.URL.Query().Get("entities")
		*asked = append(*asked, fmt.Sprintf("%s since %d", entities, int(since.Sub(midnight()).Seconds())))
		left, told := 1000, []string{}
		for entity := range strings.SplitSeq(entities, ",") {
			var rows []string
			for i, second := range objects[entity] {
				if !midnight().Add(time.Duration(second)*time.Second).Before(since) && left > 0 {
					rows, left = append(rows, change(fmt.Sprint(entity, i), second)), left-1
				}
			}
			if rows == nil {
				told = append(told, "{}")
				continue
			}
			told = append(told, fmt.Sprintf(`{%q:[%s],"startPosition":1,"maxResults":%d}`, entity, strings.Join(rows, ","), len(rows)))
		}
		_, _ = fmt.Fprintf(w, `{"CDCResponse":[{"QueryResponse":[%s]}],"time":"2026-03-04T05:06:07.000-08:00"}`, strings.Join(told, ","))
	}
}

// each is n objects, so many in each second.
func each(n, perSecond int) []int {
	seconds := make([]int, n)
	for i := range seconds {
		seconds[i] = 10 + i/perSecond
	}
	return seconds
}

func TestWhatChangedIsToldOnceAndWhole(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		objects map[string][]int
		asked   []string
		partial bool
	}{
		"nothing changed: one read": {nil, []string{"JournalEntry,Customer since 0"}, false},
		"999 changes: one read":     {map[string][]int{"JournalEntry": each(600, 7), "Customer": each(399, 7)}, []string{"JournalEntry,Customer since 0"}, false},
		"a full answer may have left something out: each entity is asked for by itself, from its last change on": {
			map[string][]int{"JournalEntry": each(2300, 10), "Customer": each(1, 1)},
			[]string{"JournalEntry,Customer since 0", "JournalEntry since 0", "JournalEntry since 109", "JournalEntry since 208", "Customer since 0"},
			false,
		},
		"a second that fills an answer cannot be told whole": {
			map[string][]int{"Customer": each(1500, 1500)},
			[]string{"JournalEntry,Customer since 0", "JournalEntry since 0", "Customer since 0", "Customer since 10"},
			true,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			var asked []string
			c, _ := client(t, feed(t, &asked, test.objects))
			got, err := c.Changes(t.Context(), at("o"), midnight())
			if err != nil || got.Partial != test.partial {
				t.Fatalf("partial %t, %v", got.Partial, err)
			}
			if diff := cmp.Diff(test.asked, asked); diff != "" || got.Reads != len(asked) {
				t.Errorf("%d reads are told: %s", got.Reads, diff)
			}
			if !test.partial && (len(got.Entries) != len(test.objects["JournalEntry"]) || len(got.Debtors) != len(test.objects["Customer"])) {
				t.Errorf("%d entries, %d customers", len(got.Entries), len(got.Debtors))
			}
			if !slices.IsSortedFunc(got.Entries, func(a, b journal.BookedEntry) int { return a.Updated.Compare(b.Updated) }) {
				t.Error("not in the order of their changes")
			}
			if i := slices.IndexFunc(got.Entries, func(e journal.BookedEntry) bool { return !e.Deleted || e.Lines != nil }); i >= 0 {
				t.Errorf("%+v", got.Entries[i])
			}
		})
	}
}

func TestWhatIsOlderThanChangeDataIsNotAskedFor(t *testing.T) {
	t.Parallel()
	c, _ := client(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked for") })
	got, err := c.Changes(t.Context(), at("o"), time.Now().Add(-31*24*time.Hour))
	if err != nil || !got.Partial || got.Reads != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestAChangedEntryIsAsItWasPosted posts to the simulator, and reads the same back, with what the customer owes.
func TestAChangedEntryIsAsItWasPosted(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	customer, err := b.client.CreateCustomer(t.Context(), at("o"), journal.NewName{Display: "Vera Quill"}, "c")
	if err != nil {
		t.Fatal(err)
	}
	lines := []journal.Line{
		{Side: journal.Debit, Amount: 123456, Place: journal.Place{Account: b.accounts[0].ID, Name: &journal.Name{Kind: journal.Customer, ID: customer}}, Description: "Cash"},
		{Side: journal.Credit, Amount: 123450, Place: journal.Place{Account: b.accounts[1].ID}},
		{Side: journal.Credit, Amount: 6, Place: journal.Place{Account: b.accounts[1].ID}},
	}
	e, err := journal.New("2026-03-04", "24-1-ABC", "a note", lines)
	if err != nil {
		t.Fatal(err)
	}
	id, err := b.client.CreateJournalEntry(t.Context(), at("o"), e, "r")
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.client.Changes(t.Context(), at("o"), time.Now().Add(-time.Hour))
	if err != nil || len(got.Entries) != 1 || len(got.Debtors) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	lines[0].Place.Name = &journal.Name{Kind: journal.Customer, ID: customer, Display: "Vera Quill"}
	want := journal.BookedEntry{ID: id, DocNumber: "24-1-ABC", Note: "a note", Date: "2026-03-04", Lines: lines, Updated: got.Entries[0].Updated}
	if diff := cmp.Diff(want, got.Entries[0]); diff != "" || want.Updated.IsZero() {
		t.Error(diff)
	}
	if d := got.Debtors[0]; d.ID != customer || d.Display != "Vera Quill" || !d.Active || d.Deleted {
		t.Errorf("%+v", d)
	}
}

func TestAmountsOfChangesAreReadExactly(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"0": "0.00", "0.0": "0.00", "-0.0": "0.00", "1000": "1000.00", "1000.5": "1000.50", "0.1": "0.10", "-985.00": "-985.00", "12.340": "12.34", "123456789.01": "123456789.01",
		"0.001": "", "1e3": "", "1E-2": "", "9999999999": "",
	} {
		c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"CDCResponse":[{"QueryResponse":[{"Customer":[{"Id":"7","Active":true,"Balance":%s,"MetaData":{"LastUpdatedTime":%q}}]}]}]}`,
				written, midnight().Format(time.RFC3339))
		})
		got, err := c.Changes(t.Context(), at("o"), midnight())
		switch {
		case want == "" && !fault.Is(err, fault.Unavailable):
			t.Errorf("%s: %+v, %v", written, got, err)
		case want != "" && (err != nil || got.Debtors[0].Balance.String() != want):
			t.Errorf("%s: %+v, %v", written, got, err)
		}
	}
}

func TestAnAnswerThatIsNoChangeDataIsNotNothing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `{}`, `[]`, `{"CDCResponse":null}`, `{"CDCResponse":[{"QueryResponse":[{"JournalEntry":[{"TxnDate":"2026-03-04"}]}]}]}`,
		`{"CDCResponse":[{"QueryResponse":[{"JournalEntry":[{"Id":"7","TxnDate":"2026-13-04","MetaData":{"LastUpdatedTime":"2026-03-04T05:06:07-08:00"}}]}]}]}`,
	} {
		c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, body) })
		if got, err := c.Changes(t.Context(), at("o"), midnight()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

func TestChangesCanWaitWhenTheMonthsReadsAreNearlyUsedUp(t *testing.T) {
	t.Parallel()
	m := meter(t, 100, nil)
	m.spend(t, 90)
	if _, err := m.client.Changes(t.Context(), at("willow"), m.at.Add(-time.Hour)); !fault.Is(err, fault.Throttled) || m.sent != 0 {
		t.Errorf("%d requests, %v", m.sent, err)
	}
}
