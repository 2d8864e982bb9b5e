package console_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/console"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// names are the customers and vendors of a QuickBooks company, by id.
type names map[string]journal.FoundName

func (n names) Name(_ context.Context, _ org.Company, _ journal.NameKind, id string) (journal.FoundName, error) {
	name, found := n[id]
	switch {
	case id == "503":
		return name, fault.New(fault.Unavailable, "QuickBooks does not answer right now.")
	case !found:
		return name, fault.New(fault.NotFound, "There is no such name.")
	}
	return name, nil
}

// waiting are entries that wait for a name.
type waiting int

func (w waiting) Renamed(context.Context, string) (int, error) { return int(w), nil }

// register counts what lists of links cost.
type register struct {
	*memory.Store
	lists, most int
}

func (s *register) Links(ctx context.Context, at org.Company, kind journal.NameKind, after string, limit int) ([]intlog.Link, error) {
	s.lists++
	s.most = max(s.most, limit)
	return s.Store.Links(ctx, at, kind, after, limit)
}

// linked is a house whose manager, max, may change links.
type linked struct {
	*house
	register *register
}

func openLinked(t *testing.T) *linked {
	t.Helper()
	l := &linked{}
	books := names{"67": {Kind: "Customer", ID: "67", Display: "John Smith", Active: true}, "68": {Kind: "Customer", ID: "68", Display: "J. Gone"}, "69": {Kind: "Customer", ID: "69", Display: evil, Active: true}}
	l.house = open(t, func(h *house, o *console.Options) {
		l.register = &register{Store: h.store.Store}
		o.Linked, o.Door = matching.NewRelinker(l.register, books, waiting(2), now), intake.New(h.store, memory.NewQueue(), now)
		h.people.known["max"] = org.Person{Subject: "max", Name: "Max " + evil, Org: "a", Permissions: []org.Permission{org.SeeLog, org.Manage}}
	})
	return l
}

