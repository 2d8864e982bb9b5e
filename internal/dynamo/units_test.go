package dynamo_test

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/golden"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// meter asks what each request consumed, and keeps it in tenths of a unit.
type meter struct {
	mu    sync.Mutex
	spent map[string]int
}

func (m *meter) watch(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("consumed", m.handle), middleware.Before)
	})
}

func (m *meter) handle(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	switch p := in.Parameters.(type) {
	case *dynamodb.PutItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.UpdateItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.GetItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.QueryInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.DeleteItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.BatchGetItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.TransactWriteItemsInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	}
	out, metadata, err := next.HandleInitialize(ctx, in)
	switch r := out.Result.(type) {
	case *dynamodb.PutItemOutput:
		m.add("write", r.ConsumedCapacity)
	case *dynamodb.UpdateItemOutput:
		m.add("write", r.ConsumedCapacity)
	case *dynamodb.GetItemOutput:
		m.add("read", r.ConsumedCapacity)
	case *dynamodb.QueryOutput:
		m.add("read", r.ConsumedCapacity)
	case *dynamodb.DeleteItemOutput:
		m.add("write", r.ConsumedCapacity)
	case *dynamodb.BatchGetItemOutput:
		m.addAll("read", r.ConsumedCapacity)
	case *dynamodb.TransactWriteItemsOutput:
		m.addAll("write", r.ConsumedCapacity)
	}
	return out, metadata, err
}

func (m *meter) add(kind string, c *types.ConsumedCapacity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c != nil {
		m.spent[kind] += int(*c.CapacityUnits * 10)
	}
}

func (m *meter) addAll(kind string, all []types.ConsumedCapacity) {
	for _, c := range all {
		m.add(kind, &c)
	}
}

// spend runs a step and answers what it consumed, in tenths of a unit.
func (m *meter) spend(t *testing.T, step func() error) map[string]int {
	t.Helper()
	m.mu.Lock()
	m.spent = map[string]int{}
	m.mu.Unlock()
	if err := step(); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spent
}

// TestTheUnitsOfEachStep holds the table of the package's documentation.
func TestTheUnitsOfEachStep(t *testing.T) {
	t.Parallel()
	m := &meter{spent: map[string]int{}}
	s := dynamo.New(connect(t, m.watch), table(t))
	ctx, now := t.Context(), time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)
	c, err := golden.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	event, err := passare.Decode(slices.MaxFunc(c.Events, func(a, b json.RawMessage) int { return cmp.Compare(len(a), len(b)) }))
	if err != nil {
		t.Fatal(err)
	}
	entry := intlog.New(event, intlog.Queued, "", now)
	step := func(name string, want map[string]int, f func() error) {
		t.Helper()
		if diff := gocmp.Diff(want, m.spend(t, f)); diff != "" {
			t.Errorf("%s, in tenths of a unit (-want +got):\n%s", name, diff)
		}
	}
	must := func(e intlog.Entry, err error) intlog.Entry {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if _, err := s.PutConfig(ctx, org.Config{Org: entry.Org}, 0); err != nil {
		t.Fatal(err)
	}
	step("read of the configuration", map[string]int{"read": 10}, func() error { _, err := s.Config(ctx, entry.Org); return err })
	step("create", map[string]int{"write": 30}, func() error { _, _, err := s.Create(ctx, entry, nil); return err })
	step("read of the record", map[string]int{"read": 10}, func() error { _, err := s.Record(ctx, entry.Org, entry.Record); return err })
	step("claim", map[string]int{"write": 10}, func() error {
		claimed := must(entry.Move(intlog.Claimed, "Passare sync", "", now.Add(time.Second)))
		claimed.Postings = []intlog.Posting{signing("4620816365000000001")}
		claimed.Sentence = "Signed by Ana Diaz: the family owes 6,800.00."
		entry, err = s.Update(ctx, claimed)
		return err
	})
	step("postpone", map[string]int{"write": 30}, func() error {
		due := entry.DueAt
		entry.DueAt = due.Add(time.Minute)
		return s.Postpone(ctx, entry.Key, due, entry.DueAt)
	})
	step("record the outcome", map[string]int{"write": 20}, func() error {
		synced := must(entry.Move(intlog.Synced, "Passare sync", "", now.Add(2*time.Second)))
		synced.Postings[0].QuickBooksID = "1234"
		synced.Tried(intlog.Attempt{At: now, Outcome: "posted", Trace: "1-5f73a1b2-0123456789abcdef01234567"})
		entry, err = s.Update(ctx, synced)
		return err
	})
}

// signing is the first signing of the golden case as the claim stores it: seven lines.
func signing(realm string) intlog.Posting {
	p := intlog.Posting{N: 1, Doc: "24-0113-X5SVZ5YKYV", Date: "2026-03-02", Realm: realm, Request: "7d0a3b5e9c1f4826a1b2c3d4e5f60718"}
	for _, line := range strings.Fields("accounts_receivable/84/680000 gl:4000/50/-350000 gl:4100/51/-240000 cash_advances/60/-90000 cash_advances/60/-15000 cash_advances/60/-10000 discounts/71/25000") {
		part := strings.Split(line, "/")
		p.Movements = append(p.Movements, journal.Movement{
			Key:  journal.Key{Leg: "signing/1", Part: "i1", Account: part[0], Case: "case-24-0113", Branch: "main"},
			Fact: "2026-03-02", Amount: 1000, Description: "Professional services",
			Place: journal.Place{Account: part[1], Name: &journal.Name{Kind: journal.Customer, Key: "case:case-24-0113", ID: "67", Display: "John Smith"}},
		})
	}
	return p
}
