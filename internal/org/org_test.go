package org_test

import (
	"testing"

	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

func TestAnAccountIsFoundByRoleOrGLAccount(t *testing.T) {
	t.Parallel()
	m := org.Mapping{
		Roles: map[org.Role]string{org.AccountsReceivable: "84", org.Bank("operating"): "35", org.Adjustments: "90", org.SalesTax: ""},
		GL:    map[string]string{"4000": "50", "4100": ""},
	}
	for role, want := range map[org.Role]string{
		org.AccountsReceivable: "84", org.Bank("operating"): "35", org.GL("4000"): "50",
		org.AdjustmentsIncrease: "90", // the default is adjustments (accounting.md §2)
		org.SalesTax:            "", org.GL("4100"): "", org.GL("84"): "", org.Bank("other"): "", org.CashAdvances: "",
	} {
		if got, ok := m.Account(role); got != want || ok != (want != "") {
			t.Errorf("%s stands on %q, %t; want %q", role, got, ok, want)
		}
	}
}

func TestExclusionIsForChecksAndLedgerAlone(t *testing.T) {
	t.Parallel()
	s := org.Settings{ExcludeChecks: true, ExcludeLedger: true}
	for _, kind := range passare.RecordTypes() {
		if got, want := s.Excludes(kind), kind == passare.Check || kind == passare.Ledger; got != want {
			t.Errorf("%s is excluded: %t", kind, got)
		}
		if (org.Settings{}).Excludes(kind) {
			t.Errorf("%s is excluded by nobody", kind)
		}
	}
}

func TestAPersonMayWhatTheTokenSays(t *testing.T) {
	t.Parallel()
	ben := org.Person{Permissions: []org.Permission{org.SeeLog}}
	if !ben.May(org.SeeLog) || ben.May(org.Manage) || (org.Person{}).May(org.SeeLog) {
		t.Error("a permission that was not given, or was, is read wrongly")
	}
}
