package review

import (
	"context"
	"fmt"
	"slices"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/rules"
)

// What one export looks at, at most.
const (
	MaxExport   = 10_000 // entries
	MaxExported = 1_000  // entries that are named by their ids, and entries whose plan is made
)

// Exported is an entry with what would be posted of it, if it has no lines yet.
type Exported struct {
	Entry intlog.Entry
	Plan  *rules.Plan
}

// Export visits the entries of an organisation that a filter wants, or those of ids if there are any, newest first, after a mark (none: from the newest).
// visit says false for one that has no room any more: it comes first in the next export. The mark after which that begins is answered; no mark means that all
// were visited. Errors: fault.Invalid for a tab that does not exist, or more than MaxExported ids; fault.NotFound, with each of them, for ids that name no
// entry of the organisation; and what the store answers.
func (r *Reader) Export(ctx context.Context, id string, f Filter, ids []string, after intlog.Mark, visit func(Exported) bool) (*intlog.Mark, error) {
	x := &export{Reader: r, after: after, visit: visit, plans: MaxExported}
	var err error
	if len(ids) > 0 {
		err = x.named(ctx, id, ids)
	} else {
		err = x.filtered(ctx, id, f)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("review.Export: %w", err)
	case x.more:
		return &x.after, nil
	}
	return nil, nil
}

// export is one export under way.
type export struct {
	*Reader
	after intlog.Mark // of the last entry that was looked at
	visit func(Exported) bool
	plans int  // that may still be made
	more  bool // there are entries that were not looked at
}

func (x *export) filtered(ctx context.Context, id string, f Filter) error {
	if wrong := wrongList(f.Tab, MaxPage); wrong != nil {
		return wrong
	}
	for examined := 0; examined < MaxExport; examined += chunk {
		entries, err := x.store.List(ctx, id, f.Tab, x.after, chunk)
		if err != nil {
			return err
		}
		last := len(entries) < chunk
		if err := x.take(ctx, entries, f.Has); err != nil || x.more || last {
			return err
		}
	}
	x.more = true
	return nil
}

func (x *export) named(ctx context.Context, id string, ids []string) error {
	entries, err := x.read(ctx, id, ids)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b intlog.Entry) int { return intlog.MarkOf(b).Compare(intlog.MarkOf(a)) })
	entries = slices.CompactFunc(entries, func(a, b intlog.Entry) bool { return a.Key == b.Key })
	if x.after != (intlog.Mark{}) {
		entries = slices.DeleteFunc(entries, func(e intlog.Entry) bool { return intlog.MarkOf(e).Compare(x.after) >= 0 })
	}
	for some := range slices.Chunk(entries, chunk) {
		if err := x.take(ctx, some, func(intlog.Entry) bool { return true }); err != nil || x.more {
			return err
		}
	}
	return nil
}

// read reads the entries of ids, and names all that are none.
func (x *export) read(ctx context.Context, id string, ids []string) ([]intlog.Entry, error) {
	if len(ids) > MaxExported {
		return nil, &fault.Error{Code: fault.Invalid, Message: "This download cannot be made.", Fields: []fault.Field{
			{Field: "ids", Problem: fmt.Sprintf("may be at most %d", MaxExported)},
		}}
	}
	entries, missing := make([]intlog.Entry, len(ids)), make([]bool, len(ids))
	err := each(len(ids), func(i int) error {
		key, err := intlog.ParseKey(id, ids[i])
		if err == nil {
			entries[i], err = x.store.Entry(ctx, key)
		}
		if missing[i] = fault.Is(err, fault.NotFound); missing[i] {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	none := &fault.Error{Code: fault.NotFound, Message: "Some of these entries do not exist."}
	for i, gone := range missing {
		if gone {
			none.Fields = append(none.Fields, fault.Field{Field: "ids", Value: ids[i], Problem: "is no entry"})
		}
	}
	if none.Fields != nil {
		return nil, none
	}
	return entries, nil
}

// take visits those of some entries that are wanted, with their plans.
func (x *export) take(ctx context.Context, entries []intlog.Entry, wanted func(intlog.Entry) bool) error {
	plans := make([]*rules.Plan, len(entries))
	var planned []int
	for i, e := range entries {
		if wanted(e) && e.Foreseeable() && len(planned) < x.plans {
			planned = append(planned, i)
		}
	}
	err := each(len(planned), func(i int) (err error) {
		plans[planned[i]], err = x.Plan(ctx, entries[planned[i]])
		return err
	})
	if err != nil {
		return err
	}
	for i, e := range entries {
		if wanted(e) {
			if e.Foreseeable() && x.plans == 0 || !x.visit(Exported{Entry: e, Plan: plans[i]}) {
				x.more = true
				return nil
			}
			if e.Foreseeable() {
				x.plans--
			}
		}
		x.after = intlog.MarkOf(e)
	}
	return nil
}
