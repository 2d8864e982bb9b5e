package qbosim

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/passare/qbo-sync/internal/money"
)

// report answers the reports that are built from the simulator's own ledger. Others are not in the company's plan.
func (s *Sim) report(co *company, c call, name string) result {
	from, to := cmp.Or(c.query.Get("start_date"), s.today()[:8]+"01"), cmp.Or(c.query.Get("end_date"), s.today())
	var columns, rows []any
	switch name {
	case "TrialBalance":
		columns, rows = []any{column("", "Account"), column("Debit", "Money"), column("Credit", "Money")}, co.trialBalance(to)
	case "GeneralLedger":
		columns, rows = ledgerColumns(), co.generalLedger(from, to)
	case "TransactionList":
		columns, rows = ledgerColumns(), co.transactionList(from, to)
	case "JournalReport":
		columns, rows = journalColumns(), co.journalReport(from, to)
	case "ProfitAndLoss":
		columns, rows = []any{column("", "Account"), column("Total", "Money")}, co.profitAndLoss(from, to)
	case "BalanceSheet":
		columns, rows = []any{column("", "Account"), column("Total", "Money")}, co.balanceSheet(to)
	default:
		return s.refused(http.StatusBadRequest, notInPlan())
	}
	body, err := plain(ordered{
		{"Header", ordered{
			{"Time", second(s.o.Now())},
			{"ReportName", name},
			{"ReportBasis", "Accrual"},
			{"StartPeriod", from},
			{"EndPeriod", to},
			{"Currency", "USD"},
			{"Option", []any{ordered{{"Name", "NoReportData"}, {"Value", map[bool]string{true: "true", false: "false"}[len(rows) == 0]}}}},
		}},
		{"Columns", ordered{{"Column", columns}}},
		{"Rows", rowsOf(rows)},
	})
	if err != nil {
		return s.refused(http.StatusInternalServerError, unsupported(name))
	}
	return result{status: http.StatusOK, body: body}
}

// rowsOf has no Row where there are none.
func rowsOf(rows []any) ordered {
	if len(rows) == 0 {
		return ordered{}
	}
	return ordered{{"Row", rows}}
}

func column(title, kind string) ordered { return ordered{{"ColTitle", title}, {"ColType", kind}} }

func ledgerColumns() []any {
	return []any{
		column("Date", "tx_date"), column("Transaction Type", "txn_type"), column("Num", "doc_num"), column("Name", "name"), column("Memo/Description", "memo"),
		column("Account", "account_name"), column("Amount", "subt_nat_amount"), column("Balance", "rbal_nat_amount"),
	}
}

func cell(value string) ordered { return ordered{{"value", value}} }

func cellOf(value, id string) ordered { return ordered{{"value", value}, {"id", id}} }

func data(cells ...any) ordered { return ordered{{"ColData", cells}, {"type", "Data"}} }

// booked are the entries of a period in the order of their dates.
func (co *company) booked(from, to string) []*row {
	var rows []*row
	for _, r := range co.rows["JournalEntry"] {
		if on := r.doc.text("TxnDate"); !r.deleted && on >= from && on <= to {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.doc.text("TxnDate"), b.doc.text("TxnDate")), compareNumbers(a.ident, b.ident))
	})
	return rows
}

func (co *company) accounts() []*row {
	accounts := slices.Clone(co.rows["Account"])
	slices.SortFunc(accounts, func(a, b *row) int { return cmp.Compare(a.qualified(), b.qualified()) })
	return accounts
}

// sums are the movements of accounts in a period, debit positive.
func (co *company) sums(from, to string) map[*row]money.Cents {
	sums := map[*row]money.Cents{}
	for _, r := range co.booked(from, to) {
		for _, l := range r.lines {
			sums[l.account] += l.signed()
		}
	}
	return sums
}

// trialBalance nets every account up to a date; the total of both sides stands in the last row.
func (co *company) trialBalance(to string) []any {
	sums := co.sums("", to)
	var rows []any
	var debit, credit money.Cents
	for _, a := range co.accounts() {
		switch sum := sums[a]; {
		case sum > 0:
			debit += sum
			rows = append(rows, ordered{{"ColData", []any{cellOf(a.qualified(), a.ident), cell(sum.String()), cell("")}}})
		case sum < 0:
			credit -= sum
			rows = append(rows, ordered{{"ColData", []any{cellOf(a.qualified(), a.ident), cell(""), cell((-sum).String())}}})
		}
	}
	if rows == nil {
		return nil
	}
	return append(rows, ordered{{"Summary", ordered{{"ColData", []any{cell("TOTAL"), cell(debit.String()), cell(credit.String())}}}}, {"type", "Section"}, {"group", "GrandTotal"}})
}

// generalLedger has a section for each account with its lines and running balance.
func (co *company) generalLedger(from, to string) []any {
	entries := co.booked(from, to)
	var sections []any
	for _, a := range co.accounts() {
		var lines []any
		var balance money.Cents
		for _, r := range entries {
			for _, l := range r.lines {
				if l.account == a {
					balance += l.signed()
					lines = append(lines, ledgerLine(r, l, balance))
				}
			}
		}
		if lines != nil {
			sections = append(sections, ordered{
				{"Header", ordered{{"ColData", []any{cellOf(a.qualified(), a.ident)}}}},
				{"Rows", ordered{{"Row", lines}}},
				{"Summary", ordered{{"ColData", []any{cell("Total for " + a.qualified()), cell(""), cell(""), cell(""), cell(""), cell(""), cell(balance.String()), cell("")}}}},
				{"type", "Section"},
			})
		}
	}
	return sections
}

