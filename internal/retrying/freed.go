package retrying

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/rules"
)

// Configure stores an organisation's new settings or mapping, and lets everything go that waited for one: at once what is seen now, in batches, and by
// sweeps what was being stored at the same moment. It answers how many entries it released. One that still has its cause fails again. Errors:
// fault.Conflict when somebody changed the configuration since the version that was read.
func (r *Retrier) Configure(ctx context.Context, c org.Config, ifVersion int64) (stored org.Config, released int, err error) {
	now := r.now()
	c.Sweeps = []time.Time{now.Add(intlog.SweepSoon), now.Add(intlog.SweepLate)}
	if stored, err = r.store.PutConfig(ctx, c, ifVersion); err != nil {
		return stored, 0, fmt.Errorf("retrying.Configure: %w", err)
	}
	if released, _, err = r.release(ctx, c.Org, whole(fixedByConfig)); err != nil {
		return stored, released, fmt.Errorf("retrying.Configure: %w", err)
	}
	return stored, released, nil
}

// Nightly tries once more what failed for something that somebody may have put right in QuickBooks or Passare without telling us: a closed period, an
// inactive account, a name, a record that another one waits for. It answers how many entries it released.
func (r *Retrier) Nightly(ctx context.Context, id string) (int, error) {
	kinds := []rules.Kind{rules.Period, rules.Account, rules.NoName, rules.Member, rules.Transient}
	n, _, err := r.release(ctx, id, whole(func(p rules.Problem) bool { return slices.Contains(kinds, p.Kind) }))
	if err != nil {
		return n, fmt.Errorf("retrying.Nightly: %w", err)
	}
	return n, nil
}
