package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/console"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// connector is a connection as a test wants it; it keeps what it was asked for.
type connector struct {
	view    grant.View
	err     error
	browser string
	other   bool
	back    string
	ended   []string // who disconnected
}

func (c *connector) View(context.Context, string) (grant.View, error) { return c.view, nil }

func (c *connector) Start(_ context.Context, _ org.Person, browser string, other bool, back string) (string, time.Time, error) {
	c.browser, c.other, c.back = browser, other, back
	return "https://appcenter.intuit.com/connect/oauth2?state=x", now().Add(grant.AttemptLife), c.err
}

func (c *connector) Disconnect(_ context.Context, p org.Person) error {
	if c.err == nil {
		c.ended = append(c.ended, p.Name)
	}
	return c.err
}

// spending is what was read of QuickBooks this month.
type spending struct{}

func (spending) ReadsOf(context.Context, string, string) (int, error) { return 1234, nil }
func (spending) ReadsSpent(context.Context, string) (int, error)      { return 50_000, nil }

func consent() console.Consent {
	return console.Consent{Intuit: "https://appcenter.intuit.com/connect/oauth2", Reads: spending{}, Allowance: 200_000}
}

// chartOfAccounts is what QuickBooks has.
type chartOfAccounts struct{ accounts []journal.Account }

func (b *chartOfAccounts) Listing(_ context.Context, _ org.Company, list journal.List) (journal.Listing, error) {
	l := journal.Listing{List: list, ReadAt: now()}
	if list == journal.AccountList {
		l.Accounts = b.accounts
	}
	return l, nil
}

// managed is a house whose max may set it up, connected to a company; change makes its configuration.
func managed(t *testing.T, change func(*org.Config)) *house {
	t.Helper()
	h := open(t)
	h.people.known["max"] = org.Person{Subject: "max", Name: "Max " + evil, Org: "a", Permissions: []org.Permission{org.SeeLog, org.Manage}}
	h.connect.view = grant.View{State: grant.Alive, Connection: org.Connection{Org: "a", Rev: 7, Realm: "46", Company: "Hall " + evil, By: "Max", At: now(), RefreshedAt: now(), RollingEnd: now().AddDate(0, 0, 41)}}
	c, err := h.store.Config(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if c.Realm = "46"; change != nil {
		change(&c)
	}
	if _, err := h.store.PutConfig(t.Context(), c, c.Version); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) config() org.Config {
	h.t.Helper()
	c, err := h.store.Config(h.t.Context(), "a")
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// fields are the hidden fields of a page's form, and what is chosen in it, as a browser would send them.
func fields(body string) url.Values {
	form := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="(hidden|radio)" name="([^"]*)" value="([^"]*)"( required)?( checked)?>`).FindAllStringSubmatch(body, -1) {
		if m[1] == "hidden" || m[5] != "" {
			form.Set(m[2], m[3])
		}
	}
	for _, m := range regexp.MustCompile(`<input class="short" type="date" id="[^"]*" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		form.Set(m[1], m[2])
	}
	return form
}

func (h *house) get(path string) string {
	h.t.Helper()
	return h.body(h.call(http.MethodGet, path, "max", nil, nil), http.StatusOK)
}

func (h *house) post(path string, form url.Values, status int) (string, *httptest.ResponseRecorder) {
	h.t.Helper()
	w := h.call(http.MethodPost, path, "max", form, nil)
	return h.body(w, status), w
}

func setupPages() []string {
	return []string{"/console/settings", "/console/connection", "/console/connection/other", "/console/connection/disconnect", "/console/start"}
}

