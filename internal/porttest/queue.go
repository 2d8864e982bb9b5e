package porttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/retrying"
)

// QueuePort is what senders and the worker ask of a queue. Receive waits for a message of a group that nobody
// works on; done acknowledges it.
type QueuePort interface {
	Send(ctx context.Context, w intlog.Work) error
	Receive(ctx context.Context) (w intlog.Work, done func(), err error)
}

// DeadLettersPort is a queue as whoever drains dead letters asks of it.
type DeadLettersPort interface {
	QueuePort
	retrying.DeadLetters
}

// DeadLetters runs the suite of a queue of dead letters.
func DeadLetters(t *testing.T, empty func(*testing.T) DeadLettersPort) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, DeadLettersPort){
		"an empty queue says so, without waiting for long":                    deadNone,
		"a letter that is done with is gone":                                  deadOnce,
		"one that is not done with keeps its group waiting, and no other one": deadKept,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, empty(t))
		})
	}
}

func takeDead(t *testing.T, q DeadLettersPort) (got string, done func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w, done, found, err := q.Take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return "", nil
	}
	return w.Org + w.Entries[0], done
}

func deadNone(t *testing.T, q DeadLettersPort) {
	if got, _ := takeDead(t, q); got != "" {
		t.Errorf("%s is in an empty queue", got)
	}
}

func deadOnce(t *testing.T, q DeadLettersPort) {
	for n := range 3 {
		put(t, q, "a", n)
	}
	for n := range 3 {
		got, done := takeDead(t, q)
		if want := fmt.Sprintf("a%d", n); got != want {
			t.Fatalf("got %q, want %s", got, want)
		}
		done()
	}
	if got, _ := takeDead(t, q); got != "" {
		t.Errorf("%s is still there", got)
	}
}

func deadKept(t *testing.T, q DeadLettersPort) {
	put(t, q, "a", 1)
	put(t, q, "a", 2)
	put(t, q, "b", 1)
	one, _ := takeDead(t, q)
	two, _ := takeDead(t, q)
	if got := one + " " + two; got != "a1 b1" && got != "b1 a1" {
		t.Errorf("got %s", got)
	}
	if got, _ := takeDead(t, q); got != "" {
		t.Errorf("%s comes while the one before is not done with", got)
	}
}

// Queue runs the suite.
func Queue(t *testing.T, empty func(*testing.T) QueuePort) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, QueuePort){
		"messages of an organisation come in order, each once":                             queueOrder,
		"an organisation's next message waits until the one before is done, others do not": queueGroups,
		"waiting ends with the context":                                                    queueContext,
		"a message is acknowledged only once":                                              queueDoneTwice,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, empty(t))
		})
	}
}

func put(t *testing.T, q QueuePort, organisation string, n int) {
	t.Helper()
	if err := q.Send(t.Context(), intlog.Work{Org: organisation, Entries: []string{fmt.Sprint(n)}}); err != nil {
		t.Fatal(err)
	}
}

// patience ends a test whose message never comes; a conforming queue never uses it up.
const patience = 30 * time.Second

func take(t *testing.T, q QueuePort) (string, func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w, done, err := q.Receive(ctx)
	if err != nil {
		t.Fatalf("no message came: %v", err)
	}
	return w.Org + w.Entries[0], done
}

func queueOrder(t *testing.T, q QueuePort) {
	for n := range 5 {
		put(t, q, "a", n)
	}
	for n := range 5 {
		got, done := take(t, q)
		if want := fmt.Sprintf("a%d", n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		done()
	}
}

func queueGroups(t *testing.T, q QueuePort) {
	put(t, q, "a", 1)
	put(t, q, "a", 2)
	put(t, q, "b", 1)
	one, doneOne := take(t, q)
	two, doneTwo := take(t, q)
	if got := one + " " + two; got != "a1 b1" && got != "b1 a1" { // nothing is promised of the order of groups
		t.Errorf("got %s", got)
	}
	doneTwo()
	doneOne()
	three, done := take(t, q)
	if three != "a2" {
		t.Errorf("got %s", three)
	}
	done()
}

func queueContext(t *testing.T, q QueuePort) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := q.Receive(ctx); err == nil {
		t.Error("a message came from an empty queue")
	}
}

func queueDoneTwice(t *testing.T, q QueuePort) {
	put(t, q, "a", 1)
	put(t, q, "a", 2)
	put(t, q, "a", 3)
	_, done := take(t, q)
	done()
	_, second := take(t, q)
	done() // a late acknowledgement of the first must not free the group
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if w, _, err := q.Receive(ctx); err == nil {
		t.Errorf("%v came while the one before is being worked on", w)
	}
	second()
	if got, _ := take(t, q); got != "a3" {
		t.Errorf("got %s", got)
	}
}
