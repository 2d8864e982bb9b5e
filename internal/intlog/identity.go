package intlog

import (
	"fmt"
	"regexp"
	"strconv"

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
	parts := regexp.MustCompile(`\[passare (\S+) ([a-z_]+)/(.+?) v(\d{1,9})(?:~(\d{1,3}))? p(\d{1,9})\]`).FindStringSubmatch(note)
	if parts == nil {
		return Key{}, 0, false
	}
	k = Key{Org: parts[1], Record: passare.Ref{Type: passare.RecordType(parts[2]), ID: parts[3]}}
	k.Version, _ = strconv.ParseInt(parts[4], 10, 64) // digits, by the expression
	k.Undo, _ = strconv.Atoi(parts[5])
	n, _ = strconv.Atoi(parts[6])
	return k, n, true
}
