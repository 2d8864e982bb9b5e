// Command retry is the function that sends what is due to the worker again, and drains its dead letters, each minute.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/passare/qbo-sync/internal/cloud"
)

func main() {
	lambda.Start(cloud.Retry(cloud.Process{Env: os.Getenv, Out: os.Stdout, Now: time.Now}))
}
