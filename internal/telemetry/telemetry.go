package telemetry

import (
	"context"
	"io"
	"log/slog"
	"math"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// Options are what the lines come from and where they go.
type Options struct {
	Out      io.Writer // a function's os.Stdout; gets one Write for each line, never two at once
	Stage    string    // "prod"; never empty, since CloudWatch drops metrics whose dimension is
	Function string    // "worker"
	Level    slog.Level
	Now      func() time.Time
}

// Telemetry writes the lines of one function.
type Telemetry struct {
	lines handler
	now   func() time.Time
}

// New makes the telemetry of a function.
func New(o Options) *Telemetry {
	json := slog.NewJSONHandler(o.Out, &slog.HandlerOptions{
		Level:       slog.Level(math.MinInt), // who may write is decided by handler
		ReplaceAttr: lambdacontext.ReplaceAttr,
	})
	fixed := []slog.Attr{slog.String(Dimension, o.Stage), slog.String("function", o.Function)}
	return &Telemetry{lines: handler{json.WithAttrs(fixed), o.Level, o.Now}, now: o.Now}
}

// Log is the log for everything else that the function has to tell, from Options.Level on. What is told there obeys the same rule: no names, no payloads, no
// tokens; of an error, fault.Line.
func (t *Telemetry) Log() *slog.Logger { return slog.New(t.lines) }

// OldestDue tells how long the oldest entry that is due has been on its way (retrying.Report); 0 when none is. It is told each minute, so that silence is an alarm, too.
func (t *Telemetry) OldestDue(age time.Duration) {
	t.tell(context.Background(), slog.LevelInfo, "oldest due", nil, reading{OldestDue, int64(max(age, 0) / time.Second)})
}

// GoodNight tells that the nightly run went well.
func (t *Telemetry) GoodNight() {
	t.tell(context.Background(), slog.LevelInfo, "good night", nil, reading{GoodNight, 1})
}

// Proved tells what a proof of an organisation's books found, or how far it has come: numbers, and nothing that was written for people.
func (t *Telemetry) Proved(ctx context.Context, org string, n reconcile.Night) {
	level, metrics := slog.LevelInfo, []reading(nil)
	if n.State == reconcile.Failed {
		level, metrics = slog.LevelWarn, []reading{{ProofsFailed, 1}}
	}
	t.tell(ctx, level, "proof", []slog.Attr{
		slog.String("org", fault.Identifier(org)), slog.String("night", fault.Identifier(string(n.Date))), slog.String("state", fault.Identifier(string(n.State))),
		slog.Bool("full", n.Full), slog.Int("entries", n.Entries), slog.Int("done", n.Done), slog.Int("reads", n.Reads),
		slog.Int("found", n.Found), slog.Int("gone", n.Gone), slog.Int("open", n.Open),
	}, metrics...)
}

// tell writes one line with its metrics, whatever the level. A line that cannot be written is lost.
func (t *Telemetry) tell(ctx context.Context, level slog.Level, message string, fields []slog.Attr, metrics ...reading) {
	r := slog.NewRecord(t.now(), level, message, 0)
	r.AddAttrs(fields...)
	if len(metrics) > 0 {
		r.AddAttrs(embedded(r.Time, metrics)...)
	}
	_ = t.lines.write(ctx, r)
}

// handler is slog's JSON handler with the handed-in clock, and the invocation's id.
type handler struct {
	slog.Handler
	level slog.Level
	now   func() time.Time
}

// Enabled says whether a line of Log's is written.
func (h handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle writes a line of Log's.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = h.now()
	return h.write(ctx, r)
}

func (h handler) write(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.UTC()
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("requestId", invocation.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs is slog.Handler's.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.level, h.now}
}

// WithGroup is slog.Handler's.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.level, h.now}
}
