package qbosim

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Options configure a simulator. The client is the one that the OAuth endpoint knows.
type Options struct {
	Now          func() time.Time
	ClientID     string
	ClientSecret string
	// Limit is how long a call may take: then it is cut with a 504, and what was done by then stays done. 0: two minutes, as at Intuit.
	Limit time.Duration
	// Notify carries webhooks; without it none are sent.
	Notify *http.Client
}

// Sim is a simulated QuickBooks with any number of companies.
type Sim struct {
	o       Options
	schemas []*schema
	signer  func() (*idSigner, error)

	mu        sync.Mutex
	companies map[string]*company
	access    map[string]accessToken
	refresh   map[string]refreshToken
	codes     map[string]authorization
	faults    []*Fault
	serial    int
	hooks     []hook
	notices   sync.WaitGroup
	packers   sync.Pool // of *gzip.Writer
}

// New makes a simulator without companies.
func New(o Options) *Sim {
	return &Sim{
		o: o, schemas: schemas(), signer: sync.OnceValues(newIDSigner), companies: map[string]*company{}, access: map[string]accessToken{},
		refresh: map[string]refreshToken{}, codes: map[string]authorization{},
	}
}

// maxBody is the largest request that is read, in bytes, also when it was sent compressed.
const maxBody = 4 << 20

// next gives a number that was never given before, for tokens and traces.
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
	for _, page := range []string{"openid_configuration", "openid_sandbox_configuration"} {
		mux.HandleFunc("GET /.well-known/"+page, s.discovery)
		mux.HandleFunc("GET /.well-known/"+page+"/", s.discovery)
	}
	mux.HandleFunc("GET /op/v1/jwks", s.keys)
	mux.HandleFunc("GET /v1/openid_connect/userinfo", s.userinfo)
	mux.HandleFunc("/v3/company/{realm}", s.serveCompany)
	mux.HandleFunc("/v3/company/{realm}/{rest...}", s.serveCompany)
	s.registerSwitches(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		w.Header()["intuit_tid"] = []string{"1-" + s.opaque("tid")[:8] + "-" + s.opaque("tid")[:24]}
		s.mu.Unlock()
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		mux.ServeHTTP(w, singleSlashes(r))
	})
}

// singleSlashes is a request whose path has no empty parts: many clients double the slash between the address and the path, and QuickBooks never redirects.
func singleSlashes(r *http.Request) *http.Request {
	if !strings.Contains(r.URL.Path, "//") {
		return r
	}
	address := *r.URL
	for strings.Contains(address.Path, "//") {
		address.Path = strings.ReplaceAll(address.Path, "//", "/")
	}
	address.RawPath = ""
	single := r.WithContext(r.Context())
	single.URL = &address
	return single
}

// result is an answer before it is written.
type result struct {
	status      int
	contentType string // of a success when empty
	challenge   string // WWW-Authenticate
	cache       string // Cache-Control, where it is not the usual one
	body        []byte
	// For batches, which carry the same things without an envelope of their own.
	name    string
	payload any
	fault   ordered
}

func (r result) ok() bool { return r.status == http.StatusOK && r.fault == nil }

// reply writes an answer, compressed for those who ask for it.
func (s *Sim) reply(w http.ResponseWriter, asked *http.Request, r result) {
	h := w.Header()
	h.Set("Content-Type", r.contentType)
	if r.contentType == "" {
		h.Set("Content-Type", "application/json;charset=utf-8")
		h.Set("qbo-version", "1944.190")
	}
	if r.challenge != "" {
		h.Set("WWW-Authenticate", r.challenge)
	}
	h.Set("Cache-Control", cmp.Or(r.cache, "max-age=0, no-cache, no-store, must-revalidate, private"))
	body := r.body
	if len(body) > 0 && acceptsGzip(asked.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body = s.packed(body)
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(r.status)
	_, _ = w.Write(body)
}

// acceptsGzip says whether an Accept-Encoding names gzip without a weight of nothing.
func acceptsGzip(accepted string) bool {
	for coding := range strings.SplitSeq(accepted, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return weight == "" || strings.ContainsAny(weight, "123456789")
		}
	}
	return false
}

