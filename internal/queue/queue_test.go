package queue_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/porttest"
	"github.com/passare/qbo-sync/internal/queue"
)

// made is an empty FIFO queue, which is gone after the test.
func made(t *testing.T) (client *sqs.Client, url *string) {
	t.Helper()
	client = sqs.NewFromConfig(porttest.AWS(t))
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String(porttest.NewName() + ".fifo"), Attributes: map[string]string{"FifoQueue": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := client.DeleteQueue(context.WithoutCancel(t.Context()), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
		if err != nil {
			t.Error(err)
		}
	})
	return client, out.QueueUrl
}

func at(t *testing.T, o queue.Options) *queue.Queue {
	t.Helper()
	q, err := queue.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func empty(t *testing.T) *queue.Queue {
	t.Helper()
	_, url := made(t)
	return at(t, queue.Options{AWS: porttest.AWS(t), URL: *url})
}

func TestTheQueueIsAQueue(t *testing.T) {
	t.Parallel()
	porttest.AWS(t)
	porttest.Queue(t, func(t *testing.T) porttest.QueuePort { return empty(t) })
}

func TestTheQueueHasDeadLetters(t *testing.T) {
	t.Parallel()
	porttest.AWS(t)
	porttest.DeadLetters(t, func(t *testing.T) porttest.DeadLettersPort { return empty(t) })
}

// TestADeadLetterThatCannotBeReadCanBeTakenAway: otherwise it would stand before the rest of its group for as long as the queue keeps it.
func TestADeadLetterThatCannotBeReadCanBeTakenAway(t *testing.T) {
	t.Parallel()
	client, url := made(t)
	q := at(t, queue.Options{AWS: porttest.AWS(t), URL: *url})
	_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String("hello"), MessageGroupId: aws.String("a"), MessageDeduplicationId: aws.String("1"),
	})
	if err == nil {
		err = q.Send(t.Context(), intlog.Work{Org: "a", Entries: []string{"payment.1.1"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	_, done, found, err := q.Take(t.Context())
	if !found || !fault.Is(err, fault.Invalid) || strings.Contains(fault.Line(err), "hello") {
		t.Fatalf("%t, %v", found, err)
	}
	done()
	if w, _, found, err := q.Take(t.Context()); !found || err != nil || w.Org != "a" {
		t.Errorf("the next: %v, %t, %v", w, found, err)
	}
}

func TestADeadLetterIsHiddenForAsLongAsWorkAndNotWaitedFor(t *testing.T) {
	t.Parallel()
	server := &scripted{status: 500}
	if _, _, found, err := server.start(t, 1).Take(t.Context()); found || !fault.Is(err, fault.Unavailable) {
		t.Errorf("%t, %v", found, err)
	}
	if asked := server.asked[0]; asked["VisibilityTimeout"] != intlog.Visibility.Seconds() || asked["WaitTimeSeconds"] != 1.0 {
		t.Errorf("%v", asked)
	}
}

func TestTheSameWorkIsSentAsOftenAsItIsSent(t *testing.T) {
	t.Parallel()
	q, want := empty(t), intlog.Work{Org: "willow-creek", Entries: []string{"payment.1.1", "check.ü \"2\".1"}}
	for range 2 {
		if err := q.Send(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range 2 {
		got, done, err := q.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		done()
	}
}

func TestAMessageThatCannotBeReadIsLeftAlone(t *testing.T) {
	t.Parallel()
	client, url := made(t)
	_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String("hello"), MessageGroupId: aws.String("a"), MessageDeduplicationId: aws.String("1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	q := at(t, queue.Options{AWS: porttest.AWS(t), URL: *url})
	if _, _, err := q.Receive(t.Context()); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
	hidden := types.QueueAttributeNameApproximateNumberOfMessagesNotVisible
	out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{hidden}})
	if err != nil || out.Attributes[string(hidden)] != "1" {
		t.Errorf("%v, %v", out.Attributes, err)
	}
}

func TestAQueueThatIsNotThereIsOurDefect(t *testing.T) {
	t.Parallel()
	q := at(t, queue.Options{AWS: porttest.AWS(t), URL: "http://localhost/000000000000/" + rand.Text() + ".fifo"})
	if err := q.Send(t.Context(), intlog.Work{Org: "a", Entries: []string{"1"}}); !fault.Is(err, fault.Internal) {
		t.Errorf("%v", err)
	}
}

// scripted stands for SQS: it gives the same answer to every call, and writes down what it was asked.
type scripted struct {
	status int
	body   string
	mu     sync.Mutex
	asked  []map[string]any
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := map[string]any{}
	_ = json.NewDecoder(r.Body).Decode(&asked)
	s.mu.Lock()
	s.asked = append(s.asked, asked)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Requestid", "request-1")
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.body)
}

// start serves it to a queue that tries each call so often, without a pause.
func (s *scripted) start(t *testing.T, tries int) *queue.Queue {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	config := porttest.On(server.URL)
	config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = tries
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
	return at(t, queue.Options{AWS: config, URL: server.URL + "/1/work.fifo"})
}

// TestAMessageIsInItsOrganisationsGroupUnderANewID: each Send has an id of its own, and a call that is repeated keeps it.
func TestAMessageIsInItsOrganisationsGroupUnderANewID(t *testing.T) {
	t.Parallel()
	server := &scripted{status: 500}
	q := server.start(t, 3)
	for range 2 {
		if err := q.Send(t.Context(), intlog.Work{Org: "a", Entries: []string{"payment.1.1"}}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
	}
	ids := map[any]int{}
	for _, asked := range server.asked {
		ids[asked["MessageDeduplicationId"]]++
		if asked["MessageGroupId"] != "a" || asked["MessageBody"] != `{"org":"a","entries":["payment.1.1"]}` {
			t.Errorf("%v", asked)
		}
	}
	for id, calls := range ids {
		if len(ids) != 2 || calls != 3 {
			t.Errorf("%d ids; %v in %d calls", len(ids), id, calls)
		}
	}
}

func TestAMessageIsHiddenForLongerThanItsWorkMayTake(t *testing.T) {
	t.Parallel()
	server := &scripted{status: 500}
	if _, _, err := server.start(t, 1).Receive(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	if got := server.asked[0]["VisibilityTimeout"]; got != intlog.Visibility.Seconds() {
		t.Errorf("%v s", got)
	}
}

func TestAnErrorNamesTheAnswerAndTheRequest(t *testing.T) {
	t.Parallel()
	q := (&scripted{status: 403, body: `{"__type":"AccessDenied","message":"payment.1.1 is not allowed"}`}).start(t, 1)
	err := q.Send(t.Context(), intlog.Work{Org: "a", Entries: []string{"payment.1.1"}})
	if want := "queue.Send: internal: SQS answers AccessDenied, request request-1"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestWaitingThatIsGivenUpAsksNothing(t *testing.T) {
	t.Parallel()
	server := &scripted{status: 500}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := server.start(t, 1).Receive(ctx)
	if !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) || len(server.asked) > 0 {
		t.Errorf("%v, asked %v", err, server.asked)
	}
}

func TestOnlyAFIFOQueueKeepsTheOrder(t *testing.T) {
	t.Parallel()
	if _, err := queue.New(queue.Options{URL: "https://sqs.us-east-1.amazonaws.com/1/work"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}

// many is a list of ids as JSON.
func many(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%q", fmt.Sprint("payment.", i, ".1"))
	}
	return "[" + strings.Join(ids, ",") + "]"
}

func TestABodyIsWorkOrSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for body, wrong := range map[string][]string{
		`{"org":"a","entries":["payment.1.1"]}`:                nil,
		`{"org":"a","entries":["payment.1.1"],"since":"v2"}`:   nil,
		`{"org":"a","entries":` + many(intlog.MaxWork) + `}`:   nil,
		`{"org":"a","entries":` + many(intlog.MaxWork+1) + `}`: {"entries"},
		`{"entries":["payment.1.1"]}`:                          {"org"},
		`{"org":"a"}`:                                          {"entries"},
		`{"org":"a","entries":["payment.1.1",""]}`:             {"entries[1]"},
		`{}`:                                   {"org", "entries"},
		`null`:                                 {"org", "entries"},
		``:                                     {},
		`hello`:                                {},
		`{"org":"a","entries":"payment.1.1"}`:  {},
		`{"org":"a","entries":["payment.1.1"]`: {},
		`{"org":"a","entries":["payment.1.1"]}{"org":"b"}`:      {},
		`{"org":"a","entries":["payment.1.1"]} and`:             {},
		`[{"org":"a","entries":["payment.1.1"]}]`:               {},
		`{"org":{"S":"a"},"entries":["payment.1.1"],"x":["y"]}`: {},
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			w, err := queue.Decode(body)
			if wrong == nil {
				if err != nil || w.Org != "a" || w.Entries[0][:8] != "payment." {
					t.Errorf("%v: %v", w, err)
				}
				return
			}
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v: %v", w, err)
			}
			fields := []string{}
			for _, f := range fault.As(err).Fields {
				fields = append(fields, f.Field)
			}
			if diff := cmp.Diff(wrong, fields); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatDecodeWouldNotReadIsNotSent(t *testing.T) {
	t.Parallel()
	server := &scripted{status: 500}
	q := server.start(t, 1)
	for _, w := range []intlog.Work{{}, {Org: "a"}, {Entries: []string{"payment.1.1"}}, {Org: "a", Entries: make([]string, 31)}} {
		if err := q.Send(t.Context(), w); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", w, err)
		}
	}
	if len(server.asked) > 0 {
		t.Errorf("sent: %v", server.asked)
	}
}
