// Package grant keeps an organisation's grant: the OAuth tokens of its QuickBooks company, from consent to its end.
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
//	                                   │ refused                 │ somebody saved first: theirs
//	                                   ▼
//	                  read again: a newer one? ──▶ that one, or one more try with it;  else: reconnect
//
// Guarantees: a token is used only for the company that it was granted for, and only after the one that came with it is saved; one
// refresh of an organisation runs at a time, in all processes (a lease longer than a function may run); a newer token is never
// overwritten by an older one; a passing fault of the token endpoint or of the secrets loses nothing.
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
)

// Secrets keeps secret values with versions. Put stores a value if the stored one has ifVersion (empty: if
// there is none). Errors: fault.NotFound, fault.Conflict.
type Secrets interface {
	Get(ctx context.Context, name string) (value []byte, version string, err error)
	Put(ctx context.Context, name string, value []byte, ifVersion string) (version string, err error)
}

// Leases keeps one refresh lease for each organisation.
type Leases interface {
	// Lease takes it for an owner until a time, unless another owner has it at now.
	Lease(ctx context.Context, org, owner string, now, until time.Time) (taken bool, err error)
	// Unlease gives it back if the owner still has it.
	Unlease(ctx context.Context, org, owner string) error
}

// OAuth is Intuit's token endpoint. Errors: fault.Disconnected when the grant or code is refused for certain,
// fault.Unavailable when nothing is known.
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
	early        = 60 * time.Second  // an access token is refreshed this long before its end
	refreshLease = 120 * time.Second // longer than a function may run
	lookAgain    = 500 * time.Millisecond
	saveTries    = 6 // of a token that Intuit has given already
	saveAgain    = 100 * time.Millisecond
)

// Keeper keeps the grants.
type Keeper struct {
	secrets Secrets
	leases  Leases
	oauth   OAuth
	owner   string
	now     func() time.Time

	mu   sync.Mutex
	orgs map[string]*held
}

// held is one organisation's grant in this process.
type held struct {
	mu      sync.Mutex
	token   stored
	version string
}

// New makes a keeper. owner names the process among all that share the leases.
func New(secrets Secrets, leases Leases, oauth OAuth, owner string, now func() time.Time) *Keeper {
	return &Keeper{secrets: secrets, leases: leases, oauth: oauth, owner: owner, now: now, orgs: map[string]*held{}}
}

func secretName(org string) string { return "grant/" + org }

func (k *Keeper) held(org string) *held {
	k.mu.Lock()
	defer k.mu.Unlock()
	h, ok := k.orgs[org]
	if !ok {
		h = &held{}
		k.orgs[org] = h
	}
	return h
}

// Connect stores an organisation's new grant. Errors: fault.Conflict when it is connected to another
// company already: its books would be mixed.
func (k *Keeper) Connect(ctx context.Context, org, realm string, t Tokens) error {
	h := k.held(org)
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if err := k.load(ctx, org, h); err != nil && !fault.Is(err, fault.NotFound) {
			return fmt.Errorf("grant.Connect: %w", err)
		}
		if err := sameCompany(h.token.Realm, realm); err != nil {
			return fmt.Errorf("grant.Connect: %w", err)
		}
		h.token.Realm = realm
		saved, err := k.save(ctx, org, h, t)
		if err != nil {
			return fmt.Errorf("grant.Connect: %w", err)
		}
		if saved { // else a refresh of the old grant was saved meanwhile; the new one replaces it
			return nil
		}
	}
}

func sameCompany(was, is string) error {
	if was != "" && was != is {
		return fault.New(fault.Conflict, "This organisation is connected to another QuickBooks company. Its entries belong there.")
	}
	return nil
}

// Token gives the company and an access token that lives for a while yet. Errors: fault.Disconnected when a
// person must connect QuickBooks (again), fault.Unavailable.
func (k *Keeper) Token(ctx context.Context, org string) (realm, access string, err error) {
	return k.fresh(ctx, org, "")
}

// Renew is Token after QuickBooks refused one: it gives another.
func (k *Keeper) Renew(ctx context.Context, org, stale string) (realm, access string, err error) {
	return k.fresh(ctx, org, stale)
}

// Life is what is known of how long a grant lives.
type Life struct{ Refreshed, RollingEnd, HardEnd time.Time }

// Life reads how long an organisation's grant lives. Errors: fault.NotFound without a grant.
func (k *Keeper) Life(ctx context.Context, org string) (Life, error) {
	h := &held{}
	if err := k.load(ctx, org, h); err != nil {
		return Life{}, fmt.Errorf("grant.Life: %w", err)
	}
	if h.token.Refresh == "" {
		return Life{}, fmt.Errorf("grant.Life: %w", notConnected(nil))
	}
	return Life{Refreshed: h.token.Refreshed, RollingEnd: h.token.RollingEnd, HardEnd: h.token.HardEnd}, nil
}

// KeepAlive refreshes a grant whatever the age of its access token, so that it does not end for being idle. Errors: as Token.
func (k *Keeper) KeepAlive(ctx context.Context, org string) error {
	h := k.held(org)
	h.mu.Lock()
	stale := h.token.Access
	h.mu.Unlock()
	if stale == "" {
		if err := k.load(ctx, org, h); err == nil {
			stale = h.token.Access
		}
	}
	if _, _, err := k.fresh(ctx, org, stale); err != nil {
		return fmt.Errorf("grant.KeepAlive: %w", err)
	}
	return nil
}

