package org

import "strings"

// The types of QuickBooks accounts that roles stand on.
const (
	ReceivableType        = "Accounts Receivable"
	PayableType           = "Accounts Payable"
	bankType              = "Bank"
	currentAssetType      = "Other Current Asset"
	currentLiabilityType  = "Other Current Liability"
	incomeType            = "Income"
	otherIncomeType       = "Other Income"
	expenseType           = "Expense"
	UndepositedFunds      = "Undeposited Funds" // the name that QuickBooks gives it
	UndepositedFundsKind  = "UndepositedFunds"  // its AccountSubType, which stays when it is renamed
	longestKeyOfAnAccount = 200                 // bytes of a GL account, bank or branch id of Passare's
)

// AccountTypes are the types of QuickBooks accounts that fit a role; none for what is no role (../rules/accounting.md §2, second column).
func (r Role) AccountTypes() []string {
	switch r {
	case AccountsReceivable:
		return []string{ReceivableType}
	case DepositsClearing:
		return []string{currentAssetType}
	case CardClearing:
		return []string{currentAssetType, bankType}
	case CashAdvances, SalesTax, RefundsPayable:
		return []string{currentLiabilityType}
	case Discounts:
		return []string{incomeType}
	case FinanceIncome, InsuranceGrowth:
		return []string{incomeType, otherIncomeType}
	case Adjustments:
		return []string{incomeType, expenseType, currentAssetType}
	case AdjustmentsIncrease:
		return []string{incomeType, expenseType}
	case InsuranceFees, MerchantFees, ReturnedPaymentFees:
		return []string{expenseType}
	}
	if _, is := r.BankID(); is {
		return []string{bankType}
	}
	return nil
}

// BankID is the Passare bank account that the role stands for, if it does.
func (r Role) BankID() (string, bool) {
	id, is := strings.CutPrefix(string(r), bankPrefix)
	return id, is && NamesAccount(id)
}

// GLAccount is the Passare GL account that a key of GL stands for, if it does.
func (r Role) GLAccount() (string, bool) { return strings.CutPrefix(string(r), glPrefix) }

// NamesAccount says whether a text can be the id of a GL account, bank or branch of Passare's.
func NamesAccount(id string) bool {
	return id != "" && len(id) <= longestKeyOfAnAccount && id == strings.TrimSpace(id)
}
