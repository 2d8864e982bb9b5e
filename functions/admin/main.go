// Command admin is the function of the Integration log and the links as people see and change them.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/passare/qbo-sync/internal/cloud"
)

func main() {
	lambda.Start(cloud.Admin(cloud.Process{Env: os.Getenv, Out: os.Stdout, Now: time.Now}))
}
