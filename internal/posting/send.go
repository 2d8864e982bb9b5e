package posting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/rules"
)

// sending says whether the open postings were ever sent before.
type sending bool

const (
	first sending = true
	again sending = false
)

// claim: row 12. The postings get their numbers and are stored with everything that QuickBooks will be
// sent, before it is sent.
func (j *job) claim(ctx context.Context, entries []rules.Planned) error {
	now := j.now()
	e, err := j.entry.Move(intlog.Claimed, machine, "", now)
	if err != nil {
		return err
	}
	e.Postings = slices.DeleteFunc(e.Postings, func(p intlog.Posting) bool { return p.Closed })
	for _, planned := range entries {
		e.N++
		id := identity(e.Key, e.N)
		e.Postings = append(e.Postings, intlog.Posting{
			N: e.N, Doc: journal.DocNumber(e.Reference, id), Date: planned.Date, Realm: j.config.Realm, Movements: planned.Movements, Request: requestID(id),
		})
	}
	e.Lease, e.Config = now.Add(intlog.Lease), j.config.Version
	j.entry, err = j.store.Update(ctx, e)
	return err
}

// identity names a posting for ever; its number and requestid come from it.
func identity(k intlog.Key, n int) string {
	return fmt.Sprintf("%s %s v%d p%d", k.Org, k.Record, k.Version, n)
}

// mark is the identity as it stands in the entry's PrivateNote, by which we know our own (accounting.md §5).
func mark(k intlog.Key, n int) string { return "[passare " + identity(k, n) + "]" }

func requestID(identity string) string {
	sum := sha256.Sum256([]byte("requestid " + identity))
	return hex.EncodeToString(sum[:16])
}

// recover: rows 13 and 15. The lease of an earlier worker is over: what it sent may have arrived.
func (j *job) recover(ctx context.Context) error {
	now := j.now()
	if !j.entry.Lease.Before(now.Add(-intlog.Skew)) {
		return nil
	}
	if other, found := j.entry.Elsewhere(j.config.Realm); found {
		return j.strand(ctx, other)
	}
	e, err := j.entry.Move(intlog.Claimed, machine, "The outcome of an earlier try is unknown; QuickBooks is asked.", now)
	if err != nil {
		return err
	}
	e.Lease = now.Add(intlog.Lease)
	if j.entry, err = j.store.Update(ctx, e); err != nil {
		return err
	}
	if err := j.probe(ctx); err != nil {
		return j.heed(ctx, fault.As(err)) // the lease ends, and the next claim asks again
	}
	if !j.config.BrokenSince.IsZero() { // the refusal was a passing one: nobody needs to reconnect
		if err := j.store.Mended(ctx, j.entry.Org, []time.Time{now, now.Add(intlog.SweepSoon)}); err != nil {
			return err
		}
	}
	return j.send(ctx, again)
}

// strand: the organisation was connected to another company while the outcome was unknown. Nothing is sent, since the ids belong to the old one;
// the entry says what is needed, and stays until that company is connected again.
func (j *job) strand(ctx context.Context, realm string) error {
	if len(j.entry.Cause) > 0 {
		return nil
	}
	j.entry.Cause = []rules.Problem{elsewhere(j.entry, realm, "Whether it arrived there is unknown. Look there for its number; it is asked for once that company is connected again.")}
	_, err := j.store.Update(ctx, j.entry)
	return err
}

// elsewhere is what stands, or may stand, in another company than the one that is connected now.
func elsewhere(e intlog.Entry, realm, text string) rules.Problem {
	return rules.Problem{
		Kind: rules.Company, Subject: e.Record.String(), Who: "bookkeeper", Where: "QuickBooks company " + realm,
		Text: "This record was sent to the QuickBooks company that was connected before (" + realm + "). " + text,
	}
}

