package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
	"github.com/passare/qbo-sync/internal/setup"
)

// entryPage is everything about one entry.
type entryPage struct {
	intlog.Entry
	Says      string
	Warnings  []string
	Problems  []trouble
	Posted    []sheet
	Planned   []sheet
	LeftOut   string // why nothing would be posted
	Acts      []review.Action
	Choices   []rules.Decision
	Others    []review.Other
	Versions  []intlog.Entry
	Twins     []intlog.Quarantined
	OutlookAt intlog.Outlook
}

// trouble is a problem, with what happens once it is taken away.
type trouble struct {
	rules.Problem
	Next string
	Fix  string // where it is put right, for who may
}

// sheet is one journal entry as a bookkeeper reads it.
type sheet struct {
	Doc, Link     string
	Date          date.Date
	Refused       bool
	Lines         []line
	Debit, Credit money.Cents
}

type line struct {
	Account, From, Name, Description, Place string
	Debit, Credit                           money.Cents
}

func (c *Console) entry(w http.ResponseWriter, r *http.Request, p org.Person) {
	d, ok := c.detailOf(w, r, p)
	if !ok {
		return
	}
	around, err := c.Reader.Around(r.Context(), d.Entry)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	names, err := c.Charts.AccountNames(r.Context(), p.Org)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x := entryPage{
		Entry: d.Entry, Says: review.Told(d.Entry), Warnings: d.Entry.Warnings, Acts: review.Possible(d.Entry), Choices: choices(d.Entry), Others: around.Others,
		Versions: d.Versions, Twins: d.Twins, OutlookAt: d.Entry.Outlook(),
	}
	for _, problem := range around.Problems {
		x.Problems = append(x.Problems, trouble{problem, intlog.AfterFix(problem.Kind), fixOf(d.Entry, problem, p)})
	}
	for _, posting := range d.Entry.Postings {
		x.Posted = append(x.Posted, c.postedSheet(posting, names))
	}
	if around.Plan != nil {
		x.Planned, x.LeftOut = plannedSheets(*around.Plan, names), around.Plan.Excluded
		x.Says = cmp.Or(d.Entry.Sentence, around.Plan.Sentence, x.Says)
		if len(x.Warnings) == 0 {
			x.Warnings = around.Plan.Warnings
		}
	}
	c.show(w, r, p, http.StatusOK, "entry", kindOf(d.Entry.Kind), "log", x)
}

// fixOf is where a problem with the mapping is put right: its place in Needs you once the entry waits for it, in Mapping before.
func fixOf(e intlog.Entry, problem rules.Problem, p org.Person) string {
	if problem.Kind != rules.Mapping || !p.May(org.Manage) {
		return ""
	}
	field := setup.Field(problem.Subject)
	if e.State == intlog.Failed {
		return needsPath + "#" + anchorOf(field)
	}
	return mappingPath + "?" + url.Values{"q": {field}}.Encode()
}

// choices is what a failed entry asks a person to choose among.
func choices(e intlog.Entry) []rules.Decision {
	if e.State != intlog.Failed {
		return nil
	}
	return slices.DeleteFunc(rules.Decisions(), func(d rules.Decision) bool { return !rules.Offers(e.Cause, d) })
}

func (c *Console) postedSheet(p intlog.Posting, names map[string]string) sheet {
	s := sheetOf(p.Date, (rules.Planned{Movements: p.Movements}).Netted(), names)
	s.Doc, s.Refused, s.Link = p.Doc, p.Closed, c.journalPage(p.QuickBooksID)
	return s
}

// journalPage is the page of QuickBooks for a journal entry; empty for one that is not there, and when there are no such pages.
func (c *Console) journalPage(id string) string {
	if c.Books == "" || id == "" {
		return ""
	}
	return c.Books + "/app/journal?txnId=" + url.QueryEscape(id)
}

func plannedSheets(p rules.Plan, names map[string]string) []sheet {
	var sheets []sheet
	for _, planned := range p.Entries {
		sheets = append(sheets, sheetOf(planned.Date, planned.Netted(), names))
	}
	return sheets
}

func sheetOf(on date.Date, lines []journal.Netted, names map[string]string) sheet {
	s := sheet{Date: on}
	for _, l := range lines {
		x := line{Account: accountName(l.Place.Account, names), Description: l.Description, From: origin(l.From), Place: place(l.Place)}
		if l.Place.Name != nil {
			x.Name = l.Place.Name.Display
		}
		if l.Side == journal.Debit {
			x.Debit = l.Amount
		} else {
			x.Credit = l.Amount
		}
		s.Debit, s.Credit = s.Debit+x.Debit, s.Credit+x.Credit
		s.Lines = append(s.Lines, x)
	}
	return s
}

// accountName is how a bookkeeper knows an account; its id, when the chart was never read.
func accountName(id string, names map[string]string) string {
	if id == "" {
		return "Not mapped yet"
	}
	return cmp.Or(names[id], "QuickBooks account "+id)
}

// origin is where a line comes from in Passare: its GL account, or what it stands for where there is none.
func origin(from []string) string {
	var names []string
	for _, f := range from {
		name, isAccount := strings.CutPrefix(f, "gl:")
		if !isAccount {
			name = strings.NewReplacer("_", " ", ":", " ").Replace(f)
		}
		names = append(names, name)
	}
	return strings.Join(names, "; ")
}

func place(p journal.Place) string {
	var parts []string
	if p.Class != "" {
		parts = append(parts, "class "+p.Class)
	}
	if p.Location != "" {
		parts = append(parts, "location "+p.Location)
	}
	return strings.Join(parts, ", ")
}
