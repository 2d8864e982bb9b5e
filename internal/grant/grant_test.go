package grant_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// intuit is a token endpoint that replaces the refresh token each time; the old one dies.
type intuit struct {
	mu      sync.Mutex
	good    string
	serial  int
	flying  int
	worst   int
	trouble error
	revoked []string

	refusing func() // happens once, after the first refusal
}

func (i *intuit) Refresh(_ context.Context, refresh string) (grant.Tokens, error) {
	i.mu.Lock()
	i.flying++
	i.worst = max(i.worst, i.flying)
	i.mu.Unlock()
	defer func() { i.mu.Lock(); i.flying--; i.mu.Unlock() }()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.trouble != nil {
		return grant.Tokens{}, i.trouble
	}
	if refresh != i.good {
		if refusing := i.refusing; refusing != nil {
			i.refusing = nil
			refusing()
		}
		return grant.Tokens{}, fault.New(fault.Disconnected, "invalid_grant")
	}
	i.serial++
	i.good = fmt.Sprint("refresh-", i.serial)
	return grant.Tokens{Access: fmt.Sprint("access-", i.serial), Refresh: i.good, AccessFor: time.Hour}, nil
}

func (i *intuit) Exchange(context.Context, string, string) (grant.Tokens, error) {
	return grant.Tokens{}, fault.New(fault.Internal, "not in this test")
}

func (i *intuit) Revoke(_ context.Context, refresh string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.revoked = append(i.revoked, refresh)
	return i.trouble
}

type house struct {
	secrets   *memory.Secrets
	leases    *memory.Leases
	intuit    *intuit
	now       time.Time
	keeper    *grant.Keeper
	processes int
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{secrets: memory.NewSecrets(), leases: memory.NewLeases(), intuit: &intuit{good: "refresh-0"}, now: time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)}
	h.keeper = h.another()
	if err := h.keeper.Connect(t.Context(), "willow", "1001", grant.Tokens{Access: "access-0", Refresh: "refresh-0", AccessFor: time.Hour}, false); err != nil {
		t.Fatal(err)
	}
	return h
}

// another is another process's keeper over the same secrets.
func (h *house) another() *grant.Keeper {
	h.processes++
	now := func() time.Time { return h.now }
	return grant.New(h.secrets, lease.New(h.leases, fmt.Sprint("process-", h.processes), now), h.intuit, now)
}

func willow() org.Company { return org.Company{Org: "willow", Realm: "1001"} }

func token(t *testing.T, k *grant.Keeper) string {
	t.Helper()
	access, err := k.Token(t.Context(), willow())
	if err != nil {
		t.Fatal(err)
	}
	return access
}

func TestATokenIsUsedUntilAMinuteBeforeItsEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "access-0"}, {58 * time.Minute, "access-0"}, {time.Minute, "access-1"}, {58 * time.Minute, "access-1"}, {2 * time.Minute, "access-2"}} {
		h.now = h.now.Add(step.after)
		if got := token(t, h.keeper); got != step.want {
			t.Errorf("after %s more: %s, want %s", step.after, got, step.want)
		}
	}
}

func TestOneRefreshRunsAtATime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.now = h.now.Add(2 * time.Hour)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { _, _ = h.keeper.Token(context.Background(), willow()) })
	}
	wg.Wait()
	if h.intuit.serial != 1 || h.intuit.worst != 1 {
		t.Errorf("%d refreshes, %d at once", h.intuit.serial, h.intuit.worst)
	}
}

func TestASiblingsTokenIsUsedInsteadOfAnotherRefresh(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sibling := h.another()
	token(t, sibling)
	h.now = h.now.Add(2 * time.Hour)
	if a, b := token(t, h.keeper), token(t, sibling); a != "access-1" || b != a || h.intuit.serial != 1 {
		t.Errorf("%s and %s after %d refreshes", a, b, h.intuit.serial)
	}
	if got, err := sibling.Renew(t.Context(), willow(), "access-1"); err != nil || got != "access-2" {
		t.Errorf("after a refusal: %s %v", got, err)
	}
	if got, err := h.keeper.Renew(t.Context(), willow(), "access-1"); err != nil || got != "access-2" || h.intuit.serial != 2 {
		t.Errorf("the other one: %s %v after %d refreshes", got, err, h.intuit.serial)
	}
}

func TestAPassingFaultLosesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.now = h.now.Add(2 * time.Hour)
	h.intuit.trouble = fault.New(fault.Unavailable, "503")
	if _, err := h.keeper.Token(t.Context(), willow()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	h.intuit.trouble = nil
	if got := token(t, h.keeper); got != "access-1" {
		t.Error(got)
	}
}

func TestADeadGrantAsksForAPersonAndRecoversAfterReconnecting(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.now, h.intuit.good = h.now.Add(2*time.Hour), "somebody else's"
	if _, err := h.keeper.Token(t.Context(), willow()); !fault.Is(err, fault.Disconnected) {
		t.Errorf("%v", err)
	}
	if _, err := h.keeper.Token(t.Context(), org.Company{Org: "maple", Realm: "1"}); !fault.Is(err, fault.Disconnected) {
		t.Errorf("an organisation that was never connected: %v", err)
	}
	h.intuit.good = "refresh-new"
	if err := h.keeper.Connect(t.Context(), "willow", "1001", grant.Tokens{Access: "access-new", Refresh: "refresh-new", AccessFor: time.Hour}, false); err != nil {
		t.Fatal(err)
	}
	if got := token(t, h.keeper); got != "access-new" {
		t.Error(got)
	}
}

func TestAnotherCompanyIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, k := range []*grant.Keeper{h.keeper, h.another()} {
		if err := k.Connect(t.Context(), "willow", "2002", grant.Tokens{Access: "a", Refresh: "r", AccessFor: time.Hour}, false); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v", err)
		}
	}
	if got := token(t, h.keeper); got != "access-0" {
		t.Error(got)
	}
}

// entryThatWaitsForTheConnection is a payment's entry that failed since QuickBooks was not connected.
func entryThatWaitsForTheConnection(id string, now time.Time) intlog.Entry {
	e := intlog.New(passare.Event{
		Org: "willow", Record: passare.Ref{Type: passare.Payment, ID: id}, Version: 1, Verb: passare.Created, Body: &passare.PaymentBody{},
	}, intlog.Failed, "", now)
	e.Cause = []rules.Problem{{Kind: rules.Connection}}
	return e
}
