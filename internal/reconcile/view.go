package reconcile

import (
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
)

// Night is what one proof found. There is one for each date; another proof of that date, asked for by a person, takes its place.
type Night struct {
	Date    date.Date   `json:"date"` // the day whose books it proves
	State   NightState  `json:"state"`
	Began   time.Time   `json:"began"`
	Ended   time.Time   `json:"ended,omitzero"`
	By      string      `json:"by,omitempty"`    // who asked; empty: the schedule
	Full    bool        `json:"full"`            // every entry and customer was compared, not only what changed
	Why     string      `json:"why"`             // why it was full, or why it could not be done, in one sentence
	Entries int         `json:"entries"`         // journal entries of ours that were compared
	Amount  money.Cents `json:"amount"`          // the sum of their debits
	Done    int         `json:"done"`            // while it runs: records that were proved so far
	Reads   int         `json:"reads"`           // of QuickBooks, metered
	Found   int         `json:"found"`           // differences that are new
	Gone    int         `json:"gone"`            // differences of before that are not there any more
	Open    int         `json:"open"`            // differences that are open at its end
	AtStake money.Cents `json:"at_stake"`        // the sum of their amounts
	Newest  time.Time   `json:"newest,omitzero"` // when the newest of them was found
	Says    string      `json:"says"`            // "All agrees: 214 entries, $182,330.10."
	First   []Told      `json:"first"`           // the open differences, oldest and largest first, at most MaxTold
}

// MaxTold is how many differences a night names.
const MaxTold = 20

// Told is a difference in the list of a night.
type Told struct {
	ID       string      `json:"id"`
	Class    Class       `json:"class"`
	Sentence string      `json:"sentence"`
	Amount   money.Cents `json:"amount"`
	Found    time.Time   `json:"found"`
}

// NightState is how a proof ended.
type NightState string

// The states of a night.
const (
	Agrees  NightState = "agrees"
	Differs NightState = "differs"
	Running NightState = "running"
	Failed  NightState = "failed" // it could not be done: Why says why
)

// Class is what kind of difference it is (../rules/accounting.md §11).
type Class string

// The classes.
const (
	Missing  Class = "missing"    // we say synced, QuickBooks never had it, as far as anybody saw
	Deleted  Class = "deleted"    // QuickBooks had it, and somebody deleted it there
	Doubled  Class = "doubled"    // QuickBooks has it twice
	Changed  Class = "changed"    // QuickBooks has it with other lines
	Moved    Class = "moved date" // QuickBooks has it on another date, and nothing else is other
	Unknown  Class = "unknown"    // an entry, or another transaction, on our accounts that is not ours
	Timing   Class = "timing"     // on its way for less than a day; it goes by itself
	Unposted Class = "unposted"   // not in QuickBooks for more than a day
)

// Classes lists them all.
func Classes() []Class {
	return []Class{Missing, Deleted, Doubled, Changed, Moved, Unknown, Timing, Unposted}
}

// Difference is one thing in which the two books differ.
type Difference struct {
	ID           string      `json:"id"`
	Class        Class       `json:"class"`
	Sentence     string      `json:"sentence"`
	Entry        string      `json:"entry,omitempty"` // id of our entry
	Posting      int         `json:"posting,omitempty"`
	Case         string      `json:"case,omitempty"`
	CaseNo       string      `json:"case_number,omitempty"`
	Name         string      `json:"name,omitempty"` // the decedent, or QuickBooks' customer
	QuickBooksID string      `json:"quickbooks_id,omitempty"`
	Customer     string      `json:"customer,omitempty"` // QuickBooks' id, when it is a customer's balance that differs
	Doc          string      `json:"doc_number,omitempty"`
	Date         date.Date   `json:"date"`
	Amount       money.Cents `json:"amount"` // how much is at stake, without a sign
	Fields       []Field     `json:"fields"` // what differs, field by field
	Found        time.Time   `json:"found"`
	Settled      time.Time   `json:"settled,omitzero"`
	How          string      `json:"how,omitempty"` // how it was settled, in one sentence
	Remedies     []Remedy    `json:"remedies"`      // what can be done, the best first; none: it is settled, or goes by itself
	History      []Done      `json:"history"`
	Seen         string      `json:"seen"` // names what the difference was like when it was read; Act refuses when it is another by now
}

