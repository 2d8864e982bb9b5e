package review

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
)

// Outcome is what became of one entry of many.
type Outcome string

// The outcomes.
const (
	Done        Outcome = "done"
	Already     Outcome = "already"      // it was so before
	NotPossible Outcome = "not_possible" // and the detail says why
	NotFound    Outcome = "not_found"
	Would       Outcome = "would"     // of a dry run: it is possible, and nothing was done
	NotBegun    Outcome = "not_begun" // there was no time left: send the same again
)

// Outcomes lists them all.
func Outcomes() []Outcome { return []Outcome{Done, Already, NotPossible, NotFound, Would, NotBegun} }

// Many is a deed that is done to many entries: to those named, or else to those that a filter wants.
type Many struct {
	Deed
	IDs    []string
	Filter *Filter
	DryRun bool // nothing is changed; it is said what would be
}

// Result is what became of one entry.
type Result struct {
	ID      string
	Outcome Outcome
	State   intlog.State // empty when it was not read
	Detail  string       // in a bookkeeper's words; empty when there is nothing to say
	Amount  money.Cents
	Entry   intlog.Entry // as it is then; of an undo, the undo; the zero value when it was not read
}

// Tally is how many entries came to an outcome, and their amounts.
type Tally struct {
	Count  int
	Amount money.Cents
}

// Report is what became of all of them: a result for each, in the order in which they were named, or newest first.
type Report struct {
	Results []Result
	Tallies map[Outcome]Tally
	More    bool // the filter wants more entries than were looked after
}

// How much is done at once.
const (
	MaxMany  = 1_000 // entries
	abreast  = 8     // at a time
	mostRead = 20    // pages of a filtered list that are looked at for MaxMany entries, of up to mostExamined each
	// endBefore is how long before its context's deadline nothing new is begun: longer than an entry takes, and the messages after it.
	endBefore = 5 * time.Second
)

// DoAll does the same to many entries, each by itself. It may be repeated: what was done before is answered as Already. Errors: fault.Invalid with every wrong
// field; what the store answers, after which the same may be sent again.
func (d *Desk) DoAll(ctx context.Context, org string, m Many) (Report, error) {
	m, err := d.checkedMany(m)
	if err != nil {
		return Report{}, fmt.Errorf("review.DoAll: %w", err)
	}
	goesOn, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		goesOn, cancel = context.WithDeadline(ctx, deadline.Add(-endBefore))
	}
	defer cancel()
	var report Report
	if m.Filter != nil {
		if m.IDs, report.More, err = d.wanted(ctx, goesOn, org, *m.Filter); err != nil {
			return Report{}, fmt.Errorf("review.DoAll: %w", err)
		}
	}
	if report.Results, err = d.each(ctx, goesOn, org, m); err != nil {
		return report, fmt.Errorf("review.DoAll: %w", err)
	}
	report.Tallies = map[Outcome]Tally{}
	for _, r := range report.Results {
		t := report.Tallies[r.Outcome]
		report.Tallies[r.Outcome] = Tally{Count: t.Count + 1, Amount: t.Amount + r.Amount}
	}
	return report, nil
}

// checkedMany names every wrong field at once, and takes each id once.
func (d *Desk) checkedMany(m Many) (Many, error) {
	deed, wrong := d.checked(m.Deed)
	m.Deed = deed
	var fields []fault.Field
	if wrong != nil {
		fields = fault.As(wrong).Fields
	}
	var named []string
	seen := map[string]bool{}
	for _, id := range m.IDs {
		if !seen[id] {
			seen[id] = true
			named = append(named, id)
		}
	}
	m.IDs = named
	switch {
	case (len(m.IDs) == 0) == (m.Filter == nil):
		fields = append(fields, fault.Field{Field: "ids", Problem: "name the entries, or give a filter that wants them: one of both"})
	case len(m.IDs) > MaxMany:
		fields = append(fields, fault.Field{Field: "ids", Value: fmt.Sprint(len(m.IDs)), Problem: fmt.Sprintf("may be at most %d", MaxMany)})
	}
	if m.Filter != nil {
		if list := wrongList(m.Filter.Tab, 1); list != nil {
			fields = append(fields, fault.As(list).Fields...)
		}
	}
	if fields != nil {
		return m, &fault.Error{Code: fault.Invalid, Message: "Nothing was done.", Fields: fields}
	}
	return m, nil
}

