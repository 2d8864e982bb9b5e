package dynamo_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/reconcile"
)

func company() org.Company { return org.Company{Org: "a", Realm: "1"} }

func putPaper(t *testing.T, s *dynamo.Store, p reconcile.Paper) reconcile.Paper {
	t.Helper()
	p, err := s.PutPaper(t.Context(), company(), p)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPaperThatIsTooLargeForAnItemIsNotKeptAtAll(t *testing.T) {
	t.Parallel()
	s := store(t)
	p := putPaper(t, s, reconcile.Paper{Kind: "k", ID: "p", Open: true, Body: []byte("{}")})
	p.Body = make([]byte, 400<<10)
	luck := rand.NewChaCha8([32]byte{})
	_, _ = luck.Read(p.Body)
	for _, open := range []bool{true, false} {
		p.Open = open
		if _, err := s.PutPaper(t.Context(), company(), p); !fault.Is(err, fault.TooLarge) {
			t.Errorf("it is answered %v", err)
		}
	}
	list, err := s.ListPapers(t.Context(), company(), "k", "", 10, true)
	if err != nil || len(list) != 1 || string(list[0].Body) != "{}" || list[0].Rev != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestTheLongestIdOfAPaperCanBeListedAfter: the next possible key is a key, too.
func TestTheLongestIdOfAPaperCanBeListedAfter(t *testing.T) {
	t.Parallel()
	s := store(t)
	longest := strings.Repeat("x", 1024-len("k#")-1)
	for _, open := range []bool{false, true} {
		p := reconcile.Paper{Kind: "k", ID: longest + "x", Open: open}
		if _, err := s.PutPaper(t.Context(), company(), p); !fault.Is(err, fault.TooLarge) {
			t.Errorf("a longer one: %v", err)
		}
	}
	putPaper(t, s, reconcile.Paper{Kind: "k", ID: longest, Open: true})
	putPaper(t, s, reconcile.Paper{Kind: "k", ID: "y", Open: true})
	for _, open := range []bool{false, true} {
		list, err := s.ListPapers(t.Context(), company(), "k", longest, 10, open)
		if err != nil || len(list) != 1 || list[0].ID != "y" {
			t.Errorf("%+v, %v", list, err)
		}
	}
	far := org.Company{Org: "a", Realm: strings.Repeat("1", 2048-len("O#a#proof#"))} // its papers' partition has a name, and that of their markers none
	if _, err := s.PutPaper(t.Context(), far, reconcile.Paper{Kind: "k", ID: "p"}); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a company of a long name: %v", err)
	}
}

// TestAPageOfOpenPapersIsFullThoughSomeAreClosedMeanwhile: who gets a short page takes it for the last one.
func TestAPageOfOpenPapersIsFullThoughSomeAreClosedMeanwhile(t *testing.T) {
	t.Parallel()
	name, once := table(t), sync.Once{}
	writer := dynamo.New(connect(t), name)
	var papers []reconcile.Paper
	for i := range 10 {
		papers = append(papers, putPaper(t, writer, reconcile.Paper{Kind: "k", ID: fmt.Sprint(i), Open: true}))
	}
	closing := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		if _, reads := in.Parameters.(*dynamodb.BatchGetItemInput); reads { // the markers are read
			once.Do(func() {
				papers[0].Open, papers[2].Open = false, false
				putPaper(t, writer, papers[0])
				putPaper(t, writer, papers[2])
				if err := writer.DropPaper(ctx, company(), "k", "3"); err != nil {
					t.Error(err)
				}
			})
		}
		return next.HandleInitialize(ctx, in)
	}
	reader := dynamo.New(connect(t, func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("closing", closing), middleware.Before)
		})
	}), name)
	list, err := reader.ListPapers(t.Context(), company(), "k", "", 5, true)
	var ids []string
	for _, p := range list {
		ids = append(ids, p.ID)
	}
	if want := []string{"1", "4", "5", "6", "7"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("%v, want %v: %v", ids, want, err)
	}
}

// TestOpenPapersAreListedWithoutReadingTheOthers, and what a paper costs (doc.go).
func TestOpenPapersAreListedWithoutReadingTheOthers(t *testing.T) {
	t.Parallel()
	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		t.Skip("units are counted on DynamoDB Local alone: ministack's are not AWS's (../porttest/doc.go)")
	}
	m := &meter{spent: map[string]int{}}
	s := dynamo.New(connect(t, m.watch), table(t))
	for i := range 100 {
		putPaper(t, s, reconcile.Paper{Kind: "k", ID: fmt.Sprint(i), Open: i == 50, Body: make([]byte, 3000)})
	}
	units := m.spend(t, func() error {
		list, err := s.ListPapers(t.Context(), company(), "k", "", 100, true)
		if len(list) != 1 {
			t.Errorf("%d papers", len(list))
		}
		return err
	})
	if units["read"] != 20 {
		t.Errorf("%d tenths of a unit are read", units["read"])
	}
	p := reconcile.Paper{Kind: "k", ID: "p", Body: []byte("{}")}
	for _, what := range []string{"made", "changed"} {
		units := m.spend(t, func() (err error) {
			p, err = s.PutPaper(t.Context(), company(), p)
			return err
		})
		if units["write"] != 10 || units["read"] > 0 {
			t.Errorf("%s for %v tenths of a unit", what, units)
		}
	}
}
