package qbosim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options configure a simulator. The client is the one that the OAuth endpoint knows.
type Options struct {
	Now          func() time.Time
	ClientID     string
	ClientSecret string
}

// Sim is a simulated QuickBooks with any number of companies.
type Sim struct {
	o Options

	mu        sync.Mutex
	companies map[string]*company
	access    map[string]accessToken
	refresh   map[string]refreshToken
	codes     map[string]string // authorization code → realm
	faults    []*Fault
	serial    int
}

// New makes a simulator without companies.
func New(o Options) *Sim {
	return &Sim{o: o, companies: map[string]*company{}, access: map[string]accessToken{}, refresh: map[string]refreshToken{}, codes: map[string]string{}}
}

// maxBody is the largest request that is read, in bytes.
const maxBody = 1 << 20

// next gives a number that was never given before, for ids, tokens and traces.
func (s *Sim) next() int {
	s.serial++
	return s.serial
}

// opaque makes a token or trace: it looks random and is the same in every run.
func (s *Sim) opaque(kind string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, s.next()))
	return hex.EncodeToString(sum[:])
}

// Handler serves Intuit's paths and the switches.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth2/v1/tokens/bearer", s.token)
	mux.HandleFunc("POST /v2/oauth2/tokens/revoke", s.revoke)
	mux.HandleFunc("GET /connect/oauth2", s.authorize)
	mux.HandleFunc("GET /.well-known/openid_configuration", s.discovery)
	mux.HandleFunc("/v3/company/{realm}/{rest...}", s.serveCompany)
	s.registerSwitches(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		w.Header()["intuit_tid"] = []string{"1-" + s.opaque("tid")[:32]}
		s.mu.Unlock()
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		mux.ServeHTTP(w, r)
	})
}

// result is an answer before it is written.
type result struct {
	status int
	header map[string]string
	body   []byte
}

func (r result) write(w http.ResponseWriter) {
	for k, v := range r.header {
		w.Header().Set(k, v)
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
	}
	w.Header().Set("Cache-Control", "max-age=0, no-cache, no-store, must-revalidate, private")
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body)
}

// serveCompany answers one API call: scripted faults, the token, then the operation.
func (s *Sim) serveCompany(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.locked(func() result { return s.refused(http.StatusRequestEntityTooLarge, unsupported("request too large")) }).write(w)
		return
	}
	c := call{method: r.Method, realm: r.PathValue("realm"), path: r.PathValue("rest"), request: r, body: body}
	var scripted *Fault
	answer := s.locked(func() result {
		scripted = s.scripted(c)
		if scripted != nil && !scripted.commits() {
			return scripted.result()
		}
		return s.operate(c)
	})
	if scripted != nil {
		if scripted.drops() {
			drop(w)
			return
		}
		answer = scripted.result()
	}
	answer.write(w)
}

func (s *Sim) locked(f func() result) result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f()
}

// drop cuts the connection without an answer.
func drop(w http.ResponseWriter) {
	h, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	if conn, _, err := h.Hijack(); err == nil {
		_ = conn.Close()
	}
}

// call is one API call.
type call struct {
	method, realm, path string
	request             *http.Request
	body                []byte
}

func (c call) write() bool { return c.method == http.MethodPost && c.path != "query" }

// operate carries out a call for whoever has a token of that company.
func (s *Sim) operate(c call) result {
	if refused, ok := s.authenticate(c); !ok {
		return refused
	}
	co, ok := s.companies[c.realm]
	if !ok {
		return s.forbidden()
	}
	co.count(c)
	id := c.request.URL.Query().Get("requestid")
	if old, known := co.requests[id]; known && id != "" && c.write() && !co.switches.IgnoreRequestID {
		return old
	}
	answer := s.route(co, c)
	if id != "" && c.write() && (answer.status == http.StatusOK || co.switches.ReplayFailures) {
		co.requests[id] = answer
	}
	return answer
}

