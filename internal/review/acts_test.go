package review_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

const ben = "Ben Ito"

// desk is a desk with an organisation whose switches a test sets.
type desk struct {
	*review.Desk
	t     *testing.T
	store *memory.Store
	queue *memory.Queue
	at    time.Time
}

func newDesk(t *testing.T, settings org.Settings) *desk {
	t.Helper()
	d := &desk{t: t, store: memory.NewStore(), queue: memory.NewQueue(), at: now()}
	if _, err := d.store.PutConfig(t.Context(), org.Config{Org: "a", Settings: settings}, 0); err != nil {
		t.Fatal(err)
	}
	d.Desk = review.New(d.store, d.queue, func() time.Time { return d.at })
	return d
}

// has stores an entry in a state.
func (d *desk) has(n int, s intlog.State, change ...func(*intlog.Entry)) intlog.Entry {
	d.t.Helper()
	e := entry(n, "1", 1000)
	e.State, e.Why, e.Page = s, "because", passare.PaymentsPage
	for _, c := range change {
		c(&e)
	}
	stored, _, err := d.store.Create(d.t.Context(), e, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return stored
}

// sent is the sizes of the messages that were sent.
func (d *desk) sent() (sizes []int) {
	for {
		w, done, ok := d.queue.TryReceive()
		if !ok {
			return sizes
		}
		sizes = append(sizes, len(w.Entries))
		done()
	}
}

func asks(choices ...rules.Decision) func(*intlog.Entry) {
	return func(e *intlog.Entry) {
		e.Cause = append(e.Cause, rules.Problem{Kind: rules.Choice, Subject: "payment/p1", Choices: choices})
	}
}

func TestEachActionFromEachState(t *testing.T) {
	t.Parallel()
	const changes, already, impossible = "changes", "already", "impossible"
	for action, from := range map[review.Action]map[string]string{
		review.Sync: {
			changes: "pending failed", already: "queued posting waiting synced", impossible: "held deleted superseded excluded unchanged",
		},
		review.Retry: {
			changes: "failed waiting", already: "queued posting synced", impossible: "pending held deleted superseded excluded unchanged",
		},
		review.Delete: {
			changes: "held pending queued waiting failed", already: "deleted", impossible: "posting synced superseded excluded unchanged",
		},
		review.Restore: {
			changes: "deleted", impossible: "held pending queued posting waiting failed synced superseded excluded unchanged",
		},
	} {
		for outcome, states := range from {
			for _, s := range strings.Fields(states) {
				t.Run(string(action)+" from "+s, func(t *testing.T) {
					t.Parallel()
					d := newDesk(t, org.Settings{})
					e := d.has(1, intlog.State(s))
					deed := review.Deed{Action: action, Who: ben}
					if action == review.Delete {
						deed.Reason = "typed by mistake"
					}
					got, changed, err := d.Do(t.Context(), e.Key, deed)
					switch outcome {
					case changes:
						if last := got.Last(); err != nil || !changed || last.Who != ben || string(last.From) != s {
							t.Errorf("%t %v %+v", changed, err, last)
						}
					case already:
						if err != nil || changed || got.Rev != e.Rev {
							t.Errorf("%t %v %+v", changed, err, got)
						}
					case impossible:
						if !fault.Is(err, fault.Conflict) || changed {
							t.Errorf("%t %v", changed, err)
						}
					}
				})
			}
		}
	}
}

func TestADeletedEntryIsOnNoTabAndKeepsItsDataAndWhy(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{})
	e := d.has(1, intlog.Pending)
	got, _, err := d.Delete(t.Context(), e.Key, "  typed by mistake ", nil, ben)
	if err != nil || got.Why != "typed by mistake" || string(got.Data) != `{}` {
		t.Errorf("%v %+v", err, got)
	}
	for _, tab := range intlog.Tabs() {
		list, _, err := d.Find(t.Context(), "a", review.Filter{Tab: tab}, intlog.Mark{}, 10)
		if err != nil || (len(list) > 0) != (tab == "all") {
			t.Errorf("%s has %d, %v", tab, len(list), err)
		}
	}
	_, _, err = d.Sync(t.Context(), e.Key, nil, "Ana Diaz")
	if want := "Ben Ito deleted it at 3:00 PM UTC on March 4, 2026: typed by mistake"; !strings.Contains(fault.As(err).Message, want) {
		t.Errorf("%q does not say %q", fault.As(err).Message, want)
	}
}

