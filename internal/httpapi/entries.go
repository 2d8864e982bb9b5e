package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
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

// Entries serves the Integration log.
type Entries struct{ Desk Reviewer }

// Register adds the calls.
func (h *Entries) Register(a *API) {
	register(a, call{
		id: "list-entries", method: http.MethodGet, path: "/v1/entries", tag: logTag, needs: org.SeeLog,
		summary: "Lists entries of the Integration log, newest first", about: "The next page is `next`, and the header Link.", answer: exampleList(),
	}, h.list)
	register(a, call{
		id: "get-entry", method: http.MethodGet, path: "/v1/entries/{id}", tag: logTag, needs: org.SeeLog,
		summary: "Everything about one entry", answer: exampleDetail(),
	}, h.get)
	register(a, call{
		id: "sync-entry", method: http.MethodPost, path: "/v1/entries/{id}/sync", tag: logTag, needs: org.SeeLog,
		summary: "Sends an entry to QuickBooks", about: "202 with the entry; 200 with it when it is on its way or there already; 409 says why it cannot go.",
		status: http.StatusAccepted, also: []int{http.StatusOK}, fails: []fault.Code{fault.Conflict, fault.Stale}, answer: exampleRow(),
	}, h.sync)
}

const logTag = "Integration log"

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

// Row is its name where it is embedded: only what is exported is described.
type Row = row

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

// listInput is what a list is asked for.
type listInput struct {
	Tab    string `query:"tab" default:"all" enum:"pending,errors,held,synced,all" doc:"The tab of the Integration log."`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"How many a page has."`
	Cursor string `query:"cursor" maxLength:"1000" doc:"The place after which the page begins: next of the page before."`
}

type listOutput struct {
	Link string `header:"Link"`
	Body listBody
}

type listBody struct {
	Entries []row  `json:"entries" nullable:"false"`
	Next    string `json:"next,omitempty" doc:"The cursor of the next page; absent on the last."`
}

func (h *Entries) list(ctx context.Context, p org.Person, in *listInput) (*listOutput, error) {
	after, err := parseCursor(p.Org, in.Cursor)
	if err != nil {
		return nil, err
	}
	entries, next, err := h.Desk.List(ctx, p.Org, in.Tab, after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &listOutput{Body: listBody{Entries: []row{}}}
	for _, e := range entries {
		out.Body.Entries = append(out.Body.Entries, rowOf(e))
	}
	if next != nil {
		out.Body.Next = cursor(*next)
		query := url.Values{"tab": {in.Tab}, "limit": {strconv.Itoa(in.Limit)}, "cursor": {out.Body.Next}}
		out.Link = "</v1/entries?" + query.Encode() + `>; rel="next"`
	}
	return out, nil
}

// detail is an entry with everything about it.
type detail struct {
	Row
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

// entryInput names an entry.
type entryInput struct {
	ID string `path:"id" maxLength:"500" example:"payment.p1.1" doc:"The id of an entry."`
}

type detailOutput struct {
	ETag string `header:"ETag"`
	Body detail
}

func (h *Entries) get(ctx context.Context, p org.Person, in *entryInput) (*detailOutput, error) {
	key, err := intlog.ParseKey(p.Org, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := h.Desk.Entry(ctx, key)
	if err != nil {
		return nil, err
	}
	return &detailOutput{ETag: tag(d.Entry.Rev), Body: detailOf(d)}, nil
}

func detailOf(d review.Detail) detail {
	e := d.Entry
	x := detail{
		Row: rowOf(e), Problems: append([]rules.Problem{}, e.Cause...), Warnings: append([]string{}, e.Warnings...), Journal: []journalRow{},
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

type rowOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   row
}

func (h *Entries) sync(ctx context.Context, p org.Person, in *entryInput) (*rowOutput, error) {
	key, err := intlog.ParseKey(p.Org, in.ID)
	if err != nil {
		return nil, err
	}
	e, changed, err := h.Desk.Sync(ctx, key, p.Name)
	if err != nil {
		return nil, err
	}
	out := &rowOutput{Status: http.StatusOK, ETag: tag(e.Rev), Body: rowOf(e)}
	if changed {
		out.Status = http.StatusAccepted
	}
	return out, nil
}
