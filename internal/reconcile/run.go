package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// The bounds of a run.
const (
	RunWithin   = 2 * time.Minute  // a process that runs longer than this is dead: another one may go on
	stopBefore  = 20 * time.Second // of the context's deadline: then nothing new is begun
	overlap     = 10 * time.Minute // change data is read from so long before the end of the last time
	fullEach    = 31 * 24 * time.Hour
	lookBack    = 29 * 24 * time.Hour // change data goes back 30 days; a day is left for what went wrong
	portion     = 50                  // records that are proved between two writes of the state
	listed      = 200                 // entries of ours that are read at once
	rounds      = 3                   // how often a balance is compared again, since entries come while it is read
	Young       = 24 * time.Hour      // what is not posted for less than this is on its way
	appearsIn   = 10 * time.Minute    // an entry shows in QuickBooks within this of being synced
	ourLookBack = 10 * time.Minute    // our entries are looked for from so long before the last one: another process' clock may be behind
)

// run is one proof of one company.
type run struct {
	*desk
	p        *Proof
	config   org.Config
	now      time.Time
	state    state
	night    Night
	stateRev int64
	nightRev int64

	merges  map[string]string    // customers that were merged, and into which
	parted  map[string]bool      // customers that are gone, as change data says; into which they were merged is to be found out
	queue   []passare.Ref        // records to be proved
	queued  map[passare.Ref]bool // the same
	foreign map[string]bool      // journal entries that are not ours, to be looked at
	touched map[string]bool      // customers whose balances are to be compared
	absent  map[string]bool      // journal entries that were asked for by id, and are not there
	again   map[string]bool      // journal entries to be asked for though they were seen
	reread  map[passare.Ref]bool // records of which every journal entry is to be asked for
	was     map[string]content   // journal entries that were read by this run and are other than before: what they were; nil: not known before
	moved   map[string]time.Time // customers, by the newest change of an entry that names them
	called  map[string]string    // names of accounts by id; nil: not read yet
	display map[string]string    // names of customers and vendors, "Customer/12", as far as they were seen
	counted map[string]bool      // journal entries that this process has counted
}

// Run proves an organisation's books, or goes on where an earlier run was ended. It stops shortly before the context's deadline: the night is Running then, and
// whoever called asks for it again. Errors: fault.NotFound for an organisation that is not known; fault.Conflict when another run is at it; what the store answers.
func (p *Proof) Run(ctx context.Context, r Request) (Night, error) {
	night, err := p.run(ctx, r)
	if err != nil {
		return night, fmt.Errorf("reconcile.Run: %w", err)
	}
	return night, nil
}

// leased is what a run has alone.
const leased = "proof"

func (p *Proof) run(ctx context.Context, req Request) (Night, error) {
	config, err := p.o.Store.Config(ctx, req.Org)
	if err != nil {
		return Night{}, err
	}
	now, owner := p.o.Now(), fmt.Sprintf("%s/%d", p.o.Process, p.serial.Add(1))
	taken, err := p.o.Leases.Lease(ctx, req.Org, leased, owner, now, now.Add(RunWithin))
	if err != nil {
		return Night{}, err
	}
	if !taken {
		return Night{}, fault.New(fault.Conflict, "The books are being proved right now.")
	}
	defer func() { _ = p.o.Leases.Unlease(context.WithoutCancel(ctx), req.Org, leased, owner) }() // it ends by itself, too
	x := p.newRun(config, now)
	if err := x.open(ctx, req); err != nil || x.state.Run == nil {
		return x.night, err
	}
	if err := x.phases(ctx); err != nil {
		return x.fail(ctx, err)
	}
	return x.night, nil
}

func (p *Proof) newRun(config org.Config, now time.Time) *run {
	return &run{
		desk: newDesk(p.o.Store, config.Company()), p: p, config: config, now: now, merges: map[string]string{}, parted: map[string]bool{}, queued: map[passare.Ref]bool{},
		foreign: map[string]bool{}, touched: map[string]bool{}, absent: map[string]bool{}, again: map[string]bool{}, reread: map[passare.Ref]bool{}, moved: map[string]time.Time{}, was: map[string]content{},
		display: map[string]string{}, counted: map[string]bool{},
	}
}

