package grant_test

import (
	"context"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/lease"
)

// meddling is a secret into which somebody else writes just before the next write, or whose writes lose their answer.
type meddling struct {
	grant.Secrets
	before func()
	lose   int
}

func (m *meddling) Put(ctx context.Context, name string, value []byte, ifVersion string) (string, error) {
	if before := m.before; before != nil {
		m.before = nil
		before()
	}
	version, err := m.Secrets.Put(ctx, name, value, ifVersion)
	if err == nil && m.lose > 0 {
		m.lose--
		return "", fault.New(fault.Unavailable, "the answer was lost")
	}
	return version, err
}

// through is another process's keeper that goes through m.
func (h *house) through(m *meddling) *grant.Keeper {
	m.Secrets = h.secrets
	now := func() time.Time { return h.now }
	return grant.New(m, lease.New(h.leases, "meddled", now), h.intuit, now)
}

func (h *house) reconnect(t *testing.T, k *grant.Keeper, access string) {
	t.Helper()
	if err := k.Connect(t.Context(), "willow", "1001", grant.Tokens{Access: access, Refresh: "refresh-of-" + access, AccessFor: time.Hour}, false); err != nil {
		t.Error(err)
	}
}

func TestWhoMeetsWhomAtTheSecret(t *testing.T) {
	t.Parallel()
	for name, race := range map[string]struct {
		run  func(t *testing.T, h *house)
		want string
	}{
		"a new consent is stored though a refresh of the old one is saved first": {func(t *testing.T, h *house) {
			h.now = h.now.Add(2 * time.Hour)
			h.reconnect(t, h.through(&meddling{before: func() { token(t, h.keeper) }}), "new")
		}, "new"},
		"a refresh of the old consent is dropped when a new one is stored first": {func(t *testing.T, h *house) {
			h.now = h.now.Add(2 * time.Hour)
			k := h.through(&meddling{before: func() { h.reconnect(t, h.another(), "new") }})
			if got := token(t, k); got != "new" {
				t.Errorf("the token is %s", got)
			}
		}, "new"},
		"a refused refresh is forgiven when somebody connected meanwhile": {func(t *testing.T, h *house) {
			h.now, h.intuit.good = h.now.Add(2*time.Hour), "somebody else's"
			h.intuit.refusing = func() { h.reconnect(t, h.another(), "new") }
			if got := token(t, h.keeper); got != "new" {
				t.Errorf("the token is %s", got)
			}
		}, "new"},
		"a false refusal is asked again": {func(t *testing.T, h *house) {
			h.now, h.intuit.good = h.now.Add(2*time.Hour), "somebody else's"
			h.intuit.refusing = func() { h.intuit.good = "refresh-0" }
			token(t, h.keeper)
		}, "access-1"},
		"a save whose answer was lost loses nothing": {func(t *testing.T, h *house) {
			h.now = h.now.Add(2 * time.Hour)
			token(t, h.through(&meddling{lose: 1}))
			if h.intuit.serial != 1 {
				t.Errorf("%d refreshes", h.intuit.serial)
			}
		}, "access-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			race.run(t, h)
			if got := token(t, h.another()); got != race.want {
				t.Errorf("stored is %s, want %s", got, race.want)
			}
		})
	}
}
