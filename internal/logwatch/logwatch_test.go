package logwatch_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/logwatch"
)

// trial is a test that is watched, and may fail.
type trial struct {
	testing.TB
	ends   []func()
	errors []string
}

func (r *trial) Cleanup(end func()) { r.ends = append(r.ends, end) }

func (r *trial) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }

// watched lets traffic pass, then logs a line, and answers what the watch says at the end.
func watched(t *testing.T, line string) []string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/tokens/bearer":
			_, _ = io.WriteString(w, `{"access_token":"answered-access","refresh_token":"answered-refresh"}`)
		case "/authorize":
			http.Redirect(w, r, "/back?code=answered-code", http.StatusFound)
		}
	}))
	t.Cleanup(server.Close)
	r := &trial{TB: t}
	watch := logwatch.New(r)
	client := &http.Client{Transport: watch.Carry(&http.Transport{})}
	send := func(path, authorization, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", authorization)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		if err != nil || path == "/tokens/bearer" && !strings.Contains(string(answer), "answered-access") {
			t.Fatalf("the answer was changed on its way: %q %v", answer, err)
		}
		_ = res.Body.Close()
	}
	send("/tokens/bearer", "Basic Y2xpZW50OmNsaWVudC1zZWNyZXQ=", url.Values{"refresh_token": {"sent-refresh"}, "code": {"sent-code"}}.Encode())
	send("/authorize", "", "")
	send("/v3/company/1/customer", "Bearer sent-access", `{"DisplayName":"Zoë Quill (24-1)"}`)
	send("/v1/entries", "Bearer e30.eyJuYW1lIjoiQW5hIERpYXoifQ.c2ln", "")
	send("/v1/events", "", `{"id":"evt-1","data":{"case":{"decedent":{"first":"John","last":"O\u0027Brien"},"purchaser_business":{"name":"Hill & Sons"}},"branch":{"name":"Main Street"},
		"actor":{"name":"Ben Okafor"},"payer":"Mary and Joe","payee":{"name":"Oak Hill Cemetery"}}}`)
	watch.Secret("webhook secret", "whsec_secret")
	watch.Logger().Debug("a line", "text", line)
	if watch.Lines() != 1 {
		t.Fatalf("%d lines", watch.Lines())
	}
	for _, end := range r.ends {
		end()
	}
	return r.errors
}

func TestALineThatTellsSomethingFails(t *testing.T) {
	t.Parallel()
	for _, told := range []string{
		"answered-access", "answered-refresh", "answered-code", "sent-refresh", "sent-code", "sent-access", "client-secret", "Y2xpZW50OmNsaWVudC1zZWNyZXQ=", "whsec_secret",
		"e30.eyJuYW1lIjoiQW5hIERpYXoifQ.c2ln", "John", "O'Brien", "Hill & Sons", "Zoë", "Quill", "Ana", "Diaz", "Ben", "Okafor", "Mary", "Joe", "Oak Hill Cemetery",
	} {
		t.Run(told, func(t *testing.T) {
			t.Parallel()
			for _, line := range []string{told, `is "` + told + `" in use already?`, "of\n" + told + "."} {
				if errors := watched(t, line); len(errors) == 0 {
					t.Errorf("%q is not seen", line)
				}
			}
		})
	}
}

func TestALineThatTellsNothingPasses(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "payment.p1.1", "evt-1", "Main Street", "Johnson", "JOHN", "Mary2", "and", "Benefit", "refused, class data, QuickBooks 6240, intuit_tid 1-5f73"} {
		if errors := watched(t, line); len(errors) > 0 {
			t.Errorf("%q: %v", line, errors)
		}
	}
}
