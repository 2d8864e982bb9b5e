package qbosim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/money"
)

// Limits of a journal entry (quickbooks.md, Journal entries).
const (
	maxDocNumber   = 21
	maxDescription = 4000
)

type refIn struct {
	Value string `json:"value"`
	Name  string `json:"name"`
	Type  string `json:"type"`
}

// entryIn is what a client may send: what QuickBooks knows, and what clients send back of its own answers.
type entryIn struct {
	ID            *json.RawMessage `json:"Id"`
	SyncToken     json.RawMessage
	DocNumber     string
	TxnDate       string
	PrivateNote   string
	CurrencyRef   *refIn
	ExchangeRate  json.RawMessage
	Adjustment    bool
	TotalAmt      json.RawMessage
	Line          []lineIn
	TxnTaxDetail  json.RawMessage
	MetaData      json.RawMessage
	Domain        string `json:"domain"`
	Sparse        bool   `json:"sparse"`
	DepartmentRef *refIn
}

type lineIn struct {
	ID               string `json:"Id"`
	LineNum          json.RawMessage
	Description      string
	Amount           json.RawMessage
	DetailType       string
	LinkedTxn        json.RawMessage
	CustomExtensions json.RawMessage
	Detail           *detailIn `json:"JournalEntryLineDetail"`
}

type detailIn struct {
	PostingType      string
	AccountRef       *refIn
	Entity           *entityIn
	ClassRef         *refIn
	DepartmentRef    *refIn
	TaxCodeRef       *refIn
	TaxApplicableOn  string
	TaxAmount        json.RawMessage
	TaxInclusiveAmt  json.RawMessage
	BillableStatus   string
	JournalCodeRef   *refIn
	TaxRateRef       *refIn
	CustomExtensions json.RawMessage
}

type entityIn struct {
	Type      string
	EntityRef refIn
}

