package httpapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/passare"
)

// Content types of deliveries (../passare/events.md, Envelope).
const (
	oneEvent   = "application/cloudevents+json"
	manyEvents = "application/cloudevents-batch+json"
)

// Acceptor takes events (package intake).
type Acceptor interface {
	Accept(ctx context.Context, raw []byte) intake.Result
	Reject(ctx context.Context, raw []byte, cause error) error
}

// Signatures checks who sent a delivery (package webhook). Errors: fault.Unauthenticated.
type Signatures interface {
	Verify(id, timestamp, signature string, body []byte, now time.Time) error
}

// Events serves POST /v1/events.
type Events struct {
	Acceptor   Acceptor
	Signatures Signatures
	Now        func() time.Time
	Log        *slog.Logger
	NewTrace   func() string
}

// eventResult is what became of one event, on the wire.
type eventResult struct {
	Event   string   `json:"event,omitempty"`
	Entry   string   `json:"entry,omitempty"`
	State   string   `json:"state,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
}

type eventResults struct {
	Results []eventResult `json:"results"`
}

// Register adds the route.
func (h *Events) Register(mux *http.ServeMux) { mux.Handle("POST /v1/events", h) }

// ServeHTTP answers one delivery: 202 when something new was stored, 200 when all of it was known.
func (h *Events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	trace := h.NewTrace()
	body, err := readBody(w, r, passare.MaxDelivery)
	if err == nil {
		err = h.Signatures.Verify(r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature"), body, h.Now())
	}
	if err != nil {
		h.refuse(w, r, err, trace)
		return
	}
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch contentType {
	case oneEvent:
		h.one(w, r, body, trace)
	case manyEvents:
		h.many(w, r, body, trace)
	default:
		h.refuse(w, r, fault.New(fault.UnsupportedMedia, "Send %s for one event, %s for several.", oneEvent, manyEvents), trace)
	}
}

// readBody reads a body of at most so many bytes. Errors: fault.TooLarge, fault.Invalid.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, fault.New(fault.TooLarge, "A delivery may have at most %d bytes.", most)
	case err != nil:
		return nil, fault.Because(err, fault.Invalid, "The body could not be read.")
	}
	return body, nil
}

func (h *Events) refuse(w http.ResponseWriter, r *http.Request, err error, trace string) {
	h.Log.InfoContext(r.Context(), "delivery refused", "code", fault.CodeOf(err), "trace", trace)
	writeProblem(w, err, trace)
}

func (h *Events) one(w http.ResponseWriter, r *http.Request, body []byte, trace string) {
	result := h.Acceptor.Accept(r.Context(), body)
	h.log(r.Context(), result, trace)
	if result.Err != nil {
		writeProblem(w, result.Err, trace)
		return
	}
	status := http.StatusOK
	if result.New {
		status = http.StatusAccepted
	}
	write(w, status, "application/json", eventResults{Results: []eventResult{shown(result, trace)}})
}

// many: each event stands alone. When one could not be stored for a reason of ours, the whole delivery
// should come again: what was stored answers the same then.
func (h *Events) many(w http.ResponseWriter, r *http.Request, body []byte, trace string) {
	events, err := passare.Split(body)
	if err != nil {
		if kept := h.Acceptor.Reject(r.Context(), body, err); kept != nil {
			err = kept
		}
		h.refuse(w, r, err, trace)
		return
	}
	var answer eventResults
	status, taken := http.StatusOK, 0
	for _, event := range events {
		result := h.Acceptor.Accept(r.Context(), event)
		h.log(r.Context(), result, trace)
		answer.Results = append(answer.Results, shown(result, trace))
		switch {
		case result.Err == nil:
			taken++
			if result.New && status == http.StatusOK {
				status = http.StatusAccepted
			}
		case problemOf(result.Err, trace).Status >= http.StatusInternalServerError:
			status = http.StatusServiceUnavailable
		}
	}
	if taken == 0 && status == http.StatusOK {
		status = http.StatusUnprocessableEntity
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "30")
	}
	write(w, status, "application/json", answer)
}

func shown(r intake.Result, trace string) eventResult {
	s := eventResult{Event: r.Event, Entry: r.Entry, State: string(r.State)}
	if r.Err != nil {
		p := problemOf(r.Err, trace)
		s.Problem = &p
	}
	return s
}

// log writes one line for an event: no payload, no name.
func (h *Events) log(ctx context.Context, r intake.Result, trace string) {
	if r.Err != nil {
		h.Log.WarnContext(ctx, "event not taken", "event", r.Event, "code", fault.CodeOf(r.Err), "trace", trace)
		return
	}
	h.Log.InfoContext(ctx, "event taken", "event", r.Event, "entry", r.Entry, "state", r.State, "new", r.New, "trace", trace)
}
