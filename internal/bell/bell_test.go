package bell_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/bell"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

func noon() time.Time { return time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC) }

func somebody(subject string) org.Person { return org.Person{Subject: subject, Org: "a"} }

// house is a store with a clock and a bell.
type house struct {
	*testing.T
	*memory.Store
	bell *bell.Bell
	now  time.Time
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, Store: memory.NewStore(), now: noon()}
	h.bell = bell.New(h.Store, func() time.Time { return h.now })
	if _, err := h.PutConfig(t.Context(), org.Config{Org: "a", Realm: "1", CloseDate: "2026-03-31"}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := h.PutConnection(t.Context(), org.Connection{Org: "a", Realm: "1", At: noon()}, 0); err != nil {
		t.Fatal(err)
	}
	return h
}

// fails stores a payment of ten dollars that failed now.
func (h *house) fails(id string, p rules.Problem) intlog.Entry {
	h.Helper()
	return h.failsOf("a", id, p)
}

func (h *house) failsOf(organisation, id string, p rules.Problem) intlog.Entry {
	h.Helper()
	e := intlog.New(passare.Event{
		Org: organisation, Record: passare.Ref{Type: passare.Payment, ID: id}, Version: 1, Verb: passare.Created,
		Case: &passare.Case{ID: "c1", Number: "24-1"}, Body: &passare.PaymentBody{Amount: 1000, Date: "2026-03-04"},
	}, intlog.Queued, "", h.now)
	stored, _, err := h.Create(h.Context(), e, nil)
	if err != nil {
		h.Fatal(err)
	}
	return h.move(stored, intlog.Failed, intlog.Machine, p)
}

func (h *house) move(e intlog.Entry, to intlog.State, who string, p rules.Problem) intlog.Entry {
	h.Helper()
	if to == intlog.Failed {
		e.Cause = []rules.Problem{p}
	}
	moved, err := e.Move(to, who, p.Text, h.now)
	if err != nil {
		h.Fatal(err)
	}
	if moved, err = h.Update(h.Context(), moved); err != nil {
		h.Fatal(err)
	}
	return moved
}

func (h *house) later(d time.Duration) { h.now = h.now.Add(d) }

func (h *house) list(subject string) bell.Board {
	h.Helper()
	b, err := h.bell.List(h.Context(), somebody(subject))
	if err != nil {
		h.Fatal(err)
	}
	return b
}

func texts(b bell.Board) (list []string) {
	for _, n := range b.Notices {
		list = append(list, n.Text)
	}
	return list
}

func unmapped(role string) rules.Problem {
	return rules.Problem{Kind: rules.Mapping, Subject: "account " + role, Who: "administrator", Where: "Mapping", Text: "Map account " + role + "."}
}

func problem(k rules.Kind, subject, text string) rules.Problem {
	return rules.Problem{Kind: k, Subject: subject, Text: text, Who: "bookkeeper", Where: "there"}
}

