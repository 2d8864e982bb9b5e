package qbosim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/money"
)

// name is a customer or vendor. The three kinds of names share one space of display names.
type name struct {
	meta
	kind                         string // "Customer", "Vendor"
	display                      string
	given, middle, family, extra string
	notes                        string
	balance                      money.Cents
}

const maxDisplayName = 100

func (n *name) shownName() string { return n.display + deletedSuffix(n.meta) }

func (n *name) show(*company) ordered {
	balance := json.RawMessage(n.balance.String())
	common := ordered{
		{"domain", "QBO"},
		{"sparse", false},
		{"Id", n.ident},
		{"SyncToken", "0"},
		{"MetaData", n.times()},
		{"GivenName", orNil(n.given)},
		{"MiddleName", orNil(n.middle)},
		{"FamilyName", orNil(n.family)},
		{"Suffix", orNil(n.extra)},
	}
	currency := ordered{{"value", "USD"}, {"name", "United States Dollar"}}
	if n.kind == "Vendor" {
		head := ordered{{"Balance", balance}, {"BillRate", 0}, {"Vendor1099", false}, {"CurrencyRef", currency}, {"CostRate", 0}}
		return slices.Concat(head, common, ordered{{"DisplayName", n.shownName()}, {"PrintOnCheckName", n.display}, {"Active", n.active()}})
	}
	head := ordered{
		{"Taxable", true},
		{"Notes", orNil(n.notes)},
		{"Job", false},
		{"BillWithParent", false},
		{"Balance", balance},
		{"BalanceWithJobs", balance},
		{"CurrencyRef", currency},
		{"PreferredDeliveryMethod", "Print"},
		{"IsProject", false},
	}
	return slices.Concat(head, common, ordered{
		{"FullyQualifiedName", n.shownName()},
		{"DisplayName", n.shownName()},
		{"PrintOnCheckName", n.display},
		{"Active", n.active()},
		{"DefaultTaxCodeRef", ordered{{"value", "2"}}},
	})
}

func (n *name) property(p string) (string, bool) {
	switch p {
	case "id":
		return n.ident, true
	case "displayname", "fullyqualifiedname":
		return n.shownName(), true
	case "givenname":
		return n.given, true
	case "familyname":
		return n.family, true
	}
	return "", false
}

func (s *Sim) createName(co *company, entity string, body []byte) result {
	var in struct {
		DisplayName, GivenName, MiddleName, FamilyName, Suffix, Notes, CompanyName string
		ID                                                                         *string `json:"Id"`
	}
	kind := entityName(entity)
	if e := decodeBody(body, &in, kind); e != nil {
		return s.refused(400, *e)
	}
	if in.ID != nil {
		return s.refused(400, gone())
	}
	display := strings.TrimSpace(in.DisplayName)
	if display == "" {
		display = strings.Join(strings.Fields(strings.Join([]string{in.GivenName, in.MiddleName, in.FamilyName, in.Suffix}, " ")), " ")
	}
	if e := co.badDisplayName(display); e != nil {
		return s.refused(400, *e)
	}
	n := &name{
		meta: s.newMeta(co), kind: kind, display: display, given: in.GivenName, middle: in.MiddleName, family: in.FamilyName, extra: in.Suffix, notes: in.Notes,
	}
	co.add(kind, n)
	co.nameKeys[strings.ToLower(display)] = true
	return s.answer(kind, n.show(co))
}

func (co *company) badDisplayName(display string) *serviceError {
	length := utf8.RuneCountInString(display)
	switch {
	case display == "":
		return &serviceError{"Name or company name is missing", "No Name Provided", "6080", ""}
	case strings.ContainsAny(display, ":\t\n"):
		return &serviceError{"Invalid String", "The name has a colon, tab or line end: " + display, "2040", "DisplayName"}
	case length > maxDisplayName:
		return &serviceError{
			"String length is either shorter or longer than supported by specification",
			fmt.Sprintf("String length specified does not match the supported length. Min:0 Max:%d supported. Supplied length:%d", maxDisplayName, length),
			"2050", "DisplayName",
		}
	case co.nameKeys[strings.ToLower(display)]:
		e := duplicateName()
		return &e
	}
	return nil
}

// Deactivate makes an object inactive, which renames it and frees its name. It says whether there is one.
func (s *Sim) Deactivate(realm, entity, called string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setActive(realm, entity, called, false)
}

// Activate makes an object active again under its old name.
func (s *Sim) Activate(realm, entity, called string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setActive(realm, entity, called, true)
}

func (s *Sim) setActive(realm, entity, called string, active bool) bool {
	co, ok := s.companies[realm]
	if !ok {
		return false
	}
	for _, o := range co.rows(entity) {
		switch x := o.(type) {
		case *account:
			if x.name == called {
				x.inactive = !active
				return true
			}
		case *listed:
			if x.name == called {
				x.inactive = !active
				return true
			}
		case *name:
			if x.display == called {
				x.inactive = !active
				delete(co.nameKeys, strings.ToLower(called))
				co.nameKeys[strings.ToLower(x.shownName())] = true
				return true
			}
		}
	}
	return false
}

// CustomerBalance is what QuickBooks shows as a customer's balance, kept from the lines on Accounts Receivable.
func (s *Sim) CustomerBalance(realm, called string) money.Cents {
	s.mu.Lock()
	defer s.mu.Unlock()
	if co, ok := s.companies[realm]; ok {
		for _, o := range co.rows("Customer") {
			if n, ok := o.(*name); ok && n.display == called {
				return n.balance
			}
		}
	}
	return 0
}
