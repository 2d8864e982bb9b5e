package cloud

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/queue"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// Reconcile proves organisations' books. A message of the queue is one organisation's turn. Any other event is the schedule's, each ten minutes of the
// night: it sends a message for each organisation whose slot has come.
func Reconcile(p Process) func(context.Context, json.RawMessage) (any, error) {
	f := newFunction("reconcile", p, wireReconcile)
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		made, err := f.ready(ctx)
		if err != nil {
			return nil, err
		}
		var e struct {
			Records   []events.SQSMessage
			Scheduled time.Time `json:"scheduled"` // when the schedule meant to call; a repeat of a call that failed has the same
		}
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, fmt.Errorf("cloud.reconcile: %w", fault.Because(err, fault.Invalid, "This event is neither of the queue nor of the schedule."))
		}
		turns := Turns{Proof: made.proof, Connections: made.connections, Requests: made.requests, Proved: f.told.Proved, Log: f.told.Log()}
		if len(e.Records) > 0 {
			return turns.Take(ctx, e.Records), nil
		}
		if e.Scheduled.IsZero() {
			e.Scheduled = f.process.Now()
		}
		if err := turns.Ask(ctx, e.Scheduled); err != nil {
			return nil, fmt.Errorf("cloud.reconcile: %w", err)
		}
		return nil, nil
	}
}

// proving is what the function reconcile works with.
type proving struct {
	proof       *reconcile.Proof
	connections Connections
	requests    *queue.Requests
}

func wireReconcile(ctx context.Context, p product) (proving, error) {
	requests, err := p.requests()
	if err != nil {
		return proving{}, err
	}
	books, err := p.quickBooks(ctx, "reconcile", pacing.ForOthers)
	if err != nil {
		return proving{}, err
	}
	proof := p.proof(reconcile.Options{Requests: requests}, books) // only people send entries on their way, and they are served by admin
	return proving{proof: proof, connections: p.table, requests: requests}, nil
}

// proof makes the proof; Queue, Requests and what asks QuickBooks are those of the function, and empty where it only hears.
func (p product) proof(o reconcile.Options, books quickBooks) *reconcile.Proof {
	o.Now, o.Leases, o.Store, o.Process = p.now, p.table, p.store, rand.Text()
	o.Planner = posting.New(p.store, nil, matching.New(p.table, nil, nil, p.now), p.now) // it only previews
	if books.client != nil {
		o.Books = books.client
	}
	return reconcile.New(o)
}

func (p product) requests() (*queue.Requests, error) {
	return queue.NewRequests(queue.Options{AWS: p.account, URL: p.ReconcileQueueURL})
}

// Prover proves an organisation's books (package reconcile).
type Prover interface {
	Run(ctx context.Context, r reconcile.Request) (reconcile.Night, error)
}

// Connections lists organisations' connections to QuickBooks, by organisation, after one.
type Connections interface {
	Connections(ctx context.Context, after string, limit int) ([]org.Connection, error)
}

// LaterRequests are requests that may come after a moment (package queue).
type LaterRequests interface {
	reconcile.Requests
	Later(ctx context.Context, r reconcile.Request, delay time.Duration) error
}

// Turns is what the function reconcile does with its events.
type Turns struct {
	Proof       Prover
	Connections Connections
	Requests    LaterRequests
	Proved      func(ctx context.Context, org string, night reconcile.Night) // tells what a proof found
	Log         *slog.Logger
}

const (
	soon       = 5 * time.Second // before a proof goes on that its function's time has ended: QuickBooks may just have asked for a pause
	pageOfLive = 100             // connections that are read at a time
)

// Take works off messages, each of them one organisation's turn. A proof that is not done when the time of a function is over goes on with the same request
// in another message. One that another run does is left to that run. What failed comes again after intlog.Visibility, and after intlog.MaxReceives times
// goes to the dead letters.
func (t Turns) Take(ctx context.Context, messages []events.SQSMessage) events.SQSEventResponse {
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range messages {
		request, err := queue.DecodeRequest(m.Body)
		if err == nil {
			err = t.turn(ctx, request, again(m))
		}
		if err != nil {
			t.Log.ErrorContext(ctx, "proof failed", "org", fault.Identifier(request.Org), "delivery", m.MessageId, "error", fault.Line(err))
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return answer
}

func (t Turns) turn(ctx context.Context, request reconcile.Request, again bool) error {
	bounded, cancel := context.WithTimeout(ctx, intlog.WorkerDeadline)
	defer cancel()
	night, err := t.Proof.Run(bounded, request)
	switch {
	case fault.Is(err, fault.Conflict) && !again:
		t.Log.InfoContext(ctx, "proof left to another run", "org", fault.Identifier(request.Org))
		return nil
	case err != nil:
		return err
	}
	if t.Proved(ctx, request.Org, night); night.State == reconcile.Running {
		return t.Requests.Later(ctx, request, soon)
	}
	return nil
}

// again says whether a message was given before. Then the other run that has the organisation may be the one of this very message, which was killed: it would
// go on nowhere if the message were taken as done.
func again(m events.SQSMessage) bool {
	times, told := m.Attributes["ApproximateReceiveCount"]
	return told && times != "1"
}

// Ask asks for the proof of each connected organisation that is due. One that could not be asked for does not keep the others waiting; a repeat asks for all
// of them again, which does no harm.
func (t Turns) Ask(ctx context.Context, at time.Time) error {
	var connected []string
	for after, more := "", true; more; {
		page, err := t.Connections.Connections(ctx, after, pageOfLive)
		if err != nil {
			return err
		}
		for _, x := range page {
			if after = x.Org; x.EndedAt.IsZero() {
				connected = append(connected, x.Org)
			}
		}
		more = len(page) == pageOfLive
	}
	var failed []error
	due := reconcile.Due(connected, at)
	for _, id := range due {
		failed = append(failed, t.Requests.Request(ctx, reconcile.Request{Org: id}))
	}
	t.Log.InfoContext(ctx, "proofs asked for", "connected", len(connected), "due", len(due))
	return errors.Join(failed...)
}
