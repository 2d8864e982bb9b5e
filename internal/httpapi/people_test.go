package httpapi_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/org"
)

// issuer is an OpenID Connect issuer whose keys a test changes.
type issuer struct {
	*httptest.Server
	mu   sync.Mutex
	keys jose.JSONWebKeySet
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		_ = json.NewEncoder(w).Encode(i.keys)
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// publish makes a key the issuer's, and its only one.
func (i *issuer) publish(k key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.Public(), KeyID: k.id, Algorithm: "RS256", Use: "sig"}}}
}

// key is a key of an issuer, or of somebody else.
type key struct {
	*rsa.PrivateKey
	id string
}

func newKey(t *testing.T, id string) key {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key{k, id}
}

func (k key) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	return signed256(t, jose.SigningKey{Algorithm: jose.RS256, Key: k.PrivateKey}, k.id, claims)
}

func signed256(t *testing.T, with jose.SigningKey, id string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(with, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// unsigned is a token of the algorithm "none".
func unsigned(t *testing.T, claims map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(raw) + "."
}

const audience = "passare-qbo-sync"

// claims are those of somebody who may come in at readAt, but for what is changed; nil takes a claim away.
func claims(i *issuer, changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": i.URL, "aud": audience, "sub": "ana", "name": "Ana Diaz", "org": "willow-creek", "permissions": []string{"integration_log"}, "exp": readAt().Add(time.Hour).Unix(),
	}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func TestWhoATokenNames(t *testing.T) {
	t.Parallel()
	i, k := newIssuer(t), newKey(t, "one")
	i.publish(k)
	people := httpapi.NewOIDC(i.URL, audience, i.Client(), readAt)
	at := func(d time.Duration) int64 { return readAt().Add(d).Unix() }
	public, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	mine := func(changes map[string]any) string { return k.sign(t, claims(i, changes)) }
	for name, x := range map[string]struct {
		token string
		in    bool
	}{
		"right":                             {mine(nil), true},
		"of several audiences":              {mine(map[string]any{"aud": []string{"other", audience}}), true},
		"run out within the clocks' skew":   {mine(map[string]any{"exp": at(-60 * time.Second)}), true},
		"run out a second before the skew":  {mine(map[string]any{"exp": at(-61 * time.Second)}), false},
		"without an end":                    {mine(map[string]any{"exp": nil}), false},
		"not yet valid":                     {mine(map[string]any{"nbf": at(time.Hour)}), false},
		"for another audience":              {mine(map[string]any{"aud": "other"}), false},
		"for nobody":                        {mine(map[string]any{"aud": nil}), false},
		"of another issuer":                 {mine(map[string]any{"iss": "https://other.example"}), false},
		"of the issuer with a slash":        {mine(map[string]any{"iss": i.URL + "/"}), false},
		"without an organisation":           {mine(map[string]any{"org": nil}), false},
		"with a number for an organisation": {mine(map[string]any{"org": 7}), false},
		"without a subject":                 {mine(map[string]any{"sub": nil}), false},
		"with an empty subject":             {mine(map[string]any{"sub": ""}), false},
		"unsigned (alg none)":               {unsigned(t, claims(i, nil)), false},
		"signed with another key":           {newKey(t, "one").sign(t, claims(i, nil)), false},
		"signed with a key of another name": {newKey(t, "two").sign(t, claims(i, nil)), false},
		"HS256 with the public key":         {signed256(t, jose.SigningKey{Algorithm: jose.HS256, Key: public}, "one", claims(i, nil)), false},
		"RS512, which was not agreed":       {signed256(t, jose.SigningKey{Algorithm: jose.RS512, Key: k.PrivateKey}, "one", claims(i, nil)), false},
		"with another's claims":             {swapped(mine(nil), mine(map[string]any{"org": "maple-hill"})), false},
		"cut off":                           {strings.TrimSuffix(mine(nil), "A")[:100], false},
		"empty":                             {"", false},
		"no token at all":                   {"a.b.c", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := people.Person(t.Context(), x.token)
			want := org.Person{Subject: "ana", Name: "Ana Diaz", Org: "willow-creek", Permissions: []org.Permission{org.SeeLog}}
			switch {
			case x.in && (err != nil || !cmp.Equal(want, got)):
				t.Errorf("%+v %v", got, err)
			case !x.in && !fault.Is(err, fault.Unauthenticated):
				t.Errorf("it is answered %+v %v", got, err)
			}
		})
	}
}

// swapped is a token with the claims of another one.
func swapped(token, other string) string {
	a, b := strings.Split(token, "."), strings.Split(other, ".")
	return a[0] + "." + b[1] + "." + a[2]
}

func TestANewKeyOfTheIssuerIsTakenAndTheOldOneNoMore(t *testing.T) {
	t.Parallel()
	i, first, second := newIssuer(t), newKey(t, "one"), newKey(t, "two")
	i.publish(first)
	people := httpapi.NewOIDC(i.URL, audience, i.Client(), readAt)
	in := func(k key) bool {
		_, err := people.Person(t.Context(), k.sign(t, claims(i, nil)))
		return err == nil
	}
	if !in(first) || in(second) {
		t.Error("before the rotation")
	}
	i.publish(second)
	if !in(second) {
		t.Error("the new key is not taken")
	}
	if in(first) {
		t.Error("the old key is taken still")
	}
}

func TestAnIssuerThatIsSilentIsNotTheCallersFault(t *testing.T) {
	t.Parallel()
	i, k := newIssuer(t), newKey(t, "one")
	i.publish(k)
	token := k.sign(t, claims(i, nil))
	people := httpapi.NewOIDC(i.URL, audience, i.Client(), readAt)
	i.Close()
	if _, err := people.Person(t.Context(), token); !fault.Is(err, fault.Unavailable) {
		t.Errorf("it is answered %v", err)
	}
}
