package journal

import (
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/money"
)

// FoundEntry is a journal entry that QuickBooks has, as far as the protocol asks: enough to tell ours.
type FoundEntry struct {
	ID        string
	DocNumber string
	Note      string // PrivateNote, with our mark if it is ours
}

// BookedEntry is a journal entry as QuickBooks has it now, for whoever compares it with what was posted.
type BookedEntry struct {
	ID        string
	DocNumber string
	Note      string // PrivateNote, with our mark if it is ours
	Date      date.Date
	Lines     []Line // Place.Name has no Key, which is Passare's
	Updated   time.Time
	Deleted   bool // by somebody there: only ID and Updated are known
}

// Debtor is a customer as QuickBooks has it now, with what it owes.
type Debtor struct {
	ID      string
	Display string
	Balance money.Cents
	Active  bool
	Created time.Time
	Updated time.Time
	Deleted bool // it was merged into another customer: only ID and Updated are known
}

// Changes are what changed in a company's books since a time: each object once, as it is now, the oldest change first.
type Changes struct {
	Entries []BookedEntry
	Debtors []Debtor
	Partial bool // more changed than can be told this way: what is here is not all, and everything has to be read
	Reads   int  // how many metered reads it took
}

// NewName is a customer or vendor to be created.
type NewName struct {
	Display string
	Notes   string // for people: whose it is in Passare; vendors have none
}

// FoundName is a customer, vendor or employee that QuickBooks has under a display name.
type FoundName struct {
	Kind    string // "Customer", "Vendor", "Employee"
	ID      string
	Display string // exactly as QuickBooks has it; its search ignores case
	Active  bool
}

// Account is an account of the company's chart.
type Account struct {
	ID                 string
	Name               string
	FullyQualifiedName string
	Type               string // AccountType, "Accounts Receivable"
	SubType            string
	Number             string // AcctNum: the organisation's own number of it, if it numbers accounts
	Active             bool
}

// Segment is a class or a location (QuickBooks' API calls it a department).
type Segment struct {
	ID                 string
	Name               string
	FullyQualifiedName string
	Active             bool
}

// List names a list of a company's that a mapping chooses from.
type List string

// The lists.
const (
	AccountList    List = "accounts"
	ClassList      List = "classes"
	DepartmentList List = "departments"
)

// Listing is one list of a company's, whole, inactive ones included, as it was at one time.
type Listing struct {
	List     List
	ReadAt   time.Time
	Accounts []Account // of AccountList
	Segments []Segment // of the others
}

// Preferences are the settings of the company that the protocol respects.
type Preferences struct {
	BookCloseDate date.Date // empty when the books are not closed
	HomeCurrency  string
}

// CompanyInfo is what QuickBooks says of a company.
type CompanyInfo struct{ Name string }
