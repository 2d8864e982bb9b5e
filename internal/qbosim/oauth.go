package qbosim

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Lifetimes of tokens (quickbooks.md, OAuth).
const (
	accessLife  = time.Hour
	refreshLife = 101 * 24 * time.Hour
	rotateAfter = 24 * time.Hour // a refresh token that is older is replaced when it is used, and dies
	codeLife    = 10 * time.Minute
)

// The rotation models that have been seen or told of.
const (
	rotateDaily  = "" // the default: a token older than a day is replaced, and dies
	rotateAlways = "always"
	rotateNever  = "never"
)

type accessToken struct {
	realm   string
	expires time.Time
}

type refreshToken struct {
	realm   string
	issued  time.Time
	expires time.Time
	dead    bool // was replaced
	busy    int  // refreshes under way
}

type authorization struct {
	realm, redirect, nonce string
	openID                 bool
	expires                time.Time
	used                   bool
}

// Grant makes a refresh token of a company, as a finished authorization would.
func (s *Sim) Grant(realm string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newRefresh(realm)
}

func (s *Sim) newRefresh(realm string) string {
	token := "AB11" + s.opaque("refresh")[:46]
	s.refresh[token] = refreshToken{realm: realm, issued: s.o.Now(), expires: s.o.Now().Add(refreshLife)}
	return token
}

// bearer is the access token that a call carries; the case of the scheme's letters does not matter.
func bearer(r *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}

// authenticate: the token must be alive, and of the very company that is asked for.
func (s *Sim) authenticate(c call) (result, bool) {
	token, ok := bearer(c.request)
	a, known := s.access[token]
	switch {
	case !ok || !known:
		return s.give(c, revoked()), false
	case !s.o.Now().Before(a.expires):
		return s.give(c, expired(token[:min(len(token), 12)])), false
	case a.realm != c.realm:
		return s.give(c, notAllowed()), false
	}
	return result{}, true
}

// token answers grant_type=refresh_token and authorization_code. Wrong credentials use nothing up.
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if id != s.o.ClientID || secret != s.o.ClientSecret {
		s.reply(w, r, oauthError(http.StatusUnauthorized, `{"error":"invalid_client"}`))
		return
	}
	given := r.PostForm.Get("refresh_token")
	leave := s.refreshing(given)
	defer leave()
	hard := r.Header.Get("x-include-refresh-token-hard-expires-in") == "true"
	answer := func() result {
		return s.locked(func() result {
			switch r.PostForm.Get("grant_type") {
			case "refresh_token":
				return s.refreshGrant(given, hard)
			case "authorization_code":
				return s.codeGrant(r.PostForm.Get("code"), r.PostForm.Get("redirect_uri"), hard)
			}
			return oauthError(http.StatusBadRequest, `{"error":"unsupported_grant_type"}`)
		})
	}
	s.mu.Lock()
	f := s.scripted("", r.Method, strings.TrimPrefix(r.URL.Path, "/"))
	s.mu.Unlock()
	if f == nil {
		s.reply(w, r, answer())
		return
	}
	s.act(w, call{request: r}, f, answer)
}

// refreshing counts the refreshes of a token that are under way.
func (s *Sim) refreshing(token string) (leave func()) {
	change := func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t, ok := s.refresh[token]; ok {
			t.busy += n
			s.refresh[token] = t
		}
	}
	change(1)
	return func() { change(-1) }
}

