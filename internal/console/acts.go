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
	case changed && deed.Action == review.Delete:
		c.flashUndo(w, titled(e)+" "+did(deed.Action)+".", deedText(review.Restore, e), back)
	case changed:
		c.flash(w, true, titled(e)+" "+did(deed.Action)+".")
	default:
		c.flash(w, true, titled(e)+" was so already: "+e.Last().Says()+".")
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// deedText is an action on an entry as a button says it to act.
func deedText(a review.Action, e intlog.Entry) string {
	return string(a) + " " + strconv.FormatInt(e.Rev, 10) + " " + e.ID()
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
