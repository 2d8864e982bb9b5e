package qbosim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/money"
)

// Limits of a journal entry (quickbooks.md, Journal entries).
const (
	maxDocNumber   = 21
	maxDescription = 4000
	maxNote        = 4000
)

// line is a line of a journal entry as it stands in the books.
type line struct {
	side        string
	cents       money.Cents
	account     *row
	name        *row
	class, dept *row
	description string
}

func (l line) signed() money.Cents {
	if l.side == "Credit" {
		return -l.cents
	}
	return l.cents
}

// lineFields and detailFields are what a line may have; clients send back what they read.
func lineFields() []string {
	return words("Id LineNum Description Amount DetailType LinkedTxn CustomExtensions CustomField JournalEntryLineDetail ProjectRef")
}

func detailFields() []string {
	return words("PostingType Entity AccountRef ClassRef DepartmentRef TaxCodeRef TaxRateRef TaxApplicableOn TaxAmount TaxInclusiveAmt BillableStatus JournalCodeRef " +
		"JournalEntryLineDetailEx CustomExtensions")
}

// buildEntry makes a journal entry: every mistake at once, then the balance.
func (s *Sim) buildEntry(co *company, r *row, in ordered, include string) (ordered, []line, []serviceError) {
	if !wellFormed(in) {
		return nil, nil, []serviceError{unreadable()}
	}
	on := in.text("TxnDate")
	var errors []serviceError
	if on == "" {
		on = s.today()
	} else if _, err := date.Parse(on); err != nil {
		errors = append(errors, badProperty("TxnDate"))
	}
	errors = append(errors, co.checkHeader(r, in, date.Date(on), include)...)
	lines, wrong := co.readLines(in)
	errors = append(errors, wrong...)
	if len(errors) == 0 {
		errors = co.checkLines(lines)
	}
	if len(errors) > 0 {
		return nil, nil, errors
	}
	doc := ordered{
		{"Adjustment", in.get("Adjustment") == true},
		{"TotalAmt", json.Number("0")},
		{"DocNumber", orNil(in.text("DocNumber"))},
		{"TxnDate", on},
		{"CurrencyRef", usd()},
		{"PrivateNote", orNil(in.text("PrivateNote"))},
		{"Line", showLines(lines)},
		{"TxnTaxDetail", ordered{}},
	}
	if co.switches.Multicurrency {
		doc = append(doc, field{"HomeTotalAmt", json.Number("0")}, field{"ExchangeRate", json.Number("1")})
	}
	return r.identified(doc), lines, nil
}

// wellFormed: no unknown field in a line or its detail (a Description inside of the detail is a common mistake).
func wellFormed(in ordered) bool {
	only := func(o ordered, known []string) bool {
		return !slices.ContainsFunc(o, func(f field) bool { return !slices.Contains(known, f.key) })
	}
	list, isList := in.get("Line").([]any)
	if in.has("Line") && !isList {
		return false
	}
	for _, v := range list {
		l, ok := v.(ordered)
		if !ok || !only(l, lineFields()) || !only(l.object("JournalEntryLineDetail"), detailFields()) {
			return false
		}
	}
	return true
}

func (co *company) checkHeader(r *row, in ordered, on date.Date, include string) []serviceError {
	var errors []serviceError
	doc := in.text("DocNumber")
	if n := utf8.RuneCountInString(doc); n > maxDocNumber {
		errors = append(errors, tooLong("DocNumber", maxDocNumber, n))
	}
	if n := utf8.RuneCountInString(in.text("PrivateNote")); n > maxNote {
		errors = append(errors, tooLong("PrivateNote", maxNote, n))
	}
	others := without(co.docs[doc], r)
	if doc != "" && len(others) > 0 && co.switches.DuplicateNumberCheck && include != "allowduplicatedocnum" {
		errors = append(errors, duplicateNumber(doc, others[0].ident))
	}
	if e := co.closed(min(string(on), cmp.Or(r.doc.text("TxnDate"), string(on)))); e != nil {
		errors = append(errors, *e)
	}
	if co.switches.Multicurrency && in.object("CurrencyRef") == nil {
		errors = append(errors, missing("CurrencyRef"))
	}
	return errors
}

// closed is the fault for a transaction of a date on which the books are closed, or nothing.
func (co *company) closed(on string) *serviceError {
	if co.switches.BookCloseDate == "" || on > co.switches.BookCloseDate {
		return nil
	}
	e := booksClosed(co.switches.ClosedCode)
	return &e
}

// readLines reads every line and tells every mistake.
func (co *company) readLines(in ordered) ([]line, []serviceError) {
	list, _ := in.get("Line").([]any)
	if len(list) < 2 {
		return nil, []serviceError{broken("Fill out at least two detail lines to continue.")}
	}
	var lines []line
	var errors []serviceError
	for _, v := range list {
		l, _ := v.(ordered)
		x, wrong := co.readLine(l)
		lines, errors = append(lines, x), append(errors, wrong...)
	}
	return lines, errors
}