func TestADeletionNeedsAReason(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{})
	e := d.has(1, intlog.Pending)
	for reason, good := range map[string]bool{"": false, "  ": false, strings.Repeat("ä", review.MaxReason): true, strings.Repeat("a", review.MaxReason+1): false} {
		_, _, err := d.Delete(t.Context(), e.Key, reason, nil, ben)
		if good != (err == nil) || !good && (!fault.Is(err, fault.Invalid) || fault.As(err).Fields[0].Field != "reason") {
			t.Errorf("%d characters: %v", len(reason), err)
		}
	}
}

func TestAHalfPostedEntryCannotBeDeleted(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]intlog.Posting{
		"posted": {Doc: "24-1-ABC", QuickBooksID: "7", Movements: []journal.Movement{{Amount: 1000}}}, "sent, and unknown": {Doc: "24-1-ABC"},
	} {
		d := newDesk(t, org.Settings{})
		e := d.has(1, intlog.Failed, func(e *intlog.Entry) { e.Postings = []intlog.Posting{p, {Doc: "24-1-XYZ", Closed: true}} })
		_, _, err := d.Delete(t.Context(), e.Key, "why", nil, ben)
		if says := fault.As(err).Message; !fault.Is(err, fault.Conflict) || !strings.Contains(says, "24-1-ABC") || strings.Contains(says, "XYZ") || !strings.Contains(says, "Retry sync") {
			t.Errorf("%s: %v %q", name, err, says)
		}
	}
	d := newDesk(t, org.Settings{})
	e := d.has(1, intlog.Failed, func(e *intlog.Entry) { e.Postings = []intlog.Posting{{Doc: "24-1-XYZ", Closed: true}} })
	if _, changed, err := d.Delete(t.Context(), e.Key, "why", nil, ben); err != nil || !changed {
		t.Errorf("one of which everything was refused: %v", err)
	}
}

func TestARestoredEntryGoesWhereTheSettingsSay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings org.Settings
		clicked  bool
		want     intlog.State
	}{
		"auto-sync off":                             {org.Settings{AutoAddToExports: true}, false, intlog.Pending},
		"auto-sync on, and every page flows":        {org.Settings{AutoSync: true, AutoAddToExports: true}, false, intlog.Queued},
		"auto-sync on, and its page was not added":  {org.Settings{AutoSync: true}, false, intlog.Pending},
		"auto-sync on, and its page was added":      {org.Settings{AutoSync: true}, true, intlog.Queued},
		"auto-sync off, and its page was added":     {org.Settings{}, true, intlog.Pending},
		"auto-sync off, and its page was not added": {org.Settings{}, false, intlog.Pending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, test.settings)
			e := d.has(1, intlog.Deleted)
			if test.clicked {
				if err := d.store.PutFlag(t.Context(), org.Flag{Org: "a", Case: e.Case, Page: e.Page}); err != nil {
					t.Fatal(err)
				}
			}
			got, changed, err := d.Restore(t.Context(), e.Key, nil, ben)
			if err != nil || !changed || got.State != test.want || (len(d.sent()) == 1) != (test.want == intlog.Queued) {
				t.Errorf("%s %t %v", got.State, changed, err)
			}
			if again, changed, err := d.Restore(t.Context(), e.Key, nil, ben); err != nil || changed || again.Rev != got.Rev {
				t.Errorf("again: %t %v", changed, err)
			}
		})
	}
}

