package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
)

// everybody stands for all organisations in counters; no organisation has an empty id.
const everybody = ""

// SpendRead counts one metered read of an organisation in a month and says how many all of them have spent in it. A read may be counted twice, never not at
// all: when an answer is lost and others count before the SDK asks again. Errors: fault.Unavailable.
func (s *Store) SpendRead(ctx context.Context, id, month string) (int, error) {
	spent, err := s.count(ctx, readsKey(everybody, month))
	if err == nil {
		_, err = s.count(ctx, readsKey(id, month))
	}
	return int(spent), within("SpendRead", err)
}

// count adds one to a counter and says what it is then.
func (s *Store) count(ctx context.Context, k key) (int64, error) {
	one := expression.Add(expression.Name(attrCount), expression.Value(1))
	it, _, err := s.update(ctx, k, one, attrWrite, anything())
	return numberOf(it, attrCount), err
}

// anything is a condition that holds of every item, and of none.
func anything() expression.ConditionBuilder {
	return absent().Or(expression.Name(attrPK).AttributeExists())
}

// ReadsSpent says how many reads all organisations have spent in a month. Errors: fault.Unavailable.
func (s *Store) ReadsSpent(ctx context.Context, month string) (int, error) {
	n, err := s.counted(ctx, everybody, month)
	return n, within("ReadsSpent", err)
}

// ReadsOf says how many reads an organisation has spent in a month. Errors: fault.Unavailable.
func (s *Store) ReadsOf(ctx context.Context, id, month string) (int, error) {
	n, err := s.counted(ctx, id, month)
	return n, within("ReadsOf", err)
}

func (s *Store) counted(ctx context.Context, id, month string) (int, error) {
	it, err := s.get(ctx, readsKey(id, month), false)
	return int(numberOf(it, attrCount)), err
}
