package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/porttest"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// trouble is what DynamoDB does now and then, and no emulator does.
type trouble struct {
	name    string
	status  int
	code    string
	reason  string // of one of a transaction's writes
	on      string // the operations that it happens to; empty: all
	carried bool   // the request was carried out all the same
}

func (x trouble) happensTo(operation string) bool {
	return x.on == "" || strings.Contains(x.on, operation)
}

func troubles() []trouble {
	const one, transaction = "PutItem UpdateItem DeleteItem", "TransactWriteItems"
	return []trouble{
		{name: "throttled by the account", status: 400, code: "ThrottlingException"},
		{name: "throttled", status: 400, code: "ProvisionedThroughputExceededException"},
		{name: "too much for the account", status: 400, code: "RequestLimitExceeded"},
		{name: "broken before", status: 500, code: "InternalServerError"},
		{name: "broken after", status: 500, code: "InternalServerError", carried: true},
		{name: "gone before", status: 503, code: "ServiceUnavailable"},
		{name: "gone after", status: 503, code: "ServiceUnavailable", carried: true},
		{name: "a transaction in the way", status: 400, code: "TransactionConflictException", on: one},
		{name: "another transaction in the way", status: 400, code: "TransactionCanceledException", reason: "TransactionConflict", on: transaction},
		{name: "a part is throttled", status: 400, code: "TransactionCanceledException", reason: "ThrottlingError", on: transaction},
		{name: "throttled inside", status: 400, code: "TransactionCanceledException", reason: "ProvisionedThroughputExceeded", on: transaction},
		{name: "the same transaction is going on", status: 400, code: "TransactionInProgressException", on: transaction},
	}
}

// inPart are the batches that are taken in part, which a client that carries requests cannot do without breaking their signatures.
func inPart() []string { return []string{"written in part", "read in part"} }

// tally counts what happened, by name.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (x *tally) count(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n[name]++
}

// all fails the test, when everything under it has ended, if something never happened.
func (x *tally) all(t *testing.T, names ...string) *tally {
	t.Cleanup(func() {
		if t.Failed() || t.Skipped() || *onlySeed != 0 {
			return
		}
		t.Logf("%v", x.n)
		for _, name := range names {
			if x.n[name] == 0 {
				t.Errorf("nothing was %q", name)
			}
		}
	})
	return x
}

// moody carries requests to a DynamoDB, and answers some of them itself. The SDK makes three tries; a call meets trouble at two of them at most.
type moody struct {
	carry interface {
		Do(*http.Request) (*http.Response, error)
	}
	sum  *tally
	mu   sync.Mutex
	luck *rand.Rand
	hit  map[string]int // by the SDK's number of the call
}

// often is how many of a hundred requests meet trouble.
const often = 25

func (m *moody) strikes() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.luck.IntN(100) < often
}

// choose says what happens to a request; nil: nothing.
func (m *moody) choose(operation, call string) *trouble {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.luck.IntN(100) >= often || m.hit[call] == 2 {
		return nil
	}
	own := m.luck.IntN(2) == 0 // half of it is what only this operation meets, since few are transactions
	some := slices.DeleteFunc(troubles(), func(x trouble) bool { return !x.happensTo(operation) || own && x.on == "" })
	if len(some) == 0 {
		return nil
	}
	x := some[m.luck.IntN(len(some))]
	m.hit[call]++
	m.sum.count(x.name)
	return &x
}

func (m *moody) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	x := m.choose(operation, r.Header.Get("Amz-Sdk-Invocation-Id"))
	if x == nil {
		return m.carry.Do(r)
	}
	if x.carried {
		answer, err := m.carry.Do(r)
		if err != nil {
			return nil, err
		}
		_ = answer.Body.Close()
	}
	return x.answer(body)
}

func (x trouble) answer(request []byte) (*http.Response, error) {
	says := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + x.code, "message": "no"}
	if x.reason != "" {
		var asked struct{ TransactItems []any }
		if err := json.Unmarshal(request, &asked); err != nil {
			return nil, err
		}
		reasons := make([]map[string]string, len(asked.TransactItems))
		for i := range reasons {
			reasons[i] = map[string]string{"Code": "None"}
		}
		reasons[len(reasons)-1] = map[string]string{"Code": x.reason, "Message": "no"}
		says["CancellationReasons"] = reasons
	}
	body, err := json.Marshal(says)
	return &http.Response{
		StatusCode: x.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}, err
}

