package local

import (
	"context"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// proofs are requests for proofs on their way.
type proofs chan reconcile.Request

// waiting is how many requests may be on their way; the demo has two organisations.
const waiting = 100

// Request has the organisation's books proved a moment later.
func (p proofs) Request(ctx context.Context, r reconcile.Request) error {
	select {
	case p <- r:
		return nil
	case <-ctx.Done():
		return fault.Because(ctx.Err(), fault.Unavailable, "The proof could not be asked for. Please try again.")
	}
}

// slot is how often organisations are looked for whose books are to be proved.
const slot = 10 * time.Minute

// prove works off requests for proofs until the system ends.
func (s *System) prove(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-s.proofs:
			bounded, cancel := context.WithTimeout(ctx, intlog.WorkerDeadline)
			night, err := s.Proof.Run(bounded, r)
			cancel()
			switch {
			case err != nil && !fault.Is(err, fault.Conflict) && ctx.Err() == nil:
				s.options.Log.ErrorContext(ctx, "proof failed", "error", fault.Line(err))
			case night.State == reconcile.Running:
				s.proofs <- r
			}
		}
	}
}

// nightly asks for the proofs that are due.
func (s *System) nightly(ctx context.Context) error {
	page, err := s.Store.Connections(ctx, "", waiting)
	if err != nil {
		return err
	}
	var orgs []string
	for _, c := range page {
		if c.EndedAt.IsZero() {
			orgs = append(orgs, c.Org)
		}
	}
	for _, id := range reconcile.Due(orgs, s.options.Now()) {
		if err := s.proofs.Request(ctx, reconcile.Request{Org: id}); err != nil {
			return err
		}
	}
	return nil
}
