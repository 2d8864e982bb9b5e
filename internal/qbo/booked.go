package qbo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// JournalEntries reads entries by their ids, in no order: one metered read for each 100 ids. Those that are deleted, or never were, are left out. Errors:
// fault.Unavailable, also for an answer with something in it that is no entry, and what Tokens answers.
func (c *Client) JournalEntries(ctx context.Context, at org.Company, ids []string) ([]journal.BookedEntry, error) {
	found, err := byIDs(ctx, c, at, entries, "", ids, bookedBody.booked)
	if err != nil {
		return nil, fmt.Errorf("qbo.JournalEntries: %w", err)
	}
	return found, nil
}

// JournalEntriesPage reads a page of all of the company's entries, 1,000 at most, by their ids: one metered read, which can wait. Page 0 is the first; last:
// there is none after it. What is created between two pages can be told twice; what is deleted can let another entry be missed, which JournalEntries still
// finds by its id. Errors: as JournalEntries.
func (c *Client) JournalEntriesPage(ctx context.Context, at org.Company, page int) (found []journal.BookedEntry, last bool, err error) {
	found, last, err = pageOf(ctx, c, at, entries, "", page, bookedBody.booked)
	if err != nil {
		return nil, false, fmt.Errorf("qbo.JournalEntriesPage: %w", err)
	}
	return found, last, nil
}

// everyCustomer is what a query says so that inactive customers are not left out.
const everyCustomer = "Active in (true, false)"

// Customers reads customers by their ids, inactive ones, too, in no order: one metered read for each 100 ids. Those that were merged into others, or never
// were, are left out. Errors: as JournalEntries.
func (c *Client) Customers(ctx context.Context, at org.Company, ids []string) ([]journal.Debtor, error) {
	found, err := byIDs(ctx, c, at, customers, " and "+everyCustomer, ids, debtorBody.debtor)
	if err != nil {
		return nil, fmt.Errorf("qbo.Customers: %w", err)
	}
	return found, nil
}

// CustomersPage reads a page of all of the company's customers, inactive ones, too, as JournalEntriesPage.
func (c *Client) CustomersPage(ctx context.Context, at org.Company, page int) (found []journal.Debtor, last bool, err error) {
	found, last, err = pageOf(ctx, c, at, customers, " where "+everyCustomer, page, debtorBody.debtor)
	if err != nil {
		return nil, false, fmt.Errorf("qbo.CustomersPage: %w", err)
	}
	return found, last, nil
}

// byIDs reads the objects of an entity that have these ids and fulfil a further condition.
func byIDs[B, T any](ctx context.Context, c *Client, at org.Company, entity, and string, ids []string, of func(B) (T, error)) (found []T, err error) {
	for chunk := range slices.Chunk(ids, idsList) {
		if err := c.query(ctx, at, entity, " where Id in ("+listed(chunk)+")"+and, false, onto(&found, of)); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// pageOf reads a page of an entity's objects. They are ordered by their ids, which never change: in QuickBooks' own order an entry that is changed, or a
// customer that is renamed, between two pages would move from a page that is still to be read to one that was. Whether ids are ordered as numbers or as texts
// does not matter to that. Each page can wait, not only the first: it is a question of its own.
func pageOf[B, T any](ctx context.Context, c *Client, at org.Company, entity, where string, page int, of func(B) (T, error)) (found []T, last bool, err error) {
	n, err := c.page(ctx, at, entity, where+" orderby Id", page, true, onto(&found, of))
	return found, n < pageSize, err
}

// onto reads rows and appends what each of them is to a list.
func onto[B, T any](list *[]T, of func(B) (T, error)) func(json.RawMessage) (int, error) {
	return checked(func(row B) error {
		x, err := of(row)
		*list = append(*list, x)
		return err
	})
}
