package qbo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
)

// OAuth is Intuit's token endpoint.
type OAuth struct {
	tokenURL, clientID, clientSecret string
	client                           *http.Client
	timeout                          time.Duration
}

// NewOAuth makes a client of a token endpoint.
func NewOAuth(tokenURL, clientID, clientSecret string, client *http.Client, timeout time.Duration) *OAuth {
	return &OAuth{tokenURL: tokenURL, clientID: clientID, clientSecret: clientSecret, client: client, timeout: timeout}
}

// Refresh exchanges a refresh token. Errors: fault.Disconnected for invalid_grant, which is certain;
// fault.Unavailable for everything else, after which the refresh token is still good.
func (o *OAuth) Refresh(ctx context.Context, refreshToken string) (grant.Tokens, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.tokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return grant.Tokens{}, fmt.Errorf("qbo.Refresh: %w", fault.Because(err, fault.Internal, "The token endpoint has no usable address."))
	}
	req.SetBasicAuth(o.clientID, o.clientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	res, err := o.client.Do(req)
	if err != nil {
		return grant.Tokens{}, fmt.Errorf("qbo.Refresh: %w", unreachable(withoutURL(err)))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return grant.Tokens{}, fmt.Errorf("qbo.Refresh: %w", unreachable(err))
	}
	t, err := tokensOf(res.StatusCode, body)
	if err != nil {
		return t, fmt.Errorf("qbo.Refresh: %w", err)
	}
	return t, nil
}

func unreachable(cause error) error {
	return &fault.Error{
		Code: fault.Unavailable, Class: fault.Transient, Who: nobody, Message: "QuickBooks' sign-in cannot be reached.", Remedy: "It is tried again by itself.", Cause: cause,
	}
}

func tokensOf(status int, body []byte) (grant.Tokens, error) {
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Expires int64  `json:"expires_in"`
		Error   string `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return grant.Tokens{}, unreachable(err)
	}
	if answer.Error == "invalid_grant" {
		return grant.Tokens{}, fault.New(fault.Disconnected, "QuickBooks no longer accepts the connection.")
	}
	if status != http.StatusOK || answer.Access == "" || answer.Refresh == "" {
		return grant.Tokens{}, unreachable(fmt.Errorf("status %d, error %q", status, answer.Error))
	}
	return grant.Tokens{Access: answer.Access, Refresh: answer.Refresh, AccessFor: time.Duration(answer.Expires) * time.Second}, nil
}
