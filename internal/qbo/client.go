package qbo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
)

// Tokens gives an organisation's company and access token together (package grant). Errors:
// fault.Disconnected, fault.Unavailable.
type Tokens interface {
	Token(ctx context.Context, org string) (realm, access string, err error)
	Renew(ctx context.Context, org, stale string) (realm, access string, err error)
}

// Options configure a client. BaseURL is "https://quickbooks.api.intuit.com" or a simulator's.
type Options struct {
	BaseURL string
	HTTP    *http.Client
	Tokens  Tokens
	Timeout time.Duration // of one request
}

// minorVersion is the only one that Intuit serves since August 2025.
const minorVersion = "75"

// maxAnswer is the largest answer that is read, in bytes.
const maxAnswer = 16 << 20

// Client calls QuickBooks.
type Client struct{ o Options }

// New makes a client. Errors: fault.Invalid.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" || o.HTTP == nil || o.Tokens == nil || o.Timeout <= 0 {
		return nil, fmt.Errorf("qbo.New: %w", fault.Because(err, fault.Invalid, "The QuickBooks client needs an address, an HTTP client, tokens and a time-out."))
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	return &Client{o: o}, nil
}

// request is one call. A write carries a requestid.
type request struct {
	method      string
	path        string // after /v3/company/{realm}/
	query       url.Values
	contentType string
	body        []byte
	write       bool
}

// answer is what came back, whole.
type answer struct {
	status int
	tid    string
	body   []byte
}

// do sends a request with the organisation's token and gives the body of a success.
func (c *Client) do(ctx context.Context, org string, r request) ([]byte, error) {
	realm, access, err := c.o.Tokens.Token(ctx, org)
	if err != nil {
		return nil, err
	}
	a, err := c.send(ctx, realm, access, r)
	if err == nil && a.status == http.StatusUnauthorized {
		if realm, access, err = c.o.Tokens.Renew(ctx, org, access); err != nil {
			return nil, err
		}
		a, err = c.send(ctx, realm, access, r)
	}
	if err != nil {
		return nil, err
	}
	if f := faultOf(a, r.write); f != nil {
		return nil, f
	}
	return a.body, nil
}

// send makes one HTTP request. Its error says whether the request can have been carried out.
func (c *Client) send(ctx context.Context, realm, access string, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	query := url.Values{"minorversion": {minorVersion}}
	for k, v := range r.query {
		query[k] = v
	}
	address := c.o.BaseURL + "/v3/company/" + url.PathEscape(realm) + "/" + r.path + "?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, fault.Because(err, fault.Internal, "The request to QuickBooks could not be made.")
	}
	req.Header.Set("Authorization", "Bearer "+access)
	req.Header.Set("Accept", "application/json")
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	res, err := c.o.HTTP.Do(req)
	if err != nil {
		return answer{}, unanswered(err, r.write)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, tid: res.Header.Get("intuit_tid")}
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer)); err != nil {
		return answer{}, unanswered(err, r.write)
	}
	return a, nil
}

// unanswered is a request without a whole answer. A connection that was never made carried nothing out;
// a read changes nothing.
func unanswered(err error, write bool) error {
	var dial *net.OpError
	if !write || (errors.As(err, &dial) && dial.Op == "dial") {
		return fault.Because(withoutURL(err), fault.Unavailable, "QuickBooks cannot be reached. It is tried again by itself.")
	}
	return fault.Because(withoutURL(err), fault.Unknown, "QuickBooks did not answer, so the entry may have arrived. It is asked before anything is sent again.")
}

// withoutURL leaves the address out of an error, since a query may have names in it.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
