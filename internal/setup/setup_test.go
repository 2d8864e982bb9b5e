package setup_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/rules"
	"github.com/passare/qbo-sync/internal/setup"
)

const willow = "willow"

// house is an office over a store, with a QuickBooks that tests write, and a clock that they move.
type house struct {
	t      testing.TB
	store  *memory.Store
	books  *books
	office *setup.Office
	at     time.Time
}

// books is QuickBooks' lists. Before says what happens right before one is read.
type books struct {
	lists  map[journal.List]journal.Listing
	err    error
	reads  int
	before func()
	now    func() time.Time
}

func (b *books) Listing(_ context.Context, _ org.Company, list journal.List) (journal.Listing, error) {
	b.reads++
	if b.before != nil {
		before := b.before
		b.before = nil
		before()
	}
	l := b.lists[list]
	l.List, l.ReadAt = list, b.now()
	return l, b.err
}

// sent is a queue that takes everything.
type sent struct{}

func (sent) Send(context.Context, intlog.Work) error { return nil }

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, store: memory.NewStore(), at: time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.at }
	h.books = &books{now: now, lists: map[journal.List]journal.Listing{
		journal.AccountList: {Accounts: accounts()},
		journal.ClassList:   {Segments: []journal.Segment{{ID: "c1", Name: "Main Street", FullyQualifiedName: "Main Street", Active: true}, {ID: "c2", Name: "Old"}}},
		journal.DepartmentList: {Segments: []journal.Segment{
			{ID: "d1", Name: "Main", FullyQualifiedName: "Main", Active: true}, {ID: "d2", Name: "East", FullyQualifiedName: "East", Active: true},
		}},
	}}
	h.office = setup.New(h.store, h.books, retrying.New(h.store, sent{}, now), now)
	if _, err := h.store.PutConfig(t.Context(), org.Config{Org: willow, Name: "Willow", Realm: "1", Mapping: org.Mapping{Version: 1}}, 0); err != nil {
		t.Fatal(err)
	}
	return h
}

// accounts has one active account of each type, named by it, and some that are special.
func accounts() []journal.Account {
	var all []journal.Account
	for i, kind := range []string{
		"Accounts Receivable", "Accounts Payable", "Bank", "Other Current Asset", "Other Current Liability", "Income", "Other Income", "Expense", "Other Expense",
		"Cost of Goods Sold", "Equity", "Fixed Asset", "Credit Card",
	} {
		all = append(all, journal.Account{ID: fmt.Sprint("1", i), Name: kind, FullyQualifiedName: kind, Type: kind, Active: true})
	}
	return append(
		all,
		journal.Account{ID: "90", Name: "Payments to deposit", FullyQualifiedName: "Payments to deposit", Type: "Other Current Asset", SubType: "UndepositedFunds", Active: true},
		journal.Account{ID: "91", Name: "Flower Advances", FullyQualifiedName: "Advances:Flower Advances", Type: "Other Current Liability", Active: true},
		journal.Account{ID: "92", Name: "Numbered", FullyQualifiedName: "Numbered", Type: "Income", Number: "4410", Active: true},
		journal.Account{ID: "93", Name: "Flowers of old", FullyQualifiedName: "Flowers of old", Type: "Other Current Liability"},
	)
}

// account is the id of the active account of a type.
func account(kind string) string {
	all := accounts()
	return all[slices.IndexFunc(all, func(a journal.Account) bool { return a.Name == kind })].ID
}