// probe asks QuickBooks for the open postings by their numbers and adopts those that carry our mark.
func (j *job) probe(ctx context.Context) error {
	var docs []string
	for _, p := range j.entry.Postings {
		if p.Open() {
			docs = append(docs, p.Doc)
		}
	}
	found, err := j.books.JournalEntriesByDocNumber(ctx, j.config.Company(), docs)
	if err != nil {
		return err
	}
	for i := range j.entry.Postings {
		p := &j.entry.Postings[i]
		for _, f := range found {
			if p.Open() && f.DocNumber == p.Doc && strings.Contains(f.Note, mark(j.entry.Key, p.N)) {
				p.QuickBooksID = f.ID
				j.entry.Tried(intlog.Attempt{At: j.now(), Outcome: "Found in QuickBooks: an earlier try had arrived."})
			}
		}
	}
	return nil
}

// outcome is what the sends of one claim came to.
type outcome struct {
	unknown   bool
	refused   []rules.Problem
	postponed *fault.Error // certainly not written, and worth another try
}

// send: rows 14 and 16. Each open posting is sent, if the entry may still be sent; then the outcome is
// recorded in one write.
func (j *job) send(ctx context.Context, s sending) error {
	claimed := j.now()
	var o outcome
	for i := range j.entry.Postings {
		p := &j.entry.Postings[i]
		if !p.Open() {
			continue
		}
		if o.postponed != nil || o.refused != nil {
			o.keep(p, s)
			continue
		}
		if replan, stop, err := j.outdated(ctx, s, claimed); err != nil || stop {
			return j.withdraw(ctx, s, replan, err)
		}
		j.sendOne(ctx, p, s, &o)
	}
	return j.conclude(ctx, s, o)
}

// outdated: row 14. Settings may have changed, or the pause of another worker's throttling may have begun,
// since the plan was made; and a slow worker must not send when others may think that it will not. What
// may have been sent before is sent again as it was stored, whatever changed since. replan says that the
// entry has other things before it now than to be sent.
func (j *job) outdated(ctx context.Context, s sending, claimed time.Time) (replan, stop bool, err error) {
	config, err := j.readConfig(ctx, j.entry.Org)
	if err != nil {
		return false, true, err
	}
	now := j.now()
	paused := now.Before(config.PauseUntil)
	if s == first {
		replan = paused || !config.Connected() || config.Version != j.entry.Config || config.Relinks != j.config.Relinks
		j.config.Grants = config.Grants
	}
	return replan, replan || paused || now.Sub(claimed) > intlog.SendWithin, nil
}

// withdraw: what was never sent goes back to the queue; what may have been sent stays until its lease ends.
func (j *job) withdraw(ctx context.Context, s sending, replan bool, cause error) error {
	sent := s == again || slices.ContainsFunc(j.entry.Postings, func(p intlog.Posting) bool { return p.Faults > 0 })
	if cause != nil || sent {
		return cause
	}
	j.dropOpen()
	if replan {
		return j.planAgain(ctx, "Settings changed before the entry was sent; it is planned again.")
	}
	return j.move(ctx, intlog.Queued, "It could not be sent in time; it is planned again.")
}

// dropOpen forgets postings that were certainly never written. Their numbers are not used again.
func (j *job) dropOpen() {
	j.entry.Postings = slices.DeleteFunc(slices.Clone(j.entry.Postings), intlog.Posting.Open)
}

// keep says what becomes of a posting that is not sent because one before it did not go.
func (o *outcome) keep(p *intlog.Posting, s sending) {
	if s == again {
		o.unknown = true
		p.Faults++
	}
}

// sendOne sends one posting and notes what came of it.
func (j *job) sendOne(ctx context.Context, p *intlog.Posting, s sending, o *outcome) {
	entry, err := j.journalEntry(*p)
	if err == nil {
		p.QuickBooksID, err = j.books.CreateJournalEntry(ctx, j.config.Company(), entry, p.Request)
	}
	if err == nil {
		j.entry.Tried(intlog.Attempt{At: j.now(), Outcome: "Posted " + p.Doc + "."})
		return
	}
	f := fault.As(err)
	p.QuickBooksID = ""
	j.tried(f)
	j.classify(ctx, f, p, s, o)
}

