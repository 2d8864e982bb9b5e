package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

const listsTag = "QuickBooks"

func (h *Setup) registerLists(a *API) {
	about := "It is shown as it was when it was last read, with its age. `refresh` reads it again, which counts against the month's reads. " +
		"When QuickBooks cannot be asked, what is kept is shown, with a note."
	fails := []fault.Code{fault.Disconnected, fault.Throttled, fault.Refused}
	register(a, call{
		id: "list-quickbooks-accounts", method: http.MethodGet, path: "/v1/quickbooks/accounts", tag: listsTag, needs: org.Manage,
		summary: "The connected company's chart of accounts", about: about, fails: fails,
		answer: accountList{Listed: Listed{AsOf: *exampleAt()}, Accounts: []accountRow{{
			ID: "92", Name: "Cash Advances Payable", FullName: "Cash Advances Payable", Number: "2310", Type: "Other Current Liability", SubType: "OtherCurrentLiabilities", Active: true,
		}}},
	}, h.accounts)
	segment := []segmentRow{{ID: "2", Name: "Main Street", FullName: "Main Street", Active: true}}
	register(a, call{
		id: "list-quickbooks-classes", method: http.MethodGet, path: "/v1/quickbooks/classes", tag: listsTag, needs: org.Manage,
		summary: "The connected company's classes", about: about, fails: fails, answer: classList{Listed{AsOf: *exampleAt()}, segment},
	}, h.classes)
	register(a, call{
		id: "list-quickbooks-departments", method: http.MethodGet, path: "/v1/quickbooks/departments", tag: listsTag, needs: org.Manage,
		summary: "The connected company's locations", about: about, fails: fails, answer: departmentList{Listed{AsOf: *exampleAt()}, segment},
	}, h.departments)
}

type refreshInput struct {
	Refresh bool `query:"refresh" doc:"Read it again from QuickBooks."`
}

// Listed is the age of a list.
type Listed struct {
	AsOf time.Time `json:"as_of" doc:"When it was read from QuickBooks."`
	Note string    `json:"note,omitempty" doc:"Why it could not be read again."`
}

type accountList struct {
	Listed
	Accounts []accountRow `json:"accounts" nullable:"false"`
}

type accountRow struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	FullName string `json:"full_name" doc:"With the names of the accounts that it is under."`
	Number   string `json:"number,omitempty"`
	Type     string `json:"type"`
	SubType  string `json:"sub_type"`
	Active   bool   `json:"active"`
}

type segmentRow struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	FullName string `json:"full_name"`
	Active   bool   `json:"active"`
}

type classList struct {
	Listed
	Classes []segmentRow `json:"classes" nullable:"false"`
}

type departmentList struct {
	Listed
	Departments []segmentRow `json:"departments" nullable:"false"`
}

type accountsOutput struct{ Body accountList }

func (h *Setup) accounts(ctx context.Context, p org.Person, in *refreshInput) (*accountsOutput, error) {
	shown, err := h.Office.Listing(ctx, p.Org, journal.AccountList, in.Refresh)
	if err != nil {
		return nil, err
	}
	out := &accountsOutput{Body: accountList{Listed: Listed{shown.ReadAt, shown.Note}, Accounts: []accountRow{}}}
	for _, a := range shown.Accounts {
		out.Body.Accounts = append(out.Body.Accounts, accountRow{
			ID: a.ID, Name: a.Name, FullName: a.FullyQualifiedName, Number: a.Number, Type: a.Type, SubType: a.SubType, Active: a.Active,
		})
	}
	return out, nil
}

func (h *Setup) segments(ctx context.Context, id string, list journal.List, refresh bool) (Listed, []segmentRow, error) {
	shown, err := h.Office.Listing(ctx, id, list, refresh)
	rows := []segmentRow{}
	for _, s := range shown.Segments {
		rows = append(rows, segmentRow{ID: s.ID, Name: s.Name, FullName: s.FullyQualifiedName, Active: s.Active})
	}
	return Listed{shown.ReadAt, shown.Note}, rows, err
}

type classesOutput struct{ Body classList }

func (h *Setup) classes(ctx context.Context, p org.Person, in *refreshInput) (*classesOutput, error) {
	age, rows, err := h.segments(ctx, p.Org, journal.ClassList, in.Refresh)
	if err != nil {
		return nil, err
	}
	return &classesOutput{Body: classList{age, rows}}, nil
}

type departmentsOutput struct{ Body departmentList }

func (h *Setup) departments(ctx context.Context, p org.Person, in *refreshInput) (*departmentsOutput, error) {
	age, rows, err := h.segments(ctx, p.Org, journal.DepartmentList, in.Refresh)
	if err != nil {
		return nil, err
	}
	return &departmentsOutput{Body: departmentList{age, rows}}, nil
}