func (h *house) config() org.Config {
	h.t.Helper()
	c, err := h.store.Config(h.t.Context(), willow)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// signed stores the entry of a contract with one item, in a state, which waits for what is missing.
func (h *house) signed(id string, state intlog.State, gl, branch string, missing ...string) intlog.Entry {
	h.t.Helper()
	raw := fmt.Sprintf(`{"specversion":"1.0","id":"e-%[1]s","source":"/organizations/willow","type":"com.passare.goods_and_services.signed","time":"2026-03-04T15:00:00Z",
"data":{"record":{"type":"goods_and_services","id":%[1]q,"version":1},"case":{"id":"c","number":"24-1","decedent":{"first":"A","last":"B"}},"branch":{"id":%[3]q,"name":"Branch %[3]s"},"actor":{"id":"u","name":"Ana"},
"signed_on":"2026-03-02","items":[{"id":"i1","kind":"cash_advance","gl_account":%[2]q,"description":"flowers","amount":"200.00"}],"total":"200.00"}}`, id, gl, branch)
	event, err := passare.Decode([]byte(raw))
	if err != nil {
		h.t.Fatal(err)
	}
	first := state
	if state == intlog.Failed {
		first = intlog.Queued
	}
	e, _, err := h.store.Create(h.t.Context(), intlog.New(event, first, "", h.at), nil)
	if err == nil && state == intlog.Failed {
		e, err = e.Move(intlog.Failed, "test", "", h.at)
		for _, subject := range missing {
			e.Cause = append(e.Cause, rules.Problem{Kind: rules.Mapping, Subject: subject, Who: "administrator", Text: "Map it."})
		}
		if err == nil {
			e, err = h.store.Update(h.t.Context(), e)
		}
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func (h *house) save(m org.Mapping, change ...func(*setup.MappingWish)) (setup.MappingEffect, error) {
	h.t.Helper()
	w := setup.MappingWish{Mapping: m, Who: "Ana"}
	for _, f := range change {
		f(&w)
	}
	return h.office.SaveMapping(h.t.Context(), willow, w)
}

func roles(of map[org.Role]string) org.Mapping { return org.Mapping{Roles: of} }

// wrongFields are the fields that an error names, with what is wrong with each.
func wrongFields(err error) map[string]string {
	said := map[string]string{}
	for _, f := range fault.As(err).Fields {
		said[f.Field] = f.Problem
	}
	return said
}

// TestTheTypesOfRolesAreThoseOfThePage: accounting.md §2, second column; parts in brackets are for people.
func TestTheTypesOfRolesAreThoseOfThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../rules/accounting.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z_]+)[^`]*` \\| ([^|]+) \\|").FindAllStringSubmatch(string(page), -1)
	if len(rows) != len(org.Roles())+1 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		role := org.Role(row[1])
		if row[1] == "bank" {
			role = org.Bank("operating")
		}
		text := regexp.MustCompile(`\s*\([^)]*\)|; default.*`).ReplaceAllString(row[2], "")
		want := regexp.MustCompile(` / | or `).Split(strings.TrimSpace(text), -1)
		if diff := cmp.Diff(want, role.AccountTypes()); diff != "" {
			t.Errorf("%s (-page +code):\n%s", role, diff)
		}
	}
}

func TestARoleStandsOnAnActiveAccountOfATypeThatFits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, role := range append(org.Roles(), org.Bank("operating")) {
		for _, a := range accounts() {
			_, err := h.save(roles(map[org.Role]string{role: a.ID}))
			fits := a.Active && slices.Contains(role.AccountTypes(), a.Type) && (role != org.DepositsClearing || a.SubType != "UndepositedFunds")
			if fits != (err == nil) || err != nil && (!fault.Is(err, fault.Invalid) || wrongFields(err)["roles."+string(role)] == "") {
				t.Errorf("%s on %s (%s): %v %v", role, a.Name, a.Type, err, wrongFields(err))
			}
		}
	}
	_, err := h.save(roles(map[org.Role]string{"bank:": account("Bank"), "bank: x": account("Bank"), "petty": "1", org.Discounts: "no"}))
	if got := slices.Sorted(maps.Keys(wrongFields(err))); !slices.Equal(got, []string{"roles.bank:", "roles.bank: x", "roles.discounts", "roles.petty"}) {
		t.Errorf("%v", got)
	}
}

