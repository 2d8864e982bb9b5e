package dynamo_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

func store(t *testing.T) *dynamo.Store {
	t.Helper()
	return dynamo.New(connect(t), table(t))
}

func now() time.Time { return time.Date(2026, 3, 4, 15, 0, 0, 123456789, time.UTC) }

// entry has a value in every field.
func entry(id string, state intlog.State) intlog.Entry {
	return intlog.Entry{
		Key: intlog.Key{Org: "a", Record: passare.Ref{Type: passare.Payment, ID: id}, Version: 1}, Rev: 1, State: state, Hash: "h", Data: []byte("{\"x\":\x00"),
		Cause: []rules.Problem{{Kind: rules.Mapping, Subject: "s", Text: "t", Who: "w", Where: "m"}}, Why: "y", Sentence: "s", Warnings: []string{"w"},
		Until: now(), DueAt: now().Add(time.Minute), Lease: now(), Polls: 1, N: 2, Config: 3, Choices: rules.Choices{Amounts: rules.Difference, Since: 1, Members: []string{"payment/p2"}},
		Postings: []intlog.Posting{{
			N: 1, Doc: "d", Date: "2026-03-04", Realm: "r", Request: "q", Faults: 1, QuickBooksID: "i", Closed: true,
			Movements: []journal.Movement{{Amount: -12345, Place: journal.Place{Account: "1", Name: &journal.Name{Key: "case:1", ID: "7"}}}},
		}},
		Created: now(), Kind: "payment.created", Reference: "ref", Case: "c", CaseNo: "24-1", Name: "John Smith", Branch: "main", Date: "2026-03-04", Amount: 12345, Page: passare.PaymentsPage,
		Attempts: []intlog.Attempt{{At: now(), Outcome: "o", Code: "6000", Trace: "t"}}, History: []intlog.Step{{At: now(), Who: "w", From: intlog.Queued, To: intlog.Claimed, Why: "y"}},
	}
}

func create(t *testing.T, s *dynamo.Store, e intlog.Entry, mentions ...passare.Ref) {
	t.Helper()
	if _, created, err := s.Create(t.Context(), e, mentions); err != nil || !created {
		t.Fatalf("created %t: %v", created, err)
	}
}

