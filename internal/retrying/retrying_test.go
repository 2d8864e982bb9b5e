package retrying_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/rules"
)

// house is a retrier over a store, with a clock that tests move, a queue that keeps what it is sent, and dead letters.
type house struct {
	t     *testing.T
	store *memory.Store
	queue *kept
	dead  *memory.Queue
	at    time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return &house{t: t, store: memory.NewStore(), queue: &kept{}, dead: memory.NewQueue(), at: time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)}
}

func (h *house) now() time.Time { return h.at }

func (h *house) retrier() *retrying.Retrier {
	return retrying.New(h.store, h.queue, h.now).Drains(h.dead)
}

func (h *house) run(r *retrying.Retrier) retrying.Report {
	h.t.Helper()
	report, err := r.Run(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return report
}

// has stores an entry that was made now.
func (h *house) has(organisation, id string, s intlog.State) intlog.Entry {
	h.t.Helper()
	e := intlog.New(passare.Event{
		Org: organisation, Record: passare.Ref{Type: passare.Payment, ID: id}, Version: 1, Verb: passare.Created, Raw: []byte(`{}`),
		Case: &passare.Case{ID: "c1", Number: "24-1"}, Body: &passare.PaymentBody{Amount: 1000, Date: "2026-03-04"},
	}, s, "", h.at)
	stored, _, err := h.store.Create(h.t.Context(), e, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return stored
}

func (h *house) entry(k intlog.Key) intlog.Entry {
	h.t.Helper()
	e, err := h.store.Entry(h.t.Context(), k)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// kept is a queue that keeps what it is sent.
type kept struct {
	mu   sync.Mutex
	sent []intlog.Work
}

func (k *kept) Send(_ context.Context, w intlog.Work) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent = append(k.sent, w)
	return nil
}

// byOrg counts the entries that were sent, by organisation.
func (k *kept) byOrg() map[string]int {
	all := map[string]int{}
	for _, w := range k.sent {
		all[w.Org] += len(w.Entries)
	}
	return all
}

func TestALargeOrganisationKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const large, small = 10_000, 50
	for i := range large {
		h.has("large", fmt.Sprint(i), intlog.Queued)
	}
	h.at = h.at.Add(time.Minute)
	for i := range small {
		h.has(fmt.Sprint("small-", i), "p", intlog.Queued)
	}
	h.at = h.at.Add(intlog.FirstDue)
	retrier := h.retrier()
	if report := h.run(retrier); report.Sent != retrying.PageShare+small || report.Oldest != intlog.FirstDue+time.Minute {
		t.Errorf("%+v", report)
	}
	sent := h.queue.byOrg()
	if sent["large"] != retrying.PageShare || len(sent) != small+1 {
		t.Errorf("%d organisations, %d of the large one", len(sent), sent["large"])
	}
	first := map[string]bool{}
	for _, w := range h.queue.sent[:small+1] {
		first[w.Org] = true
	}
	if len(first) != small+1 {
		t.Errorf("%d organisations are in the first %d messages", len(first), small+1)
	}
	h.at = h.at.Add(time.Minute)
	if report := h.run(retrier); report.Sent != retrying.PageShare {
		t.Errorf("the next run: %+v", report)
	}
}

func TestARunIsBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 10 {
		for j := range 150 {
			h.has(fmt.Sprint("org-", i), fmt.Sprint(j), intlog.Queued)
		}
	}
	h.at = h.at.Add(intlog.FirstDue)
	if report := h.run(h.retrier()); report.Sent != retrying.PageSize {
		t.Errorf("%+v", report)
	}
	for organisation, n := range h.queue.byOrg() {
		if n != retrying.PageSize/10 {
			t.Errorf("%s: %d", organisation, n)
		}
	}
}

func TestTwoRunsAtOnceSendEachEntryOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 5 {
		for j := range 40 {
			h.has(fmt.Sprint("org-", i), fmt.Sprint(j), intlog.Queued)
		}
	}
	h.at = h.at.Add(intlog.FirstDue)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { h.run(h.retrier()) })
	}
	both.Wait()
	sent := map[string]int{}
	for _, w := range h.queue.sent {
		for _, id := range w.Entries {
			sent[w.Org+id]++
		}
	}
	for id, n := range sent {
		if n != 1 {
			t.Errorf("%s is sent %d times", id, n)
		}
	}
	if len(sent) != 200 {
		t.Errorf("%d are sent", len(sent))
	}
}

// slow is a store that takes its time to postpone an entry.
type slow struct {
	*memory.Store
	takes time.Duration
}

func (s slow) Postpone(ctx context.Context, key intlog.Key, seen, to time.Time) error {
	if err := lease.Pause(ctx, s.takes); err != nil {
		return fault.New(fault.Unavailable, "too late")
	}
	return s.Store.Postpone(ctx, key, seen, to)
}

func TestARunEndsBeforeItsTimeDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		var keys []intlog.Key
		for i := range 200 {
			keys = append(keys, h.has("a", fmt.Sprint(i), intlog.Queued).Key)
		}
		h.at = h.at.Add(intlog.FirstDue)
		ctx, cancel := context.WithTimeout(t.Context(), 55*time.Second)
		defer cancel()
		report, err := retrying.New(slow{h.store, 310 * time.Millisecond}, h.queue, h.now).Run(ctx)
		if err != nil || ctx.Err() != nil || report.Sent != 150 {
			t.Errorf("%+v, %v, %v", report, err, ctx.Err())
		}
		postponed := 0
		for _, k := range keys {
			if h.entry(k).DueAt.After(h.at) {
				postponed++
			}
		}
		if postponed != report.Sent {
			t.Errorf("%d are postponed, %d sent", postponed, report.Sent)
		}
	})
}

// failing is a store in which postponing fails after some times.
type failing struct {
	*memory.Store
	left int
}

func (s *failing) Postpone(ctx context.Context, key intlog.Key, seen, to time.Time) error {
	if s.left--; s.left < 0 {
		return fault.New(fault.Unavailable, "no store")
	}
	return s.Store.Postpone(ctx, key, seen, to)
}

func TestWhatFailsStopsNothingElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 5 {
		h.has("a", fmt.Sprint(i), intlog.Queued)
	}
	held := h.has("a", "held", intlog.Held)
	h.at = h.at.Add(intlog.FirstDue)
	if _, err := h.store.PutConfig(t.Context(), org.Config{Org: "a", Settings: org.Settings{AutoSync: true}}, 0); err != nil {
		t.Fatal(err)
	}
	if err := h.store.PutFlag(t.Context(), org.Flag{Org: "a", Case: "c1", Page: passare.PaymentsPage, By: "Ana", Sweeps: []time.Time{h.at}}); err != nil {
		t.Fatal(err)
	}
	report, err := retrying.New(&failing{h.store, 3}, h.queue, h.now).Run(t.Context())
	if !fault.Is(err, fault.Unavailable) || report.Sent != 4 {
		t.Errorf("%+v, %v", report, err)
	}
	if diff := cmp.Diff(map[string]int{"a": 4}, h.queue.byOrg()); diff != "" {
		t.Error(diff)
	}
	if s := h.entry(held.Key).State; s != intlog.Queued {
		t.Errorf("what was held is %s", s)
	}
}

// TestASweepOfMoreThanARunGoesOnInTheNext: also when what it lets go fails again meanwhile, of the same cause.
func TestASweepOfMoreThanARunGoesOnInTheNext(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const all = 2*retrying.PageShare + 50
	for _, id := range []string{"a", "b"} {
		if _, err := h.store.PutConfig(t.Context(), org.Config{Org: id}, 0); err != nil {
			t.Fatal(err)
		}
	}
	fails := func(e intlog.Entry) {
		t.Helper()
		failed, err := e.Move(intlog.Failed, "test", "", h.at)
		failed.Cause = []rules.Problem{{Kind: rules.Connection}}
		if err == nil {
			_, err = h.store.Update(t.Context(), failed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range all {
		fails(h.has("a", fmt.Sprint(i), intlog.Queued))
	}
	fails(h.has("b", "p", intlog.Queued))
	h.at = h.at.Add(time.Minute)
	for _, id := range []string{"a", "b"} {
		if err := h.store.Mended(t.Context(), id, []time.Time{h.at}); err != nil {
			t.Fatal(err)
		}
	}
	var runs []int
	for range 5 {
		h.at = h.at.Add(time.Minute)
		h.queue.sent = nil
		runs = append(runs, h.run(h.retrier()).Sent)
		for _, w := range h.queue.sent {
			for _, id := range w.Entries {
				key, err := intlog.ParseKey(w.Org, id)
				if err != nil {
					t.Fatal(err)
				}
				fails(h.entry(key))
			}
		}
	}
	if diff := cmp.Diff([]int{retrying.PageShare + 1, retrying.PageShare, 50, 0, 0}, runs); diff != "" {
		t.Errorf("released by run (-want +got):\n%s", diff)
	}
	if left, err := h.store.ConfigSweeps(t.Context(), h.at, 10); err != nil || len(left) > 0 {
		t.Errorf("%v are not swept, %v", left, err)
	}
}

func TestWhatWasADeadLetterIsSentAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var all []string
	for i := range 5 {
		all = append(all, h.has("a", fmt.Sprint(i), intlog.Queued).ID())
	}
	h.dies("a", all[2])
	h.run(h.retrier())
	h.queue.sent = nil
	h.at = h.at.Add(time.Hour)
	h.run(h.retrier())
	want := []intlog.Work{{Org: "a", Entries: slices.Concat(all[:2], all[3:])}, {Org: "a", Entries: all[2:3]}}
	if diff := cmp.Diff(want, h.queue.sent); diff != "" {
		t.Error(diff)
	}
}
