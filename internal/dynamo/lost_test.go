package dynamo_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/porttest"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// lossy carries requests, and loses the first answer to each: DynamoDB has done what was asked, and the SDK asks again.
type lossy struct {
	carry interface {
		Do(*http.Request) (*http.Response, error)
	}
	mu   sync.Mutex
	seen map[[sha256.Size]byte]bool
	lost int
}

func (l *lossy) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := l.carry.Do(r)
	if err != nil || !l.first(sha256.Sum256(append(body, r.Header.Get("Amz-Sdk-Invocation-Id")...))) {
		return answer, err
	}
	_ = answer.Body.Close()
	return nil, errors.New("the answer is lost")
}

func (l *lossy) first(request [sha256.Size]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[request] {
		return false
	}
	l.seen[request] = true
	l.lost++
	return true
}

// losing makes a client whose first answer to each request is lost.
func losing(t *testing.T) *dynamodb.Client {
	t.Helper()
	l := &lossy{carry: awshttp.NewBuildableClient(), seen: map[[sha256.Size]byte]bool{}}
	db := connect(t, patient, func(o *dynamodb.Options) { o.HTTPClient = l })
	t.Cleanup(func() {
		if l.lost == 0 {
			t.Error("no answer was lost")
		}
	})
	return db
}

// Every request of the suites reaches DynamoDB twice; what the first one has done must be known as one's own.
func TestAWriteWhoseAnswerWasLostIsOnesOwn(t *testing.T) {
	t.Parallel()
	connect(t)
	porttest.Store(t, func(t *testing.T) porttest.StorePort { return dynamo.New(losing(t), table(t)) })
}

func TestALeaseWhoseAnswerWasLostIsOnesOwn(t *testing.T) {
	t.Parallel()
	connect(t)
	porttest.Leases(t, func(t *testing.T) lease.Store { return dynamo.New(losing(t), table(t)) })
}

func TestWhatIsAPersonsOwnIsKeptWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	connect(t)
	porttest.People(t, func(t *testing.T) porttest.PeoplePort { return dynamo.New(losing(t), table(t)) })
}

func TestAPaperWhoseAnswerWasLostIsOnesOwn(t *testing.T) {
	t.Parallel()
	connect(t)
	porttest.Papers(t, func(t *testing.T) reconcile.Papers { return dynamo.New(losing(t), table(t)) })
}
