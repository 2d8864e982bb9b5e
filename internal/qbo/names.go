package qbo

import (
	"context"
	"fmt"

	"github.com/passare/qbo-sync/internal/journal"
)

type nameBody struct {
	DisplayName string `json:"DisplayName"`
	Notes       string `json:"Notes,omitempty"`
}

// CreateCustomer creates a customer. Errors: fault.NameTaken when any customer, vendor or employee uses the name.
func (c *Client) CreateCustomer(ctx context.Context, org string, n journal.NewName, requestID string) (string, error) {
	id, err := c.create(ctx, org, "customer", "Customer", nameBody{DisplayName: n.Display, Notes: n.Notes}, requestID)
	if err != nil {
		return "", fmt.Errorf("qbo.CreateCustomer: %w", err)
	}
	return id, nil
}

// CreateVendor creates a vendor, which has no notes. Errors: as CreateCustomer.
func (c *Client) CreateVendor(ctx context.Context, org string, n journal.NewName, requestID string) (string, error) {
	id, err := c.create(ctx, org, "vendor", "Vendor", nameBody{DisplayName: n.Display}, requestID)
	if err != nil {
		return "", fmt.Errorf("qbo.CreateVendor: %w", err)
	}
	return id, nil
}

// NamesCalled finds the customers, vendors and employees of a display name, inactive ones included. QuickBooks
// compares without case; the caller compares exactly.
func (c *Client) NamesCalled(ctx context.Context, org, display string) ([]journal.FoundName, error) {
	var found []journal.FoundName
	where := " where DisplayName = " + quoted(display) + " and Active in (true, false)"
	for _, kind := range []string{"Customer", "Vendor", "Employee"} {
		err := c.query(ctx, org, kind, where, false, into(func(row struct {
			ID, DisplayName string
			Active          bool
		},
		) {
			found = append(found, journal.FoundName{Kind: kind, ID: row.ID, Display: row.DisplayName, Active: row.Active})
		}))
		if err != nil {
			return nil, fmt.Errorf("qbo.NamesCalled: %w", err)
		}
	}
	return found, nil
}

// Accounts lists the chart of accounts, inactive ones included.
func (c *Client) Accounts(ctx context.Context, org string) ([]journal.Account, error) {
	var accounts []journal.Account
	err := c.query(ctx, org, "Account", " where Active in (true, false)", true, into(func(row struct {
		ID, Name, FullyQualifiedName, AccountType, AccountSubType string
		Active                                                    bool
	},
	) {
		accounts = append(accounts, journal.Account{
			ID: row.ID, Name: row.Name, FullyQualifiedName: row.FullyQualifiedName, Type: row.AccountType, SubType: row.AccountSubType, Active: row.Active,
		})
	}))
	if err != nil {
		return nil, fmt.Errorf("qbo.Accounts: %w", err)
	}
	return accounts, nil
}
