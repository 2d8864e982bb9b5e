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
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
)

// Tokens gives access tokens of an organisation's company (package grant). Errors: fault.Disconnected, fault.Throttled, fault.Unavailable, also
// when the organisation is connected to another company by now.
type Tokens interface {
	Token(ctx context.Context, at org.Company) (access string, err error)
	Renew(ctx context.Context, at org.Company, stale string) (access string, err error)
}

// Pauses keeps how long an organisation's requests to QuickBooks are held back: until the latest time that was given.
type Pauses interface {
	Pause(ctx context.Context, org string, until time.Time) error
}

// Meter counts the reads that Intuit meters, over all organisations: the allowance is the app's.
type Meter interface {
	// SpendRead counts one read of an organisation in a month ("2026-03") and says how many all of them have spent in it.
	SpendRead(ctx context.Context, org, month string) (spent int, err error)
	// ReadsSpent says how many reads all organisations have spent in a month.
	ReadsSpent(ctx context.Context, month string) (spent int, err error)
}

// Pace sends a request of an organisation when it may go (package pacing). Errors: fault.Throttled, fault.Unavailable: it was not sent.
type Pace interface {
	InTurn(ctx context.Context, org string, batch bool, send func()) error
}

// Options configure a client. BaseURL is one of Intuit's hosts, or a simulator on this machine.
type Options struct {
	BaseURL   string
	HTTP      *http.Client
	Tokens    Tokens
	Timeout   time.Duration // of one request
	Now       func() time.Time
	Meter     Meter  // none: reads are not counted
	Pauses    Pauses // none: whoever calls heeds what is refused for pace
	Pace      Pace   // none: requests go at once
	Allowance int    // reads a month; at 90 % of it those that can wait are refused. 0: no limit
}

// allowed says whether something secret may be sent to an address: https to one of Intuit's hosts, or anything on this machine.
func allowed(address *url.URL, hosts ...string) bool {
	ip := net.ParseIP(address.Hostname())
	local := address.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return local || address.Scheme == "https" && slices.Contains(hosts, address.Host)
}

// staying is the client without redirects, which could lead a token elsewhere.
func staying(client *http.Client) *http.Client {
	stay := *client
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &stay
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
	if err != nil || base.Host == "" || o.HTTP == nil || o.Tokens == nil || o.Timeout <= 0 || o.Now == nil {
		return nil, fmt.Errorf("qbo.New: %w", fault.Because(err, fault.Invalid, "The QuickBooks client needs an address, an HTTP client, tokens, a time-out and a clock."))
	}
	if !allowed(base, "quickbooks.api.intuit.com", "sandbox-quickbooks.api.intuit.com") {
		return nil, fmt.Errorf("qbo.New: %w", fault.New(fault.Invalid, "%s is not an address of QuickBooks.", base.Host))
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	o.HTTP = staying(o.HTTP)
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
	canWait     bool // a read that nobody waits for
	batch       bool // many writes in one
}

// answer is what came back, whole.
type answer struct {
	status int
	tid    string
	body   []byte
	access string // the token that was sent, which no fault may say back
}

// do sends a request with the organisation's token and gives the answer of a success. Whatever was refused for pace pauses the organisation, and
// no other: the pace is each company's own.
func (c *Client) do(ctx context.Context, at org.Company, r request) (answer, error) {
	if err := c.meter(ctx, at.Org, r); err != nil {
		return answer{}, err
	}
	a, err := c.ask(ctx, at, r)
	if fault.Is(err, fault.Throttled) && c.o.Pauses != nil {
		_ = c.o.Pauses.Pause(context.WithoutCancel(ctx), at.Org, c.o.Now().Add(intlog.ThrottlePause)) // a pause that is not stored costs another 429
	}
	return a, err
}

func (c *Client) ask(ctx context.Context, at org.Company, r request) (answer, error) {
	access, err := c.o.Tokens.Token(ctx, at)
	if err != nil {
		return answer{}, err
	}
	a, err := c.inTurn(ctx, at, access, r)
	if err == nil && a.status == http.StatusUnauthorized {
		if access, err = c.o.Tokens.Renew(ctx, at, access); err != nil {
			return answer{}, err
		}
		a, err = c.inTurn(ctx, at, access, r)
	}
	if err != nil {
		return answer{}, err
	}
	if f := faultOf(a, r.write); f != nil {
		return answer{}, f
	}
	return a, nil
}

// inTurn sends a request when the company's pace allows it.
func (c *Client) inTurn(ctx context.Context, at org.Company, access string, r request) (answer, error) {
	if c.o.Pace == nil {
		return c.send(ctx, at.Realm, access, r)
	}
	var a answer
	var err error
	if unsent := c.o.Pace.InTurn(ctx, at.Org, r.batch, func() { a, err = c.send(ctx, at.Realm, access, r) }); unsent != nil {
		return answer{}, unsent
	}
	return a, err
}

// Share of the month's reads, in percent, that is kept for what an entry needs to be posted.
const keptBack = 10

// meter counts a read. One that can wait is refused when what is left of the month's allowance is kept for those that cannot; a meter that
// cannot be read stops nothing.
func (c *Client) meter(ctx context.Context, id string, r request) error {
	if r.write || c.o.Meter == nil {
		return nil
	}
	month := intlog.MeteredMonth(c.o.Now())
	if r.canWait && c.o.Allowance > 0 {
		if spent, err := c.o.Meter.ReadsSpent(ctx, month); err == nil && spent >= c.o.Allowance*(100-keptBack)/100 {
			return &fault.Error{
				Code: fault.Throttled, Class: fault.Transient, Who: nobody, Message: "This month's reads of QuickBooks are nearly used up.",
				Remedy: "What is left is kept for posting; this is read again next month.",
			}
		}
	}
	_, _ = c.o.Meter.SpendRead(ctx, id, month)
	return nil
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
		return answer{}, fault.Because(reason(err), fault.Internal, "The request to QuickBooks could not be made.")
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
	a := answer{status: res.StatusCode, tid: res.Header.Get("intuit_tid"), access: access}
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
		return &fault.Error{
			Code: fault.Unavailable, Class: fault.Transient, Who: nobody, Message: "QuickBooks cannot be reached.", Remedy: "It is tried again by itself.", Cause: reason(err),
		}
	}
	return &fault.Error{
		Code: fault.Unknown, Class: fault.Transient, Who: nobody, Message: "QuickBooks did not answer, so it may have arrived.",
		Remedy: "It is asked before anything is sent again.", Cause: reason(err),
	}
}

// reason is why there was no answer, in words that may be logged: the address may have a query, and an answer that is no HTTP is quoted
// by net/http. What is not known to be safe is named by its kind.
func reason(err error) error {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, known) {
			return known
		}
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return network
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("%T", err)
}
