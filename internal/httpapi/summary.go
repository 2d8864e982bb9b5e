package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// LogReader reads the log for people (package review).
type LogReader interface {
	Summary(ctx context.Context, org string) (review.Summary, error)
	Export(ctx context.Context, org string, f review.Filter, ids []string, after intlog.Mark, visit func(review.Exported) bool) (*intlog.Mark, error)
	CaseHistory(ctx context.Context, org, caseID string, after intlog.Mark) (review.CaseHistory, *intlog.Mark, error)
	PriorPeriod(ctx context.Context, org, month string, after intlog.Mark, limit int) ([]review.ClosedChange, *intlog.Mark, error)
}

// Connections says what is known of a connection (package grant).
type Connections interface {
	View(ctx context.Context, org string) (grant.View, error)
}

// Door is where events come in and buttons of Passare's pages are clicked (package intake).
type Door interface {
	Foresee(ctx context.Context, org string, raw []byte) (intlog.Entry, error)
	AddToExports(ctx context.Context, org, caseID string, page passare.Page, who string) (intake.Clicked, error)
}

// Planner plans an entry, and writes nothing (package posting).
type Planner interface {
	Preview(ctx context.Context, e intlog.Entry) (rules.Plan, error)
}

// Reading serves what people read of the log as a whole: what waits, downloads, the history of a case, changes in closed books, previews; and the button of a
// case's page.
type Reading struct {
	Log         LogReader
	Connections Connections
	Door        Door
	Planner     Planner
	Charts      Charts
	Books       Books // where people look at an entry in QuickBooks; empty: no links
	Now         func() time.Time
}

// Register adds the calls.
func (h *Reading) Register(a *API) {
	register(a, call{
		id: "get-summary", method: http.MethodGet, path: "/v1/summary", tag: logTag, needs: org.SeeLog,
		summary: "What waits on each tab, the connection, and the money that is not in QuickBooks for more than a day",
		about:   "Of a tab the newest 1,000 entries are counted. What is synced is not counted.", answer: exampleSummary(),
	}, h.summary)
	h.registerDownload(a)
	h.registerCases(a)
	register(a, call{
		id: "preview-event", method: http.MethodPost, path: "/v1/entries/preview", tag: logTag, needs: org.SeeLog,
		summary: "What an event would become: its journal lines and every problem; nothing is stored",
		about: "The body is an event as POST /v1/events takes it, of your own organisation, without a signature. QuickBooks is not asked: a customer or vendor that is not linked yet would be " +
			"found or created, and the close date is the one that was read last.",
		fails: []fault.Code{fault.Conflict}, body: eventSchema(), request: exampleEvent(), answer: examplePreview(),
	}, h.preview)
	register(a, call{
		id: "list-prior-period-changes", method: http.MethodGet, path: "/v1/prior-period-changes", tag: logTag, needs: org.SeeLog,
		summary: "What happened in books that are closed: moved to a later day, or held",
		about:   "`month` is the closed month, in which it happened. The sums are those of the page; a page may have fewer changes than its limit, or none, and still have a next one.",
		answer:  exampleClosed(),
	}, h.priorPeriod)
}

type summaryOutput struct{ Body summaryBody }

type summaryBody struct {
	Tabs       []tabRow        `json:"tabs" nullable:"false"`
	Connection connectionState `json:"connection"`
	AtRisk     atRiskRow       `json:"at_risk"`
}

// tabRow is what waits on a tab.
type tabRow struct {
	Tab    string     `json:"tab" enum:"pending,errors,held"`
	Count  int        `json:"count"`
	Amount string     `json:"amount" doc:"The sum of the amounts that the list shows."`
	Oldest *time.Time `json:"oldest,omitempty" doc:"When the oldest that was counted came."`
	More   bool       `json:"more,omitempty" doc:"There are more than were counted, which are older."`
	Says   string     `json:"says"`
}

type connectionState struct {
	State string `json:"state" enum:"never_connected,connected,refused,disconnected"`
	Says  string `json:"says"`
}

// atRiskRow is money that waits for QuickBooks for more than a day.
type atRiskRow struct {
	Cases  int    `json:"cases"`
	Loose  int    `json:"records_without_case"`
	Amount string `json:"amount"`
	More   bool   `json:"more,omitempty" doc:"There may be more: not all that waits was counted."`
	Says   string `json:"says"`
}

func (h *Reading) summary(ctx context.Context, p org.Person, _ *struct{}) (*summaryOutput, error) {
	s, err := h.Log.Summary(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	view, err := h.Connections.View(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	body := summaryBody{
		Tabs: []tabRow{}, Connection: connectionState{State: string(view.State), Says: view.Sentence(h.Now())},
		AtRisk: atRiskRow{Cases: s.Risk.Cases, Loose: s.Risk.Loose, Amount: s.Risk.Money.String(), More: !s.Risk.Counted, Says: s.Risk.Says},
	}
	for _, w := range s.Tabs {
		body.Tabs = append(body.Tabs, tabRow{Tab: w.Tab, Count: w.Count, Amount: w.Money.String(), Oldest: known(w.Oldest), More: w.More, Says: w.Sentence()})
	}
	return &summaryOutput{body}, nil
}

func exampleSummary() summaryBody {
	return summaryBody{
		Tabs: []tabRow{
			{Tab: "pending", Count: 2, Amount: "1250.00", Oldest: exampleAt(), Says: "2 entries, $1,250.00"},
			{Tab: "errors", Count: 4, Amount: "12430.00", Oldest: exampleAt(), Says: "4 entries, $12,430.00"},
			{Tab: "held", Amount: "0.00", Says: "nothing"},
		},
		Connection: connectionState{State: "connected", Says: "QuickBooks is connected to Willow Creek Funeral Home."},
		AtRisk:     atRiskRow{Cases: 3, Amount: "12430.00", Says: "3 cases, $12,430.00 not in QuickBooks for more than 24 h."},
	}
}
