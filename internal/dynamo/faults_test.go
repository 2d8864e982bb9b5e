package dynamo_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

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
func (a answering) store() *dynamo.Store {
	return dynamo.New(dynamodb.New(dynamodb.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: a, Retryer: aws.NopRetryer{},
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
			"dynamo.Config: unavailable: ProvisionedThroughputExceededException, request REQUEST1",
		},
		"throttled by the account": {
			answering{status: 400, body: prefix + `ThrottlingException","message":"John Smith"}`},
			fault.Unavailable,
			"dynamo.Config: unavailable: ThrottlingException, request REQUEST1",
		},
		"broken": {
			answering{status: 500, body: prefix + `InternalServerError","message":"John Smith"}`},
			fault.Unavailable,
			"dynamo.Config: unavailable: InternalServerError, request REQUEST1",
		},
		"gone for a moment": {
			answering{status: 503, body: prefix + `ServiceUnavailable","message":"John Smith"}`},
			fault.Unavailable,
			"dynamo.Config: unavailable: ServiceUnavailable, request REQUEST1",
		},
		"wrong": {
			answering{status: 400, body: prefix + `ValidationException","message":"John Smith"}`},
			fault.Internal,
			"dynamo.Config: internal: ValidationException, request REQUEST1",
		},
		"not allowed": {
			answering{status: 400, body: prefix + `AccessDeniedException","message":"John Smith"}`},
			fault.Internal,
			"dynamo.Config: internal: AccessDeniedException, request REQUEST1",
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

func TestATransactionThatOthersCancelledMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	s := answering{
		status: 400,
		body: `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"cancelled","CancellationReasons":[` +
			`{"Code":"None"},{"Code":"TransactionConflict","Message":"John Smith"}]}`,
	}.store()
	_, err := s.PutLink(t.Context(), org.Company{Org: "a", Realm: "1"}, intlog.Link{Kind: journal.Customer, Key: "case:1", ID: "7"})
	if want := "dynamo.PutLink: unavailable: TransactionCanceledException, request REQUEST1"; !fault.Is(err, fault.Unavailable) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
