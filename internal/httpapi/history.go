package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
)

func (h *Reading) registerCases(a *API) {
	register(a, call{
		id: "get-case-history", method: http.MethodGet, path: "/v1/cases/{id}/history", tag: logTag, needs: org.SeeLog,
		summary: "What became of a case's money in QuickBooks, page by page, for Passare's Detailed History pages",
		about: "The organisation's newest 10,000 entries are looked through; `next` leads to what is older. What a check, a batch or an ACH settlement does to the case is on their own entries. " +
			"A case of which nothing is known has empty pages.",
		answer: exampleHistory(),
	}, h.caseHistory)
	register(a, call{
		id: "add-to-accounting-export", method: http.MethodPost, path: "/v1/cases/{id}/pages/{page}/add-to-accounting-export", tag: logTag, needs: org.SeeLog,
		summary: "The button Add to Accounting Export of a case's page: what waits there goes, and from then on the page flows",
		about:   "A repeat changes nothing, and answers who clicked first. 409 while the organisation adds to exports automatically: then there is no button.",
		fails:   []fault.Code{fault.Conflict}, answer: exampleClick(),
	}, h.addToExports)
}

// caseInput names a case.
type caseInput struct {
	ID     string `path:"id" maxLength:"200" example:"case-24-0113" doc:"The case's id in Passare."`
	Cursor string `query:"cursor" maxLength:"1000" doc:"The place in the log after which is looked: next of the answer before."`
}

type historyOutput struct {
	Link string `header:"Link"`
	Body historyBody
}

type historyBody struct {
	Case  caseRow   `json:"case"`
	Pages []pageRow `json:"pages" nullable:"false"`
	Next  string    `json:"next,omitempty" doc:"The cursor of what is older; absent when all was looked at."`
}

// pageRow is a page of a case.
type pageRow struct {
	Page      passare.Page `json:"page" enum:"goods_and_services,payments_and_adjustments"`
	Flows     bool         `json:"flows" doc:"What the page has goes on by itself: the organisation's switch is on, or the button was clicked."`
	Button    bool         `json:"button_visible" doc:"Add to Accounting Export is shown: the organisation's switch is off."`
	ClickedBy string       `json:"clicked_by,omitempty"`
	ClickedAt *time.Time   `json:"clicked_at,omitempty"`
	Syncs     []syncRow    `json:"syncs" nullable:"false" doc:"Newest first."`
}

// syncRow is the QBO sync status of one change.
type syncRow struct {
	Entry      string         `json:"entry"`
	Type       string         `json:"transaction_type"`
	State      intlog.State   `json:"state"`
	At         time.Time      `json:"at" doc:"When it came into this state."`
	Person     string         `json:"person,omitempty" doc:"Who last did something to it."`
	Date       string         `json:"date,omitempty"`
	Amount     string         `json:"amount"`
	Sentence   string         `json:"sentence,omitempty"`
	Why        string         `json:"why,omitempty"`
	Next       string         `json:"next,omitempty" doc:"What happens next."`
	QuickBooks []quickBooksID `json:"quickbooks" nullable:"false"`
}

func (h *Reading) caseHistory(ctx context.Context, p org.Person, in *caseInput) (*historyOutput, error) {
	after, err := parseCursor(p.Org, in.Cursor)
	if err != nil {
		return nil, err
	}
	history, next, err := h.Log.CaseHistory(ctx, p.Org, in.ID, after)
	if err != nil {
		return nil, err
	}
	out := &historyOutput{Body: historyBody{Case: caseRow{ID: history.Case, Number: history.Number, Decedent: history.Decedent}, Pages: []pageRow{}}}
	for _, page := range history.Pages {
		out.Body.Pages = append(out.Body.Pages, h.pageOf(page))
	}
	if next != nil {
		out.Body.Next = cursor(*next)
		out.Link = nextLink("/v1/cases/"+url.PathEscape(in.ID)+"/history", url.Values{"cursor": {out.Body.Next}})
	}
	return out, nil
}