// wanted lists the entries that a filter wants, newest first, and says whether there are more, or may be.
func (d *Desk) wanted(ctx, goesOn context.Context, org string, f Filter) (ids []string, more bool, err error) {
	var after intlog.Mark
	for range mostRead {
		if goesOn.Err() != nil {
			return ids, true, nil
		}
		page, next, err := d.Find(ctx, org, f, after, MaxPage)
		if err != nil {
			return nil, false, err
		}
		for _, e := range page {
			if len(ids) == MaxMany {
				return ids, true, nil
			}
			ids = append(ids, e.ID())
		}
		if next == nil {
			return ids, false, nil
		}
		after = *next
	}
	return ids, true, nil
}

// each does it to entries, a few at a time, and tells the worker of those that it may take, in messages as large as it takes them. An error is the first of the
// store; then nothing new is begun, and what was done is told all the same.
func (d *Desk) each(ctx, goesOn context.Context, org string, m Many) ([]Result, error) {
	goesOn, stop := context.WithCancel(goesOn)
	defer stop()
	results := make([]Result, len(m.IDs))
	var failed error
	var once sync.Once
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(abreast, len(m.IDs)) {
		workers.Go(func() {
			for i := range next {
				var err error
				if results[i], err = d.one(ctx, org, m, m.IDs[i]); err != nil {
					once.Do(func() { failed = err })
					stop()
				}
			}
		})
	}
	for i, id := range m.IDs {
		results[i] = Result{ID: id, Outcome: NotBegun, Detail: "There was no time left for it. Send the same again."}
		if goesOn.Err() != nil {
			continue
		}
		select {
		case next <- i:
		case <-goesOn.Done():
		}
	}
	close(next)
	workers.Wait()
	d.hintAll(ctx, org, m, results)
	return results, failed
}

func (d *Desk) hintAll(ctx context.Context, org string, m Many, results []Result) {
	if m.DryRun {
		return
	}
	var entries []intlog.Entry
	for _, r := range results {
		if r.Outcome == Done || r.Outcome == Already {
			entries = append(entries, r.Entry)
		}
	}
	d.hint(ctx, org, entries...)
}

// one does it to one entry. An error is the store's.
func (d *Desk) one(ctx context.Context, org string, m Many, id string) (Result, error) {
	r := Result{ID: id}
	key, err := intlog.ParseKey(org, id)
	var changed bool
	switch {
	case err != nil:
	case m.Action == Undo:
		r.Entry, changed, err = d.undoOne(ctx, key, m)
	case m.DryRun:
		r.Entry, changed, err = d.look(ctx, key, m.Deed)
	default:
		r.Entry, changed, err = d.do(ctx, key, m.Deed)
	}
	r.State, r.Amount = r.Entry.State, r.Entry.Amount
	switch {
	case fault.Is(err, fault.NotFound):
		r.Outcome, r.State, r.Amount, r.Detail = NotFound, "", 0, fault.As(err).Message
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.Stale):
		r.Outcome, r.Detail = NotPossible, fault.As(err).Message
	case err != nil:
		return r, err
	case !changed:
		r.Outcome, r.Detail = Already, "It was so already: "+r.Entry.Last().Says()+"."
	case m.DryRun:
		r.Outcome = Would
	default:
		r.Outcome = Done
	}
	return r, nil
}

// undoOne undoes one entry of many. The entry is that of the undo.
func (d *Desk) undoOne(ctx context.Context, key intlog.Key, m Many) (intlog.Entry, bool, error) {
	undo, done, err := d.undo(ctx, key, m.Who, m.Reason, nil)
	if err != nil || done || m.DryRun {
		return undo, !done, err
	}
	return d.store.Create(ctx, undo, nil)
}

// look says what would become of an entry, and stores nothing. The entry is as it is.
func (d *Desk) look(ctx context.Context, key intlog.Key, deed Deed) (intlog.Entry, bool, error) {
	e, err := d.store.Entry(ctx, key)
	if err != nil {
		return e, false, err
	}
	_, would, err := d.acts()[deed.Action](ctx, e, deed)
	return e, would, err
}

// Says is the report in one sentence: how many came to what, and their money.
func (r Report) Says() string {
	words := map[Outcome]string{
		Done: "done", Already: "so already", NotPossible: "not possible", NotFound: "not found", Would: "would be done", NotBegun: "not begun, for want of time",
	}
	var parts []string
	for _, o := range Outcomes() {
		if t := r.Tallies[o]; t.Count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", t.Count, words[o], t.Amount.Grouped()))
		}
	}
	says := "No entry was wanted."
	if len(parts) > 0 {
		says = strings.Join(parts, ", ") + "."
	}
	if r.More {
		says += fmt.Sprintf(" More entries may fit the filter than these, of which there are at most %d at a time: send the same again for the rest.", MaxMany)
	}
	if slices.ContainsFunc(r.Results, func(x Result) bool { return x.Outcome == NotBegun }) {
		says += " Send the same again for those that were not begun."
	}
	return says
}
