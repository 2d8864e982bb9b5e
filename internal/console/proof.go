package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/rules"
)

func (c *Console) proofRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /console/reconciliation", c.let(c.reconciliation))
	mux.HandleFunc("POST /console/reconciliation", c.let(c.prove))
	mux.HandleFunc("GET /console/reconciliation/{date}", c.let(c.reconciliation))
	mux.HandleFunc("GET /console/differences/{id}", c.let(c.difference))
	mux.HandleFunc("POST /console/differences/{id}", c.let(c.settle))
	mux.HandleFunc("GET /console/cases/{id}/proof", c.let(c.caseProof))
	mux.HandleFunc("GET /console/clearing", c.let(c.clearing))
	mux.HandleFunc("GET /console/cash-advances", c.let(c.cashAdvances))
	mux.HandleFunc("GET /console/close-packets", c.let(c.newestPacket))
	mux.HandleFunc("GET /console/close-packets/{month}", c.let(c.packet))
	mux.HandleFunc("POST /console/close-packets/{month}", c.let(c.closeMonth))
	mux.HandleFunc("GET /console/close-packets/{month}/entries.csv", c.let(c.packetFile))
}

// proofTabs are the pages of the proof, as each of them shows them.
type proofTabs struct{ Here string }

// Tabs lists them.
func (t proofTabs) Tabs() []proofTab {
	return []proofTab{
		{"reconciliation", "Reconciliation"}, {"clearing", "Clearing"}, {"cash-advances", "Cash advances"}, {"close-packets", "Close packet"},
	}
}

type proofTab struct{ Path, Title string }

// reconciliationPage is the nights, and what is open.
type reconciliationPage struct {
	proofTabs
	Self        string
	Night       *reconcile.Night // the one that is shown; none: there was none yet
	Newest      bool             // it is the newest
	Calendar    calendar
	Nights      []reconcile.Night
	Differences []reconcile.Difference
	More        bool
	Asked       bool // somebody asked for a proof, which has not begun yet
}

// nightsShown is how many days the calendar has: five weeks.
const nightsShown = 35

// differencesShown is how many differences the page lists.
const differencesShown = 50

func (c *Console) reconciliation(w http.ResponseWriter, r *http.Request, p org.Person) {
	nights, err := c.Proof.Nights(r.Context(), p.Org, "", nightsShown)
	if err != nil && !fault.Is(err, fault.NotFound) { // an organisation that nobody has connected yet has no nights
		c.fail(w, r, p, err)
		return
	}
	x := reconciliationPage{proofTabs: proofTabs{"reconciliation"}, Self: Home + "/reconciliation", Nights: nights, Newest: true, Calendar: calendarOf(nights, reconcile.NightOf(c.Now()))}
	if on := r.PathValue("date"); on != "" {
		night, err := c.Proof.Night(r.Context(), p.Org, date.Date(on))
		if err != nil {
			c.fail(w, r, p, err)
			return
		}
		x.Night, x.Newest, x.Self = &night, len(nights) > 0 && nights[0].Date == night.Date, nightPath(night.Date)
	} else if len(nights) > 0 {
		x.Night = &nights[0]
	}
	if asked, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("asked")); err == nil {
		x.Self += "?asked=" + url.QueryEscape(r.URL.Query().Get("asked"))
		x.Asked = (x.Night == nil || x.Night.Began.Before(asked)) && c.Now().Sub(asked) < waitsForProof
	}
	var next string
	if len(nights) > 0 {
		if x.Differences, next, err = c.Proof.Differences(r.Context(), p.Org, "", differencesShown); err != nil {
			c.fail(w, r, p, err)
			return
		}
	}
	x.More = next != ""
	c.show(w, r, p, http.StatusOK, "reconciliation", "Reconciliation", "proof", x)
}

// waitsForProof is how long a page waits for a proof that was asked for to begin.
const waitsForProof = 2 * time.Minute

func nightPath(on date.Date) string { return Home + "/reconciliation/" + url.PathEscape(string(on)) }

