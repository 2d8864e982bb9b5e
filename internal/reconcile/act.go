package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
)

// byAgeAndSize puts the oldest first, and of one night the largest.
func byAgeAndSize(a, b Difference) int {
	return cmp.Or(a.Found.Compare(b.Found), cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.ID, b.ID))
}

// Differences lists what is open, oldest first, after one (none: from the oldest).
func (p *Proof) Differences(ctx context.Context, id, after string, limit int) ([]Difference, string, error) {
	d, err := p.desk(ctx, id)
	if err != nil {
		return nil, "", fmt.Errorf("reconcile.Differences: %w", err)
	}
	var open []Difference
	err = each(ctx, d.store, d.at, differencePaper, "", true, func(_ string, k kept) bool {
		open = append(open, k.Difference)
		return false
	})
	if err != nil {
		return nil, "", fmt.Errorf("reconcile.Differences: %w", err)
	}
	slices.SortFunc(open, byAgeAndSize)
	from := slices.IndexFunc(open, func(d Difference) bool { return d.ID == after }) + 1
	open = open[from:]
	if len(open) > limit {
		return open[:limit], open[limit-1].ID, nil
	}
	return open, "", nil
}

// Difference reads one, open or settled, with its remedies as they would go now. Errors: fault.NotFound.
func (p *Proof) Difference(ctx context.Context, id, name string) (Difference, error) {
	x, k, err := p.difference(ctx, id, name)
	if err == nil {
		err = x.remedies(ctx, k)
	}
	if err != nil {
		return Difference{}, fmt.Errorf("reconcile.Difference: %w", err)
	}
	return k.Difference, nil
}

