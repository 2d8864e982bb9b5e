// Package retrying finds what is due and sends it to the worker again: lost messages, retries whose time
// has come, leases that are over; and sweeps what a change of settings or a click has freed. It is one
// mechanism for all of them, run each minute.
//
//	store ─ what is due ──▶ at most PageShare of an organisation ─▶ in turns ─▶ queue ─▶ worker
//	      ─ sweeps ───────▶ the same                                              │ given MaxReceives times, and never acknowledged
//	      ◀─ an attempt, with the reason ── drain ◀── dead letters ◀──────────────┘
//
// Guarantees: every entry that the machine owns is sent again until it leaves that state, in growing
// steps; two runs at once are harmless, since each moves the due time only if it is as it was read. A run is
// bounded, and fair: whatever one organisation has due, the others get their share. What killed its worker is sent
// alone from then on, so that it takes no other with it, and is found.
//
// Failure handling: each part of a run is done whatever became of the one before. A run that is ended anywhere leaves what
// it has not done due, its sweeps not done, and its dead letter where it was.
package retrying

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// Store finds what is due. Postpone moves the due time if it is still seen, and changes nothing else, the
// revision included; otherwise it answers fault.Conflict.
type Store interface {
	intake.Releaser
	Config(ctx context.Context, org string) (org.Config, error)
	Entry(ctx context.Context, key intlog.Key) (intlog.Entry, error)
	// Due lists what is due in turns (intlog.InTurns), the longest due of each organisation first.
	Due(ctx context.Context, now time.Time, most, each int) ([]intlog.Entry, error)
	Postpone(ctx context.Context, key intlog.Key, seen, to time.Time) error
	// FlagSweeps lists the flags that have a sweep time up to now; Swept removes that time.
	FlagSweeps(ctx context.Context, now time.Time, limit int) ([]org.Flag, error)
	Swept(ctx context.Context, f org.Flag, now time.Time) error
	// ConfigSweeps lists the organisations whose configuration has a sweep time up to now; ConfigSwept removes that time.
	ConfigSweeps(ctx context.Context, now time.Time, limit int) (orgs []string, err error)
	ConfigSwept(ctx context.Context, org string, now time.Time) error
	// Reconfigure stores a configuration as PutConfig does, and what is kept of the change with it, or nothing.
	Reconfigure(ctx context.Context, c org.Config, ifVersion int64, kept org.Kept) (org.Config, error)
	// Mended takes away the note that QuickBooks refuses the organisation's grant, counts the grant, and stores sweep times.
	Mended(ctx context.Context, org string, sweeps []time.Time) error
	// List lists entries of a tab, newest first, after a mark.
	List(ctx context.Context, org, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error)
}

// Queue takes work for the worker.
type Queue interface {
	Send(ctx context.Context, w intlog.Work) error
}

// The bounds of one run.
const (
	// PageSize is how much a run sends or releases at most, since each takes about 10 ms in the store. The rest is for the next run, a minute later.
	PageSize = 1000
	// PageShare is how much of that one organisation gets: ten full messages, a quarter of the batches that QuickBooks takes of a company in a minute. What is
	// due of more is mostly on its way already, behind a long queue, which more messages would only make longer.
	PageShare = 300
	// EndBefore is how long before its context's deadline a run begins with nothing new: longer than a message, whose entries take 10 ms each.
	EndBefore = 10 * time.Second
)

// Retrier runs retries.
type Retrier struct {
	store Store
	queue Queue
	dead  DeadLetters
	now   func() time.Time
}

// New makes a retrier.
func New(store Store, queue Queue, now func() time.Time) *Retrier {
	return &Retrier{store: store, queue: queue, now: now}
}

// Drains makes a retrier whose runs drain the dead letters, too.
func (r *Retrier) Drains(dead DeadLetters) *Retrier {
	with := *r
	with.dead = dead
	return &with
}

// Report is what a run found and did.
type Report struct {
	Sent   int           // entries that were sent to the worker
	Oldest time.Duration // how long the one of those that were due has been queued or posting that has been so for longest; 0: none was due
	Dead   []DeadLetter  // that were drained, in their order
}

// Run sends what is due, does what sweeps are due, and drains the dead letters. It begins with nothing new shortly before its context's deadline
// (EndBefore). With an error, which is the first one, it reports all that was done. Errors: what the store and the dead letters answer.
func (r *Retrier) Run(ctx context.Context) (Report, error) {
	this := run{Retrier: r, left: PageSize}
	goesOn, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		goesOn, cancel = context.WithDeadline(ctx, deadline.Add(-EndBefore))
	}
	defer cancel()
	this.goesOn = func() bool { return goesOn.Err() == nil }
	var first error
	for _, part := range []func(context.Context) error{this.resend, this.sweep, this.sweepConfigs, this.drain} {
		if err := part(ctx); err != nil && first == nil {
			first = fmt.Errorf("retrying.Run: %w", err)
		}
	}
	return this.report, first
}

