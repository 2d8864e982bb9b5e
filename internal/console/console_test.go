package console_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/bell"
	"github.com/passare/qbo-sync/internal/console"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/logwatch"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
	"github.com/passare/qbo-sync/internal/setup"
)

func now() time.Time { return time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC) }

// counting counts what pages ask the store for.
type counting struct {
	*memory.Store
	asked, listed, entries, read atomic.Int64
}

func (c *counting) List(ctx context.Context, org, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error) {
	if c.asked.Add(1); limit == 51 { // a page, and whether there is another
		c.entries.Add(1)
	}
	c.listed.Add(1)
	list, err := c.Store.List(ctx, org, tab, after, limit)
	c.read.Add(int64(len(list)))
	return list, err
}

func (c *counting) Entry(ctx context.Context, key intlog.Key) (intlog.Entry, error) {
	c.asked.Add(1)
	return c.Store.Entry(ctx, key)
}

func (c *counting) Record(ctx context.Context, org string, ref passare.Ref) (intlog.Record, error) {
	c.asked.Add(1)
	return c.Store.Record(ctx, org, ref)
}

// planner plans what a test says.
type planner struct{ plan rules.Plan }

func (p *planner) Preview(context.Context, intlog.Entry) (rules.Plan, error) { return p.plan, nil }

// chart has no names.
type chart struct{}

func (chart) AccountNames(context.Context, string) (map[string]string, error) { return nil, nil }

// people are known by their tokens.
type people struct{ known map[string]org.Person }

func (p people) Person(_ context.Context, token string) (org.Person, error) {
	person, found := p.known[token]
	if !found {
		return person, fault.New(fault.Unauthenticated, "Sign in again.")
	}
	return person, nil
}

// issuer answers discovery, and gives a token for each code.
type issuer struct {
	token func(form url.Values) string
}

func (i issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := any(map[string]any{
		"issuer": "https://id.example", "authorization_endpoint": "https://login.example/authorize", "token_endpoint": "https://id.example/token", "jwks_uri": "https://id.example/keys",
	})
	if r.URL.Path == "/token" {
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		answer = map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": i.token(r.PostForm)}
	}
	raw, err := json.Marshal(answer)
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Type", "application/json")
	_, _ = rec.Write(raw)
	return rec.Result(), err
}

const session = "__Host-passare-session"

// house is a console over a store.
type house struct {
	t       *testing.T
	store   *counting
	planner *planner
	issuer  *issuer
	people  people
	connect *connector
	books   *chartOfAccounts
	handler http.Handler
}

// open opens one; more sets what a page needs beyond the log.
func open(t *testing.T, more ...func(*house, *console.Options)) *house {
	t.Helper()
	ana := org.Person{Subject: "ana", Name: `Ana <script>alert("ana")</script>`, Org: "a", Permissions: []org.Permission{org.SeeLog}}
	h := &house{
		t: t, store: &counting{Store: memory.NewStore()}, planner: &planner{}, issuer: &issuer{},
		connect: &connector{view: grant.View{State: grant.Alive}}, books: &chartOfAccounts{},
		people: people{map[string]org.Person{"ana": ana, "cleo": {Subject: "cleo", Name: "Cleo", Org: "a"}}},
	}
	if _, err := h.store.PutConfig(t.Context(), org.Config{Org: "a"}, 0); err != nil {
		t.Fatal(err)
	}
	o := console.Options{
		Desk: review.New(h.store, memory.NewQueue(), now).Plans(h.planner), Reader: review.NewReader(h.store, h.planner, now), Bell: bell.New(h.store, now), Charts: chart{},
		Office: setup.New(h.store, h.books, retrying.New(h.store, memory.NewQueue(), now), now), Connect: h.connect, Consent: consent(),
		People: h.people, Download: http.NotFoundHandler(), Books: "https://books.example", Issuer: "https://id.example", ClientID: "console", Web: &http.Client{Transport: h.issuer},
		Random: func() string { return "abcdefghijklmnopqrstuvwxyz" }, Now: now, NewTrace: func() string { return "trace" }, Log: logwatch.New(t).Logger(),
	}
	for _, add := range more {
		add(h, &o)
	}
	c, err := console.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h.handler = c.Handler()
	return h
}

