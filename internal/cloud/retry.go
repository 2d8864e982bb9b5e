package cloud

import (
	"context"
	"fmt"

	"github.com/passare/qbo-sync/internal/retrying"
)

// Retry sends what is due to the worker again, and does what sweeps are due. It is run each minute.
func Retry(p Process) func(context.Context) error {
	f := newFunction("retry", p, wireRetry)
	return func(ctx context.Context) error {
		retrier, err := f.ready(ctx)
		if err != nil {
			return err
		}
		report, err := (*retrier).Run(ctx)
		f.told.OldestDue(report.Oldest)
		if err != nil {
			return fmt.Errorf("cloud.retry: %w", err)
		}
		return nil
	}
}

func wireRetry(_ context.Context, p product) (*retrying.Retrier, error) {
	work, err := p.queue()
	if err != nil {
		return nil, err
	}
	return retrying.New(p.store, work, p.now), nil
}
