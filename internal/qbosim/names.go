package qbosim

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxName is how long a display name may be; of accounts, classes and departments, too (quickbooks.md, Names).
const maxName = 100

// maxLevel is how deep names may be nested.
const maxLevel = 4

func usd() ordered { return ordered{{"value", "USD"}, {"name", "United States Dollar"}} }

// buildName makes a customer, vendor or employee.
func (co *company) buildName(r *row, in ordered) (ordered, []serviceError) {
	person := strings.Join(strings.Fields(strings.Join([]string{
		in.text("Title"), in.text("GivenName"), in.text("MiddleName"), in.text("FamilyName"), in.text("Suffix"),
	}, " ")), " ")
	display := strings.TrimSpace(in.text("DisplayName"))
	if display == "" {
		display = person
	}
	qualified, level, e := co.qualify(r, in, display)
	if e == nil {
		e = co.badName(r, "DisplayName", display, qualified)
	}
	if e != nil {
		return nil, []serviceError{*e}
	}
	printed := in.text("PrintOnCheckName")
	for _, s := range []string{in.text("CompanyName"), strings.Join(strings.Fields(in.text("GivenName")+" "+in.text("FamilyName")), " "), display} {
		if printed == "" {
			printed = s
		}
	}
	doc := in.with("DisplayName", display).with("PrintOnCheckName", printed).with("Active", true)
	zero := json.Number("0")
	switch r.x.name {
	case "Customer":
		for _, f := range (ordered{
			{"Taxable", true},
			{"Job", false},
			{"BillWithParent", false},
			{"CurrencyRef", usd()},
			{"PreferredDeliveryMethod", "Print"},
			{"IsProject", false},
			{"DefaultTaxCodeRef", ordered{{"value", "2"}}},
		}) {
			if !doc.has(f.key) || doc.get(f.key) == nil {
				doc = doc.with(f.key, f.value)
			}
		}
		doc = doc.with("Balance", zero).with("BalanceWithJobs", zero).with("FullyQualifiedName", qualified)
		if level > 0 {
			doc = doc.with("Job", true).with("Level", json.Number(string(rune('0'+level))))
		}
	case "Vendor":
		for _, f := range (ordered{{"BillRate", zero}, {"Vendor1099", false}, {"CurrencyRef", usd()}, {"CostRate", zero}}) {
			if !doc.has(f.key) || doc.get(f.key) == nil {
				doc = doc.with(f.key, f.value)
			}
		}
		doc = doc.with("Balance", zero)
	}
	return co.addressed(r, r.identified(doc)), nil
}

func addressFields() []string { return []string{"BillAddr", "ShipAddr"} }

// addressed gives new addresses their ids, from a sequence of their own; one that the object had before keeps its id.
func (co *company) addressed(r *row, doc ordered) ordered {
	next := co.addresses
	for _, key := range addressFields() {
		a := doc.object(key)
		if a == nil || a.text("Id") != "" {
			continue
		}
		id := r.doc.object(key).text("Id")
		if id == "" {
			next++
			id = strconv.Itoa(next)
		}
		doc = doc.with(key, append(ordered{{"Id", id}}, a.without("Id")...))
	}
	return doc
}

// qualify is the name with those of its parents, and its depth.
func (co *company) qualify(r *row, in ordered, own string) (string, int, *serviceError) {
	ref := in.object("ParentRef")
	if ref == nil {
		return own, 0, nil
	}
	parent, ok := co.find(r.x.name, ref.text("value"))
	if !ok || parent.deleted {
		e := unknownRef(r.x.name, ref.text("value"))
		return "", 0, &e
	}
	qualified := parent.qualified() + ":" + own
	level := strings.Count(qualified, ":")
	if level > maxLevel {
		deep := tooDeep()
		return "", 0, &deep
	}
	return qualified, level, nil
}