// Running says whether the page is to look again by itself.
func (x reconciliationPage) Running() bool {
	return x.Asked || x.Newest && x.Night != nil && x.Night.State == reconcile.Running
}

// calendar is the last weeks, a column for each day of the week.
type calendar struct {
	Days   []calendarDay
	Height int
}

// calendarDay is a day of it.
type calendarDay struct {
	reconcile.Night
	Known bool // there was a proof
	X, Y  int  // where its square is
}

// side is a square with its margin, in pixels.
const side = 46

func calendarOf(nights []reconcile.Night, newest date.Date) calendar {
	by := map[date.Date]reconcile.Night{}
	for _, n := range nights {
		by[n.Date] = n
	}
	last, _ := time.Parse(time.DateOnly, string(newest)) // a day of our own making
	first := last.AddDate(0, 0, -nightsShown+1)
	first = first.AddDate(0, 0, -int(first.Weekday()))
	var c calendar
	for i, on := 0, first; !on.After(last); i, on = i+1, on.AddDate(0, 0, 1) {
		night, known := by[date.Of(on)]
		night.Date = date.Of(on)
		c.Days = append(c.Days, calendarDay{Night: night, Known: known, X: i % 7 * side, Y: i / 7 * side})
		c.Height = (i/7 + 1) * side
	}
	return c
}

// nightState is how a night ended, in a word, with a sign that says the same.
func nightState(n reconcile.Night) named {
	switch n.State {
	case reconcile.Agrees:
		return named{"Agrees", "✓", "good"}
	case reconcile.Differs:
		return named{strconv.Itoa(n.Open) + " open", "≠", "bad"}
	case reconcile.Running:
		return named{"Running", "…", "wait"}
	case reconcile.Failed:
		return named{"Not done", "!", "bad"}
	}
	return named{"None", "·", "calm"}
}

// prove asks for a proof.
func (c *Console) prove(w http.ResponseWriter, r *http.Request, p org.Person) {
	full := r.PostForm.Get("full") != ""
	asked := c.Now().UTC().Format(time.RFC3339Nano)
	err := c.Proof.Ask(r.Context(), reconcile.Request{Org: p.Org, Full: full, Who: cmp.Or(p.Name, p.Subject)})
	switch {
	case fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound):
		c.flash(w, false, fault.As(err).Text())
		http.Redirect(w, r, Home+"/reconciliation", http.StatusSeeOther)
		return
	case err != nil:
		c.fail(w, r, p, err)
		return
	}
	c.flash(w, true, "Both books are being compared. This page shows how far it is.")
	http.Redirect(w, r, Home+"/reconciliation?asked="+url.QueryEscape(asked), http.StatusSeeOther)
}

// differencePage is one difference, and what can be done about it.
type differencePage struct {
	proofTabs
	reconcile.Difference
	Remedies []remedy
	Books    string // address in QuickBooks; empty: none
	Wrong    []fault.Field
	Chosen   reconcile.Action
	Reason   string
	Link     string
	MaxText  int
}

// remedy is one thing that can be done.
type remedy struct {
	reconcile.Remedy
	Sheet *sheet
}

func (c *Console) difference(w http.ResponseWriter, r *http.Request, p org.Person) {
	d, err := c.Proof.Difference(r.Context(), p.Org, r.PathValue("id"))
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	c.showDifference(w, r, p, http.StatusOK, differencePage{Difference: d})
}

func (c *Console) showDifference(w http.ResponseWriter, r *http.Request, p org.Person, status int, x differencePage) {
	names, err := c.Charts.AccountNames(r.Context(), p.Org)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x.proofTabs, x.MaxText = proofTabs{"reconciliation"}, reconcile.MaxReason
	if x.Class != reconcile.Deleted && x.Class != reconcile.Missing {
		x.Books = c.journalPage(x.QuickBooksID)
	}
	for _, a := range x.Difference.Remedies {
		one := remedy{Remedy: a}
		if len(a.Lines) > 0 {
			one.Sheet = new(sheetOf(a.Date, netted(a.Lines), names))
		}
		x.Remedies = append(x.Remedies, one)
	}
	c.show(w, r, p, status, "difference", "Difference", "proof", x)
}

