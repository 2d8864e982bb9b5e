package intlog_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

func now() time.Time { return time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC) }

func entry(s intlog.State) intlog.Entry {
	return intlog.New(passare.Event{
		Org: "a", Record: passare.Ref{Type: passare.Payment, ID: "p1"}, Version: 1, Verb: passare.Created, Body: &passare.PaymentBody{},
	}, s, "", now())
}

// TestTheTransitionTable spells the table out once more, from the protocol's page.
func TestTheTransitionTable(t *testing.T) {
	t.Parallel()
	table := map[intlog.State]string{
		intlog.Held: "pending queued deleted superseded excluded", intlog.Pending: "queued deleted superseded excluded",
		intlog.Queued: "queued waiting posting failed excluded unchanged synced superseded deleted", intlog.Waiting: "queued waiting posting failed excluded unchanged synced superseded deleted",
		intlog.Claimed: "posting synced failed waiting queued", intlog.Failed: "queued deleted superseded", intlog.Deleted: "queued pending", intlog.Synced: "queued",
	}
	for _, from := range intlog.States() {
		for _, to := range intlog.States() {
			want := slices.Contains(strings.Fields(table[from]), string(to))
			if got := intlog.Allowed(from, to); got != want {
				t.Errorf("%s → %s: %t", from, to, got)
			}
			if _, err := entry(from).Move(to, "test", "", now()); fault.Is(err, fault.Conflict) == want {
				t.Errorf("moving %s → %s: %v", from, to, err)
			}
		}
	}
}

func TestAnyWalkKeepsTheInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e := entry(rapid.SampledFrom(intlog.States()).Draw(rt, "first"))
		at := now()
		for range rapid.IntRange(0, 80).Draw(rt, "steps") {
			if len(intlog.Next(e.State)) == 0 {
				break
			}
			at = at.Add(time.Duration(rapid.IntRange(0, 600).Draw(rt, "seconds")) * time.Second)
			before, history := e, slices.Clone(e.History)
			e.Until = at.Add(time.Duration(rapid.IntRange(-60, 600).Draw(rt, "until")) * time.Second)
			moved, err := e.Move(rapid.SampledFrom(intlog.Next(e.State)).Draw(rt, "to"), "test", "", at)
			if err != nil {
				rt.Fatal(err)
			}
			e = moved
			switch {
			case e.State.Owned() == e.DueAt.IsZero():
				rt.Fatalf("%s is due %s", e.State, e.DueAt)
			case e.State == intlog.Claimed && before.State.Owned():
				if !e.DueAt.Equal(before.DueAt) {
					rt.Fatalf("a claim moves the due time from %s to %s", before.DueAt, e.DueAt)
				}
			case e.State.Owned() && e.DueAt.Before(at):
				rt.Fatalf("%s was due before it came to be", e.State)
			case len(e.History) > intlog.MaxHistory || e.History[0] != before.History[0] || e.History[len(e.History)-1].To != e.State:
				rt.Fatalf("history: %+v", e.History)
			case !slices.Equal(history, before.History):
				rt.Fatal("the entry that was moved has another history now")
			}
		}
	})
}

