package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/bell"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/rules"
	"github.com/passare/qbo-sync/internal/setup"
)

// needsPage is what people are needed for, by its cause, with the fix in place for who may do it.
type needsPage struct {
	Manages     bool
	Version     int64
	Lists       lists
	Rows        []mapRow // of the mapping: what entries wait for, the most waited for first, and what cannot be posted to any more
	Left        int      // causes in the mapping that are not shown
	Waiting     setup.Waiting
	Note        string
	Changed     string
	Wrong       []fault.Field
	Others      []need // other causes, newest first
	Alone       []need // what goes by itself
	More        bool   // there are more sync errors than were looked at
	Unconnected string
}

// Anybody says whether somebody is needed.
func (x needsPage) Anybody() bool { return len(x.Rows)+len(x.Others) > 0 || x.Unconnected != "" }

// need is a cause that is put right elsewhere.
type need struct {
	bell.Notice
	Next   string // what happens once it is put right
	Link   string // what waits
	Fix    string // where it is put right, for who may
	Button string
}

func (c *Console) needs(w http.ResponseWriter, r *http.Request, p org.Person) {
	if !p.May(org.Manage) {
		c.showNeeds(w, r, p, http.StatusOK, needsPage{})
		return
	}
	d, err := c.drawn(r.Context(), p.Org)
	if fault.Is(err, fault.Disconnected) {
		c.showNeeds(w, r, p, http.StatusOK, needsPage{Unconnected: fault.As(err).Text()})
		return
	}
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	c.mappingNeeds(w, r, p, d, nil)
}

// mostNeeds is how many causes in the mapping a page has; the rest come when these are put right.
const mostNeeds = rowsPerPage

// mappingNeeds shows what the mapping needs, with what a form chose.
func (c *Console) mappingNeeds(w http.ResponseWriter, r *http.Request, p org.Person, d drawn, form *mapForm) {
	problems, err := c.Office.MappingProblems(r.Context(), p.Org)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x := needsPage{Version: d.Mapping.Mapping.Version, Waiting: problems.Waiting, Note: problems.Note, Rows: d.needed(problems)}
	if len(x.Rows) > mostNeeds {
		x.Left, x.Rows = len(x.Rows)-mostNeeds, x.Rows[:mostNeeds]
	}
	stored := flat(d.Mapping.Mapping)
	for i := range x.Rows {
		x.Rows[i].put(stored, form)
	}
	d.find(x.Rows)
	d.stock(x.Rows)
	x.Lists = d.lists
	status := http.StatusOK
	if form != nil {
		status, x.Wrong = http.StatusUnprocessableEntity, form.wrong(d)
		if form.Version != x.Version {
			status, x.Changed = http.StatusPreconditionFailed, changedBy(d.Saved)+" What you chose is still chosen below, where it is still needed: look at it again, and save."
		}
	}
	c.showNeeds(w, r, p, status, x)
}

// needed are the rows of what the mapping needs. Branches come all together, since an organisation that maps branches maps all of them at once.
func (d drawn) needed(problems setup.Problems) (rows []mapRow) {
	branches := false
	for _, missing := range problems.Missing {
		row := d.rowOf(missing.Field)
		row.Needed = &missing
		row.UsedFor = slices.DeleteFunc(slices.Clone(missing.UsedFor), func(use string) bool { return use == missing.Label })
		for i := range row.Picks {
			row.Picks[i].None = "Choose…"
		}
		rows = append(rows, row)
		branches = branches || strings.HasPrefix(missing.Field, "branches.")
	}
	has := func(field string) int {
		return slices.IndexFunc(rows, func(row mapRow) bool { return row.Field == field })
	}
	for _, b := range d.Known.Branches {
		if row := d.branchRow(b.ID); branches && row.Absent && has(row.Field) < 0 {
			rows = append(rows, row)
		}
	}
	for _, amiss := range problems.Amiss {
		row := d.rowOf(amiss.Field)
		if at := has(row.Field); at >= 0 {
			rows[at].Wrong = amiss.Problem
			continue
		}
		row.Wrong = amiss.Problem
		rows = append(rows, row)
	}
	return slices.DeleteFunc(rows, func(row mapRow) bool { return len(row.Picks) == 0 })
}

// showNeeds shows the page, with the causes that are not the mapping's beside it. Who may not change the mapping sees its causes among them.
func (c *Console) showNeeds(w http.ResponseWriter, r *http.Request, p org.Person, status int, x needsPage) {
	board, err := c.Bell.List(r.Context(), p)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x.Manages, x.More = p.May(org.Manage), board.More
	for _, n := range board.Notices {
		one := need{Notice: n, Link: waitingPath(n), Next: intlog.AfterFix(n.Kind)}
		if x.Manages {
			one.Fix, one.Button = fixPlace(n.Kind)
		}
		switch {
		case n.Kind == rules.Mapping && x.Manages && x.Unconnected == "":
		case strings.HasPrefix(n.Who, "nobody"):
			x.Alone = append(x.Alone, one)
		default:
			x.Others = append(x.Others, one)
		}
	}
	c.show(w, r, p, status, "needs", "Needs you", "needs", x)
}

// waitingPath is where what waits for a notice is seen; empty when nothing does.
func waitingPath(n bell.Notice) string {
	if n.Entries == 0 {
		return ""
	}
	return linkOf(n)
}

// fixPlace is the page of the console on which a cause is put right, if it is one of the console's.
func fixPlace(kind rules.Kind) (path, button string) {
	switch kind {
	case rules.Connection:
		return Home + "/connection", "Go to Connection"
	case rules.Period:
		return Home + "/settings", "Go to Settings"
	case rules.NoName:
		return Home + "/links", "Go to Links"
	case rules.Account, rules.Mapping:
		return mappingPath, "Go to Mapping"
	case rules.Data, rules.Choice, rules.Company, rules.Member, rules.Transient:
	}
	return "", ""
}

// fix stores what was chosen on the page; what it frees goes by itself.
func (c *Console) fix(w http.ResponseWriter, r *http.Request, p org.Person) {
	d, form, err := c.wanted(r, p)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	if form.order != nil {
		c.mappingNeeds(w, r, p, d, form)
		return
	}
	if len(form.IDs) == 0 {
		c.flash(w, false, "Nothing was chosen yet. Choose an account first, then click Save.")
		http.Redirect(w, r, needsPath, http.StatusSeeOther)
		return
	}
	effect, err := c.Office.SaveMapping(r.Context(), p.Org, setup.MappingWish{Mapping: with(d.Mapping.Mapping, form.IDs), IfVersion: &form.Version, Who: p.Name})
	switch {
	case fault.Is(err, fault.Invalid):
		form.refused(err)
		c.mappingNeeds(w, r, p, d, form)
	case fault.Is(err, fault.Stale):
		if d, err = c.drawn(r.Context(), p.Org); err != nil {
			c.fail(w, r, p, err)
			return
		}
		c.mappingNeeds(w, r, p, d, form)
	case err != nil:
		c.fail(w, r, p, err)
	default:
		c.flash(w, true, savedText(effect))
		http.Redirect(w, r, needsPath, http.StatusSeeOther)
	}
}
