package local_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
)

// browser is somebody's browser without script: it keeps cookies and follows redirects.
type browser struct {
	t      *testing.T
	s      *local.System
	client *http.Client
}

// screen is a page that a browser shows.
type screen struct {
	status int
	at     *url.URL
	header http.Header
	body   string
}

// browse opens a browser, and signs somebody in; nobody for "".
func browse(t *testing.T, s *local.System, user string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := *s.HTTP
	client.Jar = jar
	b := &browser{t: t, s: s, client: &client}
	if user != "" {
		b.signIn(b.open("/console"), user)
	}
	return b
}

// signIn chooses somebody on the issuer's page.
func (b *browser) signIn(x screen, user string) screen {
	b.t.Helper()
	link := regexp.MustCompile(`href="([^"]*user=` + user + `[^"]*)"`).FindStringSubmatch(html.UnescapeString(x.body))
	if link == nil {
		b.t.Fatalf("%s is no page to sign in on: %d %s", x.at, x.status, x.body)
	}
	return b.open(link[1])
}

func (b *browser) open(path string) screen {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

func (b *browser) post(path string, form url.Values) screen {
	b.t.Helper()
	return b.do(http.MethodPost, path, form)
}

func (b *browser) do(method, path string, form url.Values) screen {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.s.URL + path
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return screen{res.StatusCode, res.Request.URL, res.Header, string(body)}
}

// says fails unless the page has a status and every text.
func (x screen) says(t *testing.T, status int, texts ...string) {
	t.Helper()
	if x.status != status {
		t.Fatalf("%s answers %d, not %d: %s", x.at, x.status, status, x.body)
	}
	for _, text := range texts {
		if !strings.Contains(x.body, text) {
			t.Errorf("%s does not say %q: %s", x.at, text, x.body)
		}
	}
}

// button is the value of a button of the page that does something to an entry.
func (x screen) button(t *testing.T, action, id string) string {
	t.Helper()
	found := regexp.MustCompile(`name="do" value="(` + action + ` [0-9]+ ` + regexp.QuoteMeta(id) + `)"`).FindStringSubmatch(x.body)
	if found == nil {
		t.Fatalf("%s has no button to %s %s: %s", x.at, action, id, x.body)
	}
	return found[1]
}

func TestABookkeeperReviewsInTheConsole(t *testing.T) {
	t.Parallel()
	s := start(t)
	m := local.MapleHill
	first := send(t, s, event(m, "payment.created", "p1", 1, "c1", cash))
	second := send(t, s, event(m, "payment.created", "p2", 1, "c2", cash))
	third := send(t, s, event(m, "payment.created", "p3", 1, "c3", cash))
	b := browse(t, s, "dan")
	list := b.open("/console?tab=pending")
	list.says(t, http.StatusOK, "Pending transactions", "3 entries, $30.00", "Payment created", "Vera Quill-c1", "3/4/2026", "$10.00", "Dan Reyes")
	synced := b.post("/console/act", url.Values{"do": {list.button(t, "sync", first)}, "back": {"/console?tab=pending"}})
	synced.says(t, http.StatusOK, "is on its way to QuickBooks", `class="flash good"`, "2 entries, $20.00")
	if strings.Contains(synced.body, "Vera Quill-c1</small>") {
		t.Error("what was synced is still on the tab")
	}
	if b.open("/console"); strings.Contains(b.open("/console").body, "is on its way") {
		t.Error("the message is shown twice")
	}
	wait(t, s, m, first, intlog.Synced)
	b.open("/console/entries/"+first).says(t, http.StatusOK, "from deposits clearing", "Open in QuickBooks", "Undo…", "Dan Reyes sent it on its way")
	b.post("/console/act", url.Values{"do": {"sync 1 " + second + "x"}}).says(t, http.StatusNotFound, "no entry of that id")

	ask := b.post("/console/actions", url.Values{"action": {"delete"}, "id": {second, third, first}, "back": {"/console?tab=pending"}})
	ask.says(t, http.StatusOK, "Delete: 2 entries?", "$20.00", "Left as they are", "Undo takes it out again")
	wait(t, s, m, second, intlog.Pending)
	named := url.Values{"action": {"delete"}, "id": {second, third}, "back": {"/console?tab=pending"}}
	b.post("/console/actions/confirmed", named).says(t, http.StatusUnprocessableEntity, "must say why")
	named.Set("reason", "Typed <b>twice</b>")
	b.post("/console/actions/confirmed", named).says(t, http.StatusOK, "2 done (20.00)", `class="flash good"`)
	b.post("/console/actions/confirmed", url.Values{"action": {"delete"}, "id": {first}, "reason": {"Twice"}}).says(t, http.StatusOK, "1 not possible", `class="flash bad"`)
	gone := b.open("/console/entries/" + second)
	gone.says(t, http.StatusOK, "Typed &lt;b&gt;twice&lt;/b&gt;", "Restore")
	b.post("/console/act", url.Values{"do": {gone.button(t, "restore", second)}, "back": {"/console/entries/" + second}}).says(t, http.StatusOK, "is restored", "Pending")
	b.open("/console?tab=pending&case=no-c3").says(t, http.StatusOK, "Nothing fits this filter")
	b.open("/console?tab=pending&amount_min=much").says(t, http.StatusUnprocessableEntity, "must be an amount like 1,250.00")
	b.open("/console?tab=pending&amount_min=$10").says(t, http.StatusOK, "Vera Quill-c2")

	undo := b.open("/console/entries/" + first + "/undo")
	undo.says(t, http.StatusOK, "takes the whole record out", "What will be posted")
	rev := regexp.MustCompile(`name="rev" value="([0-9]+)"`).FindStringSubmatch(undo.body)
	done := b.post("/console/entries/"+first+"/undo", url.Values{"rev": {rev[1]}, "reason": {"Entered twice"}})
	done.says(t, http.StatusOK, "The undo is on its way", "Entered twice")
	wait(t, s, m, first+"~1", intlog.Synced)

	file := b.open("/console/entries.csv?tab=synced")
	if file.says(t, http.StatusOK, "entry id,transaction type", first); !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%v", file.header)
	}
	b.post("/console/actions", url.Values{"action": {"download"}, "id": {second}}).says(t, http.StatusOK, "entry id,transaction type", second)
	b.open("/console/entries.csv?tab=synced&from=yesterday").says(t, http.StatusUnprocessableEntity, "No file was made", "from")
	if x := b.open("/console?tab=pending&q=quill"); !strings.Contains(x.body, `href="/console?q=quill&amp;tab=errors"`) {
		t.Errorf("another tab forgets the filter: %s", x.body)
	}
	b.post("/console/sign-out", nil).says(t, http.StatusOK, "You are signed out")
	if x := b.open("/console"); x.at.Path != "/dev/authorize" {
		t.Errorf("after signing out, %s is shown", x.at)
	}
}