// packed is a body as gzip.
func (s *Sim) packed(body []byte) []byte {
	z, ok := s.packers.Get().(*gzip.Writer)
	if !ok {
		z, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed)
	}
	defer s.packers.Put(z)
	var b bytes.Buffer
	z.Reset(&b)
	_, _ = z.Write(body)
	_ = z.Close()
	return b.Bytes()
}

// answer wraps an object as {"Name":{…},"time":…}.
func (s *Sim) answer(name string, payload any) result {
	body, err := plain(ordered{{name, payload}, {"time", s.stamp()}})
	if err != nil {
		return s.refused(http.StatusInternalServerError, systemFailure(err.Error()))
	}
	return result{status: http.StatusOK, body: body, name: name, payload: payload}
}

// call is one API call.
type call struct {
	method, realm, path string
	request             *http.Request
	query               url.Values
	body                []byte
	xml                 bool // the company answers gateway faults in XML whatever is accepted
}

// write says whether the call changes something. Reads are metered.
func (c call) write() bool { return c.method == http.MethodPost && c.path != "query" }

// wantsXML: a caller that accepts XML and no JSON gets the gateway's faults in XML.
func (c call) wantsXML() bool {
	accepted := c.request.Header.Get("Accept")
	return c.xml || strings.Contains(accepted, "xml") && !strings.Contains(accepted, "json")
}

// serveCompany answers one API call: scripted faults, the token, then the operation.
func (s *Sim) serveCompany(w http.ResponseWriter, r *http.Request) {
	c := call{method: r.Method, realm: r.PathValue("realm"), path: strings.Trim(r.PathValue("rest"), "/"), request: r, query: looseQuery(r.URL.RawQuery)}
	leave, busy := s.enter(c)
	defer leave()
	body, err := readBody(r)
	if err != nil {
		s.reply(w, r, s.locked(func() result { return s.refused(http.StatusBadRequest, unreadable()) }))
		return
	}
	c.body = body
	scripted := func() *Fault {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.scripted(c.realm, c.method, c.path)
	}()
	operate := func() result {
		return s.locked(func() result {
			if busy {
				return s.refused(http.StatusBadRequest, namesLocked())
			}
			return s.operate(c)
		})
	}
	if scripted == nil {
		s.reply(w, r, operate())
		return
	}
	s.act(w, c, scripted, operate)
}

// act does what a scripted fault says.
func (s *Sim) act(w http.ResponseWriter, c call, f *Fault, operate func() result) {
	r, cancel := s.limited(c.request)
	defer cancel()
	late := func() (given bool) { return pause(r, time.Duration(f.DelayMS)*time.Millisecond) || overdue(r) }
	answersLate := f.Kind == "commit_then_delay"
	if !answersLate && !late() {
		return
	}
	var answer result
	if f.commits() {
		answer = operate()
	}
	if answersLate && !late() {
		return
	}
	if strings.HasSuffix(f.Kind, "hang") {
		<-r.Context().Done()
	}
	switch {
	case overdue(r):
		s.reply(w, c.request, cutOff())
	case f.Kind == "status" || f.Kind == "commit_then_status":
		s.reply(w, c.request, f.result())
	case f.Kind == "catalogue" || f.Kind == "commit_then_catalogue":
		s.reply(w, c.request, s.locked(func() result { return s.fromCatalogue(c, f) }))
	case f.Kind == "drop" || f.Kind == "commit_then_drop":
		drop(w)
	case f.Kind == "truncate":
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		w.Header().Set("Content-Length", fmt.Sprint(len(answer.body)))
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body[:len(answer.body)/2])
		drop(w)
	case f.Kind == "delay" || answersLate:
		s.reply(w, c.request, answer)
	}
}

