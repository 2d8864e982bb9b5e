package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// Reviewer is the desk where entries are reviewed (package review).
type Reviewer interface {
	Find(ctx context.Context, org string, f review.Filter, after intlog.Mark, limit int) ([]intlog.Entry, *intlog.Mark, error)
	Entry(ctx context.Context, key intlog.Key) (review.Detail, error)
}

// Entries serves the Integration log.
type Entries struct {
	Desk   Reviewer
	Around Surroundings // none: details have no plan, and only the problems that are stored
	Books  Books        // where people look at an entry in QuickBooks; empty: no links
	Charts Charts       // names of accounts; none: their ids alone
}

// Register adds the calls.
func (h *Entries) Register(a *API) {
	register(a, call{
		id: "list-entries", method: http.MethodGet, path: "/v1/entries", tag: logTag, needs: org.SeeLog,
		summary: "Lists entries of the Integration log", about: "The next page is `next`, and the header Link. A filtered page may have fewer entries than its limit, or none, and still have a next one.", answer: exampleList(),
	}, h.list)
	register(a, call{
		id: "get-entry", method: http.MethodGet, path: "/v1/entries/{id}", tag: logTag, needs: org.SeeLog,
		summary: "Everything about one entry", about: "`journal_entries` is what was sent. For an entry that is not on its way, `planned` is what would be posted now, and `problems` is all that is in its way. " +
			"`related` are the records that it waits for, or that post its money.", answer: exampleDetail(),
	}, h.get)
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
	Group       rules.Kind     `json:"problem_group,omitempty" doc:"Problems that go away the same way are in one group."`
	Problem     string         `json:"problem,omitempty" doc:"The first problem, shortened; details have all of them, whole."`
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
	URL       string `json:"url,omitempty" doc:"Its page in QuickBooks."`
}