func (l line) nameCell() ordered {
	if l.name == nil {
		return cell("")
	}
	return cellOf(l.name.called(), l.name.ident)
}

func ledgerLine(r *row, l line, balance money.Cents) ordered {
	return data(cell(r.doc.text("TxnDate")), cellOf("Journal Entry", r.ident), cell(r.doc.text("DocNumber")), l.nameCell(), cell(l.description),
		cellOf(l.account.qualified(), l.account.ident), cell(l.signed().String()), cell(balance.String()))
}

// transactionList has a row for each entry, with its first line's account and name and the sum of its debits.
func (co *company) transactionList(from, to string) []any {
	var rows []any
	for _, r := range co.booked(from, to) {
		var sum money.Cents
		for _, l := range r.lines {
			sum += max(l.signed(), 0)
		}
		first := r.lines[0]
		first.cents, first.side = sum, "Debit"
		rows = append(rows, ledgerLine(r, first, sum))
	}
	return rows
}

func journalColumns() []any {
	return []any{
		column("Date", "tx_date"), column("Transaction Type", "txn_type"), column("Num", "doc_num"), column("Name", "name"), column("Memo/Description", "memo"),
		column("Account", "account_name"), column("Debit", "debt_amt"), column("Credit", "credit_amt"),
	}
}

// journalReport has a row for each line; date, type and number stand on an entry's first line only.
func (co *company) journalReport(from, to string) []any {
	var rows []any
	var debit, credit money.Cents
	for _, r := range co.booked(from, to) {
		for i, l := range r.lines {
			cells := []any{cell(""), cell(""), cell("")}
			if i == 0 {
				cells = []any{cell(r.doc.text("TxnDate")), cellOf("Journal Entry", r.ident), cell(r.doc.text("DocNumber"))}
			}
			cells = append(cells, l.nameCell(), cell(l.description), cellOf(l.account.qualified(), l.account.ident))
			if l.side == "Debit" {
				debit += l.cents
				cells = append(cells, cell(l.cents.String()), cell(""))
			} else {
				credit += l.cents
				cells = append(cells, cell(""), cell(l.cents.String()))
			}
			rows = append(rows, data(cells...))
		}
	}
	if rows == nil {
		return nil
	}
	total := []any{cell("TOTAL"), cell(""), cell(""), cell(""), cell(""), cell(""), cell(debit.String()), cell(credit.String())}
	return append(rows, ordered{{"Summary", ordered{{"ColData", total}}}, {"type", "Section"}, {"group", "GrandTotal"}})
}

// part is a section of a statement: the accounts of some classifications with their total; sign −1 shows credits as positive.
func (co *company) part(sums map[*row]money.Cents, sign money.Cents, classifications ...string) (rows []any, total money.Cents) {
	for _, a := range co.accounts() {
		if sum := sign * sums[a]; sum != 0 && slices.Contains(classifications, a.doc.text("Classification")) {
			total += sum
			rows = append(rows, data(cellOf(a.qualified(), a.ident), cell(sum.String())))
		}
	}
	return rows, total
}

// section has no Rows where it has no accounts.
func section(title, group, closing string, rows []any, total money.Cents) ordered {
	s := ordered{{"Header", ordered{{"ColData", []any{cell(title), cell("")}}}}}
	if len(rows) > 0 {
		s = append(s, field{"Rows", rowsOf(rows)})
	}
	return append(s, field{"Summary", ordered{{"ColData", []any{cell(closing), cell(total.String())}}}}, field{"type", "Section"}, field{"group", group})
}

// profitAndLoss has income, expenses, and what is left.
func (co *company) profitAndLoss(from, to string) []any {
	sums := co.sums(from, to)
	income, earned := co.part(sums, -1, "Revenue")
	expenses, spent := co.part(sums, 1, "Expense")
	if income == nil && expenses == nil {
		return nil
	}
	return []any{
		section("Income", "Income", "Total Income", income, earned),
		section("Expenses", "Expenses", "Total Expenses", expenses, spent),
		ordered{{"Summary", ordered{{"ColData", []any{cell("Net Income"), cell((earned - spent).String())}}}}, {"type", "Section"}, {"group", "NetIncome"}},
	}
}

// balanceSheet has assets, and liabilities and equity with the net income up to a date.
func (co *company) balanceSheet(to string) []any {
	sums := co.sums("", to)
	assets, owned := co.part(sums, 1, "Asset")
	claims, owed := co.part(sums, -1, "Liability", "Equity")
	if net := owned - owed; net != 0 {
		claims = append(claims, data(cell("Net Income"), cell(net.String())))
	}
	if assets == nil && claims == nil {
		return nil
	}
	return []any{
		section("ASSETS", "TotalAssets", "TOTAL ASSETS", assets, owned),
		section("LIABILITIES AND EQUITY", "TotalLiabilitiesAndEquity", "TOTAL LIABILITIES AND EQUITY", claims, owned),
	}
}
