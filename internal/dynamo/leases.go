package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
)

// Lease takes a lease for an owner until a time, unless another owner has it at now. Errors: fault.Unavailable; then it may be taken, until that time.
func (s *Store) Lease(ctx context.Context, org, thing, owner string, now, until time.Time) (bool, error) {
	it := leaseKey(org, thing).item()
	it[attrOwner], it[attrUntil] = text(owner), text(stamp(until))
	ended := expression.Name(attrUntil).LessThanEqual(expression.Value(stamp(now)))
	_, done, err := s.put(ctx, it, expression.Or(absent(), ownedBy(owner), ended))
	return done, within("Lease", err)
}

// Unlease gives it back if the owner still has it. Errors: fault.Unavailable.
func (s *Store) Unlease(ctx context.Context, org, thing, owner string) error {
	return within("Unlease", s.remove(ctx, leaseKey(org, thing), ownedBy(owner)))
}
