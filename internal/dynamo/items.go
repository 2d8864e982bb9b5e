package dynamo

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/passare/qbo-sync/internal/fault"
)

// item is an item of the table, or a row of an index.
type item = map[string]types.AttributeValue

// The attributes.
const (
	attrPK      = "pk"
	attrSK      = "sk"
	attrRev     = "rev"   // +1 at every write of what is changed from what was read
	attrWrite   = "write" // token of the last write: whose it was, when its answer was lost
	attrMove    = "move"  // the same, of the last move of a due time
	attrTaken   = "taken" // the same, of whoever took an attempt
	attrBlob    = "blob"  // the value itself, compressed
	attrState   = "state"
	attrDue     = "due"
	attrPage    = "page"    // case and page of an entry that waits for the page's button
	attrOwner   = "owner"   // of a lease, of a company
	attrUntil   = "until"   // of a lease
	attrLinked  = "key"     // the key that an id is linked to
	attrRelinks = "relinks" // how many links of the organisation a person has replaced
	attrCount   = "count"
	attrOpen    = "open" // of a paper that is open, and has a marker: 1
	attrExpiry  = "ttl"  // seconds of the epoch after which DynamoDB removes the item
	attrLogPK   = "logPk"
	attrLogSK   = "logSk"
	attrWorkPK  = "workPk"
	attrWorkSK  = "workSk"
	attrStuckPK = "stuckPk"
	attrStuckSK = "stuckSk"
)

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func octets(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

// textOf reads a text; empty if there is none.
func textOf(it item, name string) string {
	if v, ok := it[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// numberOf reads a whole number; 0 if there is none.
func numberOf(it item, name string) int64 {
	if v, ok := it[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64) // only number writes numbers
		return n
	}
	return 0
}

// octetsOf reads bytes; none if there are none.
func octetsOf(it item, name string) []byte {
	if v, ok := it[name].(*types.AttributeValueMemberB); ok {
		return v.Value
	}
	return nil
}

// timeOf reads a stamp; the zero time if there is none.
func timeOf(it item, name string) (time.Time, error) {
	s := textOf(it, name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(stampLayout, s)
	if err != nil {
		return t, fault.Because(err, fault.Internal, "A stored time cannot be read.")
	}
	return t, nil
}

func (k key) item() item { return item{attrPK: text(k.pk), attrSK: text(k.sk)} }

func keyOf(it item) key { return key{textOf(it, attrPK), textOf(it, attrSK)} }
