package intlog

import (
	"cmp"
	"time"
)

// Mark is an entry's place in a list: when it was made, then its name.
type Mark struct {
	Created time.Time
	Key     Key
}

// MarkOf is the entry's place.
func MarkOf(e Entry) Mark { return Mark{Created: e.Created, Key: e.Key} }

// Compare orders marks by time, then by key.
func (m Mark) Compare(n Mark) int { return cmp.Or(m.Created.Compare(n.Created), m.Key.Compare(n.Key)) }

// Compare orders keys by organisation, record and version.
func (k Key) Compare(l Key) int {
	return cmp.Or(
		cmp.Compare(k.Org, l.Org), cmp.Compare(k.Record.Type, l.Record.Type), cmp.Compare(k.Record.ID, l.Record.ID), cmp.Compare(k.Version, l.Version),
	)
}
