package posting

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// Store keeps configurations and entries. Every read here is strongly consistent. Update stores an entry
// if its revision is still the stored one, and gives it the next; otherwise it answers fault.Conflict.
type Store interface {
	Config(ctx context.Context, org string) (org.Config, error)
	Record(ctx context.Context, org string, ref passare.Ref) (intlog.Record, error)
	Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error)
	// Broken notes that QuickBooks refuses the organisation's grant since then, unless it is noted or the organisation was connected again since
	// grants (org.Config) was read. Nothing of it is sent until it is mended.
	Broken(ctx context.Context, org string, grants int64, since time.Time) error
	// Mended takes that note away, counts the grant, and stores when what waited is looked for again.
	Mended(ctx context.Context, org string, sweeps []time.Time) error
	// PutConfig stores a configuration if the stored one has ifVersion; otherwise fault.Conflict.
	PutConfig(ctx context.Context, c org.Config, ifVersion int64) (org.Config, error)
}

// Books is QuickBooks' ledger. CreateJournalEntry answers fault.Unknown when the entry may have been
// written, and any other fault when it certainly was not.
type Books interface {
	CreateJournalEntry(ctx context.Context, at org.Company, e journal.Entry, requestID string) (id string, err error)
	// CreateJournalEntries creates up to MaxBatch entries by one request. Each is carried out by itself, is known by requestid and item, and has an
	// outcome whose error is as that of CreateJournalEntry; an error is one for all of them.
	CreateJournalEntries(ctx context.Context, at org.Company, entries []journal.BatchItem, requestID string) ([]journal.Outcome, error)
	JournalEntriesByDocNumber(ctx context.Context, at org.Company, docs []string) ([]journal.FoundEntry, error)
	Preferences(ctx context.Context, at org.Company) (journal.Preferences, error)
}

// Matcher gives a name its QuickBooks id (package matching).
type Matcher interface {
	// Known is the name's QuickBooks id if it is linked already; nothing is looked up or created for it.
	Known(ctx context.Context, at org.Company, n journal.Name) (matched journal.Name, found bool, err error)
	Match(ctx context.Context, at org.Company, n journal.Name) (journal.Name, error)
}

// Worker posts entries.
type Worker struct {
	store Store
	books Books
	names Matcher
	now   func() time.Time
	seen  *seen
}

// New makes a worker.
func New(store Store, books Books, names Matcher, now func() time.Time) *Worker {
	return &Worker{store: store, books: books, names: names, now: now, seen: newSeen()}
}

// Handle works off one message. Its entries are planned and claimed each by itself, and go out together. It always acknowledges: what could not be done is
// due again by itself, and an entry that makes the worker panic keeps no other one waiting. The error is for the log.
func (w *Worker) Handle(ctx context.Context, work intlog.Work) error {
	var keys []intlog.Key
	var first error
	for _, id := range work.Entries {
		key, err := intlog.ParseKey(work.Org, id)
		switch {
		case err == nil && !slices.Contains(keys, key):
			keys = append(keys, key)
		case err != nil && first == nil:
			first = fmt.Errorf("posting.Handle: entry %s: %w", id, err)
		}
	}
	if err := w.sync(ctx, keys); err != nil && first == nil {
		first = fmt.Errorf("posting.Handle: %w", err)
	}
	return first
}

// Sync brings one entry as far as it goes now. An entry that is not due, or that another worker holds,
// is left alone. Errors: what the store answers; everything else is recorded in the entry.
func (w *Worker) Sync(ctx context.Context, key intlog.Key) error {
	if err := w.sync(ctx, []intlog.Key{key}); err != nil {
		return fmt.Errorf("posting.Sync: %w", err)
	}
	return nil
}

// calmly makes an error of a panic: of its kind and place, since its text may quote the entry.
func calmly(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Because(fmt.Errorf("panic of %T: %s", p, debug.Stack()), fault.Internal, "The worker panicked. The entry is due again by itself.")
		}
	}()
	return f()
}

