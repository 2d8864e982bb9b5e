package rules

import (
	"slices"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
)

// Standing is a movement of an accepted posting, and the date of the entry on which it stands: its
// fact's own date, or a later one when the books were closed.
type Standing struct {
	journal.Movement
	On       date.Date
	Undone   bool  // it was posted before a person undid the record last, or by that undo
	Version  int64 // of the record, whose entry posted it
	baseline bool  // counted as posted, by the opening balances or by a person's choice, and never sent
}

// at is what identifies an amount of a record: a fact's date and the key.
type at struct {
	fact date.Date
	key  journal.Key
}

// delta is a movement still to be posted, on the date of its entry.
type delta struct {
	on   date.Date
	fact date.Date
	move move
}

// difference is desired − standing, per fact date and key (accounting.md §1.2). A difference of a fact that
// stands goes to the date on which it stands; a fact that is gone is reversed where it stands, line by
// line as it was posted; a new fact goes to its own date.
func difference(desired []leg, standing []Standing) []delta {
	stands := standingByFact(standing)
	var deltas []delta
	wanted := wantedByFact(desired)
	for _, fact := range wanted.order {
		deltas = append(deltas, stands.toward(fact, wanted.moves[fact])...)
	}
	for _, fact := range stands.order {
		if _, kept := wanted.moves[fact]; !kept {
			deltas = append(deltas, stands.reverse(fact)...)
		}
	}
	return deltas
}

type wantedFacts struct {
	order []date.Date
	moves map[date.Date][]move
}

// wantedByFact nets the legs per fact date and key; facts in order of their dates, keys as they come.
func wantedByFact(desired []leg) wantedFacts {
	w := wantedFacts{moves: map[date.Date][]move{}}
	index := map[at]int{}
	for _, l := range desired {
		for _, m := range l.moves {
			if m.cents == 0 {
				continue
			}
			k := at{l.on, m.key}
			if i, ok := index[k]; ok {
				w.moves[l.on][i].cents += m.cents
				continue
			}
			if _, ok := w.moves[l.on]; !ok {
				w.order = append(w.order, l.on)
			}
			index[k] = len(w.moves[l.on])
			w.moves[l.on] = append(w.moves[l.on], m)
		}
	}
	slices.Sort(w.order)
	return w
}

type standingFacts struct {
	order []date.Date
	facts map[date.Date][]Standing
}

// standingByFact nets what stands per fact date, key, entry date and place, so that what was posted and
// taken back is gone and the rest can be mirrored exactly.
func standingByFact(standing []Standing) standingFacts {
	type where struct {
		at
		on    date.Date
		place placeKey
	}
	s := standingFacts{facts: map[date.Date][]Standing{}}
	index := map[where]int{}
	for _, m := range standing {
		k := where{at{m.Fact, m.Key}, m.On, keyOfPlace(m.Place)}
		if i, ok := index[k]; ok {
			s.facts[m.Fact][i].Amount += m.Amount
			continue
		}
		if _, ok := s.facts[m.Fact]; !ok {
			s.order = append(s.order, m.Fact)
		}
		index[k] = len(s.facts[m.Fact])
		s.facts[m.Fact] = append(s.facts[m.Fact], m)
	}
	for fact, list := range s.facts {
		s.facts[fact] = slices.DeleteFunc(list, func(m Standing) bool { return m.Amount == 0 })
	}
	slices.Sort(s.order)
	return s
}

type placeKey struct{ account, name, class, location string }

func keyOfPlace(p journal.Place) placeKey {
	k := placeKey{account: p.Account, class: p.Class, location: p.Location}
	if p.Name != nil {
		k.name = string(p.Name.Kind) + p.Name.ID
	}
	return k
}

// toward is what brings the standing lines of one fact to the wanted ones.
func (s standingFacts) toward(fact date.Date, wanted []move) []delta {
	standing := s.facts[fact]
	on := fact
	if len(standing) > 0 {
		on = standing[0].On
	}
	sums := map[journal.Key]money.Cents{}
	for _, m := range standing {
		sums[m.Key] += m.Amount
	}
	var deltas []delta
	want := map[journal.Key]bool{}
	for _, m := range wanted {
		want[m.key] = m.cents != 0
		if m.cents -= sums[m.key]; m.cents != 0 && want[m.key] {
			deltas = append(deltas, delta{on: on, fact: fact, move: m})
		}
	}
	for _, m := range standing {
		if !want[m.Key] {
			deltas = append(deltas, delta{on: on, fact: fact, move: mirrored(m)})
		}
	}
	return deltas
}

// reverse takes a fact away where it stands.
func (s standingFacts) reverse(fact date.Date) []delta {
	var deltas []delta
	for _, m := range s.facts[fact] {
		deltas = append(deltas, delta{on: m.On, fact: fact, move: mirrored(m)})
	}
	return deltas
}

// mirrored is the posted line with the other sign, on the place where it stands.
func mirrored(m Standing) move {
	x := move{key: m.Key, cents: -m.Amount, text: m.Description}
	if !m.baseline {
		place := m.Place
		x.mirror = &place
	}
	return x
}

// withoutCancelled drops each fact whose cancel came in the same month while neither is posted: both
// together change nothing that a month's books show (accounting.md §1.3).
func withoutCancelled(desired []leg, standing []Standing) []leg {
	posted := map[fact]bool{}
	for _, list := range standingByFact(standing).facts {
		for _, m := range list {
			posted[factOf(m.Key)] = true
		}
	}
	drop := map[int]bool{}
	for i, cancel := range desired {
		if cancel.undoes == "" || len(cancel.moves) == 0 || posted[factOf(cancel.moves[0].key)] {
			continue
		}
		for j, l := range desired[:i] {
			if l.fact == cancel.undoes && !drop[j] && l.on.Month() == cancel.on.Month() {
				drop[i], drop[j] = true, true
				break
			}
		}
	}
	var kept []leg
	for i, l := range desired {
		if !drop[i] {
			kept = append(kept, l)
		}
	}
	return kept
}

func factOf(k journal.Key) fact { return fact{leg: k.Leg, version: k.Fact} }
