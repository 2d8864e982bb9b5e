package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/logwatch"
)

// door is an acceptor that always answers the same.
type door struct{ result intake.Result }

func (d door) Accept(context.Context, []byte) intake.Result        { return d.result }
func (door) Reject(_ context.Context, _ []byte, cause error) error { return cause }

type signed struct{}

func (signed) Verify(string, string, string, []byte, time.Time) error { return nil }

func events(t *testing.T, result intake.Result) *httpapi.Events {
	t.Helper()
	return &httpapi.Events{
		Acceptor: door{result}, Signatures: signed{}, Now: time.Now, Log: logwatch.New(t).Logger(), NewTrace: func() string { return "TRACE" },
	}
}

func answer(h http.Handler, contentType, body string) string {
	r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return raw(w.Result())
}

// raw is the answer as it goes over the wire: status, the headers that matter, body.
func raw(res *http.Response) string {
	var b strings.Builder
	fmt.Fprintln(&b, res.Status)
	for _, key := range []string{"Content-Type", "Cache-Control", "Retry-After", "WWW-Authenticate"} {
		if v := res.Header.Get(key); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, v)
		}
	}
	body, _ := io.ReadAll(res.Body)
	fmt.Fprintf(&b, "\n%s", body)
	return b.String()
}

const (
	one  = "application/cloudevents+json"
	many = "application/cloudevents-batch+json"
)

func TestGoldenProblems(t *testing.T) {
	t.Parallel()
	secret := errors.New("dial tcp 10.0.0.7: SECRET")
	fields := []fault.Field{{Field: "data.total", Value: "9.00", Problem: "does not add up: Σ items − Σ discounts + Σ taxes = 95.00"}, {Field: "data.branch", Problem: "is missing"}}
	for name, err := range map[string]error{
		"invalid":           &fault.Error{Code: fault.Invalid, Message: "This event was not taken: 2 fields are wrong.", Fields: fields},
		"malformed":         &fault.Error{Code: fault.Invalid, Message: "The body is not JSON.", Fields: []fault.Field{{Field: "body", Problem: "is not UTF-8"}}},
		"unauthenticated":   fault.Because(secret, fault.Unauthenticated, "The signature does not fit."),
		"forbidden":         fault.New(fault.Forbidden, "You need the permission integration_log for this."),
		"not_found":         fault.New(fault.NotFound, "There is no entry of that id."),
		"conflict":          fault.New(fault.Conflict, "Version 2 was delivered before with other data."),
		"too_large":         fault.New(fault.TooLarge, "A delivery may have at most 1048576 bytes."),
		"unsupported_media": fault.New(fault.UnsupportedMedia, "Send application/cloudevents+json for one event."),
		"throttled":         &fault.Error{Code: fault.Throttled, Message: "Too fast.", RetryAfter: 45 * time.Second},
		"unavailable":       fault.Because(secret, fault.Unavailable, "Nothing happened. Send it again."),
		"internal":          fmt.Errorf("store.Put: %w", secret),
		"of_quickbooks":     fmt.Errorf("posting: %w", fault.Because(secret, fault.Refused, "Fill out at least two detail lines.")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := answer(events(t, intake.Result{Event: "evt-1", Err: err}), one, "{}")
			if strings.Contains(got, "SECRET") {
				t.Errorf("an internal cause is shown: %s", got)
			}
			goldenfile.Check(t, "problem_"+name, got)
		})
	}
}

func TestGoldenAnswersToDeliveries(t *testing.T) {
	t.Parallel()
	stored := intake.Result{Event: "evt-1", Entry: "payment.p1.1", State: intlog.Queued, New: true}
	known := intake.Result{Event: "evt-1", Entry: "payment.p1.1", State: intlog.Synced}
	twin := intake.Result{Event: "evt-1", Entry: "payment.p1.1", Err: fault.New(fault.Conflict, "Version 1 was delivered before with other data.")}
	for name, x := range map[string]struct {
		result            intake.Result
		contentType, body string
	}{
		"new":                       {stored, one, "{}"},
		"repeat":                    {known, one, "{}"},
		"batch_new":                 {stored, many, "[{},{}]"},
		"batch_repeat":              {known, many, "[{}]"},
		"batch_none_taken":          {twin, many, "[{},{}]"},
		"batch_not_stored":          {intake.Result{Event: "evt-1", Err: fault.New(fault.Unavailable, "Nothing happened.")}, many, "[{}]"},
		"batch_empty":               {stored, many, "[]"},
		"batch_of_101":              {stored, many, "[" + strings.Repeat("{},", 100) + "{}]"},
		"other_content_type":        {stored, "text/plain", "{}"},
		"content_type_with_charset": {stored, one + "; charset=utf-8", "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			goldenfile.Check(t, "delivery_"+name, answer(events(t, x.result), x.contentType, x.body))
		})
	}
}

// TestEveryProblemTypeIsExplained: the type of each problem is an address that says what it means.
func TestEveryProblemTypeIsExplained(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	httpapi.RegisterProblems(mux)
	files, err := filepath.Glob("testdata/golden/problem_*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), `"type":"`)
		address, _, _ := strings.Cut(after, `"`)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"title"`) {
			t.Errorf("%s of %s is answered %d %s", address, file, w.Code, w.Body)
		}
	}
}
