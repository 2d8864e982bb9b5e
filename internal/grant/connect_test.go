package grant_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/retrying"
)

// office is a connector over the real client and the simulator's consent page, token and revocation endpoints.
type office struct {
	t         *testing.T
	now       time.Time
	store     *memory.Store
	sim       *qbosim.Sim
	server    *httptest.Server
	keeper    *grant.Keeper
	client    *qbo.Client
	connector *grant.Connector
	states    int

	mu   sync.Mutex
	acts []string // what was done at Intuit, the secrets and the store, in order
}

const (
	willowRealm = "1001"
	otherRealm  = "2002"
)

// callback is where the browser comes back to.
const callback = "https://sync.example/oauth/callback"

func ana() org.Person { return org.Person{Subject: "ana", Name: "Ana Diaz", Org: "willow"} }

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, now: time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC), store: memory.NewStore()}
	now := func() time.Time { return o.now }
	o.sim = qbosim.New(qbosim.Options{Now: now, ClientID: "id", ClientSecret: "secret"})
	for realm, name := range map[string]string{willowRealm: "Willow Creek LLC", otherRealm: "Somebody Else Inc"} {
		if err := o.sim.AddCompany(qbosim.Company{Realm: realm, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	intuit := o.sim.Handler()
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.did(r.Method + " " + r.URL.Path)
		intuit.ServeHTTP(w, r)
	}))
	t.Cleanup(o.server.Close)
	oauth, err := qbo.NewOAuth(qbo.OAuthOptions{
		TokenURL: o.server.URL + "/oauth2/v1/tokens/bearer", RevokeURL: o.server.URL + "/v2/oauth2/tokens/revoke", ClientID: "id", ClientSecret: "secret",
	}, o.server.Client(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	o.keeper = grant.New(witnessed{memory.NewSecrets(), o}, lease.New(memory.NewLeases(), "office", now), oauth, now)
	if o.client, err = qbo.New(qbo.Options{BaseURL: o.server.URL, HTTP: o.server.Client(), Tokens: o.keeper, Timeout: time.Minute, Now: now}); err != nil {
		t.Fatal(err)
	}
	o.connector = grant.NewConnector(o.keeper, o.store, o.client, retrying.New(o.store, memory.NewQueue(), now), now, grant.Options{
		AuthorizeURL: o.server.URL + "/connect/oauth2", ClientID: "id",
		Random: func() string { o.states++; return fmt.Sprint("state-", o.states) },
	})
	config := org.Config{Org: "willow", Mapping: org.Mapping{Version: 3, GL: map[string]string{"4000": "17"}}, CloseDate: "2026-01-31"}
	if _, err := o.store.PutConfig(t.Context(), config, 0); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) did(act string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acts = append(o.acts, act)
}

// witnessed tells when a secret is written.
type witnessed struct {
	grant.Secrets
	o *office
}

func (w witnessed) Put(ctx context.Context, name string, value []byte, ifVersion string) (string, error) {
	w.o.did("secret written")
	return w.Secrets.Put(ctx, name, value, ifVersion)
}

// consent goes to the consent page as a browser does, and brings back what Intuit says. choice is more of the page's query: the company, or a refusal.
func (o *office) consent(browser string, other bool, choice string) grant.Answer {
	o.t.Helper()
	return o.consentOf(ana(), browser, other, choice)
}

func (o *office) consentOf(p org.Person, browser string, other bool, choice string) grant.Answer {
	o.t.Helper()
	address, _, err := o.connector.Start(o.t.Context(), p, browser, other, callback)
	if err != nil {
		o.t.Fatal(err)
	}
	client := *o.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Get(address + "&" + choice)
	if err != nil {
		o.t.Fatal(err)
	}
	_ = res.Body.Close()
	back, err := res.Location()
	if err != nil || back.Host != "sync.example" {
		o.t.Fatalf("the browser goes to %s, %v", back, err)
	}
	q := back.Query()
	return grant.Answer{State: q.Get("state"), Code: q.Get("code"), Realm: q.Get("realmId"), Error: q.Get("error"), Browser: browser}
}

func (o *office) connect() grant.Connected {
	o.t.Helper()
	done, err := o.connector.Finish(o.t.Context(), o.consent("chrome", false, "realm="+willowRealm))
	if err != nil {
		o.t.Fatal(err)
	}
	return done
}

func (o *office) refuses(what string, a grant.Answer, code fault.Code, says string) {
	o.t.Helper()
	_, err := o.connector.Finish(o.t.Context(), a)
	if !fault.Is(err, code) || !strings.Contains(fault.As(err).Text(), says) {
		o.t.Errorf("%s: %v %q", what, err, fault.As(err).Text())
	}
}

func (o *office) config() org.Config {
	o.t.Helper()
	c, err := o.store.Config(o.t.Context(), "willow")
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

func (o *office) view() grant.View {
	o.t.Helper()
	v, err := o.connector.View(o.t.Context(), "willow")
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

// works says whether QuickBooks answers the organisation.
func (o *office) works() bool {
	_, err := o.client.CompanyInfo(o.t.Context(), o.config().Company())
	return err == nil
}

// failing makes an entry that waits for the connection.
func (o *office) failing(id string) {
	o.t.Helper()
	e := entryThatWaitsForTheConnection(id, o.now)
	if _, _, err := o.store.Create(o.t.Context(), e, nil); err != nil {
		o.t.Fatal(err)
	}
}

func TestConnecting(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(*testing.T, *office){
		"a consent connects the organisation, says to which company and by whom, and lets go what waited": func(t *testing.T, o *office) {
			o.sim.SetSwitches(willowRealm, qbosim.Switches{HardEnd: "2031-03-01T00:00:00Z"})
			if v := o.view(); v.State != grant.Never {
				t.Errorf("before: %+v", v)
			}
			o.failing("p1")
			o.failing("p2")
			done := o.connect()
			want := org.Connection{
				Org: "willow", Rev: 1, Realm: willowRealm, Company: "Willow Creek LLC", By: "Ana Diaz", At: o.now, RefreshedAt: o.now,
				RollingEnd: o.now.Add(101 * 24 * time.Hour), HardEnd: time.Date(2031, 3, 1, 0, 0, 0, 0, time.UTC),
			}
			if diff := cmp.Diff(want, done.Connection); diff != "" || done.Released != 2 {
				t.Errorf("%d released\n%s", done.Released, diff)
			}
			if v := o.view(); v.State != grant.Alive || !o.works() {
				t.Errorf("after: %+v", v)
			}
		},
		"the secret is written as the very next act": func(t *testing.T, o *office) {
			o.connect()
			at := slices.Index(o.acts, "POST /oauth2/v1/tokens/bearer")
			if at < 0 || at+1 >= len(o.acts) || o.acts[at+1] != "secret written" {
				t.Errorf("%q", o.acts)
			}
		},
		"a company whose name cannot be read now is connected all the same": func(t *testing.T, o *office) {
			if err := o.sim.Script(qbosim.Fault{Kind: "status", Status: 503, PathContains: "companyinfo", Times: 1}); err != nil {
				t.Fatal(err)
			}
			if done := o.connect(); done.Connection.Company != "" || done.Connection.Realm != willowRealm || !o.works() {
				t.Errorf("%+v", done)
			}
		},
		"a state is good once": func(_ *testing.T, o *office) {
			a := o.consent("chrome", false, "realm="+willowRealm)
			if _, err := o.connector.Finish(o.t.Context(), a); err != nil {
				o.t.Fatal(err)
			}
			o.refuses("again", a, fault.Invalid, "used already")
		},
		"a state that nobody was given is refused": func(_ *testing.T, o *office) {
			o.refuses("invented", grant.Answer{State: "x", Code: "c", Realm: willowRealm, Browser: "chrome"}, fault.Invalid, "Start again")
			o.refuses("none", grant.Answer{}, fault.Invalid, "Start again")
		},
		"a state is good for ten minutes": func(t *testing.T, o *office) {
			a := o.consent("chrome", false, "realm="+willowRealm)
			o.now = o.now.Add(10*time.Minute - time.Second)
			b := o.consent("chrome", false, "realm="+willowRealm)
			if _, err := o.connector.Finish(t.Context(), a); err != nil {
				t.Error(err)
			}
			o.now = o.now.Add(10 * time.Minute)
			o.refuses("late", b, fault.Invalid, "10 minutes")
		},
		"a state is good in the browser that began": func(t *testing.T, o *office) {
			a := o.consent("chrome", false, "realm="+willowRealm)
			a.Browser = "an attacker's"
			o.refuses("another browser", a, fault.Invalid, "another browser")
			if v := o.view(); v.State != grant.Never {
				t.Errorf("%+v", v)
			}
		},
		"two consents at once in two windows both work": func(t *testing.T, o *office) {
			a, b := o.consent("chrome", false, "realm="+willowRealm), o.consent("chrome", false, "realm="+willowRealm)
			for _, x := range []grant.Answer{b, a} {
				if _, err := o.connector.Finish(t.Context(), x); err != nil {
					t.Error(err)
				}
			}
		},
		"who declines changes nothing": func(t *testing.T, o *office) {
			o.refuses("declined", o.consent("chrome", false, "deny=true"), fault.Conflict, "declined")
			if v := o.view(); v.State != grant.Never {
				t.Errorf("%+v", v)
			}
		},
		"a code that Intuit does not know is refused": func(_ *testing.T, o *office) {
			a := o.consent("chrome", false, "realm="+willowRealm)
			a.Code = "another"
			o.refuses("wrong code", a, fault.Disconnected, "")
		},
		"a company that the tokens are not of is not connected": func(t *testing.T, o *office) {
			a := o.consent("chrome", false, "realm="+otherRealm)
			a.Realm = willowRealm
			o.refuses("changed on the way", a, fault.Disconnected, "")
			if c := o.config(); c.Realm != "" || o.view().State != grant.Never {
				t.Errorf("%+v", c)
			}
			o.connect()
			b := o.consent("chrome", false, "realm="+otherRealm)
			b.Realm = willowRealm
			o.refuses("changed on the way", b, fault.Disconnected, "")
			if o.view().State != grant.Refused || o.works() {
				t.Error("the tokens of another company are used")
			}
			if o.connect(); !o.works() {
				t.Error("it cannot be connected any more")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newOffice(t))
		})
	}
}

func TestAnotherCompany(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(*testing.T, *office){
		"is refused, named, and changes nothing": func(t *testing.T, o *office) {
			o.connect()
			before := o.config()
			o.refuses("other", o.consent("chrome", false, "realm="+otherRealm), fault.Conflict, "Willow Creek LLC")
			if diff := cmp.Diff(before, o.config()); diff != "" || !o.works() {
				t.Error(diff)
			}
		},
		"is refused after a disconnect, too": func(_ *testing.T, o *office) {
			o.connect()
			if err := o.connector.Disconnect(o.t.Context(), ana()); err != nil {
				o.t.Fatal(err)
			}
			o.refuses("other", o.consent("chrome", false, "realm="+otherRealm), fault.Conflict, "Willow Creek LLC")
		},
		"is connected when that was confirmed; the ids of the old one's accounts are gone": func(t *testing.T, o *office) {
			o.connect()
			done, err := o.connector.Finish(t.Context(), o.consent("chrome", true, "realm="+otherRealm))
			if err != nil || done.Connection.Company != "Somebody Else Inc" {
				t.Errorf("%+v %v", done, err)
			}
			c := o.config()
			if c.Realm != otherRealm || len(c.Mapping.GL) != 0 || c.Mapping.Version != 4 || c.CloseDate != "" || !o.works() {
				t.Errorf("%+v", c)
			}
			old := org.Company{Org: "willow", Realm: willowRealm}
			if _, err := o.client.CompanyInfo(t.Context(), old); !fault.Is(err, fault.Unavailable) {
				t.Errorf("a call for the old company: %v", err)
			}
		},
		"confirmed, and then the same one is chosen: nothing is lost": func(t *testing.T, o *office) {
			o.connect()
			if _, err := o.connector.Finish(t.Context(), o.consent("chrome", true, "realm="+willowRealm)); err != nil {
				t.Fatal(err)
			}
			if c := o.config(); c.Mapping.GL["4000"] != "17" || c.CloseDate == "" {
				t.Errorf("%+v", c)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newOffice(t))
		})
	}
}

func TestACompanyBelongsToOneOrganisation(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.connect()
	if _, err := o.store.PutConfig(t.Context(), org.Config{Org: "maple"}, 0); err != nil {
		t.Fatal(err)
	}
	dan := org.Person{Subject: "dan", Name: "Dan Reyes", Org: "maple"}
	theirs := func() grant.Answer { return o.consentOf(dan, "firefox", false, "realm="+willowRealm) }
	before := len(o.acts)
	o.refuses("while it is another's", theirs(), fault.Conflict, "another organisation")
	if acts := o.acts[before:]; slices.Contains(acts, "POST /oauth2/v1/tokens/bearer") || slices.Contains(acts, "POST /v2/oauth2/tokens/revoke") || !o.works() {
		t.Errorf("%q", acts)
	}
	if err := o.connector.Disconnect(t.Context(), ana()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.connector.Finish(t.Context(), theirs()); err != nil {
		t.Errorf("after it was disconnected there: %v", err)
	}
	o.refuses("and back", o.consent("chrome", false, "realm="+willowRealm), fault.Conflict, "another organisation")
	if _, err := o.connector.Finish(t.Context(), o.consentOf(dan, "firefox", true, "realm="+otherRealm)); err != nil {
		t.Errorf("they move on: %v", err)
	}
	o.connect()
}

func TestDisconnecting(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if err := o.connector.Disconnect(t.Context(), ana()); err != nil || o.view().State != grant.Never {
		t.Errorf("what was never connected: %v", err)
	}
	o.connect()
	o.server.Config.Handler = failingHandler("/v2/oauth2/tokens/revoke", o.server.Config.Handler)
	if err := o.connector.Disconnect(t.Context(), ana()); !fault.Is(err, fault.Unavailable) || o.view().State != grant.Alive || !o.works() {
		t.Errorf("Intuit cannot be reached: %v, %s", err, o.view().State)
	}
	access, err := o.keeper.Token(t.Context(), o.config().Company())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := o.connector.Disconnect(t.Context(), ana()); err != nil {
			t.Fatal(err)
		}
	}
	v := o.view()
	if v.State != grant.Disconnected || v.Connection.EndedBy != "Ana Diaz" || !v.Connection.EndedAt.Equal(o.now) || len(v.Notices) != 0 || o.config().Connected() {
		t.Errorf("%+v", v)
	}
	r, _ := http.NewRequest(http.MethodGet, o.server.URL+"/v3/company/"+willowRealm+"/preferences", nil)
	r.Header.Set("Authorization", "Bearer "+access)
	res, err := o.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old token is answered %d", res.StatusCode)
	}
	if o.works() {
		t.Error("a token is still given")
	}
	o.failing("p1")
	if done := o.connect(); done.Released != 1 || o.view().State != grant.Alive {
		t.Errorf("after reconnecting: %+v", done)
	}
}

