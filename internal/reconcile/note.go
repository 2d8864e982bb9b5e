package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
)

// idsAtOnce is how many objects of QuickBooks are asked for by their ids with one read.
const idsAtOnce = 100

// noteAll notes what QuickBooks has of entries, and puts the records of those that are other than when they were proved into the queue.
func (x *run) noteAll(ctx context.Context, list []journal.BookedEntry) error {
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	papers, err := take[seen](ctx, x.desk, seenPaper, ids...)
	if err != nil {
		return err
	}
	for i, e := range list {
		if err := x.note(ctx, e, papers[i]); err != nil {
			return err
		}
	}
	return nil
}

func (x *run) note(ctx context.Context, e journal.BookedEntry, s *seen) error {
	delete(x.absent, e.ID)
	delete(x.again, e.ID)
	for _, c := range customersOf(s.Lines.content()) {
		x.move(c, e.Updated)
	}
	for _, l := range e.Lines {
		if n := l.Place.Name; n != nil {
			x.display[string(n.Kind)+"/"+n.ID] = n.Display
		}
	}
	now := booked(e)
	for _, c := range customersOf(now) {
		x.move(c, e.Updated)
	}
	first := !s.known()
	if !first && !s.Fresh && s.Gone == e.Deleted && (e.Deleted || s.Lines.content().hash() == now.hash()) {
		return nil
	}
	if _, again := x.was[e.ID]; !again {
		x.was[e.ID] = nil
		if !first {
			x.was[e.ID] = s.Lines.content()
		}
	}
	s.Updated, s.Gone, s.Fresh = e.Updated, e.Deleted, true
	if !e.Deleted {
		s.Doc, s.Lines = e.DocNumber, now.amounts()
		if err := x.recognize(ctx, e, s); err != nil {
			return err
		}
	}
	if s.Entry == "" && first && (x.state.Full.IsZero() || e.Updated.Before(x.state.Began)) {
		s.Opening, s.Was, s.Fresh = true, s.Lines, false
	}
	x.put(seenPaper, e.ID, false)
	x.mine(*s)
	if s.Entry == "" && s.Fresh {
		x.foreign[e.ID] = true
	}
	return nil
}

