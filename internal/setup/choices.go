package setup

import (
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// Field is where in a mapping a problem with it (rules, Problem.Subject) is put right, as PUT /v1/mapping names it: "gl_accounts.4410", "roles.discounts",
// "branches.main".
func Field(subject string) string {
	if branch, is := strings.CutPrefix(subject, branchSubject); is {
		return "branches." + branch
	}
	role := strings.TrimPrefix(subject, accountSubject)
	if gl, is := org.Role(role).GLAccount(); is {
		return "gl_accounts." + gl
	}
	return "roles." + role
}

// Fits says whether a field of a mapping, a role or a GL account, may stand on an account (../rules/accounting.md §2).
func Fits(field string, a journal.Account) bool {
	c := checking{chart: chart{accounts: map[string]journal.Account{a.ID: a}}}
	if role, is := strings.CutPrefix(field, "roles."); is {
		return c.role(org.Role(role), a.ID) == ""
	}
	return c.gl(strings.TrimPrefix(field, "gl_accounts."), a.ID) == ""
}

// Suggest suggests accounts for a role or a GL account, the best first.
func (m Mapping) Suggest(field string, accounts []journal.Account) []Suggestion {
	if role, is := strings.CutPrefix(field, "roles."); is {
		return suggestForRole(org.Role(role), accounts)
	}
	gl := strings.TrimPrefix(field, "gl_accounts.")
	at := slices.IndexFunc(m.Known.GL, func(k GLAccount) bool { return k.Account == gl })
	if at < 0 {
		return new(group).suggestForGL(gl, nil, m.Mapping, accounts)
	}
	known, x := m.Known.GL[at], group{fits: map[string]int{}}
	for _, kind := range known.Fits {
		x.fits[kind]++
	}
	x.advance = slices.ContainsFunc(known.UsedFor, func(use string) bool { return strings.HasPrefix(use, "Cash advance") })
	return x.suggestForGL(gl, known.UsedFor, m.Mapping, accounts)
}

// SuggestPlaces suggests classes and locations for a branch by its name, the best first.
func SuggestPlaces(branch string, classes, locations []journal.Segment) []Suggestion {
	return suggestSegments(branch, lists{classes: classes, places: locations})
}
