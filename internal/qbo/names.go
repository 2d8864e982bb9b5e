package qbo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

type nameBody struct {
	DisplayName string `json:"DisplayName"`
	Notes       string `json:"Notes,omitempty"`
}

// CreateCustomer creates a customer. Errors: fault.NameTaken when any customer, vendor or employee uses the name.
func (c *Client) CreateCustomer(ctx context.Context, at org.Company, n journal.NewName, requestID string) (string, error) {
	id, err := c.create(ctx, at, "customer", "Customer", nameBody{DisplayName: n.Display, Notes: n.Notes}, requestID)
	if err != nil {
		return "", fmt.Errorf("qbo.CreateCustomer: %w", err)
	}
	return id, nil
}

// CreateVendor creates a vendor, which has no notes. Errors: as CreateCustomer.
func (c *Client) CreateVendor(ctx context.Context, at org.Company, n journal.NewName, requestID string) (string, error) {
	id, err := c.create(ctx, at, "vendor", "Vendor", nameBody{DisplayName: n.Display}, requestID)
	if err != nil {
		return "", fmt.Errorf("qbo.CreateVendor: %w", err)
	}
	return id, nil
}

// NamesCalled finds the customers, vendors and employees of a display name, inactive ones included. QuickBooks
// compares without case; the caller compares exactly.
func (c *Client) NamesCalled(ctx context.Context, at org.Company, display string) ([]journal.FoundName, error) {
	var found []journal.FoundName
	for _, kind := range []string{"Customer", "Vendor", "Employee"} {
		names, err := c.names(ctx, at, kind, "DisplayName", display)
		if err != nil {
			return nil, fmt.Errorf("qbo.NamesCalled: %w", err)
		}
		found = append(found, names...)
	}
	return found, nil
}

// Name reads the customer or vendor of an id, inactive or not. Errors: fault.NotFound.
func (c *Client) Name(ctx context.Context, at org.Company, kind journal.NameKind, id string) (journal.FoundName, error) {
	found, err := c.names(ctx, at, string(kind), "Id", id)
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "QuickBooks has no %s of the id %s.", strings.ToLower(string(kind)), id)
	}
	if err != nil {
		return journal.FoundName{}, fmt.Errorf("qbo.Name: %w", err)
	}
	return found[0], nil
}

// names finds the objects of a kind by a property, inactive ones included.
func (c *Client) names(ctx context.Context, at org.Company, kind, property, value string) (found []journal.FoundName, err error) {
	where := " where " + property + " = " + quoted(value) + " and Active in (true, false)"
	err = c.query(ctx, at, kind, where, false, into(func(row struct {
		ID, DisplayName string
		Active          bool
	},
	) {
		found = append(found, journal.FoundName{Kind: kind, ID: row.ID, Display: row.DisplayName, Active: row.Active})
	}))
	return found, err
}

// Accounts lists the chart of accounts, inactive ones included.
func (c *Client) Accounts(ctx context.Context, at org.Company) ([]journal.Account, error) {
	var accounts []journal.Account
	err := c.query(ctx, at, "Account", " where Active in (true, false)", true, into(func(row struct {
		ID, Name, FullyQualifiedName, AccountType, AccountSubType, AcctNum string
		Active                                                             bool
	},
	) {
		accounts = append(accounts, journal.Account{
			ID: row.ID, Name: row.Name, FullyQualifiedName: row.FullyQualifiedName, Type: row.AccountType, SubType: row.AccountSubType, Number: row.AcctNum, Active: row.Active,
		})
	}))
	if err != nil {
		return nil, fmt.Errorf("qbo.Accounts: %w", err)
	}
	return accounts, nil
}

// CompanyInfo reads the company's name.
func (c *Client) CompanyInfo(ctx context.Context, at org.Company) (journal.CompanyInfo, error) {
	got, err := c.do(ctx, at, request{method: http.MethodGet, path: "companyinfo/" + url.PathEscape(at.Realm)})
	if err != nil {
		return journal.CompanyInfo{}, fmt.Errorf("qbo.CompanyInfo: %w", err)
	}
	var body struct{ CompanyInfo *struct{ CompanyName string } }
	if err := json.Unmarshal(got.body, &body); err != nil || body.CompanyInfo == nil {
		return journal.CompanyInfo{}, fmt.Errorf("qbo.CompanyInfo: %w", unreadable(got, err))
	}
	return journal.CompanyInfo{Name: body.CompanyInfo.CompanyName}, nil
}
