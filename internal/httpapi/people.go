package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// skew is how far clocks may differ when a token's times are checked.
const skew = 60 * time.Second

// OIDC reads people from JWTs of an OpenID Connect issuer: signature, issuer, audience and expiry are
// checked, keys come from the issuer's discovery and follow its rotation. Discovery happens with the
// first token, not when the process starts.
type OIDC struct {
	issuer, audience string
	client           *http.Client
	now              func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
}

// NewOIDC makes a reader for tokens of an issuer that are meant for an audience.
func NewOIDC(issuer, audience string, client *http.Client, now func() time.Time) *OIDC {
	return &OIDC{issuer: issuer, audience: audience, client: client, now: now}
}

// Person says who carries a token. Errors: fault.Unauthenticated; fault.Unavailable when the issuer
// cannot be reached.
func (o *OIDC) Person(ctx context.Context, token string) (org.Person, error) {
	verifier, err := o.discover(ctx)
	if err != nil {
		return org.Person{}, fault.Because(unquoted(err), fault.Unavailable, "Sign-in cannot be checked right now. Try again in a minute.")
	}
	refused := func(cause error) (org.Person, error) {
		return org.Person{}, fault.Because(unquoted(cause), fault.Unauthenticated, "Your sign-in is not valid here or has run out. Sign in again.")
	}
	verified, err := verifier.Verify(oidc.ClientContext(ctx, o.client), token)
	if err != nil {
		return refused(err)
	}
	var claims struct {
		Name        string           `json:"name"`
		Org         string           `json:"org"`
		Permissions []org.Permission `json:"permissions"`
	}
	if err := verified.Claims(&claims); err != nil {
		return refused(err)
	}
	if !passare.NamesOrganisation(claims.Org) || verified.Subject == "" { // whoever has no subject would share what is a person's own
		return refused(nil)
	}
	return org.Person{Subject: verified.Subject, Name: claims.Name, Org: claims.Org, Permissions: claims.Permissions}, nil
}

// unquoted names an error by its kind: those of sign-in may quote a token or an issuer's answer.
func unquoted(err error) error { return fmt.Errorf("sign-in: %T", err) }

func (o *OIDC) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.verifier == nil {
		// The provider keeps the context for later reads of keys, so the request's own end must not end it.
		provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), o.client), o.issuer)
		if err != nil {
			return nil, err
		}
		o.verifier = provider.Verifier(&oidc.Config{ClientID: o.audience, Now: func() time.Time { return o.now().Add(-skew) }})
	}
	return o.verifier, nil
}
