package porttest

import (
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Emulator is how a test reaches AWS's services on this machine: at the address in AWS_ENDPOINT_URL, with keys that open nothing anywhere else.
// Without an address the test is skipped.
func Emulator(t *testing.T) aws.Config {
	t.Helper()
	address := os.Getenv("AWS_ENDPOINT_URL")
	if address == "" {
		t.Skip("AWS_ENDPOINT_URL is not set; `make test-ministack` starts ministack and sets it")
	}
	return On(address)
}

// On is how a test reaches a server that stands for AWS.
func On(address string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(address), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}
