package httpapi

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/passare/qbo-sync/internal/fault"
)

const (
	title      = "Passare → QuickBooks Online sync"
	apiVersion = "1"
	about      = "The Integration log of a funeral home: what Passare sent, the journal entries that it became in QuickBooks Online, what waits and why, and who can help. " +
		"The organisation is the token's claim `org` and nothing else; another organisation's id answers 404, like one that does not exist. " +
		"Money is a decimal string, an accounting date is YYYY-MM-DD, a time is RFC 3339 in UTC. A POST may carry an `Idempotency-Key`: a repeat within a day is answered the same."
)

// described is the description of the API, as Document writes it.
//
//go:embed openapi.json
var described []byte

// Document writes the OpenAPI 3.1 description of every call from the code.
func Document() ([]byte, error) {
	api := NewAPI(http.NewServeMux(), Gate{})
	registerAll(api)
	describeOpen(api)
	doc := api.huma.OpenAPI()
	doc.Tags = tagsOf(doc)
	for _, unused := range []string{"V2ErrorModel", "V2ErrorDetail"} { // huma's own, which are never answered
		delete(doc.Components.Schemas.Map(), unused)
	}
	raw, err := json.MarshalIndent(doc, "", "  ")
	return append(raw, '\n'), err
}

// registerAll registers the calls of every function.
func registerAll(a *API) {
	(&Entries{}).Register(a)
	(&Undos{}).Register(a)
	(&Acts{}).Register(a)
	(&Links{}).Register(a)
	(&Proofs{}).Register(a)
	(&Connection{}).Register(a)
	(&Notifications{}).Register(a)
	(&Reading{}).Register(a)
	(&Setup{}).Register(a)
}

// describeFault adds the answer of a fault to a call.
func describeFault(schemas huma.Registry, op *huma.Operation, code fault.Code) {
	for _, k := range kinds() {
		if k.code != code {
			continue
		}
		status := strconv.Itoa(k.status)
		r := op.Responses[status]
		if r == nil {
			op.Responses[status] = &huma.Response{Description: k.title, Headers: headersOf(k.status), Content: map[string]*huma.MediaType{
				problemType: {Schema: schemas.Schema(reflect.TypeFor[Problem](), true, "Problem"), Example: exampleProblem(k)},
			}}
			return
		}
		if !strings.Contains(r.Description, k.title) {
			r.Description += "; " + k.title
		}
	}
}

// headersOf are the headers of a problem's status (Problem.GetHeaders).
func headersOf(status int) map[string]*huma.Param {
	switch status {
	case http.StatusUnauthorized:
		return map[string]*huma.Param{"WWW-Authenticate": {Description: "How to sign in.", Schema: &huma.Schema{Type: "string"}}}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return map[string]*huma.Param{"Retry-After": {Description: "How many seconds to wait.", Schema: &huma.Schema{Type: "integer", Format: "int32", Minimum: new(0.0), Maximum: new(86400.0)}}}
	}
	return nil
}

func exampleProblem(k kind) Problem {
	p := Problem{Type: "/problems/" + string(k.code), Title: k.title, Status: k.status, Detail: "What happened, and what helps, in plain words.", Trace: "YH7TXVCJLIOPZU6VD4ATSYYWN7"}
	if k.status == http.StatusUnprocessableEntity {
		p.Errors = []fault.Field{{Field: "limit", Value: "1000", Problem: "must be at most 200"}}
	}
	return p
}

// tagsOf are the tags of all calls, by name.
func tagsOf(doc *huma.OpenAPI) []*huma.Tag {
	said := map[string]string{
		logTag: "Entries: what Passare sent, and what became of each.", bellTag: "The bell: what people are needed for.",
		connectionTag: "The connection to QuickBooks Online.", linkTag: "Which case or business is which customer or vendor in QuickBooks.",
		openTag: "What needs no token.",
	}
	var tags []*huma.Tag
	for _, path := range doc.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Post, path.Put, path.Patch, path.Delete} {
			if op == nil || slices.ContainsFunc(tags, func(t *huma.Tag) bool { return t.Name == op.Tags[0] }) {
				continue
			}
			name := op.Tags[0]
			tags = append(tags, &huma.Tag{Name: name, Description: cmp.Or(said[name], name+".")})
		}
	}
	slices.SortFunc(tags, func(a, b *huma.Tag) int { return cmp.Compare(a.Name, b.Name) })
	return tags
}

