package simulate_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
	"github.com/passare/qbo-sync/internal/simulate"
)

// naive is a connector as one would write it first: read an entry, post what it says, mark it. It has everything else that ours has: the same store,
// names, rules of accounting, queue and retries.
type naive struct {
	simulate.Tools
	looks bool // it looks up the number before it posts
}

func (n naive) Handle(ctx context.Context, w intlog.Work) error {
	for _, id := range w.Entries {
		key, err := intlog.ParseKey(w.Org, id)
		if err == nil {
			err = n.sync(ctx, key)
		}
		_ = err // it is tried again when it is due
	}
	return nil
}

func (n naive) sync(ctx context.Context, key intlog.Key) error {
	record, err := n.Store.Record(ctx, key.Org, key.Record)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(record.Entries, func(e intlog.Entry) bool { return e.Version == key.Version })
	if at < 0 || record.Entries[at].State != intlog.Queued && record.Entries[at].State != intlog.Waiting {
		return nil
	}
	e := record.Entries[at]
	config, err := n.Store.Config(ctx, key.Org)
	if err != nil {
		return err
	}
	in := rules.Input{Entry: key.Version, Config: config, Related: map[passare.Ref]rules.Record{}}
	for _, v := range record.Entries {
		in.Standing = append(in.Standing, v.Standing()...)
		if event, err := passare.Decode(v.Data); err == nil && v.State.Approved() { // of what a person still must release it keeps off, too
			in.Versions = append(in.Versions, event)
		}
	}
	needs, _ := rules.Needs(in.Versions[len(in.Versions)-1])
	for _, ref := range needs {
		r, err := n.Store.Record(ctx, key.Org, ref)
		if err != nil {
			return err
		}
		related := rules.Record{Ref: ref}
		for _, v := range r.Entries {
			related.Standing = append(related.Standing, v.Standing()...)
		}
		in.Related[ref] = related
	}
	plan := rules.Make(in)
	if len(plan.Problems) > 0 {
		return nil
	}
	for i, p := range plan.Entries {
		posting, err := n.post(ctx, e, i, p)
		if err != nil {
			return err
		}
		posting.Realm = config.Realm
		e.Postings = append(e.Postings, posting)
	}
	done, err := e.Move(intlog.Synced, "naive", "", n.Now())
	if err != nil {
		return err
	}
	_, err = n.Store.Update(ctx, done)
	return err
}

func (n naive) post(ctx context.Context, e intlog.Entry, i int, p rules.Planned) (posting intlog.Posting, err error) {
	config, err := n.Store.Config(ctx, e.Org)
	if err != nil {
		return posting, err
	}
	for k := range p.Movements {
		if name := p.Movements[k].Place.Name; name != nil && name.ID == "" {
			matched, err := n.Names.Match(ctx, config.Company(), *name)
			if err != nil {
				return posting, err
			}
			p.Movements[k].Place.Name = &matched
		}
	}
	mark := fmt.Sprintf("[passare %s %s v%d p%d]", e.Org, e.Record, e.Version, i+1)
	posting = intlog.Posting{N: i + 1, Doc: journal.DocNumber(e.Reference, mark), Date: p.Date, Movements: p.Movements}
	if n.looks {
		found, err := n.Books.JournalEntriesByDocNumber(ctx, config.Company(), []string{posting.Doc})
		if err != nil {
			return posting, err
		}
		if len(found) > 0 {
			posting.QuickBooksID = found[0].ID
			return posting, nil
		}
	}
	entry, err := journal.New(p.Date, posting.Doc, mark, p.Lines())
	if err == nil {
		posting.QuickBooksID, err = n.Books.CreateJournalEntry(ctx, config.Company(), entry, rand.Text())
	}
	return posting, err
}

// TestNaiveConnectorsLoseOrDouble runs two naive connectors and ours through the same schedules. The table is in the README.
func TestNaiveConnectorsLoseOrDouble(t *testing.T) {
	t.Parallel()
	if !*bugsToo {
		t.Skip("with -bugs")
	}
	const n = 200
	for _, c := range []struct {
		name  string
		seams simulate.Seams
		fails func(wrong int) bool
	}{
		{"read, post, mark", simulate.Seams{Worker: func(t simulate.Tools) simulate.Handler { return naive{t, false} }}, func(wrong int) bool { return wrong < n/2 }},
		{"look up by number, post, mark", simulate.Seams{Worker: func(t simulate.Tools) simulate.Handler { return naive{t, true} }}, func(wrong int) bool { return wrong < n/4 }},
		{"ours", simulate.Seams{}, func(wrong int) bool { return wrong > 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			wrong := 0
			abreast(t, 1, n, func(t *testing.T, seed uint64) bool {
				r := run(t, simulate.Options{Seed: seed, Seams: c.seams})
				mu.Lock()
				defer mu.Unlock()
				if r.Wrong > 0 {
					wrong++
				}
				return true
			})
			t.Logf("%s: wrong books in %d of %d schedules", c.name, wrong, n)
			if c.fails(wrong) {
				t.Errorf("that is not what the README says")
			}
		})
	}
}
