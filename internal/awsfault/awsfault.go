// Package awsfault reads the errors of AWS's SDK, the same way for every adapter of one of its services: what may be kept of an answer, and whether it goes
// away by itself. What that means, and what a person is told, is the adapter's.
package awsfault

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Read answers what is kept of an error that the SDK has given up on, and whether it goes away by itself: throttling, a service that is down, and silence do.
// Of an answer the cause has the code and the number of the request, and nothing of the text, which may quote what was asked. An error without an answer
// is its own cause.
func Read(service string, err error) (cause error, passes bool) {
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err, true
	}
	request := "unknown"
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok && r.ServiceRequestID() != "" {
		request = r.ServiceRequestID()
	}
	return fmt.Errorf("%s answers %s, request %s", service, answer.ErrorCode(), request), retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}
