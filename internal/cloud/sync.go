package cloud

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/queue"
)

// Sync works off messages of the queue: it builds journal entries and posts them.
func Sync(p Process) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	f := newFunction("sync", p, wireSync)
	return func(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		acknowledged := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		worker, err := f.ready(ctx)
		if err != nil {
			return acknowledged, err
		}
		ctx, cancel := context.WithTimeout(ctx, intlog.WorkerDeadline)
		defer cancel()
		for _, m := range event.Records {
			w, err := queue.Decode(m.Body)
			if err == nil {
				err = (*worker).Handle(ctx, w)
			}
			if err != nil {
				f.told.Log().ErrorContext(ctx, "work failed", "message", m.MessageId, "error", fault.Line(err))
			}
		}
		return acknowledged, nil
	}
}

func wireSync(ctx context.Context, p product) (*posting.Worker, error) {
	books, err := p.quickBooks(ctx, "sync", pacing.ForWorker)
	if err != nil {
		return nil, err
	}
	return posting.New(p.store, books.client, matching.New(p.table, books.client, books.leases, p.now), p.now), nil
}