// Forget revokes an organisation's grant at Intuit and forgets its tokens. The company stays known, so that connecting another one
// is still noticed. A grant that Intuit does not know any more is forgotten all the same. Errors: fault.NotFound, fault.Unavailable.
func (k *Keeper) Forget(ctx context.Context, org string) error {
	h := k.held(org)
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if err := k.load(ctx, org, h); err != nil {
			return fmt.Errorf("grant.Forget: %w", err)
		}
		if h.token.Refresh == "" {
			return nil
		}
		if err := k.oauth.Revoke(ctx, h.token.Refresh); err != nil && !fault.Is(err, fault.Disconnected) {
			return fmt.Errorf("grant.Forget: %w", err)
		}
		saved, err := k.write(ctx, org, h, stored{Realm: h.token.Realm, Generation: h.token.Generation + 1})
		if err != nil {
			return fmt.Errorf("grant.Forget: %w", err)
		}
		if saved {
			return nil
		}
	}
}

func (k *Keeper) fresh(ctx context.Context, org, stale string) (realm, access string, err error) {
	h := k.held(org)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !k.good(h, stale) {
		err = k.renew(ctx, org, h, stale)
	}
	if err != nil {
		return "", "", fmt.Errorf("grant.Token: %w", err)
	}
	return h.token.Realm, h.token.Access, nil
}

// good says whether the token in memory can be used.
func (k *Keeper) good(h *held, stale string) bool {
	return h.token.Access != "" && h.token.Access != stale && k.now().Before(h.token.Expires.Add(-early))
}

// renew reads what a sibling may have saved, and refreshes when the lease is ours. Whoever does not get it looks again until the other
// has saved, or its lease has ended.
func (k *Keeper) renew(ctx context.Context, org string, h *held, stale string) error {
	for {
		if err := k.load(ctx, org, h); err != nil {
			if fault.Is(err, fault.NotFound) {
				return notConnected(err)
			}
			return err
		}
		if k.good(h, stale) {
			return nil
		}
		if h.token.Refresh == "" {
			return notConnected(nil)
		}
		now := k.now()
		taken, err := k.leases.Lease(ctx, org, k.owner, now, now.Add(refreshLease))
		if err != nil {
			return err
		}
		if taken {
			return k.refresh(ctx, org, h, stale)
		}
		if err := pause(ctx, lookAgain); err != nil {
			return fault.Because(err, fault.Unavailable, "QuickBooks' sign-in is being renewed.")
		}
	}
}

// pause waits, unless the caller gives up first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refresh is done under the lease. A refusal is final only if nobody has saved a newer token since, and that one is refused, too.
func (k *Keeper) refresh(ctx context.Context, org string, h *held, stale string) error {
	defer func() { _ = k.leases.Unlease(context.WithoutCancel(ctx), org, k.owner) }()
	refused := ""
	for {
		if err := k.load(ctx, org, h); err != nil {
			return err
		}
		if k.good(h, stale) {
			return nil
		}
		used := h.token.Refresh
		if used == refused || used == "" {
			return dead(nil)
		}
		t, err := k.oauth.Refresh(ctx, used)
		switch {
		case err == nil:
			_, err = k.save(ctx, org, h, t)
			return err
		case !fault.Is(err, fault.Disconnected):
			return err
		case refused != "":
			return dead(err)
		}
		refused = used
	}
}

func notConnected(cause error) error {
	return &fault.Error{
		Code: fault.Disconnected, Class: fault.Connection, Who: "administrator", Message: "QuickBooks is not connected.", Remedy: "Connect it, and what waits goes by itself.", Cause: cause,
	}
}

func dead(cause error) error {
	return &fault.Error{
		Code: fault.Disconnected, Class: fault.Connection, Who: "administrator", Message: "QuickBooks no longer accepts the connection.",
		Remedy: "Reconnect QuickBooks; what waits then goes by itself.", Cause: cause,
	}
}

func (k *Keeper) load(ctx context.Context, org string, h *held) error {
	value, version, err := k.secrets.Get(ctx, secretName(org))
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
func (k *Keeper) save(ctx context.Context, org string, h *held, t Tokens) (bool, error) {
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
	return k.write(ctx, org, h, next)
}

// write stores a value that must not be lost: Intuit has replaced what is stored already. So it is tried several times, also when the
// caller has given up meanwhile.
func (k *Keeper) write(ctx context.Context, org string, h *held, next stored) (bool, error) {
	ctx = context.WithoutCancel(ctx)
	value, err := json.Marshal(next)
	if err != nil {
		return false, err
	}
	for try := range saveTries {
		var version string
		version, err = k.secrets.Put(ctx, secretName(org), value, h.version)
		switch {
		case err == nil:
			h.token, h.version = next, version
			return true, nil
		case fault.Is(err, fault.Conflict):
			// Somebody saved first, or a try before this one was stored and its answer lost.
			if err := k.load(ctx, org, h); err != nil {
				return false, err
			}
			return h.token == next, nil
		}
		_ = pause(ctx, saveAgain<<try)
	}
	return false, err
}
