package reconcile

import (
	"context"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// patient is QuickBooks asked again in a moment when it does not answer: a night is not lost to one fault of it.
type patient struct {
	Books
	pause func(ctx context.Context, d time.Duration) error
}

// pauses are how long is waited before each further try.
func pauses() []time.Duration { return []time.Duration{time.Second, 4 * time.Second} }

// until asks until there is an answer, or no more patience.
func (p patient) until(ctx context.Context, ask func() error) error {
	err := ask()
	for _, d := range pauses() {
		if !fault.Is(err, fault.Unavailable) || p.pause(ctx, d) != nil {
			return err
		}
		err = ask()
	}
	return err
}

func (p patient) Changes(ctx context.Context, at org.Company, since time.Time) (told journal.Changes, err error) {
	reads := 0
	err = p.until(ctx, func() error {
		told, err = p.Books.Changes(ctx, at, since)
		reads += told.Reads
		return err
	})
	told.Reads = reads
	return told, err
}

func (p patient) JournalEntries(ctx context.Context, at org.Company, ids []string) (list []journal.BookedEntry, err error) {
	err = p.until(ctx, func() error {
		list, err = p.Books.JournalEntries(ctx, at, ids)
		return err
	})
	return list, err
}

func (p patient) JournalEntriesPage(ctx context.Context, at org.Company, page int) (list []journal.BookedEntry, last bool, err error) {
	err = p.until(ctx, func() error {
		list, last, err = p.Books.JournalEntriesPage(ctx, at, page)
		return err
	})
	return list, last, err
}

func (p patient) Customers(ctx context.Context, at org.Company, ids []string) (list []journal.Debtor, err error) {
	err = p.until(ctx, func() error {
		list, err = p.Books.Customers(ctx, at, ids)
		return err
	})
	return list, err
}

func (p patient) CustomersPage(ctx context.Context, at org.Company, page int) (list []journal.Debtor, last bool, err error) {
	err = p.until(ctx, func() error {
		list, last, err = p.Books.CustomersPage(ctx, at, page)
		return err
	})
	return list, last, err
}
