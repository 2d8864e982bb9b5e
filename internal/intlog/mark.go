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

// Compare orders marks by time, then organisation, record and version.
func (m Mark) Compare(n Mark) int {
	return cmp.Or(
		m.Created.Compare(n.Created), cmp.Compare(m.Key.Org, n.Key.Org),
		cmp.Compare(m.Key.Record.Type, n.Key.Record.Type), cmp.Compare(m.Key.Record.ID, n.Key.Record.ID),
		cmp.Compare(m.Key.Version, n.Key.Version),
	)
}
