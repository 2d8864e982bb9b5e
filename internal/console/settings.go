package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/setup"
)

// The names of the settings' fields, as GET /v1/settings and the history of changes have them.
const (
	autoSync      = "auto_sync"
	autoAdd       = "auto_add_to_exports"
	leaveChecks   = "exclude.checks"
	leaveLedger   = "exclude.ledger"
	cutOver       = "cut_over_date"
	closedPeriod  = "closed_period"
	reprintPair   = "reprint_posts_pair"
	tradeCustomer = "trade_customer"
	pendingChoice = "pending"
	heldChoice    = "held"
)

// way is one value that a setting may have.
type way struct{ Value, Says string }

// askedSetting is one setting as a form asks for it: a choice among ways, or a day.
type askedSetting struct {
	Name, Title, About string
	Ways               []way
	Value              string
}

// settingGroup is settings that belong together.
type settingGroup struct {
	Title string
	Asked []askedSetting
}

func onOff(on, off string) []way { return []way{{"true", "On: " + on}, {"false", "Off: " + off}} }

// allAsked are the settings as people are asked for them. The switches have the names of Passare's help page.
func allAsked(s org.Settings) []settingGroup {
	return []settingGroup{
		{"What goes to QuickBooks by itself", []askedSetting{
			{autoSync, "Enable auto-sync", "Whether somebody looks at an entry before it is posted.", onOff("entries go straight to QuickBooks.", "they wait under Pending transactions until somebody clicks Sync."), strconv.FormatBool(s.AutoSync)},
			{
				autoAdd, "Automatic add to accounting exports", "Whether invoices and payments of a case go on without a click on its page.",
				onOff("they go on at once.", "they are held until somebody clicks Add to Accounting Export on the page of the case."), strconv.FormatBool(s.AutoAddToExports),
			},
		}},
		{"What is left out", []askedSetting{
			{leaveChecks, "Leave out checks", "For whoever writes checks in QuickBooks itself.", onOff("new checks are kept in the log and not posted.", "checks are posted."), strconv.FormatBool(s.ExcludeChecks)},
			{leaveLedger, "Leave out the ledger", "For whoever keeps other income and expenses in QuickBooks itself.", onOff("new ledger transactions are kept in the log and not posted.", "they are posted."), strconv.FormatBool(s.ExcludeLedger)},
			{cutOver, "Cut-over date", "What is dated before this day is in your opening balances and is not posted. Leave it empty to post records of any date.", nil, string(s.CutOver)},
		}},
		{"How it is posted", []askedSetting{
			{closedPeriod, "Closed books", "What becomes of an entry that is dated on or before QuickBooks’ close date.", []way{
				{string(org.HoldClosed), "It waits under Sync errors, for somebody to decide."},
				{string(org.FirstOpenDay), "It is posted on the first open day, and says so."},
			}, string(s.ClosedPeriod)},
			{reprintPair, "Reprinted checks", "What becomes of a check that is reprinted with the same number.", []way{
				{"true", "A void and a new print are posted."}, {"false", "Nothing, unless the check was changed."},
			}, strconv.FormatBool(s.ReprintPostsPair)},
			{tradeCustomer, "Customer of a trade case", "Whose QuickBooks customer the money of a trade case goes to.", []way{
				{string(org.ByDecedent), "The decedent’s."}, {string(org.ByBusiness), "The one of the business that buys the service."},
			}, string(s.TradeCustomer)},
		}},
	}
}

// titleOf is a field of the settings as people know it.
func titleOf(field string) string {
	switch field {
	case pendingChoice:
		return "What waits for review"
	case heldChoice:
		return "What waits for Add to Accounting Export"
	}
	for _, g := range allAsked(org.Settings{}) {
		for _, a := range g.Asked {
			if a.Name == field {
				return a.Title
			}
		}
	}
	return field
}

// settingOf is a value of a field in a few words.
func settingOf(field, value string) string {
	switch {
	case field == cutOver && value == "":
		return "none"
	case field == cutOver:
		return date.Date(value).Short()
	case field == reprintPair && value == "true":
		return "a void and a new print"
	case field == reprintPair:
		return "nothing, unless it was changed"
	case value == "true":
		return "on"
	case value == "false":
		return "off"
	}
	switch value {
	case string(org.HoldClosed):
		return "wait under Sync errors"
	case string(org.FirstOpenDay):
		return "post on the first open day"
	case string(setup.Sync):
		return "synced"
	case string(setup.Release):
		return "released"
	case string(setup.Leave):
		return "left as they were"
	case string(org.ByDecedent):
		return "the decedent"
	case string(org.ByBusiness):
		return "the business"
	}
	return value
}

