package org

import (
	"cmp"
	"slices"
	"time"
)

// MaxSeen is how many marks a person keeps; the oldest go.
const MaxSeen = 500

// Seen is what a person has read of the bell's notices: a time up to which all of them are read, and marks of single ones.
type Seen struct {
	Rev   int64      `json:"-"`            // +1 at every write
	All   time.Time  `json:"all,omitzero"` // whatever began before is read
	Marks []SeenMark `json:"marks"`        // the newest last
}

// SeenMark says that a person read the notice of a cause.
type SeenMark struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

// Has says whether the notice of a cause that began at a time is read. A mark counts for what began before it: a cause that ended and began anew is unread.
func (s Seen) Has(id string, began time.Time) bool {
	return !s.All.Before(began) || slices.ContainsFunc(s.Marks, func(m SeenMark) bool { return m.ID == id && !m.At.Before(began) })
}

// With marks a notice as read. What it shares with the one before is copied.
func (s Seen) With(id string, at time.Time) Seen {
	s.Marks = slices.DeleteFunc(slices.Clone(s.Marks), func(m SeenMark) bool { return m.ID == id })
	s.Marks = append(s.Marks, SeenMark{ID: id, At: at})
	slices.SortStableFunc(s.Marks, func(a, b SeenMark) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) })
	s.Marks = s.Marks[max(0, len(s.Marks)-MaxSeen):]
	return s
}

// WithAll marks every notice that has begun by a time as read; single marks up to then say nothing more.
func (s Seen) WithAll(at time.Time) Seen {
	s.All = at
	s.Marks = slices.DeleteFunc(slices.Clone(s.Marks), func(m SeenMark) bool { return !m.At.After(at) })
	return s
}