// link stores a link.
func (l *linked) link(kind journal.NameKind, key, id, name string) {
	l.t.Helper()
	if _, err := l.store.PutLink(l.t.Context(), org.Company{Org: "a"}, intlog.Link{Kind: kind, Key: key, ID: id, Display: name, Rev: 1, At: now(), Who: "Passare"}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *linked) get(path string) string {
	l.t.Helper()
	return l.body(l.call(http.MethodGet, path, "max", nil, nil), http.StatusOK)
}

// relink posts the form, and answers the page with its status, or the message of the page after it.
func (l *linked) relink(key, number, rev string) (int, string) {
	l.t.Helper()
	w := l.call(http.MethodPost, "/console/links/customers/"+url.PathEscape(key), "max", url.Values{"number": {number}, "rev": {rev}}, nil)
	if w.Code != http.StatusSeeOther {
		return w.Code, w.Body.String()
	}
	next := l.call(http.MethodGet, w.Header().Get("Location"), "", nil, http.Header{"Cookie": {session + "=max; " + cookieOf(w, "__Host-passare-flash")}})
	return w.Code, next.Body.String()
}

func TestLinksAreForWhoManages(t *testing.T) {
	t.Parallel()
	l := openLinked(t)
	l.link(journal.Customer, "case:c1", "5", "John")
	for _, path := range []string{"/console/links", "/console/links/customers/case:c1"} {
		if body := l.body(l.call(http.MethodGet, path, "ana", nil, nil), http.StatusForbidden); !strings.Contains(body, "You need the permission integrations_admin") {
			t.Errorf("%s: %s", path, body)
		}
		l.get(path)
	}
	l.body(l.call(http.MethodPost, "/console/links/customers/case:c1", "ana", url.Values{"number": {"67"}, "rev": {"1"}}, nil), http.StatusForbidden)
	if link, _, err := l.store.Link(t.Context(), org.Company{Org: "a"}, journal.Customer, "case:c1"); err != nil || link.ID != "5" {
		t.Errorf("%+v %v", link, err)
	}
	l.body(l.call(http.MethodGet, "/console/links/nobody/case:c1", "max", nil, nil), http.StatusNotFound)
}

func TestALinkIsFoundWithoutReadingAll(t *testing.T) {
	t.Parallel()
	l := openLinked(t)
	for i := range 260 {
		l.link(journal.Customer, fmt.Sprintf("case:c%03d", i), fmt.Sprint(1000+i), fmt.Sprintf("Person %03d", i))
	}
	l.link(journal.Customer, "case:d", "9", "Vera Long")
	for name, x := range map[string]struct {
		query       string
		rows        int
		has, hasNot string
		next        bool
		most        int
	}{
		"all":                        {"", 50, "Person 049", "Person 050", true, 51},
		"by the whole id":            {"id=c123", 1, "Person 123", "Person 124", false, 51},
		"by the key":                 {"id=case:c123", 1, "Person 123", "Person 122", false, 51},
		"by how the id begins":       {"id=c12", 10, "Person 129", "Person 130", false, 51},
		"by a name":                  {"q=person+12", 10, "Person 120", "Person 130", true, 201},
		"by a number in QuickBooks":  {"q=1007", 1, "Person 007", "Person 008", true, 201},
		"by a name that is far":      {"q=vera", 0, "Nothing fits so far", "Vera", true, 201},
		"by that name, further on":   {"q=vera&after=case:c199", 1, "Vera Long", "Person", false, 201},
		"by a name within an id":     {"q=129&id=c1", 1, "Person 129", "Person 128", false, 201},
		"one that was never linked":  {"id=zz", 0, "/console/links/customers/case:zz", "Person", false, 51},
		"vendors, of which is none":  {"kind=vendors", 0, "No business is linked yet", "Person", false, 51},
		"a kind that does not exist": {"kind=evil", 50, "Person 000", "Person 050", true, 51},
	} {
		t.Run(name, func(t *testing.T) {
			l.register.lists, l.register.most = 0, 0
			body := l.get("/console/links?" + x.query)
			if rows := strings.Count(body, "<td><b>"); rows != x.rows || !strings.Contains(body, x.has) || strings.Contains(body, x.hasNot) || strings.Contains(body, `rel="next"`) != x.next {
				t.Errorf("%d rows: %s", rows, body)
			}
			if l.register.lists != 1 || l.register.most != x.most || len(body) > 100<<10 {
				t.Errorf("%d lists of %d; %d bytes", l.register.lists, l.register.most, len(body))
			}
		})
	}
}

func TestALinkOfAnIDIsFoundWhateverTheIDIs(t *testing.T) {
	t.Parallel()
	l := openLinked(t)
	for i, id := range []string{"a/b?c", "é", "\ue000", "\x01", "x", "x y", evil, strings.Repeat("n", 100)} {
		l.link(journal.Customer, "case:"+id, fmt.Sprint(i+1), fmt.Sprintf("Number %d", i))
		body := l.get("/console/links?" + url.Values{"id": {id}}.Encode())
		if !strings.Contains(body, fmt.Sprintf("Number %d", i)) {
			t.Errorf("%q: %s", id, body)
		}
		if form := l.get("/console/links/customers/" + url.PathEscape("case:"+id)); !strings.Contains(form, fmt.Sprintf("Number %d, No. %d", i, i+1)) {
			t.Errorf("%q: %s", id, form)
		}
	}
}

func TestACaseIsLinkedToAnotherCustomer(t *testing.T) {
	t.Parallel()
	l := openLinked(t)
	l.link(journal.Customer, "case:c1", "5", "John Smyth")
	status, body := l.relink("case:c1", "67", "1")
	for _, said := range []string{"New records go to John Smith, number 67", "2 entries that waited for it are on their way", "John Smyth", "https://books.example/app/customerdetail?nameId=67"} {
		if status != http.StatusSeeOther || !strings.Contains(body, said) {
			t.Errorf("%d, no %q in %s", status, said, body)
		}
	}
	if status, body := l.relink("case:c1", "https://app.qbo.intuit.com/app/customerdetail?nameId=67", "2"); status != http.StatusSeeOther || !strings.Contains(body, "Nothing was changed") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := l.relink("case:new", "69", "0"); status != http.StatusSeeOther || !strings.Contains(body, "No. 69") {
		t.Errorf("%d %s", status, body)
	}
}

func TestALinkThatCannotBeMadeKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	l := openLinked(t)
	l.link(journal.Customer, "case:c1", "5", "John Smyth")
	l.link(journal.Customer, "case:c2", "67", "John Smith")
	for name, x := range map[string]struct {
		number, rev, says string
		status            int
	}{
		"of another case":         {"67", "1", "is linked to another case already", http.StatusUnprocessableEntity},
		"inactive":                {"68", "1", "is inactive in QuickBooks", http.StatusUnprocessableEntity},
		"not there":               {"70", "1", "is not in QuickBooks", http.StatusUnprocessableEntity},
		"no number":               {evil, "1", "must be the number of a customer", http.StatusUnprocessableEntity},
		"changed since":           {"69", "7", "Somebody changed this link since you looked", http.StatusPreconditionFailed},
		"QuickBooks answers not":  {"503", "1", "QuickBooks does not answer", http.StatusServiceUnavailable},
		"of a form without a rev": {"69", "", "Somebody changed this link since you looked", http.StatusPreconditionFailed},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := l.relink("case:c1", x.number, x.rev)
			kept := strings.NewReplacer("&", "&amp;", `"`, "&#34;", "'", "&#39;", "<", "&lt;", ">", "&gt;").Replace(x.number)
			if status != x.status || !strings.Contains(body, x.says) || !strings.Contains(body, `value="`+kept+`"`) || !strings.Contains(body, `name="rev" value="1"`) {
				t.Errorf("%d: %s", status, body)
			}
			atField := strings.Contains(body, `aria-invalid="true"`) && strings.Contains(body, `id="number-wrong"`)
			if atField != (x.status == http.StatusUnprocessableEntity) {
				t.Errorf("at the field: %v", atField)
			}
		})
	}
	if link, _, err := l.store.Link(t.Context(), org.Company{Org: "a"}, journal.Customer, "case:c1"); err != nil || link.ID != "5" {
		t.Errorf("%+v %v", link, err)
	}
}

