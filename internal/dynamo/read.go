package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// query is a range of a partition of the table or of an index.
type query struct {
	index      string // empty: the table itself
	consistent bool   // of the table only
	pk         string
	from, to   string // sort keys: from this one on (only with a to), and before that one; empty: from the first, to the last
	page       string // only rows with this attrPage; empty: all
	newest     bool   // from the end backwards
	limit      int    // at most this many; 0: all
}

// indexes gives the key attributes of an index.
func indexes(index string) (pk, sk string) {
	switch index {
	case logIndex:
		return attrLogPK, attrLogSK
	case workIndex:
		return attrWorkPK, attrWorkSK
	case stuckIndex:
		return attrStuckPK, attrStuckSK
	}
	return attrPK, attrSK
}

func (q query) expression() (expression.Expression, error) {
	pk, sk := indexes(q.index)
	on := expression.Key(pk).Equal(expression.Value(q.pk))
	switch {
	case q.from != "" && q.to != "":
		on = on.And(expression.Key(sk).Between(expression.Value(q.from), expression.Value(q.to))) // no key is q.to itself (before)
	case q.to != "":
		on = on.And(expression.Key(sk).LessThan(expression.Value(q.to)))
	}
	b := expression.NewBuilder().WithKeyCondition(on)
	if q.page != "" {
		b = b.WithFilter(expression.Name(attrPage).Equal(expression.Value(q.page)))
	}
	e, err := b.Build()
	return e, defect(err)
}

// rows reads a range, page by page.
func (s *Store) rows(ctx context.Context, q query) ([]item, error) {
	if !(key{q.pk, q.from}).names() || !(key{q.pk, q.to}).names() {
		return nil, nil
	}
	e, err := q.expression()
	if err != nil {
		return nil, err
	}
	in := &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: e.KeyCondition(), FilterExpression: e.Filter(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(), ScanIndexForward: aws.Bool(!q.newest),
	}
	if q.index != "" {
		in.IndexName = aws.String(q.index)
	} else {
		in.ConsistentRead = aws.Bool(q.consistent)
	}
	var found []item
	for {
		if q.limit > 0 {
			in.Limit = aws.Int32(int32(min(q.limit-len(found), mostRows)))
		}
		out, err := s.db.Query(ctx, in)
		if err != nil {
			return nil, failed(err)
		}
		found = append(found, out.Items...)
		if len(out.LastEvaluatedKey) == 0 || q.limit > 0 && len(found) >= q.limit {
			return found, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// mostRows is how many rows one request asks for at most.
const mostRows = 1000

// mostFetched is how many items DynamoDB gives in one request.
const mostFetched = 100

// fetch reads the items of rows of an index, in the order of the rows. One that is not there (any more) is left out; one that an index shows
// twice, since it moved while the index was read, comes once.
func (s *Store) fetch(ctx context.Context, rows []item) ([]item, error) {
	keys := make([]key, len(rows))
	for i, r := range rows {
		keys[i] = keyOf(r)
	}
	return s.read(ctx, keys, false)
}

// read reads items, in the order of their keys, each once. One that is not there is left out. consistent: as get.
func (s *Store) read(ctx context.Context, named []key, consistent bool) ([]item, error) {
	var keys []key
	items := map[key]item{}
	for _, k := range named {
		if items[k] == nil && k.names() {
			items[k] = item{}
			keys = append(keys, k)
		}
	}
	for some := range slices.Chunk(keys, mostFetched) {
		if err := s.readSome(ctx, some, consistent, items); err != nil {
			return nil, err
		}
	}
	var found []item
	for _, k := range keys {
		if len(items[k]) > 0 {
			found = append(found, items[k])
		}
	}
	return found, nil
}

func (s *Store) readSome(ctx context.Context, keys []key, consistent bool, into map[key]item) error {
	wanted := make([]map[string]types.AttributeValue, len(keys))
	for i, k := range keys {
		wanted[i] = k.item()
	}
	for try := 0; len(wanted) > 0; try++ {
		asked := types.KeysAndAttributes{Keys: wanted, ConsistentRead: &consistent}
		out, err := s.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{s.table: asked}})
		if err != nil {
			return failed(err)
		}
		for _, it := range out.Responses[s.table] {
			into[keyOf(it)] = it
		}
		left := out.UnprocessedKeys[s.table].Keys
		if len(left) == len(wanted) { // throttled; otherwise the answer was full, and the next begins at once
			if try >= maxTries {
				return contended()
			}
			if err := pause(ctx, try); err != nil {
				return err
			}
		}
		wanted = left
	}
	return nil
}
