// Package grant keeps an organisation's grant: the OAuth tokens of its QuickBooks company.
//
//	token asked for ─▶ in memory and fresh? ─yes─▶ that one
//	                        │ no
//	                        ▼
//	                  read the secret ─▶ fresh? (a sibling has refreshed) ─yes─▶ that one
//	                        │ no
//	                        ▼
//	                  refresh ─▶ save, conditional on the version read ─▶ use
//	                        │ refused                 │ somebody saved first
//	                        ▼                         ▼
//	                  read again: a newer one? ──▶ that one;  else: reconnect
//
// Guarantees: a token is used only for the company that it was granted for, and only after the one that
// came with it is saved; within a process one refresh of an organisation runs at a time; a newer token is
// never overwritten by an older one; a passing fault of the token endpoint loses nothing. Not yet
// guaranteed: two processes refreshing at the very same moment, which needs a lease between them.
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

// OAuth is Intuit's token endpoint. Errors: fault.Disconnected when the grant is refused for certain,
// fault.Unavailable when nothing is known.
type OAuth interface {
	Refresh(ctx context.Context, refreshToken string) (Tokens, error)
}

// Tokens is one answer of the token endpoint.
type Tokens struct {
	Access    string
	Refresh   string
	AccessFor time.Duration // how long the access token lives
}

// stored is the secret's value. Two generations are kept, for support.
type stored struct {
	Realm      string    `json:"realm"`
	Access     string    `json:"access"`
	Refresh    string    `json:"refresh"`
	Expires    time.Time `json:"expires"`
	Previous   string    `json:"previous_refresh,omitempty"`
	Generation int64     `json:"generation"`
}

// early is how long before its end an access token is refreshed.
const early = 60 * time.Second

// Keeper keeps the grants.
type Keeper struct {
	secrets Secrets
	oauth   OAuth
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

// New makes a keeper.
func New(secrets Secrets, oauth OAuth, now func() time.Time) *Keeper {
	return &Keeper{secrets: secrets, oauth: oauth, now: now, orgs: map[string]*held{}}
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

// Connect stores an organisation's first grant. Errors: fault.Conflict when it is connected to another
// company already: its books would be mixed.
func (k *Keeper) Connect(ctx context.Context, org, realm string, t Tokens) error {
	h := k.held(org)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := k.load(ctx, org, h); err != nil && !fault.Is(err, fault.NotFound) {
		return fmt.Errorf("grant.Connect: %w", err)
	}
	if h.token.Realm != "" && h.token.Realm != realm {
		return fmt.Errorf("grant.Connect: %w", fault.New(fault.Conflict, "This organisation is connected to another QuickBooks company."))
	}
	h.token.Realm = realm
	if err := k.save(ctx, org, h, t); err != nil {
		return fmt.Errorf("grant.Connect: %w", err)
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

func (k *Keeper) renew(ctx context.Context, org string, h *held, stale string) error {
	if err := k.load(ctx, org, h); err != nil {
		if fault.Is(err, fault.NotFound) {
			return fault.Because(err, fault.Disconnected, "QuickBooks is not connected. Connect it, and what waits goes by itself.")
		}
		return err
	}
	if k.good(h, stale) {
		return nil
	}
	used := h.token.Refresh
	t, err := k.oauth.Refresh(ctx, used)
	if err == nil {
		return k.save(ctx, org, h, t)
	}
	if !fault.Is(err, fault.Disconnected) {
		return err
	}
	if loadErr := k.load(ctx, org, h); loadErr == nil && h.token.Refresh != used && k.good(h, stale) {
		return nil
	}
	return fault.Because(err, fault.Disconnected, "QuickBooks no longer accepts the connection. Reconnect it, and what waits goes by itself.")
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

// save stores new tokens before they are used. When a sibling saved first, its tokens are used.
func (k *Keeper) save(ctx context.Context, org string, h *held, t Tokens) error {
	next := stored{
		Realm: h.token.Realm, Access: t.Access, Refresh: t.Refresh, Expires: k.now().Add(t.AccessFor),
		Previous: h.token.Refresh, Generation: h.token.Generation + 1,
	}
	value, err := json.Marshal(next)
	if err != nil {
		return err
	}
	version, err := k.secrets.Put(ctx, secretName(org), value, h.version)
	if fault.Is(err, fault.Conflict) {
		return k.load(ctx, org, h)
	}
	if err != nil {
		return err
	}
	h.token, h.version = next, version
	return nil
}
