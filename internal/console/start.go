package console

import (
	"context"
	"net/http"
	"slices"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
	"github.com/passare/qbo-sync/internal/setup"
)

// previewed is how many of the newest entries the first run shows.
const previewed = 5

// setupStep is one step of the first run.
type setupStep struct {
	Title      string
	Done, Here bool
}

// startPage leads through the first run. Each tick is read from how the organisation is set up, so that steps may be left, and done elsewhere.
type startPage struct {
	Steps    []setupStep
	At       int // the step that is next; after the last: nothing is left
	Unmapped []string
	Asked    []askedSetting
	Version  int64
	Seen     []foreseen
	AutoSync bool
}

// foreseen is an entry with what would be posted of it now.
type foreseen struct {
	intlog.Entry
	Says     string
	LeftOut  string
	Sheets   []sheet
	Problems []rules.Problem
}

func (c *Console) firstRun(w http.ResponseWriter, r *http.Request, p org.Person) {
	x, err := c.steps(r.Context(), p.Org)
	if err == nil && x.Steps[0].Done && x.Steps[1].Done {
		err = c.foresee(r.Context(), p.Org, &x)
	}
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	c.show(w, r, p, http.StatusOK, "start", "Set up the integration", "connection", x)
}

// steps reads how far the organisation is.
func (c *Console) steps(ctx context.Context, id string) (startPage, error) {
	x := startPage{Steps: []setupStep{{Title: "Connect QuickBooks"}, {Title: "Map accounts"}, {Title: "Choose what is posted"}, {Title: "Look, and go"}}}
	view, err := c.Connect.View(ctx, id)
	if err != nil {
		return x, err
	}
	x.Steps[0].Done = view.State == grant.Alive
	m, err := c.Office.Mapping(ctx, id)
	if fault.Is(err, fault.Disconnected) {
		x.mark()
		return x, nil
	}
	if err != nil {
		return x, err
	}
	x.Unmapped = unmapped(m)
	x.Steps[1].Done = len(x.Unmapped) == 0
	s, err := c.Office.Settings(ctx, id)
	if err != nil {
		return x, err
	}
	x.Version, x.AutoSync = s.Version, s.Settings.AutoSync
	x.Steps[2].Done = len(s.Changes) > 0 || s.Settings.AutoSync || s.Settings.AutoAddToExports || s.Settings.CutOver != ""
	x.Asked = firstAsked(s.Settings)
	synced, _, err := c.Desk.Find(ctx, id, review.Filter{Tab: intlog.Synced.Tab()}, intlog.Mark{}, 1)
	x.Steps[3].Done = s.Settings.AutoSync || len(synced) > 0
	x.mark()
	return x, err
}

// mark finds the step that is next.
func (x *startPage) mark() {
	x.At = slices.IndexFunc(x.Steps, func(s setupStep) bool { return !s.Done })
	if x.At < 0 {
		x.At = len(x.Steps)
		return
	}
	x.Steps[x.At].Here = true
}

// unmapped is what an entry cannot go without: receivables and clearing (../rules/accounting.md §2), and each GL account and bank that the log has spoken of.
func unmapped(m setup.Mapping) []string {
	var missing []string
	needs := func(role org.Role, says string) {
		if _, is := m.Mapping.Account(role); !is {
			missing = append(missing, says)
		}
	}
	for _, role := range []org.Role{org.AccountsReceivable, org.DepositsClearing} {
		needs(role, capital(role.Label()))
	}
	for _, gl := range m.Known.GL {
		says := capital(org.GL(gl.Account).Label())
		if len(gl.UsedFor) > 0 {
			says += " (" + gl.UsedFor[0] + ")"
		}
		needs(org.GL(gl.Account), says)
	}
	for _, bank := range m.Known.Banks {
		needs(org.Bank(bank), capital(org.Bank(bank).Label()))
	}
	return missing
}

// firstAsked are the settings that the first run asks for: auto-sync is turned on by its last step, after a look.
func firstAsked(s org.Settings) []askedSetting {
	var list []askedSetting
	for _, g := range allAsked(s) {
		for _, a := range g.Asked {
			if slices.Contains([]string{cutOver, autoAdd, leaveChecks, leaveLedger}, a.Name) {
				list = append(list, a)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b askedSetting) int { return cutOverFirst(a) - cutOverFirst(b) })
	return list
}

// cutOverFirst sorts the cut-over date before all else.
func cutOverFirst(a askedSetting) int {
	if a.Name == cutOver {
		return 0
	}
	return 1
}

// foresee plans the newest entries as they would be posted now.
func (c *Console) foresee(ctx context.Context, id string, x *startPage) error {
	entries, _, err := c.Desk.Find(ctx, id, review.Filter{Tab: "all"}, intlog.Mark{}, previewed)
	if err != nil {
		return err
	}
	names, err := c.Charts.AccountNames(ctx, id)
	if err != nil {
		return err
	}
	for _, e := range entries {
		around, err := c.Reader.Around(ctx, e)
		if err != nil {
			return err
		}
		f := foreseen{Entry: e, Says: e.Sentence, Problems: around.Problems}
		if around.Plan != nil {
			f.Says, f.LeftOut, f.Sheets = around.Plan.Sentence, around.Plan.Excluded, plannedSheets(*around.Plan, names)
		}
		x.Seen = append(x.Seen, f)
	}
	return nil
}
