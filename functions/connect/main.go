// Command connect is the function of an organisation's connection to QuickBooks: consent, callback, disconnect; and, each night, what keeps grants alive.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/passare/qbo-sync/internal/cloud"
)

func main() {
	lambda.Start(cloud.Connect(cloud.Process{Env: os.Getenv, Out: os.Stdout, Now: time.Now}))
}
