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
	Type   string        `json:"type"`
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail"`
	Errors []fault.Field `json:"errors,omitempty"`
	Trace  string        `json:"trace,omitempty"`
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
				write(w, http.StatusOK, "application/json", map[string]any{"type": "/problems/" + string(k.code), "title": k.title, "status": k.status})
				return
			}
		}
		writeProblem(w, fault.New(fault.NotFound, "There is no problem of that name."), "")
	})
}

// malformed is a body that is no JSON at all; in the vocabulary it is simply invalid input.
const malformed fault.Code = "malformed"

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
			return Problem{Type: "/problems/" + string(code), Title: k.title, Status: k.status, Detail: f.Text(), Errors: f.Fields, Trace: trace}
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
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		wait := max(fault.As(err).RetryAfter, retryAfter)
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="passare"`)
	}
	write(w, p.Status, "application/problem+json", p)
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
