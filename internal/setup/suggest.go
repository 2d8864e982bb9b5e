package setup

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// How much each sign says that an account is the one that is wanted. A type alone says nothing of a GL account, since many accounts have it.
const (
	sameNumber = 100 // the account's number is the GL account
	sharedWord = 10  // for each word that the names share
	usual      = 8   // cash advances usually stand on the account of that role
	rightType  = 5
)

type scored struct {
	Suggestion
	score int
}

// best gives the best suggestions, in their order.
func best(all []scored) []Suggestion {
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	list := []Suggestion{}
	for _, s := range all[:min(len(all), MaxSuggestions)] {
		list = append(list, s.Suggestion)
	}
	return list
}

// suggestForGL suggests accounts for a GL account: by number, by the words of what it is used for, and by what such things stand on.
func (x *group) suggestForGL(gl string, usedFor []string, mapping org.Mapping, accounts []journal.Account) []Suggestion {
	wanted := wordsOf(usedFor...)
	advances, _ := mapping.Account(org.CashAdvances)
	var all []scored
	for _, a := range accounts {
		if !a.Active || a.Type == org.ReceivableType || a.Type == org.PayableType {
			continue
		}
		s := scored{Suggestion: Suggestion{ID: a.ID, Name: a.FullyQualifiedName, Type: a.Type, Kind: "account"}}
		shared := sharedWords(wanted, wordsOf(a.Name))
		switch {
		case a.Number != "" && a.Number == gl:
			s.score, s.Why = sameNumber, "Its number in QuickBooks is "+gl+"."
		case len(shared) > 0:
			s.score, s.Why = sharedWord*len(shared), "Its name has “"+strings.Join(shared, " ")+"”."
		case x.advance && a.ID == advances:
			s.score, s.Why = usual, "Your cash advances stand on it."
		}
		if s.score > 0 && x.fits[a.Type] > 0 {
			s.score += rightType
			s.Why += " It is of type " + a.Type + ", as such an account usually is."
		}
		if s.score > 0 {
			all = append(all, s)
		}
	}
	return best(all)
}

// suggestForRole suggests accounts for a role: of a type that fits, by the words of the role.
func suggestForRole(role org.Role, accounts []journal.Account) []Suggestion {
	wanted := wordsOf(role.Label())
	var all []scored
	for _, a := range accounts {
		if !a.Active || !slices.Contains(role.AccountTypes(), a.Type) || role == org.DepositsClearing && isUndeposited(a) {
			continue
		}
		s := scored{
			Suggestion: Suggestion{ID: a.ID, Name: a.FullyQualifiedName, Type: a.Type, Kind: "account", Why: "It is of type " + a.Type + ", which fits."}, score: rightType,
		}
		if shared := sharedWords(wanted, wordsOf(a.Name)); len(shared) > 0 {
			s.score += sharedWord * len(shared)
			s.Why = "Its name has “" + strings.Join(shared, " ") + "”. " + s.Why
		}
		all = append(all, s)
	}
	return best(all)
}

// suggestSegments suggests classes and locations whose names share words with a branch's.
func suggestSegments(branch string, l lists) []Suggestion {
	wanted := wordsOf(branch)
	var all []scored
	add := func(kind string, segments []journal.Segment) {
		for _, g := range segments {
			if shared := sharedWords(wanted, wordsOf(g.Name)); g.Active && len(shared) > 0 {
				all = append(all, scored{
					Suggestion{ID: g.ID, Name: g.FullyQualifiedName, Kind: kind, Why: "Its name has “" + strings.Join(shared, " ") + "”."}, sharedWord * len(shared),
				})
			}
		}
	}
	add("class", l.classes)
	add("location", l.places)
	return best(all)
}

// wordsOf are the words of texts that tell something, in small letters and without a plural's s.
func wordsOf(texts ...string) []string {
	var words []string
	for _, text := range texts {
		for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
			if w = strings.TrimSuffix(w, "s"); len(w) > 2 && !slices.Contains(empty(), w) && !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	return words
}

// empty are words that say nothing of which account it is: they are in the name of every other one, or say what kind of record uses it.
func empty() []string {
	return []string{"account", "the", "and", "for", "other", "check", "service", "ledger", "merchandise", "fee", "adjustment", "bank"}
}

func sharedWords(a, b []string) (shared []string) {
	for _, w := range a {
		if slices.Contains(b, w) {
			shared = append(shared, w)
		}
	}
	return shared
}