func TestEveryFieldOfAnEntryIsStored(t *testing.T) {
	t.Parallel()
	s, want := store(t), entry("p1", intlog.Claimed)
	for i, v := 0, reflect.ValueOf(want); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("this test says nothing about %s", v.Type().Field(i).Name)
		}
	}
	create(t, s, want)
	got, err := s.Entry(t.Context(), want.Key)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestAQuarantinedDeliveryKeepsWhyItWasNotTaken(t *testing.T) {
	t.Parallel()
	s := store(t)
	want := intlog.Quarantined{
		Org: "a", Record: passare.Ref{Type: passare.Payment, ID: "p1"}, At: now(), Body: []byte("not JSON"),
		Reason: fault.Error{Code: fault.Invalid, Message: "m", Fields: []fault.Field{{Field: "f", Value: "v", Problem: "p"}}, Class: fault.Data, Who: "w", Remedy: "r", Cause: errors.New("why")},
	}
	if err := s.Quarantine(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	kept, err := s.Quarantined(t.Context(), "a")
	texts := cmp.Comparer(func(a, b error) bool { return a.Error() == b.Error() })
	if diff := cmp.Diff([]intlog.Quarantined{want}, kept, texts); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestListsAreReadInMoreThanOneRequest(t *testing.T) {
	t.Parallel()
	s := store(t)
	const entries, synced = 230, 23
	for i := range entries {
		e := entry(fmt.Sprintf("p%03d", i), intlog.Excluded)
		if i%10 == 0 {
			e.State = intlog.Synced
		}
		e.DueAt = time.Time{}
		e.Created = e.Created.Add(time.Duration(i) * time.Second)
		create(t, s, e)
	}
	for tab, want := range map[string]int{"all": entries, "synced": synced} {
		for _, limit := range []int{1, 7, 1000} {
			if limit == 1 && tab == "all" {
				continue
			}
			got, after := 0, intlog.Mark{}
			for {
				page, err := s.List(t.Context(), "a", tab, after, limit)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				got, after = got+len(page), intlog.MarkOf(page[len(page)-1])
			}
			if got != want {
				t.Errorf("%s, %d a page: %d, want %d", tab, limit, got, want)
			}
		}
	}
}

func TestWhatIsDueIsTheLongestDueOfAllOrganisations(t *testing.T) {
	t.Parallel()
	s := store(t)
	for i := range 40 {
		e := entry("p1", intlog.Queued)
		e.Org, e.DueAt = fmt.Sprint("org-", i*7%40), now().Add(time.Duration(i)*time.Second)
		create(t, s, e)
	}
	due, err := s.Due(t.Context(), now().Add(20*time.Second), 15, 15)
	if err != nil || len(due) != 15 {
		t.Fatalf("%d due, %v", len(due), err)
	}
	for i, e := range due {
		if want := now().Add(time.Duration(i) * time.Second); !e.DueAt.Equal(want) {
			t.Errorf("number %d is due %s, want %s", i, e.DueAt, want)
		}
	}
}

func TestManyMentionsAreStored(t *testing.T) {
	t.Parallel()
	s := store(t)
	var members []passare.Ref
	for i := range 60 {
		members = append(members, passare.Ref{Type: passare.Payment, ID: fmt.Sprint("p", i)})
	}
	create(t, s, entry("batch", intlog.Pending), members...)
	for _, m := range members {
		if r, err := s.Record(t.Context(), "a", m); err != nil || len(r.MentionedBy) != 1 {
			t.Errorf("%s: %+v %v", m, r, err)
		}
	}
}

func TestManyMayNoteAtOnce(t *testing.T) {
	t.Parallel()
	s := store(t)
	if _, err := s.PutConfig(t.Context(), org.Config{Org: "a"}, 0); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	const many = 20
	for i := range many {
		all.Go(func() {
			if err := s.Mended(t.Context(), "a", []time.Time{now().Add(time.Duration(i) * time.Second)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if c, err := s.Config(t.Context(), "a"); err != nil || c.Grants != many || len(c.Sweeps) != many {
		t.Errorf("%d grants, %d sweeps, %v", c.Grants, len(c.Sweeps), err)
	}
}

func TestNoIdReachesAnotherOrganisation(t *testing.T) {
	t.Parallel()
	s := store(t)
	create(t, s, entry("p1", intlog.Pending))
	for _, k := range []intlog.Key{
		{Org: "a#R", Record: passare.Ref{Type: passare.Payment, ID: "p1"}, Version: 1},
		{Org: "a", Record: passare.Ref{Type: "payment#p1", ID: ""}, Version: 1},
	} {
		if _, err := s.Entry(t.Context(), k); !fault.Is(err, fault.NotFound) {
			t.Errorf("%+v: %v", k, err)
		}
	}
	odd := entry("p#1%23", intlog.Pending)
	create(t, s, odd)
	if got, err := s.Entry(t.Context(), odd.Key); err != nil || got.Key != odd.Key {
		t.Errorf("%+v %v", got.Key, err)
	}
	if list, err := s.List(t.Context(), "a#pending", "all", intlog.Mark{}, 10); err != nil || len(list) > 0 {
		t.Errorf("%d %v", len(list), err)
	}
}

func TestAnIdThatIsTooLongNamesNothing(t *testing.T) {
	t.Parallel()
	s := store(t)
	long := entry(rand.Text()+string(make([]byte, 3000)), intlog.Pending)
	if _, err := s.Entry(t.Context(), long.Key); !fault.Is(err, fault.NotFound) {
		t.Errorf("read: %v", err)
	}
	if _, _, err := s.Create(t.Context(), long, nil); !fault.Is(err, fault.TooLarge) {
		t.Errorf("written: %v", err)
	}
	if list, err := s.List(t.Context(), "a", "all", intlog.MarkOf(long), 10); err != nil || len(list) > 0 {
		t.Errorf("listed: %v", err)
	}
	at := org.Company{Org: "a", Realm: "1"}
	if _, err := s.PutLink(t.Context(), at, intlog.Link{Kind: journal.Customer, Key: long.Record.ID, ID: "7"}); !fault.Is(err, fault.TooLarge) {
		t.Errorf("linked: %v", err)
	}
}

func TestWhatIsLargerThanAnItemIsRefused(t *testing.T) {
	t.Parallel()
	s, e := store(t), entry("p1", intlog.Pending)
	e.Data = make([]byte, 500<<10)
	if _, err := rand.Read(e.Data); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Create(t.Context(), e, nil); !fault.Is(err, fault.TooLarge) {
		t.Errorf("%v", err)
	}
}
