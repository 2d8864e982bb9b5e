package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
)

// personKey names a person of an organisation.
type personKey struct{ org, subject string }

type replyKey struct {
	personKey
	key string
}

func keyOf(who org.Person) personKey { return personKey{who.Org, who.Subject} }

// Reply reads what a person's call was answered under a key.
func (s *Store) Reply(_ context.Context, who org.Person, key string) (org.Reply, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, found := s.replies[replyKey{keyOf(who), key}]
	return cloneReply(r), found, nil
}

// PutReply keeps an answer; the first one under a key stands until it ends. Those that have ended are dropped.
func (s *Store) PutReply(_ context.Context, who org.Person, key string, r org.Reply) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.replies, func(_ replyKey, old org.Reply) bool { return old.Ended(r.At) })
	k := replyKey{keyOf(who), key}
	if _, found := s.replies[k]; !found {
		s.replies[k] = cloneReply(r)
	}
	return nil
}

func cloneReply(r org.Reply) org.Reply {
	r.Header, r.Body = maps.Clone(r.Header), slices.Clone(r.Body)
	return r
}

// Seen reads what a person has read of the bell; the zero value if nothing.
func (s *Store) Seen(_ context.Context, who org.Person) (org.Seen, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cloneSeen(s.seen[keyOf(who)]), nil
}

// PutSeen stores it if the stored one has the revision ifRev, and gives it the next. Errors: fault.Conflict.
func (s *Store) PutSeen(_ context.Context, who org.Person, seen org.Seen, ifRev int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[keyOf(who)].Rev != ifRev {
		return fault.New(fault.Conflict, "Somebody changed this at the same time.")
	}
	seen.Rev = ifRev + 1
	s.seen[keyOf(who)] = cloneSeen(seen)
	return nil
}

func cloneSeen(seen org.Seen) org.Seen {
	seen.Marks = slices.Clone(seen.Marks)
	return seen
}
