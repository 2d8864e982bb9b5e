package reconcile

import (
	"context"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// Store is our books, the Integration log, and the proof's own working papers.
type Store interface {
	Config(ctx context.Context, org string) (org.Config, error)
	Record(ctx context.Context, org string, ref passare.Ref) (intlog.Record, error)
	Entry(ctx context.Context, key intlog.Key) (intlog.Entry, error)
	// Update stores an entry if its revision is still the stored one, and gives it the next. Errors: fault.Conflict.
	Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error)
	// ListOldest lists entries of a tab ("all": every one), oldest first, after a mark (none: from the oldest).
	ListOldest(ctx context.Context, org, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error)
	// Listing is a list of the company's as it was read last, for the names of accounts.
	Listing(ctx context.Context, at org.Company, list journal.List) (l journal.Listing, found bool, err error)
	// CompanyOwner says which organisation is connected to a company; empty: none.
	CompanyOwner(ctx context.Context, realm string) (org string, err error)
	Papers
}

// Papers keeps the working papers of a company's proof: small documents, each under a kind and an id.
type Papers interface {
	// Papers reads those of the ids that there are, in the order of the ids; at most 1,000.
	Papers(ctx context.Context, at org.Company, kind string, ids []string) ([]Paper, error)
	// ListPapers lists papers of a kind by their ids, ascending, after one (none: from the first); only open ones, if so asked.
	ListPapers(ctx context.Context, at org.Company, kind, after string, limit int, open bool) ([]Paper, error)
	// PutPaper stores a paper if the stored one has p.Rev (0: there is none), and gives it the next revision. Errors: fault.Conflict.
	PutPaper(ctx context.Context, at org.Company, p Paper) (Paper, error)
	// DropPaper takes a paper away; one that is not there is no error.
	DropPaper(ctx context.Context, at org.Company, kind, id string) error
}

// Paper is one working paper.
type Paper struct {
	Kind string
	ID   string
	Rev  int64
	Open bool   // somebody has to look at it, or something of it is still open: such papers are listed without reading the others
	Body []byte // JSON
}

// Books is QuickBooks (package qbo).
type Books interface {
	// Changes are all journal entries and customers that changed since a time, oldest first.
	Changes(ctx context.Context, at org.Company, since time.Time) (journal.Changes, error)
	// JournalEntries reads entries by their ids, a hundred with one metered read; those that are deleted, or never were, are left out.
	JournalEntries(ctx context.Context, at org.Company, ids []string) ([]journal.BookedEntry, error)
	// JournalEntriesPage reads a page of all of the company's entries, by their ids; page 0 is the first. last: there is no page after it.
	JournalEntriesPage(ctx context.Context, at org.Company, page int) (entries []journal.BookedEntry, last bool, err error)
	// Customers reads customers by their ids, inactive ones, too, a hundred with one metered read.
	Customers(ctx context.Context, at org.Company, ids []string) ([]journal.Debtor, error)
	// CustomersPage reads a page of all of the company's customers, as JournalEntriesPage.
	CustomersPage(ctx context.Context, at org.Company, page int) (customers []journal.Debtor, last bool, err error)
}

// Planner says what is still to be posted of an entry, by the rules that post (package posting).
type Planner interface {
	Preview(ctx context.Context, e intlog.Entry) (rules.Plan, error)
}

// Queue brings entries to the worker.
type Queue interface {
	Send(ctx context.Context, w intlog.Work) error
}

// Requests asks for the proof of an organisation's books: what Run is called with, a moment later.
type Requests interface {
	Request(ctx context.Context, r Request) error
}

// Request is one organisation's turn.
type Request struct {
	Org  string `json:"org"`
	Full bool   `json:"full,omitempty"` // every entry and every customer, not only what changed
	Who  string `json:"who,omitempty"`  // the person who asked; empty: the night
}

// Hint is what QuickBooks says of a change by itself (package webhook). It may be late, doubled or missing, so nothing rests on it: what it names is looked at
// by the next proof even if change data does not tell of it.
type Hint struct {
	Realm     string
	Entity    string // "JournalEntry", "Customer"
	ID        string
	Operation string // "created", "updated", "deleted", "merged", "voided"
	At        time.Time
}

// Hearer takes hints; implemented by Proof.
type Hearer interface {
	// Hear keeps what the next proof has to look at; hints of companies that nobody has connected, and of entities that are not proved, are passed over.
	Hear(ctx context.Context, hints []Hint) error
}

// Reader is what people see of the proof, and what they do about it; implemented by Proof. Every money amount is debit positive.
type Reader interface {
	Nights(ctx context.Context, org string, before date.Date, limit int) ([]Night, error)
	Night(ctx context.Context, org string, on date.Date) (Night, error)
	Ask(ctx context.Context, r Request) error

	Differences(ctx context.Context, org, after string, limit int) (differences []Difference, next string, err error)
	Difference(ctx context.Context, org, id string) (Difference, error)
	Act(ctx context.Context, org, id string, a Act) (Difference, error)

	Case(ctx context.Context, org, caseID string) (CaseProof, error)
	Clearing(ctx context.Context, org string) (Clearing, error)
	CashAdvances(ctx context.Context, org string) (CashAdvances, error)

	Packet(ctx context.Context, org, month string) (Packet, error)
	PacketRows(ctx context.Context, org, month, after string, limit int) (rows []PacketRow, next string, err error)
	CloseMonth(ctx context.Context, org, month, who string, closed bool) (Packet, error)
}
