package dynamo_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/porttest"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// connect makes a client of the DynamoDB at DYNAMODB_ENDPOINT, or wherever AWS is, or skips the test.
func connect(t *testing.T, options ...func(*dynamodb.Options)) *dynamodb.Client {
	t.Helper()
	return dynamodb.NewFromConfig(porttest.AWS(t, "DYNAMODB_ENDPOINT"), options...)
}

// made is how long a table may take until it is there; only AWS itself takes any time.
const made = 2 * time.Minute

// table makes a table of its own for a test, which goes with it, and answers its name.
func table(t *testing.T) string {
	t.Helper()
	db, name := connect(t), porttest.NewName()
	if _, err := db.CreateTable(t.Context(), dynamo.Table(name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := db.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: aws.String(name)})
		if _, gone := errors.AsType[*types.ResourceNotFoundException](err); err != nil && !gone { // gone: deleted by a call whose answer was lost
			t.Error(err)
		}
	})
	ready := dynamodb.NewTableExistsWaiter(db, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = time.Second, 5*time.Second })
	if err := ready.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(name)}, made); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTheStoreIsAStore(t *testing.T) {
	t.Parallel()
	db := connect(t)
	porttest.Store(t, func(t *testing.T) porttest.StorePort { return dynamo.New(db, table(t)) })
}

func TestTheLeasesAreLeases(t *testing.T) {
	t.Parallel()
	db := connect(t)
	porttest.Leases(t, func(t *testing.T) lease.Store { return dynamo.New(db, table(t)) })
}

func TestTheReservationsAreReservations(t *testing.T) {
	t.Parallel()
	db := connect(t)
	porttest.Reservations(t, func(t *testing.T) pacing.Store { return dynamo.New(db, table(t)) })
}

func TestWhatIsAPersonsOwnIsKept(t *testing.T) {
	t.Parallel()
	db := connect(t)
	porttest.People(t, func(t *testing.T) porttest.PeoplePort { return dynamo.New(db, table(t)) })
}

func TestAReplyThatIsTooLargeForAnItemIsNotKeptAtAll(t *testing.T) {
	t.Parallel()
	s := dynamo.New(connect(t), table(t))
	var body []byte
	for block := sha256.Sum256(nil); len(body) < 400<<10; block = sha256.Sum256(block[:]) {
		body = append(body, block[:]...)
	}
	ana := org.Person{Org: "a", Subject: "ana"}
	if err := s.PutReply(t.Context(), ana, "k", org.Reply{At: time.Now(), Status: 200, Body: body}); !fault.Is(err, fault.TooLarge) {
		t.Errorf("it is answered %v", err)
	}
	if _, found, err := s.Reply(t.Context(), ana, "k"); found || err != nil {
		t.Errorf("found %t, %v", found, err)
	}
}

func TestThePapersArePapers(t *testing.T) {
	t.Parallel()
	db := connect(t)
	porttest.Papers(t, func(t *testing.T) reconcile.Papers { return dynamo.New(db, table(t)) })
}
