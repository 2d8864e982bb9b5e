package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// Requests asks for proofs over a queue of its own (reconcile.Requests). It has no order: each request is an organisation's turn, and a lease keeps two runs
// of one organisation apart. Lambda's event source receives and deletes; the function reads each body with DecodeRequest.
type Requests struct {
	client *sqs.Client
	url    *string
}

var _ reconcile.Requests = (*Requests)(nil)

// NewRequests makes one. Errors: fault.Invalid.
func NewRequests(o Options) (*Requests, error) {
	if o.URL == "" || strings.HasSuffix(o.URL, ".fifo") { // a FIFO queue takes no delay of a message
		return nil, fmt.Errorf("queue.NewRequests: %w", fault.New(fault.Invalid, "Requests need the address of a standard queue, which does not end in .fifo."))
	}
	return &Requests{client: sqs.NewFromConfig(o.AWS), url: aws.String(o.URL)}, nil
}

// Request sends one. Errors: those of Send.
func (q *Requests) Request(ctx context.Context, r reconcile.Request) error {
	return q.Later(ctx, r, 0)
}

// Later sends one that comes after a delay of at most 15 minutes. Errors: those of Send.
func (q *Requests) Later(ctx context.Context, r reconcile.Request, delay time.Duration) error {
	if err := checkRequest(r); err != nil {
		return fmt.Errorf("queue.Request: %w", err)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("queue.Request: %w", fault.Because(err, fault.Internal, "This request cannot be written."))
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: aws.String(string(body)), DelaySeconds: seconds(delay)})
	if err != nil {
		return fmt.Errorf("queue.Request: %w", trouble(err))
	}
	return nil
}

// DecodeRequest reads the body of one message. Fields that it does not know are left out, as by Decode. Errors: fault.Invalid.
func DecodeRequest(body string) (reconcile.Request, error) {
	var r reconcile.Request
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return reconcile.Request{}, fmt.Errorf("queue.DecodeRequest: %w", fault.Because(err, fault.Invalid, "This message is no request."))
	}
	if err := checkRequest(r); err != nil {
		return reconcile.Request{}, fmt.Errorf("queue.DecodeRequest: %w", err)
	}
	return r, nil
}

func checkRequest(r reconcile.Request) error {
	if r.Org == "" {
		return &fault.Error{Code: fault.Invalid, Message: "This message is no request.", Fields: []fault.Field{{Field: "org", Problem: "is missing"}}}
	}
	return nil
}