// has stores an entry.
func (h *house) has(n int, s intlog.State, change func(*intlog.Entry)) intlog.Entry {
	h.t.Helper()
	e := intlog.Entry{
		Key: intlog.Key{Org: "a", Record: passare.Ref{Type: "payment", ID: fmt.Sprintf("p%03d", n)}, Version: 1}, Rev: 1, State: s, Kind: "payment.created", Case: "c1", CaseNo: "26-001",
		Name: "John Smith", Date: "2026-03-04", Amount: 100000, Created: now().Add(time.Duration(n) * time.Second), Sentence: "Check payment: the family owes less.",
		History: []intlog.Step{{At: now(), Who: "Passare", To: s}},
	}
	if change != nil {
		change(&e)
	}
	stored, _, err := h.store.Create(h.t.Context(), e, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return stored
}

func (h *house) call(method, path, who string, form url.Values, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(h.t.Context(), method, "https://sync.example"+path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if who != "" {
		r.AddCookie(&http.Cookie{Name: session, Value: who})
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w
}

// body fails unless the answer has a status.
func (h *house) body(w *httptest.ResponseRecorder, status int) string {
	h.t.Helper()
	raw, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != status {
		h.t.Fatalf("%d, not %d: %s %v", w.Code, status, raw, err)
	}
	return string(raw)
}

func pages(id string) []string {
	return []string{
		"/console", "/console?tab=errors", "/console?tab=held", "/console?tab=synced", "/console?tab=all", "/console/notices", "/console/entries/" + id, "/console/entries/" + id + "/delete",
		"/console/entries/" + id + "/undo",
	}
}

const evil = `"'><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}javascript:alert(3)`

// spiteful has everything that people and QuickBooks may write, as somebody would who is up to no good.
func spiteful(e *intlog.Entry) {
	e.Kind, e.CaseNo, e.Name, e.Sentence, e.Why, e.Reference, e.Warnings = "payment."+evil, evil, evil, evil, evil, evil, []string{evil}
	e.Cause = []rules.Problem{{Kind: rules.Choice, Subject: "payment/p1", Text: evil + strings.Repeat(" long", 60), Who: evil, Where: evil, Choices: []rules.Decision{rules.Whole, rules.Post}}}
	e.Attempts = []intlog.Attempt{{At: now(), Outcome: evil, Code: evil, Trace: evil}}
	e.History = []intlog.Step{{At: now(), Who: evil, To: e.State, Why: evil}}
	place := journal.Place{Account: evil, Name: &journal.Name{Kind: journal.Customer, Display: evil, Key: "c1"}, Class: evil, Location: evil}
	e.Postings = []intlog.Posting{{N: 1, Doc: evil, Date: "2026-03-04", QuickBooksID: evil, Request: "r", Movements: []journal.Movement{
		{Key: journal.Key{Account: "gl:" + evil}, Place: place, Amount: 1000, Description: evil}, {Key: journal.Key{Account: "b"}, Place: journal.Place{Account: "9"}, Amount: -1000, Description: evil},
	}}}
}

func TestWhatPeopleTypeIsShownAsText(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.planner.plan = rules.Plan{Sentence: evil, Warnings: []string{evil}, Problems: []rules.Problem{{Kind: rules.Data, Text: evil, Who: evil, Where: evil}}}
	var id string
	for i, s := range intlog.States() {
		e := h.has(i+1, s, spiteful)
		if s == intlog.Failed {
			id = e.ID()
		}
	}
	paths := append(pages(id), "/console?"+url.Values{"tab": {evil}, "q": {evil}, "case": {evil}, "branch": {evil}, "trigger": {evil}, "sort": {evil}}.Encode(),
		"/console?"+url.Values{"amount_min": {evil}, "from": {evil}}.Encode(), "/console/entries/"+url.PathEscape("payment."+evil+".1"))
	for _, path := range paths {
		look(t, path, h.call(http.MethodGet, path, "ana", nil, nil))
	}
	for path, form := range map[string]url.Values{
		"/console/actions":           {"action": {evil}, "id": {id}, "back": {evil}},
		"/console/actions/confirmed": {"action": {"delete"}, "id": {id, evil}, "reason": {""}, "back": {evil}},
		"/console/act":               {"do": {evil}, "back": {"javascript:alert(3)"}},
	} {
		look(t, path, h.call(http.MethodPost, path, "ana", form, nil))
		look(t, path, h.call(http.MethodPost, path, "", form, nil))
	}
	look(t, "reason", h.call(http.MethodPost, "/console/entries/"+id+"/delete", "ana", url.Values{"reason": {evil + strings.Repeat("x", 600)}, "back": {"javascript:alert(3)"}}, nil))
}

// withoutOurs is a page without the two elements that load our scripts, exactly as they must be: with an address of ours, and nothing within.
func withoutOurs(body string) string {
	return regexp.MustCompile(`<script src="/console/(htmx\.min|console)\.js\?v=[0-9a-f]{12}" defer></script>\n`).ReplaceAllString(body, "")
}

// look fails when a page has an element or an attribute that a person wrote.
func look(t *testing.T, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	body := withoutOurs(w.Body.String())
	for _, bad := range []string{"<script", "<img src=x", "onerror=alert(2)>", `href="javascript`, `action="javascript`} {
		if strings.Contains(strings.ToLower(body), bad) {
			t.Errorf("%s (%d) has %q: %s", path, w.Code, bad, body)
		}
	}
}

func TestEveryPageIsOpenToWhoMayAndLeadsOthersToSignIn(t *testing.T) {
	t.Parallel()
	h := open(t)
	pending, synced := h.has(1, intlog.Pending, nil).ID(), h.has(2, intlog.Synced, nil).ID()
	for _, path := range append(pages(pending), pages(synced)...) {
		h.body(h.call(http.MethodGet, path, "ana", nil, nil), http.StatusOK)
		if body := h.body(h.call(http.MethodGet, path, "cleo", nil, nil), http.StatusForbidden); !strings.Contains(body, "You need the permission integration_log") {
			t.Errorf("%s: %s", path, body)
		}
		for _, who := range []string{"", "ended"} {
			w := h.call(http.MethodGet, path, who, nil, nil)
			if h.body(w, http.StatusSeeOther); w.Header().Get("Location") != "/console/sign-in?to="+url.QueryEscape(path) {
				t.Errorf("%s leads to %s", path, w.Header().Get("Location"))
			}
		}
	}
	h.body(h.call(http.MethodGet, "/console/nothing", "ana", nil, nil), http.StatusNotFound)
}

func TestEveryAnswerHasAStrictPolicy(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.has(1, intlog.Pending, nil).ID()
	const want = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self' https://login.example; frame-ancestors 'none'; base-uri 'none'"
	for _, path := range append(pages(id), "/console/sign-in", "/console/signed-in", "/console/style.css", "/console/console.js", "/console/nothing", "/console/welcome-back") {
		for _, who := range []string{"ana", "cleo", ""} {
			w := h.call(http.MethodGet, path, who, nil, nil)
			if got := w.Header().Get("Content-Security-Policy"); got != want {
				t.Errorf("%s: %q", path, got)
			}
			if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				continue
			}
			if inline := regexp.MustCompile(`(?i) style=| on[a-z]+=| hx-on|<style|<script|javascript:`).FindString(withoutOurs(w.Body.String())); inline != "" {
				t.Errorf("%s has %q of its own", path, inline)
			}
		}
	}
}

func TestAnActFromAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	e := h.has(1, intlog.Pending, nil)
	form := url.Values{"do": {"sync 1 " + e.ID()}}
	for name, header := range map[string]http.Header{
		"by its fetch metadata": {"Sec-Fetch-Site": {"cross-site"}},
		"by its sibling's":      {"Sec-Fetch-Site": {"same-site"}},
		"by its origin":         {"Sec-Fetch-Site": nil, "Origin": {"https://evil.example"}},
	} {
		if body := h.body(h.call(http.MethodPost, "/console/act", "ana", form, header), http.StatusForbidden); !strings.Contains(body, "another site") {
			t.Errorf("%s: %s", name, body)
		}
	}
	if stored, err := h.store.Entry(t.Context(), e.Key); err != nil || stored.State != intlog.Pending {
		t.Fatalf("%v %v", stored.State, err)
	}
	h.body(h.call(http.MethodPost, "/console/act", "ana", form, nil), http.StatusSeeOther)
}

func TestARowThatIsNotPlannedYetSaysWhatHappened(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.has(1, intlog.Pending, func(e *intlog.Entry) {
		e.Sentence, e.Why = "", "Auto-sync is off: waits for review."
		e.Data = []byte(`{"specversion":"1.0","id":"e-1","source":"/organizations/a","type":"com.passare.payment.created","time":"2026-03-04T15:00:00Z","data":{"record":{"type":"payment","id":"p001","version":1},
"case":{"id":"c1","number":"26-001","decedent":{"first":"John","last":"Smith"}},"branch":{"id":"main"},"actor":{"id":"u","name":"Ana Diaz"},"method":"check","date":"2026-03-04","amount":"1000.00"}}`)
	})
	const want = `<td class="p">Check payment created by Ana Diaz: 1,000.00.<span class="why">Auto-sync is off: waits for review.</span>`
	if body := h.body(h.call(http.MethodGet, "/console?tab=pending", "ana", nil, nil), http.StatusOK); !strings.Contains(body, want) {
		t.Errorf("no %s in %s", want, body)
	}
}

func TestAPageOfFiftyIsSmallAndCostsTheSameAsOneOfOne(t *testing.T) {
	t.Parallel()
	h := open(t)
	wide := func(e *intlog.Entry) {
		e.Name, e.Sentence = strings.Repeat("Wilhelmina ", 8), strings.Repeat("Goods and Services re-signed: 1,000.00. ", 5)
		e.Cause = []rules.Problem{{Kind: rules.Mapping, Text: strings.Repeat("Map account 4410: choose its QuickBooks account. ", 6), Who: "administrator", Where: "Mapping"}}
	}
	h.has(0, intlog.Failed, wide)
	h.call(http.MethodGet, "/console?tab=errors", "ana", nil, nil)
	alone := h.store.asked.Load()
	for i := range 119 {
		h.has(i+1, intlog.Failed, wide)
	}
	h.store.asked.Store(0)
	h.store.entries.Store(0)
	body := h.body(h.call(http.MethodGet, "/console?tab=errors", "ana", nil, nil), http.StatusOK)
	if asked, lists := h.store.asked.Load(), h.store.entries.Load(); asked != alone || lists != 1 {
		t.Errorf("50 rows ask the store %d times, %d of them for the list; one row %d times", asked, lists, alone)
	}
	if rows := strings.Count(body, `name="id"`); rows != 50 || len(body) > 100<<10 {
		t.Errorf("%d rows in %d bytes", rows, len(body))
	}
}

func TestPagesLeadThereAndBack(t *testing.T) {
	t.Parallel()
	for _, sort := range []string{"", "oldest"} {
		t.Run("sorted "+sort, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			for i := range 120 {
				h.has(i, intlog.Pending, nil)
			}
			path, shown := "/console?tab=pending&sort="+sort, [][]string{}
			read := func(way string) bool {
				body := strings.ReplaceAll(h.body(h.call(http.MethodGet, path, "ana", nil, nil), http.StatusOK), "&amp;", "&")
				var ids []string
				for _, m := range regexp.MustCompile(`name="id" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
					ids = append(ids, m[1])
				}
				shown = append(shown, ids)
				link := regexp.MustCompile(`href="([^"]*)" rel="` + way + `"`).FindStringSubmatch(body)
				if link != nil {
					path = link[1]
				}
				return link != nil
			}
			for read("next") {
			}
			for read("prev") {
			}
			var sizes []int
			for _, ids := range shown {
				sizes = append(sizes, len(ids))
			}
			if fmt.Sprint(sizes) != "[50 50 20 20 50 50]" {
				t.Fatalf("%v", sizes)
			}
			for i, ids := range shown[:3] {
				if there, back := fmt.Sprint(ids), fmt.Sprint(shown[5-i]); there != back {
					t.Errorf("page %d is %s on the way, and %s back", i, there, back)
				}
			}
		})
	}
}