func TestRetryTriesAtOnceWhatWaitsAndTellsTheWorkerOfWhatIsStuck(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{})
	waiting := d.has(1, intlog.Waiting, func(e *intlog.Entry) { e.Until = now().Add(time.Hour) })
	got, changed, err := d.Retry(t.Context(), waiting.Key, "", nil, ben)
	if err != nil || !changed || got.State != intlog.Queued || !got.Until.IsZero() || len(d.sent()) != 1 {
		t.Errorf("%t %v %+v", changed, err, got)
	}
	posting := d.has(2, intlog.Claimed)
	if _, _, err := d.Retry(t.Context(), posting.Key, "", nil, ben); err != nil || len(d.sent()) != 0 {
		t.Errorf("one that is being posted: %v", err)
	}
	stuck := d.has(3, intlog.Claimed, func(e *intlog.Entry) {
		e.History = []intlog.Step{{To: intlog.Claimed}, {To: intlog.Claimed}, {To: intlog.Claimed}}
	})
	if _, changed, err := d.Retry(t.Context(), stuck.Key, "", nil, ben); err != nil || changed || len(d.sent()) != 1 {
		t.Errorf("one that is stuck: %t %v", changed, err)
	}
}

func TestAChoiceIsMadeForWhatTheEntryAsks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{})
	e := d.has(1, intlog.Failed, asks(rules.Whole, rules.Difference, rules.Nothing), asks(rules.Post))
	if _, _, err := d.Retry(t.Context(), e.Key, "half", nil, ben); !fault.Is(err, fault.Invalid) || fault.As(err).Fields[0].Field != "choice" {
		t.Errorf("no choice at all: %v", err)
	}
	got, changed, err := d.Retry(t.Context(), e.Key, rules.Difference, nil, ben)
	if err != nil || !changed || got.Choices.Amounts != rules.Difference || !strings.Contains(got.Last().Why, "only the difference") || got.Last().Who != ben {
		t.Errorf("%t %v %+v", changed, err, got)
	}
	if _, changed, err := d.Retry(t.Context(), e.Key, rules.Difference, nil, ben); err != nil || changed {
		t.Errorf("the same again: %t %v", changed, err)
	}
	if _, _, err := d.Retry(t.Context(), e.Key, rules.Whole, nil, ben); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.As(err).Message, ben) {
		t.Errorf("another one, when it is on its way: %v", err)
	}
	gone, _, err := d.Delete(t.Context(), e.Key, "why", nil, ben)
	if diff := cmp.Diff(rules.Choices{}, gone.Choices); err != nil || diff != "" {
		t.Errorf("deleted: %v %s", err, diff)
	}
	other := d.has(2, intlog.Failed, asks(rules.Post))
	if _, _, err := d.Retry(t.Context(), other.Key, rules.Whole, nil, ben); !fault.Is(err, fault.Conflict) {
		t.Errorf("a choice that it does not ask for: %v", err)
	}
	if got, _, err := d.Retry(t.Context(), other.Key, rules.Post, nil, ben); err != nil || len(got.Choices.Members) != 1 || got.Choices.Members[0] != "payment/p1" {
		t.Errorf("%v %+v", err, got.Choices)
	}
}

func TestAnOlderRevisionIsStaleAndSaysWhoChangedWhat(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{AutoSync: true, AutoAddToExports: true})
	e := d.has(1, intlog.Pending)
	if _, _, err := d.Delete(t.Context(), e.Key, "typed by mistake", &e.Rev, ben); err != nil {
		t.Fatal(err)
	}
	d.at = d.at.Add(time.Hour)
	if _, _, err := d.Restore(t.Context(), e.Key, nil, "Ana Diaz"); err != nil {
		t.Fatal(err)
	}
	for _, action := range []review.Action{review.Sync, review.Retry, review.Delete, review.Restore} {
		deed := review.Deed{Action: action, Who: "Dan Reyes", IfRev: &e.Rev}
		if action == review.Delete {
			deed.Reason = "why"
		}
		_, changed, err := d.Do(t.Context(), e.Key, deed)
		want := "Ana Diaz restored it at 4:00 PM UTC on March 4, 2026: Restored; before that, Ben Ito deleted it at 3:00 PM UTC on March 4, 2026: typed by mistake."
		if !fault.Is(err, fault.Stale) || changed || !strings.Contains(fault.As(err).Message, want) {
			t.Errorf("%s: %v %q", action, err, fault.As(err).Message)
		}
	}
}

