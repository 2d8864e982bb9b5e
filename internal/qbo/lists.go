package qbo

import (
	"context"
	"fmt"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// Listing reads a list of the company's, whole, inactive ones included: one metered read for each 1,000 rows, which can wait. Errors: fault.Invalid for a
// list that there is not; otherwise as Accounts.
func (c *Client) Listing(ctx context.Context, at org.Company, list journal.List) (journal.Listing, error) {
	l := journal.Listing{List: list, ReadAt: c.o.Now()} // before the read: it is never younger than what was read
	var err error
	switch list {
	case journal.AccountList:
		l.Accounts, err = c.Accounts(ctx, at)
	case journal.ClassList:
		l.Segments, err = c.segments(ctx, at, "Class")
	case journal.DepartmentList:
		l.Segments, err = c.segments(ctx, at, "Department")
	default:
		err = fault.New(fault.Invalid, "QuickBooks has no list %q here.", list)
	}
	if err != nil {
		return journal.Listing{}, fmt.Errorf("qbo.Listing: %w", err)
	}
	return l, nil
}

func (c *Client) segments(ctx context.Context, at org.Company, entity string) (found []journal.Segment, err error) {
	err = c.query(ctx, at, entity, " where Active in (true, false)", true, into(func(row struct {
		ID, Name, FullyQualifiedName string
		Active                       bool
	},
	) {
		found = append(found, journal.Segment{ID: row.ID, Name: row.Name, FullyQualifiedName: row.FullyQualifiedName, Active: row.Active})
	}))
	return found, err
}
