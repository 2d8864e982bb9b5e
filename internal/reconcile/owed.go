package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/journal"
)

// owed compares the balances of the customers that were touched. Entries come while they are read: what does not fit is looked at again after QuickBooks
// has told once more what changed, and what still moves then is left to the next night.
func (x *run) owed(ctx context.Context) (phase, error) {
	list, err := x.customers(ctx)
	if err != nil {
		return "", err
	}
	at := x.p.o.Now()
	for round := 0; ; round++ {
		open, err := x.balances(ctx, list, at)
		if err != nil || len(open) == 0 {
			return "", err
		}
		if round == rounds {
			x.state.Later = open
			return "", nil
		}
		told, err := x.told(ctx, x.state.Run.From.Add(-overlap))
		if err != nil {
			return "", err
		}
		if told.Partial {
			x.state.Later = open
			return "", nil
		}
		if err := x.partings(ctx); err != nil {
			return "", err
		}
		if done, err := x.proveQueue(ctx); err != nil || !done {
			return readOwed, err
		}
		if err := x.proveForeign(ctx); err != nil {
			return "", err
		}
		var moving []string
		for _, id := range open {
			if x.moved[id].After(at.Add(-unsure)) {
				moving = append(moving, id)
				continue
			}
			if err := x.explain(ctx, id); err != nil {
				return "", err
			}
		}
		if err := x.flush(ctx); err != nil || len(moving) == 0 {
			return "", err
		}
		at = x.p.o.Now()
		if list, err = x.debtors(ctx, moving); err != nil {
			return "", err
		}
	}
}

// unsure is how long before its balance was read an entry may have changed and not be in the balance, or be in the balance and not be told of.
const unsure = 2 * time.Minute

// customers reads the balances that are to be compared.
func (x *run) customers(ctx context.Context) ([]journal.Debtor, error) {
	if !x.night.Full {
		var ids []string
		for _, id := range slices.Sorted(maps.Keys(x.touched)) {
			if x.merges[id] == "" {
				ids = append(ids, id)
			}
		}
		return x.debtors(ctx, ids)
	}
	var all []journal.Debtor
	for page := 0; ; page++ {
		list, last, err := x.p.o.Books.CustomersPage(ctx, x.at, page)
		if err != nil {
			return nil, err
		}
		x.night.Reads++
		if all = append(all, list...); last {
			return all, nil
		}
	}
}

// debtors reads customers by their ids, a hundred at a time.
func (x *run) debtors(ctx context.Context, ids []string) ([]journal.Debtor, error) {
	var all []journal.Debtor
	for chunk := range slices.Chunk(ids, idsAtOnce) {
		list, err := x.p.o.Books.Customers(ctx, x.at, chunk)
		if err != nil {
			return nil, err
		}
		x.night.Reads++
		all = append(all, list...)
	}
	return all, nil
}

// balances compares balances as they were read, and lists the customers whose balance is not explained, or was never compared.
func (x *run) balances(ctx context.Context, list []journal.Debtor, at time.Time) (open []string, err error) {
	for chunk := range slices.Chunk(list, 4*portion) {
		var ids, told []string
		for _, d := range chunk {
			ids, told = append(ids, d.ID), append(told, short(customerSubject(d.ID)))
		}
		if _, err := take[customerRecord](ctx, x.desk, customerPaper, ids...); err != nil {
			return nil, err
		}
		if _, err := take[kept](ctx, x.desk, differencePaper, told...); err != nil {
			return nil, err
		}
		for _, d := range chunk {
			c, err := one[customerRecord](ctx, x.desk, customerPaper, d.ID)
			if err != nil {
				return nil, err
			}
			if !x.known(customerPaper, d.ID) {
				continue
			}
			c.Balance, c.Read, c.Name = d.Balance, at, d.Display
			x.put(customerPaper, d.ID, false)
			if !c.Opened && !d.Created.Before(x.state.Began) { // it was made after us, so nothing was there before
				c.Opened = true
			}
			if !c.Opened || c.unexplained() != 0 {
				open = append(open, d.ID)
				continue
			}
			if err := x.tell(ctx, []string{customerSubject(d.ID)}); err != nil {
				return nil, err
			}
		}
		if err := x.flush(ctx); err != nil {
			return nil, err
		}
	}
	return open, nil
}

// explain takes what a balance has besides the entries as its opening, the first time, and as a difference later.
func (x *run) explain(ctx context.Context, id string) error {
	c, err := one[customerRecord](ctx, x.desk, customerPaper, id)
	if err != nil {
		return err
	}
	if !c.Opened {
		c.Opening, c.Opened = c.Opening+c.unexplained(), true
		x.put(customerPaper, id, false)
		return nil
	}
	more := c.unexplained()
	if more == 0 {
		return x.tell(ctx, []string{customerSubject(id)})
	}
	than := "more"
	if more < 0 {
		than = "less"
	}
	known := c.Balance - more
	return x.tell(ctx, []string{customerSubject(id)}, kept{Subject: customerSubject(id), Difference: Difference{
		Class: Unknown, Customer: id, Name: c.Name, Date: x.night.Date, Amount: more.Abs(),
		Sentence: fmt.Sprintf("%s owes $%s in QuickBooks, $%s %s than the journal entries come to: somebody recorded an invoice, a payment or another transaction there.",
			c.Name, c.Balance.Grouped(), more.Abs().Grouped(), than),
		Fields: []Field{{Name: "balance", Ours: known.Grouped(), Theirs: c.Balance.Grouped()}},
	}})
}
