// Package org is an organisation as the product sees it: settings, mapping and connection.
package org

import (
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/passare"
)

// Role is an account by its meaning, for lines that have no GL account of Passare's
// (../rules/accounting.md §2). "bank:" plus a Passare bank id is the role of a bank account.
type Role string

// The roles. Which types of QuickBooks accounts fit each is in accounting.md §2.
const (
	AccountsReceivable  Role = "accounts_receivable"
	DepositsClearing    Role = "deposits_clearing"
	CardClearing        Role = "card_clearing"
	CashAdvances        Role = "cash_advances"
	SalesTax            Role = "sales_tax"
	Discounts           Role = "discounts"
	FinanceIncome       Role = "finance_income"
	Adjustments         Role = "adjustments"
	AdjustmentsIncrease Role = "adjustments_increase"
	InsuranceFees       Role = "insurance_fees"
	MerchantFees        Role = "merchant_fees"
	ReturnedPaymentFees Role = "returned_payment_fees"
	InsuranceGrowth     Role = "insurance_growth"
	RefundsPayable      Role = "refunds_payable"
	bankPrefix               = "bank:"
	glPrefix                 = "gl:"
)

// Roles lists them all, but for the banks, of which an organisation has as many as it likes.
func Roles() []Role {
	return []Role{
		AccountsReceivable, DepositsClearing, CardClearing, CashAdvances, SalesTax, Discounts, FinanceIncome, Adjustments, AdjustmentsIncrease,
		InsuranceFees, MerchantFees, ReturnedPaymentFees, InsuranceGrowth, RefundsPayable,
	}
}

// Bank is the role of a Passare bank account.
func Bank(id string) Role { return Role(bankPrefix + id) }

// GL is the key of a Passare GL account where a role could stand too.
func GL(account string) Role { return Role(glPrefix + account) }

// IsClearing says whether amounts on the role wait to be banked by a batch.
func (r Role) IsClearing() bool { return r == DepositsClearing || r == CardClearing }

// Label is the role or GL account in a bookkeeper's words.
func (r Role) Label() string {
	if gl, ok := strings.CutPrefix(string(r), glPrefix); ok {
		return "GL account " + gl
	}
	if bank, ok := strings.CutPrefix(string(r), bankPrefix); ok {
		return "bank " + bank
	}
	return strings.ReplaceAll(string(r), "_", " ")
}

// ClosedPeriod is what happens to an entry dated on or before the close date (accounting.md §7).
type ClosedPeriod string

// The two policies.
const (
	HoldClosed   ClosedPeriod = "hold"
	FirstOpenDay ClosedPeriod = "first_open_day"
)

// TradeCustomer is who the customer of a trade case is (accounting.md §8).
type TradeCustomer string

// The two choices.
const (
	ByDecedent TradeCustomer = "decedent"
	ByBusiness TradeCustomer = "business"
)

// Settings are the organisation's switches. The zero value is none of them on, periods held.
type Settings struct {
	AutoSync         bool          `json:"auto_sync"`
	AutoAddToExports bool          `json:"auto_add_to_exports"`
	ExcludeChecks    bool          `json:"exclude_checks"`
	ExcludeLedger    bool          `json:"exclude_ledger"`
	CutOver          date.Date     `json:"cut_over_date,omitempty"`
	ClosedPeriod     ClosedPeriod  `json:"closed_period,omitempty"`
	ReprintPostsPair bool          `json:"reprint_posts_pair"`
	TradeCustomer    TradeCustomer `json:"trade_customer,omitempty"`
}

// Excludes says whether the organisation leaves records of a type out of the sync.
func (s Settings) Excludes(t passare.RecordType) bool {
	return (t == passare.Check && s.ExcludeChecks) || (t == passare.Ledger && s.ExcludeLedger)
}

// BranchPlace is where a branch's lines stand: ids of a class and a location in QuickBooks.
type BranchPlace struct {
	Class    string `json:"class,omitempty"`
	Location string `json:"location,omitempty"`
}