// route finds the operation by the path.
func (s *Sim) route(co *company, c call) result {
	parts := strings.Split(strings.Trim(c.path, "/"), "/")
	switch {
	case c.path == "query":
		return s.query(co, c)
	case c.path == "preferences" && c.method == http.MethodGet:
		return s.answer("Preferences", co.preferences())
	case parts[0] == "companyinfo" && c.method == http.MethodGet:
		return s.answer("CompanyInfo", co.info(s.o.Now()))
	case len(parts) == 1 && c.method == http.MethodPost:
		return s.create(co, parts[0], c)
	case len(parts) == 2 && c.method == http.MethodGet:
		return s.read(co, parts[0], parts[1])
	}
	return s.refused(http.StatusBadRequest, unsupported("Could not find resource for relative : /v3/company/"+c.realm+"/"+c.path))
}

// create makes an object. ?operation=delete takes a journal entry away.
func (s *Sim) create(co *company, entity string, c call) result {
	switch entity {
	case "journalentry":
		if c.request.URL.Query().Get("operation") == "delete" {
			return s.deleteEntry(co, c.body)
		}
		return s.createEntry(co, c)
	case "customer", "vendor":
		return s.createName(co, entity, c.body)
	case "account":
		return s.createAccount(co, c.body)
	case "class", "department":
		return s.createListed(co, entity, c.body)
	}
	return s.refused(http.StatusBadRequest, unsupported("Could not find resource for relative : /v3/company/"+co.realm+"/"+entity))
}

// read gives one object by its id.
func (s *Sim) read(co *company, entity, id string) result {
	if strings.Trim(id, "0123456789") != "" {
		return s.refused(http.StatusBadRequest, serviceError{"Invalid ID", "Id should be a valid number. Supplied value:" + id, "2030", "Id"})
	}
	for _, row := range co.rows(entityName(entity)) {
		if row.id() == id {
			return s.answer(entityName(entity), row.show(co))
		}
	}
	return s.refused(http.StatusBadRequest, inactive())
}

// answer wraps an object as {"Name":{…},"time":…}.
func (s *Sim) answer(name string, object any) result {
	return s.encode(ordered{{name, object}, {"time", s.stamp()}})
}

func (s *Sim) encode(v any) result {
	body, err := json.Marshal(v)
	if err != nil {
		return s.refused(http.StatusInternalServerError, serviceError{"An application error has occurred while processing your request", "System Failure Error: " + err.Error(), "10000", ""})
	}
	return result{status: http.StatusOK, body: body}
}

// pacific is the zone of every time that QuickBooks shows, wherever the company is.
func pacific(t time.Time) time.Time {
	return t.In(time.FixedZone("", offset(t.UTC())))
}

// offset is Pacific time's: daylight saving from the second Sunday of March to the first of November, 2:00.
func offset(t time.Time) int {
	const hour = 3600
	start := sunday(t.Year(), time.March, 2).Add(10 * time.Hour)
	end := sunday(t.Year(), time.November, 1).Add(9 * time.Hour)
	if !t.Before(start) && t.Before(end) {
		return -7 * hour
	}
	return -8 * hour
}

// sunday is the nth Sunday of a month.
func sunday(year int, month time.Month, n int) time.Time {
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 0, (7-int(first.Weekday()))%7+7*(n-1))
}

// stamp is the answer's own time, in milliseconds; objects carry whole seconds.
func (s *Sim) stamp() string {
	return pacific(s.o.Now()).Format("2006-01-02T15:04:05.000-07:00")
}

func (s *Sim) second() string {
	return pacific(s.o.Now()).Format("2006-01-02T15:04:05-07:00")
}

// ordered is a JSON object whose keys keep their order, as QuickBooks' do.
type ordered []field

type field struct {
	key   string
	value any
}

// MarshalJSON writes the fields in order and leaves nil ones out.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for _, f := range o {
		if f.value == nil {
			continue
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", f.key, value)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// orNil leaves an empty text out of an object.
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
