package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// Actor does what people want with entries (package review).
type Actor interface {
	Do(ctx context.Context, key intlog.Key, deed review.Deed) (e intlog.Entry, changed bool, err error)
	DoAll(ctx context.Context, org string, m review.Many) (review.Report, error)
}

// Acts serves what people do with entries of the Integration log.
type Acts struct{ Desk Actor }

// Register adds the calls.
func (h *Acts) Register(a *API) {
	act := call{
		tag: logTag, needs: org.SeeLog, method: http.MethodPost, status: http.StatusAccepted, also: []int{http.StatusOK},
		fails: []fault.Code{fault.Conflict, fault.Stale}, answer: exampleRow(),
	}
	of := func(id, path, summary, about string) call {
		c := act
		c.id, c.path, c.summary, c.about = id, path, summary, about
		return c
	}
	register(a, of("sync-entry", "/v1/entries/{id}/sync", "Sends an entry to QuickBooks",
		"202 with the entry; 200 with it when it is on its way or there already; 409 says why it cannot go, and who did what."), h.sync)
	retry := of("retry-entry", "/v1/entries/{id}/retry", "Tries an entry again at once that failed or waits",
		"202 with the entry; 200 with it when it is on its way or in QuickBooks already; 409 says why it cannot be tried. An entry that asks for a choice says in "+
			"`problems[].choices` what may be chosen: `whole`, `difference` or `nothing` of what the record should have in QuickBooks; or `post` for a batch whose member is in the opening clearing balance.")
	retry.request = retryBody{Choice: string(rules.Difference)}
	register(a, retry, h.retry)
	register(a, of("restore-entry", "/v1/entries/{id}/restore", "Brings a deleted entry back",
		"It is on its way if auto-sync is on and its page flows, else it waits for review. 202 with the entry; 200 with it when it was restored already; 409 when it is not deleted."), h.restore)
	remove := of("delete-entry", "/v1/entries/{id}", "Deletes an entry of which nothing is in QuickBooks",
		"Its data are kept, with the reason and who gave it, and it can be restored. 202 with the entry; 200 with it when it is deleted already; 409 says why it cannot be deleted.")
	remove.method = http.MethodDelete
	register(a, remove, h.delete)
	register(a, call{
		id: "act-on-entries", method: http.MethodPost, path: "/v1/entries/actions", tag: logTag, needs: org.SeeLog,
		summary: "Does the same to many entries",
		about: "To those named by `ids`, or to those that a `filter` wants, newest first; at most 1,000. Each is done by itself, and has a result: `done`; `already`, when it was so before; `not_possible`, with the reason; " +
			"`not_found`; or `not_begun`, when there was no time left: send the same again. With `dry_run` nothing is changed, and `would` is what is possible. After a failure send the same again, too: what was done is not done twice.",
		request: actionsBody{Action: string(review.Delete), IDs: []EntryID{"payment.p1.1"}, Reason: "Typed by mistake"}, answer: exampleActions(),
	}, h.many)
}

// OnEntry names an entry, and the revision of it that the person saw.
type OnEntry struct {
	Conditional
	ID string `path:"id" maxLength:"500" example:"payment.p1.1" doc:"The id of the entry."`
}

// do does something with the entry that is named.
func (h *Acts) do(ctx context.Context, p org.Person, in OnEntry, deed review.Deed) (*rowOutput, error) {
	key, err := intlog.ParseKey(p.Org, in.ID)
	if err != nil {
		return nil, err
	}
	if deed.IfRev, err = in.rev(); err != nil {
		return nil, err
	}
	deed.Who = p.Name
	e, changed, err := h.Desk.Do(ctx, key, deed)
	if err != nil {
		return nil, err
	}
	out := &rowOutput{Status: http.StatusOK, ETag: tag(e.Rev), Body: rowOf(e)}
	if changed {
		out.Status = http.StatusAccepted
	}
	return out, nil
}

func (h *Acts) sync(ctx context.Context, p org.Person, in *OnEntry) (*rowOutput, error) {
	return h.do(ctx, p, *in, review.Deed{Action: review.Sync})
}

func (h *Acts) restore(ctx context.Context, p org.Person, in *OnEntry) (*rowOutput, error) {
	return h.do(ctx, p, *in, review.Deed{Action: review.Restore})
}

type retryInput struct {
	OnEntry
	Body *retryBody
}