func (co *company) readLine(in ordered) (line, []serviceError) {
	x := line{description: in.text("Description")}
	detail := in.object("JournalEntryLineDetail")
	if in.text("DetailType") != "JournalEntryLineDetail" || detail == nil {
		return x, []serviceError{missing("Line.DetailType")}
	}
	var errors []serviceError
	add := func(e *serviceError) {
		if e != nil {
			errors = append(errors, *e)
		}
	}
	var e *serviceError
	x.cents, e = readAmount(in.text("Amount"))
	add(e)
	if x.side = detail.text("PostingType"); x.side != "Debit" && x.side != "Credit" {
		side := noPostingType()
		add(&side)
	}
	if n := utf8.RuneCountInString(x.description); n > maxDescription {
		long := tooLong("Description", maxDescription, n)
		add(&long)
	}
	if detail.object("AccountRef").text("value") == "" {
		m := missing("AccountRef")
		add(&m)
		return x, errors
	}
	x.account, e = co.resolve("Account", "Accounts", detail.object("AccountRef"))
	add(e)
	if entity := detail.object("Entity"); entity.object("EntityRef").text("value") != "" {
		x.name, e = co.resolve(entity.text("Type"), "Names", entity.object("EntityRef"))
		add(e)
	}
	x.class, e = co.resolve("Class", "Klasses", detail.object("ClassRef"))
	add(e)
	x.dept, e = co.resolve("Department", "Depts", detail.object("DepartmentRef"))
	add(e)
	add(x.checkControl())
	return x, errors
}

// resolve gives the object of a reference: nothing for no reference, 2500 for an unknown one, 610 for an inactive one.
func (co *company) resolve(entity, table string, ref ordered) (*row, *serviceError) {
	id := ref.text("value")
	if id == "" {
		return nil, nil
	}
	r, ok := co.find(entity, id)
	switch {
	case !ok || r.deleted:
		e := unknownRef(table, id)
		return nil, &e
	case r.inactive:
		e := inactive()
		return nil, &e
	}
	return r, nil
}

func (l line) kind() string {
	if l.account == nil {
		return ""
	}
	return l.account.doc.text("AccountType")
}

// checkControl: lines on control accounts carry a name of the right kind.
func (l line) checkControl() *serviceError {
	var e serviceError
	switch {
	case l.kind() == "Accounts Receivable" && (l.name == nil || l.name.x.name != "Customer"):
		e = broken("When you use Accounts Receivable, you must choose a customer in the Name field.")
	case l.kind() == "Accounts Payable" && (l.name == nil || l.name.x.name != "Vendor"):
		e = broken("When you use Accounts Payable, you must choose a vendor in the Name field.")
	default:
		return nil
	}
	return &e
}

// checkLines: debits equal credits; where the company's switch says so, control accounts are not mixed.
func (co *company) checkLines(lines []line) []serviceError {
	var sum money.Cents
	kinds := map[string]bool{}
	for _, l := range lines {
		sum += l.signed()
		kinds[l.kind()] = true
	}
	if sum != 0 {
		return []serviceError{unbalanced()}
	}
	if co.switches.RefuseReceivableWithPayable && kinds["Accounts Receivable"] && kinds["Accounts Payable"] {
		return []serviceError{broken("You can have only one A/R or A/P account in each transaction.")}
	}
	return nil
}

// readAmount reads a number or a text of at most two decimals, exactly.
func readAmount(text string) (money.Cents, *serviceError) {
	if text == "" {
		e := missing("Amount")
		return 0, &e
	}
	cents, e := readSigned(text)
	if e == nil && cents < 0 {
		negative := negativeAmount()
		return 0, &negative
	}
	return cents, e
}

func readSigned(text string) (money.Cents, *serviceError) {
	whole, fraction, _ := strings.Cut(text, ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	if len(fraction) > 2 && strings.Trim(fraction[2:], "0") == "" {
		fraction = fraction[:2]
	}
	cents, err := money.Parse(whole + "." + fraction)
	if err != nil {
		e := badProperty("Amount")
		return 0, &e
	}
	return cents, nil
}

// showLines: ids of lines begin at "0"; names of references come from the books, not from the client.
func showLines(lines []line) []any {
	list := make([]any, len(lines))
	for i, l := range lines {
		detail := ordered{{"PostingType", l.side}}
		if l.name != nil {
			detail = append(detail, field{"Entity", ordered{{"Type", l.name.x.name}, {"EntityRef", reference(l.name)}}})
		}
		detail = append(detail, field{"AccountRef", reference(l.account)})
		if l.class != nil {
			detail = append(detail, field{"ClassRef", reference(l.class)})
		}
		if l.dept != nil {
			detail = append(detail, field{"DepartmentRef", reference(l.dept)})
		}
		list[i] = ordered{
			{"Id", fmt.Sprint(i)},
			{"Description", orNil(l.description)},
			{"Amount", json.Number(l.cents.String())},
			{"DetailType", "JournalEntryLineDetail"},
			{"JournalEntryLineDetail", detail},
			{"CustomExtensions", []any{}},
		}
	}
	return list
}

func reference(r *row) ordered { return ordered{{"value", r.ident}, {"name", r.qualified()}} }

// book adds an entry to the balances, or with sign −1 takes it away.
func (co *company) book(r *row, sign money.Cents) {
	for _, l := range r.lines {
		co.balances[l.account.ident] += sign * l.signed()
		if l.kind() == "Accounts Receivable" && l.name != nil {
			co.owed[l.name.ident] += sign * l.signed()
		}
	}
}
