package qbo_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
)

func batchOf(t *testing.T, ids ...string) []journal.BatchItem {
	t.Helper()
	var items []journal.BatchItem
	for _, id := range ids {
		items = append(items, journal.BatchItem{ID: id, Entry: someEntry(t)})
	}
	return items
}

func TestABatchSaysWhatBecameOfEachEntry(t *testing.T) {
	t.Parallel()
	const refused = `{"Fault":{"Error":[{"Message":"Business Validation Error","Detail":"no","code":"6000"}],"type":"ValidationFault"},"bId":"2"}`
	const unsure = `{"Fault":{"Error":[{"Message":"An unexpected error occurred while accessing or saving your data.","Detail":"An unexpected error occurred while accessing or saving your data.","code":"6000"}]},"bId":"2"}`
	for name, x := range map[string]struct {
		answer string
		want   []string // of each entry, its id or its code
	}{
		"each in its order":                  {`{"BatchItemResponse":[{"JournalEntry":{"Id":"11"},"bId":"1"},{"JournalEntry":{"Id":"12"},"bId":"2"}]}`, []string{"11", "12"}},
		"in another order":                   {`{"BatchItemResponse":[{"JournalEntry":{"Id":"12"},"bId":"2"},{"JournalEntry":{"Id":"11"},"bId":"1"}]}`, []string{"11", "12"}},
		"one is refused":                     {`{"BatchItemResponse":[{"JournalEntry":{"Id":"11"},"bId":"1"},` + refused + `]}`, []string{"11", "refused"}},
		"of one it is not known":             {`{"BatchItemResponse":[{"JournalEntry":{"Id":"11"},"bId":"1"},` + unsure + `]}`, []string{"11", "unknown"}},
		"of one nothing is said":             {`{"BatchItemResponse":[{"JournalEntry":{"Id":"11"},"bId":"1"}]}`, []string{"11", "unknown"}},
		"an item without entry and fault":    {`{"BatchItemResponse":[{"JournalEntry":{"Id":"11"},"bId":"1"},{"bId":"2"}]}`, []string{"11", "unknown"}},
		"an item twice":                      {`{"BatchItemResponse":[{"JournalEntry":{"Id":"11"},"bId":"1"},{"JournalEntry":{"Id":"12"},"bId":"2"},` + refused + `]}`, []string{"11", "unknown"}},
		"an item of nobody":                  {`{"BatchItemResponse":[{"JournalEntry":{"Id":"11"},"bId":"9"}]}`, []string{"unknown", "unknown"}},
		"a list of something else":           {`{"BatchItemResponse":["11","12"]}`, []string{"unknown", "unknown"}},
		"an object that is no answer":        {`{"QueryResponse":{}}`, []string{"unknown", "unknown"}},
		"too many in one, as QuickBooks has": {`{"BatchItemResponse":[{"JournalEntry":{"Id":"11"},"bId":"1"},{"Fault":{"Error":[{"Message":"m","Detail":"d","code":"3001"}],"type":"SERVICE"},"bId":"2"}]}`, []string{"11", "throttled"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, x.answer) })
			outcomes, err := c.CreateJournalEntries(t.Context(), at("a"), batchOf(t, "1", "2"), "request")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range outcomes {
				if o.Err != nil {
					o.ID = string(fault.CodeOf(o.Err))
				}
				got = append(got, o.ID)
			}
			if diff := cmp.Diff(x.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABatchThatQuickBooksWouldNotTakeIsNotSent(t *testing.T) {
	t.Parallel()
	c, _ := client(t, func(http.ResponseWriter, *http.Request) { t.Error("it is sent") })
	for name, x := range map[string]struct {
		items   []journal.BatchItem
		request string
	}{
		"none":           {nil, "request"},
		"too many":       {batchOf(t, strings.Split(strings.Repeat("1 ", 31), " ")[:31]...), "request"},
		"a long request": {batchOf(t, "1"), strings.Repeat("r", 37)},
		"a long item":    {batchOf(t, strings.Repeat("i", 11)), "request"},
	} {
		if _, err := c.CreateJournalEntries(t.Context(), at("a"), x.items, x.request); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
