// Command ingest is the function that takes events of Passare in: POST /v1/events.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/passare/qbo-sync/internal/cloud"
)

func main() {
	lambda.Start(cloud.Ingest(cloud.Process{Env: os.Getenv, Out: os.Stdout, Now: time.Now}))
}
