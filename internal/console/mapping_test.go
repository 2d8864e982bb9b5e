package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/console"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/rules"
	"github.com/passare/qbo-sync/internal/setup"
)

// books are the lists of a QuickBooks company.
type books struct {
	lists map[journal.List]journal.Listing
	reads int
}

func (b *books) Listing(_ context.Context, _ org.Company, list journal.List) (journal.Listing, error) {
	b.reads++
	l := b.lists[list]
	l.List, l.ReadAt = list, now()
	return l, nil
}

// desk is a house with an office, in which dan may set things up and ana may not.
type desk struct {
	*house
	books *books
}

func openOffice(t *testing.T) *desk {
	t.Helper()
	h := &desk{books: &books{lists: map[journal.List]journal.Listing{
		journal.AccountList: {Accounts: []journal.Account{
			{ID: "84", Name: "Receivables", Type: org.ReceivableType},
			{ID: "92", Name: "Flower Advances", Type: "Other Current Liability", Number: "2310"},
			{ID: "50", Name: "Service Income", Type: "Income"},
			{ID: "51", Name: "Discounts given", Type: "Income"},
			{ID: "35", Name: "Checking", Type: "Bank"},
		}},
		journal.ClassList: {Segments: []journal.Segment{{ID: "c1", Name: "Main", FullyQualifiedName: "Main", Active: true}}}, journal.DepartmentList: {},
	}}}
	for i, a := range h.accounts() {
		a.FullyQualifiedName, a.Active = a.Name, true
		h.accounts()[i] = a
	}
	h.house = open(t, func(x *house, o *console.Options) {
		office := setup.New(x.store, h.books, retrying.New(x.store, memory.NewQueue(), now), now)
		o.Charts, o.Office = office, office
	})
	h.people.known["dan"] = org.Person{Subject: "dan", Name: "Dan", Org: "a", Permissions: []org.Permission{org.SeeLog, org.Manage}}
	h.configure(func(c *org.Config) {
		c.Realm = "1"
		c.Mapping = org.Mapping{Version: 1, Roles: map[org.Role]string{org.AccountsReceivable: "84", org.Discounts: "51"}, GL: map[string]string{"4000": "50"}}
	})
	return h
}

func (h *desk) accounts() []journal.Account { return h.books.lists[journal.AccountList].Accounts }

func (h *desk) configure(change func(*org.Config)) {
	h.t.Helper()
	c, err := h.store.Config(h.t.Context(), "a")
	if err != nil {
		h.t.Fatal(err)
	}
	version := c.Version
	change(&c)
	if _, err := h.store.PutConfig(h.t.Context(), c, version); err != nil {
		h.t.Fatal(err)
	}
}

func (h *desk) mapped() org.Mapping {
	h.t.Helper()
	c, err := h.store.Config(h.t.Context(), "a")
	if err != nil {
		h.t.Fatal(err)
	}
	return c.Mapping
}

// signed stores the contract of a branch with one item on a GL account, which waits for what is missing.
func (h *desk) signed(n int, gl, item, branch string, missing ...string) intlog.Entry {
	h.t.Helper()
	return h.has(n, intlog.Failed, func(e *intlog.Entry) {
		e.Record = passare.Ref{Type: "goods_and_services", ID: fmt.Sprint("g", n)}
		e.Data = fmt.Appendf(nil, `{"specversion":"1.0","id":"e-%[1]d","source":"/organizations/a","type":"com.passare.goods_and_services.signed","time":"2026-03-04T15:00:00Z",
"data":{"record":{"type":"goods_and_services","id":"g%[1]d","version":1},"case":{"id":"c","number":"24-1","decedent":{"first":"A","last":"B"}},"branch":{"id":%[4]q,"name":%[4]q},"actor":{"id":"u","name":"Ana"},
"signed_on":"2026-03-02","items":[{"id":"i1","kind":"cash_advance","gl_account":%[2]q,"description":%[3]q,"amount":"200.00"}],"total":"200.00"}}`, n, gl, item, branch)
		for _, subject := range missing {
			e.Cause = append(e.Cause, rules.Problem{Kind: rules.Mapping, Subject: subject, Who: "administrator", Where: "Mapping", Text: "Map it."})
		}
	})
}