// illustrate gives a call its examples, and its other statuses of success.
func (a *API) illustrate(c call) {
	op := a.huma.OpenAPI().Paths[c.path]
	of := map[string]*huma.Operation{http.MethodGet: op.Get, http.MethodPost: op.Post, http.MethodPut: op.Put, http.MethodPatch: op.Patch, http.MethodDelete: op.Delete}[c.method]
	if c.method == http.MethodPost {
		of.Parameters = append(of.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Description: "A repeat of the call under the same key is answered the same; another call under it is refused.",
			Schema: &huma.Schema{Type: "string", MaxLength: new(longestKey)},
		})
	}
	answer := of.Responses[strconv.Itoa(max(c.status, http.StatusOK))]
	for _, body := range answer.Content {
		body.Example = c.answer
	}
	for _, status := range c.also {
		same := *answer
		of.Responses[strconv.Itoa(status)] = &same
	}
	if of.RequestBody != nil {
		for _, body := range of.RequestBody.Content {
			body.Example = c.request
			if c.body != nil {
				body.Schema = c.body
			}
		}
	}
}

// RegisterDocument serves the description: as OpenAPI, and as a page.
func RegisterDocument(mux *http.ServeMux) {
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(described)
	})
	mux.HandleFunc("GET /docs", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		_ = docsPage().Execute(w, documented())
	})
}

// documentedCall is a call on the page of the documentation.
type documentedCall struct {
	Method, Path, Summary, About string
	Answers                      []string
	Request, Answer              string
}

// documented reads the calls from the description.
func documented() []documentedCall {
	var doc struct {
		Paths map[string]map[string]struct {
			Summary     string
			Description string
			RequestBody struct {
				Content map[string]struct{ Example json.RawMessage }
			}
			Responses map[string]struct {
				Description string
				Content     map[string]struct{ Example json.RawMessage }
			}
		}
	}
	_ = json.Unmarshal(described, &doc) // a test holds it to the code
	var calls []documentedCall
	for path, methods := range doc.Paths {
		for method, op := range methods {
			c := documentedCall{Method: strings.ToUpper(method), Path: path, Summary: op.Summary, About: op.Description}
			for _, body := range op.RequestBody.Content {
				c.Request = pretty(body.Example)
			}
			for status, r := range op.Responses {
				c.Answers = append(c.Answers, status+" "+r.Description)
				for _, body := range r.Content {
					if status[0] == '2' && c.Answer == "" {
						c.Answer = pretty(body.Example)
					}
				}
			}
			slices.Sort(c.Answers)
			calls = append(calls, c)
		}
	}
	slices.SortFunc(calls, func(a, b documentedCall) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	return calls
}

func pretty(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	out, err := json.MarshalIndent(raw, "", "  ")
	if err != nil {
		return string(raw)
	}
	return string(out)
}

func docsPage() *template.Template {
	return template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Passare → QuickBooks Online sync: the API</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}h2{margin-top:2.5rem}code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid #8884;border-radius:.4rem}</style>
<main><h1>The API</h1><p>As <a href="/openapi.json">OpenAPI 3.1</a>.</p>
{{range .}}<h2 id="{{.Method}}{{.Path}}"><code>{{.Method}} {{.Path}}</code></h2><p>{{.Summary}}</p><p>{{.About}}</p>
{{with .Request}}<p>Body:</p><pre>{{.}}</pre>{{end}}<ul>{{range .Answers}}<li>{{.}}</li>{{end}}</ul>{{with .Answer}}<pre>{{.}}</pre>{{end}}
{{end}}</main></html>
`))
}