func (p *Proof) difference(ctx context.Context, id, name string) (*run, *kept, error) {
	config, err := p.o.Store.Config(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	x := p.newRun(config, p.o.Now())
	if err := x.read(ctx); err != nil {
		return nil, nil, err
	}
	k, err := one[kept](ctx, x.desk, differencePaper, name)
	if err == nil && !x.known(differencePaper, name) {
		err = fault.New(fault.NotFound, "There is no such difference.")
	}
	if err != nil {
		return nil, nil, err
	}
	return x, k, nil
}

// remedies lists what can be done, the best first.
func (x *run) remedies(ctx context.Context, k *kept) error {
	k.Remedies = []Remedy{}
	if !k.isOpen() || k.Class == Timing {
		return nil
	}
	ignore := Remedy{Action: Ignore, Says: "Nothing is posted. It is not told of again unless it changes.", Reason: true}
	switch k.Class {
	case Missing, Deleted, Changed, Moved, Doubled:
		if k.Customer != "" {
			k.Remedies = []Remedy{{Action: Accept, Says: "The customer that QuickBooks has now is the right one for these entries."}, ignore}
			return nil
		}
		s, found, err := x.posting(ctx, k.Entry, k.Posting)
		if err != nil || !found {
			return err
		}
		if way, err := x.onItsWay(ctx, s); err != nil || way || x.noted(k, s) {
			return err
		}
		fix, err := x.fix(ctx, k, s)
		if err != nil {
			return err
		}
		k.Remedies = append(fix, x.acceptance(k), ignore)
		if k.Class == Missing || k.Class == Deleted {
			k.Remedies = append(k.Remedies, Remedy{Action: Link, Says: "Another journal entry of QuickBooks is this one; nothing is posted for it unless its lines differ."})
		}
	case Unknown:
		k.Remedies = []Remedy{x.acceptance(k), ignore}
	case Unposted, Timing:
	}
	return nil
}

// onItsWay says whether the record is on its way to QuickBooks: what was begun goes first.
func (x *run) onItsWay(ctx context.Context, s stands) (bool, error) {
	record, err := x.p.o.Store.Record(ctx, x.config.Org, s.entry.Record)
	return slices.ContainsFunc(record.Entries, func(e intlog.Entry) bool { return e.State.Owned() }), err
}

// noted says whether a person has had it posted already: then the next proof sees that both books agree.
func (x *run) noted(k *kept, s stands) bool {
	return slices.ContainsFunc(k.History, func(d Done) bool { return d.Seen == k.Seen }) &&
		slices.ContainsFunc(s.posting.Found, func(f intlog.Found) bool { return f.QuickBooksID == k.QuickBooksID })
}

func (x *run) acceptance(k *kept) Remedy {
	says := "QuickBooks is right: nothing is posted, and what it has now is what is expected there."
	switch {
	case k.Class == Doubled:
		says = "Both are right: nothing is posted."
	case k.Class == Missing, k.Class == Deleted:
		says = "It is right that QuickBooks does not have it: nothing is posted."
	case k.Class == Unknown:
		says = "It is right: nothing is posted, and it counts as known from now on."
	}
	return Remedy{Action: Accept, Says: says}
}

// fix is the remedy that brings QuickBooks back to ours, with what it would post.
func (x *run) fix(ctx context.Context, k *kept, s stands) ([]Remedy, error) {
	action := actionOf(k.Class)
	carrier, err := x.corrected(ctx, k, s, intlog.Machine, "")
	if err != nil {
		return nil, err
	}
	plan, err := x.p.o.Planner.Preview(ctx, carrier)
	if err != nil {
		return nil, err
	}
	if len(plan.Problems) > 0 {
		return []Remedy{{Action: action, Says: "It cannot go yet: " + plan.Problems[0].Text}}, nil
	}
	var list []Remedy
	for _, e := range plan.Entries {
		list = append(list, Remedy{Action: action, Date: e.Date, Lines: e.Lines(), Says: fmt.Sprintf("%s, dated %s.", saysOf(action), e.Date.Short())})
	}
	return merge(list), nil
}

// merge makes one remedy of several journal entries that one action posts.
func merge(list []Remedy) []Remedy {
	if len(list) < 2 {
		return list
	}
	all := list[0]
	for _, r := range list[1:] {
		all.Lines = append(all.Lines, r.Lines...)
		all.Says = strings.TrimSuffix(all.Says, ".") + ", and another one dated " + r.Date.Short() + "."
	}
	return []Remedy{all}
}

func actionOf(c Class) Action {
	switch c {
	case Missing, Deleted:
		return Repost
	case Doubled:
		return Reverse
	case Changed, Moved, Unknown, Timing, Unposted:
	}
	return Correct
}

func saysOf(a Action) string {
	switch a {
	case Repost:
		return "It is posted again as a new journal entry"
	case Reverse:
		return "The reversal of the one that is too many is posted"
	case Correct, Accept, Link, Ignore:
	}
	return "A journal entry is posted that brings QuickBooks back to what was posted"
}

// corrected is the entry with what QuickBooks has noted at the posting, ready to be planned.
func (x *run) corrected(ctx context.Context, k *kept, s stands, who, why string) (intlog.Entry, error) {
	paper, err := one[seen](ctx, x.desk, seenPaper, k.QuickBooksID)
	if err != nil {
		return intlog.Entry{}, err
	}
	bare := s
	bare.posting.Found = nil
	f := intlog.Found{QuickBooksID: k.QuickBooksID}
	delta := paper.now().called(x.mergedInto).minus(bare.expected(k.QuickBooksID, x.mergedInto))
	for _, at := range delta.spots() {
		f.Movements = append(f.Movements, x.found(s, k.QuickBooksID, at, delta))
	}
	return s.entry.Corrected(s.posting.N, f, who, why, x.p.o.Now())
}

// found is what an entry of QuickBooks has besides, as a movement.
func (x *run) found(s stands, quickBooksID string, at spot, delta content) journal.Movement {
	m := journal.Movement{
		Key:  journal.Key{Leg: intlog.FoundLeg, Part: quickBooksID, Account: "account:" + at.Account, Case: s.entry.Case},
		Fact: at.Date, Amount: delta[at], Place: journal.Place{Account: at.Account, Class: at.Class, Location: at.Location},
		Description: "Correction of journal entry " + s.posting.Doc,
	}
	if x.receivables(s.posting.Movements)[at.Account] {
		m.Key.Account = receivable
	}
	if kind, id, ok := strings.Cut(at.Name, "/"); ok {
		m.Place.Name = &journal.Name{Kind: journal.NameKind(kind), ID: id, Display: x.display[at.Name]}
	}
	for _, posted := range s.posting.Movements {
		if spotOf(at.Date, posted.Place, x.mergedInto) == at {
			m.Place, m.Key.Case, m.Description = posted.Place, posted.Key.Case, posted.Description
			m.Place.Name = x.renamed(m.Place.Name)
			break
		}
	}
	return m
}

// renamed is a name by the id that it has since it was merged.
func (x *run) renamed(n *journal.Name) *journal.Name {
	if n == nil || x.mergedInto(n.ID) == n.ID {
		return n
	}
	to := *n
	to.ID = x.mergedInto(n.ID)
	return &to
}

// Act does what a person chose. Errors: fault.NotFound; fault.Invalid, with the fields that are wrong; fault.Stale when it is another by now;
// fault.Conflict when it cannot be done any more.
func (p *Proof) Act(ctx context.Context, id, name string, a Act) (Difference, error) {
	d, err := p.act(ctx, id, name, a)
	if err != nil {
		return d, fmt.Errorf("reconcile.Act: %w", err)
	}
	return d, nil
}

func (p *Proof) act(ctx context.Context, id, name string, a Act) (Difference, error) {
	x, k, err := p.difference(ctx, id, name)
	if err != nil {
		return Difference{}, err
	}
	if err := wrong(a); err != nil {
		return Difference{}, err
	}
	if err := x.remedies(ctx, k); err != nil {
		return Difference{}, err
	}
	switch {
	case a.Seen != "" && a.Seen != k.Seen:
		return k.Difference, fault.New(fault.Stale, "This difference is another by now. Look at it again.")
	case !k.isOpen():
		return k.Difference, fault.New(fault.Conflict, "This difference is settled: %s", k.How)
	case !slices.ContainsFunc(k.Remedies, func(r Remedy) bool { return r.Action == a.Action }):
		return k.Difference, fault.New(fault.Conflict, "That cannot be done about this difference now. Look at it again.")
	}
	if err := x.stillSo(ctx, k); err != nil {
		return k.Difference, err
	}
	switch a.Action {
	case Ignore:
		k.Ignored = k.Seen
		err = x.close(ctx, k, a, "It is ignored.")
	case Accept:
		err = x.accept(ctx, k, a)
	case Link:
		err = x.link(ctx, k, a)
	case Repost, Correct, Reverse:
		err = x.post(ctx, k, a)
	}
	return k.Difference, err
}

// wrong says what is wrong with an act, or nothing.
func wrong(a Act) error {
	var fields []fault.Field
	if !slices.Contains(Actions(), a.Action) {
		fields = append(fields, fault.Field{Field: "action", Problem: "must be one of repost, correct, reverse, accept, link, ignore"})
	}
	if a.Action == Ignore && strings.TrimSpace(a.Reason) == "" {
		fields = append(fields, fault.Field{Field: "reason", Problem: "is needed, so that others know why it is ignored"})
	}
	if len([]rune(a.Reason)) > MaxReason {
		fields = append(fields, fault.Field{Field: "reason", Problem: fmt.Sprintf("must have at most %d characters", MaxReason)})
	}
	if a.Action == Link && (a.Link == "" || strings.Trim(a.Link, "0123456789") != "") {
		fields = append(fields, fault.Field{Field: "quickbooks_id", Problem: "must be the number of a journal entry in QuickBooks, such as 1042"})
	}
	if fields == nil {
		return nil
	}
	return &fault.Error{Code: fault.Invalid, Message: "This cannot be done as it is.", Fields: fields}
}

// MaxReason is how long a reason may be, in characters.
const MaxReason = 500

// stillSo asks QuickBooks whether the entry is still as the difference says: nothing is posted against what is not there any more.
func (x *run) stillSo(ctx context.Context, k *kept) error {
	if k.QuickBooksID == "" {
		return nil
	}
	before, err := one[seen](ctx, x.desk, seenPaper, k.QuickBooksID)
	if err != nil {
		return err
	}
	was := before.now().hash()
	if err := x.askFor(ctx, []string{k.QuickBooksID}); err != nil {
		return err
	}
	if before.now().hash() == was {
		return nil
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	return fault.New(fault.Stale, "QuickBooks has changed this entry since it was compared. Prove the books again, and look at it then.")
}

// close settles a difference by what a person did.
func (x *run) close(ctx context.Context, k *kept, a Act, how string) error {
	k.Settled, k.How, k.Remedies = x.p.o.Now(), how, nil
	k.History = append(k.History, Done{At: k.Settled, Who: a.Who, What: how, Why: a.Reason})
	x.put(differencePaper, k.ID, false)
	return x.flush(ctx)
}

// accept takes what QuickBooks has as what is expected there.
func (x *run) accept(ctx context.Context, k *kept, a Act) error {
	switch {
	case k.Subject == mergedSubject(k.Customer): // the other customer is expected since it was found
	case k.Customer != "":
		c, err := one[customerRecord](ctx, x.desk, customerPaper, k.Customer)
		if err != nil {
			return err
		}
		c.Opening += c.unexplained()
		x.put(customerPaper, k.Customer, false)
	default:
		s, err := one[seen](ctx, x.desk, seenPaper, k.QuickBooksID)
		if err != nil {
			return err
		}
		s.Accepted, s.Fresh = &accepted{s.now().amounts()}, false
		if !s.known() {
			s.Updated, s.Gone = x.now, true
		}
		x.put(seenPaper, k.QuickBooksID, false)
		if err := x.lookAgain(ctx, k.Entry); err != nil {
			return err
		}
	}
	return x.close(ctx, k, a, "What QuickBooks has was accepted.")
}

// lookAgain has the next proof look at a record.
func (x *run) lookAgain(ctx context.Context, entry string) error {
	key, err := intlog.ParseKey(x.config.Org, entry)
	if err != nil {
		return nil
	}
	if _, err := one[wait](ctx, x.desk, waitPaper, key.Record.String()); err != nil {
		return err
	}
	x.put(waitPaper, key.Record.String(), false)
	return nil
}

// link says that another journal entry of QuickBooks is the posting.
func (x *run) link(ctx context.Context, k *kept, a Act) error {
	s, found, err := x.posting(ctx, k.Entry, k.Posting)
	if err != nil || !found {
		return cmp.Or[error](err, fault.New(fault.Conflict, "The entry is not there any more."))
	}
	if err := x.askFor(ctx, []string{a.Link}); err != nil {
		return err
	}
	to, err := one[seen](ctx, x.desk, seenPaper, a.Link)
	if err != nil {
		return err
	}
	mine := postingSubject(to.Entry, to.N) == s.subject() || to.Entry == ""
	if !to.known() || to.Gone || !mine {
		problem := "is no journal entry of this company"
		if !mine {
			problem = "is the journal entry of another record"
		}
		return &fault.Error{Code: fault.Invalid, Message: "That entry cannot be linked.", Fields: []fault.Field{{Field: "quickbooks_id", Problem: problem}}}
	}
	e, err := s.entry.Linked(s.posting.N, a.Link, a.Who, "Linked to journal entry "+a.Link+" of QuickBooks. "+a.Reason, x.p.o.Now())
	if err != nil {
		return err
	}
	if _, err := x.p.o.Store.Update(ctx, e); err != nil {
		return err
	}
	if err := x.own(ctx, a.Link, s); err != nil {
		return err
	}
	if err := x.forget(ctx, s, k.QuickBooksID); err != nil {
		return err
	}
	if err := x.lookAgain(ctx, k.Entry); err != nil {
		return err
	}
	if err := x.settleOther(ctx, entrySubject(a.Link), a); err != nil {
		return err
	}
	return x.close(ctx, k, a, "It was linked to journal entry "+a.Link+" of QuickBooks.")
}

// forget takes an entry of QuickBooks off its day: another one is in its place.
func (x *run) forget(ctx context.Context, s stands, quickBooksID string) error {
	id := dayID(s.posting.Date, quickBooksID)
	d, err := one[day](ctx, x.desk, dayPaper, id)
	if err != nil {
		return err
	}
	delete(d.Rows, quickBooksID)
	x.put(dayPaper, id, false)
	return nil
}

// settleOther settles what was said of the entry that is linked now.
func (x *run) settleOther(ctx context.Context, subject string, a Act) error {
	other, err := one[kept](ctx, x.desk, differencePaper, short(subject))
	if err != nil || !other.isOpen() {
		return err
	}
	other.Settled, other.How = x.p.o.Now(), "It is the journal entry of a record here."
	other.History = append(other.History, Done{At: other.Settled, Who: a.Who, What: other.How})
	x.put(differencePaper, short(subject), false)
	return nil
}

// post notes what QuickBooks has at the posting, and sends the entry on its way: the plan is exactly the difference. The difference is settled once both books
// agree, which the next proof sees. Done twice it posts once: the second time nothing differs from what was noted.
func (x *run) post(ctx context.Context, k *kept, a Act) error {
	s, found, err := x.posting(ctx, k.Entry, k.Posting)
	if err != nil || !found {
		return cmp.Or[error](err, fault.New(fault.Conflict, "The entry is not there any more."))
	}
	how := map[Action]string{Repost: "Posted again", Correct: "Corrected", Reverse: "Reversed"}[a.Action]
	why := strings.TrimSpace(how + ", since QuickBooks differed. " + a.Reason)
	e, err := x.corrected(ctx, k, s, a.Who, why)
	if err != nil {
		return err
	}
	if e, err = x.p.o.Store.Update(ctx, e); err != nil {
		return err
	}
	if err := x.claim(ctx, k, s); err != nil {
		return err
	}
	if e, err = x.carry(ctx, e, a.Who, why); err != nil {
		return err
	}
	what := how + "; it is on its way to QuickBooks."
	if e.State == intlog.Failed {
		what = how + "; it goes with its entry, which waits under Sync errors."
	}
	k.History = append(k.History, Done{At: x.p.o.Now(), Who: a.Who, What: what, Why: a.Reason, Seen: k.Seen})
	k.Remedies = nil
	x.put(differencePaper, k.ID, true)
	if err := x.lookAgain(ctx, k.Entry); err != nil {
		return err
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	if e.State != intlog.Queued {
		return nil
	}
	return x.p.o.Queue.Send(ctx, intlog.Work{Org: x.config.Org, Entries: []string{e.ID()}})
}

// claim makes an entry of QuickBooks that is one too many part of the posting that it repeats.
func (x *run) claim(ctx context.Context, k *kept, s stands) error {
	if k.Class != Doubled {
		return nil
	}
	return x.own(ctx, k.QuickBooksID, s)
}

// own makes an entry of QuickBooks one of a posting's: it is not among others' any more.
func (x *run) own(ctx context.Context, quickBooksID string, s stands) error {
	paper, err := one[seen](ctx, x.desk, seenPaper, quickBooksID)
	if err != nil {
		return err
	}
	paper.Entry, paper.N, paper.Fresh = s.entry.ID(), s.posting.N, true
	x.put(seenPaper, quickBooksID, false)
	for _, id := range customersOf(paper.now().called(x.mergedInto)) {
		c, err := one[customerRecord](ctx, x.desk, customerPaper, id)
		if err != nil {
			return err
		}
		if cents, counted := c.Others[quickBooksID]; counted && len(s.posting.Movements) > 0 {
			delete(c.Others, quickBooksID)
			group := (&proof{run: x, ref: s.entry.Record}).groupOf(s.posting.Movements[0])
			c.Cases[group] += cents // until the record is proved
			x.put(customerPaper, id, false)
		}
	}
	return nil
}

// carry finds the entry that takes the difference along: itself, or the newest of its record that is in QuickBooks.
func (x *run) carry(ctx context.Context, e intlog.Entry, who, why string) (intlog.Entry, error) {
	if e.State.Owned() || e.State == intlog.Failed {
		return e, nil
	}
	record, err := x.p.o.Store.Record(ctx, x.config.Org, e.Record)
	if err != nil {
		return e, err
	}
	for _, newer := range slices.Backward(record.Entries) {
		if newer.State != intlog.Synced {
			continue
		}
		moved, err := newer.Move(intlog.Queued, who, why, x.p.o.Now())
		if err != nil {
			return e, err
		}
		return x.p.o.Store.Update(ctx, moved)
	}
	return e, nil
}
