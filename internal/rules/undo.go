package rules

import (
	"slices"

	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/passare"
)

// gone says whether a person has undone the whole record: then nothing of it is wanted, and what stands goes where it stands, as for a deletion
// (accounting.md §4).
func (in Input) gone() bool { return in.Undone > 0 && in.Undone >= len(in.Versions) }

// inForce are the versions that nobody has undone.
func (in Input) inForce() []passare.Event { return in.Versions[min(in.Undone, len(in.Versions)):] }

// desired are the record's desired legs. What was undone wants none.
func (in Input) desired() []leg {
	if in.gone() {
		return nil
	}
	return in.legs(in.wanting())
}

// wanting are the versions that want something: those in force, and what the opening balances hold of the others, so that a later version is measured
// against that (accounting.md §6).
func (in Input) wanting() []passare.Event {
	last, _ := in.lastOfBaseline()
	return slices.Concat(in.Versions[:min(last+1, in.Undone)], in.inForce())
}

// placing is what says where the record's lines stand: what was posted after it was undone last, and of what was posted before only what still stands.
// What was taken out goes by today's mapping when it comes again (accounting.md §1.6).
func (in Input) placing() []Standing {
	type where struct {
		key   journal.Key
		place placeKey
	}
	stands := map[where]money.Cents{}
	for _, m := range in.Standing {
		stands[where{m.Key, keyOfPlace(m.Place)}] += m.Amount
	}
	return slices.DeleteFunc(slices.Clone(in.Standing), func(m Standing) bool { return m.Undone && stands[where{m.Key, keyOfPlace(m.Place)}] == 0 })
}

// Stands says whether anything is left of what QuickBooks has accepted of a record.
func Stands(standing []Standing) bool {
	for _, left := range standingByFact(standing).facts {
		if len(left) > 0 {
			return true
		}
	}
	return false
}

// undoSentence explains the entry of an undo.
func (in Input) undoSentence(p Plan) string {
	of, does := lowerFirst(headline(in.entryEvent())), "takes the whole record out of QuickBooks again"
	if in.Undo%2 == 0 {
		of, does = "the undo of "+of, "puts the record into QuickBooks again"
	}
	if len(p.Entries) == 0 {
		return "Undo of " + of + "; nothing changes in the books."
	}
	return "Undo of " + of + ": " + does + in.consequences(p) + "."
}
