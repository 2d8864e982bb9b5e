package intlog

import (
	"fmt"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
)

// Found is by what a journal entry of QuickBooks differs from what was posted: lines that are other there, all of them taken back where it is gone, all of
// them besides where it is one too many. They stand like anything that was posted, so that the rules post exactly what takes them away again
// (../rules/accounting.md §11).
type Found struct {
	QuickBooksID string             `json:"qid"`       // of the journal entry there
	Movements    []journal.Movement `json:"movements"` // each on its Fact's date; together they balance on every date
}

// FoundLeg is the leg of movements that were found.
const FoundLeg = "in QuickBooks"

// Corrected notes by what QuickBooks differs from a posting, in place of what was noted of the same journal entry before, and puts the entry on its way
// again, so that the difference is posted. An entry that is not synced keeps its state, and takes the difference along. Errors: fault.NotFound for a posting
// that the entry does not have.
func (e Entry) Corrected(n int, f Found, who, why string, now time.Time) (Entry, error) {
	at := slices.IndexFunc(e.Postings, func(p Posting) bool { return p.N == n && p.QuickBooksID != "" })
	if at < 0 {
		return e, fmt.Errorf("intlog.Corrected: %w", fault.New(fault.NotFound, "There is no such posting."))
	}
	e.Postings = slices.Clone(e.Postings)
	p := &e.Postings[at]
	p.Found = slices.DeleteFunc(slices.Clone(p.Found), func(x Found) bool { return x.QuickBooksID == f.QuickBooksID })
	if len(f.Movements) > 0 {
		p.Found = append(p.Found, f)
	}
	return e.again(who, why, now)
}

// Linked notes that a posting is another journal entry of QuickBooks than the one that was made for it. Errors: as Corrected.
func (e Entry) Linked(n int, quickBooksID, who, why string, now time.Time) (Entry, error) {
	at := slices.IndexFunc(e.Postings, func(p Posting) bool { return p.N == n && p.QuickBooksID != "" })
	if at < 0 {
		return e, fmt.Errorf("intlog.Linked: %w", fault.New(fault.NotFound, "There is no such posting."))
	}
	e.Postings = slices.Clone(e.Postings)
	e.Postings[at].QuickBooksID, e.Postings[at].Found = quickBooksID, nil
	e.History = keep(e.History, Step{At: now, Who: who, From: e.State, To: e.State, Why: why})
	return e, nil
}

// again puts a synced entry on its way; any other keeps its state, and a line in its history.
func (e Entry) again(who, why string, now time.Time) (Entry, error) {
	if e.State == Synced {
		return e.Move(Queued, who, why, now)
	}
	e.History = keep(e.History, Step{At: now, Who: who, From: e.State, To: e.State, Why: why})
	return e, nil
}