func TestAFormThatCameTooLateIsKept(t *testing.T) {
	t.Parallel()
	h := open(t)
	e := h.has(1, intlog.Pending, nil)
	path, form := "/console/entries/"+e.ID()+"/delete", url.Values{"rev": {"1"}, "reason": {"Entered <twice>"}, "back": {"/console"}}
	body := h.body(h.call(http.MethodPost, path, "ended", form, nil), http.StatusUnauthorized)
	for _, kept := range []string{`action="` + path + `"`, `name="reason" value="Entered &lt;twice&gt;"`, `name="rev" value="1"`, "Sign in again"} {
		if !strings.Contains(body, kept) {
			t.Errorf("no %s in %s", kept, body)
		}
	}
	h.body(h.call(http.MethodPost, path, "ana", form, nil), http.StatusSeeOther)
	if stored, err := h.store.Entry(t.Context(), e.Key); err != nil || stored.State != intlog.Deleted {
		t.Errorf("%v %v", stored.State, err)
	}
}

func TestAnEntryThatAsksIsAnsweredOnItsPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	e := h.has(1, intlog.Failed, func(e *intlog.Entry) {
		e.Cause = []rules.Problem{{Kind: rules.Choice, Subject: "payment/p001", Text: "Choose.", Choices: []rules.Decision{rules.Whole, rules.Nothing}}}
	})
	body := h.body(h.call(http.MethodGet, "/console/entries/"+e.ID(), "ana", nil, nil), http.StatusOK)
	if !strings.Contains(body, "Post the whole") || !strings.Contains(body, "Post nothing") || strings.Contains(body, "Post only the difference") {
		t.Errorf("%s", body)
	}
	h.body(h.call(http.MethodPost, "/console/act", "ana", url.Values{"do": {"retry 1 " + e.ID()}, "choice": {"whole"}}, nil), http.StatusSeeOther)
	if stored, err := h.store.Entry(t.Context(), e.Key); err != nil || stored.Choices.Amounts != rules.Whole {
		t.Errorf("%+v %v", stored.Choices, err)
	}
}

