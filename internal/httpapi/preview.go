package httpapi

import (
	"context"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
)

// previewInput is an event.
type previewInput struct {
	RawBody []byte `contentType:"application/cloudevents+json"`
}

type previewOutput struct{ Body previewBody }

// previewBody is what an event would become.
type previewBody struct {
	ID       string       `json:"id" doc:"Of the entry that it would be."`
	Type     string       `json:"transaction_type"`
	State    intlog.State `json:"state" doc:"In which the entry would begin; of an event that came before, in which it is."`
	Why      string       `json:"why,omitempty"`
	Planned  plannedRow   `json:"planned" doc:"What would be posted now, if it were released."`
	Problems []troubleRow `json:"problems" nullable:"false" doc:"All that is in the way."`
	Warnings []string     `json:"warnings" nullable:"false"`
}

func (h *Reading) preview(ctx context.Context, p org.Person, in *previewInput) (*previewOutput, error) {
	e, err := h.Door.Foresee(ctx, p.Org, in.RawBody)
	if err != nil {
		return nil, err
	}
	body := previewBody{ID: e.ID(), Type: e.Kind, State: e.State, Why: e.Why, Problems: []troubleRow{}, Warnings: []string{}, Planned: plannedRow{Journal: []journalRow{}}}
	if !e.Foreseeable() {
		body.Planned.Sentence, body.Planned.Excluded = e.Sentence, e.Why
		return &previewOutput{body}, nil
	}
	plan, err := h.Planner.Preview(ctx, e)
	if err != nil {
		return nil, err
	}
	body.Planned, body.Problems, body.Warnings = *plannedOf(plan), troublesOf(plan.Problems), append(body.Warnings, plan.Warnings...)
	names, err := h.Charts.AccountNames(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	nameAccounts(body.Planned.Journal, names)
	return &previewOutput{body}, nil
}

func examplePreview() previewBody {
	return previewBody{
		ID: "payment.p1.1", Type: "payment.created", State: intlog.Pending, Why: "Auto-sync is off: waits for review.", Problems: []troubleRow{}, Warnings: []string{},
		Planned: plannedRow{Sentence: "Check payment created by Ana Diaz: 1,000.00; the family owes 1,000.00 less.", Journal: []journalRow{{Date: "2026-03-04", Lines: exampleLines()}}},
	}
}