func TestAGLAccountStandsOnAnyActiveAccountButReceivablesAndPayables(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, a := range accounts() {
		_, err := h.save(org.Mapping{GL: map[string]string{"4410": a.ID}})
		fits := a.Active && a.Type != "Accounts Receivable" && a.Type != "Accounts Payable"
		if fits != (err == nil) || err != nil && wrongFields(err)["gl_accounts.4410"] == "" {
			t.Errorf("%s: %v %v", a.Name, err, wrongFields(err))
		}
	}
	if _, err := h.save(org.Mapping{GL: map[string]string{" 1": account("Income"), "2": account("Income")}}); len(wrongFields(err)) != 1 {
		t.Errorf("blanks: %v", wrongFields(err))
	}
}

func TestAnOrganisationThatMapsBranchesMapsAllThatAreKnown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.signed("g1", intlog.Synced, "1", "main")
	h.signed("g2", intlog.Held, "1", "east")
	branches := func(b map[string]org.BranchPlace) org.Mapping { return org.Mapping{Branches: b} }
	for name, c := range map[string]struct {
		branches map[string]org.BranchPlace
		wrong    []string
	}{
		"none at all":             {nil, nil},
		"all":                     {map[string]org.BranchPlace{"main": {Class: "c1"}, "east": {Location: "d2"}}, nil},
		"one that is not known":   {map[string]org.BranchPlace{"main": {Class: "c1", Location: "d1"}, "east": {Location: "d2"}, "new": {Class: "c1"}}, nil},
		"not all":                 {map[string]org.BranchPlace{"main": {Class: "c1"}}, []string{"branches.east"}},
		"nothing for one":         {map[string]org.BranchPlace{"main": {}, "east": {Class: "c1"}}, []string{"branches.main"}},
		"what is not there":       {map[string]org.BranchPlace{"main": {Class: "d1", Location: "c1"}, "east": {Class: "c1"}}, []string{"branches.main.class", "branches.main.location"}},
		"an inactive class":       {map[string]org.BranchPlace{"main": {Class: "c2"}, "east": {Class: "c1"}}, []string{"branches.main.class"}},
		"what cannot be a branch": {map[string]org.BranchPlace{"main": {Class: "c1"}, "east": {Class: "c1"}, "": {Class: "c1"}}, []string{"branches."}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.save(branches(c.branches), func(w *setup.MappingWish) { w.DryRun = true })
			if got := slices.Sorted(maps.Keys(wrongFields(err))); !slices.Equal(got, c.wrong) || (err == nil) != (c.wrong == nil) {
				t.Errorf("%v: %v", err, wrongFields(err))
			}
		})
	}
}

func TestASavedMappingIsKeptWithWhoChangedWhat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.config()
	c.Mapping = org.Mapping{Version: 5, Roles: map[org.Role]string{org.Discounts: account("Income")}, GL: map[string]string{"1": "92"}}
	if _, err := h.store.PutConfig(t.Context(), c, c.Version); err != nil {
		t.Fatal(err)
	}
	next := org.Mapping{Roles: map[org.Role]string{org.Adjustments: account("Expense"), org.SalesTax: ""}, GL: map[string]string{"1": account("Income")}, Branches: map[string]org.BranchPlace{"main": {Class: "c1"}}}
	saved, err := h.save(next)
	if err != nil {
		t.Fatal(err)
	}
	want := []org.Changed{
		{Field: "roles.adjustments", To: account("Expense"), ToName: "Expense"},
		{Field: "roles.discounts", From: account("Income"), FromName: "Income"},
		{Field: "gl_accounts.1", From: "92", To: account("Income"), FromName: "Numbered", ToName: "Income"},
		{Field: "branches.main.class", To: "c1", ToName: "Main Street"},
	}
	if diff := cmp.Diff(want, saved.Changes); diff != "" {
		t.Error(diff)
	}
	list, more, err := h.office.Versions(t.Context(), willow, 0, 10)
	if err != nil || more || len(list) != 2 || list[0].Mapping.Version != 6 || list[0].Who != "Ana" || !list[0].At.Equal(h.at) || list[1].Mapping.Version != 5 || list[1].Who != "" {
		t.Fatalf("%+v, %v", list, err)
	}
	if diff := cmp.Diff(want, list[0].Changes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(c.Mapping, list[1].Mapping); diff != "" {
		t.Errorf("what was there before is not kept:\n%s", diff)
	}
	if _, stored := h.config().Mapping.Roles[org.SalesTax]; stored {
		t.Error("an empty id is stored")
	}
	before := h.config()
	again, err := h.save(next)
	if err != nil || again.Stored || h.config().Version != before.Version {
		t.Errorf("saving the same again: %t, %v", again.Stored, err)
	}
}

