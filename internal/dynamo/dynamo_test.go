package dynamo_test

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/porttest"
)

// connect makes a client of the DynamoDB at DYNAMODB_ENDPOINT, or skips the test.
func connect(t *testing.T, options ...func(*dynamodb.Options)) *dynamodb.Client {
	t.Helper()
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("DYNAMODB_ENDPOINT is not set: `make test-dynamo` starts a DynamoDB and runs this test on it")
	}
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(endpoint), Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}, options...)
}

// table makes a table of its own for a test and answers its name.
func table(t *testing.T) string {
	t.Helper()
	db, name := connect(t), "test-"+rand.Text()
	if _, err := db.CreateTable(t.Context(), dynamo.Table(name)); err != nil {
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