func (h *desk) get(path, who string) string {
	h.t.Helper()
	return h.body(h.call(http.MethodGet, path, who, nil, nil), http.StatusOK)
}

// flashed is the page that an act leads to, with its message.
func (h *desk) flashed(w *httptest.ResponseRecorder) string {
	h.t.Helper()
	h.body(w, http.StatusSeeOther)
	header := http.Header{"Cookie": {session + "=dan; " + cookieOf(w, "__Host-passare-flash")}}
	return h.body(h.call(http.MethodGet, w.Header().Get("Location"), "", nil, header), http.StatusOK)
}

// says fails unless a page has every text, and none of those that begin with an exclamation mark.
func says(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		want, unwanted := strings.CutPrefix(text, "!")
		if strings.Contains(body, want) == unwanted {
			t.Errorf("%q: has it %t, in %s", want, unwanted, body)
		}
	}
}

func mappingPages() []string {
	return []string{"/console/mapping", "/console/mapping?q=4410", "/console/mapping/versions", "/console/mapping/versions/1"}
}

func TestTheMappingIsForWhoMaySetUp(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	h.saves("roles.discounts", "50")
	posts := []string{"/console/mapping", "/console/mapping/save", "/console/mapping/read", "/console/needs-you"}
	for _, path := range mappingPages() {
		h.get(path, "dan")
		says(t, h.body(h.call(http.MethodGet, path, "ana", nil, nil), http.StatusForbidden), "You need the permission integrations_admin")
		h.body(h.call(http.MethodGet, path, "cleo", nil, nil), http.StatusForbidden)
		h.body(h.call(http.MethodGet, path, "", nil, nil), http.StatusSeeOther)
	}
	for _, path := range posts {
		h.body(h.call(http.MethodPost, path, "ana", url.Values{"version": {"2"}, "pick.gl_accounts.4000": {"51"}}, nil), http.StatusForbidden)
	}
	if m := h.mapped(); m.Version != 2 || m.GL["4000"] != "50" {
		t.Errorf("%+v", m)
	}
	says(t, h.get("/console", "ana"), "/console/needs-you", "!/console/mapping")
	says(t, h.get("/console", "dan"), "/console/needs-you", "/console/mapping")
}

// saves saves one field, without looking first.
func (h *desk) saves(field, id string) *httptest.ResponseRecorder {
	h.t.Helper()
	version := fmt.Sprint(h.mapped().Version)
	w := h.call(http.MethodPost, "/console/mapping/save", "dan", url.Values{"version": {version}, "pick." + field: {id}}, nil)
	h.body(w, http.StatusSeeOther)
	return w
}

func TestAMappingChangesInTwoSteps(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	h.signed(1, "4410", "flowers", "main", "account gl:4410")
	body := h.get("/console/mapping?q=4410", "dan")
	says(t, body, "Cash advance – flowers", "Not mapped", `<optgroup label="Suggested"><option value="92">2310 Flower Advances</option>`, "Its name has “advance flower”", "!pick.gl_accounts.4000", `!value="84"`)
	form := url.Values{"version": {"1"}, "q": {"4410"}, "pick.gl_accounts.4410": {"92"}}
	body = h.body(h.call(http.MethodPost, "/console/mapping", "dan", form, nil), http.StatusOK)
	says(t, body, "GL account 4410", "Not mapped", "Flower Advances", "1 entry ($1,000.00) that waits for this mapping goes to QuickBooks.", `name="pick.gl_accounts.4410" value="92"`, `name="version" value="1"`)
	if m := h.mapped(); m.Version != 1 || m.GL["4410"] != "" {
		t.Fatalf("looking stored %+v", m)
	}
	w := h.call(http.MethodPost, "/console/mapping/save", "dan", form, nil)
	if location := w.Header().Get("Location"); location != "/console/mapping?q=4410" {
		t.Errorf("it leads to %s", location)
	}
	says(t, h.flashed(w), "The mapping is saved. 1 entry ($1,000.00) that waited for it goes to QuickBooks now.")
	m := h.mapped()
	if m.Version != 2 || m.GL["4410"] != "92" || m.GL["4000"] != "50" || m.Roles[org.AccountsReceivable] != "84" || m.Roles[org.Discounts] != "51" {
		t.Errorf("what the form did not show is %+v", m)
	}
}

