package reconcile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
)

// spot is where an amount stands in QuickBooks: ids.
type spot struct {
	Date     date.Date `json:"d"`
	Account  string    `json:"a"`
	Name     string    `json:"n,omitempty"` // "Customer/12"
	Class    string    `json:"c,omitempty"`
	Location string    `json:"l,omitempty"`
}

// content is what a journal entry comes to, net, debit positive: the order of lines, how an amount is split, and descriptions do not matter.
type content map[spot]money.Cents

// names says by which name a customer or vendor goes, for those that were merged into others.
type names func(id string) string

func asTheyAre(id string) string { return id }

func spotOf(on date.Date, p journal.Place, called names) spot {
	s := spot{Date: on, Account: p.Account, Class: p.Class, Location: p.Location}
	if p.Name != nil {
		s.Name = string(p.Name.Kind) + "/" + called(p.Name.ID)
	}
	return s
}

func (c content) add(s spot, cents money.Cents) {
	if c[s] += cents; c[s] == 0 {
		delete(c, s)
	}
}

func (c content) addMovements(list []journal.Movement, on func(journal.Movement) date.Date, called names) {
	for _, m := range list {
		c.add(spotOf(on(m), m.Place, called), m.Amount)
	}
}

// booked is what QuickBooks has.
func booked(e journal.BookedEntry) content {
	c := content{}
	for _, l := range e.Lines {
		cents := l.Amount
		if l.Side == journal.Credit {
			cents = -cents
		}
		c.add(spotOf(e.Date, l.Place, asTheyAre), cents)
	}
	return c
}

// called is the content with customers by other names.
func (c content) called(n names) content {
	renamed := content{}
	for s, cents := range c {
		if kind, id, ok := strings.Cut(s.Name, "/"); ok {
			s.Name = kind + "/" + n(id)
		}
		renamed.add(s, cents)
	}
	return renamed
}

// minus is by what c has more.
func (c content) minus(other content) content {
	d := maps.Clone(c)
	for s, cents := range other {
		d.add(s, -cents)
	}
	return d
}

// undated is the content whatever the dates.
func (c content) undated() content {
	u := content{}
	for s, cents := range c {
		s.Date = ""
		u.add(s, cents)
	}
	return u
}

// debits is the sum of what is more than zero.
func (c content) debits() money.Cents {
	var sum money.Cents
	for _, cents := range c {
		sum += max(cents, 0)
	}
	return sum
}

// spots are in an order of their own, so that everything said of them is said the same each time.
func (c content) spots() []spot {
	return slices.SortedFunc(maps.Keys(c), func(a, b spot) int {
		return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Location, b.Location))
	})
}

// hash names the content; nothing has the hash "".
func (c content) hash() string {
	if len(c) == 0 {
		return ""
	}
	var text strings.Builder
	for _, s := range c.spots() {
		fmt.Fprintf(&text, "%q %d\n", s, c[s])
	}
	return short(text.String())
}

// short is a name of a text, in 16 characters.
func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// amounts is a content as a working paper has it.
type amounts []amount

type amount struct {
	spot
	Cents money.Cents `json:"x"`
}

func (c content) amounts() amounts {
	list := make(amounts, 0, len(c))
	for _, s := range c.spots() {
		list = append(list, amount{s, c[s]})
	}
	return list
}

func (list amounts) content() content {
	c := content{}
	for _, a := range list {
		c.add(a.spot, a.Cents)
	}
	return c
}
