package intlog

import (
	"strconv"
	"time"
)

// MaxUndos is how many undos a version may have; the store's keys have three digits for them.
const MaxUndos = 999

// undoSign stands between a version and its undo in an id. No version has it, and an address takes it as it is.
const undoSign = "~"

// parseUndo reads the number of an undo as Key.ID writes it.
func parseUndo(s string, isUndo bool) (undo int, readable bool) {
	if !isUndo {
		return 0, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0 && n <= MaxUndos && strconv.Itoa(n) == s
}

// Undoes says whether the entry takes its record out of QuickBooks again: its first undo does, the second takes that back and puts the record in again,
// the third takes it out, and so on.
func (k Key) Undoes() bool { return k.Undo%2 == 1 }

// Title is what people call the entry beside the others of its record: "Version 3", "The undo of version 3".
func (k Key) Title() string {
	version := "ersion " + strconv.FormatInt(k.Version, 10)
	switch {
	case k.Undo == 0:
		return "V" + version
	case k.Undoes():
		return "The undo of v" + version
	default:
		return "Taking back the undo of v" + version
	}
}

// Life is what a record has lived through: its versions, and which of them a person has undone.
type Life struct {
	Versions []Entry // the versions that count, oldest first; undos are none
	Undone   int     // how many of these, from the oldest, are undone: they want nothing in QuickBooks
	UndoneTo int64   // the newest version that is undone; 0: none
	Undo     Key     // the last undo that took the record out, whether it was taken back since or not; none: its Version is 0
}

// Life is the record's life up to an entry. An undo takes out every version up to its own; the next one of the same version brings back what that one took
// out; a later version begins anew. What a person has deleted does not count.
func (r Record) Life(upTo Key) Life {
	var l Life
	before := 0 // how many were undone before the last undo
	for _, e := range r.Entries {
		switch {
		case e.Key.Compare(upTo) > 0 || !e.State.Counts():
		case e.Undo == 0:
			l.Versions = append(l.Versions, e)
		case e.Undoes():
			if l.Undone < len(l.Versions) {
				before = l.Undone
			}
			l.Undone, l.Undo = len(l.Versions), e.Key
		case l.Undo.Version == e.Version:
			l.Undone = before
		}
	}
	if l.Undone > 0 {
		l.UndoneTo = l.Versions[l.Undone-1].Version
	}
	return l
}

// Gone says whether all versions are undone, so that nothing of the record is to stand in QuickBooks.
func (l Life) Gone() bool { return l.Undone > 0 && l.Undone == len(l.Versions) }

// NewUndo makes the entry under a key by which a person undoes a record, or takes that back; version is the newest version of the record, which the log shows
// it by. It is on its way at once.
func NewUndo(version Entry, k Key, who, why string, now time.Time) Entry {
	e := Entry{
		Key: k, Rev: 1, State: Queued, Hash: version.Hash, Data: version.Data, Why: why, Created: now, Kind: string(k.Record.Type) + ".undone",
		Reference: version.Reference, Case: version.Case, CaseNo: version.CaseNo, Name: version.Name, Branch: version.Branch, Date: version.Date, Amount: version.Amount, Page: version.Page,
		History: []Step{{At: now, Who: who, To: Queued, Why: why}},
	}
	if !k.Undoes() {
		e.Kind = string(k.Record.Type) + ".redone"
	}
	e.schedule(now)
	return e
}