func TestNothingIsNotMappedAnyMoreUnlessThatIsChosen(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	says(t, h.flashed(h.call(http.MethodPost, "/console/mapping", "dan", url.Values{"version": {"1"}, "pick.gl_accounts.4000": {"50"}}, nil)), "Nothing was changed")
	h.saves("gl_accounts.4000", "")
	if m := h.mapped(); len(m.GL) != 0 || len(m.Roles) != 2 {
		t.Errorf("%+v", m)
	}
}

func TestWhatIsWrongInAMappingIsNamedAndKept(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	form := url.Values{"version": {"1"}, "pick.roles.sales_tax": {"50"}, "pick.roles.cash_advances": {"92"}, "pick.gl_accounts.4000": {"84"}, "find.roles.merchant_fees": {"Nowhere"}}
	body := h.body(h.call(http.MethodPost, "/console/mapping", "dan", form, nil), http.StatusUnprocessableEntity)
	says(t, body, "<b>Merchant fees</b> is no account in QuickBooks", "you typed “Nowhere”", `option value="92" selected`, `option value="50" selected`, "To put right", `aria-invalid="true"`)
	form.Del("find.roles.merchant_fees")
	body = h.body(h.call(http.MethodPost, "/console/mapping", "dan", form, nil), http.StatusUnprocessableEntity)
	says(t, body, "<b>Sales tax</b> must be an account of type Other Current Liability", "<b>GL account 4000</b> Receivables is a receivable account", `option value="84" selected`, "!<b>Cash advances</b>", "!roles.discounts")
	h.accounts()[3].Active = false // what the form does not show is wrong, too, and shown
	body = h.body(h.call(http.MethodPost, "/console/mapping/save", "dan", form, nil), http.StatusUnprocessableEntity)
	says(t, body, "<b>Discounts</b> Discounts given is inactive in QuickBooks", "pick.roles.discounts")
	if m := h.mapped(); m.Version != 1 {
		t.Errorf("%+v", m)
	}
}

