package local

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/passare/qbo-sync/internal/org"
)

// tokenLife is how long a demo token lives.
const tokenLife = time.Hour

// issuer is a small OpenID Connect issuer: discovery, keys, and tokens for the demo's people without a
// password. It exists in one process with the product only.
type issuer struct {
	url    string
	key    *rsa.PrivateKey
	signer jose.Signer
	now    func() time.Time

	mu    sync.Mutex
	codes map[string]asked // that were given out, and not given back yet
}

func newIssuer(url string, now func() time.Time) (*issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "demo")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, options)
	return &issuer{url: url, key: key, signer: signer, now: now, codes: map[string]asked{}}, err
}

// issue makes the system's issuer, at an address.
func (s *System) issue(url string) (err error) {
	s.SignIn = url
	s.issuer, err = newIssuer(url, s.options.Now)
	return err
}

// people are the demo's people.
func people() map[string]org.Person {
	both := []org.Permission{org.SeeLog, org.Manage}
	return map[string]org.Person{
		"ana":  {Subject: "ana", Name: "Ana Diaz", Org: WillowCreek, Permissions: both},
		"ben":  {Subject: "ben", Name: "Ben Okafor", Org: WillowCreek, Permissions: []org.Permission{org.SeeLog}},
		"cleo": {Subject: "cleo", Name: "Cleo Park", Org: WillowCreek, Permissions: []org.Permission{}},
		"dan":  {Subject: "dan", Name: "Dan Reyes", Org: MapleHill, Permissions: both},
		"nora": {Subject: "nora", Name: "Nora Lind", Org: CedarHall, Permissions: both},
	}
}

func (i *issuer) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{
			"issuer": i.url, "jwks_uri": i.url + "/dev/jwks", "authorization_endpoint": i.url + "/dev/authorize", "token_endpoint": i.url + "/dev/token",
			"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /dev/jwks", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "demo", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /dev/authorize", i.authorize)
	mux.HandleFunc("GET /dev/style.css", signInStyle)
	mux.HandleFunc("POST /dev/token", func(w http.ResponseWriter, r *http.Request) {
		body := bufio.NewReader(http.MaxBytesReader(w, r.Body, 1<<14))
		if first, err := body.Peek(1); err == nil && first[0] != '{' { // curl calls JSON a form, too
			r.Body = io.NopCloser(body)
			i.exchange(w, r)
			return
		}
		var in struct{ User string }
		if err := json.NewDecoder(body).Decode(&in); err != nil {
			http.Error(w, `send {"user":"ana"}`, http.StatusBadRequest)
			return
		}
		person, ok := people()[in.User]
		if !ok {
			http.Error(w, "the demo's people are ana, ben, cleo, dan and nora", http.StatusNotFound)
			return
		}
		token, err := i.token(person)
		if err != nil {
			http.Error(w, "no token could be made", http.StatusInternalServerError)
			return
		}
		writeJSON(w, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds())})
	})
}

func (i *issuer) token(p org.Person) (string, error) { return i.idToken(p, "") }

// idToken is a token of a sign-in with a nonce; none for "".
func (i *issuer) idToken(p org.Person, nonce string) (string, error) {
	claims := map[string]any{"name": p.Name, "org": p.Org, "permissions": p.Permissions}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	return jwt.Signed(i.signer).Claims(jwt.Claims{ // without iat: whoever checks it may go by another clock than the demo (CLOCK)
		Issuer: i.url, Subject: p.Subject, Audience: jwt.Audience{audience}, Expiry: jwt.NewNumericDate(i.now().Add(tokenLife)),
	}).Claims(claims).Serialize()
}

// TokenOf signs in anybody.
func (s *System) TokenOf(p org.Person) (string, error) { return s.issuer.token(p) }

// Token signs in one of the demo's people.
func (s *System) Token(user string) (string, error) { return s.issuer.token(people()[user]) }

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