// run is one run.
type run struct {
	*Retrier
	goesOn func() bool // something new may be begun with
	left   int         // how much may be released
	report Report
}

// resend: protocol.md, row 4.
func (r *run) resend(ctx context.Context) error {
	now := r.now()
	due, err := r.store.Due(ctx, now, PageSize, PageShare)
	if err != nil {
		return err
	}
	r.report.Oldest = oldest(due, now)
	for _, message := range messages(due) {
		if !r.goesOn() {
			return nil
		}
		sent, err := r.sendAgain(ctx, message, now)
		if r.report.Sent += sent; err != nil {
			return err
		}
	}
	return nil
}

// messages makes messages of what is due: in turns, at most MaxWork entries of one organisation in each, and each alone that has been a dead letter.
func messages(due []intlog.Entry) [][]intlog.Entry {
	var list [][]intlog.Entry
	filling := map[string]int{} // an organisation's message that is not full, by its place
	for _, e := range due {
		at, is := filling[e.Org]
		switch {
		case deaths(e).n > 0:
			list = append(list, []intlog.Entry{e})
		case is && len(list[at]) < intlog.MaxWork:
			list[at] = append(list[at], e)
		default:
			filling[e.Org] = len(list)
			list = append(list, []intlog.Entry{e})
		}
	}
	return intlog.InTurns(list, func(m []intlog.Entry) string { return m[0].Org }, len(list), len(list))
}

// sendAgain postpones the entries of a message, and sends those that no other run was faster with.
func (r *run) sendAgain(ctx context.Context, message []intlog.Entry, now time.Time) (int, error) {
	var mine []string
	var failed error
	for _, e := range message {
		err := r.store.Postpone(ctx, e.Key, e.DueAt, now.Add(step(now.Sub(e.Created))))
		if fault.Is(err, fault.Conflict) {
			continue
		}
		if err != nil {
			failed = err
			break // what was postponed is sent all the same
		}
		mine = append(mine, e.ID())
	}
	return r.send(ctx, message[0].Org, mine), failed
}

// oldest is how long the longest of entries has been on its way. What waits for a stated time is as it should be.
func oldest(due []intlog.Entry, now time.Time) time.Duration {
	var longest time.Duration
	for _, e := range due {
		longest = max(longest, now.Sub(underwaySince(e, now)))
	}
	return longest
}

// underwaySince is when an entry came to be queued or posting, however often it has changed between these; now, if it is neither.
func underwaySince(e intlog.Entry, now time.Time) time.Time {
	since := now
	for _, step := range slices.Backward(e.History) {
		if step.To != intlog.Queued && step.To != intlog.Claimed {
			break
		}
		since = step.At
	}
	return since
}

// step: the older the entry, the longer until it is sent again.
func step(age time.Duration) time.Duration {
	return min(max(age, intlog.RetryStepMin), intlog.RetryStepMax)
}

// send sends one message. One that cannot be sent is due again after its step.
func (r *Retrier) send(ctx context.Context, org string, entries []string) int {
	if len(entries) == 0 {
		return 0
	}
	_ = r.queue.Send(ctx, intlog.Work{Org: org, Entries: entries})
	return len(entries)
}

// sweep: protocol.md, row 21, for the button: an entry that was being stored as held while the button was
// clicked is released now.
func (r *run) sweep(ctx context.Context) error {
	now := r.now()
	flags, err := r.store.FlagSweeps(ctx, now, PageSize)
	if err != nil {
		return err
	}
	for _, f := range flags {
		if !r.goesOn() || r.left <= 0 {
			return nil
		}
		config, err := r.store.Config(ctx, f.Org)
		if err != nil {
			return err
		}
		n, err := intake.Release(ctx, r.store, r.queue, config, f.Case, passare.Page(f.Page), f.By, now)
		r.released(n)
		if err != nil {
			return err
		}
		if err := r.store.Swept(ctx, f, now); err != nil {
			return err
		}
	}
	return nil
}

// released counts what a sweep has let go.
func (r *run) released(n int) {
	r.report.Sent += n
	r.left -= n
}

// Reconnected lets everything of an organisation go that waited for its connection: at once what is seen now, and by
// sweeps what was being stored at the same moment. It answers how many entries it released.
func (r *Retrier) Reconnected(ctx context.Context, org string) (int, error) {
	now := r.now()
	if err := r.store.Mended(ctx, org, []time.Time{now.Add(intlog.SweepSoon), now.Add(intlog.SweepLate)}); err != nil {
		return 0, fmt.Errorf("retrying.Reconnected: %w", err)
	}
	n, _, err := r.release(ctx, org, whole(fixedByConfig))
	if err != nil {
		return n, fmt.Errorf("retrying.Reconnected: %w", err)
	}
	return n, nil
}

