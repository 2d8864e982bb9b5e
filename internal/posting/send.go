package posting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

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
func (j *job) claim(ctx context.Context, slots []slot) error {
	now := j.now()
	e, err := j.entry.Move(intlog.Claimed, intlog.Machine, "", now)
	if err != nil {
		return err
	}
	e.Postings = slices.DeleteFunc(e.Postings, func(p intlog.Posting) bool { return p.Closed })
	for i, planned := range j.planned {
		e.N++
		e.Postings = append(e.Postings, intlog.Posting{
			N: e.N, Doc: journal.DocNumber(e.Reference, e.Key.Identity(e.N)), Date: planned.Date, Realm: j.config.Realm, Movements: planned.Movements,
			Request: slots[i].request, Item: slots[i].item, MakesWay: j.way,
		})
	}
	e.Lease, e.Config = now.Add(intlog.Lease), j.config.Version
	j.entry, err = j.store.Update(ctx, e)
	return err
}

func requestID(identity string) string {
	sum := sha256.Sum256([]byte("requestid " + identity))
	return hex.EncodeToString(sum[:16])
}

// reclaim: row 13. The lease of an earlier worker is over: what it sent may have arrived.
func (j *job) reclaim(ctx context.Context) (next, error) {
	now := j.now()
	if !j.entry.Lease.Before(now.Add(-intlog.Skew)) {
		return nothing, nil
	}
	if other, found := j.entry.Elsewhere(j.config.Realm); found {
		return nothing, j.strand(ctx, other)
	}
	e, err := j.entry.Move(intlog.Claimed, intlog.Machine, "The outcome of an earlier try is unknown; QuickBooks is asked.", now)
	if err != nil {
		return nothing, err
	}
	e.Lease = now.Add(intlog.Lease)
	renew(&e)
	j.entry, err = j.store.Update(ctx, e)
	return toAsk, err
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

// probe asks QuickBooks for the open postings of entries of one organisation by their numbers, and adopts those that carry our mark.
func (w *Worker) probe(ctx context.Context, jobs []*job) error {
	var docs []string
	for _, j := range jobs {
		for _, p := range j.entry.Postings {
			if p.Open() {
				docs = append(docs, p.Doc)
			}
		}
	}
	found, err := w.books.JournalEntriesByDocNumber(ctx, jobs[0].config.Company(), docs)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		j.adopt(found)
	}
	return nil
}

// renew gives a posting that QuickBooks answers with the same evasion again and again another requestid: what it remembers of the one before is never
// going to be an outcome. The lease is over, and with it whatever that request could still have done.
func renew(e *intlog.Entry) {
	for i := range e.Postings {
		p := &e.Postings[i]
		if p.Open() && p.Evasions >= maxEvasions {
			p.Request, p.Item, p.Evasions = requestID(fmt.Sprintf("%s after %d", e.Key.Identity(p.N), p.Faults)), "", 0
		}
	}
}

// maxEvasions is how often the same requestid is answered so before another one is taken.
const maxEvasions = 3

func (j *job) adopt(found []journal.FoundEntry) {
	for i := range j.entry.Postings {
		p := &j.entry.Postings[i]
		for _, f := range found {
			if p.Open() && f.DocNumber == p.Doc && strings.Contains(f.Note, j.entry.Key.NoteMark(p.N)) {
				p.QuickBooksID = f.ID
				j.entry.Tried(intlog.Attempt{At: j.now(), Outcome: "Found in QuickBooks: an earlier try had arrived."})
			}
		}
	}
}

// outcome is what the sends of one claim came to.
type outcome struct {
	unknown   bool
	refused   []rules.Problem
	postponed *fault.Error // certainly not written, and worth another try
	withdrawn bool         // not sent, since settings changed, or too late
	stale     bool         // and to be planned anew at once
}

// postpone says what becomes of a posting that is not sent, or not taken now.
func (o *outcome) postpone(f *fault.Error, p *intlog.Posting, s sending) {
	o.postponed = f
	o.keep(p, s)
}

// keep says what becomes of a posting that is not sent because one before it did not go.
func (o *outcome) keep(p *intlog.Posting, s sending) {
	if s == again {
		o.unknown = true
		p.Faults++
	}
}

// shipment is what goes out by one request: a posting that goes alone, or those of a batch.
type shipment []item

type item struct {
	job *job
	at  int // which of its entry's postings
}

func (i item) posting() *intlog.Posting { return &i.job.entry.Postings[i.at] }

// shipments groups the open postings of entries by the request that was stored for them.
func shipments(jobs []*job) []shipment {
	var all []shipment
	of := map[string]int{}
	for _, j := range jobs {
		for at, p := range j.entry.Postings {
			if !p.Open() {
				continue
			}
			n, known := of[p.Request]
			if !known {
				n = len(all)
				of[p.Request], all = n, append(all, nil)
			}
			all[n] = append(all[n], item{j, at})
		}
	}
	return all
}

// current: row 14. Settings may have changed, or the pause of another worker's throttling may have begun,
// since a plan was made; and a slow worker must not send when others may think that it will not. What
// may have been sent before is sent again as it was stored, whatever changed since. It gives what may still be
// sent; the rest is withdrawn.
func (r *round) current(ctx context.Context, s sending, x shipment) shipment {
	config, err := r.readConfig(ctx, x[0].job.entry.Org)
	now := r.now()
	if err != nil && r.failed == nil {
		r.failed = err
	}
	paused := now.Before(config.PauseUntil)
	return slices.DeleteFunc(x, func(i item) bool {
		j := i.job
		claimed := j.entry.History[len(j.entry.History)-1].At // before the claim was stored, however long that took
		late := err != nil || paused || now.Sub(claimed) > intlog.SendWithin
		stale := s == first && err == nil && (paused || !config.Connected() || config.Version != j.entry.Config || config.Relinks != j.config.Relinks)
		j.outcome.stale = j.outcome.stale || stale
		j.outcome.withdrawn = j.outcome.withdrawn || stale || late
		if s == first && err == nil {
			j.config.Grants = config.Grants
		}
		return stale || late
	})
}