// classify sorts a fault: unknown, worth another try, or certainly refused.
func (j *job) classify(ctx context.Context, f *fault.Error, p *intlog.Posting, s sending, o *outcome) {
	switch f.Code {
	case fault.Throttled, fault.Unavailable, fault.Disconnected:
		o.postponed = f
		o.keep(p, s)
	case fault.Refused, fault.Invalid, fault.NameTaken, fault.NotFound, fault.Conflict:
		if f.Origin == duplicateNumber && j.probe(ctx) == nil && !p.Open() {
			return
		}
		p.Closed = true
		o.refused = append(o.refused, problemOf(f))
	default:
		p.Faults++
		o.unknown = true
	}
}

// duplicateNumber is QuickBooks' code for a DocNumber in use. If it is ours, an earlier try had arrived.
const duplicateNumber = "6140"

// journalEntry is the entry as QuickBooks gets it.
func (j *job) journalEntry(p intlog.Posting) (journal.Entry, error) {
	lines := rules.Planned{Movements: p.Movements}.Lines()
	return journal.New(p.Date, p.Doc, j.entry.Sentence+"\n"+mark(j.entry.Key, p.N), lines)
}

// conclude: rows 17 to 20, one write.
func (j *job) conclude(ctx context.Context, s sending, o outcome) error {
	switch {
	case o.unknown:
		if o.postponed != nil {
			if err := j.heed(ctx, o.postponed); err != nil {
				return err
			}
		}
		j.entry.DueAt = j.entry.Lease.Add(intlog.DueAfterLease)
		_, err := j.store.Update(ctx, j.entry)
		return err
	case o.refused != nil:
		j.dropOpen()
		if closed, err := j.booksClosedMeanwhile(ctx, o.refused); err != nil || closed {
			return err
		}
		j.entry.Cause = o.refused
		return j.move(ctx, intlog.Failed, o.refused[0].Text)
	case o.postponed != nil:
		return j.postpone(ctx, o.postponed)
	case slices.ContainsFunc(j.entry.Postings, func(p intlog.Posting) bool { return p.Closed }):
		return j.planAgain(ctx, refusedAgain)
	default:
		return j.move(ctx, intlog.Synced, "")
	}
}

// booksClosedMeanwhile: QuickBooks refused for a close date that we did not know. The entry is planned again
// with it, and is then held or moved as the organisation wants.
func (j *job) booksClosedMeanwhile(ctx context.Context, refused []rules.Problem) (bool, error) {
	if !slices.ContainsFunc(refused, func(p rules.Problem) bool { return p.Kind == rules.Period }) {
		return false, nil
	}
	if changed, trouble, err := j.readCloseDate(ctx); err != nil || trouble != nil || !changed {
		return false, err
	}
	return true, j.planAgain(ctx, refusedAgain)
}

// refusedAgain is why an entry of which everything unknown has landed, but another posting of the same claim was refused before, has a new plan.
const refusedAgain = "What QuickBooks refused is planned again."

// planAgain plans what is still missing.
func (j *job) planAgain(ctx context.Context, why string) error {
	if err := j.move(ctx, intlog.Queued, why); err != nil {
		return err
	}
	return j.Sync(ctx, j.entry.Key)
}

// postpone: row 20. Nothing of the open postings was written.
func (j *job) postpone(ctx context.Context, f *fault.Error) error {
	j.dropOpen()
	if err := j.heed(ctx, f); err != nil {
		return err
	}
	if f.Code == fault.Disconnected {
		return j.hold(ctx, []rules.Problem{problemOf(f)})
	}
	return j.later(ctx, f)
}