func (h *Reading) pageOf(p review.PageHistory) pageRow {
	row := pageRow{Page: p.Page, Flows: p.Flows, Button: p.Button, Syncs: []syncRow{}}
	if p.Clicked != nil {
		row.ClickedBy, row.ClickedAt = p.Clicked.By, known(p.Clicked.At)
	}
	for _, e := range p.Entries {
		row.Syncs = append(row.Syncs, syncRow{
			Entry: e.ID(), Type: e.Kind, State: e.State, At: e.ChangedAt(), Person: e.Person(), Date: string(e.Date), Amount: e.Amount.String(), Sentence: e.Sentence, Why: e.Why,
			Next: e.Outlook().Says, QuickBooks: booksOf(e, h.Books),
		})
	}
	return row
}

func nextLink(path string, query url.Values) string {
	return "<" + path + "?" + query.Encode() + `>; rel="next"`
}

// pageInput names a page of a case.
type pageInput struct {
	ID   string       `path:"id" minLength:"1" maxLength:"100" example:"case-24-0113" doc:"The case's id in Passare."`
	Page passare.Page `path:"page" enum:"goods_and_services,payments_and_adjustments" doc:"The page of the case."`
}

type clickOutput struct{ Body clickBody }

// clickBody is what a click did.
type clickBody struct {
	Page      passare.Page `json:"page"`
	Flows     bool         `json:"flows"`
	ClickedBy string       `json:"clicked_by,omitempty" doc:"Who clicked first."`
	ClickedAt *time.Time   `json:"clicked_at,omitempty"`
	Released  int          `json:"released" doc:"Entries that waited for this click and go on now."`
}

func (h *Reading) addToExports(ctx context.Context, p org.Person, in *pageInput) (*clickOutput, error) {
	clicked, err := h.Door.AddToExports(ctx, p.Org, in.ID, in.Page, p.Name)
	if err != nil {
		return nil, err
	}
	return &clickOutput{clickBody{Page: in.Page, Flows: true, ClickedBy: clicked.Flag.By, ClickedAt: known(clicked.Flag.At), Released: clicked.Released}}, nil
}