func TestTheSetUpIsForWhoManages(t *testing.T) {
	t.Parallel()
	h := managed(t, nil)
	for _, path := range setupPages() {
		h.get(path)
		says(t, h.body(h.call(http.MethodGet, path, "ana", nil, nil), http.StatusForbidden), "You need the permission integrations_admin")
	}
	before := h.config()
	for _, path := range []string{"/console/settings", "/console/settings/look", "/console/settings/edit", "/console/connection/start", "/console/connection/disconnect"} {
		form := url.Values{"version": {"2"}, "auto_sync": {"true"}, "rev": {"7"}}
		says(t, h.body(h.call(http.MethodPost, path, "ana", form, nil), http.StatusForbidden), "You need the permission integrations_admin")
	}
	if after := h.config(); after.Version != before.Version || h.connect.ended != nil || h.connect.back != "" {
		t.Errorf("somebody who may not has changed %+v %+v", after, h.connect)
	}
}

func TestWhatIsTypedIntoTheSetUpIsShownAsText(t *testing.T) {
	t.Parallel()
	h := managed(t, func(c *org.Config) { c.BrokenSince = now() })
	h.planner.plan = rules.Plan{Sentence: evil, Excluded: evil, Problems: []rules.Problem{{Kind: rules.Data, Text: evil, Who: evil, Where: evil}}}
	h.has(1, intlog.Pending, spiteful)
	for _, state := range []grant.State{grant.Never, grant.Alive, grant.Refused, grant.Disconnected} {
		h.connect.view.State = state
		h.connect.view.Connection.Realm, h.connect.view.Connection.By, h.connect.view.Connection.EndedBy = evil, evil, evil
		h.connect.view.Notices = []intlog.Notice{{Key: evil, Text: evil, Who: evil, At: now()}}
		for _, path := range setupPages() {
			look(t, path, h.call(http.MethodGet, path, "max", nil, nil))
		}
	}
	form := url.Values{"version": {evil}, "then": {"javascript:alert(3)"}}
	for _, name := range []string{"auto_sync", "cut_over_date", "closed_period", "trade_customer", "pending", "held"} {
		form.Set(name, evil)
	}
	for _, path := range []string{"/console/settings", "/console/settings/look", "/console/settings/edit", "/console/connection/disconnect"} {
		look(t, path, h.call(http.MethodPost, path, "max", form, nil))
		look(t, path, h.call(http.MethodPost, path, "", form, nil))
	}
	if _, w := h.post("/console/settings", url.Values{"version": {"2"}, "reprint_posts_pair": {"true"}}, http.StatusSeeOther); w.Header().Get("Location") != "/console/settings" {
		t.Errorf("it leads to %s", w.Header().Get("Location"))
	}
	look(t, "history", h.call(http.MethodGet, "/console/settings", "max", nil, nil))
}

func TestSettingsAreSavedAfterALook(t *testing.T) {
	t.Parallel()
	h := managed(t, func(c *org.Config) { c.CloseDate = "2026-01-31" })
	page := h.get("/console/settings")
	says(t, page, "Enable auto-sync", "Automatic add to accounting exports", "closed through <b>1/31/2026</b>", "Nobody has changed a setting yet")
	form := fields(page)
	form.Set("auto_sync", "true")
	form.Set("cut_over_date", "2026-03-01")
	before := h.config()
	looked, _ := h.post("/console/settings/look", form, http.StatusOK)
	says(t, looked, "New entries go to QuickBooks by themselves.", "What is dated before 3/1/2026", "Nothing is saved yet")
	if h.config().Version != before.Version {
		t.Fatal("a look has saved")
	}
	_, w := h.post("/console/settings", fields(looked), http.StatusSeeOther)
	if w.Header().Get("Location") != "/console/settings" {
		t.Errorf("it leads to %s", w.Header().Get("Location"))
	}
	if s := h.config().Settings; !s.AutoSync || s.CutOver != "2026-03-01" || s.AutoAddToExports || s.ExcludeChecks {
		t.Errorf("%+v", s)
	}
	says(t, h.get("/console/settings"), "<b>Enable auto-sync</b>: <span>off</span>", "<span>3/1/2026</span>", "3/4/2026 3:00 PM UTC")
}

