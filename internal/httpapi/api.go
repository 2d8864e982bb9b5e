package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
)

// People says who carries a token. Errors: fault.Unauthenticated; fault.Unavailable.
type People interface {
	Person(ctx context.Context, token string) (org.Person, error)
}

// Gate lets people in who are signed in and have a permission.
type Gate struct {
	People   People
	Replies  Replies          // none: a repeat with the same Idempotency-Key acts again, which every call bears
	Now      func() time.Time // by which replies end
	NewTrace func() string
	Log      *slog.Logger
}

// API is the calls of people: typed, described (Document), and open to whoever may.
type API struct {
	Gate
	huma huma.API
}

// NewAPI makes the API whose routes are on a mux.
func NewAPI(mux *http.ServeMux, g Gate) *API {
	config := huma.DefaultConfig(title, apiVersion)
	config.Info.Description = about
	config.Info.Contact = &huma.Contact{Name: "Passare Support, 800-692-5111", URL: "https://www.passare.com", Email: "support@passare.com"} // the help page
	config.Servers = []*huma.Server{{URL: "/", Description: "The stage that serves this: production, staging or local.", Extensions: map[string]any{"x-internal": false}}}
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	config.RejectUnknownQueryParameters = true
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", named)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{bearer: {
		Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "A token of the organisation's OpenID Connect issuer, with the claims org, name and permissions. " +
			"It is checked as RFC8725 advises: one algorithm (RS256), signature, issuer, audience and end.",
	}}
	a := &API{Gate: g}
	config.Transformers = []huma.Transformer{a.ours}
	a.huma = humago.New(mux, config)
	return a
}

const bearer = "token"