// begin reads what is needed for an entry; nothing if there is no such entry.
func (w *Worker) begin(ctx context.Context, key intlog.Key) (*job, error) {
	config, remembered := w.seen.config(key.Org, w.now())
	if !remembered {
		var err error
		if config, err = w.readConfig(ctx, key.Org); err != nil {
			return nil, err
		}
	}
	record, err := w.store.Record(ctx, key.Org, key.Record)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(record.Entries, func(e intlog.Entry) bool { return e.Key == key })
	if at < 0 {
		return nil, nil
	}
	return &job{Worker: w, config: config, remembered: remembered, record: record, entry: record.Entries[at]}, nil
}

// job is one entry in the hands of one worker, with what was read for it. A fault.Conflict from the
// store ends it: somebody else was faster, and has taken over.
type job struct {
	*Worker
	config     org.Config
	remembered bool // the configuration is what was read for another entry, and may be out of date
	record     intlog.Record
	entry      intlog.Entry

	closing *closing        // what is known of the close date, by all entries of the message
	planned []rules.Planned // what is to be claimed
	way     bool            // that only makes way for more (rules.Plan)
	outcome outcome
	replan  bool // it is queued again, with something to plan anew
}

// next is what an entry needs after it was decided on.
type next int

const (
	nothing next = iota // it is settled, or left alone
	toSend              // its plan is to be claimed and sent
	toAsk               // it was claimed before, and the outcome is unknown
	toDefer             // what goes out before it may change what becomes of it
)

// decide brings an entry to where something must be sent, or to where it goes without that: rows 5 to 9, 11 and 13. others says that entries of the same
// message go out before it.
func (j *job) decide(ctx context.Context, others bool) (next, error) {
	now := j.now()
	if !j.entry.State.Owned() || now.Before(j.entry.Until) {
		return nothing, nil
	}
	if j.remembered {
		if plan, plain := j.plain(ctx); plain {
			j.planned, j.way = plan.Entries, plan.MakesWay
			return toSend, nil
		}
		var err error
		if j.config, err = j.readConfig(ctx, j.entry.Org); err != nil {
			return nothing, err
		}
	}
	switch {
	case now.Before(j.config.PauseUntil):
		return nothing, j.park(ctx, j.config.PauseUntil)
	case j.entry.State == intlog.Claimed:
		return j.reclaim(ctx)
	case !j.config.Connected():
		return nothing, j.hold(ctx, []rules.Problem{unconnected(j.config)})
	}
	switch j.order() {
	case stop:
		return nothing, nil
	case supersede:
		return nothing, j.move(ctx, intlog.Superseded, newerCarries)
	case proceed:
	}
	plan, err := j.plan(ctx)
	if err == nil && plan.Closed {
		var trouble *fault.Error
		if plan, trouble, err = j.planWithCloseDate(ctx, plan); trouble != nil {
			return nothing, j.troubled(ctx, trouble)
		}
	}
	if err != nil {
		return nothing, err
	}
	j.entry.Sentence, j.entry.Warnings = plan.Sentence, plan.Warnings
	switch {
	case len(plan.Problems) > 0 && others && !slices.ContainsFunc(plan.Problems, func(p rules.Problem) bool { return !p.Waits() }):
		return toDefer, nil
	case len(plan.Problems) > 0:
		return nothing, j.hold(ctx, plan.Problems)
	case len(plan.Entries) == 0:
		return nothing, j.settle(ctx, plan)
	}
	if err := j.matchNames(ctx, plan.Entries); err != nil {
		return nothing, j.unmatched(ctx, err)
	}
	j.planned, j.way = plan.Entries, plan.MakesWay
	return toSend, nil
}

// park leaves a paused organisation's entry until the pause is over; one that is being posted stays.
func (j *job) park(ctx context.Context, until time.Time) error {
	if j.entry.State == intlog.Claimed {
		return nil
	}
	j.entry.Until = until
	return j.move(ctx, intlog.Waiting, "QuickBooks asked for a pause.")
}

// newerCarries is why a version is not posted by itself.
const newerCarries = "A newer version carries this change."

// verdict says what an entry may do beside the record's other versions.
type verdict int

const (
	proceed verdict = iota
	stop
	supersede
)