func TestEachCauseIsOneNotice(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		first, second rules.Problem
		want          []string
	}{
		"an account without a mapping": {
			unmapped("gl:4410"), unmapped("gl:4410"),
			[]string{"GL account 4410 has no account in QuickBooks: 2 entries, $20.00, wait. Map it, and what waits goes by itself."},
		},
		"two accounts without a mapping": {unmapped("gl:4410"), unmapped("accounts_receivable"), []string{
			"Accounts receivable has no account in QuickBooks: 1 entry, $10.00, waits. Map it, and what waits goes by itself.",
			"GL account 4410 has no account in QuickBooks: 1 entry, $10.00, waits. Map it, and what waits goes by itself.",
		}},
		"a branch": {problem(rules.Mapping, "branch main", "Map it."), problem(rules.Mapping, "branch main", "Map it."), []string{
			"Branch main has no class or location in QuickBooks: 2 entries, $20.00, wait. Map it, and what waits goes by itself.",
		}},
		"closed books, whatever the dates": {problem(rules.Period, "date 2026-03-04", "Closed."), problem(rules.Period, "QuickBooks 6210", "Closed on another day."), []string{
			"The books are closed through 3/31/2026: 2 entries, $20.00, wait. Re-open them in QuickBooks, or post what waits on the first open day, 4/1/2026.",
		}},
		"a QuickBooks that cannot": {problem(rules.Transient, "QuickBooks 6000", "No."), problem(rules.Transient, "QuickBooks 500", "Not now."), []string{
			"QuickBooks cannot take entries now: 2 entries, $20.00, wait. They go by themselves.",
		}},
		"one inactive account": {problem(rules.Account, "QuickBooks 610", "Account A is inactive."), problem(rules.Account, "QuickBooks 610", "Account A is inactive."), []string{
			"Account A is inactive. 2 entries, $20.00, wait for this.",
		}},
		"two inactive accounts": {problem(rules.Account, "QuickBooks 610", "Account A is inactive."), problem(rules.Account, "QuickBooks 610", "Account B is inactive."), []string{
			"Account B is inactive. 1 entry, $10.00, waits for this.", "Account A is inactive. 1 entry, $10.00, waits for this.",
		}},
		"refusals of two records": {problem(rules.Data, "QuickBooks 2010", "A line is wrong."), problem(rules.Data, "QuickBooks 2010", "A line is wrong."), []string{
			"Payment of case 24-1, $10.00: A line is wrong.", "Payment of case 24-1, $10.00: A line is wrong.",
		}},
		"a connection that nobody has noted as dead": {problem(rules.Connection, "connection", "Connect it."), problem(rules.Connection, "connection", "Connect it."), []string{
			"Connect it. 2 entries, $20.00, wait for it.",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			h.fails("p1", x.first)
			h.later(time.Minute)
			h.fails("p2", x.second)
			got := h.list("ana")
			if diff := cmp.Diff(x.want, texts(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.Unread != len(x.want) || got.More {
				t.Errorf("%d unread, more %t", got.Unread, got.More)
			}
		})
	}
}

func TestANoticeSaysWhoWhereSinceWhenAndHowMuch(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 14 {
		h.fails(fmt.Sprintf("p%02d", i), unmapped("gl:4410"))
		h.later(time.Minute)
	}
	n := h.list("ana").Notices[0]
	want := bell.Notice{
		ID: n.ID, Kind: rules.Mapping, Text: n.Text, Who: "administrator", Where: "Mapping", Began: noon(), Entries: 14, Amount: money.Cents(14000),
		First: []string{
			"payment.p00.1", "payment.p01.1", "payment.p02.1", "payment.p03.1", "payment.p04.1",
			"payment.p05.1", "payment.p06.1", "payment.p07.1", "payment.p08.1", "payment.p09.1",
		},
	}
	if diff := cmp.Diff(want, n); diff != "" || len(n.ID) != 32 {
		t.Errorf("id %q (-want +got):\n%s", n.ID, diff)
	}
}

func TestADeadConnectionIsOneNoticeWithWhatWaitsForIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	if err := h.Broken(t.Context(), "a", 0, noon().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		h.fails(fmt.Sprint("p", i), problem(rules.Connection, "connection", "QuickBooks no longer accepts the connection."))
	}
	want := []string{"QuickBooks no longer accepts the connection. Reconnect QuickBooks; what waits then goes by itself. 300 entries, $3,000.00, wait for it."}
	b := h.list("ana")
	if diff := cmp.Diff(want, texts(b)); diff != "" {
		t.Fatal(diff)
	}
	if n := b.Notices[0]; n.Entries != 300 || !n.Began.Equal(noon().Add(-time.Minute)) || n.Who != "administrator" || n.Where != "Connection" {
		t.Errorf("%+v", n)
	}
}