// take sends a part of a batch, never none of it (that would be throttling), and answers the rest as not processed.
func (m *moody) take(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	switch whole := in.Parameters.(type) {
	case *dynamodb.BatchWriteItemInput:
		for table, writes := range whole.RequestItems {
			if n := m.part(len(writes)); n < len(writes) {
				in.Parameters = &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: writes[:n]}}
				out, metadata, err := next.HandleInitialize(ctx, in)
				if answer, ok := out.Result.(*dynamodb.BatchWriteItemOutput); ok && err == nil {
					m.sum.count("written in part")
					answer.UnprocessedItems = map[string][]types.WriteRequest{table: append(answer.UnprocessedItems[table], writes[n:]...)}
				}
				return out, metadata, err
			}
		}
	case *dynamodb.BatchGetItemInput:
		for table, wanted := range whole.RequestItems {
			if n := m.part(len(wanted.Keys)); n < len(wanted.Keys) {
				in.Parameters = &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: {Keys: wanted.Keys[:n]}}}
				out, metadata, err := next.HandleInitialize(ctx, in)
				if answer, ok := out.Result.(*dynamodb.BatchGetItemOutput); ok && err == nil {
					m.sum.count("read in part")
					answer.UnprocessedKeys = map[string]types.KeysAndAttributes{table: {Keys: append(answer.UnprocessedKeys[table].Keys, wanted.Keys[n:]...)}}
				}
				return out, metadata, err
			}
		}
	}
	return next.HandleInitialize(ctx, in)
}

func (m *moody) part(of int) int {
	if of < 2 || !m.strikes() {
		return of
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return 1 + m.luck.IntN(of-1)
}

// inTrouble makes a client whose DynamoDB has moods. They are of the test's name and the seed; where many ask at once, who meets them is the machine's affair.
func inTrouble(t *testing.T, sum *tally) *dynamodb.Client {
	t.Helper()
	seed := max(*onlySeed, 1)
	name := fnv.New64a()
	_, _ = name.Write([]byte(t.Name()))
	m := &moody{carry: awshttp.NewBuildableClient(), sum: sum, luck: rand.New(rand.NewPCG(seed, name.Sum64())), hit: map[string]int{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again: go test ./internal/dynamo -run '%s' -seed=%d", t.Name(), seed)
		}
	})
	return connect(t, patient, func(o *dynamodb.Options) {
		o.HTTPClient = m
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("in part", m.take), middleware.Before)
		})
	})
}

// patient is the SDK's three tries, without its pauses, and without its bound on all tries together, which many troubles would use up.
func patient(o *dynamodb.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
	})
}

func TestTheStoreIsAStoreInTrouble(t *testing.T) {
	t.Parallel()
	connect(t)
	names := []string{"read in part"}
	for _, x := range troubles() {
		names = append(names, x.name)
	}
	sum := (&tally{n: map[string]int{}}).all(t, names...)
	for round := range 3 {
		t.Run(fmt.Sprint("round ", round+1), func(t *testing.T) {
			t.Parallel()
			porttest.Store(t, func(t *testing.T) porttest.StorePort { return dynamo.New(inTrouble(t, sum), table(t)) })
		})
	}
}

func TestTheLeasesAreLeasesInTrouble(t *testing.T) {
	t.Parallel()
	connect(t)
	sum := (&tally{n: map[string]int{}}).all(t, "a transaction in the way")
	porttest.Leases(t, func(t *testing.T) lease.Store { return dynamo.New(inTrouble(t, sum), table(t)) })
}

func TestThePapersArePapersInTrouble(t *testing.T) {
	t.Parallel()
	connect(t)
	sum := (&tally{n: map[string]int{}}).all(t, "read in part", "gone after", "a transaction in the way", "a part is throttled")
	porttest.Papers(t, func(t *testing.T) reconcile.Papers { return dynamo.New(inTrouble(t, sum), table(t)) })
}

func TestEveryEntryIsARegisterInTrouble(t *testing.T) {
	t.Parallel()
	sum := (&tally{n: map[string]int{}}).all(t, "throttled", "broken after", "gone after", "a transaction in the way")
	h := porttest.Histories{Runs: max(*histories/10, 20), Seed: 1, Clients: 4, Steps: 5, Mistaken: true}
	h.Only(*onlySeed).Run(t, dynamo.New(inTrouble(t, sum), table(t)))
}

func TestBatchesInTroubleAreWholeInTheEnd(t *testing.T) {
	t.Parallel()
	sum := (&tally{n: map[string]int{}}).all(t, inPart()...)
	s := dynamo.New(inTrouble(t, sum), table(t))
	var members []passare.Ref
	for i := range 60 {
		members = append(members, passare.Ref{Type: passare.Payment, ID: fmt.Sprint("p", i)})
	}
	for b := range 5 {
		create(t, s, entry(fmt.Sprint("batch", b), intlog.Pending), members...)
	}
	for _, m := range members {
		if r, err := s.Record(t.Context(), "a", m); err != nil || len(r.MentionedBy) != 5 {
			t.Errorf("%s: %+v %v", m, r, err)
		}
	}
	for range 10 {
		if list, err := s.List(t.Context(), "a", "all", intlog.Mark{}, 10); err != nil || len(list) != 5 {
			t.Errorf("%d listed, %v", len(list), err)
		}
	}
}
