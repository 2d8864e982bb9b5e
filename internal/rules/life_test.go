package rules_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// data is an event's data as JSON fields.
type data map[string]any

// happening is what a test says of an event; the envelope is made around it.
type happening struct {
	kind    string // "payment.created"
	id      string
	version int64
	data    data
}

func amount(c money.Cents) string { return c.String() }

func caseOf(n int) data {
	return data{
		"id": fmt.Sprintf("case-%d", n), "number": fmt.Sprintf("24-%04d", n), "decedent": data{"first": "John", "last": fmt.Sprintf("Smith%d", n)},
	}
}

func branchOf(n int) data { return data{"id": fmt.Sprintf("branch-%d", n), "name": "Chapel"} }

// event makes the wire event and decodes it as intake does, so that tests speak only what Passare can say.
func event(t testing.TB, h happening) passare.Event {
	t.Helper()
	e, err := passare.Decode(wire(t, h))
	if err != nil {
		t.Fatalf("%s v%d: %v", h.kind, h.version, err)
	}
	return e
}

func wire(t testing.TB, h happening) []byte {
	t.Helper()
	kind, _, _ := cut(h.kind)
	d := data{
		"record": data{"type": kind, "id": h.id, "version": h.version}, "branch": branchOf(1), "actor": data{"id": "user-17", "name": "Ana Diaz"},
	}
	if passare.RecordType(kind).HasCase() {
		d["case"] = caseOf(1)
	}
	for k, v := range h.data {
		d[k] = v
	}
	raw, err := json.Marshal(data{
		"specversion": "1.0", "id": fmt.Sprintf("evt-%s-%d", h.id, h.version), "source": "/organizations/willow-creek", "type": "com.passare." + h.kind,
		"subject": kind + "/" + h.id, "time": "2026-03-02T15:04:05Z", "data": d,
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func cut(kind string) (record, verb string, ok bool) {
	for i, c := range kind {
		if c == '.' {
			return kind[:i], kind[i+1:], true
		}
	}
	return kind, "", false
}

// everythingMapped maps every role and the GL accounts of these tests to accounts called like them.
func everythingMapped() org.Mapping {
	m := org.Mapping{Roles: map[org.Role]string{}, GL: map[string]string{}}
	for _, r := range []org.Role{
		org.AccountsReceivable, org.DepositsClearing, org.CardClearing, org.CashAdvances, org.SalesTax, org.Discounts, org.FinanceIncome, org.Adjustments,
		org.AdjustmentsIncrease, org.InsuranceFees, org.MerchantFees, org.ReturnedPaymentFees, org.InsuranceGrowth, org.RefundsPayable,
		org.Bank("operating"), org.Bank("savings"),
	} {
		m.Roles[r] = "qb " + string(r)
	}
	for _, gl := range []string{"4000", "4100", "4200", "2300", "6100", "7000"} {
		m.GL[gl] = "qb " + gl
	}
	m.Branches = map[string]org.BranchPlace{"branch-1": {Class: "class 1"}, "branch-2": {Class: "class 2", Location: "place 2"}}
	return m
}

// books is a record's life in QuickBooks: what was accepted, and what else the plans may see.
type books struct {
	t        testing.TB
	config   org.Config
	known    []passare.Event
	standing []rules.Standing
	related  map[passare.Ref]rules.Record
	mentions []passare.Ref
}

func newBooks(t testing.TB) *books {
	return &books{t: t, config: org.Config{Org: "willow-creek", Mapping: everythingMapped()}, related: map[passare.Ref]rules.Record{}}
}

// plan plans with the versions known, for the entry of one of them.
func (b *books) plan(entry int64) rules.Plan {
	return rules.Make(rules.Input{
		Versions: b.known, Entry: entry, Standing: b.standing, Related: b.related, MentionedBy: b.mentions, Config: b.config,
	})
}

// deliver makes a version known, plans, checks that every entry balances, and has QuickBooks accept it all.
func (b *books) deliver(e passare.Event) rules.Plan {
	b.t.Helper()
	if !slices.ContainsFunc(b.known, func(k passare.Event) bool { return k.Version == e.Version }) {
		b.known = append(b.known, e)
		slices.SortFunc(b.known, func(x, y passare.Event) int { return int(x.Version - y.Version) })
	}
	p := b.plan(e.Version)
	if len(p.Problems) == 0 {
		b.accept(p)
	}
	return p
}

func (b *books) accept(p rules.Plan) {
	b.t.Helper()
	for i, planned := range p.Entries {
		if sum := journal.Sum(planned.Movements); sum != 0 {
			b.t.Fatalf("an entry is off by %s: %+v", sum, planned)
		}
		if _, err := journal.New(planned.Date, fmt.Sprintf("doc-%d", i), p.Sentence, planned.Lines()); err != nil {
			b.t.Fatalf("no journal entry: %v", err)
		}
		for _, m := range planned.Movements {
			if m.Place.Name != nil && m.Place.Name.ID == "" {
				name := *m.Place.Name
				name.ID = "id of " + name.Key
				m.Place.Name = &name
			}
			b.standing = append(b.standing, rules.Standing{Movement: m, On: planned.Date})
		}
	}
}

// cell is what must agree: a month's amount on an account, name and class.
type cell struct{ month, account, name, class string }

// monthly is what stands, per month, account, name and class; zeros are left out.
func monthly(standing []rules.Standing) map[cell]money.Cents {
	sums := map[cell]money.Cents{}
	for _, s := range standing {
		c := cell{month: s.On.Month(), account: s.Place.Account, class: s.Place.Class}
		if s.Place.Name != nil {
			c.name = string(s.Place.Name.Kind) + " " + s.Place.Name.Key
		}
		sums[c] += s.Amount
	}
	for c, sum := range sums {
		if sum == 0 {
			delete(sums, c)
		}
	}
	return sums
}

// lines shows a plan's entries as text, one line each.
func lines(p rules.Plan) []string {
	var list []string
	for _, e := range p.Entries {
		for _, l := range e.Lines() {
			list = append(list, shown(e.Date, l))
		}
	}
	return list
}

func shown(on date.Date, l journal.Line) string {
	s := fmt.Sprintf("%s %-6s %s %s", on, l.Side, l.Amount, l.Place.Account)
	if n := l.Place.Name; n != nil {
		s += " (" + string(n.Kind) + " " + n.Display + ")"
	}
	return s
}