func TestAConnectionThatEndsIsANotice(t *testing.T) {
	t.Parallel()
	h := open(t)
	c, err := h.Connection(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	c.RollingEnd = noon().AddDate(0, 0, 5)
	if _, err := h.PutConnection(t.Context(), c, c.Rev); err != nil {
		t.Fatal(err)
	}
	b := h.list("ana")
	if len(b.Notices) != 1 || !strings.Contains(b.Notices[0].Text, "ends on 04/07/2026") || b.Notices[0].Entries != 0 || b.Notices[0].First == nil {
		t.Errorf("%+v", b)
	}
}

func TestAnOrganisationThatNobodyHasConnectedHasABell(t *testing.T) {
	t.Parallel()
	h := open(t)
	b, err := h.bell.List(t.Context(), org.Person{Subject: "eve", Org: "new-one"})
	if err != nil || len(b.Notices) != 0 || b.Unread != 0 {
		t.Errorf("%+v %v", b, err)
	}
}

func TestNoticesAreNewestFirst(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.fails("p1", unmapped("gl:1"))
	h.later(time.Minute)
	h.fails("p2", unmapped("gl:2"))
	h.later(time.Minute)
	h.fails("p3", unmapped("gl:1")) // of the older cause, which stays where it is
	var who []string
	for _, n := range h.list("ana").Notices {
		who = append(who, n.First[0])
	}
	if diff := cmp.Diff([]string{"payment.p2.1", "payment.p1.1"}, who); diff != "" {
		t.Error(diff)
	}
}

func (h *house) read(subject, id string) bell.Board {
	h.Helper()
	b, err := h.bell.Read(h.Context(), somebody(subject), id)
	if err != nil {
		h.Fatal(err)
	}
	return b
}

func TestReadMarksAreEachPersonsOwn(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.fails("p1", unmapped("gl:1"))
	h.fails("p2", unmapped("gl:2"))
	id := h.list("ana").Notices[0].ID
	for range 2 {
		if b := h.read("ana", id); b.Unread != 1 || !b.Notices[0].Read || b.Notices[1].Read {
			t.Errorf("after reading: %+v", b)
		}
	}
	if b := h.list("ana"); b.Unread != 1 {
		t.Errorf("ana has %d unread", b.Unread)
	}
	if b := h.list("ben"); b.Unread != 2 {
		t.Errorf("ben has %d unread", b.Unread)
	}
	all, err := h.bell.ReadAll(t.Context(), somebody("ben"))
	if err != nil || all.Unread != 0 || h.list("ben").Unread != 0 || h.list("ana").Unread != 1 {
		t.Errorf("%+v %v", all, err)
	}
}

func TestAnotherOrganisationsNoticeIsNotThere(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.fails("p1", unmapped("gl:1"))
	h.failsOf("b", "p1", unmapped("gl:1"))
	theirs, err := h.bell.List(t.Context(), org.Person{Subject: "ana", Org: "b"})
	if err != nil || len(theirs.Notices) != 1 {
		t.Fatal(theirs, err)
	}
	for _, id := range []string{theirs.Notices[0].ID, "", "nothing"} {
		if _, err := h.bell.Read(t.Context(), somebody("ana"), id); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q is answered %v", id, err)
		}
	}
}

func TestANoticeStaysReadWhileItsCauseLasts(t *testing.T) {
	t.Parallel()
	cause := unmapped("gl:1")
	for name, goesOn := range map[string]func(h *house, first, second intlog.Entry){
		"when another entry fails for it": func(h *house, _, _ intlog.Entry) { h.fails("p3", cause) },
		"when its oldest entry goes":      func(h *house, first, _ intlog.Entry) { h.move(first, intlog.Deleted, "Ana Diaz", rules.Problem{}) },
		"when each night tries it in vain": func(h *house, first, _ intlog.Entry) {
			for range 7 {
				h.later(24 * time.Hour)
				first = h.move(first, intlog.Queued, intlog.Machine, rules.Problem{Text: "Its cause may be gone; it is tried again."})
				first = h.move(first, intlog.Failed, intlog.Machine, cause)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			first := h.fails("p1", cause)
			second := h.fails("p2", cause)
			h.later(time.Minute)
			before := h.read("ana", h.list("ana").Notices[0].ID)
			h.later(time.Minute)
			goesOn(h, first, second)
			after := h.list("ana")
			if len(after.Notices) != 1 || after.Unread != 0 || after.Notices[0].ID != before.Notices[0].ID {
				t.Errorf("%+v\nthen %+v", before, after)
			}
		})
	}
}

