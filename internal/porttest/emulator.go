package porttest

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// The variables that say where the suites of the adapters for AWS run.
const (
	emulatorAt  = "AWS_ENDPOINT_URL"
	conformance = "AWS_CONFORMANCE" // "real": in the account that the default credentials open
)

// AWS is how a test of an adapter reaches AWS's services: at the address in the first of the service's own variables (DYNAMODB_ENDPOINT) that is set, or
// in AWS_ENDPOINT_URL, with keys that open nothing anywhere else. With AWS_CONFORMANCE=real it is AWS itself, with the default credentials and region:
// what tests make there costs a little, is named by NewName, and must be deleted by them. With none of these the test is skipped.
func AWS(t *testing.T, own ...string) aws.Config {
	t.Helper()
	var address string
	for _, name := range append(own, emulatorAt) {
		if address == "" {
			address = os.Getenv(name)
		}
	}
	account := os.Getenv(conformance)
	switch {
	case account != "" && account != "real":
		t.Fatalf("%s is %q; it knows only: real", conformance, account)
	case account != "" && address != "":
		t.Fatalf("%s=real is AWS itself, and the address %s is set, too: unset one", conformance, address)
	case account != "":
		c, err := config.LoadDefaultConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	case address == "":
		t.Skipf("%v is not set; `make test-ministack` and `make test-dynamo` start what stands for AWS, and set it", append(own, emulatorAt))
	}
	return On(address)
}

// Emulator is AWS for tests that start processes of their own, which must never reach an account: only at the address in AWS_ENDPOINT_URL. Without one the
// test is skipped.
func Emulator(t *testing.T) aws.Config {
	t.Helper()
	address := os.Getenv(emulatorAt)
	if address == "" {
		t.Skip(emulatorAt + " is not set; `make test-aws` starts ministack and sets it")
	}
	return On(address)
}

// On is how a test reaches a server that stands for AWS.
func On(address string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(address), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// NewName is a name for what a test makes in AWS, which nothing else has. Whatever a test that was killed has left there begins with "conformance-".
func NewName() string { return "conformance-" + rand.Text() }