func TestADryRunSaysWhatTheSaveDoesAndStoresNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.signed("g1", intlog.Failed, "4410", "main", "account gl:4410")
	h.signed("g2", intlog.Failed, "4410", "main", "account gl:4410", "account sales_tax")
	h.signed("g3", intlog.Failed, "4410", "main", "branch main")
	h.signed("g4", intlog.Pending, "4410", "main")
	m := org.Mapping{GL: map[string]string{"4410": "91"}, Branches: map[string]org.BranchPlace{"main": {Class: "c1"}}}
	before := h.config()
	dry, err := h.save(m, func(w *setup.MappingWish) { w.DryRun = true })
	if err != nil {
		t.Fatal(err)
	}
	if dry.Stored || dry.Going.Entries != 2 || dry.Staying.Entries != 1 || dry.Going.Amount != 40000 {
		t.Errorf("%+v", dry)
	}
	if diff := cmp.Diff(before, h.config()); diff != "" {
		t.Errorf("it has stored:\n%s", diff)
	}
	saved, err := h.save(m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dry.Says, saved.Says); diff != "" || !cmp.Equal(dry.Changes, saved.Changes) || dry.Going != saved.Going {
		t.Errorf("dry run and save differ:\n%s", diff)
	}
	if saved.Freed.Failed != 3 { // each is tried; the one that still lacks something fails again
		t.Errorf("%d are tried again", saved.Freed.Failed)
	}
	if !strings.Contains(strings.Join(saved.Says, " "), "already keeps its account") {
		t.Errorf("%q", saved.Says)
	}
}

