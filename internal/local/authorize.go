package local

import (
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/passare/qbo-sync/internal/org"
)

// asked is what a code was given for.
type asked struct {
	person                  org.Person
	client, redirect, nonce string
	challenge               string
}

// choose is the page on which somebody says who they are. The demo's people have no passwords.
const choose = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>Sign in to the demo</title><link rel="stylesheet" href="/dev/style.css"><link rel="icon" href="data:,"></head>
<body><main><h1>Who are you?</h1><p>This is the demo's own sign-in; nobody here has a password.</p>
<ul>{{range .}}<li><a href="{{.Link}}">{{.Name}}</a><span class="hidden">, </span><small>{{.About}}</small></li>{{end}}</ul></main></body></html>`

// signInSheet has the colours of the console's stylesheet. It is another file, since this page is the demo's and not the product's.
//
//go:embed signin.css
var signInSheet []byte

func signInStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(signInSheet)
}

// choice is one person on the page.
type choice struct{ Link, Name, About string }

// authorize is the authorization endpoint (RFC 6749, 4.1.1; RFC 7636): a page of people, and for the one who is chosen a code.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	back, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || !strings.HasSuffix(back.Path, "/console/signed-in") || query.Get("client_id") != audience || query.Get("response_type") != "code" ||
		query.Get("code_challenge_method") != "S256" || query.Get("code_challenge") == "" {
		http.Error(w, "this sign-in is for the console alone, by a code with PKCE", http.StatusBadRequest)
		return
	}
	person, chosen := people()[query.Get("user")]
	if !chosen {
		i.ask(w, query)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = asked{person: person, client: query.Get("client_id"), redirect: query.Get("redirect_uri"), nonce: query.Get("nonce"), challenge: query.Get("code_challenge")}
	i.mu.Unlock()
	answer := back.Query()
	answer.Set("code", code)
	answer.Set("state", query.Get("state"))
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusSeeOther)
}

func (i *issuer) ask(w http.ResponseWriter, query url.Values) {
	var choices []choice
	for _, x := range []struct{ user, about string }{
		{"ana", "administrator at Willow Creek"},
		{"ben", "bookkeeper at Willow Creek"},
		{"cleo", "at Willow Creek, without a permission"},
		{"dan", "administrator at Maple Hill, who reviews every entry"},
		{"nora", "administrator at Cedar Hall, which is not connected yet"},
	} {
		query.Set("user", x.user)
		choices = append(choices, choice{Link: "/dev/authorize?" + query.Encode(), Name: people()[x.user].Name, About: x.about})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = template.Must(template.New("choose").Parse(choose)).Execute(w, choices)
}

// exchange gives a token for a code, once, to whoever has the verifier.
func (i *issuer) exchange(w http.ResponseWriter, r *http.Request) {
	code := r.PostFormValue("code")
	i.mu.Lock()
	a, known := i.codes[code]
	delete(i.codes, code)
	i.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !known || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("client_id") != a.client || r.PostFormValue("redirect_uri") != a.redirect ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != a.challenge {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		writeJSON(w, map[string]any{"error": "invalid_grant"})
		return
	}
	token, err := i.idToken(a.person, a.nonce)
	if err != nil {
		http.Error(w, "no token could be made", http.StatusInternalServerError)
		return
	}
	writeJSON(w, map[string]any{"access_token": token, "id_token": token, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds())})
}
