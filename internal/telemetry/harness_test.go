package telemetry_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/logwatch"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/telemetry"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at
}

// output keeps what is written, each Write by itself, and hands it to the watch.
type output struct {
	mu     sync.Mutex
	writes []string
	watch  *logwatch.Watch
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	o.writes = append(o.writes, string(p))
	o.mu.Unlock()
	return o.watch.Write(p)
}

// take gives what was written since the last time.
func (o *output) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.writes
	o.writes = nil
	return taken
}

// room is a store that is watched, on a clock that stands until a test moves it.
type room struct {
	t         *testing.T
	clock     *clock
	out       *output
	watch     *logwatch.Watch
	memory    *memory.Store
	telemetry *telemetry.Telemetry
	store     *telemetry.Watched
}

func newRoom(t *testing.T) *room {
	t.Helper()
	watch := logwatch.New(t)
	r := &room{t: t, clock: &clock{at: time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)}, watch: watch, out: &output{watch: watch}, memory: memory.NewStore()}
	r.telemetry = telemetry.New(telemetry.Options{Out: r.out, Stage: "test", Function: "worker", Now: r.clock.now})
	r.store = r.telemetry.Watch(r.memory)
	return r
}

// line is the one line that was written since the last time.
func (r *room) line() map[string]any {
	r.t.Helper()
	lines := r.out.take()
	if len(lines) != 1 {
		r.t.Fatalf("%d lines, want one: %q", len(lines), lines)
	}
	return parsed(r.t, lines[0])
}

// parsed reads a Write that must be one line with one JSON object, whose members are there once.
func parsed(t *testing.T, written string) map[string]any {
	t.Helper()
	if strings.Count(written, "\n") != 1 || !strings.HasSuffix(written, "\n") {
		t.Fatalf("not one line: %q", written)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(written), &line); err != nil {
		t.Fatalf("%v: %s", err, written)
	}
	again, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	if len(again) != len(strings.TrimSpace(written)) {
		t.Errorf("a member is there twice: %s", written)
	}
	return line
}

// entry makes an entry of a payment.
func (r *room) entry(id string, s intlog.State) intlog.Entry {
	return intlog.New(passare.Event{
		Org: "willow-creek", Record: passare.Ref{Type: passare.Payment, ID: id}, Version: 1, Verb: passare.Created, Hash: "hash", Raw: []byte(`{}`),
		Case:  &passare.Case{ID: "c1", Number: "24-0113", Decedent: passare.Decedent{First: "John", Last: "Smith"}},
		Actor: passare.Actor{ID: "u1", Name: "Ana Diaz"}, Body: &passare.PaymentBody{Amount: 1000, Date: "2026-03-04"},
	}, s, "why", r.clock.now())
}

func (r *room) create(e intlog.Entry) intlog.Entry {
	r.t.Helper()
	stored, created, err := r.store.Create(r.t.Context(), e, nil)
	if err != nil || !created {
		r.t.Fatalf("created %t: %v", created, err)
	}
	return stored
}

const machine = "Passare sync"

func (r *room) move(e intlog.Entry, to intlog.State, who string, change ...func(*intlog.Entry)) intlog.Entry {
	r.t.Helper()
	moved, err := e.Move(to, who, "why", r.clock.now())
	if err != nil {
		r.t.Fatal(err)
	}
	return r.update(moved, change...)
}

func (r *room) update(e intlog.Entry, change ...func(*intlog.Entry)) intlog.Entry {
	r.t.Helper()
	for _, f := range change {
		f(&e)
	}
	stored, err := r.store.Update(r.t.Context(), e)
	if err != nil {
		r.t.Fatal(err)
	}
	return stored
}
