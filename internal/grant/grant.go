// Package grant keeps an organisation's grant: the OAuth tokens of its QuickBooks company, from consent to its end.
//
//	start ─▶ the person consents at Intuit ─▶ callback ─▶ code exchanged ─▶ tokens saved, before anything else ─▶ what waited goes
//
//	token asked for ─▶ in memory and fresh? ─yes─▶ that one
//	                        │ no
//	                        ▼
//	      ┌────────▶ read the secret ─▶ fresh? (a sibling has refreshed) ─yes─▶ that one
//	      │                 │ no
//	      │                 ▼
//	   look again ◀─no─ take the refresh lease
//	                        │ taken
//	                        ▼
//	                  read again ─▶ refresh ─▶ save, conditional on the version read ─▶ give the lease back, use
//	                                   │ refused              │ somebody saved first: theirs
//	                                   ▼
//	                  a moment later read again: a newer one? ──▶ that one;  refused once more ──▶ reconnect
//
// Guarantees: a token is used only for the company that it was granted for, and only after the one that came with it is saved; one
// refresh of an organisation runs at a time, in all processes (a lease longer than a function and Intuit may take after one another); a newer token is never
// overwritten by an older one; a passing fault of the token endpoint or of the secrets loses nothing; a consent is good for the
// person, the browser and the organisation that began it, once, for ten minutes; an organisation whose entries are in one company
// is connected to another only when a person has said so before; a company is connected to one organisation at a time.
//
// Not promised: a process that is killed between Intuit's answer and the save takes the new token with it. Where Intuit has then
// replaced the old one, a person must reconnect; nothing else is lost, since what waits goes by itself afterwards.
package grant

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/org"
)

// Secrets keeps secret values with versions. Put stores a value if the stored one has ifVersion (empty: if
// there is none). Errors: fault.NotFound, fault.Conflict.
type Secrets interface {
	Get(ctx context.Context, name string) (value []byte, version string, err error)
	Put(ctx context.Context, name string, value []byte, ifVersion string) (version string, err error)
}

// OAuth is Intuit's token endpoint. Errors: fault.Disconnected when the grant or code is refused for certain, fault.Unknown without an answer,
// fault.Unavailable and fault.Throttled when nothing happened.
type OAuth interface {
	Refresh(ctx context.Context, refreshToken string) (Tokens, error)
	Exchange(ctx context.Context, code, redirectURL string) (Tokens, error)
	Revoke(ctx context.Context, refreshToken string) error
}

// Tokens is one answer of the token endpoint.
type Tokens struct {
	Access     string
	Refresh    string
	AccessFor  time.Duration // how long the access token lives
	RefreshFor time.Duration // how long the refresh token lives unless it is used; 0: not told
	HardEndIn  time.Duration // how long the grant lives whatever is done; 0: not told
}

// stored is the secret's value. Two generations are kept, for support.
type stored struct {
	Realm      string    `json:"realm"`
	Access     string    `json:"access"`
	Refresh    string    `json:"refresh"`
	Expires    time.Time `json:"expires"`
	Refreshed  time.Time `json:"refreshed"`
	RollingEnd time.Time `json:"rolling_end,omitzero"`
	HardEnd    time.Time `json:"hard_end,omitzero"`
	Previous   string    `json:"previous_refresh,omitempty"`
	Generation int64     `json:"generation"`
}

// The refresh's constants (../posting/protocol.md, §3).
const (
	early        = 60 * time.Second // an access token is refreshed this long before its end
	refusedAgain = 500 * time.Millisecond
	saveTries    = 6 // of a token that Intuit has given already
	saveAgain    = 100 * time.Millisecond
)

// Keeper keeps the grants.
type Keeper struct {
	secrets Secrets
	leases  *lease.Taker
	oauth   OAuth
	now     func() time.Time

	mu   sync.Mutex
	orgs map[string]*held
}

// held is one organisation's grant in this process. Whoever has its turn may use it.
type held struct {
	turn    chan struct{}
	token   stored
	version string
}

// New makes a keeper.
func New(secrets Secrets, leases *lease.Taker, oauth OAuth, now func() time.Time) *Keeper {
	return &Keeper{secrets: secrets, leases: leases, oauth: oauth, now: now, orgs: map[string]*held{}}
}

func secretName(id string) string { return "grant/" + id }

// take waits for the turn at an organisation's grant. The caller gives it back.
func (k *Keeper) take(ctx context.Context, id string) (h *held, giveBack func(), err error) {
	k.mu.Lock()
	h, ok := k.orgs[id]
	if !ok {
		h = &held{turn: make(chan struct{}, 1)}
		k.orgs[id] = h
	}
	k.mu.Unlock()
	select {
	case h.turn <- struct{}{}:
		return h, func() { <-h.turn }, nil
	case <-ctx.Done():
		return nil, nil, fault.Because(ctx.Err(), fault.Unavailable, "QuickBooks' sign-in is being renewed.")
	}
}

