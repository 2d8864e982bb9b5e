package console

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
)

// connectionPage is how the connection is.
type connectionPage struct {
	grant.View
	State                 named
	Never, Alive, Refused bool
	Ended                 bool // by a person
	Company               string
	DaysLeft              int
	Ends                  time.Time
	Paused                bool
	Spent, Percent        int
	Waits                 []review.Waits
}

func (c *Console) connection(w http.ResponseWriter, r *http.Request, p org.Person) {
	view, err := c.Connect.View(r.Context(), p.Org)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x := connectionOf(view, c.Now())
	if !x.Never {
		if x.Spent, x.Percent, err = c.spent(r, p); err != nil {
			c.fail(w, r, p, err)
			return
		}
	}
	c.show(w, r, p, http.StatusOK, "connection", "Connection", "connection", x)
}

func connectionOf(v grant.View, now time.Time) connectionPage {
	x := connectionPage{View: v, Company: companyOf(v.Connection), Paused: v.PausedUntil.After(now)}
	switch v.State {
	case grant.Never:
		x.Never, x.State = true, named{"Not connected yet", "○", "wait"}
	case grant.Alive:
		x.Alive, x.State, x.Ends = true, named{"Connected", "✓", "good"}, v.Connection.End()
	case grant.Refused:
		x.Refused, x.State = true, named{"Refused by QuickBooks", "!", "bad"}
	case grant.Disconnected:
		x.Ended, x.State = true, named{"Disconnected", "×", "wait"}
	}
	if !x.Ends.IsZero() {
		x.DaysLeft = int(x.Ends.Sub(now).Hours() / 24)
	}
	return x
}

// companyOf is a company as people know it.
func companyOf(c org.Connection) string {
	if c.Realm == "" {
		return ""
	}
	return cmp.Or(c.Company, "company "+c.Realm)
}

// spent is what QuickBooks' metering has counted this month. Of the app's allowance only the share is shown, since others use it, too.
func (c *Console) spent(r *http.Request, p org.Person) (ours, percent int, err error) {
	month := intlog.MeteredMonth(c.Now())
	if ours, err = c.Consent.Reads.ReadsOf(r.Context(), p.Org, month); err != nil {
		return 0, 0, err
	}
	all, err := c.Consent.Reads.ReadsSpent(r.Context(), month)
	return ours, all * 100 / max(c.Consent.Allowance, 1), err
}

// consenting lets the forms of a page lead to Intuit's page of consent: browsers follow form-action through redirects.
func (c *Console) consenting(next signedIn) signedIn {
	return func(w http.ResponseWriter, r *http.Request, p org.Person) {
		h := w.Header()
		policy := h.Get("Content-Security-Policy")
		h.Set("Content-Security-Policy", strings.Replace(policy, "form-action 'self'", "form-action 'self'"+intuits(c.Consent.Intuit), 1))
		next(w, r, p)
	}
}

// intuits are the hosts to which a page of consent may lead, as form-action has them. Intuit's own leads on to sign in at another host of its own.
func intuits(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	if strings.HasSuffix(u.Hostname(), ".intuit.com") {
		return " " + u.Scheme + "://*.intuit.com"
	}
	return " " + u.Scheme + "://" + u.Host
}

// browserCookie has what binds an attempt to connect to the browser that began it; GET /oauth/callback reads it.
func (c *Console) browserCookie(secret string) *http.Cookie {
	return c.cookie(grant.BrowserCookie, secret, int(grant.AttemptLife.Seconds()))
}

// connect sends the browser to Intuit's page of consent.
func (c *Console) connect(w http.ResponseWriter, r *http.Request, p org.Person) {
	browser, found := c.read(r, grant.BrowserCookie)
	if !found {
		browser = c.Random()
	}
	address, _, err := c.Connect.Start(r.Context(), p, browser, r.PostForm.Get("other") == "true", c.callback(r))
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	http.SetCookie(w, c.browserCookie(browser))
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// callback is where Intuit sends the browser back to. The app's settings at Intuit must have it, too, so that no other host can be named here.
func (c *Console) callback(r *http.Request) string {
	scheme := "https://"
	if c.Plain {
		scheme = "http://"
	}
	return cmp.Or(c.Consent.PublicURL, scheme+r.Host) + "/oauth/callback"
}

// askOther says what another company means, before anybody connects one.
func (c *Console) askOther(w http.ResponseWriter, r *http.Request, p org.Person) {
	c.ask(w, r, p, "other", "Connect another company?")
}

func (c *Console) askDisconnect(w http.ResponseWriter, r *http.Request, p org.Person) {
	c.ask(w, r, p, "disconnect", "Disconnect QuickBooks?")
}

// ask is a page that says what an act on the connection does, and what waits.
func (c *Console) ask(w http.ResponseWriter, r *http.Request, p org.Person, name, title string) {
	view, err := c.Connect.View(r.Context(), p.Org)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	if view.State == grant.Never {
		c.flash(w, false, "QuickBooks is not connected yet, so there is nothing to change.")
		http.Redirect(w, r, Home+"/connection", http.StatusSeeOther)
		return
	}
	x := connectionOf(view, c.Now())
	summary, err := c.Reader.Summary(r.Context(), p.Org)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	for _, waits := range summary.Tabs {
		if waits.Count > 0 {
			x.Waits = append(x.Waits, waits)
		}
	}
	c.show(w, r, p, http.StatusOK, name, title, "connection", x)
}

// disconnect revokes the grant, of the connection that the person saw.
func (c *Console) disconnect(w http.ResponseWriter, r *http.Request, p org.Person) {
	view, err := c.Connect.View(r.Context(), p.Org)
	if err == nil && strconv.FormatInt(view.Connection.Rev, 10) != r.PostForm.Get("rev") {
		err = fault.New(fault.Stale, "Somebody changed the connection since you looked. Nothing was done: look at it again.")
	}
	if err == nil {
		err = c.Connect.Disconnect(r.Context(), p)
	}
	switch {
	case fault.Is(err, fault.Stale), fault.Is(err, fault.Conflict), fault.Is(err, fault.Unavailable), fault.Is(err, fault.Throttled):
		c.flash(w, false, fault.As(err).Text())
	case err != nil:
		c.fail(w, r, p, err)
		return
	default:
		c.flash(w, true, "QuickBooks is disconnected. What Passare sends is kept, and waits until somebody connects it again.")
	}
	http.Redirect(w, r, Home+"/connection", http.StatusSeeOther)
}
