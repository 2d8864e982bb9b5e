package console

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
)

// The cookies. Their lifetime is the browser's, but for that of a sign-in under way; the token in a session ends by itself.
const (
	sessionCookie = "passare-session"
	signInCookie  = "passare-signin"
	flashCookie   = "passare-flash"
	signInSeconds = 600
	// maxToken is the longest ID token that a cookie can hold: browsers keep 4,096 bytes of name and value (RFC 6265, 6.1).
	maxToken = 4_000
)

// cookie is one of ours, by its full name.
func (c *Console) cookie(name, value string, seconds int) *http.Cookie {
	if !c.Plain {
		name = "__Host-" + name
	}
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, Secure: !c.Plain, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

func (c *Console) read(r *http.Request, name string) (string, bool) {
	kept, err := r.Cookie(c.cookie(name, "", 0).Name)
	if err != nil || kept.Value == "" {
		return "", false
	}
	return kept.Value, true
}

// session is the ID token of who is signed in.
func (c *Console) session(r *http.Request) (token string, found bool) {
	return c.read(r, sessionCookie)
}

// signedIn is a page or an act of somebody who is signed in and may see the log.
type signedIn func(w http.ResponseWriter, r *http.Request, p org.Person)

// let lets in who is signed in and may see the log. Others are sent to sign in and come back; what they typed is kept.
func (c *Console) let(next signedIn) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if err := r.ParseForm(); err != nil {
				c.says(w, r, org.Person{}, http.StatusUnprocessableEntity, "This form cannot be read", "Nothing was done. Go back, choose fewer entries, and try again.")
				return
			}
		}
		person, err := c.person(r)
		switch {
		case fault.Is(err, fault.Unauthenticated) && r.Method == http.MethodPost:
			c.again(w, r)
		case fault.Is(err, fault.Unauthenticated) && refreshes(r):
			w.WriteHeader(http.StatusUnauthorized) // a script cannot sign anybody in: the page that it belongs to says that the session has ended
		case fault.Is(err, fault.Unauthenticated):
			http.Redirect(w, r, signInPath(r.URL.RequestURI()), http.StatusSeeOther)
		case err != nil:
			c.fail(w, r, org.Person{}, err)
		case !person.May(org.SeeLog):
			c.says(w, r, person, http.StatusForbidden, "You may not see the Integration log",
				"You need the permission integration_log for this. Ask an administrator of your organisation in Passare to give it to you, then sign in again.")
		default:
			next(w, r, person)
		}
	}
}

// manage lets in who may set the organisation up (README, Who may do what).
func (c *Console) manage(next signedIn) http.HandlerFunc {
	return c.let(func(w http.ResponseWriter, r *http.Request, p org.Person) {
		if !p.May(org.Manage) {
			c.says(w, r, p, http.StatusForbidden, "You may not set up the integration",
				"You need the permission integrations_admin for this. Ask an administrator of your organisation in Passare to give it to you, then sign in again.")
			return
		}
		next(w, r, p)
	})
}

func (c *Console) person(r *http.Request) (org.Person, error) {
	token, found := c.session(r)
	if !found {
		return org.Person{}, fault.New(fault.Unauthenticated, "Sign in.")
	}
	return c.People.Person(r.Context(), token)
}

func signInPath(to string) string {
	return Home + "/sign-in?" + url.Values{"to": {to}}.Encode()
}

// typed is one field of a form that was sent too late.
type typed struct{ Name, Value string }

// again keeps what was typed while the session ended: the person signs in beside it, in another tab, and goes on here.
func (c *Console) again(w http.ResponseWriter, r *http.Request) {
	var kept []typed
	for name, values := range r.PostForm {
		for _, v := range values {
			kept = append(kept, typed{name, v})
		}
	}
	slices.SortStableFunc(kept, func(a, b typed) int { return strings.Compare(a.Name, b.Name) })
	c.show(w, r, org.Person{}, http.StatusUnauthorized, "again", "Your sign-in has run out", "", struct {
		SignIn, Action string
		Typed          []typed
	}{signInPath(Home + "/welcome-back"), r.URL.RequestURI(), kept})
}