func TestALookGoesBackToTheFormWithWhatWasChosen(t *testing.T) {
	t.Parallel()
	h := managed(t, nil)
	form := fields(h.get("/console/settings"))
	form.Set("exclude.checks", "true")
	form.Set("cut_over_date", "2026-02-02")
	form.Set("then", "/console/start")
	looked, _ := h.post("/console/settings/look", form, http.StatusOK)
	again, _ := h.post("/console/settings/edit", fields(looked), http.StatusOK)
	if got := fields(again); got.Get("exclude.checks") != "true" || got.Get("cut_over_date") != "2026-02-02" || got.Get("then") != "/console/start" {
		t.Errorf("%v", got)
	}
}

func TestALookAsksWhatBecomesOfWhatWaits(t *testing.T) {
	t.Parallel()
	h := managed(t, nil)
	waiting := h.has(1, intlog.Pending, nil)
	held := h.has(2, intlog.Held, nil)
	form := url.Values{"version": {"2"}, "auto_sync": {"true"}, "auto_add_to_exports": {"true"}}
	looked, _ := h.post("/console/settings/look", form, http.StatusOK)
	says(t, looked, "1 entry of $1,000.00 waits for review", "1 entry of $1,000.00 waits for Add to Accounting Export", "Release: on now, to QuickBooks")
	missing, _ := h.post("/console/settings", fields(looked), http.StatusUnprocessableEntity)
	says(t, missing, "<b>What waits for review</b> needs your choice", "<b>What waits for Add to Accounting Export</b> needs your choice")
	if h.config().Settings.AutoSync {
		t.Fatal("it was saved without the choices")
	}
	form = fields(missing)
	form.Set("pending", "sync")
	halfway, _ := h.post("/console/settings", form, http.StatusUnprocessableEntity)
	if fields(halfway).Get("pending") != "sync" || strings.Contains(halfway, "<b>What waits for review</b> needs") {
		t.Errorf("the choice that was made is lost: %s", halfway)
	}
	form.Set("held", "leave")
	h.post("/console/settings", form, http.StatusSeeOther)
	for e, want := range map[*intlog.Entry]intlog.State{&waiting: intlog.Queued, &held: intlog.Held} {
		if stored, err := h.store.Entry(t.Context(), e.Key); err != nil || stored.State != want {
			t.Errorf("%s is %s, not %s: %v", e.ID(), stored.State, want, err)
		}
	}
	says(t, h.get("/console/settings"), "<b>What waits for review</b>", "synced", "left as they were")
}

func TestWrongSettingsAreNamedAndKept(t *testing.T) {
	t.Parallel()
	h := managed(t, nil)
	form := url.Values{"version": {"2"}, "auto_sync": {"true"}, "cut_over_date": {"2026-02-31"}, "closed_period": {"never"}}
	for _, path := range []string{"/console/settings/look", "/console/settings"} {
		body, _ := h.post(path, form, http.StatusUnprocessableEntity)
		says(t, body, "<b>Cut-over date</b> must be a day that exists", "<b>Closed books</b> must be one of", "2026-02-31")
		if fields(body).Get("auto_sync") != "true" {
			t.Errorf("what was chosen is lost: %s", body)
		}
	}
	form.Set("auto_sync", "perhaps")
	body, _ := h.post("/console/settings/look", form, http.StatusUnprocessableEntity)
	says(t, body, "<b>Enable auto-sync</b> must be on or off")
}

func TestSettingsOfSomebodyElseAreNotOverwritten(t *testing.T) {
	t.Parallel()
	h := managed(t, nil)
	form := url.Values{"version": {"2"}, "exclude.ledger": {"true"}}
	h.post("/console/settings", url.Values{"version": {"2"}, "auto_sync": {"true"}}, http.StatusSeeOther)
	for _, path := range []string{"/console/settings/look", "/console/settings"} {
		body, _ := h.post(path, form, http.StatusPreconditionFailed)
		says(t, body, "Somebody changed the settings since you looked")
		if got := fields(body); got.Get("exclude.ledger") != "true" || got.Get("version") != "3" {
			t.Errorf("what was chosen is lost: %v", got)
		}
	}
	if s := h.config().Settings; s.ExcludeLedger || !s.AutoSync {
		t.Errorf("%+v", s)
	}
}

