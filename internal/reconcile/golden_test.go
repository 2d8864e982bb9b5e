package reconcile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/golden"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// newGolden opens the books of the golden case.
func newGolden(t *testing.T, g golden.Case) *books {
	t.Helper()
	b := &books{t: t, mapping: org.Mapping{Roles: map[org.Role]string{}, GL: map[string]string{}}}
	var chart []qbosim.NewAccount
	for _, a := range g.Company.Accounts {
		chart = append(chart, qbosim.NewAccount{Name: a.Name, AccountType: a.Type, AccountSubType: a.SubType})
	}
	b.open(chart)
	config, err := b.store.Config(t.Context(), willow)
	if err != nil {
		t.Fatal(err)
	}
	for role, name := range g.Company.Mapping.Roles {
		config.Mapping.Roles[org.Role(role)] = b.accounts[name]
	}
	for account, name := range g.Company.Mapping.GLAccounts {
		config.Mapping.GL[account] = b.accounts[name]
	}
	if _, err := b.store.PutConfig(t.Context(), config, config.Version); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTheGoldenCaseProves compares the proof after each event with the figures that were worked out by hand, and QuickBooks' side with what the simulator's
// own ledger says.
func TestTheGoldenCaseProves(t *testing.T) {
	t.Parallel()
	g, err := golden.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newGolden(t, g)
	b.agrees(b.night())
	for i, event := range g.Events {
		b.post(string(event))
		b.agrees(b.night())
		proof, err := b.proof.Case(t.Context(), willow, "case-24-0113")
		if err != nil {
			t.Fatal(err)
		}
		want, err := money.Parse(g.Expected.Receivable[i])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(reconcile.Figures{Passare: want, Posted: want, QuickBooks: want}, proof.Owed); diff != "" {
			t.Errorf("after event %d: %s", i+1, diff)
		}
		if !proof.Agrees || len(proof.Customers) != 1 || proof.Customers[0].Balance != want || proof.Customers[0].Ours != want {
			t.Errorf("after event %d: %s %+v", i+1, proof.Says, proof.Customers)
		}
		if ledger := b.sim.Balances(realm)["Accounts Receivable (A/R)"]; ledger != want {
			t.Errorf("after event %d QuickBooks' own ledger has %s", i+1, ledger)
		}
	}
	clearing, err := b.proof.Clearing(t.Context(), willow)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range clearing.Accounts {
		if a.Open != 0 || len(a.Members) > 0 {
			t.Errorf("%s: %s %+v", a.Role, a.Open, a.Members)
		}
	}
	if ledger := b.sim.Balances(realm)["Deposits Clearing"]; ledger != 0 {
		t.Errorf("QuickBooks' own ledger has %s on clearing", ledger)
	}
	proof, err := b.proof.Case(t.Context(), willow, "case-24-0113")
	if err != nil {
		t.Fatal(err)
	}
	var members []string
	for _, m := range proof.Clearing {
		members = append(members, m.Record+" in "+m.In.String()+" out "+m.Out.String())
	}
	if diff := cmp.Diff([]string{"payment/pay-1 in 1000.00 out 1000.00", "insurance_assignment/ins-1 in 4850.00 out 4850.00"}, members); diff != "" {
		t.Error(diff)
	}
	advances, err := b.proof.CashAdvances(t.Context(), willow)
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]string{}
	for _, a := range advances.Items {
		open[a.Item] = a.Open.String()
		if a.QuickBooks != a.Open || itemInQuickBooks(t, b, a.Item) != a.Open {
			t.Errorf("%s is %s, and %s by what QuickBooks has; its journal says %s", a.Item, a.Open, a.QuickBooks, itemInQuickBooks(t, b, a.Item))
		}
	}
	if diff := cmp.Diff(map[string]string{"Certified death certificates": "135.00", "Clergy honorarium": "100.00", "Flowers": "200.00"}, open); diff != "" || advances.Open != 43500 {
		t.Error(advances.Open, diff)
	}
	if ledger := b.sim.Balances(realm)["Cash Advances Payable"]; -ledger != advances.Open {
		t.Errorf("QuickBooks' own ledger has %s", ledger)
	}
	paid := slices.IndexFunc(proof.Advances, func(a reconcile.Advance) bool { return a.Paid == 90000 && a.Open == 0 && a.Vendor != "" })
	if paid < 0 {
		t.Errorf("the cemetery: %+v", proof.Advances)
	}
	packet, err := b.proof.Packet(t.Context(), willow, "2026-03")
	if err != nil || packet.Entries == 0 || len(packet.Open) > 0 || packet.Closed {
		t.Errorf("%+v %v", packet, err)
	}
}

// itemInQuickBooks is what is open of an item by the lines that QuickBooks' own journal shows.
func itemInQuickBooks(t *testing.T, b *books, item string) money.Cents {
	t.Helper()
	var open money.Cents
	for _, e := range b.sim.Journal(realm) {
		for _, l := range e.Lines {
			cents, err := money.Parse(l.Amount)
			if err != nil {
				t.Fatal(err)
			}
			if l.Account == "Cash Advances Payable" && strings.Contains(l.Description, item) {
				if l.Side == "Debit" {
					cents = -cents
				}
				open += cents
			}
		}
	}
	return open
}