func TestSignInComesBackToThePage(t *testing.T) {
	t.Parallel()
	s := start(t)
	b := browse(t, s, "")
	x := b.signIn(b.open("/console?tab=errors&q=smith"), "ben")
	if x.says(t, http.StatusOK, "Sync errors", "Ben Okafor"); x.at.RequestURI() != "/console?tab=errors&q=smith" {
		t.Errorf("%s", x.at)
	}
	b = browse(t, s, "")
	away := b.signIn(b.open("/console/sign-in?to="+url.QueryEscape("//evil.example/console")), "ben")
	if away.says(t, http.StatusOK); away.at.Path != "/console" || !strings.HasPrefix(s.URL, "http://"+away.at.Host) {
		t.Errorf("sign-in leads to %s", away.at)
	}
}

func TestTheIssuerStillGivesTokensToCurl(t *testing.T) {
	t.Parallel()
	s := start(t)
	x := ask(t, s, "", http.MethodPost, "/dev/token", `{"user":"ana"}`, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	if x.status != http.StatusOK || !strings.Contains(string(x.body), "access_token") {
		t.Errorf("%d %s", x.status, x.body)
	}
}

func TestWithoutThePermissionAPlainPageSaysSo(t *testing.T) {
	t.Parallel()
	s := start(t)
	b := browse(t, s, "cleo")
	for _, path := range []string{"/console", "/console/notices", "/console/entries/payment.p1.1", "/console/entries.csv"} {
		b.open(path).says(t, http.StatusForbidden, "You need the permission integration_log", "Cleo Park")
	}
	b.post("/console/act", url.Values{"do": {"sync 1 payment.p1.1"}}).says(t, http.StatusForbidden, "integration_log")
}

func TestAnotherOrganisationsEntryIsNotThere(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := send(t, s, event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash))
	wait(t, s, local.WillowCreek, id, intlog.Synced)
	b := browse(t, s, "dan")
	for _, path := range []string{id, id + "/delete", id + "/undo"} {
		b.open("/console/entries/"+path).says(t, http.StatusNotFound, "Not found")
	}
	b.post("/console/act", url.Values{"do": {"sync 1 " + id}}).says(t, http.StatusNotFound)
	b.post("/console/actions", url.Values{"action": {"delete"}, "id": {id}}).says(t, http.StatusOK, "possible for none", "Not found")
	if x := b.open("/console?tab=all"); strings.Contains(x.body, "Quill") {
		t.Error("another organisation's entry is listed")
	}
}

