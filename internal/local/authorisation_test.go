package local_test

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// openCalls need no token, and say so each by name: what else has no security in the description is forgotten.
func openCalls() map[string]int { // to what they answer to nobody
	return map[string]int{
		"POST /v1/events":            http.StatusUnauthorized, // it needs a signature instead
		"POST /v1/quickbooks-events": http.StatusUnauthorized, // the same
		"GET /oauth/callback":        http.StatusUnprocessableEntity, "GET /problems/{code}": http.StatusOK,
		"GET /openapi.json": http.StatusOK, "GET /docs": http.StatusOK, "GET /healthz": http.StatusOK,
	}
}

// needed is the permission of a call by the README (Who may do what): settings, mapping, connection and links are an administrator's, the log is the bookkeepers'.
func needed(path string) string {
	for _, administrators := range []string{"/v1/settings", "/v1/mapping", "/v1/quickbooks/", "/v1/connection", "/v1/links/"} {
		if strings.HasPrefix(path, administrators) {
			return "integrations_admin"
		}
	}
	return "integration_log"
}

// fill is what stands in a path: of one's own organisation, and of another one.
type fill struct {
	mine, theirs string
	upserts      bool // an id that one's own organisation does not have yet is made there: another's is no other than a new one
}

// filled gives the parameters of paths, by how these begin.
func filled(t *testing.T, s *local.System) map[string]fill {
	t.Helper()
	mine, theirs := send(t, s, event(local.WillowCreek, "payment.created", "mine", 1, "c1", cash)), send(t, s, event(local.MapleHill, "payment.created", "theirs", 1, "c2", cash))
	wait(t, s, local.WillowCreek, mine, intlog.Synced)
	var unmapped string
	for organisation, id := range map[string]string{local.WillowCreek: "no-gl-mine", local.MapleHill: "no-gl-theirs"} {
		unmap(t, s, organisation)
		failing := send(t, s, event(organisation, "goods_and_services.signed", id, 1, "c3", signed))
		if organisation == local.MapleHill {
			as(t, s, "dan", http.MethodPost, "/v1/entries/"+failing+"/sync")
		}
		wait(t, s, organisation, failing, intlog.Failed)
		if organisation == local.WillowCreek {
			unmapped = failing
		}
	}
	saved, etag := mapping(t, s, "ana")
	saved.GL["4001"] = saved.GL["7000"]
	if r := ask(t, s, "ana", http.MethodPut, "/v1/mapping", saved.json(t), http.Header{"If-Match": {etag}}); r.status != http.StatusOK {
		t.Fatalf("saving the mapping: %d %s", r.status, r.body)
	}
	wait(t, s, local.WillowCreek, unmapped, intlog.Failed) // what waits for a mapping is tried again after each save
	notice := func(user string) string {
		list := notices(t, s, user, http.MethodGet, "/v1/notifications").Notices
		return list[len(list)-1].ID // not the newest, which is of the proof, and goes while the books are proved again
	}
	night := proved(t, s, local.WillowCreek)
	proved(t, s, local.MapleHill)
	difference := func(organisation string) string {
		list, _, err := s.Proof.Differences(t.Context(), organisation, "", 1)
		if err != nil || len(list) == 0 {
			t.Fatalf("%s has no difference: %v", organisation, err)
		}
		return list[0].ID
	}
	return map[string]fill{
		"/problems/":            {mine: "invalid"}, // nobody's
		"/v1/reconciliations/":  {mine: string(night.Date), theirs: "2020-02-29"},
		"/v1/differences/":      {mine: difference(local.WillowCreek), theirs: difference(local.MapleHill)},
		"/v1/close-packets/":    {mine: night.Date.Month(), theirs: night.Date.Month(), upserts: true},
		"/v1/entries/":          {mine: mine, theirs: theirs},
		"/v1/mapping/versions/": {mine: strconv.FormatInt(saved.Version+1, 10), theirs: "999"},
		"/v1/cases/":            {mine: "c1", theirs: "c2", upserts: true},
		"/v1/notifications/":    {mine: notice("ana"), theirs: notice("dan")},
		"/v1/links/customers/":  {mine: "case:c1", theirs: "case:c2", upserts: true},
		"/v1/links/vendors/":    {mine: "business:b1", theirs: "business:b2", upserts: true},
	}
}

// proved has an organisation's books compared.
func proved(t *testing.T, s *local.System, organisation string) reconcile.Night {
	t.Helper()
	night, err := s.Proof.Run(t.Context(), reconcile.Request{Org: organisation, Who: "Ana Diaz"})
	if err != nil {
		t.Fatal(fault.Line(err))
	}
	return night
}

// unmap takes a GL account out of an organisation's mapping.
func unmap(t *testing.T, s *local.System, organisation string) {
	t.Helper()
	c, err := s.Store.Config(t.Context(), organisation)
	if err != nil {
		t.Fatal(err)
	}
	delete(c.Mapping.GL, "4000")
	if _, err := s.Store.PutConfig(t.Context(), c, c.Version); err != nil {
		t.Fatal(err)
	}
}

