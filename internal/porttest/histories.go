package porttest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/passare"
)

// Entries is what clients ask of a store about entries.
type Entries interface {
	Create(ctx context.Context, e intlog.Entry, mentions []passare.Ref) (intlog.Entry, bool, error)
	Entry(ctx context.Context, key intlog.Key) (intlog.Entry, error)
	Record(ctx context.Context, org string, ref passare.Ref) (intlog.Record, error)
	Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error)
	Postpone(ctx context.Context, key intlog.Key, seen, to time.Time) error
}

// Histories are random histories of clients that work at once on the two versions of one record, each as the use cases do: it moves the entry that it has read
// (claim, record, release, delete, restore, supersede …) and stores it on the revision that it has read. Some answers never reach their client; what it asked
// may happen at any time, or not at all.
//
// A history is right if every version is one register with a revision, whose operations happen one after another, each between its call and its answer
// (linearizability, checked by porcupine): a Create makes it if there is none, an Update takes effect exactly if it has the stored revision, a Postpone if it
// has seen the stored due time; whoever loses is told what is stored, and a read tells what the last write stored. Nothing is said of two versions at
// one moment: DynamoDB reads a record version by version.
type Histories struct {
	Runs    int    // how many
	Seed    uint64 // of the first; the others follow it
	Clients int    // in each
	Steps   int    // of each client
	Again   int    // how often a history is made before it counts as right: the seed says what clients do, the machine when they meet; 0: once
	// Mistaken is for a store that may say of a write whose answer was lost on the way that another was faster, although it was made: the write before the
	// other's. Such an answer then says what is stored, and leaves open whether the write was made. No due
	// time is moved in them.
	Mistaken bool
}

// ErrNoRegister is what Find answers for a history that no register can have.
var ErrNoRegister = errors.New("no order of these operations explains the answers")

// tally is what happened in histories.
type tally struct{ Won, Lost, Open, Created, Postponed, Read atomic.Int64 }

func (x *tally) String() string {
	return fmt.Sprintf("%d writes won, %d lost, %d without an answer; %d created, %d postponed, %d reads",
		x.Won.Load(), x.Lost.Load(), x.Open.Load(), x.Created.Load(), x.Postponed.Load(), x.Read.Load())
}

// Run makes the histories on a store, each on a record of its own, and fails the test with the first that is wrong and its seed.
func (h Histories) Run(t *testing.T, s Entries) {
	t.Helper()
	var sum tally
	for seed := range h.seeds() {
		if err := h.run(t.Context(), s, seed, &sum); err != nil {
			t.Fatalf("the history of seed %d is wrong; again: go test -run '%s' -seed=%d\n%v", seed, t.Name(), seed, err)
		}
	}
	t.Logf("%d histories: %s", h.Runs, &sum)
	if h.Runs >= 100 && (sum.Won.Load() == 0 || sum.Lost.Load() == 0 || sum.Open.Load() == 0 || sum.Created.Load() == 0) {
		t.Error("something never happened, so that these histories show little")
	}
}

// Find looks for a history that is wrong, and answers its seed and what is wrong with it; nil if there is none.
func (h Histories) Find(ctx context.Context, s Entries) (seed uint64, wrong error) {
	for seed := range h.seeds() {
		if err := h.run(ctx, s, seed, &tally{}); err != nil {
			return seed, err
		}
	}
	return 0, nil
}

// Only is the histories, or, if there is a seed, the one history of that seed, many times.
func (h Histories) Only(seed uint64) Histories {
	if seed != 0 {
		h.Seed, h.Runs, h.Again = seed, 1, 200
	}
	return h
}

func (h Histories) seeds() func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for i := range uint64(h.Runs) {
			if !yield(h.Seed + i) {
				return
			}
		}
	}
}

// run makes the history of a seed and checks it.
func (h Histories) run(ctx context.Context, s Entries, seed uint64, sum *tally) error {
	for again := range max(h.Again, 1) {
		w := &world{Histories: h, store: s, record: passare.Ref{Type: passare.Payment, ID: fmt.Sprintf("history-%d-%d", seed, again)}, sum: sum}
		start := make(chan struct{})
		var clients sync.WaitGroup
		for n := range h.Clients {
			c := &client{world: w, name: n, luck: rand.New(rand.NewPCG(seed, uint64(n)))}
			clients.Go(func() {
				<-start
				for step := range h.Steps {
					c.step(ctx, step)
				}
			})
		}
		close(start)
		clients.Wait()
		w.late.Wait()
		if w.broken != nil {
			return w.broken
		}
		if !linearizable(w.ops) {
			return fmt.Errorf("porttest.Histories: %w (calls and answers are numbered):\n%s", ErrNoRegister, w)
		}
	}
	return nil
}

