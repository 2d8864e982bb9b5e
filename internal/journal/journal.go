// Package journal is what goes out: journal entries that balance by construction.
//
// A record's books are a list of movements: signed amounts (debit positive) that each keep where
// they come from in Passare (Key), the date of their fact (Leg), and the QuickBooks account, name,
// class and location on which they stand. Movements are what a posting stores; the lines that
// QuickBooks shows are netted from them (Net), and an Entry is made from those lines (New), which
// refuses whatever would not balance. Rules: ../rules/accounting.md §1, §3 "Line rules", §5.
package journal

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/money"
)

// BatchItem is an entry of a request that creates several, and its id in that request.
type BatchItem struct {
	ID    string
	Entry Entry
}

// Outcome is what became of one entry of several: its id in QuickBooks, or why it has none.
type Outcome struct {
	ID  string
	Err error
}

// Side is the side of a line, as QuickBooks spells it.
type Side string

// The two sides.
const (
	Debit  Side = "Debit"
	Credit Side = "Credit"
)

// NameKind is the kind of a name on a line, as QuickBooks spells it.
type NameKind string

// The two kinds of names that entries carry.
const (
	Customer NameKind = "Customer"
	Vendor   NameKind = "Vendor"
)

// Name is the customer or vendor on a line. Key is Passare's own identity for it: a case id, or
// a business ("business:" + Rolodex id). ID is the QuickBooks id, empty until matched.
type Name struct {
	Kind    NameKind `json:"kind"`
	Key     string   `json:"key"`
	ID      string   `json:"id,omitempty"`
	Display string   `json:"display,omitempty"`
	Number  string   `json:"-"` // case number or Rolodex id, to tell two of one name apart
}

// Place is where an amount stands in QuickBooks: ids of account, name, class and location
// (department). A line keeps its place until Passare's own account, case or branch for it changes
// (accounting.md §1.6).
type Place struct {
	Account  string `json:"account"`
	Name     *Name  `json:"name,omitempty"`
	Class    string `json:"class,omitempty"`
	Location string `json:"location,omitempty"`
}

// Key is where an amount comes from in Passare's own terms (accounting.md §1.2).
type Key struct {
	Leg     string `json:"leg,omitempty"`    // the fact: "receipt", "return/ret-1", "check/2001"; lines of different legs are not netted, receivables excepted
	Fact    string `json:"fact,omitempty"`   // which of several facts of one leg: the printing of a check by the version that brought it
	Part    string `json:"part,omitempty"`   // item, discount or tax id, member, or "" for the whole
	Account string `json:"account"`          // a role ("accounts_receivable", "bank:operating") or "gl:" + Passare GL account
	Case    string `json:"case,omitempty"`   // case id
	Vendor  string `json:"vendor,omitempty"` // key of the business on the line
	Branch  string `json:"branch,omitempty"` // branch id
}

// Movement is a signed amount with its origin, the date of its fact, and its place.
type Movement struct {
	Key         Key         `json:"key"`
	Fact        date.Date   `json:"fact"` // the fact's own date; the entry's date differs when books were closed
	Amount      money.Cents `json:"amount"`
	Place       Place       `json:"place"`
	Description string      `json:"description,omitempty"`
}

// Line is one line of an entry: a positive amount on one side.
type Line struct {
	Side        Side        `json:"side"`
	Amount      money.Cents `json:"amount"`
	Place       Place       `json:"place"`
	Description string      `json:"description,omitempty"`
}

// Entry is a journal entry that balances: at least two lines, each positive, debits equal credits.
// It can only be made by New.
type Entry struct {
	date  date.Date
	doc   string
	note  string
	lines []Line
}

// Limits of QuickBooks (../qbosim/quickbooks.md, Journal entries) that New holds.
const (
	MaxDocNumber   = 21    // characters of DocNumber
	MaxNote        = 4000  // characters of PrivateNote
	MaxDescription = 4000  // characters of a line's description
	MaxLines       = 10000 // lines of one entry
)

