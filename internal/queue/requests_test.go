package queue_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/porttest"
	"github.com/passare/qbo-sync/internal/queue"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// requests sends to what stands for SQS.
func requests(t *testing.T, s *scripted) *queue.Requests {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	config := porttest.On(server.URL)
	config.RetryMaxAttempts = 1
	q, err := queue.NewRequests(queue.Options{AWS: config, URL: server.URL + "/1/reconcile"})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestARequestIsAMessage(t *testing.T) {
	t.Parallel()
	server := &scripted{status: 200, body: "{}"}
	q := requests(t, server)
	night, asked := reconcile.Request{Org: "willow-creek"}, reconcile.Request{Org: "ü", Full: true, Who: `Ana "A" Diaz`}
	if err := q.Request(t.Context(), night); err != nil {
		t.Fatal(err)
	}
	if err := q.Later(t.Context(), asked, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		delay any
		r     reconcile.Request
	}{{nil, night}, {5.0, asked}} {
		got := server.asked[i]
		r, err := queue.DecodeRequest(got["MessageBody"].(string))
		if err != nil || r != want.r {
			t.Errorf("%v: %v", r, err)
		}
		if delay := got["DelaySeconds"]; delay != want.delay && delay != 0.0 || got["MessageGroupId"] != nil {
			t.Errorf("%v", got)
		}
	}
}

func TestARequestThatCannotBeSentSaysSo(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]fault.Code{500: fault.Unavailable, 403: fault.Internal} {
		q := requests(t, &scripted{status: status, body: `{"__type":"AccessDenied","message":"willow-creek is not allowed"}`})
		if err := q.Request(t.Context(), reconcile.Request{Org: "willow-creek"}); !fault.Is(err, code) || strings.Contains(err.Error(), "willow") {
			t.Errorf("%d: %v", status, err)
		}
	}
	silent := &scripted{status: 500}
	if err := requests(t, silent).Request(t.Context(), reconcile.Request{Full: true}); !fault.Is(err, fault.Invalid) || len(silent.asked) > 0 {
		t.Errorf("%v, %v", err, silent.asked)
	}
}

func TestABodyIsARequestOrSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{
		`{"org":"a"}`: true, `{"org":"a","full":true,"who":"Ana"}`: true, `{"org":"a","since":"v2"}`: true,
		`{}`: false, `null`: false, ``: false, `hello`: false, `{"org":""}`: false, `{"org":7}`: false, `[{"org":"a"}]`: false, `{"org":"a"}{"org":"b"}`: false,
	} {
		if r, err := queue.DecodeRequest(body); (err == nil) != ok || err != nil && !fault.Is(err, fault.Invalid) || (r.Org == "a") != ok {
			t.Errorf("%s: %v, %v", body, r, err)
		}
	}
}

func TestRequestsNeedAQueueWithoutAnOrder(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "https://sqs.us-east-1.amazonaws.com/1/work.fifo"} {
		if _, err := queue.NewRequests(queue.Options{URL: url}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// TestRequestsComeOutOfARealQueue: against what stands for AWS, where it is.
func TestRequestsComeOutOfARealQueue(t *testing.T) {
	t.Parallel()
	client := sqs.NewFromConfig(porttest.AWS(t))
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(porttest.NewName())})
	if err != nil {
		t.Fatal(err)
	}
	q, err := queue.NewRequests(queue.Options{AWS: porttest.AWS(t), URL: *out.QueueUrl})
	if err != nil {
		t.Fatal(err)
	}
	want := reconcile.Request{Org: "willow-creek", Full: true, Who: "Ana Diaz"}
	if err := q.Request(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: out.QueueUrl, WaitTimeSeconds: 5})
	if err != nil || len(got.Messages) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	if r, err := queue.DecodeRequest(*got.Messages[0].Body); err != nil || r != want {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := client.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}); err != nil {
		t.Error(err)
	}
}
