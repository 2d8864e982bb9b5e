package memory

import (
	"context"
	"sync"

	"github.com/passare/qbo-sync/internal/intlog"
)

// Queue is a FIFO queue in groups, one group for each organisation: a group's messages are handed out in
// order, and the next one only when the one before is done. Groups take turns.
type Queue struct {
	mu     sync.Mutex
	groups map[string][]intlog.Work
	busy   map[string]bool
	turns  []string // organisations that have messages and are not busy
	signal chan struct{}
}

// NewQueue makes an empty queue.
func NewQueue() *Queue {
	return &Queue{groups: map[string][]intlog.Work{}, busy: map[string]bool{}, signal: make(chan struct{}, 1)}
}

// Send appends a message to its organisation's group.
func (q *Queue) Send(_ context.Context, w intlog.Work) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.Entries = append([]string(nil), w.Entries...)
	q.groups[w.Org] = append(q.groups[w.Org], w)
	if len(q.groups[w.Org]) == 1 && !q.busy[w.Org] {
		q.turns = append(q.turns, w.Org)
	}
	q.wake()
	return nil
}

func (q *Queue) wake() {
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// Receive waits for a message of a group that nobody works on. done acknowledges it and frees the group.
func (q *Queue) Receive(ctx context.Context) (w intlog.Work, done func(), err error) {
	for {
		if w, done, ok := q.TryReceive(); ok {
			return w, done, nil
		}
		select {
		case <-ctx.Done():
			return intlog.Work{}, nil, ctx.Err()
		case <-q.signal:
		}
	}
}

// Take is Receive without waiting, for a queue of dead letters.
func (q *Queue) Take(context.Context) (w intlog.Work, done func(), found bool, err error) {
	w, done, found = q.TryReceive()
	return w, done, found, nil
}

// TryReceive is Receive without waiting.
func (q *Queue) TryReceive() (w intlog.Work, done func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.turns) == 0 {
		return intlog.Work{}, nil, false
	}
	org := q.turns[0]
	q.turns = q.turns[1:]
	w = q.groups[org][0]
	q.groups[org] = q.groups[org][1:]
	q.busy[org] = true
	if len(q.turns) > 0 {
		q.wake()
	}
	var once sync.Once
	return w, func() { once.Do(func() { q.release(org) }) }, true
}

func (q *Queue) release(org string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, org)
	if len(q.groups[org]) == 0 {
		delete(q.groups, org)
		return
	}
	q.turns = append(q.turns, org)
	q.wake()
}
