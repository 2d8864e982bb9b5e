package retrying_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/rules"
)

// dies puts a message into the dead letters.
func (h *house) dies(organisation string, entries ...string) {
	h.t.Helper()
	if err := h.dead.Send(h.t.Context(), intlog.Work{Org: organisation, Entries: entries}); err != nil {
		h.t.Fatal(err)
	}
}

// empty says whether no dead letter is left.
func (h *house) empty() bool {
	_, _, found := h.dead.TryReceive()
	return !found
}

func outcomes(e intlog.Entry) (list []string) {
	for _, a := range e.Attempts {
		list = append(list, a.Outcome)
	}
	return list
}

func TestADeadLetterGetsAnAttemptAndEachEntryIsSentAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.has("a", "1", intlog.Queued), h.has("a", "2", intlog.Queued)
	done := h.has("a", "3", intlog.Synced)
	h.dies("a", a.ID(), b.ID(), done.ID(), "payment.nowhere.1", "nothing")
	report := h.run(h.retrier())
	want := []intlog.Work{{Org: "a", Entries: []string{a.ID()}}, {Org: "a", Entries: []string{b.ID()}}}
	if diff := cmp.Diff(want, h.queue.sent); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]retrying.DeadLetter{{Org: "a", Entries: 5, Sent: 2}}, report.Dead); diff != "" || report.Sent != 2 {
		t.Error(report.Sent, diff)
	}
	for _, e := range []intlog.Entry{a, b} {
		got := h.entry(e.Key)
		if tries := outcomes(got); len(tries) != 1 || !strings.Contains(tries[0], "tried again alone") || got.State != intlog.Queued {
			t.Errorf("%s: %v", got.State, tries)
		}
		if got.DueAt.Before(h.at.Add(intlog.RetryStepMax)) {
			t.Errorf("due %s after", got.DueAt.Sub(h.at))
		}
	}
	if diff := cmp.Diff(done, h.entry(done.Key)); diff != "" {
		t.Error(diff)
	}
	if !h.empty() {
		t.Error("it is still there")
	}
}

func TestOnlyWhatTheMachineOwnsIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, s := range intlog.States() {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			e := h.has("a", "1", s)
			h.dies("a", e.ID())
			h.run(h.retrier())
			got := h.entry(e.Key)
			if tried := len(got.Attempts) == 1 && len(h.queue.sent) > 0; tried != s.Owned() || got.State != s {
				t.Errorf("%s, %d attempts, %d sent", got.State, len(got.Attempts), len(h.queue.sent))
			}
			if got.DueAt.IsZero() == s.Owned() {
				t.Errorf("due %s", got.DueAt)
			}
			if !h.empty() {
				t.Error("it is still there")
			}
		})
	}
}

func TestTheThirdTimeItIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		from    intlog.State
		company bool // its messages have another entry, too
		want    intlog.State
	}{
		"queued":                {from: intlog.Queued, want: intlog.Failed},
		"waiting":               {from: intlog.Waiting, want: intlog.Failed},
		"posting stays posting": {from: intlog.Claimed, want: intlog.Claimed},
		"but not in company":    {from: intlog.Queued, company: true, want: intlog.Queued},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			e := h.has("a", "1", test.from)
			other := h.has("a", "2", intlog.Queued)
			for n := 1; n <= retrying.MaxDeaths; n++ {
				h.at = h.at.Add(intlog.DeathsApart)
				h.queue.sent = nil
				if test.company {
					h.dies("a", e.ID(), other.ID())
				} else {
					h.dies("a", e.ID())
				}
				h.run(h.retrier())
				got, want := h.entry(e.Key), test.from
				if n == retrying.MaxDeaths {
					want = test.want
				}
				if got.State != want || len(got.Attempts) != n {
					t.Fatalf("the time number %d: %s, %v", n, got.State, outcomes(got))
				}
			}
			if test.want != intlog.Failed {
				return
			}
			got := h.entry(e.Key)
			if len(h.queue.sent) > 0 || !got.DueAt.IsZero() || len(got.Cause) != 1 || got.Cause[0].Kind != rules.Data || got.Cause[0].Who != "support" {
				t.Errorf("sent %v, due %s, %+v", h.queue.sent, got.DueAt, got.Cause)
			}
			h.letGo(got)
			h.dies("a", e.ID())
			h.run(h.retrier())
			if got := h.entry(e.Key); got.State != intlog.Queued {
				t.Errorf("after a person let it go, it is %s at the first time", got.State)
			}
		})
	}
}