// route is a call of the description.
type route struct {
	method, path string
	needs        string // the permission; empty: it is open
	body         string
	contentType  string
}

func (r route) String() string { return r.method + " " + r.path }

// routes reads every call from the description; those that end something come last.
func routes(t *testing.T) (all []route) {
	t.Helper()
	raw, err := httpapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Description string
			Security    []map[string][]string
			RequestBody struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	permission := regexp.MustCompile("Needs the permission `([a-z_]+)`")
	for path, methods := range doc.Paths {
		for method, op := range methods {
			r := route{method: strings.ToUpper(method), path: path}
			for contentType, x := range op.RequestBody.Content {
				r.contentType, r.body = contentType, string(x.Example)
			}
			_, open := openCalls()[r.String()]
			secured := slices.ContainsFunc(op.Security, func(s map[string][]string) bool { _, token := s["token"]; return token && len(s) == 1 })
			if open == secured || !secured && len(op.Security) != 1 {
				t.Errorf("%s: open %t, its security is %v", r, open, op.Security)
			}
			if found := permission.FindStringSubmatch(op.Description); secured {
				r.needs = needed(path)
				if found == nil || found[1] != r.needs {
					t.Errorf("%s says that it needs %q, not %s", r, found, r.needs)
				}
			}
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b route) int {
		last := func(r route) int { return len(r.method) * strings.Count(r.method, http.MethodDelete) }
		return cmp.Or(cmp.Compare(last(a), last(b)), cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	})
	return all
}

// at is the address of a route. A parameter that the table cannot fill fails the test.
func (r route) at(t *testing.T, fills map[string]fill, theirs bool) (address string, by *fill) {
	t.Helper()
	before, after, has := strings.Cut(r.path, "{")
	if !has {
		return r.path, nil
	}
	_, rest, _ := strings.Cut(after, "}")
	rest = strings.ReplaceAll(rest, "{page}", string(passare.PaymentsPage))
	f, known := fills[before]
	if !known || strings.Contains(rest, "{") {
		t.Errorf("%s: say in filled what stands for its parameter, of one's own organisation and of another", r)
		return r.path, nil
	}
	id := f.mine
	if theirs {
		id = f.theirs
	}
	if r.method == http.MethodDelete && before == "/v1/entries/" {
		rest += "?reason=why"
	}
	return before + url.PathEscape(id) + rest, &f
}

// keyring lets a system know further keys of its issuer.
type keyring struct {
	http.RoundTripper
	more chan []jose.JSONWebKey // of one: the keys
}

func (k keyring) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := k.RoundTripper.RoundTrip(r)
	if err != nil || r.URL.Path != "/dev/jwks" {
		return res, err
	}
	defer res.Body.Close()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		return nil, err
	}
	more := <-k.more
	k.more <- more
	set.Keys = append(set.Keys, more...)
	raw, err := json.Marshal(set)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	res.Header.Del("Content-Length")
	return res, err
}

// CloseIdleConnections lets the client close them.
func (k keyring) CloseIdleConnections() {
	if c, ok := k.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// signer signs tokens under a key's name.
type signer struct {
	*rsa.PrivateKey
	id string
}

func newSigner(t *testing.T, id string) signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return signer{k, id}
}

func (k signer) published() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.Public(), KeyID: k.id, Algorithm: "RS256", Use: "sig"}
}

func (k signer) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: k.PrivateKey}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", k.id))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// anas are the claims of a token of ana's with permissions, but for what is changed.
func anas(s *local.System, permissions []string, changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": s.URL, "aud": "passare-qbo-sync", "sub": "ana", "name": "Ana Diaz", "org": local.WillowCreek, "permissions": permissions, "exp": time.Now().Add(time.Hour).Unix(),
	}
	for name, value := range changes {
		claims[name] = value
	}
	return claims
}

func noAlgorithm(t *testing.T, claims map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(raw) + "."
}

var bothPermissions = []string{"integration_log", "integrations_admin"}

// other is the permission that a route does not need.
func other(needed string) []string {
	return slices.DeleteFunc(slices.Clone(bothPermissions), func(p string) bool { return p == needed })
}

// matrix is a system whose issuer has two more keys, one of them only later.
type matrix struct {
	*testing.T
	*local.System
	known, later signer
	keys         chan []jose.JSONWebKey
}

func newMatrix(t *testing.T) matrix {
	t.Helper()
	m := matrix{T: t, known: newSigner(t, "known"), later: newSigner(t, "later"), keys: make(chan []jose.JSONWebKey, 1)}
	m.keys <- []jose.JSONWebKey{m.known.published()}
	m.System, _ = carried(t, t, func(carry http.RoundTripper) http.RoundTripper { return keyring{carry, m.keys} })
	return m
}

