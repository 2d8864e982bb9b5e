package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// Reviewer is the desk where entries are reviewed (package review).
type Reviewer interface {
	List(ctx context.Context, org, tab string, after intlog.Mark, limit int) ([]intlog.Entry, *intlog.Mark, error)
	Entry(ctx context.Context, key intlog.Key) (review.Detail, error)
	Sync(ctx context.Context, key intlog.Key, who string) (intlog.Entry, bool, error)
}

// Entries serves the Integration log: GET /v1/entries, GET /v1/entries/{id}, POST /v1/entries/{id}/sync.
type Entries struct {
	Gate
	Desk Reviewer
}

// Register adds the routes.
func (h *Entries) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/entries", h.open(org.SeeLog, h.list))
	mux.HandleFunc("GET /v1/entries/{id}", h.open(org.SeeLog, h.get))
	mux.HandleFunc("POST /v1/entries/{id}/sync", h.open(org.SeeLog, h.sync))
}

// row is an entry in a list.
type row struct {
	ID          string         `json:"id"`
	Type        string         `json:"transaction_type"`
	Case        *caseRow       `json:"case,omitempty"`
	Date        string         `json:"date,omitempty"`
	Amount      string         `json:"amount"`
	State       intlog.State   `json:"state"`
	Sentence    string         `json:"sentence,omitempty"`
	Why         string         `json:"why,omitempty"`
	NextAttempt *time.Time     `json:"next_attempt,omitempty"`
	NeededFrom  string         `json:"needed_from,omitempty"`
	Next        string         `json:"next,omitempty"` // what happens next, in one sentence
	QuickBooks  []quickBooksID `json:"quickbooks"`
}

type caseRow struct {
	ID       string `json:"id"`
	Number   string `json:"number"`
	Decedent string `json:"decedent,omitempty"`
}

type quickBooksID struct {
	ID        string `json:"id"`
	DocNumber string `json:"doc_number"`
}

func rowOf(e intlog.Entry) row {
	r := row{
		ID: e.ID(), Type: e.Kind, Date: string(e.Date), Amount: e.Amount.String(), State: e.State, Sentence: e.Sentence, Why: e.Why,
		QuickBooks: []quickBooksID{},
	}
	if e.Case != "" {
		r.Case = &caseRow{ID: e.Case, Number: e.CaseNo, Decedent: e.Name}
	}
	next := e.Outlook()
	r.NextAttempt, r.NeededFrom, r.Next = known(next.At), next.Who, next.Says
	for _, p := range e.Postings {
		if p.QuickBooksID != "" {
			r.QuickBooks = append(r.QuickBooks, quickBooksID{ID: p.QuickBooksID, DocNumber: p.Doc})
		}
	}
	return r
}

// defaultPage is how many rows a list has when nobody says.
const defaultPage = 50

func (h *Entries) list(w http.ResponseWriter, r *http.Request, p org.Person) error {
	query := r.URL.Query()
	tab, limit := query.Get("tab"), defaultPage
	if tab == "" {
		tab = "all"
	}
	if s := query.Get("limit"); s != "" {
		var err error
		if limit, err = strconv.Atoi(s); err != nil {
			limit = 0
		}
	}
	after, err := parseCursor(p.Org, query.Get("cursor"))
	if err != nil {
		return err
	}
	entries, next, err := h.Desk.List(r.Context(), p.Org, tab, after, limit)
	if err != nil {
		return err
	}
	answer := struct {
		Entries []row  `json:"entries"`
		Next    string `json:"next,omitempty"`
	}{Entries: []row{}}
	for _, e := range entries {
		answer.Entries = append(answer.Entries, rowOf(e))
	}
	if next != nil {
		answer.Next = cursor(*next)
		query.Set("cursor", answer.Next)
		w.Header().Set("Link", "</v1/entries?"+query.Encode()+`>; rel="next"`)
	}
	write(w, http.StatusOK, "application/json", answer)
	return nil
}

// detail is an entry with everything about it.
type detail struct {
	row
	Problems []rules.Problem  `json:"problems"`
	Warnings []string         `json:"warnings"`
	Journal  []journalRow     `json:"journal_entries"`
	Attempts []intlog.Attempt `json:"attempts"`
	History  []intlog.Step    `json:"history"`
	Versions []row            `json:"versions"`
	Refused  []twin           `json:"refused_deliveries"`
}

type journalRow struct {
	DocNumber  string    `json:"doc_number"`
	Date       string    `json:"date"`
	QuickBooks string    `json:"quickbooks_id,omitempty"`
	Lines      []lineRow `json:"lines"`
}

type lineRow struct {
	Side        journal.Side `json:"side"`
	Amount      string       `json:"amount"`
	Account     string       `json:"account"` // QuickBooks account id
	Name        string       `json:"name,omitempty"`
	NameKind    string       `json:"name_kind,omitempty"`
	Class       string       `json:"class,omitempty"`
	Location    string       `json:"location,omitempty"`
	Description string       `json:"description,omitempty"`
}

// twin is a delivery for the same record that was not taken.
type twin struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

func (h *Entries) get(w http.ResponseWriter, r *http.Request, p org.Person) error {
	key, err := intlog.ParseKey(p.Org, r.PathValue("id"))
	if err != nil {
		return err
	}
	d, err := h.Desk.Entry(r.Context(), key)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", tag(d.Entry.Rev))
	write(w, http.StatusOK, "application/json", detailOf(d))
	return nil
}

func detailOf(d review.Detail) detail {
	e := d.Entry
	x := detail{
		row: rowOf(e), Problems: append([]rules.Problem{}, e.Cause...), Warnings: append([]string{}, e.Warnings...), Journal: []journalRow{},
		Attempts: append([]intlog.Attempt{}, e.Attempts...), History: append([]intlog.Step{}, e.History...), Versions: []row{}, Refused: []twin{},
	}
	for _, p := range e.Postings {
		j := journalRow{DocNumber: p.Doc, Date: string(p.Date), QuickBooks: p.QuickBooksID, Lines: []lineRow{}}
		for _, l := range (rules.Planned{Movements: p.Movements}).Lines() {
			j.Lines = append(j.Lines, lineOf(l))
		}
		x.Journal = append(x.Journal, j)
	}
	for _, v := range d.Versions {
		x.Versions = append(x.Versions, rowOf(v))
	}
	for _, q := range d.Twins {
		x.Refused = append(x.Refused, twin{At: q.At, Reason: q.Reason.Message})
	}
	return x
}

func lineOf(l journal.Line) lineRow {
	x := lineRow{
		Side: l.Side, Amount: l.Amount.String(), Account: l.Place.Account, Class: l.Place.Class, Location: l.Place.Location, Description: l.Description,
	}
	if n := l.Place.Name; n != nil {
		x.Name, x.NameKind = n.Display, string(n.Kind)
	}
	return x
}

func (h *Entries) sync(w http.ResponseWriter, r *http.Request, p org.Person) error {
	key, err := intlog.ParseKey(p.Org, r.PathValue("id"))
	if err != nil {
		return err
	}
	e, changed, err := h.Desk.Sync(r.Context(), key, p.Name)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if changed {
		status = http.StatusAccepted
	}
	w.Header().Set("ETag", tag(e.Rev))
	write(w, status, "application/json", rowOf(e))
	return nil
}
