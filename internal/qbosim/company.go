package qbosim

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/money"
)

// NewAccount is an account of a company's chart.
type NewAccount struct{ Name, AccountType, AccountSubType string }

// Company is a company to be simulated.
type Company struct {
	Realm       string
	Name        string
	Accounts    []NewAccount
	Classes     []string
	Departments []string
}

// company is a simulated company's books.
type company struct {
	realm, name string
	objects     map[string][]object // by entity name, in order of creation
	byID        map[string]object   // entity name + "/" + id
	nameKeys    map[string]bool     // display names in use, lower case
	docs        map[string][]*entry // by DocNumber
	balances    map[string]money.Cents
	requests    map[string]result
	switches    Switches
	counters    Counters
	ids         int // shared by transactions, names and lists
}

// object is anything that has an id and can be shown.
type object interface {
	id() string
	show(co *company) ordered
	property(name string) (value string, queryable bool)
	active() bool
}

// AddCompany makes a company. An existing one of that realm is replaced.
func (s *Sim) AddCompany(c Company) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := &company{
		realm: c.Realm, name: c.Name, objects: map[string][]object{}, byID: map[string]object{}, nameKeys: map[string]bool{},
		docs: map[string][]*entry{}, balances: map[string]money.Cents{}, requests: map[string]result{},
		counters: Counters{Requests: map[string]int{}},
	}
	s.companies[c.Realm] = co
	for _, a := range c.Accounts {
		co.add("Account", &account{meta: s.newMeta(co), name: a.Name, kind: a.AccountType, sub: a.AccountSubType})
	}
	for _, n := range c.Classes {
		co.add("Class", &listed{meta: s.newMeta(co), name: n})
	}
	for _, n := range c.Departments {
		co.add("Department", &listed{meta: s.newMeta(co), name: n})
	}
}

// meta is what every object has.
type meta struct {
	ident    string
	created  string
	inactive bool
}

func (m meta) id() string   { return m.ident }
func (m meta) active() bool { return !m.inactive }

func (s *Sim) newMeta(co *company) meta {
	co.ids++
	return meta{ident: strconv.Itoa(co.ids), created: s.second()}
}

func (m meta) times() ordered {
	return ordered{{"CreateTime", m.created}, {"LastUpdatedTime", m.created}}
}

func (co *company) add(entity string, o object) {
	co.objects[entity] = append(co.objects[entity], o)
	co.byID[entity+"/"+o.id()] = o
}

func (co *company) rows(entity string) []object { return co.objects[entity] }

// entityName is the name of an entity by its path or in a query, whatever its case.
func entityName(s string) string {
	for _, name := range []string{"Account", "Customer", "Vendor", "Employee", "Class", "Department", "JournalEntry", "CompanyInfo", "Preferences"} {
		if strings.EqualFold(name, s) {
			return name
		}
	}
	return ""
}

// preferences: BookCloseDate is absent while the books are open.
func (co *company) preferences() ordered {
	return ordered{
		{"AccountingInfoPrefs", ordered{
			{"FirstMonthOfFiscalYear", "January"},
			{"UseAccountNumbers", false},
			{"BookCloseDate", orNil(co.switches.BookCloseDate)},
			{"TrackDepartments", len(co.rows("Department")) > 0},
			{"ClassTrackingPerTxn", false},
			{"ClassTrackingPerTxnLine", len(co.rows("Class")) > 0},
		}},
		{"CurrencyPrefs", ordered{{"MultiCurrencyEnabled", false}, {"HomeCurrency", usd()}}},
		{"domain", "QBO"},
		{"sparse", false},
		{"Id", "1"},
		{"SyncToken", "0"},
	}
}

func usd() ordered { return ordered{{"value", "USD"}} }