// Connect stores an organisation's new grant. Errors: fault.Conflict when it was connected to another company before and other does not say
// that this is wanted: its books would be mixed.
func (k *Keeper) Connect(ctx context.Context, id, realm string, t Tokens, other bool) error {
	h, giveBack, err := k.take(context.WithoutCancel(ctx), id)
	if err != nil {
		return fmt.Errorf("grant.Connect: %w", err)
	}
	defer giveBack()
	for {
		if err := k.load(ctx, id, h); err != nil {
			return fmt.Errorf("grant.Connect: %w", err)
		}
		if h.token.Realm != "" && h.token.Realm != realm && !other {
			return fmt.Errorf("grant.Connect: %w", fault.New(fault.Conflict, "This organisation is connected to another QuickBooks company. Its entries belong there."))
		}
		h.token.Realm, h.token.RollingEnd, h.token.HardEnd = realm, time.Time{}, time.Time{}
		saved, err := k.save(ctx, id, h, t)
		if err != nil {
			return fmt.Errorf("grant.Connect: %w", err)
		}
		if saved { // else a refresh of the old grant was saved meanwhile; the new one replaces it
			return nil
		}
	}
}

// Token gives an access token of an organisation's company that lives for a while yet. Errors: fault.Disconnected when a person must connect
// QuickBooks (again); fault.Unavailable, also when the organisation is connected to another company by now; fault.Throttled.
func (k *Keeper) Token(ctx context.Context, at org.Company) (access string, err error) {
	return k.Renew(ctx, at, "")
}

// Renew is Token after QuickBooks refused one: it gives another.
func (k *Keeper) Renew(ctx context.Context, at org.Company, stale string) (access string, err error) {
	h, giveBack, err := k.take(ctx, at.Org)
	if err != nil {
		return "", fmt.Errorf("grant.Token: %w", err)
	}
	defer giveBack()
	if h.token.Realm != at.Realm || !k.good(h, stale) {
		if err := k.renew(ctx, at.Org, h, stale); err != nil {
			return "", fmt.Errorf("grant.Token: %w", err)
		}
	}
	if h.token.Realm != at.Realm {
		return "", fmt.Errorf("grant.Token: %w", &fault.Error{
			Code: fault.Unavailable, Class: fault.Transient, Who: nobody, Message: "QuickBooks was just connected to another company.", Remedy: "It is planned again by itself.",
		})
	}
	return h.token.Access, nil
}

// Life is what is known of how long a grant lives.
type Life struct{ Refreshed, RollingEnd, HardEnd time.Time }

// KeepAlive refreshes a grant that was not refreshed for longer than idle, so that it does not end for being idle, and says how long it lives.
// Errors: as Token.
func (k *Keeper) KeepAlive(ctx context.Context, id string, idle time.Duration) (Life, error) {
	h, giveBack, err := k.take(ctx, id)
	if err != nil {
		return Life{}, fmt.Errorf("grant.KeepAlive: %w", err)
	}
	defer giveBack()
	if err := k.load(ctx, id, h); err != nil {
		return Life{}, fmt.Errorf("grant.KeepAlive: %w", err)
	}
	if h.token.Refresh == "" || k.now().Sub(h.token.Refreshed) > idle {
		if err := k.renew(ctx, id, h, h.token.Access); err != nil {
			return Life{}, fmt.Errorf("grant.KeepAlive: %w", err)
		}
	}
	return Life{Refreshed: h.token.Refreshed, RollingEnd: h.token.RollingEnd, HardEnd: h.token.HardEnd}, nil
}

// Forget revokes an organisation's grant at Intuit and forgets its tokens. realm is the company that it belongs to all the same, if any, so that
// connecting another one is still noticed. A grant that Intuit does not know any more is forgotten, too. Errors: fault.Unavailable, fault.Throttled.
func (k *Keeper) Forget(ctx context.Context, id, realm string) error {
	h, giveBack, err := k.take(ctx, id)
	if err != nil {
		return fmt.Errorf("grant.Forget: %w", err)
	}
	defer giveBack()
	err = k.leases.Do(ctx, refreshing(id),
		func() (bool, error) {
			err := k.load(ctx, id, h)
			return h.token.Refresh == "", err
		},
		func() error {
			if err := k.oauth.Revoke(ctx, h.token.Refresh); err != nil && !fault.Is(err, fault.Disconnected) {
				return unanswered(err, "Try again.")
			}
			_, err := k.write(ctx, id, h, stored{Realm: realm, Generation: h.token.Generation + 1})
			return err
		})
	if err != nil {
		return fmt.Errorf("grant.Forget: %w", err)
	}
	return nil
}