func (s *Sim) refreshGrant(token string, hard bool) result {
	old, ok := s.refresh[token]
	co := s.companies[old.realm]
	switch {
	case !ok && strings.HasPrefix(token, "eyJ"):
		return oauthError(http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Incorrect Token type or clientID"}`)
	case !ok || co == nil || !s.o.Now().Before(old.expires):
		return oauthError(http.StatusBadRequest, `{"error":"invalid_grant"}`)
	case old.dead || old.busy > 1 && co.switches.ConcurrentRevokes:
		if co.switches.ReuseRevokes || old.busy > 1 {
			s.forget(old.realm)
		}
		return oauthError(http.StatusBadRequest, `{"error_description":"Token invalid","error":"invalid_grant"}`)
	case co.switches.UserNotInRealm:
		return oauthError(http.StatusBadRequest, `{"error_description":"Unauthorized Request: User is not a member of the specified Realm","x_error_reason":"user_not_in_realm",`+
			`"x_error_reason_detail":"The user is not in the specified realm","error":"invalid_grant"}`)
	case co.switches.hardEnded(s.o.Now()):
		return oauthError(http.StatusBadRequest, `{"error":"invalid_grant"}`)
	}
	replace := co.switches.Rotation == rotateAlways || co.switches.Rotation == rotateDaily && s.o.Now().Sub(old.issued) >= rotateAfter
	if replace {
		old.dead = true
		s.refresh[token] = old
		token = s.newRefresh(old.realm)
	} else {
		old.expires = s.o.Now().Add(refreshLife)
		s.refresh[token] = old
	}
	return s.tokens(old.realm, token, hard, "")
}

// codeGrant: a code is good once; a second exchange ends the grant that the first one made.
func (s *Sim) codeGrant(code, redirect string, hard bool) result {
	a, ok := s.codes[code]
	if ok && a.used {
		s.forget(a.realm)
	}
	if !ok || a.used || redirect != a.redirect || !s.o.Now().Before(a.expires) {
		return oauthError(http.StatusBadRequest, `{"error":"invalid_grant"}`)
	}
	a.used = true
	s.codes[code] = a
	id := ""
	if a.openID {
		var err error
		if id, err = s.idToken(a); err != nil {
			return oauthError(http.StatusInternalServerError, `{"error":"server_error"}`)
		}
	}
	return s.tokens(a.realm, s.newRefresh(a.realm), hard, id)
}

func (s *Sim) tokens(realm, refresh string, hard bool, idToken string) result {
	access := "eyJ" + s.opaque("access")
	s.access[access] = accessToken{realm: realm, expires: s.o.Now().Add(accessLife)}
	seconds := func(d time.Duration) json.Number { return json.Number(fmt.Sprint(int64(d.Seconds()))) }
	o := ordered{{"x_refresh_token_expires_in", seconds(s.refresh[refresh].expires.Sub(s.o.Now()))}}
	if end := s.companies[realm].switches.hardEnd(); hard && !end.IsZero() {
		o = append(o, field{"x_refresh_token_hard_expires_in", seconds(end.Sub(s.o.Now()))})
	}
	o = append(o, field{"refresh_token", refresh}, field{"access_token", access}, field{"token_type", "bearer"}, field{"expires_in", seconds(accessLife)}, field{"id_token", orNil(idToken)})
	body, _ := plain(o)
	return result{status: http.StatusOK, contentType: "application/json", cache: "no-cache, no-store", body: body}
}

func oauthError(status int, body string) result {
	return result{status: status, contentType: "application/json", body: []byte(body)}
}

// revoke ends a grant: the refresh token and every access token of its company. The token comes as JSON or as a form.
func (s *Sim) revoke(w http.ResponseWriter, r *http.Request) {
	raw, err := readBody(r)
	id, secret, _ := r.BasicAuth()
	if err != nil || id != s.o.ClientID || secret != s.o.ClientSecret {
		s.reply(w, r, oauthError(http.StatusUnauthorized, `{"error":"invalid_client"}`))
		return
	}
	token := ""
	if o, err := parseObject(raw); err == nil {
		token = o.text("token")
	} else if form, err := url.ParseQuery(string(raw)); err == nil {
		token = form.Get("token")
	}
	s.reply(w, r, s.locked(func() result {
		refresh, known := s.refresh[token]
		access, live := s.access[token]
		if !known && !live {
			return oauthError(http.StatusBadRequest, `{"error":"invalid_request"}`)
		}
		s.forget(max(refresh.realm, access.realm))
		return result{status: http.StatusOK, contentType: "application/json"}
	}))
}

func (s *Sim) forget(realm string) {
	for t, x := range s.refresh {
		if x.realm == realm {
			delete(s.refresh, t)
		}
	}
	for t, x := range s.access {
		if x.realm == realm {
			delete(s.access, t)
		}
	}
}

// authorize asks the person which company to share. With ?auto=true, or the company's switch, it consents at once: for the company named by
// ?realm=, or for the first one.
func (s *Sim) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	back, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || back.Host == "" || back.RawQuery != "" || query.Get("client_id") != s.o.ClientID || query.Get("response_type") != "code" || query.Get("scope") == "" {
		http.Error(w, "client_id, response_type, scope or redirect_uri is wrong", http.StatusBadRequest)
		return
	}
	values := url.Values{"state": {query.Get("state")}}
	choice := query.Get("realm")
	s.mu.Lock()
	realms := s.realms()
	if choice == "" {
		for _, realm := range realms {
			if choice == "" && (query.Get("auto") == "true" || s.companies[realm].switches.AutoConsent) {
				choice = realm
			}
		}
	}
	_, known := s.companies[choice]
	if known {
		code := "code" + s.opaque("code")[:32]
		s.codes[code] = authorization{
			realm: choice, redirect: query.Get("redirect_uri"), nonce: query.Get("nonce"), expires: s.o.Now().Add(codeLife),
			openID: slices.Contains(strings.Fields(query.Get("scope")), "openid"),
		}
		values["code"], values["realmId"] = []string{code}, []string{choice}
	}
	s.mu.Unlock()
	switch {
	case query.Get("deny") == "true":
		values = url.Values{"state": values["state"], "error": {"access_denied"}}
	case !known:
		s.ask4Consent(w, r, realms)
		return
	}
	back.RawQuery = values.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (s *Sim) realms() []string {
	var realms []string
	for realm := range s.companies {
		realms = append(realms, realm)
	}
	slices.Sort(realms)
	return realms
}

// ask4Consent shows the companies as links.
func (s *Sim) ask4Consent(w http.ResponseWriter, r *http.Request, realms []string) {
	type choice struct{ Name, Address string }
	var choices []choice
	link := func(key, value string) string {
		q := r.URL.Query()
		q.Set(key, value)
		return r.URL.Path + "?" + q.Encode()
	}
	s.mu.Lock()
	for _, realm := range realms {
		choices = append(choices, choice{s.companies[realm].name, link("realm", realm)})
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	page := template.Must(template.New("consent").Parse(`<!doctype html><html lang="en"><title>Connect a company</title><h1>Share which company?</h1>
<ul>{{range .Choices}}<li><a href="{{.Address}}">{{.Name}}</a></li>{{end}}</ul><p><a href="{{.Deny}}">Do not share</a></p></html>`))
	_ = page.Execute(w, struct {
		Choices []choice
		Deny    string
	}{choices, link("deny", "true")})
}

// issuer stands in every id_token, and in the discovery whatever the simulator's address is: clients compare with it.
const issuer = "https://oauth.platform.intuit.com/op/v1"

// scheme is how the caller came: behind a proxy that speaks TLS, by https.
func scheme(r *http.Request) string {
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https"
	}
	return "http"
}

func (s *Sim) discovery(w http.ResponseWriter, r *http.Request) {
	base := scheme(r) + "://" + r.Host
	body, _ := plain(ordered{
		{"issuer", issuer},
		{"authorization_endpoint", base + "/connect/oauth2"},
		{"token_endpoint", base + "/oauth2/v1/tokens/bearer"},
		{"userinfo_endpoint", base + "/v1/openid_connect/userinfo"},
		{"revocation_endpoint", base + "/v2/oauth2/tokens/revoke"},
		{"jwks_uri", base + "/op/v1/jwks"},
		{"response_types_supported", []any{"code"}},
		{"subject_types_supported", []any{"public"}},
		{"id_token_signing_alg_values_supported", []any{"RS256"}},
		{"scopes_supported", []any{"openid", "email", "profile", "address", "phone", "com.intuit.quickbooks.accounting"}},
		{"token_endpoint_auth_methods_supported", []any{"client_secret_post", "client_secret_basic"}},
		{"claims_supported", []any{"aud", "exp", "iat", "iss", "realmid", "sub"}},
	})
	s.reply(w, r, result{status: http.StatusOK, contentType: "application/json", body: body})
}

// idSigner signs id_tokens. Its key is made when it is first needed.
type idSigner struct {
	key    *rsa.PrivateKey
	signer jose.Signer
}

const keyID = "simulator-1"

func newIDSigner() (*idSigner, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", keyID))
	return &idSigner{key: key, signer: signer}, err
}

func (s *Sim) idToken(a authorization) (string, error) {
	signer, err := s.signer()
	if err != nil {
		return "", err
	}
	now := s.o.Now()
	claims := map[string]any{
		"iss": issuer, "aud": []string{s.o.ClientID}, "sub": "person-" + a.realm, "realmid": a.realm,
		"iat": now.Unix(), "exp": now.Add(accessLife).Unix(), "auth_time": now.Unix(),
	}
	if a.nonce != "" { // clients refuse a nonce that they did not send
		claims["nonce"] = a.nonce
	}
	return jwt.Signed(signer.signer).Claims(claims).Serialize()
}

func (s *Sim) keys(w http.ResponseWriter, _ *http.Request) {
	signer, err := s.signer()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: signer.key.Public(), KeyID: keyID, Algorithm: "RS256", Use: "sig"}}})
}

func (s *Sim) userinfo(w http.ResponseWriter, r *http.Request) {
	token, _ := bearer(r)
	s.mu.Lock()
	a, ok := s.access[token]
	s.mu.Unlock()
	if !ok {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	writeJSON(w, map[string]any{"sub": "person-" + a.realm, "email": "person@example.com", "emailVerified": true})
}
