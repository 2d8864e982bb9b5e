// Command sync is the function that works off the queue: it builds journal entries and posts them to QuickBooks.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/passare/qbo-sync/internal/cloud"
)

func main() {
	lambda.Start(cloud.Sync(cloud.Process{Env: os.Getenv, Out: os.Stdout, Now: time.Now}))
}