// netted are lines as the sheet takes them.
func netted(lines []journal.Line) []journal.Netted {
	list := make([]journal.Netted, len(lines))
	for i, l := range lines {
		list[i] = journal.Netted{Line: l}
	}
	return list
}

// settle does what a person chose about a difference.
func (c *Console) settle(w http.ResponseWriter, r *http.Request, p org.Person) {
	id, form := r.PathValue("id"), r.PostForm
	a := reconcile.Act{
		Action: reconcile.Action(form.Get("action")), Reason: form.Get("reason"), Link: form.Get("quickbooks_id"), Seen: form.Get("seen"), Who: cmp.Or(p.Name, p.Subject),
	}
	d, err := c.Proof.Act(r.Context(), p.Org, id, a)
	switch {
	case fault.Is(err, fault.Invalid):
		if d, err2 := c.Proof.Difference(r.Context(), p.Org, id); err2 == nil {
			c.showDifference(w, r, p, http.StatusUnprocessableEntity, differencePage{Difference: d, Wrong: fault.As(err).Fields, Chosen: a.Action, Reason: a.Reason, Link: a.Link})
			return
		}
		c.fail(w, r, p, err)
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.Stale):
		c.flash(w, false, fault.As(err).Text())
		http.Redirect(w, r, differencePath(id), http.StatusSeeOther)
	case err != nil:
		c.fail(w, r, p, err)
	default:
		c.flash(w, true, done(d))
		http.Redirect(w, r, differencePath(id), http.StatusSeeOther)
	}
}

func differencePath(id string) string { return Home + "/differences/" + url.PathEscape(id) }

// done says what was done.
func done(d reconcile.Difference) string {
	if !d.Settled.IsZero() {
		return "Done. " + d.How
	}
	return "Done. It is on its way to QuickBooks; the next proof sees whether both books agree."
}

// actionOf is an action as its button says it.
func actionOf(a reconcile.Action) string {
	return map[reconcile.Action]string{
		reconcile.Repost: "Post it again", reconcile.Correct: "Post the correction", reconcile.Reverse: "Post the reversal", reconcile.Accept: "Accept what QuickBooks has",
		reconcile.Link: "Link it", reconcile.Ignore: "Ignore it",
	}[a]
}

// caseProofPage is what a family owes, by three sources.
type caseProofPage struct {
	proofTabs
	reconcile.CaseProof
}

func (c *Console) caseProof(w http.ResponseWriter, r *http.Request, p org.Person) {
	id, ok := c.caseID(w, r, p)
	if !ok {
		return
	}
	proof, err := c.Proof.Case(r.Context(), p.Org, id)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	c.show(w, r, p, http.StatusOK, "caseproof", "Proof of case "+cmp.Or(proof.CaseNo, id), "proof", caseProofPage{proofTabs{"case"}, proof})
}

// bars is an ageing as a picture.
type bars struct {
	Label string
	Rows  []bar
}

type bar struct {
	reconcile.Age
	Y, Width int
}

// widest is a bar's length, in pixels.
const widest = 300

func barsOf(label string, ages []reconcile.Age) bars {
	b := bars{Label: label}
	var most money.Cents = 1
	for _, a := range ages {
		most = max(most, a.Amount.Abs())
	}
	for i, a := range ages {
		b.Rows = append(b.Rows, bar{a, i * barHeight, int(a.Amount.Abs() * widest / most)})
	}
	return b
}

// barHeight is a bar with its margin, in pixels.
const barHeight = 28

// Height is the picture's.
func (b bars) Height() int { return len(b.Rows) * barHeight }

// clearingPage is what stands on the clearing accounts.
type clearingPage struct {
	proofTabs
	Accounts []clearingAccount
	Credits  []reconcile.Credit
	Credited money.Cents
}

type clearingAccount struct {
	reconcile.ClearingAccount
	Bars bars
}