// settingsPage is the form, and who changed what.
type settingsPage struct {
	Groups    []settingGroup
	CloseDate date.Date
	Version   int64
	Changes   []org.SettingsChange
	Wrong     []fault.Field
	Stale     string // somebody else has changed them meanwhile
	Then      string
	Unset     bool // nothing is connected yet
}

func (c *Console) settings(w http.ResponseWriter, r *http.Request, p org.Person) {
	c.showSettings(w, r, p, http.StatusOK, nil, settingsPage{})
}

// editSettings is the form again, with what was typed in it.
func (c *Console) editSettings(w http.ResponseWriter, r *http.Request, p org.Person) {
	c.showSettings(w, r, p, http.StatusOK, r.PostForm, settingsPage{})
}

// showSettings shows the form as the settings are, or as they were typed.
func (c *Console) showSettings(w http.ResponseWriter, r *http.Request, p org.Person, status int, typed url.Values, x settingsPage) {
	s, err := c.Office.Settings(r.Context(), p.Org)
	switch {
	case fault.Is(err, fault.Disconnected):
		x.Unset = true
	case err != nil:
		c.fail(w, r, p, err)
		return
	}
	x.Groups, x.CloseDate, x.Version, x.Changes = filled(allAsked(s.Settings), typed), s.CloseDate, s.Version, s.Changes
	if typed != nil {
		x.Then = thenOf(typed)
	}
	c.show(w, r, p, status, "settings", "Settings", "settings", x)
}

// filled has what was typed in the place of what is stored.
func filled(groups []settingGroup, typed url.Values) []settingGroup {
	for _, g := range groups {
		for i := range g.Asked {
			if typed.Has(g.Asked[i].Name) {
				g.Asked[i].Value = typed.Get(g.Asked[i].Name)
			}
		}
	}
	return groups
}

// thenOf is where a form leads once it is saved: a page of the console.
func thenOf(f url.Values) string {
	if f.Get("then") == "" {
		return Home + "/settings"
	}
	return ours(f.Get("then"))
}

// wishOf is what a form wants of the settings; what it does not ask for stays.
func wishOf(f url.Values, p org.Person) (w setup.SettingsWish, wrong []fault.Field) {
	w = setup.SettingsWish{Who: p.Name, Pending: setup.Choice(f.Get(pendingChoice)), Held: setup.Choice(f.Get(heldChoice))}
	for name, at := range map[string]**bool{
		autoSync: &w.AutoSync, autoAdd: &w.AutoAddToExports, leaveChecks: &w.ExcludeChecks, leaveLedger: &w.ExcludeLedger, reprintPair: &w.ReprintPostsPair,
	} {
		if !f.Has(name) {
			continue
		}
		on, err := strconv.ParseBool(f.Get(name))
		if err != nil {
			wrong = append(wrong, fault.Field{Field: titleOf(name), Value: f.Get(name), Problem: "must be on or off"})
		}
		*at = &on
	}
	for name, at := range map[string]**string{cutOver: &w.CutOver, closedPeriod: &w.ClosedPeriod, tradeCustomer: &w.TradeCustomer} {
		if f.Has(name) {
			*at = new(strings.TrimSpace(f.Get(name)))
		}
	}
	version, err := strconv.ParseInt(f.Get("version"), 10, 64)
	if err != nil {
		version = -1 // no version is that one: look at it again
	}
	w.IfVersion = &version
	return w, wrong
}

// lookPage says what a change would do.
type lookPage struct {
	Says    []string
	Changed []org.Changed
	Pending setup.Waiting // what is asked about, if anything
	Held    setup.Waiting
	Onwards string // where goes what was held
	Version int64
	Typed   []typed
	Wrong   []fault.Field
	Then    string
	Choices url.Values
}

// lookAtSettings says what a change would do; nothing is stored.
func (c *Console) lookAtSettings(w http.ResponseWriter, r *http.Request, p org.Person) {
	c.showLook(w, r, p, http.StatusOK, nil)
}