type retryBody struct {
	Choice string `json:"choice,omitempty" enum:"whole,difference,nothing,post" doc:"What to post, if the entry asks."`
}

func (h *Acts) retry(ctx context.Context, p org.Person, in *retryInput) (*rowOutput, error) {
	deed := review.Deed{Action: review.Retry}
	if in.Body != nil {
		deed.Choice = rules.Decision(in.Body.Choice)
	}
	return h.do(ctx, p, in.OnEntry, deed)
}

type deleteInput struct {
	OnEntry
	Reason string `query:"reason" required:"true" minLength:"1" maxLength:"500" example:"Typed by mistake" doc:"Why; it stays in the entry's history."`
}

func (h *Acts) delete(ctx context.Context, p org.Person, in *deleteInput) (*rowOutput, error) {
	return h.do(ctx, p, in.OnEntry, review.Deed{Action: review.Delete, Reason: in.Reason})
}

type actionsInput struct{ Body actionsBody }

// EntryID is the id of an entry in a list of them.
type EntryID string

// Schema describes it.
func (EntryID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MaxLength: new(500)}
}

type actionsBody struct {
	Action string    `json:"action" enum:"sync,retry,delete,restore,undo"`
	IDs    []EntryID `json:"ids,omitempty" maxItems:"1000" doc:"Entries; or else a filter."`
	Filter *Filtered `json:"filter,omitempty" doc:"Which entries are wanted."`
	Reason string    `json:"reason,omitempty" maxLength:"500" doc:"Of delete and undo, which need one."`
	DryRun bool      `json:"dry_run,omitempty" doc:"Only say what would be done."`
}

type actionsOutput struct {
	// Of an answer that asks for the same call again; such an answer is not kept for its Idempotency-Key.
	RetryAfter string `header:"Retry-After"`
	Body       actionsAnswer
}

// actionsAnswer is what became of each entry, and of all.
type actionsAnswer struct {
	Results []resultRow         `json:"results" nullable:"false"`
	Totals  map[string]totalRow `json:"totals" nullable:"false" doc:"By outcome."`
	More    bool                `json:"more" doc:"More entries may fit the filter than these."`
	Says    string              `json:"says"`
}

type resultRow struct {
	ID      string       `json:"id"`
	Outcome string       `json:"outcome" enum:"done,already,not_possible,not_found,would,not_begun"`
	State   intlog.State `json:"state,omitempty"`
	Detail  string       `json:"detail,omitempty"`
}

type totalRow struct {
	Count  int    `json:"count"`
	Amount string `json:"amount"`
}

// answerWithin is how long the gateway waits for an answer, less a second (template.yaml: 30 s).
const answerWithin = 29 * time.Second

func (h *Acts) many(ctx context.Context, p org.Person, in *actionsInput) (*actionsOutput, error) {
	b := in.Body
	m := review.Many{Deed: review.Deed{Action: review.Action(b.Action), Who: p.Name, Reason: b.Reason}, DryRun: b.DryRun}
	for _, id := range b.IDs {
		m.IDs = append(m.IDs, string(id))
	}
	if b.Filter != nil {
		filter, err := b.Filter.filter()
		if err != nil {
			return nil, err
		}
		if filter.Tab == "" {
			filter.Tab = "all"
		}
		m.Filter = &filter
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	report, err := h.Desk.DoAll(ctx, p.Org, m)
	if err != nil {
		return nil, err
	}
	out := &actionsOutput{Body: answerOf(report)}
	if report.Tallies[review.NotBegun].Count > 0 {
		out.RetryAfter = "1"
	}
	return out, nil
}

func answerOf(r review.Report) actionsAnswer {
	a := actionsAnswer{Results: []resultRow{}, Totals: map[string]totalRow{}, More: r.More, Says: r.Says()}
	for _, x := range r.Results {
		a.Results = append(a.Results, resultRow{ID: x.ID, Outcome: string(x.Outcome), State: x.State, Detail: x.Detail})
	}
	for outcome, t := range r.Tallies {
		a.Totals[string(outcome)] = totalRow{Count: t.Count, Amount: t.Amount.String()}
	}
	return a
}

func exampleActions() actionsAnswer {
	return actionsAnswer{
		Results: []resultRow{{ID: "payment.p1.1", Outcome: string(review.Done), State: intlog.Deleted}},
		Totals:  map[string]totalRow{string(review.Done): {Count: 1, Amount: "1000.00"}}, Says: "1 done (1,000.00).",
	}
}
