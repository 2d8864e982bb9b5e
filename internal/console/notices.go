package console

import (
	"net/http"
	"net/url"

	"github.com/passare/qbo-sync/internal/bell"
	"github.com/passare/qbo-sync/internal/org"
)

// notice is a notice with the page that shows what waits.
type notice struct {
	bell.Notice
	Link string
}

type noticesPage struct {
	Notices []notice
	Unread  int
	More    bool
}

func (c *Console) notices(w http.ResponseWriter, r *http.Request, p org.Person) {
	board, err := c.Bell.List(r.Context(), p)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x := noticesPage{Unread: board.Unread, More: board.More}
	for _, n := range board.Notices {
		x.Notices = append(x.Notices, notice{n, linkOf(n)})
	}
	c.show(w, r, p, http.StatusOK, "notices", "Notifications", "notices", x)
}

// linkOf is the page that shows what waits for a notice: the one entry, or the tab.
func linkOf(n bell.Notice) string {
	if n.Kind == bell.Proof {
		return Home + "/reconciliation"
	}
	if n.Entries == 1 && len(n.First) == 1 {
		return Home + "/entries/" + url.PathEscape(n.First[0])
	}
	return Home + "?tab=errors"
}

func (c *Console) readOne(w http.ResponseWriter, r *http.Request, p org.Person) {
	if _, err := c.Bell.Read(r.Context(), p, r.PathValue("id")); err != nil {
		c.fail(w, r, p, err)
		return
	}
	http.Redirect(w, r, Home+"/notices", http.StatusSeeOther)
}

func (c *Console) readAll(w http.ResponseWriter, r *http.Request, p org.Person) {
	if _, err := c.Bell.ReadAll(r.Context(), p); err != nil {
		c.fail(w, r, p, err)
		return
	}
	c.flash(w, true, "Every notification is marked as read.")
	http.Redirect(w, r, Home+"/notices", http.StatusSeeOther)
}
