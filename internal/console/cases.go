package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
)

// Door is where people let data of a case in (intake.Intake).
type Door interface {
	AddToExports(ctx context.Context, org, caseID string, page passare.Page, who string) (intake.Clicked, error)
}

// casePage is what became of a case's money in QuickBooks: the panel that Passare shows on its Detailed History pages (help page, Troubleshooting errors).
type casePage struct {
	ID, Title, Name string
	Pages           []historyPage
	Link            string // address of the case's customer; empty for who may not see it
	Next            string // address of what is older; empty: all was looked at
	Older           bool   // this is not the newest part
	Self            string // address
}

// historyPage is a page of the case in Passare.
type historyPage struct {
	Name   string
	Status *intlog.Entry // the entry whose state is the page's; nothing when the page has none
	Ways   string        // how what the page has goes to QuickBooks
	Button string        // where a click on Add to Accounting Export goes; empty: there is no such button, or it was clicked
	Waits  int           // entries that wait for the click
	Events []event
}

// event is one change and what became of it.
type event struct {
	intlog.Entry
	At    time.Time
	Who   string
	Books []posted
}

// posted is a journal entry in QuickBooks.
type posted struct{ Doc, Link string }

func casePath(id string) string { return Home + "/cases/" + url.PathEscape(id) }

func (c *Console) caseHistory(w http.ResponseWriter, r *http.Request, p org.Person) {
	id, ok := c.caseID(w, r, p)
	if !ok {
		return
	}
	after := parseMark(p.Org, r.URL.Query().Get("after"))
	history, next, err := c.Reader.CaseHistory(r.Context(), p.Org, id, after)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x := casePage{ID: id, Title: "Case " + id, Name: history.Decedent, Older: after != intlog.Mark{}, Self: casePath(id)}
	if history.Number != "" {
		x.Title = "Case " + history.Number
	}
	for _, page := range history.Pages {
		x.Pages = append(x.Pages, c.historyPage(id, page))
	}
	if next != nil {
		x.Next = x.Self + "?" + url.Values{"after": {markText(*next)}}.Encode()
	}
	if p.May(org.Manage) {
		k := linkKindOf("customers")
		x.Link = linksPath(k, k.prefix+id)
	}
	c.show(w, r, p, http.StatusOK, "case", x.Title, "log", x)
}

// caseID is the case that the address names; no id of Passare's is longer than passare.MaxID.
func (c *Console) caseID(w http.ResponseWriter, r *http.Request, p org.Person) (string, bool) {
	id := r.PathValue("id")
	if len([]rune(id)) > passare.MaxID {
		c.fail(w, r, p, fault.New(fault.NotFound, "There is no case of that id."))
		return "", false
	}
	return id, true
}

func (c *Console) historyPage(id string, h review.PageHistory) historyPage {
	x := historyPage{Name: pageName(h.Page), Ways: ways(h)}
	for _, e := range h.Entries {
		if e.State == intlog.Held {
			x.Waits++
		}
		x.Events = append(x.Events, c.event(e))
	}
	if h.Button && !h.Flows {
		x.Button = casePath(id) + "/pages/" + string(h.Page) + "/add-to-accounting-export"
	}
	x.Status = telling(h.Entries)
	return x
}

func pageName(p passare.Page) string {
	switch p {
	case passare.GoodsPage:
		return "Goods & Services"
	case passare.PaymentsPage:
		return "Payments & Adjustments"
	case passare.NoPage:
	}
	return capital(string(p))
}

// ways says how what a page has goes on, in the help page's words (Triggers, the note).
func ways(h review.PageHistory) string {
	switch {
	case h.Clicked != nil:
		return "Added to accounting exports by " + h.Clicked.By + " on " + moment(h.Clicked.At) + ": what this page has since goes by itself."
	case h.Flows:
		return "Automatic add to accounting exports is on: what this page has goes by itself."
	}
	return "Automatic add to accounting exports is off: what this page has waits for Add to Accounting Export. Once that is clicked, all that comes after it goes by itself."
}

// telling is the entry whose state a page has: the first of what stopped, else of what waits for a click or a person, else of what is under way, else the newest.
func telling(entries []intlog.Entry) *intlog.Entry {
	rank := func(e intlog.Entry) int {
		switch {
		case e.State == intlog.Failed || e.Stuck():
			return 0
		case e.State == intlog.Held || e.State == intlog.Pending:
			return 1
		case e.State == intlog.Queued || e.State == intlog.Claimed || e.State == intlog.Waiting:
			return 2
		}
		return 3
	}
	var first *intlog.Entry
	for i := range entries {
		if first == nil || rank(entries[i]) < rank(*first) {
			first = &entries[i]
		}
	}
	return first
}

func (c *Console) event(e intlog.Entry) event {
	x := event{Entry: e, At: e.ChangedAt(), Who: e.Person()}
	for _, p := range e.Postings {
		if p.QuickBooksID != "" {
			x.Books = append(x.Books, posted{p.Doc, c.journalPage(p.QuickBooksID)})
		}
	}
	return x
}

// addToExports is the click on Add to Accounting Export.
func (c *Console) addToExports(w http.ResponseWriter, r *http.Request, p org.Person) {
	id, ok := c.caseID(w, r, p)
	if !ok {
		return
	}
	page := passare.Page(r.PathValue("page"))
	clicked, err := c.Door.AddToExports(r.Context(), p.Org, id, page, p.Name)
	switch {
	case fault.Is(err, fault.Conflict):
		c.flash(w, false, fault.As(err).Text())
	case err != nil:
		c.fail(w, r, p, err)
		return
	default:
		c.flash(w, true, pageName(page)+" is added to accounting exports."+letGo(clicked.Released)+" What comes after goes by itself.")
	}
	http.Redirect(w, r, casePath(id), http.StatusSeeOther)
}

func letGo(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return " 1 entry that waited goes on now."
	}
	return " " + strconv.Itoa(n) + " entries that waited go on now."
}
