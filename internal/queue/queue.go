// Package queue is the queue of work in AWS SQS: a FIFO queue with one message group for each organisation; and beside it the one of requests for proofs
// (Requests), which has no order.
//
//	Send ─▶ group of the organisation ─▶ one message at a time ─▶ worker ─▶ deleted
//	                  ▲                                             │ killed, or what it got cannot be read
//	                  └── comes again after intlog.Visibility ◀─────┘ after intlog.MaxReceives: the dead-letter queue ─▶ Take ─▶ retrier
//
// In Lambda the event source receives and deletes, and the function only reads each body with Decode. Elsewhere Receive does both. Take is for the
// dead-letter queue, which has the same groups.
//
// Guarantees: messages of an organisation come in the order in which they were sent; its next one comes when the one before is deleted, or is
// visible again. Every Send is a message of its own, also one with the same work as before: its deduplication id is new. A call that the SDK repeats
// keeps its id, so that a lost answer does not double the message.
//
// Failure handling: a message is a hint, and the state is in the store. One that cannot be sent, is lost or doubled, or whose deletion is lost, does
// no harm. One that cannot be read is left alone and comes again, until the queue's redrive policy moves it away; its organisation waits so long. Take's caller may
// take it away.
//
// Not promised: an order between organisations; that a message which was on its way when Receive was given up comes before intlog.Visibility is over.
package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/passare/qbo-sync/internal/awsfault"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
)

const (
	longPoll    = 20 * time.Second // how long one call waits for a message: the most that SQS allows
	shortPoll   = time.Second      // the same for dead letters: the least for which SQS asks all of its servers
	acknowledge = 10 * time.Second // how long a deletion may take
)

// Options say where the queue is.
type Options struct {
	AWS aws.Config
	URL string // of a FIFO queue
}

// Queue sends and receives work.
type Queue struct {
	client *sqs.Client
	url    *string
}

// New makes a queue. Errors: fault.Invalid.
func New(o Options) (*Queue, error) {
	if !strings.HasSuffix(o.URL, ".fifo") {
		return nil, fmt.Errorf("queue.New: %w", fault.New(fault.Invalid, "The queue needs the address of a FIFO queue, which ends in .fifo."))
	}
	return &Queue{client: sqs.NewFromConfig(o.AWS), url: aws.String(o.URL)}, nil
}

// Send appends a message to its organisation's group. Errors: fault.Invalid for work that Decode would not read; fault.Unavailable, when it may have
// been sent all the same; fault.Internal when AWS refuses, such as for a permission that is missing.
func (q *Queue) Send(ctx context.Context, w intlog.Work) error {
	if err := check(w); err != nil {
		return fmt.Errorf("queue.Send: %w", err)
	}
	body, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("queue.Send: %w", fault.Because(err, fault.Internal, "This work cannot be written."))
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: q.url, MessageBody: aws.String(string(body)), MessageGroupId: aws.String(w.Org), MessageDeduplicationId: aws.String(rand.Text()),
	})
	if err != nil {
		return fmt.Errorf("queue.Send: %w", trouble(err))
	}
	return nil
}

// Receive waits for a message of a group that nobody works on. done acknowledges it, also after ctx has ended, and frees the group; a deletion that
// fails brings the message again. Errors: fault.Unavailable, also when the caller gave up; fault.Internal when AWS refuses; fault.Invalid for a
// message that cannot be read.
func (q *Queue) Receive(ctx context.Context) (w intlog.Work, done func(), err error) {
	for {
		m, err := q.next(ctx, longPoll)
		if err != nil {
			return intlog.Work{}, nil, fmt.Errorf("queue.Receive: %w", err)
		}
		if m == nil {
			continue
		}
		if w, err = Decode(aws.ToString(m.Body)); err != nil {
			return intlog.Work{}, nil, fmt.Errorf("queue.Receive: %w", err)
		}
		return w, q.done(ctx, m), nil
	}
}

// Take is Receive for a queue of dead letters, which is looked into now and then: it waits for a second at most. found says that there was a message; done
// takes it away, also one that cannot be read (fault.Invalid). Otherwise it comes again after intlog.Visibility, which is longer than whoever takes it may
// run. Errors: those of Receive.
func (q *Queue) Take(ctx context.Context) (w intlog.Work, done func(), found bool, err error) {
	m, err := q.next(ctx, shortPoll)
	if err != nil {
		return intlog.Work{}, nil, false, fmt.Errorf("queue.Take: %w", err)
	}
	if m == nil {
		return intlog.Work{}, nil, false, nil
	}
	if w, err = Decode(aws.ToString(m.Body)); err != nil {
		err = fmt.Errorf("queue.Take: %w", err)
	}
	return w, q.done(ctx, m), true, err
}

// next asks for one message, and waits for it so long; nothing if none came.
func (q *Queue) next(ctx context.Context, wait time.Duration) (*types.Message, error) {
	if err := ctx.Err(); err != nil { // a call that is given up could still take a message, which nobody would work on
		return nil, trouble(err)
	}
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: q.url, MaxNumberOfMessages: 1, WaitTimeSeconds: seconds(wait), VisibilityTimeout: seconds(intlog.Visibility),
	})
	if err != nil {
		return nil, trouble(err)
	}
	if len(out.Messages) == 0 {
		return nil, nil
	}
	return &out.Messages[0], nil
}

// done acknowledges a message, once.
func (q *Queue) done(ctx context.Context, m *types.Message) func() {
	return sync.OnceFunc(func() { q.remove(ctx, m.ReceiptHandle) })
}

func seconds(d time.Duration) int32 { return int32(d / time.Second) }

func (q *Queue) remove(ctx context.Context, receipt *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), acknowledge)
	defer cancel()
	_, _ = q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: q.url, ReceiptHandle: receipt}) // else it comes again, which is no harm
}

// Decode reads the body of one message. Fields that it does not know are left out, so that an older worker reads a newer sender's messages. Errors:
// fault.Invalid.
func Decode(body string) (intlog.Work, error) {
	var w intlog.Work
	if err := json.Unmarshal([]byte(body), &w); err != nil {
		return intlog.Work{}, fmt.Errorf("queue.Decode: %w", fault.Because(err, fault.Invalid, "This message is not work."))
	}
	if err := check(w); err != nil {
		return intlog.Work{}, fmt.Errorf("queue.Decode: %w", err)
	}
	return w, nil
}

// check names all that is wrong with a message.
func check(w intlog.Work) error {
	var wrong []fault.Field
	if w.Org == "" {
		wrong = append(wrong, fault.Field{Field: "org", Problem: "is missing"})
	}
	switch n := len(w.Entries); {
	case n == 0:
		wrong = append(wrong, fault.Field{Field: "entries", Problem: "is empty"})
	case n > intlog.MaxWork:
		wrong = append(wrong, fault.Field{Field: "entries", Problem: fmt.Sprintf("has %d ids, and at most %d go into one message", n, intlog.MaxWork)})
	}
	if i := slices.Index(w.Entries, ""); i >= 0 {
		wrong = append(wrong, fault.Field{Field: fmt.Sprintf("entries[%d]", i), Problem: "is empty"})
	}
	if len(wrong) > 0 {
		return &fault.Error{Code: fault.Invalid, Message: "This message is not work.", Fields: wrong}
	}
	return nil
}

// trouble says what an error of the SDK means.
func trouble(err error) error {
	cause, passes := awsfault.Read("SQS", err)
	if passes {
		return fault.Because(cause, fault.Unavailable, "The queue cannot be reached.")
	}
	return fault.Because(cause, fault.Internal, "The queue refuses this.")
}