func TestTheBellRingsInTheConsole(t *testing.T) {
	t.Parallel()
	s := start(t)
	failing := send(t, s, event(local.WillowCreek, "goods_and_services.signed", "g1", 1, "c1", strings.Replace(signed, `"4000"`, `"9999"`, 1)))
	wait(t, s, local.WillowCreek, failing, intlog.Failed)
	b := browse(t, s, "ana")
	list := b.open("/console?tab=errors")
	list.says(t, http.StatusOK, "unread", "9999", "Retry sync", "Sync error")
	b.open("/console/entries/"+failing).says(t, http.StatusOK, "What is in the way", "administrator", "Mapping")
	b.open("/console/notices").says(t, http.StatusOK, "9999", "Mark all as read", "1 entry")
	b.post("/console/notices/read-all", nil).says(t, http.StatusOK, "marked as read")
	if strings.Contains(b.open("/console/notices").body, "Mark as read") {
		t.Error("what was read is unread")
	}
}

func TestAnAdministratorConnectsInTheConsole(t *testing.T) {
	t.Parallel()
	s := start(t)
	nora := browse(t, s, "nora")
	nora.open("/console").says(t, http.StatusOK, "QuickBooks is not connected yet", "/console/start")
	nora.open("/console/start").says(t, http.StatusOK, "Connect QuickBooks")
	asked := nora.post("/console/connection/start", nil)
	link := regexp.MustCompile(`href="([^"]*realm=` + local.CedarHallRealm + `[^"]*)"`).FindStringSubmatch(html.UnescapeString(asked.body))
	if link == nil {
		t.Fatalf("%s asks for no consent: %s", asked.at, asked.body)
	}
	browse(t, s, "ana").open(s.QBOURL+link[1]).says(t, http.StatusUnprocessableEntity, "begun in another browser")
	nora.open("/console/connection").says(t, http.StatusOK, "not connected to a QuickBooks company yet")

	asked = nora.post("/console/connection/start", nil)
	link = regexp.MustCompile(`href="([^"]*realm=` + local.CedarHallRealm + `[^"]*)"`).FindStringSubmatch(html.UnescapeString(asked.body))
	nora.open(s.QBOURL+link[1]).says(t, http.StatusOK, "Connected to Cedar Hall Chapel", `href="/console/connection"`)
	nora.open("/console/connection").says(t, http.StatusOK, "Entries go to <b>Cedar Hall Chapel</b>", "Nora Lind")
	nora.open("/console/start").says(t, http.StatusOK, "Still without an account")
	browse(t, s, "ben").open("/console/connection").says(t, http.StatusForbidden, "integrations_admin")
}
