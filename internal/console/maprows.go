package console

import (
	"cmp"
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/setup"
)

// lists are what a mapping chooses from.
type lists struct {
	Accounts        []journal.Account // in the order of their names
	Classes, Places []journal.Segment
	AsOf            time.Time // of the accounts
	Note            string    // why a list is older than it should be, or is not there
	Offered         []string  // accounts for rows that have too many to list, by the names under which they are found
}

// drawn is a mapping with what it chooses from.
type drawn struct {
	setup.Mapping
	lists
}

// drawn reads the mapping and the lists; classes and locations only when there are branches, since not every company has them.
func (c *Console) drawn(ctx context.Context, id string) (drawn, error) {
	m, err := c.Office.Mapping(ctx, id)
	if err != nil {
		return drawn{}, err
	}
	d := drawn{Mapping: m, lists: lists{Note: m.Note}}
	accounts, err := c.Office.Listing(ctx, id, journal.AccountList, false)
	if err != nil {
		d.lists.Note = unread(err)
		return d, ourFault(err)
	}
	d.lists.AsOf, d.lists.Note = accounts.ReadAt, cmp.Or(accounts.Note, m.Note)
	d.Accounts = slices.SortedStableFunc(slices.Values(accounts.Accounts), func(a, b journal.Account) int { return strings.Compare(a.FullyQualifiedName, b.FullyQualifiedName) })
	if len(branchesOf(m)) == 0 {
		return d, nil
	}
	for list, into := range map[journal.List]*[]journal.Segment{journal.ClassList: &d.Classes, journal.DepartmentList: &d.Places} {
		shown, err := c.Office.Listing(ctx, id, list, false)
		if err != nil {
			if err = ourFault(err); err != nil {
				return d, err
			}
			d.lists.Note = cmp.Or(d.lists.Note, "QuickBooks’ classes and locations could not be read. Try again in a minute.")
			continue
		}
		*into = shown.Segments
	}
	return d, nil
}

func unread(err error) string {
	return "QuickBooks’ accounts could not be read, so there is nothing to choose from. " + fault.As(err).Text()
}

// ourFault is an error that is not QuickBooks': a page without a list is of use, but a fault of ours is told.
func ourFault(err error) error {
	switch fault.CodeOf(err) {
	case fault.Disconnected, fault.Throttled, fault.Unavailable, fault.Refused, fault.Unknown:
		return nil
	}
	return err
}

