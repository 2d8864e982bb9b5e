package console

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/bell"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// Desk is where entries are reviewed (review.Desk).
type Desk interface {
	Find(ctx context.Context, org string, f review.Filter, after intlog.Mark, limit int) ([]intlog.Entry, *intlog.Mark, error)
	Entry(ctx context.Context, key intlog.Key) (review.Detail, error)
	Do(ctx context.Context, key intlog.Key, deed review.Deed) (e intlog.Entry, changed bool, err error)
	DoAll(ctx context.Context, org string, m review.Many) (review.Report, error)
	Undo(ctx context.Context, key intlog.Key, who, reason string, ifRev *int64) (undo intlog.Entry, made bool, err error)
	PreviewUndo(ctx context.Context, key intlog.Key, who, reason string, ifRev *int64) (intlog.Entry, rules.Plan, error)
}

// Reader reads what stands around entries (review.Reader).
type Reader interface {
	Summary(ctx context.Context, org string) (review.Summary, error)
	Around(ctx context.Context, e intlog.Entry) (review.Around, error)
	CaseHistory(ctx context.Context, org, caseID string, after intlog.Mark) (review.CaseHistory, *intlog.Mark, error)
}

// Bell tells people what they are needed for (bell.Bell).
type Bell interface {
	List(ctx context.Context, p org.Person) (bell.Board, error)
	Read(ctx context.Context, p org.Person, id string) (bell.Board, error)
	ReadAll(ctx context.Context, p org.Person) (bell.Board, error)
}

// Charts knows the names of the connected company's accounts, by their ids (package setup).
type Charts interface {
	AccountNames(ctx context.Context, org string) (map[string]string, error)
}

// People says who carries an ID token. Errors: fault.Unauthenticated; fault.Unavailable.
type People interface {
	Person(ctx context.Context, token string) (org.Person, error)
}

// Options are what the console stands on.
type Options struct {
	Desk     Desk
	Reader   Reader
	Bell     Bell
	Charts   Charts
	Office   Office
	Connect  Connector
	Consent  Consent
	Linked   Relinker
	Proof    reconcile.Reader
	Door     Door
	People   People
	Download http.Handler // of the REST API: GET /v1/entries.csv is called with the person's token
	Books    string       // address of QuickBooks' own pages, without a slash at the end; empty: no links
	Issuer   string       // where people sign in
	ClientID string       // of the console at the issuer, a public client without a secret; the audience of ID tokens
	Web      *http.Client // by which the issuer is asked
	Random   func() string
	Now      func() time.Time
	NewTrace func() string
	Log      *slog.Logger
	Plain    bool // people reach the console by http, on their own machine: cookies have no __Host- and no Secure, which browsers and clients refuse there
}

// Console serves the pages.
type Console struct {
	Options
	signIn *signIn
	pages  map[string]*template.Template
	assets assets
}

//go:embed pages
var files embed.FS

// Home is the address of the console.
const Home = "/console"

// New makes the console. Errors: fault.Internal for a template that cannot be read.
func New(o Options) (*Console, error) {
	c := &Console{Options: o, signIn: &signIn{issuer: o.Issuer, clientID: o.ClientID, web: o.Web}}
	var err error
	if c.assets, err = readAssets(); err != nil {
		return nil, fmt.Errorf("console.New: %w", fault.Because(err, fault.Internal, "A file that the console's pages load cannot be read."))
	}
	if c.pages, err = parse(o.Now); err != nil {
		return nil, fmt.Errorf("console.New: %w", fault.Because(err, fault.Internal, "A page of the console cannot be read."))
	}
	return c, nil
}

func parse(now func() time.Time) (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	paths, err := fs.Glob(files, "pages/*.html")
	for _, path := range paths {
		t, failed := template.New("layout.html").Funcs(words()).Funcs(ages(now)).ParseFS(files, "pages/layout.html", "pages/parts.html", path)
		err = errors.Join(err, failed)
		pages[strings.TrimSuffix(strings.TrimPrefix(path, "pages/"), ".html")] = t
	}
	return pages, err
}

// Register serves the console on a mux.
func (c *Console) Register(mux *http.ServeMux) {
	mux.Handle(Home, c.Handler())
	mux.Handle(Home+"/", c.Handler())
}