// named names the schema of a type: one of another package with that package's name before it.
func named(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if pkg := path.Base(t.PkgPath()); t.Name() != "" && pkg != "httpapi" && pkg != "." {
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	return name
}

// call describes a call of the API.
type call struct {
	id      string
	method  string
	path    string
	tag     string // the part of the product, by which the calls are grouped
	needs   org.Permission
	summary string
	about   string       // what a caller must know beyond the summary
	fails   []fault.Code // besides those that any call of its kind may have
	request any          // an example of a body
	body    *huma.Schema // of a body that is read as it is
	answer  any          // an example of an answer's body
	status  int          // of success; 0: 200
	also    []int        // more statuses of success, with the same body
}

// maxInput is the largest body of a person's call, in bytes.
const maxInput = 1 << 20

// register serves a call. The person whose token it is has the permission that the call needs; errors are shown as problems.
func register[I, O any](a *API, c call, handle func(context.Context, org.Person, *I) (*O, error)) {
	op := huma.Operation{
		OperationID: c.id, Method: c.method, Path: c.path, Tags: []string{c.tag}, Summary: c.summary, Description: c.description(), MaxBodyBytes: maxInput,
		DefaultStatus: max(c.status, http.StatusOK), Security: []map[string][]string{{bearer: {}}}, Responses: map[string]*huma.Response{},
		Middlewares: huma.Middlewares{a.admit(c.needs), a.plain, a.given, a.once},
	}
	for _, code := range c.faults() {
		describeFault(a.huma.OpenAPI().Components.Schemas, &op, code)
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, personOf(ctx), in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
	a.illustrate(c)
}

func (c call) description() string {
	needs := "Needs the permission `" + string(c.needs) + "`."
	if c.about == "" {
		return needs
	}
	return c.about + " " + needs
}

// faults are the codes that the call may answer.
func (c call) faults() []fault.Code {
	codes := append([]fault.Code{fault.Unauthenticated, fault.Forbidden, fault.Invalid, fault.Throttled, fault.Unavailable, fault.Internal}, c.fails...)
	if c.method == http.MethodPost || c.method == http.MethodPut || c.method == http.MethodPatch || c.method == http.MethodDelete {
		codes = append(codes, malformed, fault.TooLarge, fault.UnsupportedMedia)
	}
	if strings.Contains(c.path, "{") {
		codes = append(codes, fault.NotFound)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

type personKey struct{}

func personOf(ctx context.Context) org.Person {
	p, _ := ctx.Value(personKey{}).(org.Person)
	return p
}

// admit lets in whoever has a permission.
func (a *API) admit(x org.Permission) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		guard(ctx)
		person, err := a.who(ctx, x)
		if err != nil {
			a.refuse(ctx, err)
			return
		}
		next(huma.WithValue(ctx, personKey{}, person))
	}
}

// plain refuses a query parameter that is there and says nothing, or that is given twice without being a list: each reader would take it otherwise.
func (a *API) plain(ctx huma.Context, next func(huma.Context)) {
	url := ctx.URL()
	query := url.Query()
	var wrong []fault.Field
	for _, p := range ctx.Operation().Parameters {
		switch given := query[p.Name]; {
		case p.In != "query" || len(given) == 0:
		case len(given) > 1 && p.Schema.Type != huma.TypeArray:
			wrong = append(wrong, fault.Field{Field: p.Name, Problem: "is given more than once"})
		case given[0] == "" && !mayBeEmpty(p.Schema):
			wrong = append(wrong, fault.Field{Field: p.Name, Problem: "is empty; leave it out instead"})
		}
	}
	if wrong != nil {
		a.refuse(ctx, &fault.Error{Code: fault.Invalid, Message: "Some of what you sent is wrong.", Fields: wrong})
		return
	}
	next(ctx)
}

func mayBeEmpty(s *huma.Schema) bool {
	return s.Type == huma.TypeString && s.Enum == nil && s.Format == "" && s.Pattern == "" && s.MinLength == nil
}

// guard sets what every answer has: nobody keeps it, and nobody guesses what it is.
func guard(ctx huma.Context) {
	ctx.SetHeader("Cache-Control", "no-store")
	ctx.SetHeader("X-Content-Type-Options", "nosniff")
}

func (a *API) who(ctx huma.Context, x org.Permission) (org.Person, error) {
	token, ok := strings.CutPrefix(ctx.Header("Authorization"), "Bearer ")
	if !ok {
		return org.Person{}, fault.New(fault.Unauthenticated, "Sign in, and send the token as Authorization: Bearer.")
	}
	person, err := a.People.Person(ctx.Context(), token)
	if err != nil {
		return person, err
	}
	if !person.May(x) {
		return person, fault.New(fault.Forbidden, "You need the permission %s for this.", x)
	}
	return person, nil
}

// refuse answers with an error before a handler is called.
func (a *API) refuse(ctx huma.Context, err error) {
	p := a.problem(ctx.Context(), err)
	for name, values := range p.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	_ = a.huma.Marshal(ctx.BodyWriter(), "application/json", p)
}

// problem shows an error, and logs what is our fault under the trace that is shown.
func (a *API) problem(ctx context.Context, err error) *Problem {
	p := problemOf(err, a.NewTrace())
	if p.Status >= http.StatusInternalServerError && a.Log != nil {
		a.Log.ErrorContext(ctx, "call failed", "error", fault.Line(err), "trace", p.Trace)
	}
	return &p
}

// ours shows what huma found wrong with an input as our own problem.
func (a *API) ours(_ huma.Context, _ string, body any) (any, error) {
	found, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	p := Problem{Type: "/problems/" + string(fault.Internal), Title: found.Title, Status: found.Status, Detail: "Something went wrong on our side. Nothing was lost; please try again.", Trace: a.NewTrace()}
	for _, k := range kinds() {
		if k.status == found.Status {
			p.Type, p.Title, p.Detail = "/problems/"+string(k.code), k.title, "Some of what you sent is wrong."
			break
		}
	}
	if found.Status == http.StatusRequestEntityTooLarge {
		p.Detail = "A body may have at most " + strconv.Itoa(maxInput) + " bytes."
	}
	for _, e := range found.Errors {
		p.Errors = append(p.Errors, fault.Field{Field: field(e.Location), Value: short(e.Value), Problem: e.Message})
	}
	return &p, nil
}

// field is the name of a field without where it was sent.
func field(location string) string {
	for _, part := range []string{"body.", "query.", "path.", "header."} {
		if name, ok := strings.CutPrefix(location, part); ok {
			return name
		}
	}
	return location
}

// short is a value as a problem shows it again.
func short(v any) string {
	s, ok := v.(string)
	if !ok {
		return ""
	}
	const most = 100
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// Conditional is a change that is meant for a revision.
type Conditional struct {
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag that the change is meant for; without it, or with *, whatever is stored is changed."`
}

// rev reads the revision: nil for whatever is stored. Errors: fault.Stale for a tag that was never ours.
func (c Conditional) rev() (*int64, error) {
	if c.IfMatch == "" || c.IfMatch == "*" {
		return nil, nil
	}
	rev, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(c.IfMatch, "W/"), `"`), 10, 64)
	if err != nil {
		return nil, fault.Because(err, fault.Stale, "It was changed since you looked. Look at it again.")
	}
	return &rev, nil
}

func tag(rev int64) string { return `"` + strconv.FormatInt(rev, 10) + `"` }

// Whole answers what a mux has no route for as a problem, too, and everything else as it is.
func (a *API) Whole(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		said := &discarded{header: http.Header{}}
		mux.ServeHTTP(said, r)
		if said.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", cmp.Or(a.methods(r.URL.Path), said.header.Get("Allow")))
			writeProblem(w, fault.New(notAllowed, "This address does not take %s.", r.Method), a.NewTrace())
			return
		}
		writeProblem(w, fault.New(fault.NotFound, "There is nothing at this address."), a.NewTrace())
	})
}

// methods are those of the call that has exactly this path; empty if there is none. (The mux names those of /v1/entries/{id} for /v1/entries/actions, too.)
func (a *API) methods(path string) string {
	item := a.huma.OpenAPI().Paths[path]
	if item == nil {
		return ""
	}
	var methods []string
	for method, op := range map[string]*huma.Operation{
		http.MethodDelete: item.Delete, http.MethodGet: item.Get, http.MethodPatch: item.Patch, http.MethodPost: item.Post, http.MethodPut: item.Put,
	} {
		if op != nil {
			methods = append(methods, method)
		}
	}
	if item.Get != nil {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// discarded keeps the status and headers of an answer.
type discarded struct {
	header http.Header
	status int
	bytes.Buffer
}

func (d *discarded) Header() http.Header    { return d.header }
func (d *discarded) WriteHeader(status int) { d.status = status }
