package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
)

// Problem is an RFC 9457 problem. Detail and Errors are for people; nothing internal is ever in it.
type Problem struct {
	Type   string        `json:"type" doc:"What kind of problem it is; GET it to read what it means." example:"/problems/invalid"`
	Title  string        `json:"title" example:"The input is wrong"`
	Status int           `json:"status" example:"422"`
	Detail string        `json:"detail" doc:"What happened, and what helps, in a bookkeeper's words." example:"This event was not taken: 1 field is wrong."`
	Errors []fault.Field `json:"errors,omitempty" doc:"Every wrong field."`
	Trace  string        `json:"trace,omitempty" doc:"Tell it to support." example:"YH7TXVCJLIOPZU6VD4ATSYYWN7"`

	wait time.Duration // how long a caller should wait
}

const problemType = "application/problem+json"

// Error is what went wrong, for people.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the status of the answer.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders are the headers that the status needs.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(int(max(p.wait, retryAfter).Seconds())))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="passare"`)
	}
	return h
}

// kind is how a fault code shows over HTTP.
type kind struct {
	code   fault.Code
	status int
	title  string
}

// kinds is the one table from fault codes to HTTP.
func kinds() []kind {
	return []kind{
		{fault.Invalid, http.StatusUnprocessableEntity, "The input is wrong"},
		{malformed, http.StatusBadRequest, "The body cannot be read"},
		{fault.Unauthenticated, http.StatusUnauthorized, "Not signed in, or not signed rightly"},
		{fault.Forbidden, http.StatusForbidden, "A permission is missing"},
		{fault.NotFound, http.StatusNotFound, "Not found"},
		{notAllowed, http.StatusMethodNotAllowed, "Not a method of this address"},
		{fault.Conflict, http.StatusConflict, "Not possible now"},
		{fault.Stale, http.StatusPreconditionFailed, "Changed meanwhile"},
		{fault.TooLarge, http.StatusRequestEntityTooLarge, "Too large"},
		{fault.UnsupportedMedia, http.StatusUnsupportedMediaType, "This content type is not read here"},
		{fault.Disconnected, http.StatusConflict, "QuickBooks is not connected"},
		{fault.Refused, http.StatusConflict, "QuickBooks refused"},
		{fault.Throttled, http.StatusTooManyRequests, "Too many requests"},
		{fault.Unavailable, http.StatusServiceUnavailable, "Try again later"},
		{fault.Internal, http.StatusInternalServerError, "Our fault"},
	}
}

// RegisterProblems serves what each problem type means.
func RegisterProblems(mux *http.ServeMux) {
	mux.HandleFunc("GET /problems/{code}", func(w http.ResponseWriter, r *http.Request) {
		for _, k := range kinds() {
			if string(k.code) == r.PathValue("code") {
				write(w, http.StatusOK, "application/json", problemRow{Type: "/problems/" + string(k.code), Title: k.title, Status: k.status})
				return
			}
		}
		writeProblem(w, fault.New(fault.NotFound, "There is no problem of that name."), "")
	})
}

// problemRow is what a problem type means.
type problemRow struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
}

// What the vocabulary of faults has no word for: a body that is no JSON at all, which there is simply invalid input; and a method that an address does not take.
const (
	malformed  fault.Code = "malformed"
	notAllowed fault.Code = "not_allowed"
)

// retryAfter is how long a caller should wait when the fault does not say.
const retryAfter = 30 * time.Second

// problemOf shows an error. A code without a row is our fault here.
func problemOf(err error, trace string) Problem {
	f := fault.As(err)
	code := f.Code
	if code == fault.Invalid && len(f.Fields) == 1 && f.Fields[0].Field == "body" {
		code = malformed
	}
	for _, k := range kinds() {
		if k.code == code {
			return Problem{Type: "/problems/" + string(code), Title: k.title, Status: k.status, Detail: f.Text(), Errors: f.Fields, Trace: trace, wait: f.RetryAfter}
		}
	}
	return problemOf(fault.As(errInternal(err)), trace)
}

func errInternal(cause error) error {
	return fault.Because(cause, fault.Internal, "Something went wrong on our side. Nothing was lost; please try again.")
}

// writeProblem answers with an error.
func writeProblem(w http.ResponseWriter, err error, trace string) {
	p := problemOf(err, trace)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	write(w, p.Status, problemType, p)
}

func write(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"title":"Our fault","status":500}`)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