func TestNothingConnectedIsAHelpNotAnError(t *testing.T) {
	t.Parallel()
	h := managed(t, func(c *org.Config) { c.Realm = "" })
	h.connect.view = grant.View{State: grant.Never}
	says(t, h.get("/console"), "QuickBooks is not connected yet", `href="/console/start"`)
	says(t, h.get("/console/settings"), "Connect QuickBooks first", `href="/console/start"`)
	says(t, h.get("/console/connection"), "not connected to a QuickBooks company yet", "Connect QuickBooks</button>")
	says(t, h.get("/console/start"), "Connect QuickBooks</button>", "Comes after step 1", "Comes after steps 1 and 2")
	if body := h.body(h.call(http.MethodGet, "/console", "ana", nil, nil), http.StatusOK); strings.Contains(body, "/console/start") || !strings.Contains(body, "An administrator of your organisation sets it up") {
		t.Errorf("%s", body)
	}
	for _, path := range []string{"/console/connection/other", "/console/connection/disconnect"} {
		if w := h.call(http.MethodGet, path, "max", nil, nil); w.Header().Get("Location") != "/console/connection" {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
}

func TestTheConnectionSaysHowItIs(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		change func(*grant.View)
		says   []string
		not    string
	}{
		"alive": {func(*grant.View) {}, []string{"Connected</span>", "Entries go to <b>Hall", "<dt>Days left</dt><dd>41<", "1234", "25%", "Reconnect QuickBooks", "Disconnect…"}, "asked for a pause"},
		"ends soon": {func(v *grant.View) {
			v.Notices = []intlog.Notice{{Text: "The connection to QuickBooks ends on 03/11/2026."}}
		}, []string{"ends on 03/11/2026"}, "Refused"},
		"paused":  {func(v *grant.View) { v.PausedUntil = now().Add(time.Minute) }, []string{"asked for a pause until"}, "Refused"},
		"refused": {func(v *grant.View) { v.State, v.RefusedSince = grant.Refused, now() }, []string{"Refused by QuickBooks", "no longer accepts", "Reconnect QuickBooks"}, "Days left"},
		"disconnected": {func(v *grant.View) {
			v.State, v.Connection.EndedBy, v.Connection.EndedAt = grant.Disconnected, "Dora", now()
		}, []string{"Disconnected from", "Dora", "Reconnect QuickBooks"}, "Disconnect…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := managed(t, nil)
			x.change(&h.connect.view)
			body := h.get("/console/connection")
			says(t, body, x.says...)
			if strings.Contains(body, x.not) {
				t.Errorf("%q in %s", x.not, body)
			}
		})
	}
}

func TestConnectingLeadsToIntuitAndBack(t *testing.T) {
	t.Parallel()
	h := managed(t, nil)
	_, w := h.post("/console/connection/start", nil, http.StatusSeeOther)
	if w.Header().Get("Location") != "https://appcenter.intuit.com/connect/oauth2?state=x" || h.connect.other || h.connect.back != "https://sync.example/oauth/callback" {
		t.Errorf("%s %+v", w.Header().Get("Location"), h.connect)
	}
	cookie := w.Header().Get("Set-Cookie")
	if want := "__Host-passare-connect=" + h.connect.browser + "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"; cookie != want {
		t.Errorf("%s, not %s", cookie, want)
	}
	began := http.Header{"Cookie": {session + "=max; __Host-passare-connect=begun-before"}}
	h.body(h.call(http.MethodPost, "/console/connection/start", "", url.Values{"other": {"true"}}, began), http.StatusSeeOther)
	if !h.connect.other || h.connect.browser != "begun-before" {
		t.Errorf("%+v", h.connect)
	}
	says(t, h.get("/console/connection/other"), "stays there", "The mapping is emptied", `name="other" value="true"`)
}

