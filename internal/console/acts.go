package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// act does something with one entry. The button says what: "sync 3 payment.p1.1" is an action, the revision that the person saw, and the entry. It answers with
// the page from which it came, and a message.
func (c *Console) act(w http.ResponseWriter, r *http.Request, p org.Person) {
	action, rest, _ := strings.Cut(r.PostForm.Get("do"), " ")
	revision, id, _ := strings.Cut(rest, " ")
	rev, err := strconv.ParseInt(revision, 10, 64)
	if err != nil {
		c.fail(w, r, p, fault.New(fault.NotFound, "There is no entry of that id."))
		return
	}
	deed := review.Deed{Action: review.Action(action), Who: p.Name, IfRev: &rev, Choice: rules.Decision(r.PostForm.Get("choice"))}
	c.do(w, r, p, id, deed, ours(r.PostForm.Get("back")))
}

// do does it and goes on to a page, which says what became of it.
func (c *Console) do(w http.ResponseWriter, r *http.Request, p org.Person, id string, deed review.Deed, back string) {
	key, err := intlog.ParseKey(p.Org, id)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	e, changed, err := c.Desk.Do(r.Context(), key, deed)
	switch {
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.Stale):
		c.flash(w, false, fault.As(err).Text())
	case err != nil:
		c.fail(w, r, p, err)
		return
	case changed:
		c.flash(w, true, titled(e)+" "+did(deed.Action)+".")
	default:
		c.flash(w, true, titled(e)+" was so already: "+e.Last().Says()+".")
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// titled names an entry in a message.
func titled(e intlog.Entry) string {
	title := kindOf(e.Kind) + " of " + dollars(e.Amount)
	if e.Name != "" {
		title += " for " + e.Name
	}
	return title
}

// reasoned is a page that asks why.
type reasoned struct {
	Entry      intlog.Entry
	Rev        int64
	Reason     string
	Wrong      []fault.Field
	Back       string
	MaxReason  int
	Plan       *rules.Plan // of an undo
	Sheets     []sheet
	Impossible string // why an undo cannot be made
}

func (c *Console) askDelete(w http.ResponseWriter, r *http.Request, p org.Person) {
	e, ok := c.entryOf(w, r, p)
	if !ok {
		return
	}
	c.show(w, r, p, http.StatusOK, "delete", "Delete this entry?", "log", reasoned{
		Entry: e, Rev: e.Rev, Back: ours(r.URL.Query().Get("back")), MaxReason: review.MaxReason,
	})
}

// entryOf reads the entry that the address names.
func (c *Console) entryOf(w http.ResponseWriter, r *http.Request, p org.Person) (intlog.Entry, bool) {
	d, ok := c.detailOf(w, r, p)
	return d.Entry, ok
}

func (c *Console) detailOf(w http.ResponseWriter, r *http.Request, p org.Person) (review.Detail, bool) {
	key, err := intlog.ParseKey(p.Org, r.PathValue("id"))
	var d review.Detail
	if err == nil {
		d, err = c.Desk.Entry(r.Context(), key)
	}
	if err != nil {
		c.fail(w, r, p, err)
		return d, false
	}
	return d, true
}

// revOf is the revision that a form was made of.
func revOf(f url.Values) *int64 {
	rev, err := strconv.ParseInt(f.Get("rev"), 10, 64)
	if err != nil {
		rev = -1 // no revision is that one: look at it again
	}
	return &rev
}

func (c *Console) delete(w http.ResponseWriter, r *http.Request, p org.Person) {
	reason := strings.TrimSpace(r.PostForm.Get("reason"))
	if wrong := wrongReason(reason); wrong != nil {
		e, ok := c.entryOf(w, r, p)
		if !ok {
			return
		}
		c.show(w, r, p, http.StatusUnprocessableEntity, "delete", "Delete this entry?", "log", reasoned{
			Entry: e, Rev: *revOf(r.PostForm), Reason: reason, Wrong: wrong, Back: ours(r.PostForm.Get("back")), MaxReason: review.MaxReason,
		})
		return
	}
	c.do(w, r, p, r.PathValue("id"), review.Deed{Action: review.Delete, Who: p.Name, Reason: reason, IfRev: revOf(r.PostForm)}, ours(r.PostForm.Get("back")))
}

func wrongReason(reason string) []fault.Field {
	if n := len([]rune(reason)); n == 0 || n > review.MaxReason {
		return []fault.Field{{Field: "Reason", Problem: "must say why, in 1 to " + strconv.Itoa(review.MaxReason) + " characters"}}
	}
	return nil
}

// forPreview is the reason of an undo that is only looked at.
const forPreview = "Preview"

func (c *Console) askUndo(w http.ResponseWriter, r *http.Request, p org.Person) {
	e, ok := c.entryOf(w, r, p)
	if !ok {
		return
	}
	c.showUndo(w, r, p, http.StatusOK, reasoned{Entry: e, Rev: e.Rev, Back: entryPath(e.ID()), MaxReason: review.MaxReason})
}

// showUndo shows what an undo would post.
func (c *Console) showUndo(w http.ResponseWriter, r *http.Request, p org.Person, status int, x reasoned) {
	_, plan, err := c.Desk.PreviewUndo(r.Context(), x.Entry.Key, p.Name, forPreview, nil)
	switch {
	case fault.Is(err, fault.Conflict):
		x.Impossible = fault.As(err).Text()
	case err != nil:
		c.fail(w, r, p, err)
		return
	default:
		names, err := c.Charts.AccountNames(r.Context(), p.Org)
		if err != nil {
			c.fail(w, r, p, err)
			return
		}
		x.Plan, x.Sheets = &plan, plannedSheets(plan, names)
	}
	c.show(w, r, p, status, "undo", "Undo this entry?", "log", x)
}

func (c *Console) undo(w http.ResponseWriter, r *http.Request, p org.Person) {
	reason := strings.TrimSpace(r.PostForm.Get("reason"))
	key, err := intlog.ParseKey(p.Org, r.PathValue("id"))
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	if wrong := wrongReason(reason); wrong != nil {
		if e, ok := c.entryOf(w, r, p); ok {
			c.showUndo(w, r, p, http.StatusUnprocessableEntity, reasoned{Entry: e, Rev: *revOf(r.PostForm), Reason: reason, Wrong: wrong, Back: entryPath(e.ID()), MaxReason: review.MaxReason})
		}
		return
	}
	undo, made, err := c.Desk.Undo(r.Context(), key, p.Name, reason, revOf(r.PostForm))
	switch {
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.Stale):
		c.flash(w, false, fault.As(err).Text())
		http.Redirect(w, r, entryPath(key.ID()), http.StatusSeeOther)
		return
	case err != nil:
		c.fail(w, r, p, err)
		return
	case made:
		c.flash(w, true, "The undo is on its way to QuickBooks.")
	default:
		c.flash(w, true, "It was undone already. This is its undo.")
	}
	http.Redirect(w, r, entryPath(undo.ID()), http.StatusSeeOther)
}

