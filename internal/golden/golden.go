// Package golden is the case that was worked out by hand (../rules/accounting.md §9): a demo
// company, twelve events as Passare sends them, and the entries, receivables and balances that
// must come out. Tests and the demo of functions/local read it; nothing that is deployed does.
package golden

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed company.json
var company []byte

//go:embed events.json
var events []byte

//go:embed expected.json
var expected []byte

// Account is an account of the demo company's chart.
type Account struct {
	Name    string `json:"name"`
	Type    string `json:"account_type"`
	SubType string `json:"account_sub_type"`
}

// Company is the demo company: its chart of accounts, and its mapping by account name.
type Company struct {
	Organization string    `json:"organization"`
	Company      string    `json:"company"`
	Accounts     []Account `json:"accounts"`
	Mapping      struct {
		Roles      map[string]string `json:"roles"`
		GLAccounts map[string]string `json:"gl_accounts"`
	} `json:"mapping_by_account_name"`
}

// Entity is the customer or vendor on a line.
type Entity struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// Line is one line of an expected entry.
type Line struct {
	Side    string  `json:"side"`
	Account string  `json:"account"`
	Amount  string  `json:"amount"`
	Entity  *Entity `json:"entity,omitempty"`
}

// Entry is one journal entry that must come out.
type Entry struct {
	Date  string `json:"date"`
	Lines []Line `json:"lines"`
}

// Outcome is what one event must bring.
type Outcome struct {
	Event   string  `json:"event"`
	Type    string  `json:"type"`
	Entries []Entry `json:"entries"`
}

// Expected is everything that must come out.
type Expected struct {
	Receivable []string          `json:"receivable_after_each_event"`
	Balances   map[string]string `json:"balances_at_the_end"`
	Events     []Outcome         `json:"events"`
}

// Case is the golden case.
type Case struct {
	Company  Company
	Events   []json.RawMessage
	Expected Expected
}

// Load reads the case. With expectedJSON it compares against other figures than those built in
// (the demo's own proof that a wrong figure is noticed).
func Load(expectedJSON []byte) (Case, error) {
	if expectedJSON == nil {
		expectedJSON = expected
	}
	var c Case
	for _, part := range []struct {
		raw  []byte
		into any
	}{{company, &c.Company}, {events, &c.Events}, {expectedJSON, &c.Expected}} {
		if err := json.Unmarshal(part.raw, part.into); err != nil {
			return Case{}, fmt.Errorf("golden.Load: %w", err)
		}
	}
	return c, nil
}
