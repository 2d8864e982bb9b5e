package posting

import (
	"context"
	"fmt"
	"slices"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/rules"
)

// Preview is the plan of an entry as a worker would make it now: the journal lines that would be posted, and every problem that stands in the way. The entry
// need not be stored: the record is read, and planned as if it were among its versions. Nothing is written, and QuickBooks is not asked: a name that is not
// linked yet has no id, and the close date is the one that was read last. Errors: fault.NotFound for an organisation that is not known, what decoding the
// entry's event answers, and what the store answers.
func (w *Worker) Preview(ctx context.Context, e intlog.Entry) (rules.Plan, error) {
	plan, err := w.preview(ctx, e)
	if err != nil {
		return rules.Plan{}, fmt.Errorf("posting.Preview: %w", err)
	}
	return plan, nil
}

func (w *Worker) preview(ctx context.Context, e intlog.Entry) (rules.Plan, error) {
	config, err := w.store.Config(ctx, e.Org)
	if err != nil {
		return rules.Plan{}, err
	}
	record, err := w.store.Record(ctx, e.Org, e.Record)
	if err != nil {
		return rules.Plan{}, err
	}
	j := &job{Worker: w, config: config, record: among(record, e), entry: e}
	plan, err := j.plan(ctx)
	if err != nil {
		return rules.Plan{}, err
	}
	switch j.order() {
	case supersede:
		return rules.Plan{Sentence: plan.Sentence, Excluded: newerCarries}, nil
	case stop:
		plan.Problems = append(plan.Problems, afterOthers(e))
	case proceed:
	}
	if !config.Connected() {
		plan.Problems = append(plan.Problems, unconnected(config))
	}
	j.entry.Warnings = plan.Warnings
	err = j.match(plan.Entries, func(n journal.Name) (journal.Name, error) {
		linked, _, err := w.names.Known(ctx, config.Company(), n)
		return linked, err
	})
	plan.Warnings = j.entry.Warnings
	return plan, err
}

// among is a record with the entry in its place, whether it is stored or not.
func among(r intlog.Record, e intlog.Entry) intlog.Record {
	at, stored := slices.BinarySearchFunc(r.Entries, e.Key, func(x intlog.Entry, k intlog.Key) int { return x.Key.Compare(k) })
	r.Entries = slices.Clone(r.Entries)
	if stored {
		r.Entries[at] = e
	} else {
		r.Entries = slices.Insert(r.Entries, at, e)
	}
	return r
}

// afterOthers says that what is on its way goes first, so that the lines may yet be others.
func afterOthers(e intlog.Entry) rules.Problem {
	return rules.Problem{
		Kind: rules.Member, Subject: e.Record.String(), Who: "nobody: it goes by itself", Where: e.Record.String(),
		Text: "Another version of this record is on its way to QuickBooks. This one goes after it, and its lines may be others then.",
	}
}