// read reads what the run stands on.
func (x *run) read(ctx context.Context) error {
	papers, err := x.store.Papers(ctx, x.at, statePaper, []string{statePaper})
	if err == nil && len(papers) > 0 {
		x.stateRev, err = papers[0].Rev, decode(papers[0], &x.state)
	}
	if err != nil {
		return err
	}
	return each(ctx, x.store, x.at, mergedPaper, "", false, func(id string, m merged) bool {
		x.merges[id] = m.Into
		return false
	})
}

func (x *run) readNight(ctx context.Context, on date.Date) error {
	papers, err := x.store.Papers(ctx, x.at, nightPaper, []string{string(on)})
	if err == nil && len(papers) > 0 {
		x.nightRev, err = papers[0].Rev, decode(papers[0], &x.night)
	}
	return err
}

// open goes on with the run that is not at its end, or begins the night's.
func (x *run) open(ctx context.Context, req Request) error {
	if err := x.read(ctx); err != nil {
		return err
	}
	on := NightOf(x.now)
	if err := x.readNight(ctx, on); err != nil {
		return err
	}
	if r := x.state.Run; r != nil && r.Night == on && x.night.State == Running && (x.night.Full || !req.Full) {
		for _, c := range r.Customers {
			x.touched[c] = true
		}
		for _, id := range r.Foreign {
			x.foreign[id] = true
		}
		return nil
	}
	if x.nightRev > 0 && x.night.State != Failed && req.Who == "" && !req.Full { // the schedule asked twice
		x.state.Run = nil
		return nil
	}
	x.night = Night{Date: on, State: Running, Began: x.now, By: req.Who}
	x.state.Run = &progress{Night: on, From: x.now, Phase: readChanges, Walk: x.before()}
	if why := x.fullBecause(req); why != "" {
		x.full(why)
	}
	if x.state.Began.IsZero() {
		x.state.Began = x.now.Truncate(time.Second) // as QuickBooks tells times: what comes in the same second came after us
	}
	for _, c := range x.state.Later {
		x.touched[c] = true
	}
	x.state.Later = nil
	return x.save(ctx)
}

// before is a little before our newest entry that was proved.
func (x *run) before() intlog.Mark {
	if x.state.Mark.Created.IsZero() {
		return intlog.Mark{}
	}
	return intlog.Mark{Created: x.state.Mark.Created.Add(-ourLookBack)}
}

// fullBecause is why everything is compared; empty: only what changed.
func (x *run) fullBecause(req Request) string {
	switch s := x.state; {
	case s.Full.IsZero():
		return "The first proof compares everything."
	case req.Full && req.Who != "":
		return req.Who + " asked for everything to be compared."
	case req.Full:
		return "Everything was asked to be compared."
	case x.now.Sub(s.Since) > lookBack:
		return "The proof before was on " + date.Of(s.Since).Short() + ", and QuickBooks tells of changes for 30 days only, so everything is compared."
	case x.now.Sub(s.Full) > fullEach:
		return "Once a month everything is compared."
	}
	return ""
}

// full makes the run a full pass.
func (x *run) full(why string) {
	x.night.Full, x.night.Why = true, why
	x.state.Run.Phase, x.state.Run.Page, x.state.Run.Walk = readPages, 0, intlog.Mark{}
}

// save writes everything, the state last: a run that dies before is gone on with from the state before, and does the rest again.
func (x *run) save(ctx context.Context) error {
	if err := x.flush(ctx); err != nil {
		return err
	}
	if r := x.state.Run; r != nil {
		r.Customers, r.Foreign = slices.Sorted(maps.Keys(x.touched)), slices.Sorted(maps.Keys(x.foreign))
	}
	if err := write(ctx, x.desk, nightPaper, string(x.night.Date), &x.nightRev, x.night); err != nil {
		return err
	}
	return write(ctx, x.desk, statePaper, statePaper, &x.stateRev, x.state)
}