// pause waits, unless the caller gives up first or the call takes too long.
func pause(r *http.Request, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// looseQuery reads a query as Intuit does: empty parts (&&, a trailing &) are nothing, and what cannot be unescaped is itself.
func looseQuery(raw string) url.Values {
	values := url.Values{}
	for part := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(part, "=")
		if key == "" {
			continue
		}
		unescape := func(s string) string {
			if u, err := url.QueryUnescape(s); err == nil {
				return u
			}
			return s
		}
		values.Add(unescape(key), unescape(value))
	}
	return values
}

// readBody reads a body, compressed or not. Some clients say gzip and send nothing.
func readBody(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	coding := strings.TrimPrefix(strings.ToLower(r.Header.Get("Content-Encoding")), "x-")
	if err != nil || len(raw) == 0 || coding != "gzip" {
		return raw, err
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	raw, err = io.ReadAll(io.LimitReader(z, maxBody+1))
	if len(raw) > maxBody {
		return nil, errors.New("too large")
	}
	return raw, err
}

func (s *Sim) locked(f func() result) result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f()
}

// drop cuts the connection.
func drop(w http.ResponseWriter) {
	h, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	if conn, buffer, err := h.Hijack(); err == nil {
		_ = buffer.Flush()
		_ = conn.Close()
	}
}

// enter counts a company's name writes that are under way; busy says that another one is, where the company's switch wants that to matter.
func (s *Sim) enter(c call) (leave func(), busy bool) {
	nothing := func() {}
	x := s.entityNamed(firstPart(c.path))
	if x == nil || !x.names || c.method != http.MethodPost {
		return nothing, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	co, ok := s.companies[c.realm]
	if !ok || !co.switches.LockNames {
		return nothing, false
	}
	co.nameWrites++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		co.nameWrites--
	}, co.nameWrites > 1
}