// Field is one field that differs, as people read it.
type Field struct {
	Name   string `json:"name"`
	Ours   string `json:"ours"`
	Theirs string `json:"quickbooks"`
}

// Action is what a person may do about a difference.
type Action string

// The actions.
const (
	Repost  Action = "repost"  // post again what is missing or deleted, as a new journal entry
	Correct Action = "correct" // post the journal entry that brings QuickBooks back to ours
	Reverse Action = "reverse" // post the reversal of the one that is too many
	Accept  Action = "accept"  // QuickBooks' is right: from now on it is what is expected there
	Link    Action = "link"    // another journal entry of QuickBooks is this one: expect it there
	Ignore  Action = "ignore"  // with a reason; it is not told of again unless it changes
)

// Actions lists them all.
func Actions() []Action { return []Action{Repost, Correct, Reverse, Accept, Link, Ignore} }

// Remedy is one thing that can be done about a difference, and what would happen then.
type Remedy struct {
	Action Action         `json:"action"`
	Says   string         `json:"says"`             // what will happen, in one sentence
	Date   date.Date      `json:"date,omitempty"`   // of the journal entry that it posts
	Lines  []journal.Line `json:"lines,omitempty"`  // of that
	Reason bool           `json:"reason,omitempty"` // a reason is needed
}

// Act is what a person chose.
type Act struct {
	Action Action
	Reason string
	Link   string // QuickBooks' id of the journal entry, for Link
	Seen   string // Difference.Seen that the person looked at; empty: whatever it is now
	Who    string
}

// Done is one step of a difference's history.
type Done struct {
	At   time.Time `json:"at"`
	Who  string    `json:"who"`
	What string    `json:"what"` // in words
	Why  string    `json:"why,omitempty"`
	Seen string    `json:"seen,omitempty"` // Difference.Seen for which something was posted
}

// Figures are one amount as three sources have it.
type Figures struct {
	Passare    money.Cents `json:"passare"`    // as Passare's events say, by the rules
	Posted     money.Cents `json:"posted"`     // as our synced entries say
	QuickBooks money.Cents `json:"quickbooks"` // as QuickBooks has those entries
	Accepted   money.Cents `json:"accepted"`   // by how much QuickBooks differs with a person's consent
}

// Agree says whether all three are the same, but for what was accepted.
func (f Figures) Agree() bool { return f.Passare == f.Posted && f.Posted+f.Accepted == f.QuickBooks }

// CaseProof is what a case's family owes, by three sources, record by record.
type CaseProof struct {
	Case      string            `json:"case"`
	CaseNo    string            `json:"case_number"`
	Name      string            `json:"name"`
	Proved    time.Time         `json:"proved"`
	Rows      []CaseRow         `json:"rows"` // oldest first
	Owed      Figures           `json:"owed"`
	Customers []CustomerBalance `json:"customers"` // usually one
	Clearing  []Member          `json:"clearing"`
	Advances  []Advance         `json:"cash_advances"`
	Agrees    bool              `json:"agrees"`
	Says      string            `json:"says"` // in one sentence
}

// CaseRow is a record of a case.
type CaseRow struct {
	Record string    `json:"record"` // "payment/p1"
	What   string    `json:"what"`   // "Payment", "Contract" …
	Date   date.Date `json:"date"`
	Entry  string    `json:"entry"` // id of its newest entry
	Owed   Figures   `json:"owed"`
}

// CustomerBalance is a customer's balance in QuickBooks beside what our entries come to. A customer may carry several cases.
type CustomerBalance struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	Cases   int         `json:"cases"`
	Ours    money.Cents `json:"ours"`    // our entries on accounts receivable, of all its cases
	Others  money.Cents `json:"others"`  // what is not ours, and known: other journal entries, opening balances, what was accepted
	Balance money.Cents `json:"balance"` // as QuickBooks shows it
	Read    time.Time   `json:"read"`
	Agrees  bool        `json:"agrees"`
}

// MaxShown is how many open members or items a view lists; its sums count all.
const MaxShown = 250

// Clearing is what stands on the clearing accounts, member by member.
type Clearing struct {
	Accounts []ClearingAccount `json:"accounts"` // deposits clearing, card clearing, refunds payable
	Credits  []Credit          `json:"credits"`  // families that have paid more than they owe, the largest first, at most MaxShown
	Credited money.Cents       `json:"credited"` // by all of them
}