func TestAnIdNamesItsEntry(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		k := intlog.Key{
			Org: "a", Version: rapid.Int64Range(1, 999_999_999).Draw(rt, "version"),
			Record: passare.Ref{Type: rapid.SampledFrom(passare.RecordTypes()).Draw(rt, "type"), ID: rapid.StringMatching(`[A-Za-z0-9._-]{1,40}`).Draw(rt, "id")},
		}
		if got, err := intlog.ParseKey("a", k.ID()); err != nil || got != k {
			rt.Fatalf("%s: %+v %v", k.ID(), got, err)
		}
	})
	for _, bad := range []string{"", "x", "payment.p1", "payment..1", ".p1.1", "payment.p1.0", "payment.p1.-1", "payment.p1.x", "payment.p1.99999999999999999999"} {
		if _, err := intlog.ParseKey("a", bad); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestEveryStateSaysWhatHappensNext(t *testing.T) {
	t.Parallel()
	done := []intlog.State{intlog.Synced, intlog.Superseded, intlog.Excluded, intlog.Unchanged}
	for _, s := range intlog.States() {
		e := entry(s)
		e.Until, e.Cause = now().Add(time.Minute), []rules.Problem{{Kind: rules.Mapping, Who: "administrator"}}
		next := e.Outlook()
		switch {
		case slices.Contains(done, s) != (next == intlog.Outlook{}):
			t.Errorf("%s: %+v", s, next)
		case s.Owned() && next.At.IsZero():
			t.Errorf("%s says no time: %+v", s, next)
		case (s == intlog.Held || s == intlog.Pending || s == intlog.Failed) && next.Who == "":
			t.Errorf("%s says nobody: %+v", s, next)
		}
	}
}

func TestAFailedEntrySaysHowItGoesOn(t *testing.T) {
	t.Parallel()
	for kind, says := range map[rules.Kind]string{
		rules.Mapping: "by itself", rules.Connection: "by itself", rules.Company: "by itself", rules.Period: "each night", rules.Account: "each night",
		rules.NoName: "each night", rules.Member: "each night", rules.Transient: "each night", rules.Data: "a person", rules.Choice: "a person",
	} {
		e := entry(intlog.Failed)
		e.Cause = []rules.Problem{{Kind: kind, Who: "w"}}
		if got := e.Outlook(); !strings.Contains(got.Says, says) || got.Who != "w" {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

func TestWhatIsStuckShowsUnderSyncErrors(t *testing.T) {
	t.Parallel()
	at := func(minutes int) time.Time { return now().Add(time.Duration(minutes) * time.Minute) }
	type step struct {
		to      intlog.State
		minutes int
	}
	for name, test := range map[string]struct {
		steps []step
		tab   string
	}{
		"on its way":                       {nil, ""},
		"posting":                          {[]step{{intlog.Claimed, 0}}, ""},
		"posting, after one lease":         {[]step{{intlog.Claimed, 0}, {intlog.Claimed, 5}}, ""},
		"posting, after two leases":        {[]step{{intlog.Claimed, 0}, {intlog.Claimed, 5}, {intlog.Claimed, 10}}, "errors"},
		"posted after two leases":          {[]step{{intlog.Claimed, 0}, {intlog.Claimed, 5}, {intlog.Claimed, 10}, {intlog.Synced, 11}}, "synced"},
		"waiting":                          {[]step{{intlog.Waiting, 0}, {intlog.Waiting, 14}}, ""},
		"waiting for a quarter of an hour": {[]step{{intlog.Waiting, 0}, {intlog.Waiting, 8}, {intlog.Waiting, 15}}, "errors"},
		"waiting again, after another try each time": {[]step{{intlog.Waiting, 0}, {intlog.Claimed, 8}, {intlog.Waiting, 9}, {intlog.Claimed, 16}, {intlog.Waiting, 17}}, "errors"},
		"being tried after it waited for long":       {[]step{{intlog.Waiting, 0}, {intlog.Waiting, 20}, {intlog.Claimed, 21}}, ""},
		"waiting, long after a failure":              {[]step{{intlog.Waiting, 0}, {intlog.Failed, 1}, {intlog.Queued, 90}, {intlog.Waiting, 91}}, ""},
		"failed":                                     {[]step{{intlog.Failed, 1}}, "errors"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := entry(intlog.Queued)
			for _, s := range test.steps {
				var err error
				if e, err = e.Move(s.to, "test", "", at(s.minutes)); err != nil {
					t.Fatal(err)
				}
			}
			if e.Tab() != test.tab {
				t.Errorf("on tab %q, not %q", e.Tab(), test.tab)
			}
		})
	}
}