// Handler is every page and act of the console.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	c.assets.register(mux)
	mux.HandleFunc("GET /console/icon.svg", c.icon)
	mux.HandleFunc("GET /console/sign-in", c.startSignIn)
	mux.HandleFunc("GET /console/signed-in", c.finishSignIn)
	mux.HandleFunc("GET /console/welcome-back", c.welcomeBack)
	mux.HandleFunc("POST /console/sign-out", c.signOut)
	mux.HandleFunc("GET /console/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Home, http.StatusSeeOther) })
	mux.HandleFunc("GET /console", c.let(c.log))
	mux.HandleFunc("GET /console/entries.csv", c.let(c.download))
	mux.HandleFunc("GET /console/entries/{id}", c.let(c.entry))
	mux.HandleFunc("GET /console/entries/{id}/delete", c.let(c.askDelete))
	mux.HandleFunc("POST /console/entries/{id}/delete", c.let(c.delete))
	mux.HandleFunc("GET /console/entries/{id}/undo", c.let(c.askUndo))
	mux.HandleFunc("POST /console/entries/{id}/undo", c.let(c.undo))
	mux.HandleFunc("POST /console/act", c.let(c.act))
	mux.HandleFunc("POST /console/actions", c.let(c.confirm))
	mux.HandleFunc("POST /console/actions/confirmed", c.let(c.confirmed))
	mux.HandleFunc("GET /console/notices", c.let(c.notices))
	mux.HandleFunc("POST /console/notices/read-all", c.let(c.readAll))
	mux.HandleFunc("POST /console/notices/{id}/read", c.let(c.readOne))
	c.mappingRoutes(mux)
	c.setupRoutes(mux)
	c.linkRoutes(mux)
	c.proofRoutes(mux)
	mux.HandleFunc("/console/", func(w http.ResponseWriter, r *http.Request) {
		c.says(w, r, org.Person{}, http.StatusNotFound, "Nothing is here", "There is no page at this address.")
	})
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.says(w, r, org.Person{}, http.StatusForbidden, "This came from another site", "Nothing was done. Open the Integration log and do it there.")
	}))
	return c.guarded(cross.Handler(mux))
}

// guarded sets what every answer has: nobody keeps it, frames it or guesses what it is, nothing but our own files is loaded by it, and no script within a page is run.
func (c *Console) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'"+c.signIn.origins(r.Context())+"; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// maxForm is the largest form, in bytes: review.MaxMany ids.
const maxForm = 1 << 20

func (c *Console) icon(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1f5f5b"/>` +
		`<path d="M9 17l5 5 9-11" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round"/></svg>`))
}

// page is what every page has.
type page struct {
	Title  string
	Tab    string // of the header: "log", "needs", "proof", "mapping", "settings", "connection", "links", "notices"
	Files  assets
	Person org.Person
	Unread int
	Flash  *flash
	Body   any
}

// SeesLog says whether the person may see the log, and with it what it waits for.
func (p page) SeesLog() bool { return p.Person.May(org.SeeLog) }

// Manages says whether the person may set the organisation up.
func (p page) Manages() bool { return p.Person.May(org.Manage) }

// show answers with a page. A person who may see the log sees what the bell has for them; the page that lists it has asked already.
func (c *Console) show(w http.ResponseWriter, r *http.Request, p org.Person, status int, name, title, tab string, body any) {
	x := page{Title: title, Tab: tab, Files: c.assets, Person: p, Body: body}
	if !refreshes(r) {
		x.Flash = c.takeFlash(w, r)
	}
	if known, ok := body.(noticesPage); ok {
		x.Unread = known.Unread
	} else if p.May(org.SeeLog) {
		if board, err := c.Bell.List(r.Context(), p); err == nil {
			x.Unread = board.Unread
		} else {
			c.Log.ErrorContext(r.Context(), "the bell cannot be read", "error", fault.Line(err))
		}
	}
	var out bytes.Buffer
	if err := c.pages[name].Execute(&out, x); err != nil {
		c.Log.ErrorContext(r.Context(), "a page cannot be shown", "error", fmt.Sprintf("%T", err), "page", name) // its text may quote what is shown
		http.Error(w, "Something went wrong on our side. Nothing was lost; please try again.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}

// refreshes says whether a script asks, for a page that is open already: what only a person reads is left for their next page.
func refreshes(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// said is a page that says one thing.
type said struct {
	Text, Trace string
	Fields      []fault.Field
	Back        string
}

func (c *Console) says(w http.ResponseWriter, r *http.Request, p org.Person, status int, title, text string) {
	c.show(w, r, p, status, "says", title, "", said{Text: text, Back: Home})
}

// fail answers with an error, in a bookkeeper's words.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, p org.Person, err error) {
	f := fault.As(err)
	status, title := kind(f.Code)
	x := said{Text: f.Text(), Fields: f.Fields, Back: Home}
	if status >= http.StatusInternalServerError {
		x.Trace = c.NewTrace()
		c.Log.ErrorContext(r.Context(), "console failed", "error", fault.Line(err), "trace", x.Trace)
	}
	c.show(w, r, p, status, "says", title, "", x)
}

func kind(code fault.Code) (status int, title string) {
	switch code {
	case fault.Invalid, fault.TooLarge, fault.UnsupportedMedia:
		return http.StatusUnprocessableEntity, "Something you sent is wrong"
	case fault.NotFound:
		return http.StatusNotFound, "Not found"
	case fault.Forbidden:
		return http.StatusForbidden, "A permission is missing"
	case fault.Conflict, fault.Disconnected, fault.Refused, fault.NameTaken:
		return http.StatusConflict, "Not possible now"
	case fault.Stale:
		return http.StatusPreconditionFailed, "Changed meanwhile"
	case fault.Unavailable, fault.Throttled, fault.Unknown:
		return http.StatusServiceUnavailable, "Try again in a moment"
	case fault.Unauthenticated:
		return http.StatusUnauthorized, "Not signed in"
	case fault.Internal:
	}
	return http.StatusInternalServerError, "Our fault"
}
