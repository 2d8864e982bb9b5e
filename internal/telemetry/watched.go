package telemetry

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/review"
)

// Store is what the use cases that move entries, or find a connection broken, ask of a store. Links, leases and counters have nothing to tell: what needs
// those gets the store itself.
type Store interface {
	intake.Store
	review.Store
	posting.Store
	retrying.Store
	reconcile.Store
	grant.Store
}

// Watched is a store whose writes of entries, of the quarantine and of broken connections are told, after they succeeded. Every answer is the store's own.
type Watched struct {
	Store
	telemetry *Telemetry
}

// Watch makes a store tell its transitions. Functions hand the Watched to use cases in place of the store.
func (t *Telemetry) Watch(s Store) *Watched { return &Watched{s, t} }

// Create is the store's; an entry that was created is told.
func (w *Watched) Create(ctx context.Context, e intlog.Entry, mentions []passare.Ref) (intlog.Entry, bool, error) {
	stored, created, err := w.Store.Create(ctx, e, mentions)
	if err == nil && created {
		w.telemetry.transition(ctx, stored, change{who: actor(stored), metrics: []reading{{EntriesTaken, 1}}})
	}
	return stored, created, err
}

// Update is the store's; an entry that was written is told.
func (w *Watched) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	stored, err := w.Store.Update(ctx, e)
	if err == nil {
		w.telemetry.transition(ctx, stored, changeOf(stored, w.telemetry.now()))
	}
	return stored, err
}

// Broken is the store's; the refusal that the store noted is told, and not those that come while it is noted already.
func (w *Watched) Broken(ctx context.Context, org string, grants int64, since time.Time) error {
	err := w.Store.Broken(ctx, org, grants, since)
	if err == nil && w.noted(ctx, org, since) {
		w.telemetry.tell(ctx, slog.LevelWarn, "connection broken", []slog.Attr{slog.String("org", org), slog.Time("since", since.UTC())}, reading{ConnectionsBroken, 1})
	}
	return err
}

// noted says whether the organisation's note is the one of this time. If it cannot be read, it is rather told twice than never.
func (w *Watched) noted(ctx context.Context, org string, since time.Time) bool {
	c, err := w.Config(ctx, org)
	return err != nil || c.BrokenSince.Equal(since)
}

// Quarantine is the store's; a delivery that was kept is told, a repeat again.
func (w *Watched) Quarantine(ctx context.Context, q intlog.Quarantined) error {
	err := w.Store.Quarantine(ctx, q)
	if err == nil {
		f := fields{}
		f.text("org", fault.Identifier(q.Org))
		if q.Record != (passare.Ref{}) {
			f.text("record", fault.Identifier(q.Record.String()))
		}
		f.text("code", string(q.Reason.Code))
		w.telemetry.tell(ctx, slog.LevelWarn, "delivery quarantined", f, reading{DeliveriesQuarantined, 1})
	}
	return err
}

// change is what a write changed, beside what the entry says.
type change struct {
	from    intlog.State
	who     string
	metrics []reading
}

// changeOf reads the change from the entry as it was written: its newest step, unless the write made none.
func changeOf(e intlog.Entry, now time.Time) change {
	var last intlog.Step
	if len(e.History) > 0 {
		last = e.History[len(e.History)-1]
	}
	c := change{from: last.From, who: actor(e)}
	switch e.State {
	case intlog.Synced:
		c.metrics = []reading{{EntriesSynced, 1}, {TimeToBooks, max(now.Sub(released(e)), 0).Milliseconds()}}
	case intlog.Failed:
		c.metrics = []reading{{EntriesFailed, 1}}
	case intlog.Claimed:
		// Only an entry that is being posted is written without a step: when an outcome stays unknown, so that a posting which is open has faults, and when
		// the company was changed under it, which alone gives a cause to this state.
		unknown := slices.ContainsFunc(e.Postings, func(p intlog.Posting) bool { return p.Open() && p.Faults > 0 })
		stranded := len(e.Cause) > 0
		if unknown || stranded {
			c.from, c.who = intlog.Claimed, machine
		}
		if c.from == intlog.Claimed && !stranded {
			c.metrics = []reading{{OutcomesUnknown, 1}}
		}
	case intlog.Held, intlog.Pending, intlog.Queued, intlog.Waiting, intlog.Deleted, intlog.Superseded, intlog.Excluded, intlog.Unchanged:
	}
	return c
}