// racing is a store in which somebody else is faster once.
type racing struct {
	*memory.Store
	once  sync.Once
	first func(intlog.Entry)
}

func (r *racing) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	r.once.Do(func() { r.first(e) })
	return r.Store.Update(ctx, e)
}

func TestWhoeverIsSlowerIsToldWhoWasFaster(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		who     string
		to      intlog.State
		changed bool
		code    fault.Code
	}{
		"another person did something else":     {"Ana Diaz", intlog.Deleted, false, fault.Conflict},
		"another person did the same":           {"Ana Diaz", intlog.Queued, false, ""},
		"the machine let a newer version go":    {intlog.Machine, intlog.Superseded, false, fault.Conflict},
		"the machine sent it on its way before": {intlog.Machine, intlog.Queued, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, org.Settings{})
			e := d.has(1, intlog.Failed)
			store := &racing{Store: d.store, first: func(intlog.Entry) {
				moved, err := e.Move(test.to, test.who, "first", now())
				if err == nil {
					_, err = d.store.Update(t.Context(), moved)
				}
				if err != nil {
					t.Error(err)
				}
			}}
			_, changed, err := review.New(store, d.queue, now).Sync(t.Context(), e.Key, nil, ben)
			if changed != test.changed || fault.CodeOf(err) != test.code || err != nil && !strings.Contains(fault.As(err).Message, test.who) {
				t.Errorf("%t %v", changed, err)
			}
		})
	}
}

func TestManyAreDoneEachByItself(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{})
	d.has(1, intlog.Pending)
	d.has(2, intlog.Deleted)
	d.has(3, intlog.Synced)
	named := []string{"payment.p1.1", "payment.p2.1", "payment.p3.1", "payment.p4.1", "x", "payment.p1.1"}
	many := review.Many{Deed: review.Deed{Action: review.Delete, Who: ben, Reason: "typed by mistake"}, IDs: named, DryRun: true}
	outcomes := func(r review.Report) (list []string) {
		for _, x := range r.Results {
			list = append(list, x.ID+" "+string(x.Outcome)+" "+string(x.State))
		}
		return list
	}
	dry, err := d.DoAll(t.Context(), "a", many)
	want := []string{"payment.p1.1 would pending", "payment.p2.1 already deleted", "payment.p3.1 not_possible synced", "payment.p4.1 not_found ", "x not_found "}
	if diff := cmp.Diff(want, outcomes(dry)); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	many.DryRun = false
	done, err := d.DoAll(t.Context(), "a", many)
	want[0] = "payment.p1.1 done deleted"
	if diff := cmp.Diff(want, outcomes(done)); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	tallies := map[review.Outcome]review.Tally{review.Done: {1, 1000}, review.Already: {1, 1000}, review.NotPossible: {1, 1000}, review.NotFound: {2, 0}}
	if diff := cmp.Diff(tallies, done.Tallies); diff != "" {
		t.Error(diff)
	}
	if says := done.Says(); !strings.Contains(says, "1 done (10.00)") || !strings.Contains(says, "2 not found") {
		t.Error(says)
	}
	if other, err := d.DoAll(t.Context(), "b", many); err != nil || other.Tallies[review.NotFound].Count != 5 {
		t.Errorf("another organisation: %v %v", outcomes(other), err)
	}
}

func TestEveryWrongFieldOfManyIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{})
	_, err := d.DoAll(t.Context(), "a", review.Many{Deed: review.Deed{Action: review.Delete}, IDs: make([]string, 1), Filter: &review.Filter{Tab: "lost"}})
	var fields []string
	for _, f := range fault.As(err).Fields {
		fields = append(fields, f.Field)
	}
	if diff := cmp.Diff([]string{"reason", "ids", "tab"}, fields); diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	many := review.Many{Deed: review.Deed{Action: review.Sync}}
	for n := range review.MaxMany + 1 {
		many.IDs = append(many.IDs, fmt.Sprint(n))
	}
	if _, err := d.DoAll(t.Context(), "a", many); !fault.Is(err, fault.Invalid) {
		t.Errorf("too many: %v", err)
	}
}