// order: rows 6 and 7. Nothing is planned while another version is being posted, or while a newer one is
// on its way: that one supersedes this one when it claims, or leaves it to be measured against the books.
func (j *job) order() verdict {
	v := proceed
	for _, e := range j.record.Entries {
		switch newer := e.Key.Compare(j.entry.Key) > 0; {
		case e.Key == j.entry.Key:
		case e.State == intlog.Claimed:
			return stop
		case newer && e.State.Owned():
			return stop
		case newer && e.State == intlog.Failed:
			v = supersede
		}
	}
	return v
}

// life is what counts for the plan: up to the newest version or undo that needs no release any more, this one included (row 11).
func (j *job) life() (intlog.Life, error) {
	top := j.entry.Key
	for _, e := range j.record.Entries {
		if e.State.Approved() && e.Key.Compare(top) > 0 {
			top = e.Key
		}
	}
	life := j.record.Life(top)
	if len(life.Versions) == 0 {
		return life, fault.New(fault.Internal, "No version of this record counts.")
	}
	if gone := life.Gone(); !j.needsEveryVersion() {
		life.Versions, life.Undone = life.Versions[len(life.Versions)-1:], 0
		if gone {
			life.Undone = 1
		}
	}
	return life, nil
}

func decoded(versions []intlog.Entry) ([]passare.Event, error) {
	events := make([]passare.Event, 0, len(versions))
	for _, e := range versions {
		event, err := passare.Decode(e.Data)
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	return events, nil
}

// needsEveryVersion: contracts and checks are the sum of their life, and so is the baseline of a record
// from before the cut-over; anything else is its newest version, so that a record of a thousand
// versions does not cost a thousand decodings.
func (j *job) needsEveryVersion() bool {
	t := j.entry.Record.Type
	return t == passare.GoodsAndServices || t == passare.Check || j.config.Settings.CutOver != "" ||
		slices.ContainsFunc(j.record.Entries, func(e intlog.Entry) bool { return e.State == intlog.Excluded || e.Choices.ByHand() })
}

// plan: row 11.
func (j *job) plan(ctx context.Context) (rules.Plan, error) {
	life, err := j.life()
	if err != nil {
		return rules.Plan{}, err
	}
	versions, err := decoded(life.Versions)
	if err != nil {
		return rules.Plan{}, err
	}
	in := rules.Input{
		Versions: versions, Undone: life.Undone, Entry: j.entry.Version, Undo: j.entry.Undo, Config: j.config,
		Skipped:     j.record.Skipped(j.entry.Key) > 0 && j.entry.Choices.Amounts == "",
		MentionedBy: j.record.MentionedBy,
	}
	for _, e := range j.record.Entries {
		for _, s := range e.Standing() {
			s.Undone = e.Key.Compare(life.Undo) <= 0
			in.Standing = append(in.Standing, s)
		}
	}
	if in.Deleted, in.Decided, err = j.decided(life, versions[len(versions)-1].Version); err != nil {
		return rules.Plan{}, err
	}
	if in.Related, err = j.related(ctx, versions[len(versions)-1]); err != nil {
		return rules.Plan{}, err
	}
	plan := rules.Make(in)
	for _, e := range j.record.Entries {
		if other, found := e.Elsewhere(j.config.Realm); found && len(plan.Entries) > 0 {
			plan.Problems = append(plan.Problems, elsewhere(j.entry, other, "Correct it there by hand, then delete this entry here."))
			break
		}
	}
	if len(plan.Entries) > intlog.MaxPostings {
		plan.Problems = append(plan.Problems, rules.Problem{
			Kind: rules.Data, Subject: j.entry.Record.String(), Who: "support", Where: "support",
			Text: fmt.Sprintf("This change touches %d dates, more than %d.", len(plan.Entries), intlog.MaxPostings),
		})
	}
	return plan, nil
}

// planWithCloseDate asks QuickBooks whether the books are still closed as we know them, since an entry is
// about to be held or moved for that, and plans again if not (accounting.md §7). The trouble of a QuickBooks that
// could not be asked is not an error of ours: the entry waits for it.
func (j *job) planWithCloseDate(ctx context.Context, plan rules.Plan) (rules.Plan, *fault.Error, error) {
	changed, trouble, err := j.readCloseDate(ctx)
	if trouble != nil || err != nil || !changed {
		return plan, trouble, err
	}
	plan, err = j.plan(ctx)
	return plan, nil, err
}

// readCloseDate brings the configuration's close date up to date and says whether it changed. It is asked for once for all entries of a message.
func (j *job) readCloseDate(ctx context.Context) (changed bool, trouble *fault.Error, err error) {
	if !j.closing.read {
		preferences, err := j.books.Preferences(ctx, j.config.Company())
		if err != nil {
			return false, fault.As(err), nil
		}
		j.closing.read, j.closing.date = true, preferences.BookCloseDate
	}
	for config := j.config; ; {
		if config.CloseDate == j.closing.date {
			changed, j.config = config.Version != j.config.Version, config
			return changed, nil, nil
		}
		now := j.now()
		config.CloseDate, config.Sweeps = j.closing.date, []time.Time{now, now.Add(intlog.SweepSoon)} // others may wait for it, too
		if config, err = j.store.PutConfig(ctx, config, config.Version); err != nil && !fault.Is(err, fault.Conflict) {
			return false, nil, err
		}
		j.seen.learn(config, now)
	}
}

// closing is QuickBooks' close date as it was read while a message is worked off.
type closing struct {
	read bool
	date date.Date
}

// decided is what people chose for versions up to one (../rules/accounting.md §6, Choices), and what they had deleted then. An undo takes the choices for the
// versions that it takes out, too.
func (j *job) decided(life intlog.Life, top int64) (deleted []passare.Event, decisions []rules.Decided, err error) {
	var gone []intlog.Entry
	for _, e := range j.record.Entries {
		switch {
		case e.Version > top || e.Version <= life.UndoneTo:
		case e.State == intlog.Deleted:
			gone = append(gone, e)
		case e.Choices.Amounts != "" || len(e.Choices.Members) > 0:
			decisions = append(decisions, rules.Decided{Choices: e.Choices, Version: e.Version, Done: e.Version != j.entry.Version && e.State.Settled()})
		}
	}
	if len(decisions) == 0 {
		return nil, nil, nil // they are not needed then
	}
	deleted, err = decoded(gone)
	return deleted, decisions, err
}

// related reads the records that the plan must see.
func (j *job) related(ctx context.Context, newest passare.Event) (map[passare.Ref]rules.Record, error) {
	refs, mentionedBy := rules.Needs(newest)
	for _, ref := range mentionedBy {
		if ref == j.entry.Record {
			refs = append(refs, j.record.MentionedBy...)
			continue
		}
		r, err := j.store.Record(ctx, j.entry.Org, ref)
		if err != nil {
			return nil, err
		}
		refs = append(refs, r.MentionedBy...)
	}
	related := make(map[passare.Ref]rules.Record, len(refs))
	for _, ref := range refs {
		if _, done := related[ref]; done {
			continue
		}
		r, err := j.store.Record(ctx, j.entry.Org, ref)
		if err != nil {
			return nil, err
		}
		if related[ref], err = summary(ref, r, j.config.Realm); err != nil {
			return nil, err
		}
	}
	return related, nil
}

// summary is a record as the rules see it from another record. What stands in another company does not stand in this one.
func summary(ref passare.Ref, r intlog.Record, realm string) (rules.Record, error) {
	s := rules.Record{Ref: ref}
	counts := func(e intlog.Entry) bool {
		return e.Undo == 0 && (e.State.Counts() && e.State.Approved() || e.State == intlog.Excluded)
	}
	r.Entries = slices.DeleteFunc(slices.Clone(r.Entries), func(e intlog.Entry) bool { return e.Undo > 0 && !e.State.Counts() })
	for i, e := range r.Entries {
		if _, found := e.Elsewhere(realm); found {
			s.Out = "in the QuickBooks company that was connected before"
			continue
		}
		s.Standing = append(s.Standing, e.Standing()...)
		s.ByHand = s.ByHand || e.State.Counts() && e.Choices.ByHand()
		s.Busy = s.Busy || e.State == intlog.Queued || e.State == intlog.Claimed
		switch {
		case e.State == intlog.Waiting || e.State == intlog.Failed:
			s.Coming = true
			for _, p := range e.Cause {
				s.Waits = append(s.Waits, p.Subject)
			}
		case e.State.Settled():
			s.Coming, s.Waits = false, nil
		}
		last := i == len(r.Entries)-1
		switch {
		case last && e.State == intlog.Excluded:
			s.Out = "not posted here (" + e.Why + ")"
		case last && e.State == intlog.Deleted:
			s.Out = "deleted"
		case last && e.Undoes():
			s.Out = "undone"
		}
		if counts(e) && !slices.ContainsFunc(r.Entries[i+1:], counts) {
			event, err := passare.Decode(e.Data)
			if err != nil {
				return s, err
			}
			s.Newest = &event
		}
	}
	return s, nil
}

// hold: row 8. What goes by itself is polled in growing steps; everything else waits for a person.
func (j *job) hold(ctx context.Context, problems []rules.Problem) error {
	for _, p := range problems {
		if !p.Waits() {
			j.entry.Cause = problems
			return j.move(ctx, intlog.Failed, problems[0].Text)
		}
	}
	return j.wait(ctx, problems)
}

func (j *job) wait(ctx context.Context, problems []rules.Problem) error {
	j.entry.Cause = problems
	if j.entry.Polls >= intlog.MaxPolls { // shown to a person; the nights go on trying
		return j.move(ctx, intlog.Failed, problems[0].Text)
	}
	j.entry.Until = j.now().Add(poll(j.entry.Key, j.entry.Polls))
	j.entry.Polls++
	return j.move(ctx, intlog.Waiting, problems[0].Text)
}

// poll is how long an entry waits that has waited so many times in a row: 1, 2, 4 … 60 minutes, and after the first time up to a quarter more, so that
// those which began together do not come back together.
func poll(k intlog.Key, polls int) time.Duration {
	pause := intlog.PollMax
	if polls < 6 {
		pause = intlog.PollMin << polls
	}
	if polls == 0 {
		return pause
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", k.Identity(0), polls))
	return pause + pause/4*time.Duration(sum[0])/256
}

// settle: nothing is left to post. An older version that is on its way must not post what this one does not want any more, so it is superseded first
// (row 10 comes before row 11).
func (j *job) settle(ctx context.Context, plan rules.Plan) error {
	if plan.Excluded != "" {
		return j.move(ctx, intlog.Excluded, plan.Excluded)
	}
	if err := j.supersedeOlder(ctx); err != nil {
		return err
	}
	switch {
	case len(j.entry.Standing()) > 0:
		return j.move(ctx, intlog.Synced, "")
	case j.entry.Choices.ByHand():
		return j.move(ctx, intlog.Unchanged, "Nothing is posted, since a person chose to "+j.entry.Choices.Amounts.Says()+".")
	case j.late():
		return j.move(ctx, intlog.Superseded, "A newer version, posted before this one came, carries this change.")
	default:
		return j.move(ctx, intlog.Unchanged, "Nothing changes in the books.")
	}
}

func (j *job) late() bool {
	return slices.ContainsFunc(j.record.Entries, func(e intlog.Entry) bool {
		return e.Key.Compare(j.entry.Key) > 0 && e.State.Settled()
	})
}

// move makes a transition of the entry and stores it.
func (j *job) move(ctx context.Context, to intlog.State, why string) error {
	e, err := j.entry.Move(to, intlog.Machine, why, j.now())
	if err != nil {
		return err
	}
	stored, err := j.store.Update(ctx, e)
	if err != nil {
		return err
	}
	j.entry = stored
	return nil
}

// matchNames finds or creates every name.
func (j *job) matchNames(ctx context.Context, entries []rules.Planned) error {
	return j.match(entries, func(n journal.Name) (journal.Name, error) {
		if known, ok := j.seen.name(j.config, n); ok {
			return known, nil
		}
		matched, err := j.names.Match(ctx, j.config.Company(), n)
		if err == nil {
			j.seen.learnName(j.config, matched)
		}
		return matched, err
	})
}

// match: row 9. Names are matched before the claim, so that a claim is never held up by them.
func (j *job) match(entries []rules.Planned, match func(journal.Name) (journal.Name, error)) error {
	known := map[string]journal.Name{}
	for i := range entries {
		for k := range entries[i].Movements {
			name := entries[i].Movements[k].Place.Name
			if name == nil || name.ID != "" {
				continue
			}
			key := string(name.Kind) + name.Key
			if _, ok := known[key]; !ok {
				matched, err := match(*name)
				if err != nil {
					return err
				}
				known[key] = matched
				if renamed := matching.Renamed(*name, matched); renamed != "" {
					j.entry.Warnings = append(slices.Clone(j.entry.Warnings), renamed)
				}
			}
			matched := known[key]
			entries[i].Movements[k].Place.Name = &matched
		}
	}
	return nil
}

// unmatched: a name that may yet appear is waited for.
func (j *job) unmatched(ctx context.Context, err error) error {
	f := fault.As(err)
	if f.Code == fault.Internal {
		return err
	}
	if f.Class != "" && f.Class != fault.Name {
		return j.troubled(ctx, f)
	}
	j.tried(f)
	problem := problemOf(f)
	problem.Kind, problem.Subject = rules.NoName, "name"
	if f.Code == fault.Invalid || f.Code == fault.NameTaken && j.now().Sub(j.entry.Created) < intlog.NameGivenUp {
		return j.wait(ctx, []rules.Problem{problem})
	}
	j.entry.Cause = []rules.Problem{problem}
	return j.move(ctx, intlog.Failed, problem.Text)
}

// troubled is an entry for which QuickBooks could not be asked, before anything of it was sent: what passes is waited for, anything else is shown.
func (j *job) troubled(ctx context.Context, f *fault.Error) error {
	j.tried(f)
	if err := j.heed(ctx, f); err != nil {
		return err
	}
	if f.Code == fault.Throttled {
		return j.later(ctx, f)
	}
	return j.hold(ctx, []rules.Problem{problemOf(f)})
}

func (j *job) tried(f *fault.Error) {
	j.entry.Tried(intlog.Attempt{At: j.now(), Outcome: f.Text(), Code: f.Origin, Trace: f.Trace})
}

// heed notes what a fault says of the whole organisation: that its grant is dead. (What is refused for pace is noted by the client.)
func (j *job) heed(ctx context.Context, f *fault.Error) error {
	if f.Code != fault.Disconnected {
		return nil
	}
	return j.store.Broken(ctx, j.entry.Org, j.config.Grants, j.now())
}

// later waits out a throttling.
func (j *job) later(ctx context.Context, f *fault.Error) error {
	j.entry.Cause = []rules.Problem{problemOf(f)}
	j.entry.Until = j.now().Add(intlog.ThrottlePause)
	return j.move(ctx, intlog.Waiting, f.Text())
}

// problemOf shows a fault of QuickBooks to people.
func problemOf(f *fault.Error) rules.Problem {
	if f.Class == fault.Connection {
		return rules.Problem{Kind: rules.Connection, Subject: "connection", Text: f.Text(), Who: f.Who, Where: "Connection"}
	}
	p := rules.Problem{Kind: rules.Kind(f.Class), Subject: "QuickBooks " + f.Origin, Text: f.Text(), Who: f.Who, Where: "QuickBooks"}
	if p.Kind == "" {
		p.Kind, p.Who = rules.Data, "bookkeeper"
	}
	return p
}

// unconnected is what every entry of an organisation without a grant waits for.
func unconnected(c org.Config) rules.Problem {
	p := rules.Problem{
		Kind: rules.Connection, Subject: "connection", Text: "QuickBooks no longer accepts the connection. Reconnect QuickBooks; what waits then goes by itself.",
		Who: "administrator", Where: "Connection",
	}
	if c.Realm == "" {
		p.Text = "QuickBooks is not connected yet. Connect it; what waits then goes by itself."
	}
	return p
}

// supersedeOlder: row 10. An older version that is still open is carried by this one; whoever was about to
// claim it loses by its revision.
func (j *job) supersedeOlder(ctx context.Context) error {
	for i, e := range j.record.Entries {
		if e.Key.Compare(j.entry.Key) >= 0 || !intlog.Allowed(e.State, intlog.Superseded) {
			continue
		}
		older, err := e.Move(intlog.Superseded, intlog.Machine, j.entry.Key.Title()+" carries this change.", j.now())
		if err != nil {
			return err
		}
		if j.record.Entries[i], err = j.store.Update(ctx, older); err != nil {
			return err
		}
	}
	return nil
}