func TestACauseThatEndedAndBeginsAnewIsUnread(t *testing.T) {
	t.Parallel()
	cause := unmapped("gl:1")
	for name, begins := range map[string]func(h *house, e intlog.Entry){
		"for another entry": func(h *house, e intlog.Entry) {
			h.move(e, intlog.Deleted, "Ana Diaz", rules.Problem{})
			h.fails("p9", cause)
		},
		"when a person tried it in vain": func(h *house, e intlog.Entry) {
			h.move(h.move(e, intlog.Queued, "Ben Okafor", rules.Problem{Text: "Sync"}), intlog.Failed, intlog.Machine, cause)
		},
		"after another cause": func(h *house, e intlog.Entry) {
			e = h.move(h.move(e, intlog.Queued, intlog.Machine, rules.Problem{}), intlog.Failed, intlog.Machine, unmapped("gl:2"))
			h.later(time.Minute)
			h.move(h.move(e, intlog.Queued, intlog.Machine, rules.Problem{}), intlog.Failed, intlog.Machine, cause)
		},
	} {
		for how, read := range map[string]func(h *house) error{
			"read alone": func(h *house) error {
				_, err := h.bell.Read(h.Context(), somebody("ana"), h.list("ana").Notices[0].ID)
				return err
			},
			"read with all": func(h *house) error { _, err := h.bell.ReadAll(h.Context(), somebody("ana")); return err },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				h := open(t)
				e := h.fails("p1", cause)
				h.later(time.Minute)
				if err := read(h); err != nil || h.list("ana").Unread != 0 {
					t.Fatal(err)
				}
				h.later(time.Minute)
				begins(h, e)
				if b := h.list("ana"); len(b.Notices) != 1 || b.Unread != 1 {
					t.Errorf("%+v", b)
				}
			})
		}
	}
}

func TestWhatAFasterClockWroteCanBeRead(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.later(5 * time.Second)
	h.fails("p1", unmapped("gl:1"))
	h.later(-5 * time.Second)
	if b := h.read("ana", h.list("ana").Notices[0].ID); b.Unread != 0 {
		t.Errorf("%+v", b)
	}
	h.fails("p2", unmapped("gl:2"))
	if b, err := h.bell.ReadAll(t.Context(), somebody("ben")); err != nil || b.Unread != 0 {
		t.Errorf("%+v %v", b, err)
	}
}

func TestOfManyEntriesTheNewestAreLookedAt(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.fails("old", unmapped("gl:1"))
	for i := range bell.MaxEntries {
		h.later(time.Second)
		h.fails(fmt.Sprint("p", i), unmapped("gl:2"))
	}
	b := h.list("ana")
	if !b.More || len(b.Notices) != 1 || b.Notices[0].Entries != bell.MaxEntries {
		t.Errorf("more %t, %d notices", b.More, len(b.Notices))
	}
}

// What the machine still has and gets nowhere with shows under Sync errors, and so here.
func TestAnOutcomeThatStaysUnknownIsANotice(t *testing.T) {
	t.Parallel()
	h := open(t)
	e := intlog.New(passare.Event{
		Org: "a", Record: passare.Ref{Type: passare.Payment, ID: "p1"}, Version: 1, Verb: passare.Created, Body: &passare.PaymentBody{Amount: 1000},
	}, intlog.Queued, "", h.now)
	stored, _, err := h.Create(t.Context(), e, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		stored = h.move(stored, intlog.Claimed, intlog.Machine, rules.Problem{})
		h.later(5 * time.Minute)
	}
	b := h.list("ana")
	if len(b.Notices) != 1 || !strings.HasPrefix(b.Notices[0].Text, "QuickBooks has not told yet whether it took what was sent: 1 entry, $10.00, waits.") || !b.Notices[0].Began.Equal(noon()) {
		t.Errorf("%+v", b)
	}
}

// busy is a store in which the same person is faster elsewhere, a few times.
type busy struct {
	*memory.Store
	faster int
}

func (s *busy) Seen(ctx context.Context, who org.Person) (org.Seen, error) {
	seen, err := s.Store.Seen(ctx, who)
	if s.faster > 0 {
		s.faster--
		if err := s.PutSeen(ctx, who, seen.With(fmt.Sprint("elsewhere ", s.faster), noon()), seen.Rev); err != nil {
			return seen, err
		}
	}
	return seen, err
}

func TestAMarkIsWrittenAlthoughThePersonIsFasterElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.fails("p1", unmapped("gl:1"))
	store := &busy{Store: h.Store, faster: 3}
	b := bell.New(store, func() time.Time { return h.now })
	if _, err := b.ReadAll(t.Context(), somebody("ana")); err != nil || h.list("ana").Unread != 0 {
		t.Error(err)
	}
	store.faster = 100
	if _, err := b.ReadAll(t.Context(), somebody("ana")); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	seen, err := h.Seen(t.Context(), somebody("ana"))
	if err != nil || !slices.ContainsFunc(seen.Marks, func(m org.SeenMark) bool { return strings.HasPrefix(m.ID, "elsewhere") }) {
		t.Errorf("%+v %v", seen, err)
	}
}