// badName says what is wrong with a name, or nothing.
func (co *company) badName(r *row, element, own, qualified string) *serviceError {
	var e serviceError
	length := utf8.RuneCountInString(own)
	switch {
	case own == "" && element == "DisplayName":
		e = noName()
	case own == "":
		e = missing(element)
	case strings.ContainsAny(own, ":\t\n\r"):
		e = badCharacters(element, own, co.switches.colonCode())
	case length > maxName:
		e = tooLong(element, maxName, length)
	case co.nameTaken(r, qualified):
		if e = duplicateName(); r.doc != nil {
			e = duplicateNameOnUpdate(r.x.name)
		}
	default:
		return nil
	}
	return &e
}

// nameTaken: customers, vendors and employees share one space of names, whatever the case of the letters; inactive ones are in it
// under the name that they show, and, where the switch says so, under their own, too.
func (co *company) nameTaken(r *row, qualified string) bool {
	spaces := []string{r.x.name}
	if r.x.names {
		spaces = []string{"Customer", "Vendor", "Employee"}
	}
	for _, space := range spaces {
		for _, other := range co.rows[space] {
			same := strings.EqualFold(other.qualified(), qualified) ||
				co.switches.InactiveNamesTaken && strings.EqualFold(strings.TrimSuffix(other.qualified(), other.suffix), qualified)
			if other != r && !other.deleted && same {
				return true
			}
		}
	}
	return false
}

// buildListed makes a class or a department.
func (co *company) buildListed(r *row, in ordered) (ordered, []serviceError) {
	name := strings.TrimSpace(in.text("Name"))
	qualified, level, e := co.qualify(r, in, name)
	if e == nil {
		e = co.badName(r, "Name", name, qualified)
	}
	if e != nil {
		return nil, []serviceError{*e}
	}
	return r.identified(in.with("Name", name).with("Sub"+r.x.name, level > 0).with("FullyQualifiedName", qualified).with("Active", true)), nil
}

// subTypes are the detail types that an account type begins with.
func subTypes() map[string]string {
	return map[string]string{
		"Bank": "CashOnHand", "Accounts Receivable": "AccountsReceivable", "Accounts Payable": "AccountsPayable", "Income": "SalesOfProductIncome",
		"Other Income": "OtherMiscellaneousIncome", "Expense": "OtherMiscellaneousServiceCost", "Other Expense": "OtherMiscellaneousExpense",
		"Other Current Asset": "OtherCurrentAssets", "Fixed Asset": "OtherFixedAssets", "Other Asset": "OtherLongTermAssets",
		"Other Current Liability": "OtherCurrentLiabilities", "Long Term Liability": "OtherLongTermLiabilities", "Equity": "OpeningBalanceEquity",
		"Cost of Goods Sold": "SuppliesMaterialsCogs", "Credit Card": "CreditCard",
	}
}

// buildAccount makes an account.
func (co *company) buildAccount(r *row, in ordered) (ordered, []serviceError) {
	name := strings.TrimSpace(in.text("Name"))
	qualified, level, e := co.qualify(r, in, name)
	if e == nil {
		e = co.badName(r, "Name", name, qualified)
	}
	kind, sub := in.text("AccountType"), in.text("AccountSubType")
	if e == nil && kind == "" && sub == "" {
		m := missing("AccountType")
		e = &m
	}
	if e != nil {
		return nil, []serviceError{*e}
	}
	for k, v := range subTypes() {
		if kind == "" && v == sub {
			kind = k
		}
	}
	if sub == "" {
		sub = subTypes()[kind]
	}
	zero := json.Number("0")
	doc := in.with("Name", name).with("SubAccount", level > 0).with("FullyQualifiedName", qualified).with("Active", true).
		with("Classification", classification(kind)).with("AccountType", kind).with("AccountSubType", sub).
		with("CurrentBalance", zero).with("CurrentBalanceWithSubAccounts", zero).with("CurrencyRef", usd())
	return r.identified(doc), nil
}

func classification(kind string) string {
	switch {
	case strings.Contains(kind, "Income"):
		return "Revenue"
	case strings.Contains(kind, "Expense") || kind == "Cost of Goods Sold":
		return "Expense"
	case strings.Contains(kind, "Liability") || kind == "Accounts Payable" || kind == "Credit Card":
		return "Liability"
	case kind == "Equity":
		return "Equity"
	}
	return "Asset"
}
