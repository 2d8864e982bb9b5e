package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/logwatch"
	"github.com/passare/qbo-sync/internal/org"
)

// connector is a connection as a test wants it.
type connector struct {
	view grant.View
	done grant.Connected
	err  error
}

func (c connector) View(context.Context, string) (grant.View, error) { return c.view, c.err }

func (c connector) Start(context.Context, org.Person, string, bool, string) (string, time.Time, error) {
	return "https://intuit.example/connect?state=x", readAt().Add(grant.AttemptLife), c.err
}

func (c connector) Finish(context.Context, grant.Answer) (grant.Connected, error) {
	return c.done, c.err
}

func (c connector) Disconnect(context.Context, org.Person) error { return c.err }

// reads is what was spent of the app's allowance.
type reads struct{ spent, all int }

func (r reads) ReadsOf(context.Context, string, string) (int, error) { return r.spent, nil }

func (r reads) ReadsSpent(context.Context, string) (int, error) { return r.all, nil }

type manager struct{}

func (manager) Person(context.Context, string) (org.Person, error) {
	return org.Person{Subject: "ana", Name: "Ana Diaz", Org: "willow-creek", Permissions: []org.Permission{org.Manage}}, nil
}

func readAt() time.Time { return time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC) }

func TestGoldenConnection(t *testing.T) {
	t.Parallel()
	end := readAt().AddDate(0, 0, 7)
	company := org.Connection{Org: "willow-creek", Rev: 4, Realm: "4620816365000000001", Company: "Willow Creek", By: "Ana Diaz", At: readAt().AddDate(0, -2, 0), RefreshedAt: readAt(), RollingEnd: end}
	ended := company
	ended.EndedAt, ended.EndedBy = readAt(), "Ana Diaz"
	hostile := company
	hostile.Company = `<script>alert("x")</script>`
	read := func(method, path, accept string) *http.Request {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Accept", accept)
		return r
	}
	get, back := read(http.MethodGet, "/v1/connection", "*/*"), read(http.MethodGet, "/oauth/callback?state=s&code=c&realmId=1", "text/html")
	for name, x := range map[string]struct {
		connector
		request *http.Request
	}{
		"never_connected": {connector{view: grant.View{State: grant.Never}}, get},
		"connected": {connector{view: grant.View{
			State: grant.Alive, Connection: company, PausedUntil: readAt().Add(time.Minute), Notices: []intlog.Notice{{Key: "connection-ends-7", Text: "It ends.", Who: "administrator", At: readAt()}},
		}}, get},
		"refused":           {connector{view: grant.View{State: grant.Refused, Connection: company, RefusedSince: readAt()}}, get},
		"disconnected":      {connector{view: grant.View{State: grant.Disconnected, Connection: ended}}, get},
		"start":             {connector{}, read(http.MethodPost, "/v1/connection/start", "*/*")},
		"callback":          {connector{done: grant.Connected{Connection: company, Released: 14}}, back},
		"callback_nameless": {connector{done: grant.Connected{Connection: org.Connection{Realm: "4620816365000000001"}}}, back},
		"callback_hostile":  {connector{done: grant.Connected{Connection: hostile, Released: 1}}, back},
		"callback_conflict": {connector{err: fault.New(fault.Conflict, "You chose another QuickBooks company than %s.", hostile.Company)}, back},
		"callback_json":     {connector{done: grant.Connected{Connection: company}}, read(http.MethodGet, "/oauth/callback?state=s", "application/json")},
		"callback_refused":  {connector{err: &fault.Error{Code: fault.Disconnected, Message: "QuickBooks no longer accepts the connection.", Remedy: "Reconnect."}}, read(http.MethodGet, "/oauth/callback", "application/json")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			trace := func() string { return "TRACE" }
			h := &httpapi.Connection{
				Connector: x.connector, Reads: reads{12, 450_000}, Allowance: 500_000,
				Now: readAt, Random: func() string { return "BROWSER-SECRET" }, NewTrace: trace, Log: logwatch.New(t).Logger(),
			}
			h.Register(httpapi.NewAPI(mux, httpapi.Gate{People: manager{}, NewTrace: trace}))
			h.RegisterCallback(mux)
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, x.request.Clone(t.Context()))
			answer, err := httputil.DumpResponse(w.Result(), true)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(answer), "\r\n", "\n")
			if strings.Contains(text, "<script") {
				t.Error("a name is taken for markup")
			}
			goldenfile.Check(t, "connection_"+name, text)
		})
	}
}
