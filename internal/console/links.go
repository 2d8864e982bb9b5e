package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/org"
)

// Relinker lets people see and change which customer or vendor a case or a business is (package matching).
type Relinker interface {
	List(ctx context.Context, org string, kind journal.NameKind, after string, limit int) (links []intlog.Link, more bool, err error)
	Relink(ctx context.Context, org string, c matching.Change) (link intlog.Link, released int, err error)
}

func (c *Console) linkRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /console/links", c.manage(c.links))
	mux.HandleFunc("GET /console/links/{kind}/{key}", c.manage(c.askLink))
	mux.HandleFunc("POST /console/links/{kind}/{key}", c.manage(c.link))
	mux.HandleFunc("GET /console/cases/{id}", c.let(c.caseHistory))
	mux.HandleFunc("POST /console/cases/{id}/pages/{page}/add-to-accounting-export", c.let(c.addToExports))
}

// linkKind is one of the two lists of links, in a bookkeeper's words.
type linkKind struct {
	Path, Title string
	One         string // in QuickBooks
	Of          string // in Passare
	prefix      string // of the keys of those
	page        string // of QuickBooks, on which one is seen
	kind        journal.NameKind
}

func linkKinds() []linkKind {
	return []linkKind{
		{"customers", "Customers", "customer", "case", "case:", "customerdetail", journal.Customer},
		{"vendors", "Vendors", "vendor", "business", "business:", "vendordetail", journal.Vendor},
	}
}

// linkKindOf is the list that an address names; the first, when it names none.
func linkKindOf(path string) linkKind {
	kinds := linkKinds()
	for _, k := range kinds {
		if k.Path == path {
			return k
		}
	}
	return kinds[0]
}

// keyOf is what somebody typed as the key that it begins: "c1" is "case:c1". A customer may be a business, too, of a trade case.
func (k linkKind) keyOf(typed string) string {
	if typed == "" || strings.HasPrefix(typed, "case:") || strings.HasPrefix(typed, "business:") {
		return typed
	}
	return k.prefix + typed
}

// books is the page of QuickBooks for a customer or vendor; empty when there are no such pages.
func (k linkKind) books(books, id string) string {
	if books == "" || id == "" {
		return ""
	}
	return books + "/app/" + k.page + "?nameId=" + url.QueryEscape(id)
}

// linksPage is the list of links of one kind.
type linksPage struct {
	linkKind
	Kinds   []linkKind
	ID, Q   string // what is looked for
	Links   []linkRow
	Next    string // address; empty: none
	First   bool   // nothing comes before
	Partial bool   // what is looked for may be further on
	New     string // address at which what was looked for by its id is linked for the first time; empty: it is not to be
}

// linkRow is a link as the list shows it.
type linkRow struct {
	intlog.Link
	Passare string // what it is there: "Case c1"
	Case    string // address of its history; empty: it is no case
	Books   string // address
	Change  string // address
	Before  []before
}

// before is what a link was.
type before struct {
	intlog.Linked
	Books string
}

func (c *Console) linkRow(k linkKind, l intlog.Link) linkRow {
	what, id, _ := strings.Cut(l.Key, ":")
	row := linkRow{Link: l, Passare: capital(what) + " " + id, Books: k.books(c.Books, l.ID), Change: linkPath(k, l.Key)}
	if what == "case" {
		row.Case = casePath(id)
	}
	for _, b := range l.History {
		row.Before = append([]before{{b, k.books(c.Books, b.ID)}}, row.Before...)
	}
	return row
}

func linkPath(k linkKind, key string) string {
	return Home + "/links/" + k.Path + "/" + url.PathEscape(key)
}

// linksPath is the address of the list where it has a key.
func linksPath(k linkKind, key string) string {
	return Home + "/links?" + url.Values{"kind": {k.Path}, "id": {key}}.Encode()
}

func (c *Console) links(w http.ResponseWriter, r *http.Request, p org.Person) {
	q := r.URL.Query()
	x := linksPage{linkKind: linkKindOf(q.Get("kind")), Kinds: linkKinds(), ID: searched(q.Get("id")), Q: searched(q.Get("q")), First: q.Get("after") == ""}
	key := x.keyOf(x.ID)
	after, limit := cmp.Or(strings.ToValidUTF8(q.Get("after"), ""), justBefore(key)), perPage
	if x.Q != "" {
		limit = matching.MaxLinks
	}
	links, more, err := c.Linked.List(r.Context(), p.Org, x.kind, after, limit)
	if err != nil && !fault.Is(err, fault.NotFound) { // an organisation that nobody has connected yet has no links
		c.fail(w, r, p, err)
		return
	}
	c.fill(&x, links, more)
	if x.ID != "" && x.Q == "" && x.First && len(x.Links) == 0 {
		x.New = linkPath(x.linkKind, key)
	}
	c.show(w, r, p, http.StatusOK, "links", "Links", "links", x)
}

// longestSearch is how many bytes of what is looked for are taken: more than any name or id has.
const longestSearch = 600

func searched(text string) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "")
	return strings.ToValidUTF8(text[:min(len(text), longestSearch)], "")
}

// fill takes what is looked for out of what was read. Links come by their keys, so that those of an id stand together.
func (c *Console) fill(x *linksPage, links []intlog.Link, more bool) {
	from, last := x.keyOf(x.ID), ""
	for i, l := range links {
		if !strings.HasPrefix(l.Key, from) {
			more = false
			break
		}
		last = l.Key
		if !called(l, x.Q) {
			continue
		}
		x.Links = append(x.Links, c.linkRow(x.linkKind, l))
		if len(x.Links) == perPage {
			more = more || i < len(links)-1
			break
		}
	}
	if more {
		next := url.Values{"kind": {x.Path}, "after": {last}}
		for name, value := range map[string]string{"id": x.ID, "q": x.Q} {
			if value != "" {
				next.Set(name, value)
			}
		}
		x.Next = Home + "/links?" + next.Encode()
	}
	x.Partial = more && len(x.Links) < perPage
}