func (c *Console) welcomeBack(w http.ResponseWriter, r *http.Request) {
	person, err := c.person(r)
	if err != nil {
		person = org.Person{}
	}
	c.says(w, r, person, http.StatusOK, "You are signed in", "Close this tab, and click Continue in the tab where you were.")
}

// signIn is the issuer, discovered with the first page.
type signIn struct {
	issuer, clientID string
	web              *http.Client

	mu       sync.Mutex
	endpoint *oauth2.Endpoint
}

func (s *signIn) discover(ctx context.Context) (oauth2.Endpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.endpoint == nil {
		provider, err := oidc.NewProvider(oidc.ClientContext(ctx, s.web), s.issuer)
		if err != nil {
			return oauth2.Endpoint{}, fault.Because(unquoted(err), fault.Unavailable, "Sign-in cannot be reached right now. Try again in a minute.")
		}
		endpoint := provider.Endpoint()
		endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client has no secret to tell in a header
		s.endpoint = &endpoint
	}
	return *s.endpoint, nil
}

// unquoted names an error by its kind: those of sign-in may quote a token, a code or an issuer's answer.
func unquoted(err error) error { return fmt.Errorf("sign-in: %T", err) }

// origins are where a form may lead besides here: browsers follow form-action through redirects, and a form that is sent without a session is sent on to sign in.
func (s *signIn) origins(ctx context.Context) string {
	endpoint, err := s.discover(ctx)
	if err != nil {
		return ""
	}
	u, err := url.Parse(endpoint.AuthURL)
	if err != nil || u.Host == "" {
		return ""
	}
	return " " + u.Scheme + "://" + u.Host
}

// client is the console as the issuer knows it.
func (c *Console) client(r *http.Request) (*oauth2.Config, error) {
	endpoint, err := c.signIn.discover(r.Context())
	if err != nil {
		return nil, err
	}
	scheme := "https://"
	if c.Plain {
		scheme = "http://"
	}
	return &oauth2.Config{ClientID: c.ClientID, Endpoint: endpoint, Scopes: []string{oidc.ScopeOpenID, "profile"}, RedirectURL: scheme + r.Host + Home + "/signed-in"}, nil
}

// begun is a sign-in under way, in a cookie of its own.
type begun struct{ State, Nonce, Verifier, To string }

func (c *Console) startSignIn(w http.ResponseWriter, r *http.Request) {
	client, err := c.client(r)
	if err != nil {
		c.fail(w, r, org.Person{}, err)
		return
	}
	b := begun{State: c.Random(), Nonce: c.Random(), Verifier: c.Random() + c.Random(), To: ours(r.URL.Query().Get("to"))} // 52 characters; RFC 7636, 4.1 wants 43 to 128
	raw, err := json.Marshal(b)
	if err != nil {
		c.fail(w, r, org.Person{}, err)
		return
	}
	http.SetCookie(w, c.cookie(signInCookie, base64.RawURLEncoding.EncodeToString(raw), signInSeconds))
	http.Redirect(w, r, client.AuthCodeURL(b.State, oidc.Nonce(b.Nonce), oauth2.S256ChallengeOption(b.Verifier)), http.StatusSeeOther)
}

// ours is an address of the console; anything else becomes its home. It is cut where it is too long for a cookie.
func ours(to string) string {
	const longest = 2_000
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || len(to) > longest || (u.Path != Home && !strings.HasPrefix(u.Path, Home+"/")) {
		return Home
	}
	return u.RequestURI()
}

func (c *Console) finishSignIn(w http.ResponseWriter, r *http.Request) {
	b, err := c.underWay(r)
	http.SetCookie(w, c.cookie(signInCookie, "", -1))
	if err != nil {
		c.fail(w, r, org.Person{}, err)
		return
	}
	token, err := c.exchange(r, b)
	if err != nil {
		c.fail(w, r, org.Person{}, err)
		return
	}
	http.SetCookie(w, c.cookie(sessionCookie, token, 0))
	http.Redirect(w, r, ours(b.To), http.StatusSeeOther)
}