// recognize says whose an entry is by the mark in its note. One that carries the mark of a posting of another id is a copy.
func (x *run) recognize(ctx context.Context, e journal.BookedEntry, s *seen) error {
	key, n, marked := intlog.ReadNoteMark(e.Note)
	if !marked || key.Org != x.config.Org || s.Entry != "" {
		return nil
	}
	entry, err := x.p.o.Store.Entry(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	at := slices.IndexFunc(entry.Postings, func(p intlog.Posting) bool { return p.N == n })
	if err != nil || at < 0 {
		return err
	}
	s.Entry, s.N = key.ID(), n
	if entry.Postings[at].QuickBooksID == e.ID {
		return nil
	}
	c, err := one[copies](ctx, x.desk, copiesPaper, key.Record.String())
	if err != nil || slices.Contains(c.IDs, e.ID) {
		return err
	}
	c.IDs = append(c.IDs, e.ID)
	x.put(copiesPaper, key.Record.String(), false)
	return nil
}

// mine puts the record of an entry of ours into the queue.
func (x *run) mine(s seen) {
	if key, err := intlog.ParseKey(x.config.Org, s.Entry); err == nil {
		x.ask(key.Record)
	}
}

// move notes that an entry which names a customer has changed.
func (x *run) move(customer string, at time.Time) {
	if at.After(x.moved[customer]) {
		x.moved[customer] = at
	}
}

// customersOf lists the customers that a content names.
func customersOf(c content) []string {
	found := map[string]bool{}
	for s := range c {
		if id, ok := strings.CutPrefix(s.Name, string(journal.Customer)+"/"); ok {
			found[id] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// askFor reads entries by their ids. What is not there any more is gone; what was never seen is absent.
func (x *run) askFor(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, idsAtOnce) {
		found, err := x.p.o.Books.JournalEntries(ctx, x.at, chunk)
		if err != nil {
			return err
		}
		x.night.Reads++
		if err := x.noteAll(ctx, found); err != nil {
			return err
		}
		there := map[string]bool{}
		for _, e := range found {
			there[e.ID] = true
		}
		papers, err := take[seen](ctx, x.desk, seenPaper, chunk...)
		if err != nil {
			return err
		}
		for i, id := range chunk {
			delete(x.again, id)
			if there[id] {
				continue
			}
			x.absent[id] = true
			if s := papers[i]; s.known() && !s.Gone {
				s.Gone, s.Fresh, s.Updated = true, true, x.now
				x.put(seenPaper, id, false)
				x.mine(*s)
				if s.Entry == "" {
					x.foreign[id] = true
				}
			}
		}
	}
	return nil
}

// debtor notes a customer that changed, if it is one of ours: a balance is compared, one that is gone was merged into another.
func (x *run) debtor(ctx context.Context, d journal.Debtor) error {
	if d.Deleted {
		if x.merges[d.ID] == "" {
			x.parted[d.ID] = true
		}
		return nil
	}
	c, err := one[customerRecord](ctx, x.desk, customerPaper, d.ID)
	if err != nil || !x.known(customerPaper, d.ID) {
		return err
	}
	if d.Display != "" && c.Name != d.Display {
		c.Name = d.Display
		x.put(customerPaper, d.ID, false)
	}
	x.touched[d.ID] = true
	return nil
}

// partings has every record of the customers that are gone asked for again: on its entries stands into which they were merged.
func (x *run) partings(ctx context.Context) error {
	for _, id := range slices.Sorted(maps.Keys(x.parted)) {
		c, err := one[customerRecord](ctx, x.desk, customerPaper, id)
		if err != nil {
			return err
		}
		for _, group := range slices.Sorted(maps.Keys(c.Cases)) {
			of, err := one[caseRecord](ctx, x.desk, casePaper, group)
			if err != nil {
				return err
			}
			for name, row := range of.Rows {
				if _, names := row.Customers[id]; !names {
					continue
				}
				if ref, ok := refOf(name); ok {
					x.reread[ref] = true
					x.ask(ref)
				}
			}
		}
	}
	return nil
}

// mergedInto is by which id a customer goes now.
func (x *run) mergedInto(id string) string {
	for range len(x.merges) {
		into, ok := x.merges[id]
		if !ok {
			break
		}
		id = into
	}
	return id
}

// mergers finds into which customers those that are gone were merged: what most of the entries that named one have in its place. before is what an entry had
// before it was read again; of one that was read for the first time, what was posted.
func (x *run) mergers(ctx context.Context, list []stands) error {
	if len(x.parted) == 0 {
		return nil
	}
	votes := map[string]map[string]int{}
	for _, s := range list {
		for _, id := range s.ids() {
			before, read := x.was[id]
			if !read {
				continue
			}
			if before == nil {
				before = s.expected(id, asTheyAre)
			}
			paper, err := one[seen](ctx, x.desk, seenPaper, id)
			if err != nil {
				return err
			}
			x.vote(votes, customersOf(before), customersOf(paper.now()))
		}
	}
	for _, from := range slices.Sorted(maps.Keys(votes)) {
		into := slices.MaxFunc(slices.Sorted(maps.Keys(votes[from])), func(a, b string) int { return cmp.Compare(votes[from][a], votes[from][b]) })
		m, err := one[merged](ctx, x.desk, mergedPaper, from)
		if err != nil {
			return err
		}
		m.Into, m.At = into, x.now
		x.put(mergedPaper, from, false)
		x.merges[from], x.touched[into] = into, true
		delete(x.parted, from)
		if err := x.tellMerged(ctx, from, into); err != nil {
			return err
		}
	}
	return nil
}

// vote counts, of an entry, which customers have come in the place of one that is gone.
func (x *run) vote(votes map[string]map[string]int, before, now []string) {
	for _, from := range before {
		if !x.parted[from] || slices.Contains(now, from) {
			continue
		}
		for _, into := range now {
			if slices.Contains(before, into) {
				continue
			}
			if votes[from] == nil {
				votes[from] = map[string]int{}
			}
			votes[from][into]++
		}
	}
}

// tellMerged tells of a merged customer, and makes what is known of it part of the one that is there.
func (x *run) tellMerged(ctx context.Context, from, into string) error {
	papers, err := take[customerRecord](ctx, x.desk, customerPaper, from, into)
	if err != nil {
		return err
	}
	c, to, there := papers[0], papers[1], x.name(string(journal.Customer)+"/"+into)
	if to.Name != "" {
		there = to.Name
	}
	was := cmp.Or(c.Name, x.name(string(journal.Customer)+"/"+from))
	if to.Others == nil {
		to.Others = map[string]money.Cents{}
	}
	for id, cents := range c.Others {
		to.Others[id] += cents
	}
	to.Opening += c.Opening
	c.Others, c.Opening = nil, 0
	x.put(customerPaper, from, false)
	x.put(customerPaper, into, false)
	return x.tell(ctx, []string{mergedSubject(from)}, kept{Subject: mergedSubject(from), Difference: Difference{
		Class: Changed, Customer: from, Name: was, Date: x.night.Date, Amount: c.ours().Abs(),
		Sentence: fmt.Sprintf("Customer %s was merged into %s in QuickBooks: its entries stand on that one now. Link its cases to %s, so that new entries go there.", was, there, there),
		Fields:   []Field{{Name: "customer", Ours: was, Theirs: there}},
	}})
}