// phases does what is still to be done, until nothing is, or there is no time left.
func (x *run) phases(ctx context.Context) error {
	if !x.config.Connected() {
		return fault.New(fault.Disconnected, "QuickBooks is not connected. Connect it; then the books are proved again each night.")
	}
	for x.state.Run.Phase != "" {
		if x.late(ctx) {
			return nil
		}
		var next phase
		var err error
		switch x.state.Run.Phase {
		case readChanges:
			next, err = x.changes(ctx)
		case readPages:
			next, err = x.page(ctx)
		case readOurs:
			next, err = x.ours(ctx)
		case readOwed:
			next, err = x.owed(ctx)
		}
		if err != nil {
			return err
		}
		if x.state.Run.Phase = next; next == "" {
			return x.end(ctx)
		}
		if err := x.save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// late says whether nothing new may be begun.
func (x *run) late(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return limited && time.Until(end) < stopBefore
}

// changes looks at what changed in QuickBooks since the last night, and at what it gave hints of.
func (x *run) changes(ctx context.Context) (phase, error) {
	told, err := x.told(ctx, x.state.Since.Add(-overlap))
	if err != nil {
		return "", err
	}
	if told.Partial {
		x.full("More has changed in QuickBooks than it tells of, so everything is compared.")
		return readPages, nil
	}
	if err := x.hints(ctx); err != nil {
		return "", err
	}
	if err := x.partings(ctx); err != nil {
		return "", err
	}
	if done, err := x.proveQueue(ctx); err != nil || !done {
		return readChanges, err // what was not proved is fresh, and told of again
	}
	return readOurs, nil
}

// told reads changes and notes them.
func (x *run) told(ctx context.Context, since time.Time) (journal.Changes, error) {
	told, err := x.p.o.Books.Changes(ctx, x.at, since)
	x.night.Reads += told.Reads
	if err != nil {
		return told, err
	}
	for _, d := range told.Debtors {
		if err := x.debtor(ctx, d); err != nil {
			return told, err
		}
	}
	return told, x.noteAll(ctx, told.Entries)
}

// hints takes what QuickBooks told by itself: an entry that changed is asked for by its id, a customer that is gone is looked after.
func (x *run) hints(ctx context.Context) error {
	var entries, heard []string
	err := each(ctx, x.store, x.at, hintPaper, "", false, func(id string, h Hint) bool {
		heard = append(heard, id)
		switch {
		case h.Entity == "JournalEntry":
			entries = append(entries, h.ID)
		case h.Operation == "deleted":
			x.parted[h.ID] = true
		default:
			x.touched[h.ID] = true
		}
		return len(heard) == mostAtOnce
	})
	if err != nil || len(heard) == 0 {
		return err
	}
	seenNow, err := take[seen](ctx, x.desk, seenPaper, entries...)
	if err != nil {
		return err
	}
	for i, s := range seenNow {
		if s.known() {
			x.again[entries[i]] = true
			x.mine(*s)
		}
	}
	for _, id := range heard {
		if _, err := one[Hint](ctx, x.desk, hintPaper, id); err != nil {
			return err
		}
		x.drop(hintPaper, id)
	}
	return nil
}

// page reads a page of all that QuickBooks has.
func (x *run) page(ctx context.Context) (phase, error) {
	r := x.state.Run
	if r.Page == 0 && !x.state.Since.IsZero() && x.now.Sub(x.state.Since) < lookBack { // pages do not tell what was deleted, nor which customers were merged
		if _, err := x.told(ctx, x.state.Since.Add(-overlap)); err != nil {
			return "", err
		}
		if err := x.partings(ctx); err != nil {
			return "", err
		}
	}
	list, last, err := x.p.o.Books.JournalEntriesPage(ctx, x.at, r.Page)
	if err != nil {
		return "", err
	}
	x.night.Reads++
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	p, err := one[pass](ctx, x.desk, passPaper, pageName(r.Page))
	if err != nil {
		return "", err
	}
	p.IDs = ids
	x.put(passPaper, pageName(r.Page), false)
	if err := x.noteAll(ctx, list); err != nil {
		return "", err
	}
	x.queue, x.queued = nil, map[passare.Ref]bool{} // every record of ours is proved after the last page
	if !last {
		r.Page++
		return readPages, nil
	}
	return readOurs, nil
}

func pageName(n int) string { return fmt.Sprintf("%06d", n) }

// ours looks at our entries that no proof has seen, in a full pass at all of them, and at last at the records that wait.
func (x *run) ours(ctx context.Context) (phase, error) {
	r := x.state.Run
	if x.night.Full {
		if err := x.missedByPages(ctx); err != nil {
			return "", err
		}
	}
	list, err := x.p.o.Store.ListOldest(ctx, x.config.Org, "all", r.Walk, listed)
	if err != nil {
		return "", err
	}
	walk := r.Walk
	for _, e := range list {
		x.ask(e.Record)
		walk = intlog.MarkOf(e)
	}
	last := len(list) < listed
	if last {
		if err := x.askWaiting(ctx); err != nil {
			return "", err
		}
	}
	if done, err := x.proveQueue(ctx); err != nil || !done {
		return readOurs, err
	}
	if r.Walk = walk; !last {
		return readOurs, nil
	}
	return readOwed, x.proveForeign(ctx)
}

// askWaiting has the records that wait proved again.
func (x *run) askWaiting(ctx context.Context) error {
	return each(ctx, x.store, x.at, waitPaper, "", false, func(id string, _ wait) bool {
		if ref, ok := refOf(id); ok {
			x.ask(ref)
		}
		return false
	})
}

// refOf reads "payment/p1".
func refOf(id string) (passare.Ref, bool) {
	kind, name, ok := strings.Cut(id, "/")
	return passare.Ref{Type: passare.RecordType(kind), ID: name}, ok
}

// missedByPages notes, of a full pass, which entries QuickBooks does not have any more. It is done once, when the first of our entries are looked at.
func (x *run) missedByPages(ctx context.Context) error {
	if x.state.Run.Walk != (intlog.Mark{}) {
		return nil
	}
	present := map[string]bool{}
	err := each(ctx, x.store, x.at, passPaper, "", false, func(_ string, p pass) bool {
		for _, id := range p.IDs {
			present[id] = true
		}
		return false
	})
	if err != nil {
		return err
	}
	var missed []string
	err = each(ctx, x.store, x.at, seenPaper, "", false, func(id string, s seen) bool {
		if !s.Gone && !present[id] {
			missed = append(missed, id)
		}
		return false
	})
	if err != nil {
		return err
	}
	return x.askFor(ctx, missed)
}

// ask puts a record into the queue.
func (x *run) ask(ref passare.Ref) {
	if !x.queued[ref] {
		x.queued[ref] = true
		x.queue = append(x.queue, ref)
	}
}

// proveQueue proves what is in the queue, in portions, and what comes into it meanwhile; not done when there is no time left.
func (x *run) proveQueue(ctx context.Context) (done bool, err error) {
	for len(x.queue) > 0 {
		if x.late(ctx) {
			return false, nil
		}
		n := min(len(x.queue), portion)
		refs := x.queue[:n]
		x.queue = x.queue[n:]
		if err := x.prove(ctx, refs); err != nil {
			return false, err
		}
		for _, ref := range refs {
			delete(x.queued, ref)
		}
		x.night.Done += n
		if err := x.flush(ctx); err != nil {
			return false, err
		}
	}
	return true, nil
}

// fail ends a night that could not be done: the next one does its work.
func (x *run) fail(ctx context.Context, cause error) (Night, error) {
	f := fault.As(cause)
	if f.Code == fault.Internal || f.Code == fault.Conflict {
		return x.night, cause // a defect of ours, or somebody was faster: the run is gone on with
	}
	x.held = map[paperKey]*held{}
	x.night.State, x.night.Ended, x.night.Why = Failed, x.p.o.Now(), f.Text()
	x.night.Says = "The books could not be compared: " + f.Text()
	x.state.Run = nil
	return x.night, x.save(context.WithoutCancel(ctx))
}

// end says what the night found.
func (x *run) end(ctx context.Context) error {
	s := &x.state
	s.Since, s.Mark = s.Run.From, later(s.Mark, s.Run.Walk)
	if x.night.Full {
		s.Full = s.Run.From
		for n := range s.Run.Page + 1 {
			if _, err := one[pass](ctx, x.desk, passPaper, pageName(n)); err != nil {
				return err
			}
			x.drop(passPaper, pageName(n))
		}
	}
	s.Run = nil
	if err := x.flush(ctx); err != nil {
		return err
	}
	if err := x.summarize(ctx); err != nil {
		return err
	}
	return x.save(ctx)
}

func later(a, b intlog.Mark) intlog.Mark {
	if a.Compare(b) < 0 {
		return b
	}
	return a
}
