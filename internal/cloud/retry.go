package cloud

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/queue"
	"github.com/passare/qbo-sync/internal/retrying"
)

// Retry sends what is due to the worker again, does what sweeps are due, and drains the dead letters. It is run each minute, and begins with nothing new
// shortly before the function is ended.
func Retry(p Process) func(context.Context) error {
	f := newFunction("retry", p, wireRetry)
	return func(ctx context.Context) error {
		retrier, err := f.ready(ctx)
		if err != nil {
			return err
		}
		report, err := (*retrier).Run(ctx)
		f.told.OldestDue(report.Oldest)
		for _, letter := range report.Dead {
			tell(ctx, f.told.Log(), letter)
		}
		if err != nil {
			return fmt.Errorf("cloud.retry: %w", err)
		}
		return nil
	}
}

// tell says what became of a dead letter. Which entries it named is in their own lines.
func tell(ctx context.Context, log *slog.Logger, letter retrying.DeadLetter) {
	if letter.CannotSay != nil {
		log.ErrorContext(ctx, "dead letter not read", "error", fault.Line(letter.CannotSay))
		return
	}
	log.WarnContext(ctx, "dead letter drained", "org", fault.Identifier(letter.Org), "entries", letter.Entries, "sent", letter.Sent, "failed", letter.Failed)
}

func wireRetry(_ context.Context, p product) (*retrying.Retrier, error) {
	work, err := p.queue()
	if err != nil {
		return nil, err
	}
	dead, err := queue.New(queue.Options{AWS: p.account, URL: p.DeadURL})
	if err != nil {
		return nil, err
	}
	return retrying.New(p.store, work, p.now).Drains(dead), nil
}