// Mapping says on which QuickBooks account (by id) a role or GL account stands, and on which class
// and location a branch.
type Mapping struct {
	Version  int64                  `json:"version"`
	Roles    map[Role]string        `json:"roles"`
	GL       map[string]string      `json:"gl_accounts"`
	Branches map[string]BranchPlace `json:"branches,omitempty"`
}

// Account is the QuickBooks account of a role or of GL(account). Increases fall back to adjustments.
func (m Mapping) Account(r Role) (string, bool) {
	if gl, ok := strings.CutPrefix(string(r), glPrefix); ok {
		id, ok := m.GL[gl]
		return id, ok && id != ""
	}
	id, ok := m.Roles[r]
	if !ok && r == AdjustmentsIncrease {
		id, ok = m.Roles[Adjustments]
	}
	return id, ok && id != ""
}

// MapsBranches says whether the organisation maps branches; then it maps all of them.
func (m Mapping) MapsBranches() bool { return len(m.Branches) > 0 }

// Config is everything the machine must know about an organisation, in one item with one version:
// whatever changes it changes Version, and a worker that read an older one starts over
// (../posting/protocol.md, transition 14).
type Config struct {
	Org       string    `json:"org"`
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	Settings  Settings  `json:"settings"`
	Mapping   Mapping   `json:"mapping"`
	Realm     string    `json:"realm"`
	CloseDate date.Date `json:"close_date,omitempty"` // QuickBooks' BookCloseDate as last read

	// What the machine notes. It keeps its value through PutConfig and does not change Version, since no plan depends on it.
	PauseUntil  time.Time   `json:"pause_until,omitzero"`  // no request to QuickBooks before this
	Grants      int64       `json:"grants"`                // how many times QuickBooks was connected
	Relinks     int64       `json:"-"`                     // how many times a person linked a case or business anew; counted together with the link
	BrokenSince time.Time   `json:"broken_since,omitzero"` // QuickBooks refuses the grant: nothing is sent until somebody reconnects
	Sweeps      []time.Time `json:"sweeps,omitempty"`      // when entries that waited for a change of this item are looked for again

	Freeing *Freeing `json:"freeing,omitempty"` // what a person asked to be let go with a change of settings; gone with the last sweep
}

// Company is an organisation's QuickBooks company: whose books a call to QuickBooks is about. The ids of accounts, names and entries mean nothing in
// any other.
type Company struct{ Org, Realm string }

// Company is the company that the organisation is connected to; without a realm it never was.
func (c Config) Company() Company { return Company{Org: c.Org, Realm: c.Realm} }

// Connected says whether QuickBooks takes the organisation's requests, as far as we know.
func (c Config) Connected() bool { return c.Realm != "" && c.BrokenSince.IsZero() }

// Connection is what people may know of an organisation's grant; the tokens themselves are secrets.
type Connection struct {
	Org         string    `json:"-"`
	Rev         int64     `json:"-"` // +1 at every write
	Realm       string    `json:"realm"`
	Company     string    `json:"company"`
	By          string    `json:"connected_by"`
	At          time.Time `json:"connected_at"`
	RefreshedAt time.Time `json:"refreshed_at"`
	RollingEnd  time.Time `json:"rolling_end"`              // the grant ends then unless it is refreshed before
	HardEnd     time.Time `json:"hard_end,omitzero"`        // the grant ends then whatever is done
	EndedAt     time.Time `json:"disconnected_at,omitzero"` // a person disconnected it
	EndedBy     string    `json:"disconnected_by,omitempty"`
}

// End is when the grant ends unless something is done; zero when that is not known.
func (c Connection) End() time.Time {
	if c.RollingEnd.IsZero() || !c.HardEnd.IsZero() && c.HardEnd.Before(c.RollingEnd) {
		return c.HardEnd
	}
	return c.RollingEnd
}

// Flag is a click on Add to Accounting Export: from then on the page of the case flows.
type Flag struct {
	Org    string       `json:"org"`
	Case   string       `json:"case"`
	Page   passare.Page `json:"page"`
	By     string       `json:"by"`
	At     time.Time    `json:"at,omitzero"` // when it was clicked
	Sweeps []time.Time  `json:"sweeps,omitempty"`
}

// ID names a flag inside its organisation.
func (f Flag) ID() string { return f.Case + "#" + string(f.Page) }
