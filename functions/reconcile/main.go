// Command reconcile is the function that proves, each night and when a person asks, that the Integration log and QuickBooks say the same.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/passare/qbo-sync/internal/cloud"
)

func main() {
	lambda.Start(cloud.Reconcile(cloud.Process{Env: os.Getenv, Out: os.Stdout, Now: time.Now}))
}
