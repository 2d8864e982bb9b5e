package setup_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/setup"
)

func TestAProblemIsPutRightInOneField(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]string{
		"account gl:4410": "gl_accounts.4410", "account sales_tax": "roles.sales_tax", "account bank:operating": "roles.bank:operating", "branch main": "branches.main",
	} {
		if got := setup.Field(subject); got != want {
			t.Errorf("%s: %s, not %s", subject, got, want)
		}
	}
}

// TestWhatFitsIsWhatCanBeSaved holds what is offered for a field to what the office takes for it.
func TestWhatFitsIsWhatCanBeSaved(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	dry := func(w *setup.MappingWish) { w.DryRun = true }
	for _, role := range append(org.Roles(), org.Bank("operating"), "nothing") {
		for _, a := range accounts() {
			_, err := h.save(org.Mapping{Roles: map[org.Role]string{role: a.ID}}, dry)
			if fits := setup.Fits("roles."+string(role), a); fits != (err == nil) || err != nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("%s on %s: fits %t, and %v", role, a.Name, fits, err)
			}
		}
	}
	for _, a := range accounts() {
		if _, err := h.save(org.Mapping{GL: map[string]string{"4410": a.ID}}, dry); setup.Fits("gl_accounts.4410", a) != (err == nil) {
			t.Errorf("4410 on %s: %v", a.Name, err)
		}
	}
}

func TestWhatIsSuggestedIsTheSameWhereverItIsAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.signed("one", intlog.Failed, "4410", "main", "account gl:4410", "account sales_tax")
	problems, err := h.office.MappingProblems(t.Context(), willow)
	if err != nil || len(problems.Missing) != 2 {
		t.Fatalf("%+v %v", problems, err)
	}
	m, err := h.office.Mapping(t.Context(), willow)
	if err != nil {
		t.Fatal(err)
	}
	for _, missing := range problems.Missing {
		if diff := cmp.Diff(missing.Suggestions, m.Suggest(missing.Field, sorted())); diff != "" || len(missing.Suggestions) == 0 {
			t.Errorf("%s: %s", missing.Field, diff)
		}
	}
	places := setup.SuggestPlaces("East", h.books.lists["classes"].Segments, h.books.lists["departments"].Segments)
	if len(places) != 1 || places[0].Name != "East" || places[0].Kind != "location" {
		t.Errorf("%+v", places)
	}
	if more := m.Suggest("gl_accounts.9999", accounts()); len(more) != 0 {
		t.Errorf("%+v for what nobody has used", more)
	}
}

// sorted are the accounts in the order of their names.
func sorted() []journal.Account {
	all := accounts()
	slices.SortFunc(all, func(a, b journal.Account) int { return strings.Compare(a.FullyQualifiedName, b.FullyQualifiedName) })
	return all
}
