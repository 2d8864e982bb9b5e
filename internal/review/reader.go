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
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// Reads is what reading asks of a store. Nothing is written.
type Reads interface {
	Entry(ctx context.Context, key intlog.Key) (intlog.Entry, error)
	Record(ctx context.Context, org string, ref passare.Ref) (intlog.Record, error)
	List(ctx context.Context, org, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error)
	// OfCase lists the entries of a case among the newest entries of the organisation after a mark, of which most are looked at; newest first, with the mark
	// of the last that was looked at if there are more.
	OfCase(ctx context.Context, org, caseID string, after intlog.Mark, most int) (entries []intlog.Entry, next *intlog.Mark, err error)
	Config(ctx context.Context, org string) (org.Config, error)
	Flag(ctx context.Context, org, caseID string, page passare.Page) (flag org.Flag, found bool, err error)
}

// Previewer plans an entry as a worker would now. It writes nothing and asks QuickBooks nothing (package posting).
type Previewer interface {
	Preview(ctx context.Context, e intlog.Entry) (rules.Plan, error)
}

// Reader tells people what the log knows.
type Reader struct {
	store     Reads
	previewer Previewer
	now       func() time.Time
}

// NewReader makes a reader.
func NewReader(store Reads, previewer Previewer, now func() time.Time) *Reader {
	return &Reader{store: store, previewer: previewer, now: now}
}

// Plan is what would be posted of an entry now: nothing for one whose lines are stored, or that posts none, or whose plan cannot be made. Errors: what the
// store answers.
func (r *Reader) Plan(ctx context.Context, e intlog.Entry) (*rules.Plan, error) {
	if !e.Foreseeable() {
		return nil, nil
	}
	return r.plan(ctx, e)
}

func (r *Reader) plan(ctx context.Context, e intlog.Entry) (*rules.Plan, error) {
	plan, err := r.previewer.Preview(ctx, e)
	switch {
	case err == nil:
		return &plan, nil
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.NotFound):
		return nil, nil // an event that today's rules cannot read, or an organisation that is gone: what is stored is shown all the same
	}
	return nil, fmt.Errorf("review.Plan: %w", err)
}

// Other is a record that an entry waits for, or that posts its money, with its newest entry; none if Passare has not sent it yet.
type Other struct {
	Record passare.Ref
	Newest *intlog.Entry
}

// Around is what stands around an entry.
type Around struct {
	Plan     *rules.Plan     // what would be posted now; nothing for an entry that is done
	Problems []rules.Problem // all that is in its way: why it stopped, and then what a plan of now finds, each once
	Others   []Other         // records that Problems name, or that post its money, at most mostOthers
}

// mostOthers is how many other records of an entry are read: a batch may wait for a thousand members.
const mostOthers = 20

// Around reads what stands around an entry. Errors: what the store answers.
func (r *Reader) Around(ctx context.Context, e intlog.Entry) (Around, error) {
	a := Around{Problems: slices.Clone(e.Cause)}
	var err error
	if a.Plan, err = r.Plan(ctx, e); err != nil {
		return a, fmt.Errorf("review.Around: %w", err)
	}
	if a.Plan != nil {
		a.Problems = more(a.Problems, a.Plan.Problems)
	}
	refs, err := r.refs(ctx, e, a)
	if err != nil {
		return a, fmt.Errorf("review.Around: %w", err)
	}
	for _, ref := range refs {
		record, err := r.store.Record(ctx, e.Org, ref)
		if err != nil {
			return a, fmt.Errorf("review.Around: %w", err)
		}
		other := Other{Record: ref}
		if n := len(record.Entries); n > 0 {
			other.Newest = &record.Entries[n-1]
		}
		a.Others = append(a.Others, other)
	}
	return a, nil
}

// more adds problems that are about something else than those that are known.
func more(known, found []rules.Problem) []rules.Problem {
	for _, p := range found {
		if !slices.ContainsFunc(known, func(k rules.Problem) bool { return k.Kind == p.Kind && k.Subject == p.Subject }) {
			known = append(known, p)
		}
	}
	return known
}

// refs are the other records that an entry has to do with.
func (r *Reader) refs(ctx context.Context, e intlog.Entry, a Around) ([]passare.Ref, error) {
	var refs []passare.Ref
	for _, p := range a.Problems {
		if ref, ok := refOf(p.Subject); ok && ref != e.Record && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	plan := a.Plan
	if e.State == intlog.Excluded {
		var err error
		if plan, err = r.plan(ctx, e); err != nil {
			return nil, err
		}
	}
	if plan != nil && plan.PostedBy != (passare.Ref{}) && !slices.Contains(refs, plan.PostedBy) {
		refs = append([]passare.Ref{plan.PostedBy}, refs...)
	}
	return refs[:min(len(refs), mostOthers)], nil
}

// refOf reads a problem's subject that is a record.
func refOf(subject string) (passare.Ref, bool) {
	kind, id, found := strings.Cut(subject, "/")
	ref := passare.Ref{Type: passare.RecordType(kind), ID: id}
	return ref, found && id != "" && slices.Contains(passare.RecordTypes(), ref.Type)
}

// atOnce is how many reads of one call are under way at a time.
const atOnce = 8

// each does something for 0 to n−1, atOnce of them at a time, and answers the first error.
func each(n int, do func(i int) error) error {
	var (
		turns  sync.WaitGroup
		mu     sync.Mutex
		failed error
		next   int
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, failed == nil && next <= n
	}
	for range min(n, atOnce) {
		turns.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := do(i); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	turns.Wait()
	return failed
}