func (c *Console) clearing(w http.ResponseWriter, r *http.Request, p org.Person) {
	found, err := c.Proof.Clearing(r.Context(), p.Org)
	if err != nil && !fault.Is(err, fault.NotFound) {
		c.fail(w, r, p, err)
		return
	}
	x := clearingPage{proofTabs: proofTabs{"clearing"}, Credits: found.Credits, Credited: found.Credited}
	for _, a := range found.Accounts {
		x.Accounts = append(x.Accounts, clearingAccount{a, barsOf(a.Name, a.Ages)})
	}
	c.show(w, r, p, http.StatusOK, "clearing", "Clearing", "proof", x)
}

// advancesPage is what was collected for others.
type advancesPage struct {
	proofTabs
	reconcile.CashAdvances
	Bars bars
}

func (c *Console) cashAdvances(w http.ResponseWriter, r *http.Request, p org.Person) {
	found, err := c.Proof.CashAdvances(r.Context(), p.Org)
	if err != nil && !fault.Is(err, fault.NotFound) {
		c.fail(w, r, p, err)
		return
	}
	c.show(w, r, p, http.StatusOK, "advances", "Cash advances", "proof", advancesPage{proofTabs{"cash-advances"}, found, barsOf("Cash advances", found.Ages)})
}

// packetPage is a month.
type packetPage struct {
	proofTabs
	reconcile.Packet
	Title          string
	Before, After  string // months; empty: none
	Self, Download string
}

func (c *Console) newestPacket(w http.ResponseWriter, r *http.Request, _ org.Person) {
	http.Redirect(w, r, packetPath(c.Now().UTC().Format("2006-01")), http.StatusSeeOther)
}

func packetPath(month string) string { return Home + "/close-packets/" + url.PathEscape(month) }

func (c *Console) packet(w http.ResponseWriter, r *http.Request, p org.Person) {
	packet, err := c.Proof.Packet(r.Context(), p.Org, r.PathValue("month"))
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	c.showPacket(w, r, p, packet)
}

func (c *Console) showPacket(w http.ResponseWriter, r *http.Request, p org.Person, packet reconcile.Packet) {
	x := packetPage{proofTabs: proofTabs{"close-packets"}, Packet: packet, Title: packet.Month, Self: packetPath(packet.Month), Download: packetPath(packet.Month) + "/entries.csv"}
	if month, err := time.Parse("2006-01", packet.Month); err == nil {
		x.Title, x.Before = month.Format("January 2006"), month.AddDate(0, -1, 0).Format("2006-01")
		if after := month.AddDate(0, 1, 0); !after.After(c.Now()) {
			x.After = after.Format("2006-01")
		}
	}
	slices.SortStableFunc(x.Kinds, func(a, b reconcile.PacketKind) int { return cmp.Compare(b.Debits, a.Debits) })
	c.show(w, r, p, http.StatusOK, "packet", "Close packet of "+x.Title, "proof", x)
}

func (c *Console) closeMonth(w http.ResponseWriter, r *http.Request, p org.Person) {
	closed := r.PostForm.Get("closed") == "yes"
	packet, err := c.Proof.CloseMonth(r.Context(), p.Org, r.PathValue("month"), cmp.Or(p.Name, p.Subject), closed)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	said := "The month is open again."
	if closed {
		said = "The month is marked as closed. What comes into it from now on is shown as such."
	}
	c.flash(w, true, said)
	http.Redirect(w, r, packetPath(packet.Month), http.StatusSeeOther)
}

// packetFile is a month's lines, from the API.
func (c *Console) packetFile(w http.ResponseWriter, r *http.Request, p org.Person) {
	c.file(w, r, p, &url.URL{Path: "/v1/close-packets/" + r.PathValue("month") + "/entries.csv", RawQuery: r.URL.RawQuery},
		"The file that you have just downloaded is full, and does not have all of the month. Download the rest through the API.")
}

// recordName is a record in words: "payment p1".
func recordName(ref string) string {
	kind, id, found := strings.Cut(ref, "/")
	if !found {
		return ref
	}
	return capital(rules.Named(passare.Ref{Type: passare.RecordType(kind), ID: id}))
}
