package httpapi

import (
	"log/slog"
	"net/http"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// QuickBooksSignatures checks who sent a delivery of QuickBooks, and reads it (package webhook). Errors: fault.Unauthenticated, fault.Invalid.
type QuickBooksSignatures interface {
	Open(signature string, body []byte) ([]reconcile.Hint, error)
}

// QuickBooksEvents serves POST /v1/quickbooks-events: QuickBooks says what changed. It is told in time, and sends again what is not answered with 200, so the
// hints are kept and nothing else is done here.
type QuickBooksEvents struct {
	Hearer     reconcile.Hearer
	Signatures QuickBooksSignatures
	Log        *slog.Logger
	NewTrace   func() string
}

// maxNotice is how many bytes a delivery of QuickBooks may have: thousands of changes.
const maxNotice = 1 << 20

// heardBody is the answer, which Intuit does not read.
type heardBody struct {
	Hints int `json:"hints" doc:"How many changes were named." minimum:"0"`
}

// Register adds the route.
func (h *QuickBooksEvents) Register(mux *http.ServeMux) { mux.Handle("POST /v1/quickbooks-events", h) }

// ServeHTTP answers one delivery. Its content type is not asked for: it differs between the formats, and the body says which it is.
func (h *QuickBooksEvents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	trace := h.NewTrace()
	body, err := readBody(w, r, maxNotice)
	var hints []reconcile.Hint
	if err == nil {
		hints, err = h.Signatures.Open(r.Header.Get("intuit-signature"), body)
	}
	if err == nil && len(hints) > 0 {
		err = h.Hearer.Hear(r.Context(), hints)
	}
	if err != nil {
		h.refuse(w, r, err, trace)
		return
	}
	h.Log.InfoContext(r.Context(), "changes heard", "hints", len(hints), "trace", trace)
	write(w, http.StatusOK, "application/json", heardBody{Hints: len(hints)})
}

// refuse answers what was not taken. Nothing of it is in the log: only which fields are wrong, and what failed here.
func (h *QuickBooksEvents) refuse(w http.ResponseWriter, r *http.Request, err error, trace string) {
	if problemOf(err, trace).Status >= http.StatusInternalServerError {
		h.Log.ErrorContext(r.Context(), "changes not heard", "error", fault.Line(err), "trace", trace)
	} else {
		h.Log.InfoContext(r.Context(), "changes refused", "code", fault.CodeOf(err), "trace", trace)
	}
	writeProblem(w, err, trace)
}
