package posting_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/rules"
)

// undoable is one record among what Passare sends and people do, in whatever order.
type undoable struct {
	*house
	rt     *rapid.T
	books  *refusing
	ref    passare.Ref
	events []string // by version
}

// newLife draws a record's versions.
func newLife(h *house, rt *rapid.T, id string) *undoable {
	kind := rapid.SampledFrom([]passare.RecordType{passare.Payment, passare.GoodsAndServices}).Draw(rt, "kind")
	l := &undoable{house: h, rt: rt, books: &refusing{Books: h.client}, ref: passare.Ref{Type: kind, ID: id}}
	h.worker = posting.New(h.store, l.books, h.matcher, h.clock.now)
	h.config(func(c *org.Config) { c.Settings.AutoSync = true })
	for version := range rapid.IntRange(1, 4).Draw(rt, "versions") {
		amount := fmt.Sprintf("%d.00", rapid.IntRange(1, 9).Draw(rt, "dollars"))
		on := fmt.Sprintf("2026-03-%02d", rapid.IntRange(1, 28).Draw(rt, "day"))
		verb, fields := "created", `"method":"cash","date":"`+on+`","amount":"`+amount+`"`
		if version > 0 {
			verb = rapid.SampledFrom([]string{"updated", "updated", "deleted"}).Draw(rt, "verb")
		}
		if kind == passare.GoodsAndServices {
			verb, fields = map[string]string{"created": "signed", "updated": "resigned", "deleted": "unsigned"}[verb], contract(on, amount)
		}
		if verb == "unsigned" {
			fields = `"signed_on":"` + on + `"`
		}
		l.events = append(l.events, event(string(kind)+"."+verb, id, version+1, fields))
	}
	return l
}

// refusing is QuickBooks, which refuses the next entry when it is told to.
type refusing struct {
	posting.Books
	refuses bool
}

func (r *refusing) CreateJournalEntry(ctx context.Context, at org.Company, e journal.Entry, requestID string) (string, error) {
	if r.refuses {
		r.refuses = false
		return "", &fault.Error{Code: fault.Refused, Message: "QuickBooks refused: something."}
	}
	return r.Books.CreateJournalEntry(ctx, at, e, requestID)
}

func (l *undoable) log() []intlog.Entry {
	r, err := l.store.Record(l.t.Context(), willow, l.ref)
	if err != nil {
		l.rt.Fatal(err)
	}
	return r.Entries
}

// one draws an entry of the record; none while there is none.
func (l *undoable) one() (intlog.Entry, bool) {
	log := l.log()
	if len(log) == 0 {
		return intlog.Entry{}, false
	}
	return log[len(log)-1-min(rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2, 3, 4}).Draw(l.rt, "entry from the newest"), len(log)-1)], true
}

// step does one thing.
func (l *undoable) step() {
	what := rapid.SampledFrom([]string{
		"send", "send", "send", "auto-sync", "delete", "restore", "sync", "sync", "undo", "undo", "undo", "undo", "work", "work", "work", "lose", "refuse",
	}).Draw(l.rt, "what")
	switch what {
	case "send":
		l.send(rapid.SampledFrom(l.events).Draw(l.rt, "version"))
		return
	case "auto-sync":
		l.config(func(c *org.Config) { c.Settings.AutoSync = !c.Settings.AutoSync })
		return
	case "work":
		l.work()
		return
	case "lose":
		l.drop()
		return
	case "refuse":
		l.books.refuses = true
		return
	}
	e, found := l.one()
	if !found {
		return
	}
	var err error
	switch what {
	case "sync":
		_, _, err = l.desk().Sync(l.t.Context(), e.Key, nil, "Ben Ray")
	case "undo":
		_, _, err = l.desk().Undo(l.t.Context(), e.Key, "Ben Ray", "Entered twice", nil)
	case "delete":
		if len(e.Standing()) > 0 || e.Open() {
			return
		}
		err = l.move(e, intlog.Deleted)
	case "restore":
		if e.State != intlog.Deleted {
			return
		}
		err = l.move(e, intlog.Queued)
	}
	if err != nil && !fault.Is(err, fault.Conflict) {
		l.rt.Fatalf("%s of %s: %v", what, e.ID(), err)
	}
}

func (l *undoable) move(e intlog.Entry, to intlog.State) error {
	moved, err := e.Move(to, "Ben Ray", "", l.clock.now())
	if err == nil {
		_, err = l.store.Update(l.t.Context(), moved)
	}
	return err
}

// calm lets everything go that nobody holds back: what is lost is due, and what failed is synced again.
func (l *undoable) calm() {
	for range 4 {
		l.later(intlog.Lease + intlog.RetryStepMax)
		for _, e := range l.log() {
			if e.State == intlog.Failed {
				if _, _, err := l.desk().Sync(l.t.Context(), e.Key, nil, "Ben Ray"); err != nil {
					l.rt.Fatal(err)
				}
			}
		}
		l.work()
	}
}

