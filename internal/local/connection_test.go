package local_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// reply is an answer as a caller sees it.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
}

// ask calls the API, or whatever address, as one of the demo's people; as nobody for "".
func ask(t *testing.T, s *local.System, user, method, address, body string, header http.Header) reply {
	t.Helper()
	if strings.HasPrefix(address, "/") {
		address = s.URL + address
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if user != "" {
		token, err := s.Token(user)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := *s.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(raw)}
}

// shown is GET /v1/connection.
type shown struct {
	State   string
	Company string
	Realm   string
	By      string `json:"connected_by"`
	Days    *int   `json:"days_left"`
	Notices []intlog.Notice
	Reads   struct {
		Month   string
		Spent   int
		Percent int `json:"allowance_used_percent"`
	}
}

func connection(t *testing.T, s *local.System, user string) (c shown, etag string) {
	t.Helper()
	r := ask(t, s, user, http.MethodGet, "/v1/connection", "", nil)
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r.into(t, &c)
	return c, r.header.Get("Etag")
}

// consent starts a consent as a browser does, gives it for a company, and answers where Intuit sends the browser, with the browser's cookie.
func consent(t *testing.T, s *local.System, user, body, realm string) (back string, cookie http.Header) {
	t.Helper()
	r := ask(t, s, user, http.MethodPost, "/v1/connection/start", body, nil)
	var started struct {
		Address string `json:"authorize_url"`
	}
	r.into(t, &started)
	set := r.header.Get("Set-Cookie")
	for _, part := range []string{"__Host-passare-connect=", "Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"} {
		if !strings.Contains(set, part) {
			t.Errorf("the cookie %q has no %s", set, part)
		}
	}
	value, _, _ := strings.Cut(set, ";")
	r = ask(t, s, "", http.MethodGet, started.Address+"&realm="+realm, "", nil)
	if r.status != http.StatusFound || !strings.HasPrefix(r.header.Get("Location"), s.URL+"/oauth/callback?") {
		t.Fatalf("Intuit answers %d %s", r.status, r.header)
	}
	return r.header.Get("Location"), http.Header{"Cookie": {value}}
}

func TestAnAdministratorConnectsAndDisconnects(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, etag := connection(t, s, "ana")
	if c.State != "connected" || c.Company != s.Golden.Company.Company || c.Realm != local.WillowCreekRealm || c.By != "Ana Diaz" || c.Days == nil || *c.Days != 100 || len(c.Notices) != 0 {
		t.Errorf("%+v", c)
	}
	if r := ask(t, s, "ana", http.MethodDelete, "/v1/connection", "", http.Header{"If-Match": {`"77"`}}); r.status != http.StatusPreconditionFailed {
		t.Errorf("a stale page: %d %s", r.status, r.body)
	}
	for range 2 {
		if r := ask(t, s, "ana", http.MethodDelete, "/v1/connection", "", nil); r.status != http.StatusOK || !strings.Contains(r.body, `"state":"disconnected"`) {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if _, after := connection(t, s, "ana"); after == etag {
		t.Error("the tag is the same")
	}
	id := send(t, s, event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash))
	wait(t, s, local.WillowCreek, id, intlog.Failed)

	back, _ := consent(t, s, "ana", "", local.WillowCreekRealm)
	if r := ask(t, s, "", http.MethodGet, back, "", nil); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "another browser") {
		t.Errorf("without the cookie: %d %s", r.status, r.body)
	}
	back, cookie := consent(t, s, "ana", "{}", local.WillowCreekRealm)
	r := ask(t, s, "", http.MethodGet, back, "", cookie)
	if r.status != http.StatusOK || !strings.Contains(r.body, "1 entry that waited is on the way now") || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if csp := r.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || r.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers %v", r.header)
	}
	wait(t, s, local.WillowCreek, id, intlog.Synced)
	if r := ask(t, s, "", http.MethodGet, back, "", cookie); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "used already") {
		t.Errorf("the address again: %d %s", r.status, r.body)
	}
}

func TestTheOrganisationStaysWithItsCompany(t *testing.T) {
	t.Parallel()
	s := start(t)
	json := http.Header{"Accept": {"application/json"}}
	with := func(cookie http.Header) http.Header {
		return http.Header{"Cookie": cookie["Cookie"], "Accept": json["Accept"]}
	}
	back, cookie := consent(t, s, "ana", "", local.MapleHillRealm)
	if r := ask(t, s, "", http.MethodGet, back, "", with(cookie)); r.status != http.StatusConflict || !strings.Contains(r.body, s.Golden.Company.Company) {
		t.Errorf("another company: %d %s", r.status, r.body)
	}
	if c, _ := connection(t, s, "ana"); c.Realm != local.WillowCreekRealm || c.State != "connected" {
		t.Errorf("%+v", c)
	}
	declined, cookie := consent(t, s, "ana", "", local.WillowCreekRealm)
	u, err := url.Parse(declined)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = url.Values{"state": {u.Query().Get("state")}, "error": {"access_denied"}}.Encode()
	if r := ask(t, s, "", http.MethodGet, u.String(), "", cookie); r.status != http.StatusConflict || !strings.Contains(r.body, "declined") {
		t.Errorf("declined: %d %s", r.status, r.body)
	}
	if r := ask(t, s, "dan", http.MethodDelete, "/v1/connection", "", nil); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	back, cookie = consent(t, s, "ana", `{"other_company":true}`, local.MapleHillRealm)
	if r := ask(t, s, "", http.MethodGet, back, "", with(cookie)); r.status != http.StatusOK || !strings.Contains(r.body, `"realm":"`+local.MapleHillRealm+`"`) {
		t.Errorf("confirmed: %d %s", r.status, r.body)
	}
}

