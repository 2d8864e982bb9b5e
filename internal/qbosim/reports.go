package qbosim

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/passare/qbo-sync/internal/money"
)

// report answers the reports that are built from the simulator's own ledger: TrialBalance, GeneralLedger, TransactionList.
func (s *Sim) report(co *company, c call, name string) result {
	from, to := c.query.Get("start_date"), c.query.Get("end_date")
	if from == "" {
		from = s.today()[:8] + "01"
	}
	if to == "" {
		to = s.today()
	}
	var columns []any
	var rows []any
	switch name {
	case "TrialBalance":
		columns, rows = []any{column("", "Account"), column("Debit", "Money"), column("Credit", "Money")}, co.trialBalance(to)
	case "GeneralLedger":
		columns, rows = ledgerColumns(), co.generalLedger(from, to)
	case "TransactionList":
		columns, rows = ledgerColumns(), co.transactionList(from, to)
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
		{"Rows", ordered{{"Row", rows}}},
	})
	if err != nil {
		return s.refused(http.StatusInternalServerError, unsupported(name))
	}
	return result{status: http.StatusOK, body: body}
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

// trialBalance nets every account up to a date; the total of both sides stands in the last row.
func (co *company) trialBalance(to string) []any {
	sums := map[*row]money.Cents{}
	for _, r := range co.booked("", to) {
		for _, l := range r.lines {
			sums[l.account] += l.signed()
		}
	}
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

func ledgerLine(r *row, l line, balance money.Cents) ordered {
	name := cell("")
	if l.name != nil {
		name = cellOf(l.name.called(), l.name.ident)
	}
	return data(cell(r.doc.text("TxnDate")), cellOf("Journal Entry", r.ident), cell(r.doc.text("DocNumber")), name, cell(l.description),
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