// send sends what is left of a shipment and notes what came of each posting. It answers why nothing more should be sent, if that is so.
func (r *round) send(ctx context.Context, s sending, x shipment) (held *fault.Error) {
	var entries []journal.BatchItem
	var sent shipment
	for _, i := range x {
		p, o := i.posting(), &i.job.outcome
		if o.refused != nil { // another one of the same entry, which is planned anew
			o.keep(p, s)
			continue
		}
		entry, err := i.job.journalEntry(*p)
		if err != nil {
			r.note(ctx, s, i, "", err)
			continue
		}
		entries, sent = append(entries, journal.BatchItem{ID: p.Item, Entry: entry}), append(sent, i)
	}
	if len(sent) == 0 {
		return nil
	}
	outcomes, err := r.create(ctx, sent[0], entries)
	for n, i := range sent {
		if err != nil {
			r.note(ctx, s, i, "", err)
			continue
		}
		r.note(ctx, s, i, outcomes[n].ID, outcomes[n].Err)
	}
	if f := fault.As(err); err != nil && postpones(f.Code) {
		return f
	}
	return nil
}

// create makes the one request of a shipment.
func (r *round) create(ctx context.Context, one item, entries []journal.BatchItem) (outcomes []journal.Outcome, err error) {
	at, p := one.job.config.Company(), one.posting()
	if p.Item != "" {
		return r.books.CreateJournalEntries(ctx, at, entries, p.Request)
	}
	id, err := r.books.CreateJournalEntry(ctx, at, entries[0].Entry, p.Request)
	return []journal.Outcome{{ID: id}}, err
}

// note keeps what came of one posting.
func (r *round) note(ctx context.Context, s sending, i item, id string, err error) {
	p := i.posting()
	if err == nil {
		p.QuickBooksID = id
		i.job.entry.Tried(intlog.Attempt{At: r.now(), Outcome: "Posted " + p.Doc + "."})
		return
	}
	f := fault.As(err)
	i.job.tried(f)
	i.job.classify(ctx, f, p, s)
}

// postpones says whether a fault means that nothing was written, and that another try is worth it.
func postpones(c fault.Code) bool {
	return c == fault.Throttled || c == fault.Unavailable || c == fault.Disconnected
}

// classify sorts a fault: unknown, worth another try, or certainly refused.
func (j *job) classify(ctx context.Context, f *fault.Error, p *intlog.Posting, s sending) {
	o := &j.outcome
	switch {
	case postpones(f.Code):
		o.postpone(f, p, s)
	case slices.Contains([]fault.Code{fault.Refused, fault.Invalid, fault.NameTaken, fault.NotFound, fault.Conflict}, f.Code):
		if f.Origin == duplicateNumber && j.probe(ctx, []*job{j}) == nil && !p.Open() {
			return
		}
		p.Closed = true
		o.refused = append(o.refused, problemOf(f))
	default:
		p.Faults++
		o.unknown = true
		if p.Evasions++; !evasive(f.Origin) {
			p.Evasions = 0
		}
	}
}

// evasive says whether QuickBooks has answered with a code that says nothing of the outcome: its work on the request is over all the same.
func evasive(code string) bool { return code == "6000" || code == "600" }

// duplicateNumber is QuickBooks' code for a DocNumber in use. If it is ours, an earlier try had arrived.
const duplicateNumber = "6140"

// journalEntry is the entry as QuickBooks gets it.
func (j *job) journalEntry(p intlog.Posting) (journal.Entry, error) {
	lines := rules.Planned{Movements: p.Movements}.Lines()
	return journal.New(p.Date, p.Doc, j.entry.Sentence+"\n"+j.entry.Key.NoteMark(p.N), lines)
}

// finish: rows 17 to 20, one write.
func (j *job) finish(ctx context.Context, s sending) error {
	o := j.outcome
	if o.withdrawn && s == first && !slices.ContainsFunc(j.entry.Postings, func(p intlog.Posting) bool { return p.Faults > 0 }) {
		return j.withdraw(ctx)
	}
	if o.withdrawn && !o.unknown && s == again {
		return nil // its lease ends
	}
	switch {
	case o.unknown || o.withdrawn:
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
	case j.entry.Postings[len(j.entry.Postings)-1].MakesWay: // as all of the newest claim
		return j.planAgain(ctx, "What the batch had banked is taken back, so that its member can change; what it banks now is planned.")
	default:
		return j.move(ctx, intlog.Synced, "")
	}
}

// withdraw puts what was never sent back into the queue.
func (j *job) withdraw(ctx context.Context) error {
	j.dropOpen()
	if j.outcome.stale {
		return j.planAgain(ctx, "Settings changed before the entry was sent; it is planned again.")
	}
	return j.move(ctx, intlog.Queued, "It could not be sent in time; it is planned again.")
}

// dropOpen forgets postings that were certainly never written. Their numbers are not used again.
func (j *job) dropOpen() {
	j.entry.Postings = slices.DeleteFunc(slices.Clone(j.entry.Postings), intlog.Posting.Open)
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

// planAgain queues the entry, so that what is still missing is planned.
func (j *job) planAgain(ctx context.Context, why string) error {
	err := j.move(ctx, intlog.Queued, why)
	j.replan = err == nil
	return err
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
