package grant

import (
	"context"
	"fmt"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
)

// Known keeps what is known of connections.
type Known interface {
	Config(ctx context.Context, org string) (org.Config, error)
	Connection(ctx context.Context, org string) (org.Connection, error)
}

// Viewer tells people what is known of their connection. It has no grant, and asks QuickBooks nothing.
type Viewer struct {
	store Known
	now   func() time.Time
}

// NewViewer makes a viewer.
func NewViewer(store Known, now func() time.Time) *Viewer { return &Viewer{store: store, now: now} }

// View reads an organisation's connection; one of which nothing is known was never connected. Errors: what the store answers.
func (v *Viewer) View(ctx context.Context, id string) (View, error) {
	config, err := v.store.Config(ctx, id)
	if fault.Is(err, fault.NotFound) {
		config, err = org.Config{Org: id, Name: id}, nil
	}
	if err != nil {
		return View{}, fmt.Errorf("grant.View: %w", err)
	}
	x, err := v.store.Connection(ctx, id)
	if err != nil {
		return View{}, fmt.Errorf("grant.View: %w", err)
	}
	return viewOf(x, config, v.now()), nil
}

func viewOf(x org.Connection, config org.Config, now time.Time) View {
	v := View{State: Alive, Connection: x, PausedUntil: config.PauseUntil, Notices: Notices(x, config, now)}
	switch {
	case x.Realm == "":
		v.State = Never
	case !x.EndedAt.IsZero():
		v.State = Disconnected
	case !config.BrokenSince.IsZero():
		v.State, v.RefusedSince = Refused, config.BrokenSince
	}
	return v
}

// Sentence says how the connection is, in one sentence for everybody who may see the log: no person, token or id is in it.
func (v View) Sentence(now time.Time) string {
	day := func(t time.Time) string { return t.UTC().Format("1/2/2006") }
	switch {
	case v.State == Never:
		return "QuickBooks is not connected yet. An administrator connects it; what waits then goes by itself."
	case v.State == Disconnected:
		return "QuickBooks was disconnected on " + day(v.Connection.EndedAt) + ". An administrator connects it again; what waits then goes by itself."
	case v.State == Refused:
		return "QuickBooks has refused the connection since " + day(v.RefusedSince) + ". An administrator must reconnect it; what waits then goes by itself."
	case v.PausedUntil.After(now):
		return "QuickBooks is connected, and has asked for a pause of a minute; what waits goes by itself."
	case v.Connection.Company != "":
		return "QuickBooks is connected to " + v.Connection.Company + "."
	}
	return "QuickBooks is connected."
}
