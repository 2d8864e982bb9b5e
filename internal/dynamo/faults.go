package dynamo

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/passare/qbo-sync/internal/fault"
)

// within wraps an error with the function that met it.
func within(function string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("dynamo.%s: %w", function, err)
}

// failed makes a fault of what the SDK answers when its own retries are used up: Unavailable for what may go away, Internal for a request that will never
// be taken. Of DynamoDB's answer only the code and the number of the request are kept, since its text may quote the request.
func failed(err error) error {
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fault.Because(err, fault.Unavailable, "The store does not answer. Please try again.")
	}
	cause := errors.New(answer.ErrorCode() + requestOf(err))
	if passing(answer.ErrorCode()) || statusOf(err) >= http.StatusInternalServerError {
		return fault.Because(cause, fault.Unavailable, "The store is busy. Please try again.")
	}
	return fault.Because(cause, fault.Internal, "Something went wrong on our side. Nothing was lost; please try again.")
}

// passing says whether a refusal goes away by itself.
func passing(code string) bool {
	if _, throttled := retry.DefaultThrottleErrorCodes[code]; throttled {
		return true
	}
	switch code {
	case (&types.TransactionCanceledException{}).ErrorCode(), (&types.TransactionConflictException{}).ErrorCode(), (&types.TransactionInProgressException{}).ErrorCode(),
		(&types.InternalServerError{}).ErrorCode(), (&types.RequestLimitExceeded{}).ErrorCode():
		return true
	}
	return false
}

func statusOf(err error) int {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return r.HTTPStatusCode()
	}
	return 0
}

func requestOf(err error) string {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok && r.ServiceRequestID() != "" {
		return ", request " + r.ServiceRequestID()
	}
	return ""
}

// contended is the answer when others wrote the same item again and again.
func contended() error {
	return fault.New(fault.Unavailable, "Too many are changing this at the same time. Please try again.")
}
