package simulate

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/qbo"
)

// back is where Intuit sends a browser back to after a consent.
const back = "http://127.0.0.1/back"

// grants is what the oracle knows of tokens: from what passed at Intuit and at the secrets, never from the product.
type grants struct {
	codes    map[string]string // code of a consent → company
	tokens   map[string]issued // refresh token
	access   map[string]issued // access token
	replaced map[string]string // refresh token → the one that replaced it
	ended    map[string]int    // company → everything that was issued up to then is dead
	flying   map[string]int    // company → refreshes under way
	serial   int
}

// issued is a token that Intuit gave.
type issued struct {
	realm string
	n     int    // among all
	given string // the refresh token that it was given for; empty: a consent
}

func newGrants() grants {
	return grants{
		codes: map[string]string{}, tokens: map[string]issued{}, access: map[string]issued{}, replaced: map[string]string{}, ended: map[string]int{}, flying: map[string]int{},
	}
}

// oauthOver is a client of Intuit's sign-in.
func oauthOver(network http.RoundTripper) (*qbo.OAuth, error) {
	return qbo.NewOAuth(qbo.OAuthOptions{
		TokenURL: "http://127.0.0.1/oauth2/v1/tokens/bearer", RevokeURL: "http://127.0.0.1/v2/oauth2/tokens/revoke", ClientID: "id", ClientSecret: "secret",
	}, &http.Client{Transport: network}, intlog.RequestTimeout)
}

// signIn gives a process its way to Intuit's sign-in, and its keeper of grants.
func (p *process) signIn() (err error) {
	if p.oauth, err = oauthOver(toIntuit{p}); err != nil {
		return err
	}
	var secrets grant.Secrets = faultySecrets{p}
	if p.o.Seams.Secrets != nil {
		secrets = p.o.Seams.Secrets(secrets)
	}
	var leases lease.Store = faultyLeases{p}
	if p.o.Seams.Leases != nil {
		leases = p.o.Seams.Leases(leases)
	}
	p.taker = lease.New(leases, p.name, p.now)
	p.keeper = grant.New(secrets, p.taker, p.oauth, p.now)
	return nil
}

// faultySecrets are the secrets as a process has them.
type faultySecrets struct{ *process }

type secretValue struct {
	value   []byte
	version string
}

func (s faultySecrets) Get(ctx context.Context, name string) ([]byte, string, error) {
	v, err := read(ctx, s.process, "reading "+name, func() (v secretValue, err error) {
		v.value, v.version, err = s.secrets.Get(ctx, name)
		return v, err
	})
	return v.value, v.version, err
}

func (s faultySecrets) Put(ctx context.Context, name string, value []byte, ifVersion string) (string, error) {
	return await(ctx, s.process, "storing "+name, func() (string, error) {
		before, _, _ := s.secrets.Get(ctx, name)
		version, err := s.secrets.Put(ctx, name, value, ifVersion)
		if err != nil {
			s.tell(s.name, "%s: somebody was faster", name)
			return version, err
		}
		s.saved(name, before, value)
		return version, nil
	})
}

// tokensIn are the tokens of a secret.
func tokensIn(value []byte) (access, refresh string) {
	var x struct{ Access, Refresh string }
	_ = json.Unmarshal(value, &x)
	return x.Access, x.Refresh
}

// saved: what a refresh gave takes the place of the very token that it was given for, and of nothing newer. A consent replaces whatever there is.
func (w *world) saved(name string, before, value []byte) {
	oldAccess, oldRefresh := tokensIn(before)
	access, _ := tokensIn(value)
	w.mu.Lock()
	old, now := w.grants.access[oldAccess], w.grants.access[access]
	w.mu.Unlock()
	w.tell("secrets", "%s has the tokens %d in the place of %d", name, now.n, old.n)
	switch {
	case access != "" && now.n == 0:
		w.violated("%s: a token is stored that Intuit never gave", name)
	case now.given != "" && (now.given != oldRefresh || now.n < old.n):
		w.violated("%s: an older token overwrites a newer one", name)
	}
}

// toIntuit is a process's way to Intuit's sign-in and back.
type toIntuit struct{ *process }

func (t toIntuit) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	refresh, code := form.Get("refresh_token"), form.Get("code")
	t.mayDie("signing in", "before", false)
	realm, abreast := t.sets(refresh, code)
	switch {
	case realm == "":
		t.violated("a token is sent that Intuit never gave")
	case abreast > 1:
		t.violated("%s: %d refreshes at once", realm, abreast)
	}
	return t.send(r, body, "signing in", false, func(asked *http.Request, answer chan<- *http.Response) { t.signs(asked, realm, refresh, answer) })
}

// sets says of which company a refresh token or a code is, and how many of its refreshes are under way with this one.
func (w *world) sets(refresh, code string) (realm string, abreast int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if refresh == "" {
		return w.grants.codes[code], 0
	}
	realm = w.grants.tokens[refresh].realm
	w.tally.Refreshes++
	w.grants.flying[realm]++
	return realm, w.grants.flying[realm]
}

// signs is Intuit's side of a sign-in: it arrives or not, is carried out at once or late, and is answered or not.
func (w *world) signs(r *http.Request, realm, refresh string, answer chan<- *http.Response) {
	got, arrived := w.signed(r, realm, refresh)
	if refresh != "" {
		w.mu.Lock()
		w.grants.flying[realm]--
		w.mu.Unlock()
	}
	switch {
	case !arrived:
		answer <- got
	case w.chance(losesAnswer):
		w.count(&w.tally.AnswersLost)
		w.tell("network", "the answer to the sign-in is lost")
		if w.intN(2) == 0 {
			answer <- nil
			return
		}
		answer <- page(http.StatusBadGateway, "<html>Bad Gateway</html>")
	default:
		answer <- got
	}
}