// failingHandler fails the first request for a path.
func failingHandler(path string, next http.Handler) http.Handler {
	var once sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		failed := false
		if r.URL.Path == path {
			once.Do(func() { failed = true; w.WriteHeader(http.StatusServiceUnavailable) })
		}
		if !failed {
			next.ServeHTTP(w, r)
		}
	})
}

func TestGrantsAreKeptAlive(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	refreshes := func(o *office) int {
		o.mu.Lock()
		defer o.mu.Unlock()
		n := 0
		for _, act := range o.acts {
			if act == "POST /oauth2/v1/tokens/bearer" {
				n++
			}
		}
		return n
	}
	keep := func(t *testing.T, o *office) {
		t.Helper()
		if err := o.connector.KeepAlive(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for name, f := range map[string]func(*testing.T, *office){
		"one that nobody used for a week is refreshed, once": func(t *testing.T, o *office) {
			o.connect()
			for _, step := range []struct {
				after time.Duration
				want  int
			}{{day, 1}, {6 * day, 1}, {day, 2}, {day, 2}, {7 * day, 3}} {
				o.now = o.now.Add(step.after)
				if keep(t, o); refreshes(o) != step.want {
					t.Errorf("after %s more: %d requests for tokens, want %d", step.after, refreshes(o), step.want)
				}
			}
			if c := o.view().Connection; !c.RefreshedAt.Equal(o.now) || !c.RollingEnd.Equal(o.now.Add(101*day)) {
				t.Errorf("%+v", c)
			}
		},
		"one that is idle for two years lives when it is looked after daily, and dies when it is not": func(t *testing.T, o *office) {
			o.connect()
			for range 730 {
				o.now = o.now.Add(day)
				keep(t, o)
			}
			if !o.works() {
				t.Error("it is dead")
			}
			o.now = o.now.Add(102 * day)
			if o.works() {
				t.Error("it lives without being looked after, so this test shows nothing")
			}
		},
		"one that is refused is noted as dead, with one notice": func(t *testing.T, o *office) {
			o.connect()
			o.sim.SetSwitches(willowRealm, qbosim.Switches{HardEnd: "2026-03-05T00:00:00Z"})
			for range 3 {
				o.now = o.now.Add(8 * day)
				keep(t, o)
			}
			v := o.view()
			if v.State != grant.Refused || len(v.Notices) != 1 || !strings.Contains(v.Notices[0].Text, "Reconnect QuickBooks") || !v.RefusedSince.Equal(o.now.Add(-16*day)) {
				t.Errorf("%+v", v)
			}
		},
		"one that is dead is not taken for good since it is young": func(t *testing.T, o *office) {
			o.connect()
			o.sim.SetSwitches(willowRealm, qbosim.Switches{HardEnd: "2026-03-05T00:00:00Z"})
			if err := o.store.Broken(t.Context(), "willow", o.config().Grants, o.now); err != nil {
				t.Fatal(err)
			}
			o.now = o.now.Add(day)
			if keep(t, o); o.view().State != grant.Refused {
				t.Errorf("it is %s", o.view().State)
			}
		},
		"one that was noted as dead and is accepted lets go what waited": func(t *testing.T, o *office) {
			o.connect()
			o.failing("p1")
			if err := o.store.Broken(t.Context(), "willow", o.config().Grants, o.now); err != nil {
				t.Fatal(err)
			}
			o.now = o.now.Add(day)
			keep(t, o)
			if e, err := o.store.Entry(t.Context(), entryThatWaitsForTheConnection("p1", o.now).Key); err != nil || e.State != intlog.Queued || o.view().State != grant.Alive {
				t.Errorf("%s %s %v", o.view().State, e.State, err)
			}
		},
		"one that a person ended is left alone": func(t *testing.T, o *office) {
			o.connect()
			if err := o.connector.Disconnect(t.Context(), ana()); err != nil {
				t.Fatal(err)
			}
			o.now = o.now.Add(30 * day)
			if keep(t, o); refreshes(o) != 1 {
				t.Errorf("%d requests for tokens", refreshes(o))
			}
		},
		"trouble with one keeps no other waiting": func(t *testing.T, o *office) {
			o.connect()
			for _, id := range []string{"a", "z"} {
				if _, err := o.store.PutConnection(t.Context(), org.Connection{Org: id, Realm: "9"}, 0); err != nil {
					t.Fatal(err)
				}
			}
			o.now = o.now.Add(8 * day)
			err := o.connector.KeepAlive(t.Context())
			if err == nil || !strings.Contains(err.Error(), "a: ") || !strings.Contains(err.Error(), "z: ") || refreshes(o) != 2 {
				t.Errorf("%v after %d requests for tokens", err, refreshes(o))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newOffice(t))
		})
	}
}

func TestTheEndIsWarnedOf(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)
	in := func(days int) time.Time { return now.AddDate(0, 0, days) }
	live := org.Connection{Realm: "1", RollingEnd: in(90), HardEnd: in(900)}
	with := func(change func(*org.Connection)) org.Connection {
		c := live
		change(&c)
		return c
	}
	dead := org.Config{Realm: "1", BrokenSince: in(-1)}
	for name, x := range map[string]struct {
		connection org.Connection
		config     org.Config
		want       []string // keys
	}{
		"never connected":                    {org.Connection{}, dead, nil},
		"far from its end":                   {live, org.Config{}, nil},
		"31 days":                            {with(func(c *org.Connection) { c.HardEnd = in(31) }), org.Config{}, nil},
		"30 days":                            {with(func(c *org.Connection) { c.HardEnd = in(30) }), org.Config{}, []string{"connection-ends-30-2026-04-03"}},
		"8 days":                             {with(func(c *org.Connection) { c.HardEnd = in(8) }), org.Config{}, []string{"connection-ends-30-2026-03-12"}},
		"7 days":                             {with(func(c *org.Connection) { c.HardEnd = in(7) }), org.Config{}, []string{"connection-ends-7-2026-03-11"}},
		"1 day":                              {with(func(c *org.Connection) { c.HardEnd = in(1) }), org.Config{}, []string{"connection-ends-1-2026-03-05"}},
		"its last refresh is long ago":       {with(func(c *org.Connection) { c.RollingEnd = in(6) }), org.Config{}, []string{"connection-ends-7-2026-03-10"}},
		"no end is known":                    {with(func(c *org.Connection) { c.RollingEnd, c.HardEnd = time.Time{}, time.Time{} }), org.Config{}, nil},
		"dead, whatever else":                {with(func(c *org.Connection) { c.HardEnd = in(1) }), dead, []string{"connection-dead-2026-03-03T15:00:00Z"}},
		"ended by a person, so they know it": {with(func(c *org.Connection) { c.EndedAt = in(-2) }), dead, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var keys []string
			for _, n := range grant.Notices(x.connection, x.config, now) {
				keys = append(keys, n.Key)
				if n.Text == "" || n.Who != "administrator" || n.At.After(now) {
					t.Errorf("%+v", n)
				}
			}
			if diff := cmp.Diff(x.want, keys); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheConsentAsksForNothingMore(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	address, ends, err := o.connector.Start(t.Context(), ana(), "chrome", false, callback)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"client_id": {"id"}, "response_type": {"code"}, "scope": {"com.intuit.quickbooks.accounting"}, "redirect_uri": {callback}, "state": {"state-1"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" || !ends.Equal(o.now.Add(10*time.Minute)) {
		t.Errorf("until %s\n%s", ends, diff)
	}
}

func TestAnOrganisationThatNobodyKnowsYetBeginsByConnecting(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	eve := org.Person{Subject: "eve", Name: "Eve Oak", Org: "oak"}
	if v, err := o.connector.View(t.Context(), "oak"); err != nil || v.State != grant.Never {
		t.Errorf("%+v %v", v, err)
	}
	if _, err := o.connector.Finish(t.Context(), o.consentOf(eve, "chrome", false, "realm="+otherRealm)); err != nil {
		t.Fatal(err)
	}
	c, err := o.store.Config(t.Context(), "oak")
	if err != nil || c.Realm != otherRealm || c.Settings != (org.Settings{}) || !c.Connected() {
		t.Errorf("%+v %v", c, err)
	}
	if v, err := o.connector.View(t.Context(), "oak"); err != nil || v.State != grant.Alive {
		t.Errorf("%+v %v", v, err)
	}
}