// branchesOf are the branches that a mapping speaks of, or may have to.
func branchesOf(m setup.Mapping) []string {
	ids := map[string]bool{}
	for id := range m.Mapping.Branches {
		ids[id] = true
	}
	for _, b := range m.Known.Branches {
		ids[b.ID] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

// mapRow is one thing that is mapped: what it is, what it was used for, and where it stands.
type mapRow struct {
	Field   string // "roles.discounts", "gl_accounts.4410", "branches.main"
	Title   string
	About   string // what it is, in plain words
	UsedFor []string
	Absent  bool   // it is not mapped, and has to be
	Spare   bool   // a branch, of an organisation that maps none
	Wrong   string // what is wrong with what is chosen
	Why     []setup.Suggestion
	Picks   []pick
	Needed  *setup.Missing // what waits for it; nil: that was not looked at
}

// Anchor is the row's place in a page.
func (r mapRow) Anchor() string { return anchorOf(r.Field) }

func anchorOf(field string) string { return "at-" + hex.EncodeToString([]byte(field)) }

// pick is one choice of a row.
type pick struct {
	Field  string // "gl_accounts.4410", "branches.main.class"
	Label  string // what is chosen
	For    string // what it is chosen for
	Chosen string
	Typed  string // what was typed and is nothing in QuickBooks
	None   string // what it is called to choose nothing
	Wrong  bool
	Search bool // there are too many to list: it is found by its name
	Groups []optionGroup
}

type optionGroup struct {
	Label   string
	Options []option
}

type option struct {
	ID, Name string
	Chosen   bool
}

// ID is the choice's own in a page.
func (p pick) ID() string { return "pick-" + hex.EncodeToString([]byte(p.Field)) }

// Shown is what stands in the field of a choice that is typed.
func (p pick) Shown() string {
	if p.Typed != "" {
		return p.Typed
	}
	for _, g := range p.Groups {
		for _, o := range g.Options {
			if o.ID == p.Chosen {
				return o.Name
			}
		}
	}
	return ""
}

// fits says whether a row has every word of a search.
func (r mapRow) fits(q string) bool {
	text := strings.ToLower(strings.Join(append([]string{r.Title, r.About, r.Field}, r.UsedFor...), " "))
	for _, p := range r.Picks {
		text += " " + strings.ToLower(p.Shown())
	}
	for word := range strings.FieldsSeq(strings.ToLower(q)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// rowOf is the row of a field, or of a part of it.
func (d drawn) rowOf(field string) mapRow {
	if role, is := strings.CutPrefix(field, "roles."); is {
		return d.roleRow(org.Role(role))
	}
	if gl, is := strings.CutPrefix(field, "gl_accounts."); is {
		return d.glRow(gl)
	}
	branch, _ := branchOf(field)
	return d.branchRow(branch)
}

// rows are all rows of the mapping, with what a form chose in place of what is stored; what needs somebody is first.
func (d drawn) rows(form *mapForm) []mapRow {
	var rows []mapRow
	for _, role := range d.roles() {
		rows = append(rows, d.roleRow(role))
	}
	for _, gl := range d.glAccounts() {
		rows = append(rows, d.glRow(gl))
	}
	for _, id := range branchesOf(d.Mapping) {
		if row := d.branchRow(id); len(row.Picks) > 0 {
			rows = append(rows, row)
		}
	}
	stored := flat(d.Mapping.Mapping)
	for i := range rows {
		rows[i].put(stored, form)
	}
	rank := func(r mapRow) int {
		switch {
		case r.Wrong != "":
			return 0
		case r.Absent:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(rows, func(a, b mapRow) int { return rank(a) - rank(b) })
	d.find(rows)
	return rows
}

// put puts what is stored, or what a form chose, into a row.
func (r *mapRow) put(stored map[string]string, form *mapForm) {
	for i := range r.Picks {
		p := &r.Picks[i]
		p.Chosen = stored[p.Field]
		if form == nil {
			continue
		}
		if id, is := form.IDs[p.Field]; is {
			p.Chosen = id
		}
		p.Typed = form.Typed[p.Field]
		if problem := cmp.Or(form.problems[p.Field], form.problems[r.Field]); problem != "" {
			p.Wrong, r.Wrong = true, problem
		}
	}
}

func (d drawn) roles() []org.Role {
	roles := org.Roles()
	var more []org.Role
	for _, bank := range d.Known.Banks {
		more = append(more, org.Bank(bank))
	}
	for role := range d.Mapping.Mapping.Roles {
		if !slices.Contains(roles, role) {
			more = append(more, role)
		}
	}
	slices.Sort(more)
	return append(roles, slices.Compact(more)...)
}

func (d drawn) roleRow(role org.Role) mapRow {
	field := "roles." + string(role)
	row := mapRow{Field: field, Title: capital(role.Label()), About: roleAbout(role), Picks: []pick{account(field, capital(role.Label()))}}
	_, mapped := d.Mapping.Mapping.Account(role) // increases stand on adjustments unless they have an account of their own (accounting.md §2)
	row.Absent = !mapped
	if role == org.AdjustmentsIncrease {
		row.Picks[0].None = "The same as Adjustments"
	}
	return row
}

// roleAbout is what a role is, from ../rules/accounting.md §2.
func roleAbout(role org.Role) string {
	if _, is := role.BankID(); is {
		return "A checkbook or bank account of Passare’s."
	}
	switch role {
	case org.AccountsReceivable:
		return "What families owe, with the customer on every line."
	case org.DepositsClearing:
		return "Money that was received and is not banked yet. Never Undeposited Funds: it would show again on QuickBooks’ page for bank deposits."
	case org.CardClearing:
		return "What the card processor owes you."
	case org.CashAdvances:
		return "Where cash-advance items stand that have no GL account."
	case org.SalesTax:
		return "Sales tax that you owe."
	case org.Discounts:
		return "Discounts, which are shown on a line of their own."
	case org.FinanceIncome:
		return "Interest that is charged to families."
	case org.Adjustments:
		return "Write-offs and courtesies: families owe less."
	case org.AdjustmentsIncrease:
		return "Adjustments by which families owe more."
	case org.InsuranceFees:
		return "What insurers and CLAIMCHECK keep."
	case org.MerchantFees:
		return "What card processors keep."
	case org.ReturnedPaymentFees:
		return "What the bank charges for a returned payment."
	case org.InsuranceGrowth:
		return "What insurance pays beyond a guaranteed contract."
	case org.RefundsPayable:
		return "Refunds that a Passare check will pay."
	}
	return ""
}

func (d drawn) glAccounts() []string {
	ids := map[string]bool{}
	for _, k := range d.Known.GL {
		ids[k.Account] = true
	}
	for id := range d.Mapping.Mapping.GL {
		ids[id] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

func (d drawn) glRow(gl string) mapRow {
	field, title := "gl_accounts."+gl, org.GL(gl).Label()
	row := mapRow{Field: field, Title: title, Absent: d.Mapping.Mapping.GL[gl] == "", Picks: []pick{account(field, title)}}
	for _, k := range d.Known.GL {
		if k.Account == gl {
			row.UsedFor = k.UsedFor
		}
	}
	if len(row.UsedFor) == 0 {
		row.About = "No entry has used it lately."
	}
	return row
}

// branchName is how people call a branch.
func (d drawn) branchName(id string) string {
	for _, b := range d.Known.Branches {
		if b.ID == id && b.Name != "" {
			return b.Name
		}
	}
	return id
}

func (d drawn) branchRow(id string) mapRow {
	at, mapped := d.Mapping.Mapping.Branches[id]
	field, maps := "branches."+id, d.Mapping.Mapping.MapsBranches()
	row := mapRow{Field: field, Title: "Branch " + d.branchName(id), About: "A class, a location, or both, on every line of this branch.", Absent: maps && !mapped, Spare: !maps}
	if len(d.Classes) > 0 || at.Class != "" {
		row.Picks = append(row.Picks, pick{Field: field + ".class", Label: "Class", For: row.Title, None: "No class"})
	}
	if len(d.Places) > 0 || at.Location != "" {
		row.Picks = append(row.Picks, pick{Field: field + ".location", Label: "Location", For: row.Title, None: "No location"})
	}
	return row
}

func account(field, title string) pick {
	return pick{Field: field, Label: "QuickBooks account", For: title, None: "Not mapped"}
}

// find gives each choice the name of what is chosen, by which a search finds its row.
func (d drawn) find(rows []mapRow) {
	for i := range rows {
		for k := range rows[i].Picks {
			p := &rows[i].Picks[k]
			if p.Chosen != "" {
				p.Groups = []optionGroup{{Label: "Chosen", Options: []option{{p.Chosen, d.nameOf(p.Field, p.Chosen), true}}}}
			}
		}
	}
}

// nameOf is how QuickBooks calls what a field stands on.
func (d drawn) nameOf(field, id string) string {
	segments, what := []journal.Segment(nil), "account"
	switch {
	case id == "":
		return ""
	case strings.HasPrefix(field, "branches.") && strings.HasSuffix(field, ".class"):
		segments, what = d.Classes, "class"
	case strings.HasPrefix(field, "branches."):
		segments, what = d.Places, "location"
	default:
		for _, a := range d.Accounts {
			if a.ID == id {
				return accountTitle(a)
			}
		}
	}
	for _, s := range segments {
		if s.ID == id {
			return s.FullyQualifiedName
		}
	}
	return "QuickBooks " + what + " " + id
}

// accountTitle is an account as its owners know it, by the number too where they number accounts.
func accountTitle(a journal.Account) string {
	title := strings.TrimSpace(a.Number + " " + a.FullyQualifiedName)
	if !a.Active {
		title += " (inactive in QuickBooks)"
	}
	return title
}

// Bounds of a page, in bytes: what its lists may come to altogether, and what is offered where a list would be too long.
const (
	listBytes    = 30 << 10
	offeredBytes = 16 << 10
	optionBytes  = 34 // of an option's own markup
)

// stock gives the rows of a page what they may choose from: a list each, or, where lists would be too long, one for all of them that is searched by typing.
func (d *drawn) stock(rows []mapRow) {
	searched := false
	for i := range rows {
		row := &rows[i]
		if row.Wrong != "" || row.Absent {
			row.Why = d.suggested(*row)
		}
		for k := range row.Picks {
			p := &row.Picks[k]
			groups, size := d.groups(*p, row.Why)
			if p.Search = isAccount(p.Field) && size > listBytes/len(rows); p.Search {
				searched = true
				continue
			}
			p.Groups = groups
		}
	}
	if !searched {
		return
	}
	size := 0
	for _, a := range d.Accounts {
		if size += len(accountTitle(a)) + optionBytes; a.Active && size < offeredBytes {
			d.Offered = append(d.Offered, accountTitle(a))
		}
	}
}

func isAccount(field string) bool { return !strings.HasPrefix(field, "branches.") }

func (d drawn) suggested(row mapRow) []setup.Suggestion {
	if row.Needed != nil && len(row.Needed.Suggestions) > 0 {
		return row.Needed.Suggestions
	}
	if branch, is := strings.CutPrefix(row.Field, "branches."); is {
		return setup.SuggestPlaces(d.branchName(branch), d.Classes, d.Places)
	}
	return d.Suggest(row.Field, d.Accounts)
}

// groups are what a choice is made from: what is suggested, then all that fits; and what is chosen now, should it be neither.
func (d drawn) groups(p pick, suggested []setup.Suggestion) (groups []optionGroup, size int) {
	suggestions, rest := optionGroup{Label: "Suggested"}, optionGroup{Label: "All that fit"}
	found := p.Chosen == ""
	add := func(id, name, kind string) {
		size += len(id) + len(name) + optionBytes
		o := option{ID: id, Name: name, Chosen: id == p.Chosen}
		found = found || o.Chosen
		if slices.ContainsFunc(suggested, func(s setup.Suggestion) bool { return s.ID == id && s.Kind == kind }) {
			suggestions.Options = append(suggestions.Options, o)
		} else {
			rest.Options = append(rest.Options, o)
		}
	}
	switch {
	case isAccount(p.Field):
		for _, a := range d.Accounts {
			if a.Active && setup.Fits(p.Field, a) {
				add(a.ID, accountTitle(a), "account")
			}
		}
	case strings.HasSuffix(p.Field, ".class"):
		addSegments(d.Classes, "class", add)
	default:
		addSegments(d.Places, "location", add)
	}
	slices.SortStableFunc(suggestions.Options, func(a, b option) int { return best(suggested, a.ID) - best(suggested, b.ID) })
	if !found {
		groups = append(groups, optionGroup{Label: "Chosen now", Options: []option{{p.Chosen, d.nameOf(p.Field, p.Chosen), true}}})
	}
	for _, g := range []optionGroup{suggestions, rest} {
		if len(g.Options) > 0 {
			groups = append(groups, g)
		}
	}
	return groups, size
}

// best is the place of a suggestion among all.
func best(suggested []setup.Suggestion, id string) int {
	return slices.IndexFunc(suggested, func(s setup.Suggestion) bool { return s.ID == id })
}

func addSegments(segments []journal.Segment, kind string, add func(id, name, kind string)) {
	for _, s := range segments {
		if s.Active {
			add(s.ID, s.FullyQualifiedName, kind)
		}
	}
}