func TestAnOlderMappingOrCompanyIsStale(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	version := h.config().Mapping.Version
	see := func(w *setup.MappingWish) { w.IfVersion = &version }
	m := org.Mapping{GL: map[string]string{"1": "92"}}
	h.books.before = func() { // the machine notes a close date meanwhile: another configuration, and the same mapping
		c := h.config()
		c.CloseDate = "2026-01-31"
		if _, err := h.store.PutConfig(t.Context(), c, c.Version); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.save(m, see); err != nil || h.config().CloseDate != "2026-01-31" {
		t.Fatalf("another change of the configuration is in its way, or is lost: %v", err)
	}
	if _, err := h.save(m, see); !fault.Is(err, fault.Stale) {
		t.Errorf("an older version: %v", err)
	}
	h.books.before = func() { // another company is connected meanwhile
		c := h.config()
		c.Realm, c.Mapping = "2", org.Mapping{Version: c.Mapping.Version + 1}
		if _, err := h.store.PutConfig(t.Context(), c, c.Version); err != nil {
			t.Fatal(err)
		}
	}
	version = h.config().Mapping.Version
	if _, err := h.save(org.Mapping{GL: map[string]string{"1": account("Income")}}, see); !fault.Is(err, fault.Stale) || len(h.config().Mapping.GL) != 0 {
		t.Errorf("another company: %v", err)
	}
	if list, _, err := h.office.Versions(t.Context(), willow, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("versions of another company: %v %v", list, err)
	}
}

func TestWhatIsMissingIsToldOnceWithSuggestions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, err := h.save(roles(map[org.Role]string{org.CashAdvances: account("Other Current Liability")})); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		h.signed(fmt.Sprint("g", i), intlog.Failed, "4410", "east", "account gl:4410")
		h.at = h.at.Add(time.Minute)
	}
	h.signed("h1", intlog.Failed, "4410", "east", "account gl:4410", "branch east", "account sales_tax")
	h.signed("h2", intlog.Pending, "4410", "east")
	other := h.signed("h3", intlog.Failed, "4410", "east")
	other.Cause = []rules.Problem{{Kind: rules.Data, Subject: "case", Text: "It has no name."}}
	if _, err := h.store.Update(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	p, err := h.office.MappingProblems(t.Context(), willow)
	if err != nil {
		t.Fatal(err)
	}
	if p.Waiting.Entries != 4 || p.Waiting.Amount != 80000 || len(p.Missing) != 3 {
		t.Fatalf("%+v", p)
	}
	gl := p.Missing[0]
	if gl.Field != "gl_accounts.4410" || gl.Label != "Cash advance – flowers" || gl.Waiting.Entries != 4 || gl.Entries[0] != "goods_and_services.g0.1" || gl.Who != "administrator" {
		t.Errorf("%+v", gl)
	}
	names := func(list []setup.Suggestion) (all []string) {
		for _, s := range list {
			all = append(all, s.Name)
		}
		return all
	}
	if diff := cmp.Diff([]string{"Numbered", "Advances:Flower Advances", "Other Current Liability"}, names(gl.Suggestions)); diff != "" {
		t.Errorf("by number, by name and type, by role:\n%s", diff)
	}
	for _, m := range p.Missing[1:] {
		switch m.Field {
		case "roles.sales_tax":
			if m.Label != "Sales tax" || len(m.Suggestions) != 2 {
				t.Errorf("%+v", m)
			}
		case "branches.east":
			if m.Label != "Branch Branch east" || !cmp.Equal([]string{"East"}, names(m.Suggestions)) {
				t.Errorf("%+v", m)
			}
		default:
			t.Errorf("%+v", m)
		}
	}
	h.books.err = fault.New(fault.Unavailable, "QuickBooks cannot be reached.")
	if p, err = newBlind(h).MappingProblems(t.Context(), willow); err != nil || len(p.Missing) != 3 || p.Note == "" || len(p.Missing[0].Suggestions) != 0 {
		t.Errorf("without QuickBooks: %+v, %v", p, err)
	}
}

// newBlind is an office of the same log that has never read a list.
func newBlind(h *house) *setup.Office {
	return setup.New(blind{h.store}, h.books, retrying.New(h.store, sent{}, func() time.Time { return h.at }), func() time.Time { return h.at })
}

type blind struct{ *memory.Store }

func (blind) Listing(context.Context, org.Company, journal.List) (journal.Listing, bool, error) {
	return journal.Listing{}, false, nil
}

