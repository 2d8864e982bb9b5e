package setup

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// MaxMapped is how many roles, GL accounts and branches a mapping may have, in each of the three.
const MaxMapped = 5_000

// checking is a mapping that is checked against what there is (../rules/accounting.md §2).
type checking struct {
	m     org.Mapping
	chart chart
	known Known
}

// all names every wrong field, in the order of the fields; none if the mapping keeps every rule.
func (c checking) all() (wrong []fault.Field) {
	if most := max(len(c.m.Roles), len(c.m.GL), len(c.m.Branches)); most > MaxMapped {
		return []fault.Field{{Field: "mapping", Value: fmt.Sprint(most), Problem: fmt.Sprintf("may have at most %d roles, GL accounts and branches each", MaxMapped)}}
	}
	for _, role := range slices.Sorted(maps.Keys(c.m.Roles)) {
		wrong = appendProblem(wrong, "roles."+string(role), c.m.Roles[role], c.role(role, c.m.Roles[role]))
	}
	for _, account := range slices.Sorted(maps.Keys(c.m.GL)) {
		wrong = appendProblem(wrong, "gl_accounts."+account, c.m.GL[account], c.gl(account, c.m.GL[account]))
	}
	return append(wrong, c.branches()...)
}

func appendProblem(wrong []fault.Field, field, value, problem string) []fault.Field {
	if problem == "" {
		return wrong
	}
	return append(wrong, fault.Field{Field: field, Value: value, Problem: problem})
}

// role says what is wrong with the account of a role, or nothing.
func (c checking) role(role org.Role, id string) string {
	fits := role.AccountTypes()
	if fits == nil {
		return "is not a role; there are " + roleNames() + ", and bank: with the id of a Passare bank account"
	}
	a, problem := c.account(id)
	switch {
	case problem != "":
		return problem
	case role == org.DepositsClearing && isUndeposited(a):
		return "must not be " + a.Name + ": what stands on it shows again on QuickBooks' bank-deposit page. Use an Other Current Asset account of its own"
	case !slices.Contains(fits, a.Type):
		return fmt.Sprintf("must be an account of type %s; %s is of type %s", strings.Join(fits, " or "), a.Name, a.Type)
	}
	return ""
}

func roleNames() string {
	names := make([]string, 0, len(org.Roles()))
	for _, r := range org.Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func isUndeposited(a journal.Account) bool {
	return a.SubType == org.UndepositedFundsKind || strings.EqualFold(a.Name, org.UndepositedFunds)
}

// gl says what is wrong with the account of a GL account, or nothing. Receivables are a role, with a customer on every line; and a receivable and a payable
// account are never mixed in one entry.
func (c checking) gl(account, id string) string {
	if !org.NamesAccount(account) {
		return "is not a GL account of Passare's: blanks around it, or too long"
	}
	a, problem := c.account(id)
	switch {
	case problem != "":
		return problem
	case a.Type == org.ReceivableType:
		return a.Name + " is a receivable account, which only the role accounts_receivable may have"
	case a.Type == org.PayableType:
		return a.Name + " is an Accounts Payable account: a receivable and a payable account cannot be in one entry"
	}
	return ""
}

// account finds an account that can be posted to, or says why there is none.
func (c checking) account(id string) (journal.Account, string) {
	a, found := c.chart.accounts[id]
	switch {
	case !found:
		return a, "is not an account in QuickBooks"
	case !a.Active:
		return a, a.Name + " is inactive in QuickBooks; make it active there, or choose another account"
	}
	return a, ""
}

// branches: an organisation that maps branches maps all that are known, each to a class, a location, or both.
func (c checking) branches() (wrong []fault.Field) {
	if !c.m.MapsBranches() {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(c.m.Branches)) {
		p, field := c.m.Branches[id], "branches."+id
		switch {
		case !org.NamesAccount(id):
			wrong = append(wrong, fault.Field{Field: field, Problem: "is not a branch of Passare's: blanks around it, or too long"})
		case p == (org.BranchPlace{}):
			wrong = append(wrong, fault.Field{Field: field, Problem: "needs a class, a location, or both"})
		}
		if p.Class != "" {
			wrong = appendProblem(wrong, field+".class", p.Class, segmentProblem(c.chart.classes, p.Class, "class"))
		}
		if p.Location != "" {
			wrong = appendProblem(wrong, field+".location", p.Location, segmentProblem(c.chart.places, p.Location, "location"))
		}
	}
	for _, b := range c.known.Branches {
		if _, ok := c.m.Branches[b.ID]; !ok {
			wrong = append(wrong, fault.Field{Field: "branches." + b.ID, Value: b.Name, Problem: "must be mapped, too: an organisation that maps branches maps all of them"})
		}
	}
	return wrong
}

func segmentProblem(segments map[string]journal.Segment, id, what string) string {
	s, found := segments[id]
	switch {
	case !found:
		return "is not a " + what + " in QuickBooks"
	case !s.Active:
		return s.Name + " is inactive in QuickBooks; make it active there, or choose another " + what
	}
	return ""
}
