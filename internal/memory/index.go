package memory

import (
	"slices"

	"github.com/passare/qbo-sync/internal/intlog"
)

// index is a list of entries in order of creation.
type index struct{ marks []intlog.Mark }

func (s *Store) log(id, tab string) *index {
	k := listKey{id, tab}
	if s.logs[k] == nil {
		s.logs[k] = &index{}
	}
	return s.logs[k]
}

func (x *index) insert(e intlog.Entry) {
	at, found := slices.BinarySearchFunc(x.marks, intlog.MarkOf(e), intlog.Mark.Compare)
	if !found {
		x.marks = slices.Insert(x.marks, at, intlog.MarkOf(e))
	}
}

func (x *index) remove(e intlog.Entry) {
	at, found := slices.BinarySearchFunc(x.marks, intlog.MarkOf(e), intlog.Mark.Compare)
	if found {
		x.marks = slices.Delete(x.marks, at, at+1)
	}
}

// before gives up to limit keys that come before a mark, the newest first; from the newest for no mark.
func (x *index) before(m intlog.Mark, limit int) []intlog.Key {
	at := len(x.marks)
	if m != (intlog.Mark{}) {
		at, _ = slices.BinarySearchFunc(x.marks, m, intlog.Mark.Compare)
	}
	var keys []intlog.Key
	for at--; at >= 0 && len(keys) < limit; at-- {
		keys = append(keys, x.marks[at].Key)
	}
	return keys
}

// after gives up to limit keys that come after a mark, the oldest first; from the oldest for no mark.
func (x *index) after(m intlog.Mark, limit int) []intlog.Key {
	at, found := 0, false
	if m != (intlog.Mark{}) {
		if at, found = slices.BinarySearchFunc(x.marks, m, intlog.Mark.Compare); found {
			at++
		}
	}
	var keys []intlog.Key
	for _, mark := range x.marks[at:min(at+limit, len(x.marks))] {
		keys = append(keys, mark.Key)
	}
	return keys
}

func order(a, b intlog.Entry) int { return intlog.MarkOf(a).Compare(intlog.MarkOf(b)) }