func (c *Console) showLook(w http.ResponseWriter, r *http.Request, p org.Person, status int, missing []fault.Field) {
	wish, wrong := wishOf(r.PostForm, p)
	if wrong != nil {
		c.showSettings(w, r, p, http.StatusUnprocessableEntity, r.PostForm, settingsPage{Wrong: wrong})
		return
	}
	wish.DryRun, wish.Pending, wish.Held = true, "", ""
	effect, err := c.Office.ChangeSettings(r.Context(), p.Org, wish)
	if err != nil {
		c.refuseSettings(w, r, p, err)
		return
	}
	x := lookPage{Says: effect.Says, Changed: effect.Fields, Version: *wish.IfVersion, Then: thenOf(r.PostForm), Wrong: missing, Choices: r.PostForm, Onwards: "to Pending transactions, for review"}
	for _, f := range effect.Fields {
		switch {
		case f.Field == autoSync && f.To == "true":
			x.Pending = effect.Pending
		case f.Field == autoAdd && f.To == "true":
			x.Held = effect.Held
		}
	}
	if effect.Settings.Settings.AutoSync {
		x.Onwards = "to QuickBooks"
	}
	for _, g := range allAsked(org.Settings{}) {
		for _, a := range g.Asked {
			if r.PostForm.Has(a.Name) {
				x.Typed = append(x.Typed, typed{a.Name, strings.TrimSpace(r.PostForm.Get(a.Name))})
			}
		}
	}
	c.show(w, r, p, status, "settings-look", "What it would do", "settings", x)
}

// refuseSettings shows the form again, with what was typed and what is wrong with it.
func (c *Console) refuseSettings(w http.ResponseWriter, r *http.Request, p org.Person, err error) {
	f := fault.As(err)
	switch f.Code {
	case fault.Invalid:
		c.showSettings(w, r, p, http.StatusUnprocessableEntity, r.PostForm, settingsPage{Wrong: titledFields(f.Fields)})
	case fault.Stale:
		c.showSettings(w, r, p, http.StatusPreconditionFailed, r.PostForm, settingsPage{
			Stale: "Somebody changed the settings since you looked. Nothing of yours was saved. The form has what you chose: see what it would do now, and save it if it is still right.",
		})
	case fault.Disconnected:
		c.showSettings(w, r, p, http.StatusConflict, r.PostForm, settingsPage{})
	default:
		c.fail(w, r, p, err)
	}
}

// titledFields names wrong fields as the form does.
func titledFields(fields []fault.Field) []fault.Field {
	named := make([]fault.Field, len(fields))
	for i, f := range fields {
		f.Field = titleOf(f.Field)
		if f.Field == titleOf(cutOver) {
			f.Problem = "must be a day that exists, from 1900 to 2199, or empty"
		}
		named[i] = f
	}
	return named
}

// saveSettings does it, when every choice is made.
func (c *Console) saveSettings(w http.ResponseWriter, r *http.Request, p org.Person) {
	wish, wrong := wishOf(r.PostForm, p)
	if wrong != nil {
		c.showSettings(w, r, p, http.StatusUnprocessableEntity, r.PostForm, settingsPage{Wrong: wrong})
		return
	}
	effect, err := c.Office.ChangeSettings(r.Context(), p.Org, wish)
	switch {
	case fault.Is(err, fault.Conflict):
		c.showLook(w, r, p, http.StatusUnprocessableEntity, unchosen(fault.As(err).Fields))
	case err != nil:
		c.refuseSettings(w, r, p, err)
	case !effect.Stored:
		c.flash(w, true, "Nothing was changed: the settings were so already.")
		http.Redirect(w, r, thenOf(r.PostForm), http.StatusSeeOther)
	default:
		c.flash(w, true, "The settings are saved."+freed(effect))
		http.Redirect(w, r, thenOf(r.PostForm), http.StatusSeeOther)
	}
}

// unchosen names the choices that the person has to make.
func unchosen(fields []fault.Field) []fault.Field {
	named := make([]fault.Field, len(fields))
	for i, f := range fields {
		named[i] = fault.Field{Field: titleOf(f.Field), Problem: "needs your choice: nothing was changed yet"}
	}
	return named
}

// freed says what went on with a change.
func freed(e setup.SettingsEffect) string {
	n := e.Freed.Pending + e.Freed.Held + e.Freed.Failed
	if n == 0 {
		return ""
	}
	says := " " + counted(n) + " that waited went on."
	if e.Freed.More {
		says += " The rest goes by itself within minutes."
	}
	return says
}