// ClearingAccount is one of them.
type ClearingAccount struct {
	Role    string      `json:"role"`
	Name    string      `json:"name"` // "Deposits clearing"
	Open    money.Cents `json:"open"`
	Ages    []Age       `json:"ages"`    // 0–7, 8–30, 31–60, 61–90, more than 90 days
	Members []Member    `json:"members"` // what is open, oldest first, at most MaxShown
	More    int         `json:"more"`    // members beyond these
}

// Age is how much has been open for so long.
type Age struct {
	Label   string      `json:"label"`
	Amount  money.Cents `json:"amount"`
	Members int         `json:"members"`
}

// Member is one receipt or refund that went onto a clearing account.
type Member struct {
	Record string      `json:"record"`
	Role   string      `json:"role"`
	Case   string      `json:"case"`
	CaseNo string      `json:"case_number"`
	Name   string      `json:"name"`
	Since  date.Date   `json:"since"`
	Days   int         `json:"days"`
	In     money.Cents `json:"went_in"`
	Out    money.Cents `json:"went_out"`
	Open   money.Cents `json:"open"`
	// QuickBooks is what is open by the entries as QuickBooks has them.
	QuickBooks money.Cents `json:"quickbooks"`
}

// Credit is a family that has paid more than it owes.
type Credit struct {
	Case   string      `json:"case"`
	CaseNo string      `json:"case_number"`
	Name   string      `json:"name"`
	Amount money.Cents `json:"amount"`
}

// CashAdvances is what was collected for others and not paid to them, or the other way round.
type CashAdvances struct {
	Open  money.Cents `json:"open"`  // collected − paid
	Items []Advance   `json:"items"` // what is open, oldest first, at most MaxShown
	More  int         `json:"more"`  // items beyond these
	Ages  []Age       `json:"ages"`
}

// Advance is one item of a contract that is paid to somebody else.
type Advance struct {
	Case      string      `json:"case"`
	CaseNo    string      `json:"case_number"`
	Name      string      `json:"name"`
	Item      string      `json:"item"`   // its description
	Vendor    string      `json:"vendor"` // to whom it was paid; empty: nobody yet
	Collected money.Cents `json:"collected"`
	Paid      money.Cents `json:"paid"`
	Open      money.Cents `json:"open"`
	Since     date.Date   `json:"since"`
	Days      int         `json:"days"`
	// QuickBooks is what is open by the entries as QuickBooks has them.
	QuickBooks money.Cents `json:"quickbooks"`
}

// Packet is a month as the accountant gets it.
type Packet struct {
	Month    string       `json:"month"` // "2026-03"
	Entries  int          `json:"entries"`
	Debits   money.Cents  `json:"debits"`
	Kinds    []PacketKind `json:"kinds"`   // by type of transaction
	Open     []Told       `json:"open"`    // differences that concern the month, at most MaxShown
	Proofs   []PacketSum  `json:"proofs"`  // what stands open now on the accounts that are proved
	Night    string       `json:"night"`   // what the newest proof said
	Changes  []Late       `json:"changes"` // what came into the month after it was marked closed
	Closed   bool         `json:"closed"`
	ClosedBy string       `json:"closed_by,omitempty"`
	ClosedAt time.Time    `json:"closed_at,omitzero"`
	Says     string       `json:"says"`
}

// PacketSum is what stands open on an account.
type PacketSum struct {
	Name string      `json:"name"`
	Open money.Cents `json:"open"`
}

// PacketKind is what one type of transaction came to.
type PacketKind struct {
	What    string      `json:"what"`
	Entries int         `json:"entries"`
	Debits  money.Cents `json:"debits"`
}

// Late is a journal entry that came into a month after somebody had marked it closed.
type Late struct {
	Entry  string      `json:"entry"`
	Doc    string      `json:"doc_number"`
	Date   date.Date   `json:"date"`
	Debits money.Cents `json:"debits"`
	Posted time.Time   `json:"posted"`
}

// PacketRow is one journal line of a month's CSV.
type PacketRow struct {
	Entry, Doc, QuickBooksID string
	What                     string
	Date                     date.Date
	CaseNo, Name             string
	Line                     journal.Line
	InQuickBooks             string // "agrees", or the class of the difference
}
