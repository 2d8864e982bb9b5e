package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/cloud"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/logwatch"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// theatre stands for everything around Turns.
type theatre struct {
	night       reconcile.Night
	fails       error // of the proof
	cannotSend  string
	connections []org.Connection

	ran, sent []reconcile.Request
	delays    []time.Duration
	left      time.Duration // of the time of the last run
	proved    []reconcile.NightState
}

func (x *theatre) Run(ctx context.Context, r reconcile.Request) (reconcile.Night, error) {
	x.ran = append(x.ran, r)
	if end, ok := ctx.Deadline(); ok {
		x.left = time.Until(end)
	}
	return x.night, x.fails
}

func (x *theatre) Request(ctx context.Context, r reconcile.Request) error { return x.Later(ctx, r, 0) }

func (x *theatre) Later(_ context.Context, r reconcile.Request, delay time.Duration) error {
	if x.cannotSend == r.Org {
		return fault.New(fault.Unavailable, "The queue cannot be reached.")
	}
	x.sent, x.delays = append(x.sent, r), append(x.delays, delay)
	return nil
}

func (x *theatre) Connections(_ context.Context, after string, limit int) ([]org.Connection, error) {
	var page []org.Connection
	for _, c := range x.connections {
		if c.Org > after && len(page) < limit {
			page = append(page, c)
		}
	}
	return page, x.fails
}

func (x *theatre) turns(t *testing.T) cloud.Turns {
	return cloud.Turns{
		Proof: x, Connections: x, Requests: x, Log: logwatch.New(t).Logger(),
		Proved: func(_ context.Context, _ string, n reconcile.Night) { x.proved = append(x.proved, n.State) },
	}
}

func TestAMessageIsOneTurn(t *testing.T) {
	t.Parallel()
	const asked = `{"org":"willow-creek","full":true,"who":"Ana Diaz"}`
	request := []reconcile.Request{{Org: "willow-creek", Full: true, Who: "Ana Diaz"}}
	for name, c := range map[string]struct {
		theatre
		body   string
		times  string
		failed bool
		sent   []reconcile.Request
	}{
		"proved":                                {theatre: theatre{night: reconcile.Night{State: reconcile.Differs}}},
		"could not be done":                     {theatre: theatre{night: reconcile.Night{State: reconcile.Failed}}},
		"is not done yet":                       {theatre: theatre{night: reconcile.Night{State: reconcile.Running}}, sent: request},
		"is not done yet, and cannot go on":     {theatre: theatre{night: reconcile.Night{State: reconcile.Running}, cannotSend: "willow-creek"}, failed: true},
		"another run does it":                   {theatre: theatre{fails: fault.New(fault.Conflict, "Another run has it.")}, times: "1"},
		"another run does it, or one was ended": {theatre: theatre{fails: fault.New(fault.Conflict, "Another run has it.")}, times: "2", failed: true},
		"the store cannot be reached":           {theatre: theatre{fails: fault.New(fault.Unavailable, "The store cannot be reached.")}, failed: true},
		"nobody knows the organisation":         {theatre: theatre{fails: fault.New(fault.NotFound, "There is none.")}, failed: true},
		"no request":                            {body: "hello", failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := events.SQSMessage{MessageId: "m1", Body: asked}
			if c.body != "" {
				m.Body = c.body
			}
			if c.times != "" {
				m.Attributes = map[string]string{"ApproximateReceiveCount": c.times}
			}
			answer := c.turns(t).Take(t.Context(), []events.SQSMessage{m})
			want := []events.SQSBatchItemFailure{}
			if c.failed {
				want = append(want, events.SQSBatchItemFailure{ItemIdentifier: "m1"})
			}
			if diff := cmp.Diff(want, answer.BatchItemFailures); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.sent, c.theatre.sent); diff != "" {
				t.Error(diff)
			}
			if c.body == "" && (!cmp.Equal(c.ran, request) || c.left > intlog.WorkerDeadline || c.left < intlog.WorkerDeadline-10*time.Second) {
				t.Errorf("%v, with %s left", c.ran, c.left)
			}
			if told := c.body == "" && c.fails == nil; len(c.proved) == 1 != told {
				t.Errorf("told: %v", c.proved)
			}
		})
	}
}

func TestTheScheduleAsksForEachConnectedOrganisationOnce(t *testing.T) {
	t.Parallel()
	x := &theatre{}
	ended := map[string]bool{}
	for i := range 250 { // pages, the last of them not full
		c := org.Connection{Org: fmt.Sprintf("home-%03d", i)}
		if i%10 == 0 {
			c.EndedAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			ended[c.Org] = true
		}
		x.connections = append(x.connections, c)
	}
	turns := x.turns(t)
	for at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC); at.Day() == 1; at = at.Add(10 * time.Minute) {
		if err := turns.Ask(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	times := map[string]int{}
	for i, r := range x.sent {
		times[r.Org]++
		if r.Full || r.Who != "" || ended[r.Org] || x.delays[i] != 0 {
			t.Errorf("%+v", r)
		}
	}
	for _, c := range x.connections {
		if want := map[bool]int{false: 1}[ended[c.Org]]; times[c.Org] != want {
			t.Errorf("%s is asked for %d times", c.Org, times[c.Org])
		}
	}
}

func TestOneThatCannotBeAskedForKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	const first = "willow-creek"
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for len(reconcile.Due([]string{first}, at)) == 0 {
		at = at.Add(10 * time.Minute)
	}
	x := &theatre{connections: []org.Connection{{Org: first}}, cannotSend: first}
	for i := range 100 {
		x.connections = append(x.connections, org.Connection{Org: fmt.Sprintf("x-%03d", i)})
	}
	if err := x.turns(t).Ask(t.Context(), at); !fault.Is(err, fault.Unavailable) || len(x.sent) == 0 {
		t.Errorf("%v, %v", err, x.sent)
	}
	x = &theatre{fails: errors.New("no list")}
	if err := x.turns(t).Ask(t.Context(), at); err == nil || x.sent != nil {
		t.Errorf("%v, %v", err, x.sent)
	}
}