// called says whether a link is of a name or number in QuickBooks, now or before.
func called(l intlog.Link, q string) bool {
	names := []string{l.ID, l.Display}
	for _, b := range l.History {
		names = append(names, b.ID, b.Display)
	}
	return strings.Contains(strings.ToLower(strings.Join(names, "\n")), strings.ToLower(q))
}

// justBefore is a place after which nothing comes before a key: lists begin after a key, and this one is to be in it.
func justBefore(key string) string {
	if key == "" {
		return ""
	}
	const surrogatesEnd, surrogatesBegin = 0xE000, 0xD800 // UTF-8 has no characters between them
	last, size := utf8.DecodeLastRuneInString(key)
	begin := key[:len(key)-size]
	if last == 0 {
		return begin
	}
	if last == surrogatesEnd {
		last = surrogatesBegin
	}
	return begin + string(last-1) + string(utf8.MaxRune)
}

// linkForm asks for another customer or vendor.
type linkForm struct {
	linkKind
	Row    linkRow
	Rev    int64  // that the person saw; 0: there was no link
	Number string // as typed
	Wrong  string // what is wrong with it
	Said   string // why it was not done, when the number is not to blame
	Back   string
}

func (c *Console) askLink(w http.ResponseWriter, r *http.Request, p org.Person) {
	if form, ok := c.linkForm(w, r, p); ok {
		c.showLink(w, r, p, http.StatusOK, form)
	}
}

// linkForm reads the link that the address names; what was never linked has a form, too.
func (c *Console) linkForm(w http.ResponseWriter, r *http.Request, p org.Person) (linkForm, bool) {
	x, key := linkForm{linkKind: linkKindOf(r.PathValue("kind"))}, strings.ToValidUTF8(r.PathValue("key"), "")
	if x.Path != r.PathValue("kind") || key == "" || len(key) > longestSearch {
		c.fail(w, r, p, fault.New(fault.NotFound, "There is no link of that id."))
		return x, false
	}
	links, _, err := c.Linked.List(r.Context(), p.Org, x.kind, justBefore(key), 1)
	if err != nil {
		c.fail(w, r, p, err)
		return x, false
	}
	link := intlog.Link{Key: key}
	if len(links) == 1 && links[0].Key == key {
		link = links[0]
	}
	x.Row, x.Rev, x.Back = c.linkRow(x.linkKind, link), link.Rev, linksPath(x.linkKind, key)
	return x, true
}

func (c *Console) showLink(w http.ResponseWriter, r *http.Request, p org.Person, status int, x linkForm) {
	c.show(w, r, p, status, "link", "Link to another "+x.One, "links", x)
}

func (c *Console) link(w http.ResponseWriter, r *http.Request, p org.Person) {
	k, key := linkKindOf(r.PathValue("kind")), r.PathValue("key")
	typed := strings.TrimSpace(r.PostForm.Get("number"))
	rev := revOf(r.PostForm)
	link, released, err := c.Linked.Relink(r.Context(), p.Org, matching.Change{Kind: k.kind, Key: key, ID: numberOf(typed), IfRev: rev, Who: p.Name})
	switch {
	case err != nil:
		c.notLinked(w, r, p, typed, err)
		return
	case link.Rev == *rev:
		c.flash(w, true, "It is linked to "+link.Display+", number "+link.ID+", already. Nothing was changed.")
	default:
		c.flash(w, true, "New records go to "+link.Display+", number "+link.ID+", from now on."+wentOn(released))
	}
	http.Redirect(w, r, linksPath(k, key), http.StatusSeeOther)
}

// wentOn says what else a link did.
func wentOn(released int) string {
	switch released {
	case 0:
		return ""
	case 1:
		return " 1 entry that waited for it is on its way."
	}
	return " " + counted(released) + " that waited for it are on their way."
}

// notLinked shows the form again, with what was typed and what is wrong: with the number, where that is to blame.
func (c *Console) notLinked(w http.ResponseWriter, r *http.Request, p org.Person, typed string, err error) {
	f := fault.As(err)
	status, _ := kind(f.Code)
	if status == http.StatusInternalServerError {
		c.fail(w, r, p, err)
		return
	}
	x, ok := c.linkForm(w, r, p)
	if !ok {
		return
	}
	x.Number = typed
	switch {
	case f.Code == fault.Conflict:
		status, x.Wrong = http.StatusUnprocessableEntity, "is linked to another "+x.Of+" already. One "+x.One+" is one "+x.Of+": find that link first, and link it to another "+x.One
	case f.Code == fault.Invalid:
		for _, field := range f.Fields {
			if field.Field == "quickbooks_id" {
				x.Wrong = field.Problem
			} else {
				x.Said = field.Problem
			}
		}
	default:
		x.Said = f.Text()
	}
	c.showLink(w, r, p, status, x)
}

// numberOf is the number of a customer or vendor, which people may also paste as the address of its page in QuickBooks.
func numberOf(typed string) string {
	if u, err := url.Parse(typed); err == nil && u.Query().Has("nameId") {
		return u.Query().Get("nameId")
	}
	return strings.TrimLeft(typed, "# ")
}