func TestTheHistoryOfACaseTellsPageByPage(t *testing.T) {
	t.Parallel()
	l := openLinked(t)
	page := func(of passare.Page, change func(*intlog.Entry)) func(*intlog.Entry) {
		return func(e *intlog.Entry) {
			if e.Page = of; change != nil {
				change(e)
			}
		}
	}
	held := l.has(1, intlog.Held, page(passare.GoodsPage, nil))
	l.has(2, intlog.Synced, page(passare.PaymentsPage, func(e *intlog.Entry) { e.Postings = []intlog.Posting{{N: 1, Doc: "D-7", QuickBooksID: "1234"}} }))
	failed := l.has(3, intlog.Failed, page(passare.PaymentsPage, nil))
	l.has(5, intlog.Synced, page(passare.PaymentsPage, nil))
	l.has(4, intlog.Pending, func(e *intlog.Entry) { e.Case = "c2" })
	body := l.body(l.call(http.MethodGet, "/console/cases/c1", "ana", nil, nil), http.StatusOK)
	goods, payments, _ := strings.Cut(body, "<h2>Payments &amp; Adjustments</h2>")
	for what, ok := range map[string]bool{
		"the case":                           strings.Contains(body, "Case 26-001: John Smith"),
		"the button of goods":                strings.Contains(goods, `action="/console/cases/c1/pages/goods_and_services/add-to-accounting-export"`) && strings.Contains(goods, "1 entry waits for it"),
		"goods are held":                     strings.Contains(goods, "Held"),
		"payments stopped":                   strings.Contains(payments[:200], "Sync error"),
		"newest first":                       strings.Index(payments, "payment.p005.1") < strings.Index(payments, failed.ID()) && strings.Index(payments, failed.ID()) < strings.Index(payments, "payment.p002.1"),
		"the journal entry in QuickBooks":    strings.Contains(payments, `href="https://books.example/app/journal?txnId=1234"`) && strings.Contains(payments, "No. D-7"),
		"nothing of another case":            !strings.Contains(body, "p004"),
		"no link for who does not manage":    !strings.Contains(body, "/console/links"),
		"who manages gets to the customer":   strings.Contains(l.get("/console/cases/c1"), "/console/links?id=case%3Ac1&amp;kind=customers"),
		"a case without entries is no fault": strings.Contains(l.get("/console/cases/unheard"), "Passare has sent nothing of this page"),
	} {
		if !ok {
			t.Errorf("%s: %s", what, body)
		}
	}
	for range 2 { // the second click changes nothing
		w := l.call(http.MethodPost, "/console/cases/c1/pages/goods_and_services/add-to-accounting-export", "ana", nil, nil)
		if l.body(w, http.StatusSeeOther); w.Header().Get("Location") != "/console/cases/c1" {
			t.Errorf("leads to %s", w.Header().Get("Location"))
		}
	}
	if e, err := l.store.Entry(t.Context(), held.Key); err != nil || e.State == intlog.Held {
		t.Errorf("%v %v", e.State, err)
	}
	body = l.get("/console/cases/c1")
	if strings.Contains(body, "pages/goods_and_services") || !strings.Contains(body, "Added to accounting exports by Ana") {
		t.Errorf("%s", body)
	}
	l.body(l.call(http.MethodPost, "/console/cases/c1/pages/nothing/add-to-accounting-export", "ana", nil, nil), http.StatusUnprocessableEntity)
	l.body(l.call(http.MethodGet, "/console/cases/"+strings.Repeat("x", 101), "ana", nil, nil), http.StatusNotFound)
}