// good says whether the token in memory can be used.
func (k *Keeper) good(h *held, stale string) bool {
	return h.token.Access != "" && h.token.Access != stale && k.now().Before(h.token.Expires.Add(-early))
}

func refreshing(id string) lease.Thing {
	return lease.Thing{Org: id, Name: "grant", Life: intlog.RefreshLease}
}

// renew reads what a sibling may have saved, and refreshes when the lease is ours. A refresh without an answer is to others a token that cannot be had
// now: nothing of theirs was sent.
func (k *Keeper) renew(ctx context.Context, id string, h *held, stale string) error {
	err := k.leases.Do(ctx, refreshing(id),
		func() (bool, error) {
			if err := k.load(ctx, id, h); err != nil {
				return false, err
			}
			if h.token.Refresh == "" {
				return false, notConnected()
			}
			return k.good(h, stale), nil
		},
		func() error { return k.refresh(ctx, id, h, stale) })
	return unanswered(err, "It is tried again by itself.")
}

// unanswered makes an outcome that is unknown one that was not reached.
func unanswered(err error, remedy string) error {
	if !fault.Is(err, fault.Unknown) {
		return err
	}
	return &fault.Error{Code: fault.Unavailable, Class: fault.Transient, Who: nobody, Message: "QuickBooks' sign-in cannot be reached.", Remedy: remedy, Cause: err}
}

// refresh is done under the lease. A refusal is believed only the second time: a moment later somebody may have saved a newer token, and Intuit
// is known to refuse a good one now and then.
func (k *Keeper) refresh(ctx context.Context, id string, h *held, stale string) error {
	t, err := k.oauth.Refresh(ctx, h.token.Refresh)
	if fault.Is(err, fault.Disconnected) {
		if err := lease.Pause(ctx, refusedAgain); err != nil {
			return fault.Because(err, fault.Unavailable, "QuickBooks' sign-in is being renewed.")
		}
		if err := k.load(ctx, id, h); err != nil || k.good(h, stale) {
			return err
		}
		t, err = k.oauth.Refresh(ctx, h.token.Refresh)
	}
	if err != nil {
		return err
	}
	_, err = k.save(ctx, id, h, t)
	return err
}

func notConnected() error {
	return &fault.Error{
		Code: fault.Disconnected, Class: fault.Connection, Who: administrator, Message: "QuickBooks is not connected.", Remedy: "Connect it, and what waits goes by itself.",
	}
}

// Who is needed.
const (
	administrator = "administrator"
	nobody        = "nobody: it goes by itself"
)

// load reads what is stored into h: nothing, if the organisation was never connected.
func (k *Keeper) load(ctx context.Context, id string, h *held) error {
	value, version, err := k.secrets.Get(ctx, secretName(id))
	if fault.Is(err, fault.NotFound) {
		h.token, h.version = stored{}, ""
		return nil
	}
	if err != nil {
		return err
	}
	var t stored
	if err := json.Unmarshal(value, &t); err != nil {
		return fault.Because(err, fault.Internal, "The stored connection cannot be read. Reconnect QuickBooks.")
	}
	h.token, h.version = t, version
	return nil
}

// save stores new tokens before they are used. It says false when somebody saved first: then theirs are in h.
func (k *Keeper) save(ctx context.Context, id string, h *held, t Tokens) (bool, error) {
	now := k.now()
	next := stored{
		Realm: h.token.Realm, Access: t.Access, Refresh: t.Refresh, Expires: now.Add(t.AccessFor), Refreshed: now,
		RollingEnd: h.token.RollingEnd, HardEnd: h.token.HardEnd, Previous: h.token.Refresh, Generation: h.token.Generation + 1,
	}
	if t.RefreshFor > 0 {
		next.RollingEnd = now.Add(t.RefreshFor)
	}
	if t.HardEndIn > 0 {
		next.HardEnd = now.Add(t.HardEndIn)
	}
	return k.write(ctx, id, h, next)
}

// write stores a value that must not be lost: Intuit has replaced what is stored already. So it is tried several times, also when the
// caller has given up meanwhile.
func (k *Keeper) write(ctx context.Context, id string, h *held, next stored) (bool, error) {
	ctx = context.WithoutCancel(ctx)
	value, err := json.Marshal(next)
	if err != nil {
		return false, err
	}
	for try := range saveTries {
		var version string
		version, err = k.secrets.Put(ctx, secretName(id), value, h.version)
		switch {
		case err == nil:
			h.token, h.version = next, version
			return true, nil
		case fault.Is(err, fault.Conflict):
			return false, k.load(ctx, id, h) // somebody saved first, or a try before this one was stored and its answer lost
		}
		_ = lease.Pause(ctx, saveAgain<<try)
	}
	return false, err
}