func TestOnlyFormsThatConnectMayLeadToIntuit(t *testing.T) {
	t.Parallel()
	h := managed(t, nil)
	leads := []string{"/console/connection", "/console/connection/other", "/console/start"}
	for _, path := range slices.Concat(leads, []string{"/console", "/console/settings", "/console/connection/disconnect", "/console/notices"}) {
		policy := h.call(http.MethodGet, path, "max", nil, nil).Header().Get("Content-Security-Policy")
		want := "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self' https://login.example; frame-ancestors 'none'; base-uri 'none'"
		if slices.Contains(leads, path) {
			want = strings.Replace(want, "'self' https://login", "'self' https://*.intuit.com https://login", 1)
		}
		if policy != want {
			t.Errorf("%s: %s", path, policy)
		}
		if body := h.get(path); regexp.MustCompile(`(?i) style=| on[a-z]+=|<style|<script`).MatchString(strings.ReplaceAll(withoutOurs(body), "onerror=alert", "")) {
			t.Errorf("%s has style or script of its own", path)
		}
	}
}

func TestDisconnectingIsOfTheConnectionThatWasSeen(t *testing.T) {
	t.Parallel()
	h := managed(t, nil)
	h.has(1, intlog.Pending, nil)
	asked := h.get("/console/connection/disconnect")
	says(t, asked, "Pending transactions: 1 entry, $1,000.00", "goes by itself once somebody connects")
	form := fields(asked)
	h.connect.view.Connection.Rev = 8
	_, w := h.post("/console/connection/disconnect", form, http.StatusSeeOther)
	h.flashes(w, "Somebody changed the connection since you looked")
	if h.connect.ended != nil {
		t.Fatal("it was disconnected all the same")
	}
	form = fields(h.get("/console/connection/disconnect"))
	h.connect.err = fault.New(fault.Unavailable, "QuickBooks’ sign-in cannot be reached.")
	_, w = h.post("/console/connection/disconnect", form, http.StatusSeeOther)
	h.flashes(w, "cannot be reached")
	h.connect.err = nil
	_, w = h.post("/console/connection/disconnect", form, http.StatusSeeOther)
	h.flashes(w, "QuickBooks is disconnected")
	if len(h.connect.ended) != 1 {
		t.Errorf("%v", h.connect.ended)
	}
}

// flashes fails unless the page after an answer has a message.
func (h *house) flashes(w *httptest.ResponseRecorder, text string) {
	h.t.Helper()
	again := http.Header{"Cookie": {session + "=max; " + cookieOf(w, "__Host-passare-flash")}}
	says(h.t, h.body(h.call(http.MethodGet, w.Header().Get("Location"), "", nil, again), http.StatusOK), text)
}

func TestTheFirstRunTicksWhatIsSo(t *testing.T) {
	t.Parallel()
	done := regexp.MustCompile(`<li class="(done|here|)"`)
	steps := func(h *house) string {
		var list []string
		for _, m := range done.FindAllStringSubmatch(h.get("/console/start"), -1) {
			list = append(list, m[1])
		}
		return strings.Join(list, ",")
	}
	mapped := org.Mapping{Version: 1, Roles: map[org.Role]string{org.AccountsReceivable: "1", org.DepositsClearing: "2"}, GL: map[string]string{}}
	for name, x := range map[string]struct {
		state  grant.State
		change func(*org.Config)
		want   string
	}{
		"nothing":             {grant.Never, func(c *org.Config) { c.Realm = "" }, "here,,,"},
		"connected":           {grant.Alive, func(*org.Config) {}, "done,here,,"},
		"mapped":              {grant.Alive, func(c *org.Config) { c.Mapping = mapped }, "done,done,here,"},
		"chosen":              {grant.Alive, func(c *org.Config) { c.Mapping, c.Settings.CutOver = mapped, "2026-01-01" }, "done,done,done,here"},
		"gone":                {grant.Alive, func(c *org.Config) { c.Mapping, c.Settings.AutoSync = mapped, true }, "done,done,done,done"},
		"chosen, not mapped":  {grant.Alive, func(c *org.Config) { c.Settings.CutOver = "2026-01-01" }, "done,here,done,"},
		"mapped, refused now": {grant.Refused, func(c *org.Config) { c.Mapping = mapped }, "here,done,,"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := managed(t, x.change)
			h.connect.view.State = x.state
			if got := steps(h); got != x.want {
				t.Errorf("%s, not %s", got, x.want)
			}
		})
	}
}

