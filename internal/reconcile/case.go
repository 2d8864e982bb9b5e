package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
)

// Case is what a case came to when its records were proved last. Errors: fault.NotFound for a case that no proof has seen.
func (p *Proof) Case(ctx context.Context, id, caseID string) (CaseProof, error) {
	proof, err := p.caseProof(ctx, id, caseID)
	if err != nil {
		return CaseProof{}, fmt.Errorf("reconcile.Case: %w", err)
	}
	return proof, nil
}

func (p *Proof) caseProof(ctx context.Context, id, caseID string) (CaseProof, error) {
	d, err := p.desk(ctx, id)
	if err != nil {
		return CaseProof{}, err
	}
	c, err := one[caseRecord](ctx, d, casePaper, caseID)
	if err == nil && !d.known(casePaper, caseID) {
		err = fault.New(fault.NotFound, "No proof has seen this case yet. It is compared the night after its first entry.")
	}
	if err != nil {
		return CaseProof{}, err
	}
	out := CaseProof{Case: caseID, CaseNo: c.CaseNo, Name: c.Name, Proved: c.Proved, Rows: []CaseRow{}, Customers: []CustomerBalance{}, Clearing: []Member{}, Advances: []Advance{}}
	customers := map[string]bool{}
	for _, record := range slices.Sorted(maps.Keys(c.Rows)) {
		row := c.Rows[record]
		out.Rows = append(out.Rows, CaseRow{Record: record, What: row.What, Date: row.Date, Entry: row.Entry, Owed: row.Owed})
		out.Owed = out.Owed.plus(row.Owed)
		for customer := range row.Customers {
			customers[customer] = true
		}
	}
	slices.SortStableFunc(out.Rows, func(a, b CaseRow) int { return cmp.Compare(a.Date, b.Date) })
	out.Agrees = out.Owed.Agree()
	ids := slices.Sorted(maps.Keys(customers))
	balances, err := take[customerRecord](ctx, d, customerPaper, ids...)
	if err != nil {
		return CaseProof{}, err
	}
	for i, b := range balances {
		if !b.Read.IsZero() {
			out.Customers = append(out.Customers, balance(ids[i], *b))
			out.Agrees = out.Agrees && b.unexplained() == 0
		}
	}
	today := date.Of(p.o.Now())
	for _, m := range members(caseID, *c) {
		out.Clearing = append(out.Clearing, m.aged(today))
	}
	for _, a := range advances(caseID, *c) {
		out.Advances = append(out.Advances, a.aged(today))
	}
	out.Says = out.says()
	return out, nil
}

func balance(id string, c customerRecord) CustomerBalance {
	return CustomerBalance{
		ID: id, Name: c.Name, Cases: len(c.Cases), Ours: c.ours(), Others: c.others() + c.Opening, Balance: c.Balance, Read: c.Read, Agrees: c.unexplained() == 0,
	}
}

func (f Figures) plus(g Figures) Figures {
	return Figures{f.Passare + g.Passare, f.Posted + g.Posted, f.QuickBooks + g.QuickBooks, f.Accepted + g.Accepted}
}

func (c CaseProof) says() string {
	if c.Agrees {
		return fmt.Sprintf("All agrees: the family owes $%s by Passare, by our entries and by QuickBooks.", c.Owed.Passare.Grouped())
	}
	if c.Owed.Agree() {
		return fmt.Sprintf("The entries agree, $%s, and the customer's balance in QuickBooks has something besides.", c.Owed.Posted.Grouped())
	}
	return fmt.Sprintf("The family owes $%s by Passare, $%s by our entries, and $%s by what QuickBooks has of them.",
		c.Owed.Passare.Grouped(), c.Owed.Posted.Grouped(), c.Owed.QuickBooks.Grouped())
}

// members are what went onto clearing accounts in a case, oldest first.
func members(group string, c caseRecord) []Member {
	found := map[string]*Member{}
	for _, record := range slices.Sorted(maps.Keys(c.Rows)) {
		for id, part := range c.Rows[record].Parts {
			role, of, ok := strings.Cut(strings.TrimPrefix(id, "member/"), "/")
			if !strings.HasPrefix(id, "member/") || !ok {
				continue
			}
			m := found[id]
			if m == nil {
				m = &Member{Record: of, Role: role, CaseNo: c.CaseNo, Name: c.Name, Since: part.Since}
				if !strings.HasPrefix(group, recordGroup) {
					m.Case = group
				}
				found[id] = m
			}
			m.Since = min(m.Since, part.Since)
			m.In, m.Out = m.In+part.In, m.Out+part.Out
			m.Open = m.In - m.Out
			m.QuickBooks += part.Theirs
		}
	}
	list := make([]Member, 0, len(found))
	for _, m := range found {
		list = append(list, *m)
	}
	slices.SortFunc(list, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Record, b.Record))
	})
	return list
}

