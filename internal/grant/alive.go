package grant

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
)

// A grant ends when it is not refreshed for about a hundred days, and after five years whatever is done (../qbosim/quickbooks.md, OAuth).
const (
	idle       = 7 * 24 * time.Hour // a grant that was not used for longer is refreshed
	pageOfLive = 100                // connections that are read at a time
)

// KeepAlive refreshes every grant that nobody used for a week, and notes how long each lives. It is run once a day. A grant that is refused is noted
// as dead; one that was noted as dead and is accepted lets go what waited. What failed for something that may be put right by now is tried once more. Trouble with one organisation does not keep the others waiting; the error
// names them all.
func (c *Connector) KeepAlive(ctx context.Context) error {
	var failed []error
	for after := ""; ; {
		page, err := c.store.Connections(ctx, after, pageOfLive)
		if err != nil {
			return errors.Join(append(failed, fmt.Errorf("grant.KeepAlive: %w", err))...)
		}
		for _, x := range page {
			if after = x.Org; !x.EndedAt.IsZero() {
				continue
			}
			failed = append(failed, c.keepAlive(ctx, x.Org))
			if _, err := c.waiting.Nightly(ctx, x.Org); err != nil {
				failed = append(failed, fmt.Errorf("grant.KeepAlive: %s: %w", x.Org, err))
			}
		}
		if len(page) < pageOfLive || ctx.Err() != nil {
			return errors.Join(failed...)
		}
	}
}

func (c *Connector) keepAlive(ctx context.Context, id string) error {
	config, err := c.store.Config(ctx, id)
	if err != nil {
		return fmt.Errorf("grant.KeepAlive: %s: %w", id, err)
	}
	longest := idle
	if !config.BrokenSince.IsZero() {
		longest = 0
	}
	life, err := c.keeper.KeepAlive(ctx, id, longest)
	switch {
	case fault.Is(err, fault.Disconnected):
		err = c.store.Broken(ctx, id, config.Grants, c.now())
	case err == nil:
		err = c.lives(ctx, config, life)
	}
	if err != nil {
		return fmt.Errorf("grant.KeepAlive: %s: %w", id, err)
	}
	return nil
}

// lives notes what is known of a grant that was accepted.
func (c *Connector) lives(ctx context.Context, config org.Config, life Life) error {
	_, err := c.note(ctx, config.Org, func(x *org.Connection) {
		x.RefreshedAt, x.RollingEnd, x.HardEnd = life.Refreshed, life.RollingEnd, life.HardEnd
	})
	if err == nil && !config.BrokenSince.IsZero() {
		_, err = c.waiting.Reconnected(ctx, config.Org)
	}
	return err
}

// warnings are how many days before its end a grant is warned of.
func warnings() []int { return []int{1, 7, 30} }

// Notices are what people must know of a connection: that it is dead, or that it ends in 30, 7 or 1 days. There is one for each cause, since it is
// worked out from the connection itself.
func Notices(x org.Connection, config org.Config, now time.Time) []intlog.Notice {
	switch {
	case x.Realm == "" || !x.EndedAt.IsZero():
		return nil
	case !config.BrokenSince.IsZero():
		return []intlog.Notice{{
			Key: "connection-dead-" + config.BrokenSince.UTC().Format(time.RFC3339), Who: administrator, At: config.BrokenSince,
			Text: "QuickBooks no longer accepts the connection. Reconnect QuickBooks; what waits then goes by itself.",
		}}
	}
	end := x.End()
	for _, days := range warnings() {
		if from := end.AddDate(0, 0, -days); !end.IsZero() && !now.Before(from) {
			return []intlog.Notice{{
				Key: "connection-ends-" + strconv.Itoa(days) + "-" + end.UTC().Format(time.DateOnly), Who: administrator, At: from,
				Text: "The connection to QuickBooks ends on " + end.UTC().Format("01/02/2006") + ". Reconnect QuickBooks before then, and nothing has to wait.",
			}}
		}
	}
	return nil
}