func firstPart(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

// operate carries out a call for whoever has a token of that company.
func (s *Sim) operate(c call) result {
	co, known := s.companies[c.realm]
	c.xml = known && co.switches.XMLFaults
	if refused, ok := s.authenticate(c); !ok {
		return refused
	}
	if !known {
		return s.give(c, notAllowed())
	}
	if !co.admit(c, s.o.Now()) {
		return s.give(c, tooFast())
	}
	if co.switches.NoAccess {
		return s.give(c, noAccess())
	}
	if c.path == "batch" && c.method == http.MethodPost {
		return s.batch(co, c)
	}
	return s.once(co, c, c.query.Get("requestid"), s.route)
}

// maxRequestID is how long a requestid may be.
const maxRequestID = 50

// remembered is the answer of a write, for repeats under its requestid.
type remembered struct {
	result
	at time.Time
}

// once answers a repeat under the same requestid with the first answer, without doing anything. Reads are never replayed.
func (s *Sim) once(co *company, c call, id string, do func(*company, call) result) result {
	if id == "" || !c.write() {
		return do(co, c)
	}
	if len(id) > maxRequestID {
		return s.refused(http.StatusBadRequest, badRequestID(id))
	}
	return s.repeatable(co, id, func() result { return do(co, c) })
}

// repeatable remembers an answer under an identity. Whether refusals are remembered, and how long anything is, are switches.
func (s *Sim) repeatable(co *company, id string, do func() result) result {
	lifetime := time.Duration(co.switches.RequestIDSeconds) * time.Second
	if old, ok := co.requests[id]; ok && !co.switches.IgnoreRequestID && (lifetime == 0 || s.o.Now().Sub(old.at) < lifetime) {
		if co.switches.DuplicateRequestIDFault {
			return s.refused(http.StatusBadRequest, duplicateRequestID())
		}
		return old.result
	}
	answer := do()
	if answer.ok() || co.switches.ReplayFailures {
		co.requests[id] = remembered{answer, s.o.Now()}
	}
	return answer
}

// route finds the operation by the path.
func (s *Sim) route(co *company, c call) result {
	parts := strings.Split(c.path, "/")
	switch {
	case c.path == "query":
		return s.query(co, c)
	case c.path == "cdc" && c.method == http.MethodGet:
		return s.changes(co, c)
	case strings.EqualFold(c.path, "preferences") && c.method == http.MethodGet:
		return s.answer("Preferences", co.preferences())
	case strings.EqualFold(parts[0], "companyinfo") && c.method == http.MethodGet:
		return s.answer("CompanyInfo", co.info())
	case parts[0] == "reports" && len(parts) == 2 && c.method == http.MethodGet:
		return s.report(co, c, parts[1])
	}
	x := s.entityNamed(parts[0])
	switch {
	case x == nil || x.single && c.method == http.MethodGet:
	case len(parts) == 1 && c.method == http.MethodPost:
		return s.save(co, x, c)
	case len(parts) == 2 && c.method == http.MethodGet:
		return s.read(co, x, parts[1])
	}
	return s.refused(http.StatusBadRequest, c.resource())
}

// save creates, updates or deletes, by the body and ?operation=.
func (s *Sim) save(co *company, x *schema, c call) result {
	if strings.Contains(c.request.Header.Get("Content-Type"), "xml") && !utf8.Valid(c.body) {
		return s.refused(http.StatusBadRequest, malformedBytes())
	}
	in, wrong := x.parse(c.body)
	if wrong != nil {
		return s.refused(http.StatusBadRequest, *wrong)
	}
	operation, include := strings.ToLower(c.query.Get("operation")), c.query.Get("include")
	if include == "void" { // some clients void by updating
		operation = include
	}
	return s.carryOut(co, x, operation, in, include)
}

func (s *Sim) carryOut(co *company, x *schema, operation string, in ordered, include string) result {
	in = withFlags(in)
	if co.switches.SubscriptionEnded {
		return s.refused(http.StatusBadRequest, subscriptionEnded())
	}
	if x.single {
		return s.refused(http.StatusBadRequest, unsupported(cmp.Or(operation, "update")))
	}
	switch operation {
	case "", "create", "update":
		if in.text("Id") == "" {
			return s.create(co, x, in, include)
		}
		return s.update(co, x, in, include)
	case "delete":
		return s.remove(co, x, in)
	}
	return s.refused(http.StatusBadRequest, unsupported(operation))
}

// read gives one object by its id.
func (s *Sim) read(co *company, x *schema, id string) result {
	if strings.Trim(id, "0123456789") != "" {
		return s.refused(http.StatusBadRequest, badID(id))
	}
	row, ok := co.find(x.name, id)
	switch {
	case !ok:
		return s.refused(http.StatusBadRequest, inactive())
	case row.deleted:
		return s.refused(http.StatusBadRequest, gone())
	}
	return s.answer(x.name, co.show(row))
}

// parse reads the body of an entity. A body that is no object, or is wrapped in its own name, or has an unknown field, is a fault.
func (x *schema) parse(body []byte) (ordered, *serviceError) {
	if at := invalidUTF8(body); at >= 0 {
		e := badProperty(fmt.Sprintf("Invalid UTF-8 middle byte 0x%x", body[at]))
		return nil, &e
	}
	in, err := parseObject(body)
	if err != nil || in.has(x.name) {
		e := unreadable()
		return nil, &e
	}
	for _, f := range in {
		if !x.mayHave(f.key) && !isKept(x, f.key) {
			e := x.unknownProperty(f.key)
			return nil, &e
		}
	}
	return in, nil
}

func isKept(x *schema, key string) bool {
	for _, k := range x.kept {
		if k == key {
			return true
		}
	}
	return false
}

// invalidUTF8 is where the first byte stands that cannot follow the ones before it, or −1.
func invalidUTF8(raw []byte) int {
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 {
			return min(i+1, len(raw)-1)
		}
		i += size
	}
	return -1
}