func TestWhatSomebodyElseChangedIsNotDoneOverThem(t *testing.T) {
	t.Parallel()
	h := open(t)
	e := h.has(1, intlog.Pending, nil)
	w := h.call(http.MethodPost, "/console/act", "ana", url.Values{"do": {"sync 7 " + e.ID()}, "back": {"/console?tab=all"}}, nil)
	h.body(w, http.StatusSeeOther)
	again := http.Header{"Cookie": {session + "=ana; " + cookieOf(w, "__Host-passare-flash")}}
	if body := h.body(h.call(http.MethodGet, "/console?tab=all", "", nil, again), http.StatusOK); !strings.Contains(body, "It was changed since you looked") || !strings.Contains(body, "flash bad") {
		t.Errorf("%s", body)
	}
}

// cookieOf is a cookie of an answer, as the next request sends it.
func cookieOf(w *httptest.ResponseRecorder, name string) string {
	for _, c := range w.Result().Cookies() {
		if c.Name == name {
			return c.Name + "=" + c.Value
		}
	}
	return ""
}

func TestFiguresAndDaysAreAsBookkeepersWriteThem(t *testing.T) {
	t.Parallel()
	for amount, shown := range map[money.Cents]string{100000: "$1,000.00", -500: "-$5.00", 0: "$0.00", 123456789: "$1,234,567.89"} {
		h := open(t)
		h.has(1, intlog.Pending, func(e *intlog.Entry) { e.Amount = amount })
		if body := h.body(h.call(http.MethodGet, "/console", "ana", nil, nil), http.StatusOK); !strings.Contains(body, `num">`+shown+`<`) || !strings.Contains(body, ">3/4/2026<") {
			t.Errorf("no %s in %s", shown, body)
		}
	}
}