func TestWhoMayDoWhatWithTheConnection(t *testing.T) {
	t.Parallel()
	s := start(t)
	calls := [][2]string{
		{http.MethodGet, "/v1/connection"},
		{http.MethodPost, "/v1/connection/start"},
		{http.MethodDelete, "/v1/connection"},
		{http.MethodGet, "/v1/links/customers"},
		{http.MethodGet, "/v1/links/vendors"},
		{http.MethodPut, "/v1/links/customers/case:1"},
		{http.MethodPut, "/v1/links/vendors/business:1"},
	}
	for _, c := range calls {
		for user, want := range map[string]int{"": http.StatusUnauthorized, "ben": http.StatusForbidden, "cleo": http.StatusForbidden} {
			r := ask(t, s, user, c[0], c[1], "", nil)
			if r.status != want || want == http.StatusForbidden && !strings.Contains(r.body, "integrations_admin") {
				t.Errorf("%s %s as %q: %d %s", c[0], c[1], user, r.status, r.body)
			}
		}
	}
	if c, _ := connection(t, s, "dan"); c.Realm != local.MapleHillRealm || c.By != "Dan Reyes" {
		t.Errorf("another organisation sees %+v", c)
	}
	for body, field := range map[string]string{`{"other_company":1,"more":2}`: "more", `[]`: "body", `{`: "body"} {
		r := ask(t, s, "ana", http.MethodPost, "/v1/connection/start", body, nil)
		if r.status != http.StatusUnprocessableEntity && r.status != http.StatusBadRequest || !strings.Contains(r.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	if r := ask(t, s, "ana", http.MethodPost, "/v1/connection/start", strings.Repeat(" ", 1<<20+1), nil); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", r.status)
	}
}

// tenOnADeadConnection are entries that wait since QuickBooks refuses the grant.
func tenOnADeadConnection(t *testing.T, s *local.System) (ids []string) {
	t.Helper()
	refused := `{"fault":{"error":[{"message":"message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403","detail":null,"code":"3100","element":null}],"type":"SERVICE"}}`
	if err := s.Sim.Script(qbosim.Fault{Realm: local.WillowCreekRealm, Kind: "status", Status: 403, Body: refused, PathContains: "journalentry", Times: 1}); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		ids = append(ids, send(t, s, event(local.WillowCreek, "payment.created", fmt.Sprint("p", i), 1, "c1", cash)))
	}
	for _, id := range ids {
		wait(t, s, local.WillowCreek, id, intlog.Failed)
	}
	return ids
}