// manyPage is what will become, or became, of many entries.
type manyPage struct {
	Action  review.Action
	Reason  string
	Wrong   []fault.Field
	IDs     []string // that it is possible for
	Would   review.Tally
	Not     []review.Result // that it is not possible for
	Report  review.Report
	Back    string
	Asks    bool // for a reason
	MaxText int
	Good    bool // nothing was left undone
}

// confirm says what will happen to which entries, and to how much money; nothing is done yet.
func (c *Console) confirm(w http.ResponseWriter, r *http.Request, p org.Person) {
	back := ours(r.PostForm.Get("back"))
	if r.PostForm.Get("action") == "download" && r.PostForm.Get("all") == "" && len(r.PostForm["id"]) > 0 {
		c.downloadMany(w, r, p)
		return
	}
	many, wrong := manyOf(r, p, back)
	if r.PostForm.Get("action") == "download" {
		http.Redirect(w, r, Home+"/entries.csv?"+backQuery(back).Encode(), http.StatusSeeOther)
		return
	}
	if wrong != "" {
		c.flash(w, false, wrong)
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	c.showConfirm(w, r, p, http.StatusOK, many, manyPage{Back: back})
}

// showConfirm looks at what would be done.
func (c *Console) showConfirm(w http.ResponseWriter, r *http.Request, p org.Person, status int, many review.Many, x manyPage) {
	many.DryRun = true
	x.Action, x.Asks, x.MaxText = many.Action, asks(many.Action), review.MaxReason
	if many.Reason = ""; x.Asks {
		many.Reason = forPreview
	}
	report, err := c.Desk.DoAll(r.Context(), p.Org, many)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x.Report, x.Would = report, report.Tallies[review.Would]
	for _, result := range report.Results {
		if result.Outcome == review.Would {
			x.IDs = append(x.IDs, result.ID)
		} else {
			x.Not = append(x.Not, result)
		}
	}
	c.show(w, r, p, status, "confirm", verb(x.Action)+": "+counted(x.Would.Count)+"?", "log", x)
}

// asks says whether an action wants a reason.
func asks(a review.Action) bool { return a == review.Delete || a == review.Undo }

// manyOf reads what is to be done to which entries; wrong says what is missing, for a person.
func manyOf(r *http.Request, p org.Person, back string) (m review.Many, wrong string) {
	m.Deed = review.Deed{Action: review.Action(r.PostForm.Get("action")), Who: p.Name, Reason: strings.TrimSpace(r.PostForm.Get("reason"))}
	if r.PostForm.Get("all") != "" {
		filter, fields := wantedOf(backQuery(back)).filter()
		if fields != nil {
			return m, "Put the filter right first: " + fields[0].Field + " " + fields[0].Problem + "."
		}
		m.Filter = &filter
		return m, ""
	}
	if m.IDs = r.PostForm["id"]; len(m.IDs) == 0 {
		return m, "Nothing was ticked. Tick the rows that you mean, or All that fit this filter."
	}
	return m, ""
}

func backQuery(back string) url.Values {
	u, err := url.Parse(back)
	if err != nil {
		return nil
	}
	return u.Query()
}

func (c *Console) downloadMany(w http.ResponseWriter, r *http.Request, p org.Person) {
	call := r.Clone(r.Context())
	call.Method, call.Body, call.ContentLength = http.MethodGet, http.NoBody, 0
	call.URL = &url.URL{Path: Home + "/entries.csv", RawQuery: url.Values{"ids": r.PostForm["id"]}.Encode()}
	c.download(w, call, p)
}

// confirmed does it, and shows what became of each.
func (c *Console) confirmed(w http.ResponseWriter, r *http.Request, p org.Person) {
	back := ours(r.PostForm.Get("back"))
	many, wrong := manyOf(r, p, back)
	if wrong != "" {
		c.flash(w, false, wrong)
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	if asks(many.Action) {
		if fields := wrongReason(many.Reason); fields != nil {
			c.showConfirm(w, r, p, http.StatusUnprocessableEntity, many, manyPage{Back: back, Wrong: fields, Reason: many.Reason})
			return
		}
	}
	report, err := c.Desk.DoAll(r.Context(), p.Org, many)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	c.show(w, r, p, http.StatusOK, "results", verb(many.Action)+": what became of it", "log", manyPage{
		Action: many.Action, Report: report, Back: back, Good: report.Tallies[review.Done].Count+report.Tallies[review.Already].Count == len(report.Results),
	})
}
