package intlog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/rules"
)

func TestAStepSaysWhoDidWhatWhenAndWhy(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 10, 4, 0, 0, time.FixedZone("Chicago", -5*60*60))
	for want, s := range map[string]intlog.Step{
		"Ben Ito deleted it at 3:04 PM UTC on March 4, 2026: typed by mistake": {Who: "Ben Ito", From: intlog.Pending, To: intlog.Deleted, Why: "typed by mistake."},
		"Ben Ito restored it at 3:04 PM UTC on March 4, 2026":                  {Who: "Ben Ito", From: intlog.Deleted, To: intlog.Queued},
		"Passare sent it at 3:04 PM UTC on March 4, 2026":                      {Who: intlog.Passare, To: intlog.Pending},
	} {
		if s.At = at; s.Says() != want {
			t.Errorf("%q, not %q", s.Says(), want)
		}
	}
	said := map[string]intlog.State{}
	for _, to := range intlog.States() {
		says := intlog.Step{Who: "x", From: intlog.Queued, To: to, At: at}.Says()
		if other, known := said[says]; known || strings.Contains(says, "changed it") {
			t.Errorf("%s says %q, like %q", to, says, other)
		}
		said[says] = to
	}
}

func TestOnlyWhatWasDoneSinceIsTold(t *testing.T) {
	t.Parallel()
	e := entry(intlog.Pending)
	for i, to := range []intlog.State{intlog.Deleted, intlog.Pending, intlog.Queued, intlog.Failed} {
		var err error
		if e, err = e.Move(to, "Ana", "", now().Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
		e.Rev++
	}
	for rev, want := range map[int64]int{e.Rev - 1: 1, e.Rev - 2: 2, 1: 3, e.Rev + 7: 1} {
		if got := strings.Count(e.Since(rev), "Ana"); got != want || !strings.HasPrefix(e.Since(rev), "Ana could not post it") {
			t.Errorf("since %d: %s", rev, e.Since(rev))
		}
	}
}

func TestWhoDidWhatLastNamesAPersonToo(t *testing.T) {
	t.Parallel()
	e := entry(intlog.Pending)
	for _, x := range []struct {
		to   intlog.State
		who  string
		want string
	}{
		{intlog.Queued, "Ben Ito", "Ben Ito sent it on its way"},
		{intlog.Claimed, intlog.Machine, "Passare sync began to post it at 3:00 PM UTC on March 4, 2026; before that, Ben Ito sent it on its way"},
	} {
		var err error
		if e, err = e.Move(x.to, x.who, "", now()); err != nil || !strings.HasPrefix(e.Latest(), x.want) {
			t.Errorf("%q, %v", e.Latest(), err)
		}
	}
}

func TestADeletedVersionIsSkippedUntilSomethingAfterItCounts(t *testing.T) {
	t.Parallel()
	version := func(v int64, s intlog.State, c rules.Choices) intlog.Entry {
		e := entry(s)
		e.Version, e.Choices = v, c
		return e
	}
	gone := version(1, intlog.Deleted, rules.Choices{})
	for name, test := range map[string]struct {
		later []intlog.Entry
		want  int64
	}{
		"nothing after it":           {nil, 1},
		"an open version":            {[]intlog.Entry{version(2, intlog.Failed, rules.Choices{})}, 1},
		"one that had its effect":    {[]intlog.Entry{version(2, intlog.Synced, rules.Choices{})}, 0},
		"one that somebody chose of": {[]intlog.Entry{version(2, intlog.Failed, rules.Choices{Amounts: rules.Whole})}, 0},
		"another deleted one":        {[]intlog.Entry{version(2, intlog.Synced, rules.Choices{}), version(3, intlog.Deleted, rules.Choices{})}, 3},
		"only what is before":        {[]intlog.Entry{version(9, intlog.Synced, rules.Choices{})}, 1},
	} {
		if got := (intlog.Record{Entries: append([]intlog.Entry{gone}, test.later...)}).Skipped(intlog.Key{Org: gone.Org, Record: gone.Record, Version: 9}); got != test.want {
			t.Errorf("%s: %d, not %d", name, got, test.want)
		}
	}
}
