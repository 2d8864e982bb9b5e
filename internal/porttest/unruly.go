package porttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/passare/qbo-sync/internal/intlog"
)

// PolledQueue is a queue that says at once when it has nothing to give.
type PolledQueue interface {
	Send(ctx context.Context, w intlog.Work) error
	TryReceive() (w intlog.Work, done func(), ok bool)
}

// Unruly is a queue that does to messages what AWS's may, and no emulator does: some are lost, some are late, and some come twice, the second time also
// while the first is still being worked on. What is late or comes again keeps no order, within its group neither. Time is counted in messages, so that
// nobody has to wait.
type Unruly struct {
	queue PolledQueue

	mu    sync.Mutex
	luck  *rand.Rand
	turn  int
	late  []lateWork
	Tally UnrulyTally
}

type lateWork struct {
	work intlog.Work
	turn int // when it comes
}

// UnrulyTally counts what became of messages. Read it when nobody uses the queue.
type UnrulyTally struct{ Sent, Lost, Late, Twice int }

func (x UnrulyTally) String() string {
	return fmt.Sprintf("%d messages sent, %d lost, %d late, %d twice", x.Sent, x.Lost, x.Late, x.Twice)
}

// NewUnruly makes one of a queue. The seed says what becomes of the first message, the second, and so on.
func NewUnruly(q PolledQueue, seed uint64) *Unruly {
	return &Unruly{queue: q, luck: rand.New(rand.NewPCG(seed, 0))}
}

// longest is how many messages may come before one that is late.
const longest = 40

// Send takes a message; whether it is lost is not told.
func (q *Unruly) Send(ctx context.Context, w intlog.Work) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.Tally.Sent++
	switch luck := q.luck.IntN(20); {
	case luck < 3:
		q.Tally.Lost++
		return nil
	case luck < 8:
		q.Tally.Late++
		q.delay(w)
		return nil
	}
	return q.queue.Send(ctx, w)
}

func (q *Unruly) delay(w intlog.Work) {
	q.late = append(q.late, lateWork{work: w, turn: q.turn + 1 + q.luck.IntN(longest)})
}

// TryReceive gives a message, if there is any: a late one when its turn has come, or when there is no other.
func (q *Unruly) TryReceive() (w intlog.Work, done func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn++
	if at := slices.IndexFunc(q.late, func(l lateWork) bool { return l.turn <= q.turn }); at >= 0 {
		return q.take(at)
	}
	if w, done, ok = q.queue.TryReceive(); !ok {
		if len(q.late) == 0 {
			return w, done, false
		}
		return q.take(q.luck.IntN(len(q.late)))
	}
	q.again(w)
	return w, done, true
}

// take gives a late message. Nobody waits for its end, not even its group.
func (q *Unruly) take(at int) (w intlog.Work, done func(), ok bool) {
	w = q.late[at].work
	q.late = slices.Delete(q.late, at, at+1)
	q.again(w)
	return w, func() {}, true
}

// again lets a message that was just given come once more, perhaps next.
func (q *Unruly) again(w intlog.Work) {
	switch q.luck.IntN(8) {
	case 0:
		q.Tally.Twice++
		q.delay(w)
	case 1:
		q.Tally.Twice++
		q.late = append(q.late, lateWork{work: w, turn: q.turn + 1})
	}
}