func (m matrix) call(r route, address, token string) reply {
	m.Helper()
	h := http.Header{}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	if r.contentType != "" {
		h.Set("Content-Type", r.contentType)
	}
	return ask(m.T, m.System, "", r.method, address, r.body, h)
}

// TestEveryCallAsksWhoComes: every route of the description, with every token that is not the right one.
func TestEveryCallAsksWhoComes(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	stranger, namesake := newSigner(t, "stranger"), newSigner(t, "known")
	fills := filled(t, m.System)
	before := m.told()
	for _, r := range routes(t) {
		address, _ := r.at(t, fills, false)
		if r.needs == "" {
			if got := m.call(r, address, ""); got.status != openCalls()[r.String()] {
				t.Errorf("%s, open: %d %s", r, got.status, got.body)
			}
			continue
		}
		right := func(changes map[string]any) map[string]any { return anas(m.System, bothPermissions, changes) }
		for name, x := range map[string]struct {
			token string
			want  int
		}{
			"no token":                         {"", 401},
			"no JWT":                           {"a.b.c", 401},
			"expired, beyond the clocks' skew": {m.known.sign(t, right(map[string]any{"exp": time.Now().Add(-2 * time.Minute).Unix()})), 401},
			"for another audience":             {m.known.sign(t, right(map[string]any{"aud": "another"})), 401},
			"of another issuer":                {m.known.sign(t, right(map[string]any{"iss": "https://another.example"})), 401},
			"without an organisation":          {m.known.sign(t, right(map[string]any{"org": ""})), 401},
			"without a subject":                {m.known.sign(t, right(map[string]any{"sub": ""})), 401},
			"alg none":                         {noAlgorithm(t, right(nil)), 401},
			"signed by an unknown key":         {stranger.sign(t, right(nil)), 401},
			"signed by a key of a known name":  {namesake.sign(t, right(nil)), 401},
			"no permission":                    {m.known.sign(t, anas(m.System, []string{}, nil)), 403},
			"the other permission only":        {m.known.sign(t, anas(m.System, other(r.needs), nil)), 403},
			"a permission that is none":        {m.known.sign(t, anas(m.System, []string{r.needs + "s", "*"}, nil)), 403},
		} {
			got := m.call(r, address, x.token)
			if got.status != x.want || got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s, %s: %d %v %s", r, name, got.status, got.header, got.body)
			}
			if x.want == 401 && got.header.Get("Www-Authenticate") == "" || x.want == 403 && !strings.Contains(got.body, r.needs) {
				t.Errorf("%s, %s: %v %s", r, name, got.header, got.body)
			}
		}
	}
	if diff := gocmp.Diff(before, m.told()); diff != "" {
		t.Errorf("a call that was refused has changed something (-before +after):\n%s", diff)
	}
}

// told is what both organisations are told of themselves.
func (m matrix) told() (all []string) {
	m.Helper()
	for _, user := range []string{"ana", "dan"} {
		for _, path := range []string{"/v1/entries?limit=200", "/v1/connection", "/v1/links/customers", "/v1/links/vendors", "/v1/notifications"} {
			all = append(all, ask(m.T, m.System, user, http.MethodGet, path, "", nil).body)
		}
	}
	return all
}

// TestNobodyReachesAnotherOrganisation: with both permissions, every route with an id of another organisation answers as if there were none.
func TestNobodyReachesAnotherOrganisation(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	fills := filled(t, m.System)
	theirs := m.told()[5:]
	tried := 0
	for _, r := range routes(t) {
		if r.needs == "" {
			continue
		}
		address, by := r.at(t, fills, true)
		got := m.call(r, address, m.known.sign(t, anas(m.System, bothPermissions, nil)))
		if by == nil {
			continue // the test of the right token has it; what it did to the other organisation is seen below
		}
		tried++
		if !by.upserts && got.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", r, got.status, got.body)
		}
	}
	if tried < 4 {
		t.Errorf("%d routes have an id", tried)
	}
	if diff := gocmp.Diff(theirs, m.told()[5:]); diff != "" {
		t.Errorf("the other organisation has changed (-before +after):\n%s", diff)
	}
}

// TestEveryCallLetsInWhoMay, and by a key that the issuer has only since.
func TestEveryCallLetsInWhoMay(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	fills := filled(t, m.System)
	for _, k := range []signer{m.known, m.later} {
		if k == m.later {
			<-m.keys
			m.keys <- []jose.JSONWebKey{m.known.published(), m.later.published()}
		}
		for _, r := range routes(t) {
			if r.needs == "" {
				continue
			}
			address, _ := r.at(t, fills, false)
			token := k.sign(t, anas(m.System, []string{r.needs}, map[string]any{"exp": time.Now().Add(-30 * time.Second).Unix()})) // within the clocks' skew
			if got := m.call(r, address, token); got.status == 401 || got.status == 403 || got.status == 404 || got.status >= 500 {
				t.Errorf("%s, signed by the key %s: %d %s", r, k.id, got.status, got.body)
			}
		}
	}
}