func TestAListThatCannotBeReadAgainIsShownWithItsAge(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	read := func(refresh bool) (setup.Shown, error) {
		return h.office.Listing(t.Context(), willow, journal.AccountList, refresh)
	}
	h.books.err = fault.New(fault.Unavailable, "QuickBooks cannot be reached.")
	if _, err := read(false); !fault.Is(err, fault.Unavailable) {
		t.Errorf("never read: %v", err)
	}
	h.books.err = nil
	first, err := read(false)
	if err != nil || len(first.Accounts) != len(accounts()) || first.Note != "" {
		t.Fatalf("%+v, %v", first, err)
	}
	h.at = h.at.Add(time.Hour)
	reads := h.books.reads
	if again, err := read(false); err != nil || !again.ReadAt.Equal(first.ReadAt) || h.books.reads != reads {
		t.Errorf("from the cache: %+v, %v", again, err)
	}
	for _, code := range []fault.Code{fault.Unavailable, fault.Throttled, fault.Disconnected, fault.Refused} {
		h.books.err = fault.New(code, "It is so.")
		if shown, err := read(true); err != nil || !shown.ReadAt.Equal(first.ReadAt) || !strings.Contains(shown.Note, "3/4/2026 at 15:00 UTC") {
			t.Errorf("%s: %+v, %v", code, shown, err)
		}
	}
	h.books.err = fault.New(fault.Internal, "a bug")
	if _, err := read(true); !fault.Is(err, fault.Internal) {
		t.Errorf("a fault of ours is hidden: %v", err)
	}
	h.books.err = nil
	if shown, err := read(true); err != nil || !shown.ReadAt.Equal(h.at) || shown.Note != "" {
		t.Errorf("refreshed: %+v, %v", shown, err)
	}
	reads = h.books.reads
	if err := h.store.Pause(t.Context(), willow, h.at.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	h.at = h.at.Add(time.Second)
	if shown, err := read(true); err != nil || shown.Note == "" || h.books.reads != reads {
		t.Errorf("while QuickBooks takes no request: %+v, %v", shown, err)
	}
}

func (h *house) set(change func(*setup.SettingsWish)) (setup.SettingsEffect, error) {
	h.t.Helper()
	w := setup.SettingsWish{Who: "Ana"}
	change(&w)
	return h.office.ChangeSettings(h.t.Context(), willow, w)
}

func TestEachSwitchThatLetsNewEntriesGoAsksForThoseThatWait(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	pending := h.signed("p1", intlog.Pending, "1", "main")
	held := h.signed("h1", intlog.Held, "1", "main")
	on := true
	_, err := h.set(func(w *setup.SettingsWish) { w.AutoSync, w.AutoAddToExports = &on, &on })
	said := wrongFields(err)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(said["pending"], "1 entry ($200.00) waits for review") || !strings.Contains(said["held"], "1 entry ($200.00) waits for Add to Accounting Export") {
		t.Fatalf("%v %v", err, said)
	}
	if h.config().Settings.AutoSync {
		t.Fatal("it was stored all the same")
	}
	effect, err := h.set(func(w *setup.SettingsWish) {
		w.AutoSync, w.AutoAddToExports, w.Pending, w.Held = &on, &on, setup.Leave, setup.Release
	})
	if err != nil || effect.Freed.Held != 1 || effect.Freed.Pending != 0 {
		t.Fatalf("%+v, %v", effect, err)
	}
	is := func(e intlog.Entry, want intlog.State) {
		t.Helper()
		if got, err := h.store.Entry(t.Context(), e.Key); err != nil || got.State != want {
			t.Errorf("%s is %s, %v", e.ID(), got.State, err)
		}
	}
	is(held, intlog.Queued)
	is(pending, intlog.Pending)
	effect, err = h.set(func(w *setup.SettingsWish) { w.Pending = setup.Sync })
	if err != nil || effect.Freed.Pending != 1 || len(effect.Changes) != 2 {
		t.Errorf("asked for again: %+v, %v", effect, err)
	}
	is(pending, intlog.Queued)
	off := false
	if _, err := h.set(func(w *setup.SettingsWish) { w.AutoSync = &off }); err != nil {
		t.Errorf("turning it off asks nothing: %v", err)
	}
	_, err = h.set(func(w *setup.SettingsWish) {
		period, customer, cut := "never", "nobody", "2026-02-30"
		w.ClosedPeriod, w.TradeCustomer, w.CutOver, w.Pending, w.Held = &period, &customer, &cut, setup.Sync, "maybe"
	})
	if got := slices.Sorted(maps.Keys(wrongFields(err))); !slices.Equal(got, []string{"closed_period", "cut_over_date", "held", "pending", "trade_customer"}) {
		t.Errorf("every wrong field at once: %v", got)
	}
}

func TestTheNewestHundredChangesAreShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range setup.MaxChanges + 5 {
		on := i%2 == 0
		if _, err := h.set(func(w *setup.SettingsWish) { w.ExcludeChecks = &on }); err != nil {
			t.Fatal(err)
		}
		h.at = h.at.Add(time.Minute)
	}
	s, err := h.office.Settings(t.Context(), willow)
	if err != nil || len(s.Changes) != setup.MaxChanges || !s.Changes[0].At.Equal(h.at.Add(-time.Minute)) {
		t.Errorf("%d changes, the first of %s, %v", len(s.Changes), s.Changes[0].At, err)
	}
	want := []org.Changed{{Field: "exclude.checks", From: "false", To: "true"}}
	if diff := cmp.Diff(want, s.Changes[0].Fields); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsThatRaceWithTheMachineAreMadeOfWhatIsThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	racing := &racing{Store: h.store, race: func() {
		c := h.config()
		c.Settings.ExcludeLedger = true
		if _, err := h.store.PutConfig(t.Context(), c, c.Version); err != nil {
			t.Error(err)
		}
	}}
	now := func() time.Time { return h.at }
	h.office = setup.New(h.store, h.books, retrying.New(racing, sent{}, now), now)
	on := true
	if _, err := h.set(func(w *setup.SettingsWish) { w.ExcludeChecks = &on }); err != nil || !h.config().Settings.ExcludeChecks || !h.config().Settings.ExcludeLedger {
		t.Errorf("%+v, %v", h.config().Settings, err)
	}
}

