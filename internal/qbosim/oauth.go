package qbosim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Lifetimes of tokens (quickbooks.md, OAuth).
const (
	accessLife  = time.Hour
	refreshLife = 101 * 24 * time.Hour
	rotateAfter = 24 * time.Hour // a refresh token that is older is replaced when it is used, and dies
)

type accessToken struct {
	realm   string
	expires time.Time
}

type refreshToken struct {
	realm   string
	issued  time.Time
	expires time.Time
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

// authenticate: the token must be alive, and of the very company that is asked for.
func (s *Sim) authenticate(c call) (result, bool) {
	token, ok := strings.CutPrefix(c.request.Header.Get("Authorization"), "Bearer ")
	a, known := s.access[token]
	switch {
	case !ok || !known:
		return s.unauthorized("Token revoked"), false
	case !s.o.Now().Before(a.expires):
		return s.unauthorized("Token expired: " + token[:min(len(token), 12)]), false
	case a.realm != c.realm:
		return s.forbidden(), false
	}
	return result{}, true
}

// token answers grant_type=refresh_token and authorization_code.
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	s.locked(func() result {
		if id != s.o.ClientID || secret != s.o.ClientSecret {
			return oauthError(http.StatusUnauthorized, `{"error":"invalid_client"}`)
		}
		switch r.PostForm.Get("grant_type") {
		case "refresh_token":
			return s.refreshGrant(r.PostForm.Get("refresh_token"))
		case "authorization_code":
			return s.codeGrant(r.PostForm.Get("code"))
		}
		return oauthError(http.StatusBadRequest, `{"error":"unsupported_grant_type"}`)
	}).write(w)
}

func (s *Sim) refreshGrant(token string) result {
	old, ok := s.refresh[token]
	if !ok || !s.o.Now().Before(old.expires) {
		return oauthError(http.StatusBadRequest, `{"error":"invalid_grant"}`)
	}
	if s.o.Now().Sub(old.issued) >= rotateAfter {
		delete(s.refresh, token)
		token = s.newRefresh(old.realm)
	}
	return s.tokens(old.realm, token)
}

func (s *Sim) codeGrant(code string) result {
	realm, ok := s.codes[code]
	if !ok {
		return oauthError(http.StatusBadRequest, `{"error":"invalid_grant"}`)
	}
	delete(s.codes, code)
	return s.tokens(realm, s.newRefresh(realm))
}

func (s *Sim) tokens(realm, refresh string) result {
	access := "eyJ" + s.opaque("access")
	s.access[access] = accessToken{realm: realm, expires: s.o.Now().Add(accessLife)}
	body, _ := json.Marshal(ordered{
		{"x_refresh_token_expires_in", int64(s.refresh[refresh].expires.Sub(s.o.Now()).Seconds())},
		{"refresh_token", refresh},
		{"access_token", access},
		{"token_type", "bearer"},
		{"expires_in", int64(accessLife.Seconds())},
	})
	return result{status: http.StatusOK, header: map[string]string{"Content-Type": "application/json"}, body: body}
}

func oauthError(status int, body string) result {
	return result{status: status, header: map[string]string{"Content-Type": "application/json"}, body: []byte(body)}
}

// revoke ends a grant: the refresh token and every access token of its company.
func (s *Sim) revoke(w http.ResponseWriter, r *http.Request) {
	var body struct{ Token string }
	raw, _ := io.ReadAll(r.Body)
	if json.Unmarshal(raw, &body) != nil {
		form, _ := url.ParseQuery(string(raw))
		body.Token = form.Get("token")
	}
	s.locked(func() result {
		realm := s.refresh[body.Token].realm
		if a, ok := s.access[body.Token]; ok {
			realm = a.realm
		}
		s.forget(realm)
		return result{status: http.StatusOK, header: map[string]string{"Content-Type": "application/json"}}
	}).write(w)
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

// authorize answers the browser: with auto=true it consents at once for the company named by realm, or
// for the only one there is.
func (s *Sim) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	back, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || back.Host == "" || query.Get("client_id") != s.o.ClientID {
		http.Error(w, "client_id or redirect_uri is wrong", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	realm := query.Get("realm")
	for only := range s.companies {
		if realm == "" && len(s.companies) == 1 {
			realm = only
		}
	}
	_, known := s.companies[realm]
	code := "code" + s.opaque("code")[:32]
	if known {
		s.codes[code] = realm
	}
	s.mu.Unlock()
	if !known || query.Get("auto") != "true" {
		http.Error(w, "name a company by realm, and consent with auto=true", http.StatusBadRequest)
		return
	}
	back.RawQuery = url.Values{"code": {code}, "state": {query.Get("state")}, "realmId": {realm}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (s *Sim) discovery(w http.ResponseWriter, r *http.Request) {
	base := "http://" + r.Host
	s.locked(func() result {
		return s.encode(ordered{
			{"issuer", base + "/op/v1"},
			{"authorization_endpoint", base + "/connect/oauth2"},
			{"token_endpoint", base + "/oauth2/v1/tokens/bearer"},
			{"revocation_endpoint", base + "/v2/oauth2/tokens/revoke"},
		})
	}).write(w)
}
