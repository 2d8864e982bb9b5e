package reconcile

import (
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
)

// state is where the proof of a company is: one paper.
type state struct {
	Began time.Time   `json:"began"` // of the first proof: what stood before it is not ours to prove
	Since time.Time   `json:"since"` // change data is read from here
	Full  time.Time   `json:"full"`  // when everything was compared last
	Mark  intlog.Mark `json:"mark"`  // our entries up to here have been proved once
	Later []string    `json:"later,omitempty"`
	Run   *progress   `json:"run,omitempty"`
}

// progress is a run that is not at its end.
type progress struct {
	Night     date.Date   `json:"night"`
	From      time.Time   `json:"from"` // what QuickBooks changes after this is the next night's
	Phase     phase       `json:"phase"`
	Page      int         `json:"page"`
	Walk      intlog.Mark `json:"walk"`                // our entries up to here are done
	Customers []string    `json:"customers,omitempty"` // whose balances are still to be compared
	Foreign   []string    `json:"foreign,omitempty"`   // journal entries that are not ours and are still to be looked at
}

// phase is a step of a run; each may be done again.
type phase string

const (
	readChanges phase = "changes"  // of QuickBooks since the last night, and hints
	readPages   phase = "pages"    // of all its entries, in a full pass
	readOurs    phase = "ours"     // our entries that no proof has seen, and records that wait; all of them in a full pass
	readOwed    phase = "balances" // of the customers that were touched
)

// seen is a journal entry as QuickBooks had it when it was read last.
type seen struct {
	Doc      string    `json:"doc,omitempty"`
	Lines    amounts   `json:"lines,omitempty"`
	Updated  time.Time `json:"updated"`
	Gone     bool      `json:"gone,omitempty"`
	Fresh    bool      `json:"fresh,omitempty"`    // it is other than when it was proved
	Entry    string    `json:"entry,omitempty"`    // ours: the entry's id
	N        int       `json:"n,omitempty"`        // and its posting
	Was      amounts   `json:"was,omitempty"`      // not ours: what it was when the first proof began
	Opening  bool      `json:"opening,omitempty"`  // not ours, and there when the first proof began
	Accepted *accepted `json:"accepted,omitempty"` // what a person accepted of it; none: nothing
}

// accepted is what a person has accepted that QuickBooks has.
type accepted struct {
	Lines amounts `json:"lines"` // none: that it is gone
}

// known says whether QuickBooks was ever seen to have it.
func (s seen) known() bool { return !s.Updated.IsZero() }

// now is what QuickBooks has of it.
func (s seen) now() content {
	if s.Gone {
		return content{}
	}
	return s.Lines.content()
}

// accepts says whether a person has accepted what QuickBooks has now, whatever its customers were merged into since.
func (s seen) accepts(called names) bool {
	return s.Accepted != nil && len(s.now().called(called).minus(s.Accepted.Lines.content().called(called))) == 0
}

// copies are ids of journal entries that carry the mark of a record's posting and are none of it.
type copies struct {
	IDs []string `json:"ids"`
}

// caseRecord is what the records of a case come to on the accounts that are proved. What has no case is kept by its record.
type caseRecord struct {
	CaseNo string              `json:"no,omitempty"`
	Name   string              `json:"name,omitempty"`
	Proved time.Time           `json:"proved"`
	Rows   map[string]*rowPart `json:"rows"` // by record
}

// rowPart is a record's part of a case.
type rowPart struct {
	What      string                 `json:"what"`
	Date      date.Date              `json:"date"`
	Entry     string                 `json:"entry"`
	Owed      Figures                `json:"owed"`
	Customers map[string]money.Cents `json:"customers,omitempty"` // on accounts receivable in QuickBooks, by its customers; all that our lines name are there, with zero if need be
	Parts     map[string]*part       `json:"parts,omitempty"`     // by "member/deposits_clearing/payment/p1", "item/i1"
}

// part is one member of a clearing account, or one item paid to others, as one record moves it.
type part struct {
	Says   string      `json:"says,omitempty"`   // the item's description
	Vendor string      `json:"vendor,omitempty"` // who was paid
	Since  date.Date   `json:"since"`
	In     money.Cents `json:"in"`  // what went on the account, debit positive
	Out    money.Cents `json:"out"` // what left it
	Theirs money.Cents `json:"theirs"`
}

// customerRecord is a customer's balance, and what it is made of.
type customerRecord struct {
	Name    string                 `json:"name,omitempty"`
	Cases   map[string]money.Cents `json:"cases,omitempty"`  // our entries, as QuickBooks has them
	Others  map[string]money.Cents `json:"others,omitempty"` // by journal entries that are not ours
	Balance money.Cents            `json:"balance"`
	Read    time.Time              `json:"read"`
	Opening money.Cents            `json:"opening"` // what else there is, and is known: from before us, or accepted
	Opened  bool                   `json:"opened,omitempty"`
}

func (c customerRecord) ours() money.Cents   { return sum(c.Cases) }
func (c customerRecord) others() money.Cents { return sum(c.Others) }

// unexplained is what the balance has besides everything that is known.
func (c customerRecord) unexplained() money.Cents {
	return c.Balance - c.ours() - c.others() - c.Opening
}

func sum(by map[string]money.Cents) money.Cents {
	var total money.Cents
	for _, cents := range by {
		total += cents
	}
	return total
}

// merged is a customer that QuickBooks has merged into another one.
type merged struct {
	Into string    `json:"into"`
	At   time.Time `json:"at"`
}

// day has a sixteenth of our journal entries that are dated on it: a busy day is not one large paper.
type day struct {
	Rows map[string]dayRow `json:"rows"` // by QuickBooks' id
}

// dayID names such a paper.
func dayID(on date.Date, quickBooksID string) string {
	return string(on) + "/" + short(quickBooksID)[:1]
}

// dayIDs names all of a day's.
func dayIDs(on date.Date) []string {
	var ids []string
	for _, digit := range "0123456789abcdef" {
		ids = append(ids, string(on)+"/"+string(digit))
	}
	return ids
}

type dayRow struct {
	Entry  string      `json:"entry"`
	N      int         `json:"n"`
	Doc    string      `json:"doc"`
	Kind   string      `json:"kind"`
	CaseNo string      `json:"no,omitempty"`
	Name   string      `json:"name,omitempty"`
	Debits money.Cents `json:"debits"`
	Hash   string      `json:"hash"`
	Posted time.Time   `json:"posted"`
}

// wait is a record that the next proof looks at whatever changes.
type wait struct {
	Groups []string `json:"groups,omitempty"` // cases in which it has a row before anything is posted
}

// pass is a page of a full pass: which entries QuickBooks has.
type pass struct {
	IDs []string `json:"ids"`
}

// closed is a month that a person marked closed.
type closed struct {
	By string    `json:"by,omitempty"`
	At time.Time `json:"at"`
}
