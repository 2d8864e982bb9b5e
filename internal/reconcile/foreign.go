package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
)

// proveForeign looks at the entries that are not ours: on our accounts there should be none.
func (x *run) proveForeign(ctx context.Context) error {
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(x.foreign)), portion) {
		for _, id := range chunk {
			if err := x.foreigner(ctx, id); err != nil {
				return err
			}
			delete(x.foreign, id)
		}
		if err := x.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (x *run) foreigner(ctx context.Context, id string) error {
	s, err := one[seen](ctx, x.desk, seenPaper, id)
	if err != nil || s.Entry != "" {
		return err
	}
	s.Fresh = false
	x.put(seenPaper, id, false)
	now := s.now()
	delta := now.called(x.mergedInto).minus(s.Was.content().called(x.mergedInto))
	ours, err := x.onOurAccounts(ctx, id, delta)
	if err != nil {
		return err
	}
	if len(ours) == 0 || s.accepts(x.mergedInto) {
		return x.tell(ctx, []string{entrySubject(id)})
	}
	if !s.Opening && len(now) > 0 {
		d, found, err := x.twin(ctx, id, s)
		if err != nil || found {
			if err == nil {
				err = x.tell(ctx, []string{entrySubject(id)}, d)
			}
			return err
		}
	}
	return x.tell(ctx, []string{entrySubject(id)}, x.unknown(ctx, id, s, delta, ours))
}

// onOurAccounts is what of an entry's change stands on accounts that are proved: on accounts receivable only what is about our customers, which then is
// among what their balances are made of.
func (x *run) onOurAccounts(ctx context.Context, id string, delta content) (content, error) {
	controls, ours := x.controls(), content{}
	by := map[string]money.Cents{}
	for at, cents := range delta {
		role, ok := controls[at.Account]
		if !ok {
			continue
		}
		if role != org.AccountsReceivable {
			ours[at] = cents
			continue
		}
		if customer, named := strings.CutPrefix(at.Name, string(journal.Customer)+"/"); named {
			by[customer] += cents
		}
	}
	for _, customer := range slices.Sorted(maps.Keys(by)) {
		c, err := one[customerRecord](ctx, x.desk, customerPaper, customer)
		if err != nil {
			return nil, err
		}
		if !x.known(customerPaper, customer) {
			continue
		}
		if c.Others == nil {
			c.Others = map[string]money.Cents{}
		}
		c.Others[id] = by[customer]
		x.put(customerPaper, customer, false)
		x.touched[customer] = true
		for at, cents := range delta {
			if at.Name == string(journal.Customer)+"/"+customer && controls[at.Account] == org.AccountsReceivable {
				ours[at] = cents
			}
		}
	}
	return ours, nil
}

// twin finds the posting of ours that the entry repeats: the same lines on the same date, while ours is there, too.
func (x *run) twin(ctx context.Context, id string, s *seen) (kept, bool, error) {
	now := s.now().called(x.mergedInto)
	days, err := take[day](ctx, x.desk, dayPaper, dayIDs(theDate(now))...)
	if err != nil {
		return kept{}, false, err
	}
	rows := map[string]dayRow{}
	for _, d := range days {
		maps.Copy(rows, d.Rows)
	}
	hash := now.hash()
	for _, quickBooksID := range slices.Sorted(maps.Keys(rows)) {
		row := rows[quickBooksID]
		if row.Hash != hash {
			continue
		}
		original, err := one[seen](ctx, x.desk, seenPaper, quickBooksID)
		if err != nil || original.Gone || !original.known() {
			return kept{}, false, err
		}
		of, found, err := x.posting(ctx, row.Entry, row.N)
		if err != nil || !found {
			return kept{}, false, err
		}
		return x.doubledOf(of, of.entry.Record, id, s), true, nil
	}
	return kept{}, false, nil
}

// posting reads one posting of ours.
func (x *run) posting(ctx context.Context, entry string, n int) (stands, bool, error) {
	key, err := intlog.ParseKey(x.config.Org, entry)
	if err != nil {
		return stands{}, false, nil
	}
	e, err := x.p.o.Store.Entry(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return stands{}, false, nil
	}
	at := slices.IndexFunc(e.Postings, func(p intlog.Posting) bool { return p.N == n && p.QuickBooksID != "" && p.Realm == x.at.Realm })
	if err != nil || at < 0 {
		return stands{}, false, err
	}
	return stands{e, e.Postings[at]}, true, nil
}

// unknown is an entry on our accounts that we did not make, or that was there before us and was changed.
func (x *run) unknown(ctx context.Context, id string, s *seen, delta, ours content) kept {
	number := "without a number"
	if s.Doc != "" {
		number = s.Doc
	}
	on := theDate(delta)
	if at := theDate(s.now()); at != "" {
		on = at
	}
	d := kept{Subject: entrySubject(id), Difference: Difference{Class: Unknown, QuickBooksID: id, Doc: s.Doc, Date: on, Amount: max(ours.debits(), ours.credits())}}
	for _, at := range ours.spots() {
		if len(d.Fields) < maxFields {
			d.Fields = append(d.Fields, Field{Name: x.place(ctx, at), Ours: "nothing", Theirs: sided(ours[at])})
		}
	}
	where := d.Fields[0].Name
	if n := len(d.Fields) - 1; n > 0 {
		where += fmt.Sprintf(" and %d more", n)
	}
	what := "which Passare sync did not make, has"
	if s.Opening {
		what = "which was there before Passare sync, was changed by"
		if s.Gone {
			what = "which was there before Passare sync, was deleted: it had"
		}
	}
	d.Sentence = fmt.Sprintf("Journal entry %s of %s, %s $%s on %s.", number, on.Short(), what, d.Amount.Grouped(), where)
	return d
}

// credits is the sum of what is less than zero, without a sign.
func (c content) credits() money.Cents {
	var sum money.Cents
	for _, cents := range c {
		sum -= min(cents, 0)
	}
	return sum
}
