package intlog_test

import (
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/rules"
)

func TestWhoLastDidSomethingAndWhen(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)
	e := intlog.Entry{Created: at}
	if e.Person() != "" || !e.ChangedAt().Equal(at) || !e.SyncedAt().IsZero() {
		t.Errorf("without a history: %q %s", e.Person(), e.ChangedAt())
	}
	for i, step := range []intlog.Step{
		{Who: "Ana", To: intlog.Pending},
		{Who: "Ben", From: intlog.Pending, To: intlog.Queued},
		{Who: intlog.Machine, From: intlog.Queued, To: intlog.Claimed},
		{Who: intlog.Machine, From: intlog.Claimed, To: intlog.Synced},
	} {
		step.At = at.Add(time.Duration(i) * time.Minute)
		e.History = append(e.History, step)
	}
	if last := at.Add(3 * time.Minute); e.Person() != "Ben" || !e.ChangedAt().Equal(last) || !e.SyncedAt().Equal(last) {
		t.Errorf("%q %s %s", e.Person(), e.ChangedAt(), e.SyncedAt())
	}
}

func TestEveryKindOfProblemSaysWhatHappensOnceItIsGone(t *testing.T) {
	t.Parallel()
	for _, k := range []rules.Kind{
		rules.Mapping, rules.Period, rules.Account, rules.NoName, rules.Data, rules.Choice, rules.Connection, rules.Company, rules.Member, rules.Transient,
	} {
		if intlog.AfterFix(k) == "" {
			t.Errorf("%s says nothing", k)
		}
	}
}

func TestWhatMayStillBePostedIsForeseeable(t *testing.T) {
	t.Parallel()
	for _, s := range intlog.States() {
		want := intlog.Allowed(s, intlog.Queued) && s != intlog.Claimed && s != intlog.Deleted && s != intlog.Synced
		if got := (intlog.Entry{State: s}).Foreseeable(); got != want {
			t.Errorf("%s: %t", s, got)
		}
	}
}