// world is one history.
type world struct {
	Histories
	store  Entries
	record passare.Ref
	sum    *tally
	clock  atomic.Int64 // numbers calls and answers
	late   sync.WaitGroup

	mu     sync.Mutex
	ops    []op
	broken error // what no store may answer
}

// op is one operation of a history on one version.
type op struct {
	client       int
	version      int64
	call, answer int64 // answer 0: there was none
	what         kind
	seen         value // a write's: the one that it was made from
	next         value // a write's: the one that it stores
	won          bool
	got          value // what the store told
}

type kind string

// The operations.
const (
	reading    kind = "read"
	creating   kind = "create"
	updating   kind = "update"
	postponing kind = "postpone"
)

// value is a version as histories see it; the zero value: there is none. Every write has a mark of its own.
type value struct {
	rev   int64
	state intlog.State
	mark  string
	due   int64
}

func valueOf(e intlog.Entry) value {
	v := value{rev: e.Rev, state: e.State, mark: e.Why}
	if !e.DueAt.IsZero() {
		v.due = int64(e.DueAt.Sub(began()) / time.Second)
	}
	return v
}

func (v value) String() string {
	if v == (value{}) {
		return "nothing"
	}
	return fmt.Sprintf("rev %d %s due %d by %s", v.rev, v.state, v.due, v.mark)
}

func (o op) String() string {
	end := fmt.Sprint(o.answer)
	if o.answer == 0 {
		end = "never"
	}
	s := fmt.Sprintf("%4d…%-5s client %d, version %d: %s", o.call, end, o.client, o.version, o.what)
	if o.what != reading {
		s += fmt.Sprintf(" %v, seen %v", o.next, o.seen)
	}
	switch {
	case o.answer == 0:
		return s
	case o.what != reading && o.won:
		s += " → done,"
	case o.what != reading:
		s += " → refused,"
	}
	return s + fmt.Sprintf(" stored: %v", o.got)
}

// String lists the history by its calls.
func (w *world) String() string {
	ops := slices.Clone(w.ops)
	slices.SortFunc(ops, func(a, b op) int { return int(a.call - b.call) })
	var lines []string
	for _, o := range ops {
		lines = append(lines, o.String())
	}
	return strings.Join(lines, "\n")
}

func (w *world) key(version int64) intlog.Key {
	return intlog.Key{Org: "histories", Record: w.record, Version: version}
}

// did notes an operation that was answered; an error that is no answer leaves it open.
func (w *world) did(o op, err error) {
	o.answer = w.clock.Add(1)
	refused := fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil && !refused && !fault.Is(err, fault.Unavailable):
		w.broken = fmt.Errorf("porttest.Histories: %v: %w", o, err)
		return
	case err != nil && !refused:
		w.leave(o)
		return
	}
	w.sum.count(o)
	if w.Mistaken && o.what != reading && !o.won {
		w.leave(o)
		o.what = reading
	}
	w.ops = append(w.ops, o)
}

// leave notes a write of which nobody knows whether it was made. An open read says nothing.
func (w *world) leave(o op) {
	w.sum.Open.Add(1)
	if o.what != reading {
		o.answer = 0
		w.ops = append(w.ops, o)
	}
}

func (x *tally) count(o op) {
	switch {
	case o.what == reading:
		x.Read.Add(1)
	case !o.won:
		x.Lost.Add(1)
	case o.what == creating:
		x.Created.Add(1)
	case o.what == postponing:
		x.Postponed.Add(1)
	default:
		x.Won.Add(1)
	}
}

// client is one of those who work on the record.
type client struct {
	*world
	name int
	luck *rand.Rand
	read [3]intlog.Entry // by version, as this client knows it
}

