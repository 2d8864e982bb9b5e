package qbo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
)

// OAuth is Intuit's token and revocation endpoints (../qbosim/quickbooks.md, OAuth).
type OAuth struct {
	o       OAuthOptions
	client  *http.Client
	timeout time.Duration
}

// OAuthOptions are the app's addresses and credentials.
type OAuthOptions struct{ TokenURL, RevokeURL, ClientID, ClientSecret string }

// NewOAuth makes a client of the endpoints. The app's secret and refresh tokens go to Intuit, or to a simulator on this machine, and nowhere else.
// Errors: fault.Invalid.
func NewOAuth(o OAuthOptions, client *http.Client, timeout time.Duration) (*OAuth, error) {
	for _, address := range []string{o.TokenURL, o.RevokeURL} {
		u, err := url.Parse(address)
		if err != nil || !allowed(u, "oauth.platform.intuit.com", "developer.api.intuit.com") {
			return nil, fmt.Errorf("qbo.NewOAuth: %w", fault.New(fault.Invalid, "%s is not an address of QuickBooks' sign-in.", address))
		}
	}
	return &OAuth{o: o, client: staying(client), timeout: timeout}, nil
}

// Refresh exchanges a refresh token. Errors: fault.Disconnected for invalid_grant, which is certain; fault.Unknown without an answer: the refresh
// token may have been replaced, or may yet be; fault.Throttled and fault.Unavailable for everything else, after which it is still good.
func (o *OAuth) Refresh(ctx context.Context, refreshToken string) (grant.Tokens, error) {
	t, err := o.tokens(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
	if err != nil {
		return t, fmt.Errorf("qbo.Refresh: %w", err)
	}
	return t, nil
}

// Exchange turns the code of a consent into tokens. Errors: as Refresh; a code is good once.
func (o *OAuth) Exchange(ctx context.Context, code, redirectURL string) (grant.Tokens, error) {
	t, err := o.tokens(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURL}})
	if err != nil {
		return t, fmt.Errorf("qbo.Exchange: %w", err)
	}
	return t, nil
}

// Revoke ends a grant. Errors: fault.Disconnected when Intuit does not know it any more, fault.Unavailable.
func (o *OAuth) Revoke(ctx context.Context, refreshToken string) error {
	body, err := json.Marshal(map[string]string{"token": refreshToken})
	if err != nil {
		return fmt.Errorf("qbo.Revoke: %w", err)
	}
	status, answer, err := o.post(ctx, o.o.RevokeURL, "application/json", string(body))
	switch {
	case err != nil:
		return fmt.Errorf("qbo.Revoke: %w", err)
	case status == http.StatusOK:
		return nil
	case status == http.StatusBadRequest:
		return fmt.Errorf("qbo.Revoke: %w", refusedGrant(errorIn(answer)))
	}
	return fmt.Errorf("qbo.Revoke: %w", unreachable(fmt.Errorf("status %d", status)))
}

func (o *OAuth) tokens(ctx context.Context, form url.Values) (grant.Tokens, error) {
	status, body, err := o.post(ctx, o.o.TokenURL, "application/x-www-form-urlencoded", form.Encode())
	if err != nil {
		return grant.Tokens{}, err
	}
	return tokensOf(status, body)
}

func (o *OAuth) post(ctx context.Context, address, contentType, body string) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return 0, nil, fault.Because(reason(err), fault.Internal, "QuickBooks' sign-in has no usable address.")
	}
	req.SetBasicAuth(o.o.ClientID, o.o.ClientSecret)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("x-include-refresh-token-hard-expires-in", "true")
	res, err := o.client.Do(req)
	if err != nil {
		return 0, nil, unanswered(err, true)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, nil, unanswered(err, true)
	}
	return res.StatusCode, answer, nil
}

// throttled is the token endpoint's 429: nothing happened.
func throttled() *fault.Error {
	return &fault.Error{
		Code: fault.Throttled, Class: fault.Transient, Who: nobody, Message: "QuickBooks asks for a pause.", Remedy: "It is tried again by itself in a minute.", RetryAfter: intlog.ThrottlePause,
	}
}

func unreachable(cause error) error {
	return &fault.Error{
		Code: fault.Unavailable, Class: fault.Transient, Who: nobody, Message: "QuickBooks' sign-in cannot be reached.", Remedy: "It is tried again by itself.", Cause: cause,
	}
}

// refusedGrant is certain: nothing but a person's consent helps.
func refusedGrant(said string) error {
	return &fault.Error{
		Code: fault.Disconnected, Class: fault.Connection, Who: administrator, Message: "QuickBooks no longer accepts the connection.",
		Remedy: "Reconnect QuickBooks; what waits then goes by itself.", Origin: said,
	}
}

// errorIn is the OAuth error of a body, "invalid_grant", if it is one of RFC 6749: anything else may be a text.
func errorIn(body []byte) string {
	var answer struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &answer)
	known := []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "server_error", "temporarily_unavailable"}
	if !slices.Contains(known, answer.Error) {
		return ""
	}
	return answer.Error
}

func tokensOf(status int, body []byte) (grant.Tokens, error) {
	if details, _ := read(body); status == http.StatusTooManyRequests || (seen{details: details}).has("3001") {
		return grant.Tokens{}, throttled()
	}
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Expires int64  `json:"expires_in"`
		Rolling int64  `json:"x_refresh_token_expires_in"`
		Hard    int64  `json:"x_refresh_token_hard_expires_in"`
	}
	said := errorIn(body)
	if err := json.Unmarshal(body, &answer); err != nil {
		return grant.Tokens{}, unreachable(err)
	}
	if said == "invalid_grant" {
		return grant.Tokens{}, refusedGrant(said)
	}
	if status != http.StatusOK || answer.Access == "" || answer.Refresh == "" {
		return grant.Tokens{}, unreachable(fmt.Errorf("status %d, error %q", status, said))
	}
	seconds := func(n int64) time.Duration { return time.Duration(n) * time.Second }
	return grant.Tokens{
		Access: answer.Access, Refresh: answer.Refresh, AccessFor: seconds(answer.Expires), RefreshFor: seconds(answer.Rolling), HardEndIn: seconds(answer.Hard),
	}, nil
}
