package dynamo

import (
	"fmt"

	"github.com/passare/qbo-sync/internal/awsfault"
	"github.com/passare/qbo-sync/internal/fault"
)

// within wraps an error with the function that met it.
func within(function string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("dynamo.%s: %w", function, err)
}

// failed makes a fault of what the SDK answers when all tries are used up: Unavailable for what may go away, Internal for a request that will never be taken.
func failed(err error) error {
	cause, passes := awsfault.Read("DynamoDB", err)
	if passes || hindered(err) {
		return fault.Because(cause, fault.Unavailable, "The store does not answer. Please try again.")
	}
	return fault.Because(cause, fault.Internal, "Something went wrong on our side. Nothing was lost; please try again.")
}

// contended is the answer when others wrote the same item again and again.
func contended() error {
	return fault.New(fault.Unavailable, "Too many are changing this at the same time. Please try again.")
}