func TestTheOlderPartOfACaseIsAPageFurther(t *testing.T) {
	t.Parallel()
	l := openLinked(t)
	old := l.has(0, intlog.Synced, func(e *intlog.Entry) { e.Page = passare.PaymentsPage })
	for i := range 10_000 { // as many as one look goes through
		l.has(i+1, intlog.Synced, func(e *intlog.Entry) { e.Case = "c2" })
	}
	body := l.get("/console/cases/c1")
	next := regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(body)
	if next == nil || strings.Contains(body, old.ID()) || !strings.Contains(body, "nothing of this page that is so new") {
		t.Fatalf("%s", body)
	}
	body = l.get(html.UnescapeString(next[1]))
	if !strings.Contains(body, old.ID()) || !strings.Contains(body, "This is the older part") || strings.Contains(body, `rel="next"`) {
		t.Errorf("%s", body)
	}
}

func TestACaseHasNoButtonWhereThereIsNothingToClick(t *testing.T) {
	t.Parallel()
	l := openLinked(t)
	config, err := l.store.Config(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	config.Settings.AutoAddToExports = true
	if _, err := l.store.PutConfig(t.Context(), config, config.Version); err != nil {
		t.Fatal(err)
	}
	if body := l.get("/console/cases/c1"); strings.Contains(body, "<button>Add to Accounting Export") || !strings.Contains(body, "Automatic add to accounting exports is on") {
		t.Errorf("%s", body)
	}
	w := l.call(http.MethodPost, "/console/cases/c1/pages/goods_and_services/add-to-accounting-export", "max", nil, nil)
	l.body(w, http.StatusSeeOther)
	if cookieOf(w, "__Host-passare-flash") == "" {
		t.Error("nothing is said")
	}
}

func TestOfLinksAndCasesWhatPeopleTypeIsShownAsText(t *testing.T) {
	t.Parallel()
	l := openLinked(t)
	link := intlog.Link{Kind: journal.Customer, Key: "case:" + evil, ID: evil, Display: evil, Note: evil, Rev: 1, At: now(), Who: evil, History: []intlog.Linked{{ID: evil, Display: evil, At: now(), Who: evil}}}
	if _, err := l.store.PutLink(t.Context(), org.Company{Org: "a"}, link); err != nil {
		t.Fatal(err)
	}
	for i, s := range intlog.States() {
		l.has(i+1, s, func(e *intlog.Entry) { spiteful(e); e.Case, e.Page = evil, passare.GoodsPage })
	}
	if err := l.store.PutFlag(t.Context(), org.Flag{Org: "a", Case: evil, Page: passare.PaymentsPage, By: evil, At: now()}); err != nil {
		t.Fatal(err)
	}
	escaped := url.PathEscape(evil)
	for _, path := range []string{
		"/console/links", "/console/links?" + url.Values{"q": {evil}, "id": {evil}, "kind": {evil}, "after": {evil}}.Encode(), "/console/links?" + url.Values{"id": {evil + "2"}}.Encode(),
		"/console/links/customers/case:" + escaped, "/console/links/vendors/business:" + escaped, "/console/cases/" + escaped, "/console/cases/" + escaped + "?after=" + escaped, "/console/links/" + escaped + "/x",
	} {
		w := l.call(http.MethodGet, path, "max", nil, nil)
		if look(t, path, w); w.Code >= http.StatusInternalServerError {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	look(t, "relink", l.call(http.MethodPost, "/console/links/customers/case:"+escaped, "max", url.Values{"number": {evil}, "rev": {evil}}, nil))
	_, body := l.relink("case:"+evil, "69", "1")
	if strings.Contains(withoutOurs(body), "<script") {
		t.Error(body)
	}
}
