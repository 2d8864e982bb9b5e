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

// Reserve gives an organisation's next time for a thing: not before now, and apart from the one that was given before. Errors: fault.Unavailable; then a
// time may have been given to nobody.
func (s *Store) Reserve(ctx context.Context, org, thing string, now time.Time, apart time.Duration) (time.Time, error) {
	at := now
	_, err := s.amend(ctx, reservationKey(org, thing), func(stored item) (item, error) {
		last, err := timeOf(stored, attrUntil)
		if at = now; err == nil && last.Add(apart).After(now) {
			at = last.Add(apart)
		}
		it := reservationKey(org, thing).item()
		it[attrUntil] = text(stamp(at))
		return it, err
	})
	return at, within("Reserve", err)
}