func rowOf(e intlog.Entry) row {
	r := row{
		ID: e.ID(), Type: e.Kind, Date: string(e.Date), Amount: e.Amount.String(), State: e.State, Sentence: review.Told(e), Why: e.Why,
		QuickBooks: []quickBooksID{},
	}
	if e.Case != "" {
		r.Case = &caseRow{ID: e.Case, Number: e.CaseNo, Decedent: e.Name}
	}
	if len(e.Cause) > 0 {
		r.Group, r.Problem = e.Cause[0].Kind, shorter(e.Cause[0].Text)
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

// Filtered says which entries are wanted.
type Filtered struct {
	Tab     string `query:"tab" json:"tab,omitempty" default:"all" enum:"pending,errors,held,synced,all" doc:"The tab of the Integration log."`
	Trigger string `query:"trigger" json:"trigger,omitempty" maxLength:"64" example:"payment" doc:"A record type, or one of its events, as payment.created."`
	Case    string `query:"case" json:"case,omitempty" maxLength:"200" doc:"A case's id or number."`
	Branch  string `query:"branch" json:"branch,omitempty" maxLength:"200" doc:"A branch's id."`
	From    string `query:"from" json:"from,omitempty" format:"date" doc:"Accounting date, included."`
	To      string `query:"to" json:"to,omitempty" format:"date" doc:"Accounting date, included."`
	Min     string `query:"amount_min" json:"amount_min,omitempty" maxLength:"20" example:"100.00" doc:"Included."`
	Max     string `query:"amount_max" json:"amount_max,omitempty" maxLength:"20" example:"2500.00" doc:"Included."`
	Query   string `query:"q" json:"q,omitempty" maxLength:"200" doc:"Words that must be in the case number, decedent, sentence, amount or id."`
}

// filter reads the filter. Errors: fault.Invalid with every wrong field.
func (in Filtered) filter() (review.Filter, error) {
	f := review.Filter{Tab: in.Tab, Trigger: in.Trigger, Case: in.Case, Branch: in.Branch, From: date.Date(in.From), To: date.Date(in.To), Query: in.Query}
	var wrong []fault.Field
	amount := func(field, text string) *money.Cents {
		if text == "" {
			return nil
		}
		cents, err := money.Parse(text)
		if err != nil {
			wrong = append(wrong, fault.Field{Field: field, Value: text, Problem: "must be an amount like 100.00"})
		}
		return &cents
	}
	f.Min, f.Max = amount("amount_min", in.Min), amount("amount_max", in.Max)
	if wrong != nil {
		return f, &fault.Error{Code: fault.Invalid, Message: "This list cannot be shown.", Fields: wrong}
	}
	return f, nil
}

// query is the filter as it stands in an address.
func (in Filtered) query() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{
		"tab": in.Tab, "trigger": in.Trigger, "case": in.Case, "branch": in.Branch, "from": in.From, "to": in.To, "amount_min": in.Min, "amount_max": in.Max, "q": in.Query,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// listInput is what a list is asked for.
type listInput struct {
	Filtered
	Sort   string `query:"sort" default:"newest" enum:"newest,oldest" doc:"What comes first."`
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
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	filter.Oldest = in.Sort == "oldest"
	entries, next, err := h.Desk.Find(ctx, p.Org, filter, after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &listOutput{Body: listBody{Entries: []row{}}}
	for _, e := range entries {
		out.Body.Entries = append(out.Body.Entries, rowOf(e))
	}
	if next != nil {
		out.Body.Next = cursor(*next)
		query := in.query()
		query.Set("sort", in.Sort)
		query.Set("limit", strconv.Itoa(in.Limit))
		query.Set("cursor", out.Body.Next)
		out.Link = "</v1/entries?" + query.Encode() + `>; rel="next"`
	}
	return out, nil
}

// detail is an entry with everything about it.
type detail struct {
	Row
	Problems []troubleRow     `json:"problems"`
	Warnings []string         `json:"warnings"`
	Journal  []journalRow     `json:"journal_entries"`
	Planned  *plannedRow      `json:"planned,omitempty" doc:"What would be posted now."`
	Others   []otherRow       `json:"related" nullable:"false"`
	Attempts []intlog.Attempt `json:"attempts"`
	History  []intlog.Step    `json:"history"`
	Versions []row            `json:"versions"`
	Refused  []twin           `json:"refused_deliveries"`
}

type journalRow struct {
	DocNumber  string    `json:"doc_number"`
	Date       string    `json:"date"`
	Original   []string  `json:"original_dates,omitempty" doc:"The days on which it happened, where those are others: their books were closed."`
	QuickBooks string    `json:"quickbooks_id,omitempty"`
	URL        string    `json:"quickbooks_url,omitempty" doc:"Its page in QuickBooks."`
	Refused    bool      `json:"refused,omitempty" doc:"QuickBooks did not take it; another try has another number."`
	Lines      []lineRow `json:"lines"`
}

type lineRow struct {
	Side        journal.Side `json:"side"`
	Amount      string       `json:"amount"`
	Debit       string       `json:"debit,omitempty"`
	Credit      string       `json:"credit,omitempty"`
	GLAccount   string       `json:"gl_account,omitempty" doc:"Passare's GL account."`
	Role        string       `json:"role,omitempty" doc:"By which the line has its account, when it has no GL account."`
	Account     string       `json:"account"`                // QuickBooks account id
	AccountName string       `json:"account_name,omitempty"` // as the chart that was read last has it
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
	shown := detailOf(d, h.Books)
	if h.Around != nil {
		around, err := h.Around.Around(ctx, d.Entry)
		if err != nil {
			return nil, err
		}
		shown.surround(d.Entry, around, h.Books)
	}
	if h.Charts != nil {
		names, err := h.Charts.AccountNames(ctx, p.Org)
		if err != nil {
			return nil, err
		}
		nameAccounts(shown.Journal, names)
		if shown.Planned != nil {
			nameAccounts(shown.Planned.Journal, names)
		}
	}
	return &detailOutput{ETag: tag(d.Entry.Rev), Body: shown}, nil
}

func detailOf(d review.Detail, books Books) detail {
	e := d.Entry
	x := detail{
		Row: rowOf(e), Problems: troublesOf(e.Cause), Warnings: append([]string{}, e.Warnings...), Journal: []journalRow{}, Others: []otherRow{},
		Attempts: append([]intlog.Attempt{}, e.Attempts...), History: append([]intlog.Step{}, e.History...), Versions: []row{}, Refused: []twin{},
	}
	x.QuickBooks = booksOf(e, books)
	for _, p := range e.Postings {
		x.Journal = append(x.Journal, postedOf(p, books))
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
	if l.Side == journal.Debit {
		x.Debit = x.Amount
	} else {
		x.Credit = x.Amount
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
