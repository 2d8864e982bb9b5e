package review

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// Filter says which entries of a tab are wanted; what is empty wants all.
type Filter struct {
	Tab      string
	Trigger  string       // a record type ("payment"), or one of its events ("payment.created")
	Case     string       // id or number
	Branch   string       // Passare's id
	From, To date.Date    // accounting dates, both included
	Min, Max *money.Cents // of the entry's amount, both included
	Query    string       // words, each of which is somewhere in what a list shows
	Oldest   bool         // first, instead of the newest
}

// any says whether every entry of the tab is wanted.
func (f Filter) any() bool { return f == Filter{Tab: f.Tab, Oldest: f.Oldest} }

// Has says whether an entry is wanted, whatever tab it is on.
func (f Filter) Has(e intlog.Entry) bool {
	switch {
	case f.Trigger != "" && e.Kind != f.Trigger && string(e.Record.Type) != f.Trigger,
		f.Case != "" && e.Case != f.Case && e.CaseNo != f.Case,
		f.Branch != "" && e.Branch != f.Branch,
		f.From != "" && e.Date < f.From, f.To != "" && e.Date > f.To,
		f.Min != nil && e.Amount < *f.Min, f.Max != nil && e.Amount > *f.Max:
		return false
	}
	if f.Query == "" {
		return true
	}
	shown := strings.ToLower(strings.Join([]string{e.ID(), e.Kind, e.Reference, e.CaseNo, e.Name, e.Sentence, e.Why, e.Amount.String()}, " "))
	for _, word := range strings.Fields(strings.ToLower(f.Query)) {
		if !strings.Contains(shown, word) {
			return false
		}
	}
	return true
}

// Told is an entry in one sentence: what it does, or, before it was planned, what happened in Passare.
func Told(e intlog.Entry) string {
	if e.Sentence != "" || e.Undo > 0 {
		return e.Sentence
	}
	event, err := passare.Decode(e.Data)
	if err != nil {
		return "" // an event that cannot be read is not in the log
	}
	return rules.Told(event)
}

// What one page of a list costs at most, however many entries there are and however few a filter wants.
const (
	mostExamined = 1_000
	chunk        = 250
)

// Find lists a page of the entries that a filter wants, newest first unless it wants the oldest so, and the mark after which the next page begins; no mark means that this page is the last.
// A page may have fewer entries than its limit, or none, and still have a next one: of a filter that wants little, a page looks at mostExamined entries.
// Errors: fault.Invalid for a tab or limit that does not exist.
func (d *Desk) Find(ctx context.Context, org string, f Filter, after intlog.Mark, limit int) ([]intlog.Entry, *intlog.Mark, error) {
	if wrong := wrongList(f.Tab, limit); wrong != nil {
		return nil, nil, fmt.Errorf("review.Find: %w", wrong)
	}
	chunk := chunk
	if f.any() {
		chunk = limit + 1
	}
	list := d.store.List
	if f.Oldest {
		list = d.store.ListOldest
	}
	var found []intlog.Entry
	for examined := 0; examined < mostExamined; {
		entries, err := list(ctx, org, f.Tab, after, chunk)
		if err != nil {
			return nil, nil, fmt.Errorf("review.Find: %w", err)
		}
		for _, e := range entries {
			if len(found) == limit {
				return found, &after, nil
			}
			if after = intlog.MarkOf(e); f.Has(e) {
				found = append(found, e)
			}
		}
		if len(entries) < chunk {
			return found, nil, nil
		}
		examined += len(entries)
	}
	return found, &after, nil
}

// wrongList names what is wrong with what a list is asked for.
func wrongList(tab string, limit int) error {
	var wrong []fault.Field
	if !slices.Contains(intlog.Tabs(), tab) {
		wrong = append(wrong, fault.Field{Field: "tab", Value: tab, Problem: "must be one of: " + strings.Join(intlog.Tabs(), ", ")})
	}
	if limit < 1 || limit > MaxPage {
		wrong = append(wrong, fault.Field{Field: "limit", Value: fmt.Sprint(limit), Problem: fmt.Sprintf("must be 1 to %d", MaxPage)})
	}
	if wrong == nil {
		return nil
	}
	return &fault.Error{Code: fault.Invalid, Message: "This list cannot be shown.", Fields: wrong}
}
