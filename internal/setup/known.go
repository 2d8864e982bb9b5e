package setup

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// Known is what the log's newest entries, and those that wait, have spoken of: what a mapping may have to map.
type Known struct {
	Branches []Branch
	GL       []GLAccount
	Banks    []string
}

// Branch is a branch of Passare's.
type Branch struct{ ID, Name string }

// GLAccount is a GL account of Passare's, and what it was used for.
type GLAccount struct {
	Account string
	UsedFor []string // "Cash advance – flowers", the most frequent first, at most MaxUses
	Fits    []string // the types of QuickBooks accounts that such things usually stand on; none: any
}

// MaxUses is how many uses of a GL account are told.
const MaxUses = 3

// newestLooked is how many of the newest entries are looked at for what they speak of.
const newestLooked = 1_000

// known looks through the log.
func (o *Office) known(ctx context.Context, id string) (Known, error) {
	k := newKnowledge()
	for _, tab := range []string{intlog.Pending.Tab(), intlog.Failed.Tab(), intlog.Held.Tab(), "all"} {
		if _, err := o.look(ctx, id, tab, newestLooked, k.learn); err != nil {
			return Known{}, err
		}
	}
	return k.known(), nil
}

// knowledge collects what events speak of.
type knowledge struct {
	seen     map[intlog.Key]bool
	branches map[string]string
	banks    map[string]bool
	uses     map[string]map[string]int // GL account → what for → how often
	fits     map[string]map[string]bool
}

func newKnowledge() *knowledge {
	return &knowledge{seen: map[intlog.Key]bool{}, branches: map[string]string{}, banks: map[string]bool{}, uses: map[string]map[string]int{}, fits: map[string]map[string]bool{}}
}

// learn reads an entry's event. One that cannot be read, which intake would not have taken, teaches nothing.
func (k *knowledge) learn(e intlog.Entry) {
	if k.seen[e.Key] {
		return
	}
	k.seen[e.Key] = true
	event, err := passare.Decode(e.Data)
	if err != nil {
		return
	}
	for _, b := range branchesOf(event) {
		if b.ID != "" && (k.branches[b.ID] == "" || b.Name != "") {
			k.branches[b.ID] = b.Name
		}
	}
	for _, bank := range banksOf(event) {
		if bank != "" {
			k.banks[bank] = true
		}
	}
	for _, u := range usesOf(event) {
		if u.account == "" {
			continue
		}
		if k.uses[u.account] == nil {
			k.uses[u.account], k.fits[u.account] = map[string]int{}, map[string]bool{}
		}
		k.uses[u.account][u.what]++
		for _, kind := range u.fits {
			k.fits[u.account][kind] = true
		}
	}
}

func (k *knowledge) known() Known {
	var x Known
	for _, id := range slices.Sorted(maps.Keys(k.branches)) {
		x.Branches = append(x.Branches, Branch{ID: id, Name: k.branches[id]})
	}
	for _, account := range slices.Sorted(maps.Keys(k.uses)) {
		x.GL = append(x.GL, GLAccount{Account: account, UsedFor: k.usedFor(account), Fits: slices.Sorted(maps.Keys(k.fits[account]))})
	}
	x.Banks = slices.Sorted(maps.Keys(k.banks))
	return x
}

// usedFor is what a GL account was used for, the most frequent first.
func (k *knowledge) usedFor(account string) []string {
	uses := k.uses[account]
	list := slices.SortedFunc(maps.Keys(uses), func(a, b string) int { return cmp.Or(uses[b]-uses[a], strings.Compare(a, b)) })
	return list[:min(len(list), MaxUses)]
}

// branchesOf lists every branch that an event's lines may stand in.
func branchesOf(e passare.Event) []passare.Branch {
	all := []passare.Branch{e.Branch}
	switch b := e.Body.(type) {
	case *passare.Settlement:
		for _, p := range b.Payments {
			all = append(all, p.Branch)
		}
	case *passare.CheckBody:
		for _, l := range b.Lines {
			all = append(all, l.Branch)
		}
	case *passare.Deposit:
		for _, m := range b.Members {
			all = append(all, m.Branch)
		}
	}
	return all
}

// banksOf lists every bank account that an event speaks of.
func banksOf(e passare.Event) (banks []string) {
	switch b := e.Body.(type) {
	case *passare.PaymentBody:
		if b.Returned != nil {
			banks = append(banks, b.Returned.Bank)
		}
	case *passare.Settlement:
		banks = append(banks, b.Bank)
	case *passare.ACHPaymentBody:
		for _, r := range b.Returns {
			banks = append(banks, r.Bank)
		}
		for _, r := range b.Refunds {
			banks = append(banks, r.Bank)
		}
	case *passare.Assignment:
		if b.ClawedBack != nil {
			banks = append(banks, b.ClawedBack.Bank)
		}
	case *passare.RefundBody:
		banks = append(banks, b.Bank)
	case *passare.CheckBody:
		banks = append(banks, b.Bank)
	case *passare.Deposit:
		banks = append(banks, b.Bank)
	case *passare.LedgerBody:
		banks = append(banks, b.Bank)
	}
	return banks
}

// use is what an event uses a GL account for.
type use struct {
	account, what string
	fits          []string // the types of QuickBooks accounts that such a thing usually stands on; none: any
}

// usesOf lists what an event uses GL accounts for, in a bookkeeper's words.
func usesOf(e passare.Event) (uses []use) {
	add := func(account, kind, what string, fits []string) {
		if what != "" {
			kind += " – " + what
		}
		uses = append(uses, use{account, kind, fits})
	}
	switch b := e.Body.(type) {
	case *passare.Contract:
		for _, i := range b.Items {
			kind, fits := itemKind(i.Kind)
			add(i.GLAccount, kind, i.Description, fits)
		}
		for _, d := range b.Discounts {
			add(d.GLAccount, "Discount", d.Description, org.Discounts.AccountTypes())
		}
		for _, t := range b.Taxes {
			add(t.GLAccount, "Tax", t.Jurisdiction, org.SalesTax.AccountTypes())
		}
	case *passare.Charge:
		add(b.GLAccount, "Interest", "", org.FinanceIncome.AccountTypes())
	case *passare.AdjustmentBody:
		add(b.GLAccount, "Adjustment", b.Reason, org.Adjustments.AccountTypes())
	case *passare.RefundBody:
		add(b.GLAccount, "Refund", "", nil)
	case *passare.CheckBody:
		for _, l := range b.Lines {
			if l.Kind == passare.CheckCashAdvance {
				add(l.GLAccount, "Cash advance", l.Description, org.CashAdvances.AccountTypes())
			} else {
				add(l.GLAccount, "Check", l.Description, expenses())
			}
		}
	case *passare.LedgerBody:
		add(b.GLAccount, "Ledger", b.TransactionType, nil)
	}
	return uses
}

func itemKind(k passare.ItemKind) (name string, fits []string) {
	switch k {
	case passare.CashAdvanceItem:
		return "Cash advance", org.CashAdvances.AccountTypes()
	case passare.ServiceItem:
		return "Service", income()
	case passare.MerchandiseItem:
		return "Merchandise", income()
	case passare.FeeItem:
		return "Fee", income()
	}
	return "Item", nil
}

func income() []string { return org.FinanceIncome.AccountTypes() }
func expenses() []string {
	return append(org.InsuranceFees.AccountTypes(), "Other Expense", "Cost of Goods Sold")
}