// letGo is what a person does with a failed entry.
func (h *house) letGo(e intlog.Entry) {
	h.t.Helper()
	h.at = h.at.Add(intlog.DeathsApart)
	moved, err := e.Move(intlog.Queued, "Ana", "", h.at)
	if err == nil {
		_, err = h.store.Update(h.t.Context(), moved)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestTheSameDeathCountsOnce: a message that comes again, since its run was ended before it was taken away, or another run has it at the same time.
func TestTheSameDeathCountsOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := h.has("a", "1", intlog.Queued)
	for range retrying.MaxDeaths {
		h.dies("a", e.ID())
		h.run(h.retrier())
		h.at = h.at.Add(intlog.Visibility)
	}
	if got := h.entry(e.Key); len(got.Attempts) != 1 || len(h.queue.sent) != 1 {
		t.Errorf("%d attempts, %d sent", len(got.Attempts), len(h.queue.sent))
	}
}

func TestAnEntryInAWorkersHandsIsLeftToIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := h.has("a", "1", intlog.Claimed)
	e.Lease = h.at.Add(intlog.Lease)
	held, err := h.store.Update(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	h.dies("a", e.ID())
	h.run(h.retrier())
	if diff := cmp.Diff(held, h.entry(e.Key)); diff != "" || len(h.queue.sent) > 0 {
		t.Error(h.queue.sent, diff)
	}
}

func TestDrainingIsBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const more = 5
	for i := range retrying.MaxDeadLetters + more {
		e := h.has(fmt.Sprint("org-", i), "1", intlog.Queued)
		h.dies(e.Org, e.ID())
	}
	retrier := h.retrier()
	for _, want := range []int{retrying.MaxDeadLetters, more, 0} {
		if report := h.run(retrier); len(report.Dead) != want || report.Sent != want {
			t.Errorf("%+v, want %d", report, want)
		}
	}
}

// scripted has dead letters that cannot be read, or none that can be had.
type scripted struct {
	errs []error // of the letters that are found
	err  error   // after these
	done int
}

func (s *scripted) Take(context.Context) (intlog.Work, func(), bool, error) {
	if len(s.errs) == 0 {
		return intlog.Work{}, nil, false, s.err
	}
	err := s.errs[0]
	s.errs = s.errs[1:]
	return intlog.Work{}, func() { s.done++ }, true, err
}

func TestALetterThatCannotBeReadIsToldAndTakenAway(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	unread, gone := fault.New(fault.Invalid, "This message is not work."), fault.New(fault.Unavailable, "no queue")
	letters := &scripted{errs: []error{unread, unread}, err: gone}
	report, err := retrying.New(h.store, h.queue, h.now).Drains(letters).Run(t.Context())
	if !fault.Is(err, fault.Unavailable) || letters.done != 2 || len(report.Dead) != 2 {
		t.Errorf("%v, %d taken away, %+v", err, letters.done, report)
	}
	for _, letter := range report.Dead {
		if !fault.Is(letter.CannotSay, fault.Invalid) {
			t.Errorf("%+v", letter)
		}
	}
}

// unable is a store that cannot write entries.
type unable struct{ *memory.Store }

func (unable) Update(context.Context, intlog.Entry) (intlog.Entry, error) {
	return intlog.Entry{}, fault.New(fault.Unavailable, "no store")
}

func TestALetterThatIsNotDoneWithComesAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := h.has("a", "1", intlog.Queued)
	h.dies("a", e.ID())
	h.dies("a", e.ID())
	_, err := retrying.New(unable{h.store}, h.queue, h.now).Drains(h.dead).Run(t.Context())
	if !fault.Is(err, fault.Unavailable) || len(h.queue.sent) > 0 || !h.empty() { // its group waits until it is done, or comes again
		t.Errorf("%v, sent %v", err, h.queue.sent)
	}
}

func TestWhatIsDueIsSentBeforeTheDead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := h.has("a", "1", intlog.Queued)
	h.at = h.at.Add(time.Hour)
	letters := &scripted{err: fault.New(fault.Unavailable, "no queue")}
	report, err := retrying.New(h.store, h.queue, h.now).Drains(letters).Run(t.Context())
	if !fault.Is(err, fault.Unavailable) || report.Sent != 1 || len(h.queue.sent) != 1 || h.queue.sent[0].Entries[0] != e.ID() {
		t.Errorf("%v, %+v", err, report)
	}
}