// racing is a store in which somebody is faster, once.
type racing struct {
	*memory.Store
	race func()
}

func (r *racing) Reconfigure(ctx context.Context, c org.Config, ifVersion int64, kept org.Kept) (org.Config, error) {
	if race := r.race; race != nil {
		r.race = nil
		race()
	}
	return r.Store.Reconfigure(ctx, c, ifVersion, kept)
}

// TestPuttingAVersionAgainUndoesWhateverCameAfterIt: whichever mappings were saved.
func TestPuttingAVersionAgainUndoesWhateverCameAfterIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newHouse(t)
		var saved []org.Mapping
		for range rapid.IntRange(1, 4).Draw(rt, "saves") {
			m := org.Mapping{
				Roles: rapid.MapOf(rapid.SampledFrom([]org.Role{org.InsuranceFees, org.MerchantFees}), rapid.Just(account("Expense"))).Draw(rt, "roles"),
				GL:    rapid.MapOf(rapid.SampledFrom([]string{"1", "2", "3"}), rapid.SampledFrom([]string{"91", "92"})).Draw(rt, "gl"),
			}
			effect, err := h.save(m)
			if err != nil {
				rt.Fatal(err)
			}
			saved = append(saved, effect.Mapping.Mapping)
		}
		list, _, err := h.office.Versions(t.Context(), willow, 0, 10)
		if err != nil || len(list) == 0 {
			return // nothing was ever mapped
		}
		i := rapid.IntRange(0, len(list)-1).Draw(rt, "which")
		version, err := h.office.Version(t.Context(), willow, list[i].Mapping.Version)
		if err != nil {
			rt.Fatal(err)
		}
		again, err := h.save(version.Mapping)
		if err != nil {
			rt.Fatal(err)
		}
		for _, m := range []*org.Mapping{&again.Mapping.Mapping, &version.Mapping} {
			m.Version = 0
		}
		if !cmp.Equal(again.Mapping.Mapping.GL, version.Mapping.GL) || !cmp.Equal(again.Mapping.Mapping.Roles, version.Mapping.Roles) {
			rt.Fatalf("after %d saves: %s", len(saved), cmp.Diff(version.Mapping, again.Mapping.Mapping))
		}
	})
}