// closedInput is what a list of changes in closed books is asked for.
type closedInput struct {
	Month  string `query:"month" maxLength:"7" example:"2026-03" doc:"The closed month, YYYY-MM; without it, any."`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"How many a page has."`
	Cursor string `query:"cursor" maxLength:"1000" doc:"The place after which the page begins: next of the page before."`
}

type closedOutput struct {
	Link string `header:"Link"`
	Body closedBody
}

type closedBody struct {
	Month   string      `json:"month,omitempty"`
	Moved   string      `json:"moved_amount" doc:"Of this page: what was posted on a later day instead."`
	Held    string      `json:"held_amount" doc:"Of this page: what waits until the books are opened again."`
	Changes []closedRow `json:"changes" nullable:"false"`
	Next    string      `json:"next,omitempty" doc:"The cursor of the next page; absent on the last."`
}

// closedRow is something that happened in closed books.
type closedRow struct {
	Entry     string       `json:"entry"`
	Link      string       `json:"href"`
	Type      string       `json:"transaction_type"`
	Case      *caseRow     `json:"case,omitempty"`
	State     intlog.State `json:"state"`
	Outcome   string       `json:"outcome" enum:"moved,held"`
	Original  []string     `json:"original_dates" nullable:"false" doc:"The days on which it happened."`
	Posted    string       `json:"posted_date,omitempty" doc:"The day on which it stands in QuickBooks."`
	Amount    string       `json:"amount"`
	Person    string       `json:"person,omitempty" doc:"Who last did something to it."`
	Sentence  string       `json:"sentence,omitempty"`
	Problem   string       `json:"problem,omitempty"`
	DocNumber string       `json:"doc_number,omitempty"`
	ID        string       `json:"quickbooks_id,omitempty"`
	URL       string       `json:"quickbooks_url,omitempty"`
}

func (h *Reading) priorPeriod(ctx context.Context, p org.Person, in *closedInput) (*closedOutput, error) {
	after, err := parseCursor(p.Org, in.Cursor)
	if err != nil {
		return nil, err
	}
	changes, next, err := h.Log.PriorPeriod(ctx, p.Org, in.Month, after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &closedOutput{Body: closedBody{Month: in.Month, Changes: []closedRow{}}}
	var moved, held money.Cents
	for _, c := range changes {
		row := closedRowOf(c, h.Books)
		if row.Outcome == "held" {
			held += c.Amount
		} else {
			moved += c.Amount
		}
		out.Body.Changes = append(out.Body.Changes, row)
	}
	out.Body.Moved, out.Body.Held = moved.String(), held.String()
	if next != nil {
		out.Body.Next = cursor(*next)
		query := url.Values{"limit": {strconv.Itoa(in.Limit)}, "cursor": {out.Body.Next}}
		if in.Month != "" {
			query.Set("month", in.Month)
		}
		out.Link = nextLink("/v1/prior-period-changes", query)
	}
	return out, nil
}

func closedRowOf(c review.ClosedChange, books Books) closedRow {
	e := c.Entry
	row := closedRow{
		Entry: e.ID(), Link: entryPath(e.ID()), Type: e.Kind, State: e.State, Outcome: "moved", Original: []string{}, Posted: string(c.Posted), Amount: c.Amount.String(), Person: e.Person(),
		Sentence: e.Sentence, Problem: c.Problem.Text, DocNumber: c.Doc, ID: c.ID, URL: books.entry(c.ID), Case: rowOf(e).Case,
	}
	if c.Posted == "" {
		row.Outcome = "held"
	}
	for _, d := range c.Original {
		row.Original = append(row.Original, string(d))
	}
	return row
}

func exampleHistory() historyBody {
	return historyBody{Case: caseRow{ID: "c1", Number: "24-0113", Decedent: "John Smith"}, Pages: []pageRow{
		{Page: passare.GoodsPage, Button: true, Syncs: []syncRow{}},
		{Page: passare.PaymentsPage, Button: true, Flows: true, ClickedBy: "Ana Diaz", ClickedAt: exampleAt(), Syncs: []syncRow{{
			Entry: "payment.p1.1", Type: "payment.created", State: intlog.Synced, At: *exampleAt(), Person: "Ana Diaz", Date: "2026-03-04", Amount: "1000.00",
			Sentence:   "Check payment created by Ana Diaz: 1,000.00; the family owes 1,000.00 less.",
			QuickBooks: []quickBooksID{{ID: "1234", DocNumber: "24-0113-X5SVZ5YKYV", URL: LiveBooks.entry("1234")}},
		}}},
	}}
}

func exampleClick() clickBody {
	return clickBody{Page: passare.PaymentsPage, Flows: true, ClickedBy: "Ana Diaz", ClickedAt: exampleAt(), Released: 3}
}

func exampleClosed() closedBody {
	return closedBody{Month: "2026-03", Moved: "185.00", Held: "0.00", Changes: []closedRow{{
		Entry: "goods_and_services.g1.2", Link: entryPath("goods_and_services.g1.2"), Type: "goods_and_services.resigned", Case: &caseRow{ID: "c1", Number: "24-0113", Decedent: "John Smith"},
		State: intlog.Synced, Outcome: "moved", Original: []string{"2026-03-30"}, Posted: "2026-04-01", Amount: "185.00", Person: "Ana Diaz",
		Sentence:  "Re-signed by Ana Diaz: flowers 185.00 added; the family owes 185.00 more; dated 3/30/2026, posted on 4/1/2026 because the books are closed.",
		DocNumber: "24-0113-X5SVZ5YKYV", ID: "1234", URL: LiveBooks.entry("1234"),
	}}}
}