// approved are the versions that must stand, oldest first, as a person would read them off the log: undone, everything so far is put aside; taken back, that
// lies there again.
func approved(log []intlog.Entry) (versions []intlog.Entry) {
	last := -1
	for i, e := range log {
		if e.State.Approved() {
			last = i
		}
	}
	aside := map[int64][]intlog.Entry{}
	for _, e := range log[:last+1] {
		switch {
		case e.State == intlog.Deleted:
		case e.Undo == 0:
			versions = append(versions, e)
		case e.Undo%2 == 0:
			versions = aside[e.Version]
		case len(versions) > 0:
			versions, aside[e.Version] = nil, versions
		}
	}
	return versions
}

// wanted is what must stand by date and account, planned as if nothing did.
func (l *undoable) wanted(log []intlog.Entry) map[string]money.Cents {
	config, err := l.store.Config(l.t.Context(), willow)
	if err != nil {
		l.rt.Fatal(err)
	}
	in := rules.Input{Config: config}
	for _, e := range approved(log) {
		v, err := passare.Decode(e.Data)
		if err != nil {
			l.rt.Fatal(err)
		}
		in.Versions = append(in.Versions, v)
	}
	sums := map[string]money.Cents{}
	if len(in.Versions) == 0 {
		return sums
	}
	for _, planned := range rules.Make(in).Entries {
		for _, m := range planned.Movements {
			sums[fmt.Sprint(planned.Date, " ", m.Key.Account)] += m.Amount
		}
	}
	return without0(sums)
}

// stand is what stands of the record in QuickBooks.
func (l *undoable) stand() map[string]money.Cents {
	sums := map[string]money.Cents{}
	for _, e := range l.sim.Journal(realm) {
		if !strings.Contains(e.Note, " "+l.ref.String()+" v") {
			continue
		}
		for _, line := range e.Lines {
			cents, err := money.Parse(line.Amount)
			if err != nil {
				l.rt.Fatal(err)
			}
			if line.Side == "Credit" {
				cents = -cents
			}
			account := line.Account
			if account == "4000" {
				account = "gl:4000"
			}
			sums[e.Date+" "+account] += cents
		}
	}
	return without0(sums)
}

func without0(sums map[string]money.Cents) map[string]money.Cents {
	for k, cents := range sums {
		if cents == 0 {
			delete(sums, k)
		}
	}
	return sums
}

// waits says whether an entry up to the newest approved one waits for a person, visibly.
func waits(log []intlog.Entry) bool {
	newest := len(log) - 1
	for newest > 0 && !log[newest].State.Approved() {
		newest--
	}
	return slices.ContainsFunc(log[:newest+1], func(e intlog.Entry) bool { return e.State == intlog.Pending || e.State == intlog.Failed })
}

// deletedAfterItSuperseded: a version that an approved newer one superseded does not come back when that one is deleted (protocol.md §4).
func deletedAfterItSuperseded(log []intlog.Entry) bool {
	superseded := slices.IndexFunc(log, func(e intlog.Entry) bool { return e.State == intlog.Superseded })
	return superseded >= 0 && slices.ContainsFunc(log[superseded:], func(e intlog.Entry) bool { return e.State == intlog.Deleted })
}

// TestBooksConvergeToWhatNobodyHasUndone: deleted, restored, retried, superseded and undone in every order, the books are those of the versions that are left.
func TestBooksConvergeToWhatNobodyHasUndone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	lives, compared, undone := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		lives++
		l := newLife(h, rt, fmt.Sprint("r", lives))
		for range rapid.IntRange(3, 30).Draw(rt, "steps") {
			l.step()
		}
		l.calm()
		log := l.log()
		for _, e := range log {
			if e.State == intlog.Deleted && rapid.Bool().Draw(rt, "restored in the end") {
				_ = l.move(e, intlog.Queued)
			}
		}
		l.calm()
		log = l.log()
		if waits(log) || deletedAfterItSuperseded(log) {
			return
		}
		compared++
		if slices.ContainsFunc(log, func(e intlog.Entry) bool { return e.Undo > 0 && e.State == intlog.Synced }) {
			undone++
		}
		if diff := cmp.Diff(l.wanted(log), l.stand()); diff != "" {
			for _, e := range log {
				rt.Logf("%s %s %s", e.ID(), e.State, e.Sentence)
			}
			rt.Fatalf("the books are not those of what is approved (-want +got):\n%s", diff)
		}
	})
	t.Logf("of %d lives %d were compared, %d of them with an undo in QuickBooks", lives, compared, undone)
	if lives >= 100 && undone == 0 {
		t.Error("no undoable had an undo")
	}
}