// released is when the entry last came into the machine's hands. What the machine does with it meanwhile counts in. After more than intlog.MaxHistory steps
// the one looked for may be forgotten; then it is when it was taken in.
func released(e intlog.Entry) time.Time {
	for _, s := range slices.Backward(e.History) {
		if s.To.Owned() && !s.From.Owned() {
			return s.At
		}
	}
	return e.Created
}

// Who moved an entry, without a name.
const (
	machine = "machine"
	person  = "person"
)

// actor is who made the entry's newest step.
func actor(e intlog.Entry) string {
	if n := len(e.History); n > 0 && e.History[n-1].Who != intlog.Machine && e.History[n-1].Who != intlog.Passare {
		return person
	}
	return machine
}

// transition writes the one line of a write of an entry.
func (t *Telemetry) transition(ctx context.Context, e intlog.Entry, c change) {
	level := slog.LevelInfo
	for _, r := range c.metrics {
		if r.metric == EntriesFailed || r.metric == OutcomesUnknown {
			level = slog.LevelWarn
		}
	}
	f := fields{
		slog.String("org", e.Org), slog.String("entry", e.ID()), slog.String("record", string(e.Record.Type)),
		slog.Int64("version", e.Version), slog.Int64("rev", e.Rev), slog.String("kind", e.Kind),
	}
	f.text("from", string(c.from))
	f.text("to", string(e.State))
	f.text("who", c.who)
	f.text("causes", causes(e))
	f.postings(e.Postings)
	if n := len(e.Attempts); n > 0 {
		f.text("code", fault.Identifier(e.Attempts[n-1].Code))
		f.text("intuit_tid", fault.Identifier(e.Attempts[n-1].Trace))
	}
	f = append(f, slog.Int64("age_ms", t.now().Sub(e.Created).Milliseconds()))
	if !e.DueAt.IsZero() {
		f = append(f, slog.Time("due", e.DueAt.UTC()))
	}
	t.tell(ctx, level, "transition", f, c.metrics...)
}

// causes are the kinds of an entry's causes, each once, without their texts.
func causes(e intlog.Entry) string {
	var kinds []string
	for _, p := range e.Cause {
		if k := string(p.Kind); !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	return strings.Join(kinds, ",")
}

// fields are those of a line; what is empty is left out.
type fields []slog.Attr

func (f *fields) text(key, value string) {
	if value != "" {
		*f = append(*f, slog.String(key, value))
	}
}

func (f *fields) postings(postings []intlog.Posting) {
	var docs, ids []string
	faults := 0
	for _, p := range postings {
		docs = append(docs, plain(p.Doc))
		if p.QuickBooksID != "" {
			ids = append(ids, fault.Identifier(p.QuickBooksID))
		}
		faults += p.Faults
	}
	if len(docs) > 0 {
		*f = append(*f, slog.Any("docs", docs))
	}
	if len(ids) > 0 {
		*f = append(*f, slog.Any("quickbooks", ids))
	}
	if faults > 0 {
		*f = append(*f, slog.Int("faults", faults))
	}
}

// plain is a posting's number as a line may have it. It begins with what people call the case or check; what has no digit there may be a name, and is left out.
// The rest alone is unique (journal.DocNumber).
func plain(doc string) string {
	if at := strings.LastIndex(doc, "-"); at >= 0 && !strings.ContainsAny(doc[:at], "0123456789") {
		doc = doc[at+1:]
	}
	return fault.Identifier(doc)
}
