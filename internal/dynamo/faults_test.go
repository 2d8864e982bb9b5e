package dynamo_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// answering is a DynamoDB that gives one answer to everything.
type answering struct {
	status int
	body   string
	err    error
}

func (a answering) Do(*http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {"REQUEST1"}},
		Body: io.NopCloser(strings.NewReader(a.body)),
	}, nil
}

// store makes a store of such a DynamoDB, without the SDK's retries.
func (a answering) store() *dynamo.Store { return storeOn(a) }

func storeOn(client dynamodb.HTTPClient) *dynamo.Store {
	return dynamo.New(dynamodb.New(dynamodb.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: client, Retryer: aws.NopRetryer{},
	}), "t")
}

func TestARefusalIsAFaultWithoutTheRequestInIt(t *testing.T) {
	t.Parallel()
	const prefix = `{"__type":"com.amazonaws.dynamodb.v20120810#`
	for name, test := range map[string]struct {
		answering
		code fault.Code
		line string
	}{
		"throttled": {
			answering{status: 400, body: prefix + `ProvisionedThroughputExceededException","message":"John Smith"}`},
			fault.Unavailable,
			"dynamo.Config: unavailable: DynamoDB answers ProvisionedThroughputExceededException, request REQUEST1",
		},
		"throttled by the account": {
			answering{status: 400, body: prefix + `ThrottlingException","message":"John Smith"}`},
			fault.Unavailable,
			"dynamo.Config: unavailable: DynamoDB answers ThrottlingException, request REQUEST1",
		},
		"broken": {
			answering{status: 500, body: prefix + `InternalServerError","message":"John Smith"}`},
			fault.Unavailable,
			"dynamo.Config: unavailable: DynamoDB answers InternalServerError, request REQUEST1",
		},
		"gone for a moment": {
			answering{status: 503, body: prefix + `ServiceUnavailable","message":"John Smith"}`},
			fault.Unavailable,
			"dynamo.Config: unavailable: DynamoDB answers ServiceUnavailable, request REQUEST1",
		},
		"wrong": {
			answering{status: 400, body: prefix + `ValidationException","message":"John Smith"}`},
			fault.Internal,
			"dynamo.Config: internal: DynamoDB answers ValidationException, request REQUEST1",
		},
		"not allowed": {
			answering{status: 400, body: prefix + `AccessDeniedException","message":"John Smith"}`},
			fault.Internal,
			"dynamo.Config: internal: DynamoDB answers AccessDeniedException, request REQUEST1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := test.store().Config(t.Context(), "a")
			if !fault.Is(err, test.code) || err.Error() != test.line {
				t.Errorf("%v, want %s", err, test.line)
			}
		})
	}
}

func TestNoAnswerIsAFaultWithItsCause(t *testing.T) {
	t.Parallel()
	cut := errors.New("connection reset")
	if _, err := (answering{err: cut}).store().Config(t.Context(), "a"); !fault.Is(err, fault.Unavailable) || !errors.Is(err, cut) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (answering{err: ctx.Err()}).store().Config(ctx, "a"); !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestWhatStaysInTheWayIsGivenUp: ten tries, in virtual time.
func TestWhatStaysInTheWayIsGivenUp(t *testing.T) {
	t.Parallel()
	const prefix = `{"__type":"com.amazonaws.dynamodb.v20120810#`
	at, l := org.Company{Org: "a", Realm: "1"}, intlog.Link{Kind: journal.Customer, Key: "case:1", ID: "7"}
	cancelled := func(code string) string {
		return prefix + `TransactionCanceledException","Message":"cancelled","CancellationReasons":[{"Code":"None"},{"Code":"` + code + `","Message":"John Smith"}]}`
	}
	hindered := prefix + `TransactionConflictException"}`
	put := func(ctx context.Context, s *dynamo.Store) error { _, err := s.PutLink(ctx, at, l); return err }
	for name, test := range map[string]struct {
		body string
		do   func(context.Context, *dynamo.Store) error
		line string
		asks int
	}{
		"a transaction that others cancel":  {cancelled("TransactionConflict"), put, "dynamo.PutLink: unavailable: DynamoDB answers TransactionCanceledException, request REQUEST1", 10},
		"a transaction that is throttled":   {cancelled("ThrottlingError"), put, "dynamo.PutLink: unavailable: DynamoDB answers TransactionCanceledException, request REQUEST1", 10},
		"a transaction that is never taken": {cancelled("ValidationError"), put, "dynamo.PutLink: internal: DynamoDB answers TransactionCanceledException, request REQUEST1", 1},
		"a write that a transaction hinders": {
			hindered, func(ctx context.Context, s *dynamo.Store) error { return s.OwnCompany(ctx, at) },
			"dynamo.OwnCompany: unavailable: DynamoDB answers TransactionConflictException, request REQUEST1", 10,
		},
		"a change that one hinders": {
			hindered, func(ctx context.Context, s *dynamo.Store) error {
				_, err := s.SpendRead(ctx, "a", "2026-03")
				return err
			},
			"dynamo.SpendRead: unavailable: DynamoDB answers TransactionConflictException, request REQUEST1", 10,
		},
		"a deletion that one hinders": {
			hindered, func(ctx context.Context, s *dynamo.Store) error { return s.FreeCompany(ctx, at) },
			"dynamo.FreeCompany: unavailable: DynamoDB answers TransactionConflictException, request REQUEST1", 10,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := &counting{answering: answering{status: 400, body: test.body}}
				if err := test.do(t.Context(), storeOn(asked)); err == nil || err.Error() != test.line || asked.n != test.asks {
					t.Errorf("%v after %d tries, want %s after %d", err, asked.n, test.line, test.asks)
				}
			})
		})
	}
}

// counting counts the requests.
type counting struct {
	answering
	n int
}

func (c *counting) Do(r *http.Request) (*http.Response, error) {
	c.n++
	return c.answering.Do(r)
}