func TestSignInIsOfThisBrowserAndThisAttempt(t *testing.T) {
	t.Parallel()
	token := func(nonce string) string {
		return "h." + base64.RawURLEncoding.EncodeToString([]byte(`{"nonce":"`+nonce+`"}`)) + ".s"
	}
	const random = "abcdefghijklmnopqrstuvwxyz"
	for name, x := range map[string]struct {
		query, nonce string
		cookie       bool
		status       int
	}{
		"as it should be": {"state=" + random + "&code=c", random, true, http.StatusSeeOther},
		"another state":   {"state=x&code=c", random, true, http.StatusUnauthorized},
		"no state":        {"code=c", random, true, http.StatusUnauthorized},
		"another browser": {"state=" + random + "&code=c", random, false, http.StatusUnauthorized},
		"a token of old":  {"state=" + random + "&code=c", "other", true, http.StatusUnauthorized},
		"a token without": {"state=" + random + "&code=c", "", true, http.StatusUnauthorized},
		"given up":        {"state=" + random + "&error=access_denied", random, true, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			var sent url.Values
			h.issuer.token = func(form url.Values) string { sent = form; return token(x.nonce) }
			h.people.known[token(x.nonce)] = org.Person{Subject: "ana", Org: "a"}
			begun := h.call(http.MethodGet, "/console/sign-in?to=/console/notices", "", nil, nil)
			h.body(begun, http.StatusSeeOther)
			at, err := url.Parse(begun.Header().Get("Location"))
			if err != nil || at.Query().Get("code_challenge_method") != "S256" || at.Query().Get("redirect_uri") != "https://sync.example/console/signed-in" {
				t.Fatalf("%s %v", at, err)
			}
			set := begun.Header().Get("Set-Cookie")
			for _, attribute := range []string{"__Host-passare-signin=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
				if !strings.Contains(set, attribute) {
					t.Errorf("no %q in %s", attribute, set)
				}
			}
			header := http.Header{}
			if x.cookie {
				header.Set("Cookie", cookieOf(begun, "__Host-passare-signin"))
			}
			w := h.call(http.MethodGet, "/console/signed-in?"+x.query, "", nil, header)
			h.body(w, x.status)
			if signedIn := cookieOf(w, session) != ""; signedIn != (x.status == http.StatusSeeOther) {
				t.Errorf("signed in: %v", signedIn)
			}
			if x.status == http.StatusSeeOther && (w.Header().Get("Location") != "/console/notices" || sent.Get("code_verifier") != random+random || sent.Get("client_secret") != "") {
				t.Errorf("%s %v", w.Header().Get("Location"), sent)
			}
		})
	}
}

func TestAfterAnActThePageIsOneOfTheConsole(t *testing.T) {
	t.Parallel()
	h := open(t)
	e := h.has(1, intlog.Synced, nil)
	for back, want := range map[string]string{
		"/console?tab=all&q=smith": "/console?tab=all&q=smith", "/console/entries/payment.p1.1": "/console/entries/payment.p1.1",
		"": "/console", "https://evil.example/console": "/console", "//evil.example/console/": "/console", `/\evil.example`: "/console", "javascript:alert(1)": "/console", "/v1/entries": "/console",
		"/consolex": "/console", "/console?" + strings.Repeat("q", 3_000): "/console",
	} {
		w := h.call(http.MethodPost, "/console/act", "ana", url.Values{"do": {"sync 1 " + e.ID()}, "back": {back}}, nil)
		if h.body(w, http.StatusSeeOther); w.Header().Get("Location") != want {
			t.Errorf("%q leads to %q, not %q", back, w.Header().Get("Location"), want)
		}
	}
}