// decodeBody reads the bare object. An unknown property, as when the object is wrapped in its own name, is a fault.
func decodeBody(body []byte, into any, entity string) *serviceError {
	d := json.NewDecoder(bytes.NewReader(body))
	if entity == "JournalEntry" {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(into); err != nil {
		e := badProperty("failed to parse json object; a property")
		return &e
	}
	if _, err := d.Token(); err != io.EOF {
		e := badProperty("failed to parse json object; a property")
		return &e
	}
	return nil
}

// entry is a stored journal entry.
type entry struct {
	meta
	doc, note string
	on        date.Date
	lines     []line
}

type line struct {
	side        string
	cents       money.Cents
	account     *account
	name        *name
	class, dept *listed
	description string
}

func (s *Sim) createEntry(co *company, c call) result {
	var in entryIn
	if e := decodeBody(c.body, &in, "JournalEntry"); e != nil {
		return s.refused(400, *e)
	}
	if in.ID != nil {
		return s.refused(400, gone())
	}
	on, errors := s.entryDate(in.TxnDate)
	lines, wrong := co.readLines(in.Line)
	errors = append(errors, wrong...)
	errors = append(errors, co.checkHeader(in, on, c.request.URL.Query().Get("include"))...)
	if len(errors) == 0 {
		errors = checkBalance(lines)
	}
	if len(errors) > 0 {
		return s.refused(400, errors...)
	}
	e := &entry{meta: s.newMeta(co), doc: in.DocNumber, note: in.PrivateNote, on: on, lines: lines}
	co.book(e, 1)
	co.add("JournalEntry", e)
	co.docs[e.doc] = append(co.docs[e.doc], e)
	return s.answer("JournalEntry", e.show(co))
}

// entryDate: an absent date is the server's today.
func (s *Sim) entryDate(given string) (date.Date, []serviceError) {
	if given == "" {
		return date.Date(pacific(s.o.Now()).Format("2006-01-02")), nil
	}
	on, err := date.Parse(given)
	if err != nil {
		return "", []serviceError{badProperty("TxnDate")}
	}
	return on, nil
}

func (co *company) checkHeader(in entryIn, on date.Date, include string) []serviceError {
	var errors []serviceError
	if n := utf8.RuneCountInString(in.DocNumber); n > maxDocNumber {
		errors = append(errors, serviceError{
			"String length is either shorter or longer than supported by specification",
			fmt.Sprintf("String length specified does not match the supported length. Min:0 Max:%d supported. Supplied length:%d", maxDocNumber, n),
			"2050", "DocNumber",
		})
	}
	if known := co.docs[in.DocNumber]; in.DocNumber != "" && len(known) > 0 && co.switches.DuplicateNumberCheck && include != "allowduplicatedocnum" {
		errors = append(errors, serviceError{
			"Duplicate Document Number Error",
			"Duplicate Document Number Error : You must specify a different number. This number has already been used. DocNumber=" +
				in.DocNumber + " is assigned to TxnType=Journal Entry with TxnId=" + known[0].ident, "6140", "",
		})
	}
	if closed := date.Date(co.switches.BookCloseDate); closed != "" && on != "" && on <= closed {
		errors = append(errors, serviceError{
			"Account Period Closed, Cannot Update Through Services API",
			"The account period has closed and the account books cannot be updated through through the QBO Services API. Please use the QBO website to make these changes.",
			"6210", "",
		})
	}
	return errors
}

// readLines reads every line and tells every mistake.
func (co *company) readLines(in []lineIn) ([]line, []serviceError) {
	if len(in) < 2 {
		return nil, []serviceError{broken("Fill out at least two detail lines to continue.")}
	}
	var lines []line
	var errors []serviceError
	for _, l := range in {
		x, wrong := co.readLine(l)
		lines, errors = append(lines, x), append(errors, wrong...)
	}
	return lines, errors
}

func (co *company) readLine(in lineIn) (line, []serviceError) {
	x := line{description: in.Description}
	if in.DetailType != "JournalEntryLineDetail" || in.Detail == nil {
		return x, []serviceError{missing("Line.DetailType")}
	}
	var errors []serviceError
	add := func(e *serviceError) {
		if e != nil {
			errors = append(errors, *e)
		}
	}
	var e *serviceError
	x.cents, e = readAmount(in.Amount)
	add(e)
	if x.side = in.Detail.PostingType; x.side != "Debit" && x.side != "Credit" {
		add(&serviceError{"Missing posting type", "Posting type is missing on a journal entry line", "2260", "PostingType"})
	}
	if utf8.RuneCountInString(in.Description) > maxDescription {
		add(&serviceError{"String length is either shorter or longer than supported by specification", "Description is too long", "2050", "Description"})
	}
	if in.Detail.AccountRef == nil || in.Detail.AccountRef.Value == "" {
		m := missing("AccountRef")
		add(&m)
		return x, errors
	}
	x.account, e = find[*account](co, "Account", "Accounts", in.Detail.AccountRef)
	add(e)
	if n := in.Detail.Entity; n != nil && n.EntityRef.Value != "" {
		x.name, e = find[*name](co, entityName(n.Type), "Names", &n.EntityRef)
		add(e)
	}
	x.class, e = find[*listed](co, "Class", "Klasses", in.Detail.ClassRef)
	add(e)
	x.dept, e = find[*listed](co, "Department", "Depts", in.Detail.DepartmentRef)
	add(e)
	add(x.checkControl())
	return x, errors
}

// checkControl: lines on control accounts carry a name of the right kind.
func (l line) checkControl() *serviceError {
	var e serviceError
	switch {
	case l.account == nil:
		return nil
	case l.account.kind == "Accounts Receivable" && (l.name == nil || l.name.kind != "Customer"):
		e = broken("When you use Accounts Receivable, you must choose a customer in the Name field.")
	case l.account.kind == "Accounts Payable" && (l.name == nil || l.name.kind != "Vendor"):
		e = broken("When you use Accounts Payable, you must choose a vendor in the Name field.")
	default:
		return nil
	}
	return &e
}

// find gives the object of a reference: nothing for no reference, 2500 for an unknown one, 610 for an inactive one.
func find[T object](co *company, entity, table string, r *refIn) (found T, e *serviceError) {
	if r == nil || r.Value == "" {
		return found, nil
	}
	o, ok := co.byID[entity+"/"+r.Value].(T)
	if !ok {
		wrong := unknownRef(table, r.Value)
		return found, &wrong
	}
	if !o.active() {
		wrong := inactive()
		return found, &wrong
	}
	return o, nil
}

// readAmount reads a number or a text of at most two decimals, exactly.
func readAmount(raw json.RawMessage) (money.Cents, *serviceError) {
	text := strings.Trim(string(raw), `"`)
	if text == "" || text == "null" {
		e := missing("Amount")
		return 0, &e
	}
	whole, fraction, _ := strings.Cut(text, ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	if len(fraction) > 2 && strings.Trim(fraction[2:], "0") == "" {
		fraction = fraction[:2]
	}
	cents, err := money.Parse(whole + "." + fraction)
	switch {
	case err != nil:
		e := badProperty("Amount")
		return 0, &e
	case cents < 0:
		return 0, &serviceError{"Negative amount", "You must specify a transaction amount that is 0 or greater.", "2290", "Amount"}
	}
	return cents, nil
}

func checkBalance(lines []line) []serviceError {
	var sum money.Cents
	for _, l := range lines {
		sum += l.signed()
	}
	if sum != 0 {
		return []serviceError{{"Amount on debits not equal to credits", "Please balance debits and credits.", "2300", ""}}
	}
	return nil
}

func (l line) signed() money.Cents {
	if l.side == "Credit" {
		return -l.cents
	}
	return l.cents
}

// book adds an entry to the balances, or with sign −1 takes it away.
func (co *company) book(e *entry, sign money.Cents) {
	for _, l := range e.lines {
		co.balances[l.account.ident] += sign * l.signed()
		if l.account.kind == "Accounts Receivable" && l.name != nil {
			l.name.balance += sign * l.signed()
		}
	}
}

func (e *entry) show(*company) ordered {
	lines := make([]ordered, len(e.lines))
	for i, l := range e.lines {
		lines[i] = l.show(i)
	}
	return ordered{
		{"Adjustment", false},
		{"TotalAmt", 0},
		{"domain", "QBO"},
		{"sparse", false},
		{"Id", e.ident},
		{"SyncToken", "0"},
		{"MetaData", e.times()},
		{"DocNumber", orNil(e.doc)},
		{"TxnDate", string(e.on)},
		{"CurrencyRef", ordered{{"value", "USD"}, {"name", "United States Dollar"}}},
		{"PrivateNote", orNil(e.note)},
		{"Line", lines},
		{"TxnTaxDetail", ordered{}},
	}
}

// show: ids of lines begin at "0"; names of references come from the books, not from the client.
func (l line) show(i int) ordered {
	detail := ordered{{"PostingType", l.side}}
	if l.name != nil {
		detail = append(detail, field{"Entity", ordered{{"Type", l.name.kind}, {"EntityRef", ordered{{"value", l.name.ident}, {"name", l.name.shownName()}}}}})
	}
	detail = append(detail, field{"AccountRef", ordered{{"value", l.account.ident}, {"name", l.account.shownName()}}})
	if l.class != nil {
		detail = append(detail, field{"ClassRef", ordered{{"value", l.class.ident}, {"name", l.class.name}}})
	}
	if l.dept != nil {
		detail = append(detail, field{"DepartmentRef", ordered{{"value", l.dept.ident}, {"name", l.dept.name}}})
	}
	return ordered{
		{"Id", fmt.Sprint(i)},
		{"Description", orNil(l.description)},
		{"Amount", json.RawMessage(l.cents.String())},
		{"DetailType", "JournalEntryLineDetail"},
		{"JournalEntryLineDetail", detail},
		{"CustomExtensions", []any{}},
	}
}

func (e *entry) property(p string) (string, bool) {
	switch p {
	case "id":
		return e.ident, true
	case "docnumber":
		return e.doc, true
	case "txndate":
		return string(e.on), true
	case "metadata.createtime", "metadata.lastupdatedtime":
		return e.created, true
	}
	return "", false
}

// deleteEntry takes an entry away for good; there is no void.
func (s *Sim) deleteEntry(co *company, body []byte) result {
	var in entryIn
	if e := decodeBody(body, &in, "JournalEntry"); e != nil {
		return s.refused(400, *e)
	}
	id := ""
	if in.ID != nil {
		id = strings.Trim(string(*in.ID), `"`)
	}
	e, ok := co.byID["JournalEntry/"+id].(*entry)
	if !ok {
		return s.refused(400, gone())
	}
	co.book(e, -1)
	delete(co.byID, "JournalEntry/"+id)
	co.objects["JournalEntry"] = without(co.objects["JournalEntry"], object(e))
	co.docs[e.doc] = without(co.docs[e.doc], e)
	return s.answer("JournalEntry", ordered{{"domain", "QBO"}, {"status", "Deleted"}, {"Id", id}})
}

func without[T comparable](list []T, x T) []T {
	var kept []T
	for _, y := range list {
		if y != x {
			kept = append(kept, y)
		}
	}
	return kept
}