// step does one thing. An answer that is lost is one that the client does not wait for.
func (c *client) step(ctx context.Context, step int) {
	o, e := c.choose(int64(1+c.luck.IntN(2)), 1+c.name+step*c.Clients)
	if c.luck.IntN(3) == 0 {
		runtime.Gosched()
	}
	o.call = c.clock.Add(1)
	fate := c.luck.IntN(24)
	if fate > 2 {
		c.ask(ctx, o, e)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave(o)
	if fate > 0 { // else it never reaches the store
		c.late.Go(func() { _, _, _ = c.act(ctx, o, e) })
	}
}

// choose says what to do with a version next, from what the client knows of it, and the entry to write. tick tells this step from all others.
func (c *client) choose(version int64, tick int) (op, intlog.Entry) {
	known, now := c.read[version], began().Add(time.Duration(tick)*time.Hour)
	o := op{client: c.name, version: version, what: reading, seen: valueOf(known)}
	mark := fmt.Sprintf("client %d, tick %d", c.name, tick)
	luck := c.luck.IntN(10)
	switch {
	case luck < 2, known.Rev == 0 && luck < 6:
		return o, known
	case known.Rev == 0:
		e := entry("histories", c.record.ID, version, []intlog.State{intlog.Queued, intlog.Pending, intlog.Held}[c.luck.IntN(3)])
		e.Why, o.what = mark, creating
		if e.State.Owned() {
			e.DueAt = now
		}
		o.next = valueOf(e)
		return o, e
	case luck < 3 && !known.DueAt.IsZero() && !c.Mistaken: // a Postpone leaves the revision as it is: made twice, it is made twice
		o.what, o.next = postponing, o.seen
		o.next.due = int64(now.Sub(began()) / time.Second)
		return o, known
	}
	next := c.moves(known.State)
	if len(next) == 0 {
		return o, known
	}
	moved, err := known.Move(next[c.luck.IntN(len(next))], "client", mark, now)
	if err != nil {
		return o, known
	}
	o.what, o.next = updating, valueOf(moved)
	o.next.rev++
	return o, moved
}

// moves are the states that a client may choose from. What ends an entry's life is the rarest, so that much happens before.
func (c *client) moves(from intlog.State) []intlog.State {
	all := intlog.Next(from)
	if c.luck.IntN(4) > 0 {
		all = slices.DeleteFunc(all, func(s intlog.State) bool { return len(intlog.Next(s)) == 0 })
	}
	return all
}

// ask does an operation, notes its answer, and keeps what the client has learned.
func (c *client) ask(ctx context.Context, o op, e intlog.Entry) {
	if o.what == reading && c.luck.IntN(2) == 0 {
		c.readRecord(ctx, o)
		return
	}
	stored, won, err := c.act(ctx, o, e)
	o.got, o.won = valueOf(stored), won
	if o.what == postponing { // it tells nothing but whether it was done
		o.got = value{}
	} else if stored.Rev > 0 {
		c.read[o.version] = stored
	}
	c.did(o, err)
}

// act does an operation on the store.
func (c *client) act(ctx context.Context, o op, e intlog.Entry) (stored intlog.Entry, won bool, err error) {
	switch o.what {
	case creating:
		return c.store.Create(ctx, e, nil)
	case updating:
		if stored, err = c.store.Update(ctx, e); fault.Is(err, fault.NotFound) {
			stored = intlog.Entry{}
		}
	case postponing:
		err = c.store.Postpone(ctx, e.Key, e.DueAt, began().Add(time.Duration(o.next.due)*time.Second))
	case reading:
		if stored, err = c.store.Entry(ctx, c.key(o.version)); err != nil {
			stored = intlog.Entry{}
		}
	}
	return stored, err == nil, err
}

// readRecord reads both versions at once: a read of each.
func (c *client) readRecord(ctx context.Context, o op) {
	r, err := c.store.Record(ctx, c.key(1).Org, c.record)
	for version := int64(1); version <= 2; version++ {
		o.version, o.got = version, value{}
		if at := slices.IndexFunc(r.Entries, func(e intlog.Entry) bool { return e.Version == version }); at >= 0 {
			c.read[version] = r.Entries[at]
			o.got = valueOf(r.Entries[at])
		}
		c.did(o, err)
	}
}

// linearizable says whether each version is a register.
func linearizable(ops []op) bool {
	for version := int64(1); version <= 2; version++ {
		var history []porcupine.Operation
		for _, o := range ops {
			if o.version != version {
				continue
			}
			answer := o.answer
			if answer == 0 {
				answer = math.MaxInt64 // it may take effect at any time; after everything else is like never
			}
			history = append(history, porcupine.Operation{ClientId: o.client, Input: o, Output: o, Call: o.call, Return: answer})
		}
		if !porcupine.CheckOperations(porcupine.Model{Init: func() any { return value{} }, Step: step}, history) {
			return false
		}
	}
	return true
}

// step is the register: what an operation makes of what is stored, and whether it can have had its answer.
func step(state, input, _ any) (possible bool, next any) {
	stored, _ := state.(value)
	o, _ := input.(op)
	takes, after := false, o.next
	switch o.what {
	case creating:
		takes = stored == value{}
	case updating:
		takes = stored != value{} && stored.rev == o.seen.rev
	case postponing:
		takes, after = stored != value{} && stored.due == o.seen.due, stored
		after.due = o.next.due
	case reading:
		return o.got == stored, stored
	}
	told := after
	if !takes {
		after, told = stored, stored
	}
	if o.what == postponing {
		told = value{}
	}
	return o.answer == 0 || o.won == takes && o.got == told, after
}