func TestADeadConnectionIsOneNotice(t *testing.T) {
	t.Parallel()
	s := start(t)
	ids := tenOnADeadConnection(t, s)
	c, _ := connection(t, s, "ana")
	if c.State != "refused" || len(c.Notices) != 1 || c.Notices[0].Who != "administrator" {
		t.Errorf("%+v", c)
	}
	back, cookie := consent(t, s, "ana", "", local.WillowCreekRealm)
	if r := ask(t, s, "", http.MethodGet, back, "", cookie); !strings.Contains(r.body, "10 entries that waited are on the way now") {
		t.Errorf("%d %s", r.status, r.body)
	}
	for _, id := range ids {
		wait(t, s, local.WillowCreek, id, intlog.Synced)
	}
	if c, _ := connection(t, s, "ana"); c.State != "connected" || len(c.Notices) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestReadsOfTheMonthAreShown(t *testing.T) {
	t.Parallel()
	s := start(t)
	before, _ := connection(t, s, "ana")
	if _, err := s.Client.Accounts(t.Context(), org.Company{Org: local.WillowCreek, Realm: local.WillowCreekRealm}); err != nil {
		t.Fatal(err)
	}
	after, _ := connection(t, s, "ana")
	if after.Reads.Spent != before.Reads.Spent+1 || after.Reads.Month == "" || after.Reads.Percent != 0 {
		t.Errorf("%+v, then %+v", before.Reads, after.Reads)
	}
	if counted := s.Sim.Counted(local.WillowCreekRealm).Reads; counted != after.Reads.Spent {
		t.Errorf("QuickBooks has counted %d reads, we %d", counted, after.Reads.Spent)
	}
}

func TestLinksAreShownAndChanged(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i, c := range []string{"c1", "c2", "c3"} {
		wait(t, s, local.WillowCreek, send(t, s, event(local.WillowCreek, "payment.created", fmt.Sprint("p", i), 1, c, cash)), intlog.Synced)
	}
	type link struct {
		ID, Name, Note, By, ETag string
		QuickBooks               string `json:"quickbooks_id"`
		Before                   []struct {
			Name string
			By   string
		}
		Released int
		Effect   string
	}
	var all []link
	for next := "/v1/links/customers?limit=2"; next != ""; {
		r := ask(t, s, "ana", http.MethodGet, next, "", nil)
		var page struct {
			Links []link
			Next  string
		}
		r.into(t, &page)
		all = append(all, page.Links...)
		follow, found := strings.CutSuffix(r.header.Get("Link"), `>; rel="next"`)
		if found != (page.Next != "") {
			t.Errorf("Link %q, next %q", r.header.Get("Link"), page.Next)
		}
		next = strings.TrimPrefix(follow, "<")
	}
	var ids []string
	for _, l := range all {
		ids = append(ids, l.ID+" "+l.Name)
	}
	if diff := cmp.Diff([]string{"case:c1 Vera Quill-c1", "case:c2 Vera Quill-c2", "case:c3 Vera Quill-c3"}, ids); diff != "" {
		t.Fatal(diff)
	}
	other, err := s.Client.CreateCustomer(t.Context(), org.Company{Org: local.WillowCreek, Realm: local.WillowCreekRealm}, journal.NewName{Display: "Family Quill"}, "r1")
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"quickbooks_id":%q}`, other)
	if r := ask(t, s, "ana", http.MethodPut, "/v1/links/customers/case:c1", body, http.Header{"If-Match": {`"9"`}}); r.status != http.StatusPreconditionFailed {
		t.Errorf("a stale page: %d %s", r.status, r.body)
	}
	for range 2 {
		r := ask(t, s, "ana", http.MethodPut, "/v1/links/customers/case:c1", body, nil)
		var l link
		r.into(t, &l)
		if r.status != http.StatusOK || l.Name != "Family Quill" || l.By != "Ana Diaz" || len(l.Before) != 1 || l.Before[0].Name != "Vera Quill-c1" || r.header.Get("Etag") != `"2"` || !strings.Contains(l.Effect, "stays where it is") {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	for path, want := range map[string]int{"customers/case:c2": http.StatusConflict, "customers/nobody": 422, "vendors/case:c1": 422} {
		if r := ask(t, s, "ana", http.MethodPut, "/v1/links/"+path, body, nil); r.status != want {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := ask(t, s, "ana", http.MethodPut, "/v1/links/customers/case:c2", `{"quickbooks_id":"x","more":1}`, nil); r.status != 422 || !strings.Contains(r.body, "more") {
		t.Errorf("%d %s", r.status, r.body)
	}
	for _, path := range []string{"/v1/links/customers?limit=0", "/v1/links/customers?limit=201", "/v1/links/customers?limit=x"} {
		if r := ask(t, s, "ana", http.MethodGet, path, "", nil); r.status != 422 {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	var none struct{ Links []link }
	ask(t, s, "dan", http.MethodGet, "/v1/links/customers", "", nil).into(t, &none)
	if len(none.Links) != 0 {
		t.Errorf("another organisation sees %+v", none)
	}
	wait(t, s, local.WillowCreek, send(t, s, event(local.WillowCreek, "payment.created", "p9", 1, "c1", cash)), intlog.Synced)
	last := s.Sim.Journal(local.WillowCreekRealm)
	if !slices.ContainsFunc(last[len(last)-1].Lines, func(l qbosim.JournalLine) bool { return l.Entity != nil && l.Entity.Name == "Family Quill" }) {
		t.Errorf("the next entry stands on %+v", last[len(last)-1])
	}
}

func TestATokenNamesAnOrganisationOrNobody(t *testing.T) {
	t.Parallel()
	s := start(t)
	for id, want := range map[string]int{"new-one": http.StatusOK, "": 401, "a/b": 401, "a#b": 401, "a b": 401, "ä": 401, strings.Repeat("a", 101): 401} {
		token, err := s.TokenOf(org.Person{Subject: "eve", Name: "Eve", Org: id, Permissions: []org.Permission{org.Manage}})
		if err != nil {
			t.Fatal(err)
		}
		r := ask(t, s, "", http.MethodGet, "/v1/connection", "", http.Header{"Authorization": {"Bearer " + token}})
		if r.status != want || want == http.StatusOK && !strings.Contains(r.body, "never_connected") {
			t.Errorf("%q: %d %s", id, r.status, r.body)
		}
	}
}