func TestTheFirstRunShowsWhatWouldBePosted(t *testing.T) {
	t.Parallel()
	h := managed(t, func(c *org.Config) {
		c.Mapping = org.Mapping{Version: 1, Roles: map[org.Role]string{org.AccountsReceivable: "1", org.DepositsClearing: "2"}}
	})
	says(t, h.get("/console/start"), "No entry has come yet")
	h.planner.plan = rules.Plan{Sentence: "The family owes 1,000.00 less.", Entries: []rules.Planned{{Date: "2026-03-04", Movements: []journal.Movement{
		{Key: journal.Key{Account: "deposits_clearing"}, Place: journal.Place{Account: "2"}, Amount: 100000}, {Key: journal.Key{Account: "accounts_receivable"}, Place: journal.Place{Account: "1"}, Amount: -100000},
	}}}}
	for i := range 7 {
		h.has(i, intlog.Pending, nil)
	}
	h.store.asked.Store(0)
	body := h.get("/console/start")
	says(t, body, "The family owes 1,000.00 less.", `<td class="num">$1,000.00</td>`, "Turn on auto-sync…")
	if n := strings.Count(body, `<article class="foreseen">`); n != 5 {
		t.Errorf("%d entries are shown", n)
	}
	form := fields(body[strings.Index(body, `id="step-3"`):])
	looked, _ := h.post("/console/settings/look", form, http.StatusOK)
	says(t, looked, "7 entries of $7,000.00 wait for review")
	form = fields(looked)
	form.Set("pending", "leave")
	if _, w := h.post("/console/settings", form, http.StatusSeeOther); w.Header().Get("Location") != "/console/start" {
		t.Errorf("it leads to %s", w.Header().Get("Location"))
	}
	says(t, h.get("/console/start"), "The integration is set up", "Auto-sync is on")
}

func TestTheFirstRunNamesWhatTheLogNeedsMapped(t *testing.T) {
	t.Parallel()
	h := managed(t, nil)
	h.has(1, intlog.Pending, func(e *intlog.Entry) {
		e.Record.Type, e.Kind = passare.GoodsAndServices, "goods_and_services.signed"
		e.Data = []byte(`{"specversion":"1.0","id":"e1","source":"/organizations/a","type":"com.passare.goods_and_services.signed","time":"2026-03-04T15:00:00Z","data":{"record":{"type":"goods_and_services","id":"g1","version":1},
			"case":{"id":"c1","number":"26-001","decedent":{"first":"Vera","last":"Quill"}},"branch":{"id":"main","name":"Main"},"actor":{"id":"u1","name":"Ana"},
			"signed_on":"2026-03-02","items":[{"id":"i1","kind":"service","gl_account":"4000","description":"Services","amount":"10.00"}],"total":"10.00"}}`)
	})
	says(t, h.get("/console/start"), "<li>Accounts receivable</li>", "<li>Deposits clearing</li>", "<li>GL account 4000 (Service – Services)</li>", `href="/console/mapping"`)
}

func TestAFormOfTheSettingsLeadsToNoOtherSite(t *testing.T) {
	t.Parallel()
	h := managed(t, nil)
	for then, want := range map[string]string{"": "/console/settings", "/console/start": "/console/start", "https://evil.example/console": "/console", "//evil.example/console/x": "/console", "javascript:alert(3)": "/console"} {
		form := url.Values{"auto_sync": {"false"}, "version": {"2"}, "then": {then}} // which it is already
		if _, w := h.post("/console/settings", form, http.StatusSeeOther); w.Header().Get("Location") != want {
			t.Errorf("%q leads to %q, not %q", then, w.Header().Get("Location"), want)
		}
	}
}