// Renamed lets the entries of an organisation go that failed for a name or for something inactive, since a case or business was linked anew. It
// answers how many it released.
func (r *Retrier) Renamed(ctx context.Context, org string) (int, error) {
	n, _, err := r.release(ctx, org, whole(func(p rules.Problem) bool { return p.Kind == rules.NoName || p.Kind == rules.Account }))
	if err != nil {
		return n, fmt.Errorf("retrying.Renamed: %w", err)
	}
	return n, nil
}

// sweepConfigs: protocol.md, row 21, for what waits for a configuration. What is more than an organisation's share keeps its sweep for the next run.
func (r *run) sweepConfigs(ctx context.Context) error {
	now := r.now()
	orgs, err := r.store.ConfigSweeps(ctx, now, PageSize)
	if err != nil {
		return err
	}
	for _, id := range orgs {
		if !r.goesOn() || r.left <= 0 {
			return nil
		}
		config, err := r.store.Config(ctx, id)
		if err != nil {
			return err
		}
		n, all, err := r.release(ctx, id, loose{kind: fixedByConfig, before: lastSweep(config, now), most: min(PageShare, r.left), goesOn: r.goesOn})
		if r.released(n); err != nil {
			return err
		}
		pending, held, allAsked, err := r.releaseAsked(ctx, config, max(min(PageShare-n, r.left), 0), r.goesOn)
		if r.released(pending + held); err != nil {
			return err
		}
		if all && allAsked {
			if err := r.store.ConfigSwept(ctx, id, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastSweep is the last of a configuration's sweep times that has come. What failed after it was planned with what the sweep is for, and would only fail again:
// a sweep of more than one run would never end.
func lastSweep(c org.Config, now time.Time) (last time.Time) {
	for _, at := range c.Sweeps {
		if !at.After(now) && at.After(last) {
			last = at
		}
	}
	return last
}

// loose says what is released.
type loose struct {
	kind   func(rules.Problem) bool // with a cause of this kind
	before time.Time                // that failed before this; zero: whenever
	most   int
	goesOn func() bool
}

// whole is all with a cause of a kind.
func whole(kind func(rules.Problem) bool) loose {
	return loose{kind: kind, most: math.MaxInt, goesOn: func() bool { return true }}
}

func (l loose) has(e intlog.Entry) bool {
	late := !l.before.IsZero() && len(e.History) > 0 && !e.History[len(e.History)-1].At.Before(l.before)
	return !late && slices.ContainsFunc(e.Cause, l.kind)
}

// release queues failed entries whose cause may be gone, oldest first, and says whether these were all. One that still has its cause fails again.
func (r *Retrier) release(ctx context.Context, id string, which loose) (released int, all bool, err error) {
	waiting, all, err := r.failedFor(ctx, id, which)
	if err != nil {
		return 0, false, err
	}
	var queued []string
	for _, e := range waiting {
		if !which.goesOn() {
			all = false
			break
		}
		moved, moving := e.Move(intlog.Queued, intlog.Machine, "Its cause may be gone; it is tried again.", r.now())
		if moving == nil {
			_, moving = r.store.Update(ctx, moved)
		}
		if fault.Is(moving, fault.Conflict) { // somebody else was faster
			continue
		}
		if moving != nil {
			err = moving // what was queued is sent all the same
			break
		}
		queued = append(queued, e.ID())
	}
	for work := range slices.Chunk(queued, intlog.MaxWork) {
		r.send(ctx, id, work)
	}
	return len(queued), all, err
}

// failedFor lists an organisation's failed entries that are to be released, oldest first, and says whether these are all. (Those that are stuck go on by
// themselves.) The log is read from its newest end,
// so when they are too many it is the newest of them.
func (r *Retrier) failedFor(ctx context.Context, id string, which loose) (found []intlog.Entry, all bool, err error) {
	var after intlog.Mark
	for end := false; !end && len(found) <= which.most; {
		if !which.goesOn() {
			return nil, false, nil
		}
		page, err := r.store.List(ctx, id, intlog.Failed.Tab(), after, PageSize)
		if err != nil {
			return nil, false, err
		}
		for _, e := range page {
			if after = intlog.MarkOf(e); e.State == intlog.Failed && which.has(e) {
				found = append(found, e)
			}
		}
		end = len(page) < PageSize
	}
	all = len(found) <= which.most
	found = found[:min(len(found), which.most)]
	slices.Reverse(found)
	return found, all, nil
}

func fixedByConfig(p rules.Problem) bool {
	return p.Kind == rules.Connection || p.Kind == rules.Mapping || p.Kind == rules.Company || p.Kind == rules.Period
}
