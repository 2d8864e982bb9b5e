package dynamo

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/lease"
)

// Store is one table. It may be used by many at once.
type Store struct {
	db        *dynamodb.Client
	table     string
	deflaters sync.Pool // of *flate.Writer, each of which is large
}

// New makes a store of a table that is there (Table).
func New(db *dynamodb.Client, table string) *Store { return &Store{db: db, table: table} }

// maxTries is how often a write is made that others were faster with, or that a transaction of others was in the way of, and a batch that was taken in part.
const maxTries = 10

// firstPause is how long the first of these tries waits at most; the ten together wait 10 s at most.
const firstPause = 10 * time.Millisecond

// pause waits before such a try: at random, so that those who collided do not collide again, and up to twice as long each time.
func pause(ctx context.Context, try int) error {
	if err := lease.Pause(ctx, mathrand.N(firstPause<<try)); err != nil {
		return fault.Because(err, fault.Unavailable, "The store is busy. Please try again.")
	}
	return nil
}

// token names a write.
func token() []byte {
	t := make([]byte, 12)
	_, _ = rand.Read(t) // never fails (crypto/rand)
	return t
}

func where(c expression.ConditionBuilder) (expression.Expression, error) {
	e, err := expression.NewBuilder().WithCondition(c).Build()
	return e, defect(err)
}

// defect is an expression that cannot be built.
func defect(err error) error {
	if err == nil {
		return nil
	}
	return fault.Because(err, fault.Internal, "Something went wrong on our side.")
}

// absent is the condition that there is no such item.
func absent() expression.ConditionBuilder { return expression.Name(attrPK).AttributeNotExists() }

// at is the condition that an item has a revision; 0: that there is none.
func at(rev int64) expression.ConditionBuilder {
	if rev == 0 {
		return absent()
	}
	return expression.Name(attrRev).Equal(expression.Value(rev))
}

// get reads an item; none if there is none. consistent: nothing that was written before is missed, at twice the price.
func (s *Store) get(ctx context.Context, k key, consistent bool) (item, error) {
	if !k.names() {
		return nil, nil
	}
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: k.item(), ConsistentRead: &consistent})
	if err != nil {
		return nil, failed(err)
	}
	return out.Item, nil
}

// put writes an item if a condition holds of the stored one. If it does not, done is false, and stored is what is there, if anything. A condition that
// fails because of this very write, whose answer was lost, does hold.
func (s *Store) put(ctx context.Context, it item, condition expression.ConditionBuilder) (stored item, done bool, err error) {
	if !keyOf(it).names() {
		return nil, false, fault.New(fault.TooLarge, "An identifier is too long.")
	}
	e, err := where(condition)
	if err != nil {
		return nil, false, err
	}
	mine := token()
	it[attrWrite] = octets(mine)
	err = unhindered(ctx, func() error {
		_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &s.table, Item: it, ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	})
	return outcome(it, err, attrWrite, mine)
}

// update changes an item if a condition holds, and answers it as it is then. mark is the attribute that keeps whose write it was; the rest is as put.
func (s *Store) update(ctx context.Context, k key, change expression.UpdateBuilder, mark string, condition expression.ConditionBuilder) (stored item, done bool, err error) {
	mine := token()
	unmarked := expression.Or(expression.Name(mark).AttributeNotExists(), expression.Name(mark).NotEqual(expression.Value(mine)))
	e, err := expression.NewBuilder().WithUpdate(change.Set(expression.Name(mark), expression.Value(mine))).WithCondition(condition.And(unmarked)).Build()
	if err != nil {
		return nil, false, defect(err)
	}
	var out *dynamodb.UpdateItemOutput
	err = unhindered(ctx, func() (err error) {
		out, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table, Key: k.item(), UpdateExpression: e.Update(), ConditionExpression: e.Condition(),
			ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(), ReturnValues: types.ReturnValueAllNew,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	})
	if err != nil {
		return outcome(nil, err, mark, mine)
	}
	return out.Attributes, true, nil
}

// outcome reads the answer of a conditional write.
func outcome(written item, err error, mark string, mine []byte) (stored item, done bool, _ error) {
	if err == nil {
		return written, true, nil
	}
	refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return nil, false, failed(err)
	}
	return refused.Item, bytes.Equal(octetsOf(refused.Item, mark), mine), nil
}

// remove deletes an item if a condition holds of it; otherwise nothing happens.
func (s *Store) remove(ctx context.Context, k key, condition expression.ConditionBuilder) error {
	e, err := where(condition)
	if err != nil {
		return err
	}
	err = unhindered(ctx, func() error {
		_, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &s.table, Key: k.item(), ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		})
		return err
	})
	if _, refused := errors.AsType[*types.ConditionalCheckFailedException](err); err == nil || refused {
		return nil
	}
	return failed(err)
}

// amend makes the next value of an item from the stored one (none: nil) and writes it if nobody wrote in between; otherwise it begins again, a moment later.
// Nothing is written when change gives no item. It answers what is stored in the end.
func (s *Store) amend(ctx context.Context, k key, change func(stored item) (next item, err error)) (item, error) {
	for try := range maxTries {
		stored, err := s.get(ctx, k, true)
		if err != nil {
			return nil, err
		}
		next, err := change(stored)
		if err != nil || next == nil {
			return stored, err
		}
		rev := numberOf(stored, attrRev)
		next[attrRev] = number(rev + 1)
		_, done, err := s.put(ctx, next, at(rev))
		if err != nil {
			return nil, err
		}
		if done {
			return next, nil
		}
		if err := pause(ctx, try); err != nil {
			return nil, err
		}
	}
	return nil, contended()
}

// transact makes writes together, or none. If conditions fail, done is false and reasons has one reason for each write.
func (s *Store) transact(ctx context.Context, writes ...types.TransactWriteItem) (reasons []types.CancellationReason, done bool, err error) {
	err = unhindered(ctx, func() error {
		_, err := s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		return err
	})
	if err == nil {
		return nil, true, nil
	}
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(cancelled.CancellationReasons) != len(writes) {
		return nil, false, failed(err)
	}
	for _, r := range cancelled.CancellationReasons {
		if unmet(r) {
			return cancelled.CancellationReasons, false, nil
		}
	}
	return nil, false, failed(err)
}

// unhindered makes a write, and makes it again, a moment later, while nothing is written because a transaction of another is in its way, or a part of its own
// is throttled: these the SDK leaves to us. It answers what the last one was answered.
func unhindered(ctx context.Context, write func() error) error {
	for try := 1; ; try++ {
		err := write()
		if !hindered(err) || try == maxTries || pause(ctx, try-1) != nil {
			return err
		}
	}
}

// hindered says whether a write was refused for what goes away by itself, and what the SDK does not try again.
func hindered(err error) bool {
	if _, ok := errors.AsType[*types.TransactionConflictException](err); ok {
		return true
	}
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return false
	}
	hindrances := 0
	for _, r := range cancelled.CancellationReasons {
		switch aws.ToString(r.Code) {
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			hindrances++
		case "None":
		default:
			return false
		}
	}
	return hindrances > 0
}

// unmet says whether a transaction was cancelled for this write's condition. The SDK has no name for the codes of reasons.
func unmet(r types.CancellationReason) bool { return aws.ToString(r.Code) == "ConditionalCheckFailed" }

// putting is a put of a transaction.
func (s *Store) putting(it item, condition expression.ConditionBuilder) (types.TransactWriteItem, error) {
	e, err := where(condition)
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.table, Item: it, ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}, err
}
