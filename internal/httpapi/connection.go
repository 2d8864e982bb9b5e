package httpapi

import (
	"cmp"
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
)

// Connector connects organisations to QuickBooks (package grant).
type Connector interface {
	View(ctx context.Context, org string) (grant.View, error)
	Start(ctx context.Context, p org.Person, browser string, other bool, back string) (address string, ends time.Time, err error)
	Finish(ctx context.Context, a grant.Answer) (grant.Connected, error)
	Disconnect(ctx context.Context, p org.Person) error
}

// Reads says how many metered reads of QuickBooks were spent in a month.
type Reads interface {
	ReadsOf(ctx context.Context, org, month string) (int, error)
	ReadsSpent(ctx context.Context, month string) (int, error)
}

// Connection serves the connection to QuickBooks, and GET /oauth/callback, to which Intuit sends the browser back.
type Connection struct {
	Connector Connector
	Reads     Reads
	Allowance int // reads a month of the whole app
	Now       func() time.Time
	Random    func() string // at least 128 bits
	NewTrace  func() string
	Log       *slog.Logger
	PublicURL string // where people's browsers reach us, without a slash at the end; empty: the host that was asked, by https
	Plain     bool   // people reach us by http, on their own machine: the console's cookie has no __Host-, which browsers refuse there
}

const connectionTag = "Connection"

// Register adds the calls.
func (h *Connection) Register(a *API) {
	register(a, call{
		id: "get-connection", method: http.MethodGet, path: "/v1/connection", tag: connectionTag, needs: org.Manage,
		summary: "The QuickBooks company, who connected it, how long the grant lives, and what was read this month", fails: []fault.Code{fault.NotFound},
		answer: exampleConnection(),
	}, h.get)
	register(a, call{
		id: "start-connection", method: http.MethodPost, path: "/v1/connection/start", tag: connectionTag, needs: org.Manage,
		summary: "Begins to connect: answers Intuit's address for the person's browser", fails: []fault.Code{fault.Conflict},
		about:   "The address is good once, for ten minutes, in the browser that has the cookie of this answer.",
		request: startBody{}, answer: started{Address: "https://appcenter.intuit.com/connect/oauth2?client_id=…&state=…", Ends: *exampleAt()},
	}, h.start)
	register(a, call{
		id: "disconnect", method: http.MethodDelete, path: "/v1/connection", tag: connectionTag, needs: org.Manage,
		summary: "Revokes the grant; entries wait until somebody connects again", fails: []fault.Code{fault.NotFound, fault.Conflict, fault.Stale, fault.Throttled},
		answer: exampleConnection(),
	}, h.disconnect)
}

// RegisterCallback adds the address to which Intuit sends the browser back.
func (h *Connection) RegisterCallback(mux *http.ServeMux) {
	mux.HandleFunc("GET /oauth/callback", h.callback)
}

// connectionRow is a connection as people see it; what does not apply is absent.
type connectionRow struct {
	State          string          `json:"state"`
	Company        string          `json:"company,omitempty"`
	Realm          string          `json:"realm,omitempty"`
	ConnectedBy    string          `json:"connected_by,omitempty"`
	ConnectedAt    *time.Time      `json:"connected_at,omitempty"`
	RefreshedAt    *time.Time      `json:"refreshed_at,omitempty"`
	EndsAt         *time.Time      `json:"ends_at,omitempty"`
	DaysLeft       *int            `json:"days_left,omitempty"`
	RefusedSince   *time.Time      `json:"refused_since,omitempty"`
	DisconnectedBy string          `json:"disconnected_by,omitempty"`
	DisconnectedAt *time.Time      `json:"disconnected_at,omitempty"`
	PausedUntil    *time.Time      `json:"paused_until,omitempty"`
	Notices        []intlog.Notice `json:"notices" nullable:"false"`
	Reads          readsRow        `json:"reads"`
}

// readsRow is what QuickBooks' metering has counted this month. Of the app's allowance only the share is shown, since others use it, too.
type readsRow struct {
	Month   string `json:"month"`
	Spent   int    `json:"spent"`
	Percent int    `json:"allowance_used_percent"`
}

type connectionOutput struct {
	ETag string `header:"ETag"`
	Body connectionRow
}