// New makes an entry or says why these lines are none. Errors: fault.Invalid.
func New(on date.Date, doc, note string, lines []Line) (Entry, error) {
	var wrong []fault.Field
	add := func(field, format string, args ...any) {
		wrong = append(wrong, fault.Field{Field: field, Problem: fmt.Sprintf(format, args...)})
	}
	if on == "" {
		add("date", "is missing")
	}
	if n := len([]rune(doc)); n == 0 || n > MaxDocNumber {
		add("doc_number", "must have 1 to %d characters", MaxDocNumber)
	}
	if len(lines) < 2 || len(lines) > MaxLines {
		add("lines", "must be 2 to %d, not %d", MaxLines, len(lines))
	}
	var sum money.Cents
	for i, l := range lines {
		field := fmt.Sprintf("lines[%d]", i)
		switch {
		case l.Amount <= 0:
			add(field, "must be more than zero, not %s", l.Amount)
		case l.Place.Account == "":
			add(field, "has no account")
		case l.Side == Debit:
			sum += l.Amount
		case l.Side == Credit:
			sum -= l.Amount
		default:
			add(field, "has no side")
		}
	}
	if sum != 0 {
		add("lines", "debits and credits differ by %s", sum.Abs())
	}
	if wrong != nil {
		return Entry{}, fmt.Errorf("journal.New: %w", &fault.Error{Code: fault.Invalid, Message: "These lines do not make a journal entry.", Fields: wrong})
	}
	return Entry{date: on, doc: doc, note: Clip(note, MaxNote), lines: append([]Line(nil), lines...)}, nil
}

// Date is the entry's accounting date (TxnDate).
func (e Entry) Date() date.Date { return e.date }

// DocNumber is the entry's number, unique in its company.
func (e Entry) DocNumber() string { return e.doc }

// Note is the bookkeeper's sentence and the machine mark (PrivateNote).
func (e Entry) Note() string { return e.note }

// Lines are the entry's lines, debits first.
func (e Entry) Lines() []Line { return append([]Line(nil), e.lines...) }

// Netted is a line, and where its amounts come from in Passare's own terms: Key.Account of what was netted into it, each once.
type Netted struct {
	Line
	From []string
}

// Net turns movements into lines: amounts of the same leg, part, fact's account and place become
// one line; receivables (role) become one line per place, whatever their leg; what comes to zero
// disappears. Debits come first, and on each side the receivable; otherwise movements keep their order.
func Net(receivable string, movements []Movement) []Line {
	netted := NetFrom(receivable, movements)
	lines := make([]Line, 0, len(netted))
	for _, n := range netted {
		lines = append(lines, n.Line)
	}
	return lines
}

// NetFrom is Net, with where each line comes from.
func NetFrom(receivable string, movements []Movement) []Netted {
	type group struct {
		leg, part, account, name, class, location string
	}
	type net struct {
		amount      money.Cents
		movement    Movement
		description []string
		from        []string
	}
	order := make([]*net, 0, len(movements))
	groups := make(map[group]*net, len(movements))
	for _, m := range movements {
		g := group{account: m.Place.Account, class: m.Place.Class, location: m.Place.Location}
		if m.Place.Name != nil {
			g.name = string(m.Place.Name.Kind) + "/" + m.Place.Name.ID + "/" + m.Place.Name.Key
		}
		if m.Key.Account != receivable {
			g.leg, g.part = m.Key.Leg, m.Key.Part
		}
		n, ok := groups[g]
		if !ok {
			n = &net{movement: m}
			groups[g] = n
			order = append(order, n)
		}
		n.amount += m.Amount
		if !contains(n.from, m.Key.Account) {
			n.from = append(n.from, m.Key.Account)
		}
		if m.Description != "" && len(n.description) < 5 && !contains(n.description, m.Description) {
			n.description = append(n.description, m.Description)
		}
	}
	lines := make([]Netted, 0, len(order))
	for _, side := range []Side{Debit, Credit} {
		for _, first := range []bool{true, false} {
			for _, n := range order {
				if n.amount == 0 || (n.amount > 0) != (side == Debit) || (n.movement.Key.Account == receivable) != first {
					continue
				}
				lines = append(lines, Netted{From: n.from, Line: Line{
					Side: side, Amount: n.amount.Abs(), Place: n.movement.Place,
					Description: Clip(strings.Join(n.description, "; "), MaxDescription),
				}})
			}
		}
	}
	return lines
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Sum is Σ of the movements, zero for every list that balances.
func Sum(movements []Movement) money.Cents {
	var sum money.Cents
	for _, m := range movements {
		sum += m.Amount
	}
	return sum
}

// DocNumber makes the number of a posting: what a person would look for (check, case or batch
// number, cut to 10 characters) and ten characters derived from the posting's identity, which make
// it unique in the company (accounting.md §5; 50 bits: one chance in a million of any clash at 50,000
// entries, and a clash is refused by the mark in the note, never adopted).
func DocNumber(reference, identity string) string {
	sum := sha256.Sum256([]byte(identity))
	suffix := base32.StdEncoding.EncodeToString(sum[:])[:10]
	head := Clip(plain(reference), MaxDocNumber-len(suffix)-1)
	if head == "" {
		return suffix
	}
	return head + "-" + suffix
}

// plain keeps the letters, digits and dashes of a reference, so that a number is easy to type and to search for.
func plain(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r == '-' || (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') {
			return r
		}
		return -1
	}, s), "-")
}

// Clip cuts a text to at most n characters (runes), never inside one.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n])
}