func TestWhoIsOvertakenLosesNothingAndTakesNothingBack(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/console/mapping", "/console/mapping/save", "/console/needs-you"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			h := openOffice(t)
			h.saves("roles.discounts", "50")
			h.signed(1, "4410", "flowers", "main", "account gl:4410")
			form := url.Values{"version": {"1"}, "pick.gl_accounts.4410": {"92"}, "pick.roles.discounts": {"51"}} // the latter as it was
			body := h.body(h.call(http.MethodPost, path, "dan", form, nil), http.StatusPreconditionFailed)
			says(t, body, "Dan, on 3/4/2026 3:00 PM UTC, changed the mapping since you looked", `option value="92" selected`, `name="version" value="2"`, `!value="51" selected`)
			if m := h.mapped(); m.Version != 2 || m.Roles[org.Discounts] != "50" || m.GL["4410"] != "" {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestAnAccountIsFoundByWhatIsTyped(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"2310 Flower Advances": "92", "flower advances": "92", " 2310 ": "92", "Service Income": "50", "": ""} {
		h := openOffice(t)
		h.call(http.MethodPost, "/console/mapping/save", "dan", url.Values{"version": {"1"}, "find.gl_accounts.4000": {typed}}, nil)
		if got := h.mapped().GL["4000"]; got != want {
			t.Errorf("%q is %q, not %q", typed, got, want)
		}
	}
}

func TestAnEarlierVersionIsBroughtBack(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	h.saves("roles.discounts", "50")
	h.saves("gl_accounts.4410", "92")
	says(t, h.get("/console/mapping/versions", "dan"), "Version 3", "Version 2", "Dan", "Discounts given", "Service Income", "In use", "before versions were kept")
	says(t, h.get("/console/mapping/versions/1", "dan"), "Version 1 of the mapping", `name="bring_back" value="1"`, "Discounts given", "Version 3 is in use")
	says(t, h.get("/console/mapping/versions/3", "dan"), "It is the one in use", "!bring_back")
	h.body(h.call(http.MethodGet, "/console/mapping/versions/9", "dan", nil, nil), http.StatusNotFound)
	h.body(h.call(http.MethodGet, "/console/mapping/versions/x", "dan", nil, nil), http.StatusNotFound)
	body := h.body(h.call(http.MethodPost, "/console/mapping", "dan", url.Values{"version": {"3"}, "bring_back": {"1"}}, nil), http.StatusOK)
	form := url.Values{"version": {"3"}}
	for _, m := range regexp.MustCompile(`name="(pick[^"]*)" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		form.Set(m[1], m[2])
	}
	if want := "pick.gl_accounts.4410=&pick.roles.discounts=51&version=3"; form.Encode() != want {
		t.Errorf("%s, not %s", form.Encode(), want)
	}
	h.body(h.call(http.MethodPost, "/console/mapping/save", "dan", form, nil), http.StatusSeeOther)
	if m := h.mapped(); m.Version != 4 || m.Roles[org.Discounts] != "51" || len(m.GL) != 1 {
		t.Errorf("%+v", m)
	}
}

func TestTheAccountsOfQuickBooksAreReadAgainWhenThatIsAsked(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	says(t, h.get("/console/mapping", "dan"), "QuickBooks’ accounts are as they were on", "3/4/2026 3:00 PM UTC")
	reads := h.books.reads
	h.get("/console/mapping", "dan")
	if h.books.reads != reads {
		t.Error("looking reads QuickBooks")
	}
	says(t, h.flashed(h.call(http.MethodPost, "/console/mapping/read", "dan", url.Values{"back": {"/console/mapping?q=tax"}}, nil)), "are read again", "Sales tax")
	if h.books.reads != reads+1 {
		t.Errorf("%d reads", h.books.reads-reads)
	}
}

func TestWhatNeedsSomebodyIsPutRightInPlace(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	says(t, h.get("/console/needs-you", "dan"), "Nothing needs you")
	for n := range 14 {
		h.signed(n, "4410", "flowers", "main", "account gl:4410")
	}
	h.has(20, intlog.Failed, func(e *intlog.Entry) {
		e.Cause = []rules.Problem{{Kind: rules.Period, Text: "Closed.", Who: "bookkeeper", Where: "QuickBooks"}}
	})
	h.has(21, intlog.Failed, func(e *intlog.Entry) {
		e.Cause = []rules.Problem{{Kind: rules.Transient, Text: "Busy.", Who: "nobody: it goes by itself"}}
	})
	body := h.get("/console/needs-you", "dan")
	says(t, body, "Cash advance – flowers", "14 entries, $14,000.00", `<option value="92">2310 Flower Advances`, "The books are closed", "Go to Settings", "Goes by itself", "!has no account in QuickBooks: 14")
	says(t, h.flashed(h.call(http.MethodPost, "/console/needs-you", "dan", url.Values{"version": {"1"}, "pick.gl_accounts.4410": {""}}, nil)), "Nothing was chosen yet")
	w := h.call(http.MethodPost, "/console/needs-you", "dan", url.Values{"version": {"1"}, "pick.gl_accounts.4410": {"92"}}, nil)
	says(t, h.flashed(w), "The mapping is saved. 14 entries ($14,000.00) that waited for it go to QuickBooks now.", "!Cash advance")
	if m := h.mapped(); m.GL["4410"] != "92" || m.GL["4000"] != "50" {
		t.Errorf("%+v", m)
	}
}

func TestWhoMayNotMapSeesTheCausesAndWhoCan(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	h.signed(1, "4410", "flowers", "main", "account gl:4410")
	says(t, h.get("/console/needs-you", "ana"), "GL account 4410 has no account in QuickBooks: 1 entry, $1,000.00, waits", "administrator", "!<select", "!Go to", "!name=\"version\"")
	h.body(h.call(http.MethodGet, "/console/needs-you", "cleo", nil, nil), http.StatusForbidden)
}

func TestBranchesAreMappedAllTogether(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	h.configure(func(c *org.Config) { c.Mapping.Branches = map[string]org.BranchPlace{"main": {Class: "c1"}} })
	h.signed(1, "4000", "flowers", "east", "branch east")
	h.signed(2, "4000", "flowers", "west")
	says(t, h.get("/console/needs-you", "dan"), `name="pick.branches.east.class"`, `name="pick.branches.west.class"`, "!pick.branches.main")
	body := h.body(h.call(http.MethodPost, "/console/needs-you", "dan", url.Values{"version": {"1"}, "pick.branches.east.class": {"c1"}, "pick.branches.west.class": {""}}, nil), http.StatusUnprocessableEntity)
	says(t, body, "<b>Branch west</b> must be mapped, too", `value="c1" selected`)
	h.body(h.call(http.MethodPost, "/console/needs-you", "dan", url.Values{"version": {"1"}, "pick.branches.east.class": {"c1"}, "pick.branches.west.class": {"c1"}}, nil), http.StatusSeeOther)
	if m := h.mapped(); len(m.Branches) != 3 || m.Branches["west"].Class != "c1" {
		t.Errorf("%+v", m)
	}
}

func TestWhatIsMappedToNothingAnyMoreIsShown(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	h.accounts()[3].Active = false
	says(t, h.get("/console/needs-you", "dan"), "Discounts given is inactive in QuickBooks", `<option value="51" selected>Discounts given (inactive in QuickBooks)`)
	says(t, h.flashed(h.call(http.MethodPost, "/console/needs-you", "dan", url.Values{"version": {"1"}, "pick.roles.discounts": {"50"}}, nil)), "The mapping is saved.", "Nothing needs you")
}

func TestAProblemWithTheMappingLeadsToItsPlace(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	e := h.signed(1, "4410", "flowers", "main", "account gl:4410")
	h.planner.plan = rules.Plan{Problems: e.Cause}
	link := regexp.MustCompile(`href="/console/needs-you#(at-[0-9a-f]*)">Map it`).FindStringSubmatch(h.get("/console/entries/"+e.ID(), "dan"))
	if link == nil {
		t.Fatal("no link")
	}
	says(t, h.get("/console/needs-you", "dan"), `id="`+link[1]+`"`)
	says(t, h.get("/console/entries/"+e.ID(), "ana"), "!>Map it<")
	pending := h.has(2, intlog.Pending, nil)
	says(t, h.get("/console/entries/"+pending.ID(), "dan"), `href="/console/mapping?q=gl_accounts.4410">Map it`)
	says(t, h.get("/console/mapping?q=gl_accounts.4410", "dan"), `name="pick.gl_accounts.4410"`)
}

func TestWhoIsNotConnectedIsToldToConnect(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	h.configure(func(c *org.Config) { c.Realm = "" })
	says(t, h.get("/console/mapping", "dan"), "Nothing can be mapped yet", "/console/connection", "!name=\"version\"")
	says(t, h.get("/console/needs-you", "dan"), "QuickBooks is not connected", "/console/connection")
}

func TestNamesInTheMappingAreShownAsText(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	for i := range h.accounts() {
		h.accounts()[i].Name, h.accounts()[i].FullyQualifiedName = evil+" flowers", evil+" flowers"
	}
	h.books.lists[journal.ClassList].Segments[0].FullyQualifiedName = evil
	h.people.known["dan"] = org.Person{Subject: "dan", Name: evil, Org: "a", Permissions: []org.Permission{org.SeeLog, org.Manage}}
	h.saves("gl_accounts."+evil, "92")
	h.signed(1, evil, evil, evil, "account gl:"+evil+"2", "branch "+evil)
	h.has(2, intlog.Failed, spiteful)
	paths := append(mappingPages(), "/console/needs-you", "/console/mapping/versions/2", "/console/mapping?"+url.Values{"q": {evil}, "page": {evil}}.Encode())
	for _, path := range paths {
		for _, who := range []string{"dan", "ana"} {
			look(t, path, h.call(http.MethodGet, path, who, nil, nil))
		}
	}
	for path, form := range map[string]url.Values{
		"/console/mapping":      {"version": {"2"}, "q": {evil}, "pick.gl_accounts." + evil: {"50"}},
		"/console/mapping/save": {"version": {evil}, "q": {evil}, "find.gl_accounts." + evil: {evil}, "pick.branches." + evil + ".class": {evil}},
		"/console/needs-you":    {"version": {"2"}, "find.gl_accounts." + evil + "2": {evil}, "pick.roles.sales_tax": {evil}},
		"/console/mapping/read": {"back": {evil}},
	} {
		look(t, path, h.call(http.MethodPost, path, "dan", form, nil))
	}
}

func TestPagesOfTheMappingHaveNothingInline(t *testing.T) {
	t.Parallel()
	h := openOffice(t)
	h.saves("roles.discounts", "50")
	h.signed(1, "4410", "flowers", "main", "account gl:4410")
	for _, path := range append(mappingPages(), "/console/needs-you") {
		if inline := regexp.MustCompile(`(?i) style=| on[a-z]+=|<style|<script`).FindString(withoutOurs(h.get(path, "dan"))); inline != "" {
			t.Errorf("%s has %q of its own", path, inline)
		}
	}
}

func TestAPageOfTheMappingIsSmallHoweverLargeTheChart(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5, 90, 1_000} {
		t.Run(fmt.Sprint(size, " accounts"), func(t *testing.T) {
			t.Parallel()
			h := openOffice(t)
			accounts := h.accounts()
			for i := range size {
				name := fmt.Sprintf("Account of the flowers, the organist and everything else %d", i)
				accounts = append(accounts, journal.Account{ID: fmt.Sprint(1_000 + i), Name: name, FullyQualifiedName: name, Type: "Income", Active: true})
			}
			h.books.lists[journal.AccountList] = journal.Listing{Accounts: accounts}
			for i := range 60 {
				gl := fmt.Sprint(5_000 + i)
				h.signed(i, gl, strings.Repeat("flowers and an organist ", 4), "main", "account gl:"+gl)
			}
			for _, path := range []string{"/console/mapping", "/console/needs-you"} {
				body := h.get(path, "dan")
				if rows := strings.Count(body, `id="at-`); rows != 50 || len(body) > 100<<10 {
					t.Errorf("%s: %d rows in %d bytes", path, rows, len(body))
				}
				says(t, body, `list="accounts"`, `<datalist id="accounts">`)
			}
			says(t, h.get("/console/mapping?page=2", "dan"), `rel="prev"`, `!rel="next"`)
			if size < 1_000 {
				says(t, h.get("/console/mapping?q=5001", "dan"), `<select`, `!list="accounts"`)
			}
		})
	}
}