// advances are the items of a case that are paid to others, in order of their ids.
func advances(group string, c caseRecord) []Advance {
	found := map[string]*Advance{}
	for _, record := range slices.Sorted(maps.Keys(c.Rows)) {
		for id, part := range c.Rows[record].Parts {
			if !strings.HasPrefix(id, "item/") {
				continue
			}
			a := found[id]
			if a == nil {
				a = &Advance{Case: group, CaseNo: c.CaseNo, Name: c.Name, Item: strings.TrimPrefix(id, "item/"), Since: part.Since}
				found[id] = a
			}
			a.Since = min(a.Since, part.Since)
			if isCheck := strings.HasPrefix(record, "check/"); isCheck {
				a.Paid += part.In - part.Out
				a.Vendor = cmp.Or(part.Vendor, a.Vendor)
			} else {
				a.Collected += part.Out - part.In
				if part.Says != "" {
					a.Item = part.Says
				}
			}
			a.Open = a.Collected - a.Paid
			a.QuickBooks -= part.Theirs
		}
	}
	list := make([]Advance, 0, len(found))
	for _, id := range slices.Sorted(maps.Keys(found)) {
		list = append(list, *found[id])
	}
	return list
}

func (m Member) aged(today date.Date) Member {
	m.Days = days(m.Since, today)
	return m
}

func (a Advance) aged(today date.Date) Advance {
	a.Days = days(a.Since, today)
	return a
}

// days is how many days lie between two dates, none if the first is later.
func days(from, to date.Date) int {
	a, err := time.Parse(time.DateOnly, string(from))
	b, err2 := time.Parse(time.DateOnly, string(to))
	if err != nil || err2 != nil || b.Before(a) {
		return 0
	}
	return int(b.Sub(a).Hours() / 24)
}

// ages are the steps of an ageing: up to how many days.
func ages() []Age {
	return []Age{{Label: "0–7 days"}, {Label: "8–30 days"}, {Label: "31–60 days"}, {Label: "61–90 days"}, {Label: "more than 90 days"}}
}

func age(list []Age, days int, cents money.Cents) {
	at := len(list) - 1
	for i, most := range []int{7, 30, 60, 90} {
		if days <= most {
			at = i
			break
		}
	}
	list[at].Amount += cents
	list[at].Members++
}

// Clearing is what stands on the clearing accounts.
func (p *Proof) Clearing(ctx context.Context, id string) (Clearing, error) {
	d, err := p.desk(ctx, id)
	if err != nil {
		return Clearing{}, fmt.Errorf("reconcile.Clearing: %w", err)
	}
	out := Clearing{Credits: []Credit{}}
	at := map[string]int{}
	for i, role := range []org.Role{org.DepositsClearing, org.CardClearing, org.RefundsPayable} {
		label := role.Label()
		out.Accounts = append(out.Accounts, ClearingAccount{Role: string(role), Name: strings.ToUpper(label[:1]) + label[1:], Ages: ages(), Members: []Member{}})
		at[string(role)] = i
	}
	today := date.Of(p.o.Now())
	err = each(ctx, d.store, d.at, casePaper, "", true, func(group string, c caseRecord) bool {
		for _, m := range members(group, c) {
			i, ok := at[m.Role]
			if m = m.aged(today); !ok || m.Open == 0 {
				continue
			}
			a := &out.Accounts[i]
			a.Open += m.Open
			age(a.Ages, m.Days, m.Open)
			a.Members = append(a.Members, m)
		}
		var owed money.Cents
		for _, row := range c.Rows {
			owed += row.Owed.Posted
		}
		if owed < 0 && !strings.HasPrefix(group, recordGroup) {
			out.Credits = append(out.Credits, Credit{Case: group, CaseNo: c.CaseNo, Name: c.Name, Amount: -owed})
			out.Credited -= owed
		}
		return false
	})
	if err != nil {
		return Clearing{}, fmt.Errorf("reconcile.Clearing: %w", err)
	}
	for i := range out.Accounts {
		a := &out.Accounts[i]
		slices.SortStableFunc(a.Members, func(a, b Member) int { return cmp.Compare(a.Since, b.Since) })
		a.More = max(0, len(a.Members)-MaxShown)
		a.Members = a.Members[:len(a.Members)-a.More]
	}
	slices.SortStableFunc(out.Credits, func(a, b Credit) int { return cmp.Compare(b.Amount, a.Amount) })
	out.Credits = out.Credits[:min(len(out.Credits), MaxShown)]
	return out, nil
}

// CashAdvances is what was collected for others and not paid, or the other way round.
func (p *Proof) CashAdvances(ctx context.Context, id string) (CashAdvances, error) {
	d, err := p.desk(ctx, id)
	if err != nil {
		return CashAdvances{}, fmt.Errorf("reconcile.CashAdvances: %w", err)
	}
	out := CashAdvances{Items: []Advance{}, Ages: ages()}
	today := date.Of(p.o.Now())
	err = each(ctx, d.store, d.at, casePaper, "", true, func(group string, c caseRecord) bool {
		for _, a := range advances(group, c) {
			if a = a.aged(today); a.Open == 0 {
				continue
			}
			out.Open += a.Open
			age(out.Ages, a.Days, a.Open)
			out.Items = append(out.Items, a)
		}
		return false
	})
	if err != nil {
		return CashAdvances{}, fmt.Errorf("reconcile.CashAdvances: %w", err)
	}
	slices.SortStableFunc(out.Items, func(a, b Advance) int { return cmp.Compare(a.Since, b.Since) })
	out.More = max(0, len(out.Items)-MaxShown)
	out.Items = out.Items[:len(out.Items)-out.More]
	return out, nil
}
