package httpapi

import (
	"context"
	"net/http"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/rules"
)

// Undoer takes records out of QuickBooks again (package review).
type Undoer interface {
	Undo(ctx context.Context, key intlog.Key, who, reason string, ifRev *int64) (undo intlog.Entry, made bool, err error)
	PreviewUndo(ctx context.Context, key intlog.Key, who, reason string, ifRev *int64) (intlog.Entry, rules.Plan, error)
}

// Undos serves the undo of what is in QuickBooks.
type Undos struct{ Desk Undoer }

// Register adds the calls.
func (h *Undos) Register(a *API) {
	register(a, call{
		id: "undo-entry", method: http.MethodPost, path: "/v1/entries/{id}/undo", tag: logTag, needs: org.SeeLog,
		summary: "Takes a record out of QuickBooks again, by a reversal",
		about: "The entry is the newest of its record that is in QuickBooks; everything that stands of the record is reversed where it stands. " +
			"202 with the entry of the undo, which is on its way at once; 200 with it when the entry is undone already; 409 says who did what when it cannot be undone. " +
			"A later version from Passare posts in full again. The undo of an undo puts the record into QuickBooks again. With `dry_run` nothing is stored: 200 with the entry that would be made, its journal entries and every problem.",
		status: http.StatusAccepted, also: []int{http.StatusOK}, fails: []fault.Code{fault.Conflict, fault.Stale},
		request: undoBody{Reason: "Entered twice"}, answer: exampleUndo(),
	}, h.undo)
}

type undoInput struct {
	Conditional
	ID   string `path:"id" maxLength:"500" example:"payment.p1.1" doc:"The id of the entry."`
	Body undoBody
}

type undoBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why, for whoever reads the history."`
	DryRun bool   `json:"dry_run,omitempty" doc:"Shows what would be posted, and stores nothing."`
}

// undone is the entry of an undo, and of a dry run what it would do.
type undone struct {
	Row
	Preview *undoPreview `json:"preview,omitempty" doc:"Of a dry run: what would be posted. The entry itself is not stored."`
}

type undoPreview struct {
	Journal  []journalRow    `json:"journal_entries"`
	Problems []rules.Problem `json:"problems" doc:"Everything that stands in the way. With any of them, nothing is posted."`
	Warnings []string        `json:"warnings"`
}

type undoOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   undone
}

func (h *Undos) undo(ctx context.Context, p org.Person, in *undoInput) (*undoOutput, error) {
	key, err := intlog.ParseKey(p.Org, in.ID)
	if err != nil {
		return nil, err
	}
	rev, err := in.rev()
	if err != nil {
		return nil, err
	}
	if in.Body.DryRun {
		return h.preview(ctx, p, key, in.Body.Reason, rev)
	}
	e, made, err := h.Desk.Undo(ctx, key, p.Name, in.Body.Reason, rev)
	if err != nil {
		return nil, err
	}
	out := &undoOutput{Status: http.StatusOK, ETag: tag(e.Rev), Body: undone{Row: rowOf(e)}}
	if made {
		out.Status = http.StatusAccepted
	}
	return out, nil
}

func (h *Undos) preview(ctx context.Context, p org.Person, key intlog.Key, reason string, rev *int64) (*undoOutput, error) {
	e, plan, err := h.Desk.PreviewUndo(ctx, key, p.Name, reason, rev)
	if err != nil {
		return nil, err
	}
	shown := &undoPreview{Journal: []journalRow{}, Problems: append([]rules.Problem{}, plan.Problems...), Warnings: append([]string{}, plan.Warnings...)}
	for _, planned := range plan.Entries {
		j := journalRow{Date: string(planned.Date), Lines: []lineRow{}}
		for _, l := range planned.Lines() {
			j.Lines = append(j.Lines, lineOf(l))
		}
		shown.Journal = append(shown.Journal, j)
	}
	return &undoOutput{Status: http.StatusOK, Body: undone{Row: rowOf(e), Preview: shown}}, nil
}

func exampleUndo() undone {
	e := exampleRow()
	e.ID, e.Type = "payment.p1.1~1", "payment.undone"
	e.Sentence = "Undo of check payment created: takes the whole record out of QuickBooks again; the family owes 1,000.00 more."
	return undone{Row: e, Preview: &undoPreview{Problems: []rules.Problem{}, Warnings: []string{}, Journal: []journalRow{{Date: e.Date, Lines: []lineRow{
		{Side: journal.Debit, Amount: "1000.00", Account: "84", Name: "John Smith", NameKind: "Customer", Description: "Payment by check"},
		{Side: journal.Credit, Amount: "1000.00", Account: "91", Name: "John Smith", NameKind: "Customer", Description: "Payment by check"},
	}}}}}
}