func (co *company) info(now time.Time) ordered {
	return ordered{
		{"CompanyName", co.name},
		{"LegalName", co.name},
		{"CompanyStartDate", pacific(now).Format("2006-01-02")},
		{"Country", "US"},
		{"domain", "QBO"},
		{"sparse", false},
		{"Id", "1"},
		{"SyncToken", "0"},
	}
}

type account struct {
	meta
	name, kind, sub string
}

func (a *account) shownName() string { return a.name + deletedSuffix(a.meta) }

// deletedSuffix: deactivation renames (quickbooks.md, Names).
func deletedSuffix(m meta) string {
	if m.inactive {
		return " (deleted)"
	}
	return ""
}

func (a *account) show(co *company) ordered {
	balance := json.RawMessage(co.balances[a.ident].String())
	return ordered{
		{"Name", a.shownName()},
		{"SubAccount", false},
		{"FullyQualifiedName", a.shownName()},
		{"Active", a.active()},
		{"Classification", classification(a.kind)},
		{"AccountType", a.kind},
		{"AccountSubType", a.sub},
		{"CurrentBalance", balance},
		{"CurrentBalanceWithSubAccounts", balance},
		{"CurrencyRef", ordered{{"value", "USD"}, {"name", "United States Dollar"}}},
		{"domain", "QBO"},
		{"sparse", false},
		{"Id", a.ident},
		{"SyncToken", "0"},
		{"MetaData", ordered{{"CreateTime", a.created}}},
	}
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

func (a *account) property(name string) (string, bool) {
	switch name {
	case "id":
		return a.ident, true
	case "name", "fullyqualifiedname":
		return a.shownName(), true
	case "accounttype":
		return a.kind, true
	case "accountsubtype":
		return a.sub, true
	}
	return "", false
}

// listed is a class or a department.
type listed struct {
	meta
	name string
}

func (l *listed) show(*company) ordered {
	return ordered{
		{"Name", l.name + deletedSuffix(l.meta)},
		{"FullyQualifiedName", l.name + deletedSuffix(l.meta)},
		{"Active", l.active()},
		{"domain", "QBO"},
		{"sparse", false},
		{"Id", l.ident},
		{"SyncToken", "0"},
		{"MetaData", l.times()},
	}
}

func (l *listed) property(name string) (string, bool) {
	switch name {
	case "id":
		return l.ident, true
	case "name", "fullyqualifiedname":
		return l.name + deletedSuffix(l.meta), true
	}
	return "", false
}

func (s *Sim) createAccount(co *company, body []byte) result {
	var in struct{ Name, AccountType, AccountSubType string }
	if e := decodeBody(body, &in, "Account"); e != nil {
		return s.refused(400, *e)
	}
	in.Name = strings.TrimSpace(in.Name)
	switch {
	case in.Name == "":
		return s.refused(400, missing("Name"))
	case in.AccountType == "" && in.AccountSubType == "":
		return s.refused(400, missing("AccountType"))
	case taken(co.rows("Account"), in.Name):
		return s.refused(400, duplicateName())
	}
	a := &account{meta: s.newMeta(co), name: in.Name, kind: in.AccountType, sub: in.AccountSubType}
	co.add("Account", a)
	return s.answer("Account", a.show(co))
}

func (s *Sim) createListed(co *company, entity string, body []byte) result {
	var in struct{ Name string }
	entity = entityName(entity)
	if e := decodeBody(body, &in, entity); e != nil {
		return s.refused(400, *e)
	}
	in.Name = strings.TrimSpace(in.Name)
	switch {
	case in.Name == "":
		return s.refused(400, missing("Name"))
	case taken(co.rows(entity), in.Name):
		return s.refused(400, duplicateName())
	}
	l := &listed{meta: s.newMeta(co), name: in.Name}
	co.add(entity, l)
	return s.answer(entity, l.show(co))
}

func taken(rows []object, name string) bool {
	return slices.ContainsFunc(rows, func(o object) bool {
		used, _ := o.property("name")
		return strings.EqualFold(used, name)
	})
}
