package httpapi

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// Books is the address of QuickBooks' own pages, without a slash at the end: that of QuickBooks for companies, or of its sandbox.
type Books string

// The two addresses.
const (
	LiveBooks    Books = "https://app.qbo.intuit.com"
	SandboxBooks Books = "https://app.sandbox.qbo.intuit.com"
)

// BooksOf are the pages that belong to an address of QuickBooks' API: companies of the sandbox have pages of their own.
func BooksOf(api string) Books {
	if strings.Contains(api, "sandbox") {
		return SandboxBooks
	}
	return LiveBooks
}

// entry is the page of a journal entry; empty for one that is not in QuickBooks. The browser must be signed in to the company that has it.
func (b Books) entry(id string) string {
	if b == "" || id == "" {
		return ""
	}
	return string(b) + "/app/journal?txnId=" + url.QueryEscape(id)
}

// Surroundings reads what stands around an entry (review.Reader).
type Surroundings interface {
	Around(ctx context.Context, e intlog.Entry) (review.Around, error)
}

// troubleRow is a problem of an entry, with what happens once it is taken away.
type troubleRow struct {
	rules.Problem
	Next string `json:"next" doc:"What happens once it is taken away."`
}

func troublesOf(problems []rules.Problem) []troubleRow {
	rows := make([]troubleRow, 0, len(problems))
	for _, p := range problems {
		rows = append(rows, troubleRow{Problem: p, Next: intlog.AfterFix(p.Kind)})
	}
	return rows
}

// plannedRow is what would be posted now.
type plannedRow struct {
	Sentence string       `json:"sentence"`
	Journal  []journalRow `json:"journal_entries" nullable:"false"`
	Excluded string       `json:"not_posted_because,omitempty" doc:"Why nothing would be posted."`
}

func plannedOf(p rules.Plan) *plannedRow {
	row := &plannedRow{Sentence: p.Sentence, Excluded: p.Excluded, Journal: []journalRow{}}
	for _, planned := range p.Entries {
		j := journalRow{Date: string(planned.Date), Lines: linesOf(planned.Netted())}
		for _, fact := range planned.Facts {
			j.Original = append(j.Original, string(fact))
		}
		row.Journal = append(row.Journal, j)
	}
	return row
}

// otherRow is another record that the entry waits for, or that posts its money, with its newest entry.
type otherRow struct {
	Record     string         `json:"record"`
	Entry      string         `json:"entry,omitempty" doc:"Its newest entry; absent when Passare has not sent it yet."`
	State      intlog.State   `json:"state,omitempty"`
	Sentence   string         `json:"sentence,omitempty"`
	Link       string         `json:"href,omitempty"`
	QuickBooks []quickBooksID `json:"quickbooks" nullable:"false"`
}

func othersOf(others []review.Other, books Books) []otherRow {
	rows := []otherRow{}
	for _, o := range others {
		row := otherRow{Record: o.Record.String(), QuickBooks: []quickBooksID{}}
		if e := o.Newest; e != nil {
			row.Entry, row.State, row.Sentence, row.Link = e.ID(), e.State, e.Sentence, entryPath(e.ID())
			row.QuickBooks = booksOf(*e, books)
		}
		rows = append(rows, row)
	}
	return rows
}

func entryPath(id string) string { return "/v1/entries/" + url.PathEscape(id) }

// booksOf are the journal entries that QuickBooks has of an entry, each with its page.
func booksOf(e intlog.Entry, books Books) []quickBooksID {
	list := []quickBooksID{}
	for _, p := range e.Postings {
		if p.QuickBooksID != "" {
			list = append(list, quickBooksID{ID: p.QuickBooksID, DocNumber: p.Doc, URL: books.entry(p.QuickBooksID)})
		}
	}
	return list
}

// postedOf is a posting as it was stored before it was sent.
func postedOf(p intlog.Posting, books Books) journalRow {
	j := journalRow{
		DocNumber: p.Doc, Date: string(p.Date), QuickBooks: p.QuickBooksID, URL: books.entry(p.QuickBooksID), Refused: p.Closed,
		Lines: linesOf((rules.Planned{Movements: p.Movements}).Netted()),
	}
	seen := map[string]bool{string(p.Date): true, "": true}
	for _, m := range p.Movements {
		if on := string(m.Fact); !seen[on] {
			seen[on] = true
			j.Original = append(j.Original, on)
		}
	}
	return j
}

// Charts knows the names of the connected company's accounts, by their ids (package setup).
type Charts interface {
	AccountNames(ctx context.Context, org string) (map[string]string, error)
}

// nameAccounts gives the lines of journal entries the names of their accounts.
func nameAccounts(entries []journalRow, names map[string]string) {
	for _, e := range entries {
		for i := range e.Lines {
			e.Lines[i].AccountName = names[e.Lines[i].Account]
		}
	}
}

func linesOf(lines []journal.Netted) []lineRow {
	rows := make([]lineRow, 0, len(lines))
	for _, l := range lines {
		row := lineOf(l.Line)
		row.GLAccount, row.Role = originOf(l.From)
		rows = append(rows, row)
	}
	return rows
}

// originOf is where a line comes from: Passare's GL account, or the role by which it has its account where there is none.
func originOf(from []string) (glAccount, role string) {
	var accounts, roles []string
	for _, f := range from {
		if gl, ok := strings.CutPrefix(f, "gl:"); ok {
			accounts = append(accounts, gl)
			continue
		}
		roles = append(roles, f)
	}
	return strings.Join(accounts, "; "), strings.Join(roles, "; ")
}

// shorter is the beginning of a text, for a list; details have it whole.
func shorter(text string) string {
	const most = 120
	if clipped := journal.Clip(text, most); clipped != text {
		return clipped + "…"
	}
	return text
}

// surround adds what stands around the entry.
func (x *detail) surround(e intlog.Entry, a review.Around, books Books) {
	x.Problems, x.Others = troublesOf(a.Problems), othersOf(a.Others, books)
	if a.Plan != nil {
		x.Planned = plannedOf(*a.Plan)
		x.Sentence = cmp.Or(e.Sentence, a.Plan.Sentence, x.Sentence)
		if len(x.Warnings) == 0 {
			x.Warnings = append(x.Warnings, a.Plan.Warnings...)
		}
	}
}
