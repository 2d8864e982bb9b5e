package intlog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/passare/qbo-sync/internal/passare"
)

// Identity names a posting of the entry for ever; its number and requestid come from it.
func (k Key) Identity(n int) string {
	version := strconv.FormatInt(k.Version, 10)
	if k.Undo > 0 {
		version += undoSign + strconv.Itoa(k.Undo)
	}
	return fmt.Sprintf("%s %s v%s p%d", k.Org, k.Record, version, n)
}

// NoteMark is the identity as it stands in the PrivateNote of the journal entry, by which we know our own (../rules/accounting.md §5).
func (k Key) NoteMark(n int) string { return "[passare " + k.Identity(n) + "]" }

// ReadNoteMark finds the mark in a PrivateNote, wherever people have moved it.
func ReadNoteMark(note string) (k Key, n int, found bool) {
	_, rest, found := strings.Cut(note, "[passare ")
	if !found {
		return Key{}, 0, false
	}
	text, _, closed := strings.Cut(rest, "]")
	org, text, hasOrg := strings.Cut(text, " ")
	at, to := strings.LastIndex(text, " v"), strings.LastIndex(text, " p")
	kind, id, hasRecord := strings.Cut(text[:max(at, 0)], "/")
	if !closed || !hasOrg || !hasRecord || to < at {
		return Key{}, 0, false
	}
	number, undone, isUndo := strings.Cut(text[at+len(" v"):to], undoSign)
	version, err := strconv.ParseInt(number, 10, 64)
	undo, readable := parseUndo(undone, isUndo)
	n, wrong := strconv.Atoi(text[to+len(" p"):])
	if err != nil || wrong != nil || !readable || version <= 0 || n <= 0 {
		return Key{}, 0, false
	}
	return Key{Org: org, Record: passare.Ref{Type: passare.RecordType(kind), ID: id}, Version: version, Undo: undo}, n, true
}