// signed is what Intuit answers, and whether it did what it was asked for.
func (w *world) signed(r *http.Request, realm, refresh string) (got *http.Response, arrived bool) {
	switch {
	case w.chance(neverArrives):
		w.count(&w.tally.NeverArrived)
		w.tell("network", "a sign-in never arrives")
		return nil, false
	case w.chance(throttles):
		w.count(&w.tally.Throttled)
		w.tell("Intuit", "a sign-in is answered 429")
		return page(http.StatusTooManyRequests, `{"error":"too_many_requests"}`), false
	case refresh != "" && w.chance(refusesGood):
		w.count(&w.tally.FalselyRefused)
		w.tell("Intuit", "a good token is refused")
		return page(http.StatusBadRequest, `{"error":"invalid_grant"}`), false
	case w.chance(signsLate):
		late := latest
		if w.intN(3) == 0 {
			late = w.between(0, latest)
		}
		w.count(&w.tally.Late)
		w.tell("Intuit", "a sign-in takes %s", late)
		w.pause(late)
	}
	answer := httptest.NewRecorder()
	w.quickbooks.ServeHTTP(answer, r)
	w.gave(realm, refresh, answer.Code, answer.Body.Bytes())
	return answer.Result(), true
}

// gave notes what Intuit answered. A refusal has a reason: the grant was ended, or what replaced the token was lost.
func (w *world) gave(realm, given string, status int, body []byte) {
	w.tell("Intuit", "a sign-in of %s is answered %d", realm, status)
	var x struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	switch {
	case status == http.StatusOK && json.Unmarshal(body, &x) == nil:
		w.issue(realm, given, x.Access, x.Refresh)
	case given == "":
		w.violated("%s: a consent is refused", realm)
	case !w.lost(realm, given):
		w.violated("%s: Intuit refuses a token, and none was lost", realm)
	}
}

// issue notes the tokens that Intuit gave for a refresh token, or for a consent.
func (w *world) issue(realm, given, access, refresh string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := &w.grants
	g.serial++
	one := issued{realm, g.serial, given}
	g.access[access] = one
	if _, known := g.tokens[refresh]; !known {
		g.tokens[refresh] = one
	}
	if given != "" && given != refresh {
		g.replaced[given] = refresh
	}
}

// lost says whether a refresh token that is refused is of a grant that has ended, or was replaced by one that is not stored: it went with a process or
// an answer. Then Intuit ends the whole grant.
func (w *world) lost(realm, token string) bool {
	stored := ""
	for _, h := range w.houses {
		if value, _, err := w.secrets.Get(context.Background(), secretOf(h.id)); err == nil && h.realm == realm {
			_, stored = tokensIn(value)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	g := &w.grants
	if g.tokens[token].n <= g.ended[realm] {
		return true
	}
	if g.replaced[token] == "" || g.replaced[token] == stored {
		return false
	}
	w.tally.TokensLost++
	g.ended[realm] = g.serial
	return true
}

// secretOf is where the product keeps an organisation's tokens.
func secretOf(id string) string { return "grant/" + id }

// consent has a person consent at Intuit, and gives the code that the browser brings back.
func (w *world) consent(realm string) string {
	query := url.Values{"client_id": {"id"}, "response_type": {"code"}, "scope": {"com.intuit.quickbooks.accounting"}, "redirect_uri": {back}, "realm": {realm}}
	got := httptest.NewRecorder()
	w.quickbooks.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/connect/oauth2?"+query.Encode(), nil))
	to, err := url.Parse(got.Header().Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		w.violated("Intuit gives no code: %d %v", got.Code, err)
		return ""
	}
	code := to.Query().Get("code")
	w.mu.Lock()
	w.grants.codes[code] = realm
	w.mu.Unlock()
	return code
}

// signsCalmly signs in for a company without faults.
func (w *world) signsCalmly(realm string) (grant.Tokens, error) {
	tokens, err := w.oauth.Exchange(context.Background(), w.consent(realm), back)
	if err == nil {
		w.issue(realm, "", tokens.Access, tokens.Refresh)
	}
	return tokens, err
}

// connectFirst is the consent that an organisation begins with, some time ago: its access token ends in the storm; in a quiet life it has ended.
func (w *world) connectFirst(h *house) error {
	tokens, err := w.signsCalmly(h.realm)
	if err != nil {
		return err
	}
	if tokens.AccessFor -= time.Hour; w.o.Quiet == "" {
		tokens.AccessFor += w.between(0, time.Hour)
	}
	return grant.New(w.secrets, lease.New(w.leases, ana, w.o.Now), w.oauth, w.o.Now).Connect(context.Background(), h.id, h.realm, tokens, false)
}

// revoke ends a company's grant at Intuit.
func (w *world) revoke(realm string) {
	if err := w.oauth.Revoke(context.Background(), w.sim.Grant(realm)); err != nil {
		w.violated("Intuit does not revoke: %v", err)
	}
	w.mu.Lock()
	w.grants.ended[realm] = w.grants.serial
	w.tally.Revoked++
	w.mu.Unlock()
}

// rotation is how Intuit replaces refresh tokens in a schedule.
func (w *world) rotation() string {
	rotation := "always" // the worst
	if w.o.Quiet == "" {
		rotation = []string{"", "always", "never"}[w.intN(3)]
	}
	w.tell("Intuit", "replaces refresh tokens %s", strings.TrimSpace(rotation+" "+map[string]string{"": "after a day"}[rotation]))
	return rotation
}
