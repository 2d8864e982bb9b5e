package dynamo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/intlog"
)

// many stores copies of an organisation's one entry, each due a millisecond later, as quickly as DynamoDB takes them: after the first thousand, which are whole,
// the rows of the index alone, since nothing else of these is read.
func many(t *testing.T, db *dynamodb.Client, name string, s *dynamo.Store, of intlog.Entry, n int) {
	t.Helper()
	create(t, s, of)
	out, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
	if err != nil || len(out.Items) != 1 {
		t.Fatal(len(out.Items), err)
	}
	var writes []types.WriteRequest
	for i := 1; i < n; i++ {
		item := map[string]types.AttributeValue{}
		for attribute, value := range out.Items[0] {
			if i > 1000 && !slices.Contains([]string{"pk", "sk", "workPk", "workSk"}, attribute) {
				continue
			}
			if text, ok := value.(*types.AttributeValueMemberS); ok {
				copied := strings.ReplaceAll(text.Value, of.Record.ID, fmt.Sprintf("%s-%05d", of.Record.ID, i))
				copied = strings.ReplaceAll(copied, ":00.000", fmt.Sprintf(":%02d.%03d", i/1000, i%1000))
				value = &types.AttributeValueMemberS{Value: copied}
			}
			item[attribute] = value
		}
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
	}
	for some := range slices.Chunk(writes, 25) {
		out, err := db.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{name: some}})
		if err != nil || len(out.UnprocessedItems) > 0 {
			t.Fatal(len(out.UnprocessedItems), err)
		}
	}
}

// TestALargeOrganisationHidesNobody: it has more entries due than are looked at, and others are due after the first of them, and last.
func TestALargeOrganisationHidesNobody(t *testing.T) {
	t.Parallel()
	const large, small, most, each = 12_500, 64, 1000, 300 // of so many small ones some are in the large one's partition, whichever that is
	m := &meter{spent: map[string]int{}}
	db, name := connect(t), table(t)
	s := dynamo.New(connect(t, m.watch), name)
	at := time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)
	e := entry("large-organisations-payment", intlog.Queued)
	e.Org, e.DueAt = "large", at
	many(t, db, name, s, e, large)
	for i := range small {
		e := entry("p1", intlog.Queued)
		e.Org, e.DueAt = fmt.Sprint("small-", i), at.Add(11*time.Second)
		if i%2 == 1 {
			e.DueAt = at.Add(time.Minute)
		}
		create(t, s, e)
	}
	found := map[string]int{}
	spent := m.spend(t, func() error {
		due, err := s.Due(t.Context(), at.Add(time.Hour), most, each)
		for i, e := range due {
			if found[e.Org]++; i <= small && found[e.Org] > 1 {
				t.Errorf("number %d of %s comes before another's first", found[e.Org], e.Org)
			}
		}
		return err
	})
	if len(found) != small+1 || found["large"] != each {
		t.Errorf("%d organisations, %d of the large one", len(found), found["large"])
	}
	t.Logf("%d read units", spent["read"]/10)
}