func TestMessagesToTheWorkerGoOutAsLargeAsTheyMayBe(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{})
	for n := range 100 {
		d.has(n, intlog.Pending)
	}
	if r, err := d.DoAll(t.Context(), "a", review.Many{Deed: review.Deed{Action: review.Sync, Who: ben}, Filter: &review.Filter{Tab: "pending"}}); err != nil || r.Tallies[review.Done].Count != 100 {
		t.Fatalf("%+v %v", r.Tallies, err)
	}
	if diff := cmp.Diff([]int{30, 30, 30, 10}, d.sent()); diff != "" {
		t.Error(diff)
	}
}

func TestAFilterIsResolvedUpToAThousand(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{})
	for n := range 1_500 {
		d.has(n, intlog.Pending)
	}
	many := review.Many{Deed: review.Deed{Action: review.Sync, Who: ben}, Filter: &review.Filter{Tab: "pending", Trigger: "payment"}}
	for i, want := range []int{1_000, 500} {
		r, err := d.DoAll(t.Context(), "a", many)
		if err != nil || r.Tallies[review.Done].Count != want || r.More != (i == 0) || strings.Contains(r.Says(), "More entries") != r.More {
			t.Errorf("%d: %+v more %t, %v", i, r.Tallies, r.More, err)
		}
	}
}

// breaking is a store that fails at a write, and after it until it is mended.
type breaking struct {
	*memory.Store
	mu     sync.Mutex
	writes int
	at     int
}

func (b *breaking) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	b.mu.Lock()
	b.writes++
	broken := b.writes >= b.at
	b.mu.Unlock()
	if broken {
		return e, fault.New(fault.Unavailable, "Try again later.")
	}
	return b.Store.Update(ctx, e)
}

func TestAfterAFailureInTheMiddleTheSameAgainDoesTheRest(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{})
	var ids []string
	for n := range 1_000 {
		ids = append(ids, d.has(n, intlog.Pending).ID())
	}
	store := &breaking{Store: d.store, at: 500}
	failing := review.New(store, d.queue, now)
	many := review.Many{Deed: review.Deed{Action: review.Sync, Who: ben}, IDs: ids}
	if _, err := failing.DoAll(t.Context(), "a", many); !fault.Is(err, fault.Unavailable) || store.writes > 510 {
		t.Fatalf("%v after %d writes", err, store.writes)
	}
	store.at = 1 << 30
	r, err := failing.DoAll(t.Context(), "a", many)
	if err != nil || len(r.Results) != 1_000 || r.Tallies[review.Already].Count != 499 || r.Tallies[review.Done].Count != 501 {
		t.Fatalf("%+v %v", r.Tallies, err)
	}
	for _, id := range ids {
		key, _ := intlog.ParseKey("a", id)
		if e, err := d.store.Entry(t.Context(), key); err != nil || e.State != intlog.Queued || len(e.History) != 2 {
			t.Fatalf("%s: %s, %d steps, %v", id, e.State, len(e.History), err)
		}
	}
}

func TestNothingNewIsBegunShortlyBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	d := newDesk(t, org.Settings{})
	e := d.has(1, intlog.Pending)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // less than it keeps for what is begun
	defer cancel()
	r, err := d.DoAll(ctx, "a", review.Many{Deed: review.Deed{Action: review.Sync, Who: ben}, IDs: []string{e.ID()}})
	if err != nil || r.Results[0].Outcome != review.NotBegun || !strings.Contains(r.Results[0].Detail, "Send the same again") || !strings.Contains(r.Says(), "Send the same again") {
		t.Errorf("%+v %v", r, err)
	}
}