func (h *Connection) get(ctx context.Context, p org.Person, _ *struct{}) (*connectionOutput, error) {
	view, err := h.Connector.View(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	row := connectionRowOf(view, h.Now())
	if row.Reads, err = h.reads(ctx, p.Org); err != nil {
		return nil, err
	}
	return &connectionOutput{ETag: tag(view.Connection.Rev), Body: row}, nil
}

func (h *Connection) reads(ctx context.Context, id string) (readsRow, error) {
	month := intlog.MeteredMonth(h.Now())
	spent, err := h.Reads.ReadsOf(ctx, id, month)
	if err != nil {
		return readsRow{}, err
	}
	all, err := h.Reads.ReadsSpent(ctx, month)
	return readsRow{Month: month, Spent: spent, Percent: all * 100 / max(h.Allowance, 1)}, err
}

func connectionRowOf(v grant.View, now time.Time) connectionRow {
	c := v.Connection
	row := connectionRow{
		State: string(v.State), Company: c.Company, Realm: c.Realm, ConnectedBy: c.By, ConnectedAt: known(c.At),
		RefusedSince: known(v.RefusedSince), DisconnectedBy: c.EndedBy, DisconnectedAt: known(c.EndedAt), Notices: append([]intlog.Notice{}, v.Notices...),
	}
	if v.PausedUntil.After(now) {
		row.PausedUntil = &v.PausedUntil
	}
	if v.State == grant.Alive {
		row.RefreshedAt, row.EndsAt = known(c.RefreshedAt), known(c.End())
	}
	if row.EndsAt != nil {
		left := int(row.EndsAt.Sub(now).Hours() / 24)
		row.DaysLeft = &left
	}
	return row
}

// known is a time, or nil if there is none.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// browserCookie binds an attempt to connect to the browser that began it.
const browserCookie = "__Host-" + grant.BrowserCookie

type startInput struct {
	Browser string `cookie:"__Host-passare-connect" maxLength:"200" doc:"The browser, if it has begun before."`
	Body    *startBody
	host    string
}

type startBody struct {
	Other bool `json:"other_company,omitempty" doc:"Confirms that another company than the present one is wanted; without it that is refused."`
}

// Resolve keeps the host that was asked.
func (in *startInput) Resolve(ctx huma.Context) []error {
	in.host = ctx.Host()
	return nil
}

type startOutput struct {
	Cookie http.Cookie `header:"Set-Cookie"`
	Body   started
}

type started struct {
	Address string    `json:"authorize_url"`
	Ends    time.Time `json:"expires_at"`
}

func (h *Connection) start(ctx context.Context, p org.Person, in *startInput) (*startOutput, error) {
	browser := cmp.Or(in.Browser, h.Random())
	address, ends, err := h.Connector.Start(ctx, p, browser, in.Body != nil && in.Body.Other, h.back(in.host))
	if err != nil {
		return nil, err
	}
	cookie := http.Cookie{
		Name: browserCookie, Value: browser, Path: "/", MaxAge: int(grant.AttemptLife.Seconds()), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	return &startOutput{Cookie: cookie, Body: started{address, ends}}, nil
}

// back is the address of the callback. The app's settings at Intuit must have it, too, so that no other host can be named here.
func (h *Connection) back(host string) string {
	return cmp.Or(h.PublicURL, "https://"+host) + "/oauth/callback"
}

// browserOf is the secret of the browser, from the cookie of POST /v1/connection/start or of the console's form.
func (h *Connection) browserOf(r *http.Request) string {
	cookie, err := r.Cookie(browserCookie)
	if err != nil && h.Plain {
		cookie, err = r.Cookie(grant.BrowserCookie)
	}
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (h *Connection) disconnect(ctx context.Context, p org.Person, in *struct{ Conditional }) (*connectionOutput, error) {
	want, err := in.rev()
	if err != nil {
		return nil, err
	}
	view, err := h.Connector.View(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	if want != nil && *want != view.Connection.Rev {
		return nil, fault.New(fault.Stale, "Somebody changed the connection since you looked. Look at it again.")
	}
	if err := h.Connector.Disconnect(ctx, p); err != nil {
		return nil, err
	}
	return h.get(ctx, p, nil)
}

// callback ends a consent. Who it is for is known from the attempt, not from a token: the browser comes from Intuit.
func (h *Connection) callback(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	done, err := h.Connector.Finish(r.Context(), grant.Answer{
		State: query.Get("state"), Code: query.Get("code"), Realm: query.Get("realmId"), Error: query.Get("error"), Browser: h.browserOf(r),
	})
	trace := h.NewTrace()
	if err != nil {
		h.Log.WarnContext(r.Context(), "connection refused", "code", fault.CodeOf(err), "trace", trace)
	} else {
		h.Log.InfoContext(r.Context(), "connected", "org", done.Connection.Org, "released", done.Released)
	}
	if strings.Contains(r.Header.Get("Accept"), "json") {
		h.answer(w, done, err, trace)
		return
	}
	showCallback(w, done, err, trace)
}

func (h *Connection) answer(w http.ResponseWriter, done grant.Connected, err error, trace string) {
	if err != nil {
		writeProblem(w, err, trace)
		return
	}
	write(w, http.StatusOK, "application/json", callbackRow{done.Connection.Company, done.Connection.Realm, done.Released})
}

// callbackRow is what a consent has brought.
type callbackRow struct {
	Company  string `json:"company"`
	Realm    string `json:"realm"`
	Released int    `json:"released" doc:"Entries that waited and are on their way."`
}

// consolePage is where the callback leads back to: the console's page of the connection. Its stylesheet is the console's, too.
const consolePage = "/console/connection"

// showCallback tells the person how it went, on a page without script or address of anything else but the console.
func showCallback(w http.ResponseWriter, done grant.Connected, err error, trace string) {
	page := struct {
		Title, Text, Trace, Console string
		Released                    int
	}{Console: consolePage, Title: "QuickBooks is connected", Text: "Connected to " + cmp.Or(done.Connection.Company, "company "+done.Connection.Realm) + ".", Released: done.Released}
	status := http.StatusOK
	if err != nil {
		p := problemOf(err, trace)
		page.Title, page.Text, page.Trace, status = "QuickBooks was not connected", p.Detail, p.Trace, p.Status
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Referrer-Policy", "no-referrer") // the address has a code in it
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = callbackPage().Execute(w, page)
}

func callbackPage() *template.Template {
	return template.Must(template.New("callback").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>{{.Title}}</title><link rel="stylesheet" href="/console/style.css"><link rel="icon" href="/console/icon.svg" type="image/svg+xml"></head>
<body><main><h1>{{.Title}}</h1><p class="sentence">{{.Text}}</p>
{{- if .Released}}<p>{{.Released}} {{if eq .Released 1}}entry that waited is{{else}}entries that waited are{{end}} on the way now.</p>{{end}}
{{- if .Trace}}<p>If you ask support about this, tell them {{.Trace}}.</p>{{end}}
<p><a class="button" href="{{.Console}}">Go on in the console</a></p><p>Or close this page.</p></main></body></html>
`))
}