// underWay is the sign-in that this browser began and the issuer answers. Errors: fault.Unauthenticated.
func (c *Console) underWay(r *http.Request) (begun, error) {
	var b begun
	kept, _ := c.read(r, signInCookie)
	raw, err := base64.RawURLEncoding.DecodeString(kept)
	if err == nil {
		err = json.Unmarshal(raw, &b)
	}
	query := r.URL.Query()
	switch {
	case err != nil || b.State == "" || subtle.ConstantTimeCompare([]byte(b.State), []byte(query.Get("state"))) != 1:
		return b, fault.New(fault.Unauthenticated, "This sign-in was not begun in this browser, or took too long, or another one was begun since. Open the Integration log and sign in again.")
	case query.Get("error") != "" || query.Get("code") == "":
		return b, fault.New(fault.Unauthenticated, "You were not signed in: the sign-in was given up or refused. Open the Integration log to try again.")
	}
	return b, nil
}

// exchange gives the code back for the ID token, and checks that it is of this sign-in.
func (c *Console) exchange(r *http.Request, b begun) (string, error) {
	client, err := c.client(r)
	if err != nil {
		return "", err
	}
	refused := func(cause error) (string, error) {
		return "", fault.Because(cause, fault.Unauthenticated, "You were not signed in. Open the Integration log to try again.")
	}
	answer, err := client.Exchange(oidc.ClientContext(r.Context(), c.Web), r.URL.Query().Get("code"), oauth2.VerifierOption(b.Verifier))
	if err != nil {
		return refused(unquoted(err))
	}
	token, _ := answer.Extra("id_token").(string)
	if len(token) > maxToken {
		return "", fault.New(fault.Internal, "Your sign-in is too large for a browser to keep. Passare Support can help: 800-692-5111.")
	}
	if _, err := c.People.Person(r.Context(), token); err != nil {
		return "", err
	}
	if nonce := nonceOf(token); nonce == "" || subtle.ConstantTimeCompare([]byte(nonce), []byte(b.Nonce)) != 1 {
		return refused(nil)
	}
	return token, nil
}

// nonceOf reads the nonce of an ID token whose signature is checked already (OpenID Connect Core 1.0, 3.1.3.7).
func nonceOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct{ Nonce string }
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return ""
	}
	return claims.Nonce
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, c.cookie(sessionCookie, "", -1))
	c.says(w, r, org.Person{}, http.StatusOK, "You are signed out", "Close the browser if others use it, too.")
}

// flash is a message that the next page shows once.
type flash struct {
	Good bool
	Text string
	Undo string // what takes it back, as a button says it to act; empty: nothing does
	Back string // where that leads
}

// longestFlash is how many bytes of a message are kept.
const longestFlash = 1_500

func (c *Console) flash(w http.ResponseWriter, good bool, text string) {
	c.keep(w, flash{Good: good, Text: text})
}

// flashUndo is a message of something done that a click takes back.
func (c *Console) flashUndo(w http.ResponseWriter, text, undo, back string) {
	c.keep(w, flash{Good: true, Text: text, Undo: undo, Back: back})
}

func (c *Console) keep(w http.ResponseWriter, f flash) {
	const longestBack = 800 // with the message, it is to fit into a cookie; a longer way back leads home
	if len(f.Text) > longestFlash {
		f.Text = strings.ToValidUTF8(f.Text[:longestFlash], "") + "…"
	}
	if len(f.Back) > longestBack {
		f.Back = Home
	}
	raw, err := json.Marshal(f)
	if err == nil {
		http.SetCookie(w, c.cookie(flashCookie, base64.RawURLEncoding.EncodeToString(raw), 60))
	}
}

func (c *Console) takeFlash(w http.ResponseWriter, r *http.Request) *flash {
	kept, found := c.read(r, flashCookie)
	if !found {
		return nil
	}
	http.SetCookie(w, c.cookie(flashCookie, "", -1))
	raw, err := base64.RawURLEncoding.DecodeString(kept)
	var f flash
	if err != nil || json.Unmarshal(raw, &f) != nil || f.Text == "" {
		return nil
	}
	return &f
}
