package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
)

// anaActs is everybody who has a token.
type anaActs struct{}

func (anaActs) Person(context.Context, string) (org.Person, error) {
	return org.Person{Subject: "anaActs", Name: "Ana Diaz", Org: "a", Permissions: []org.Permission{org.SeeLog}}, nil
}

// kept keeps answers by their keys.
type kept struct {
	mu      sync.Mutex
	replies map[string]org.Reply
}

func (k *kept) Reply(_ context.Context, _ org.Person, key string) (org.Reply, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, found := k.replies[key]
	return r, found, nil
}

func (k *kept) PutReply(_ context.Context, _ org.Person, key string, r org.Reply) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.replies[key]; !known {
		k.replies[key] = r
	}
	return nil
}

// office is the call on many entries over HTTP, with a store that can break.
type office struct {
	t       *testing.T
	server  *httptest.Server
	store   *memory.Store
	mu      sync.Mutex
	writes  int
	breaks  int // at this write and after it
	replies *kept
}

func (o *office) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	o.mu.Lock()
	o.writes++
	broken := o.breaks > 0 && o.writes >= o.breaks
	o.mu.Unlock()
	if broken {
		return e, fault.New(fault.Unavailable, "Try again later.")
	}
	return o.store.Update(ctx, e)
}

// unruly is the store as the desk sees it.
type unruly struct {
	*memory.Store
	o *office
}

func (u unruly) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	return u.o.Update(ctx, e)
}

// hurried is a desk whose calls have little time left.
type hurried struct {
	*review.Desk
	left time.Duration
}

func (h hurried) DoAll(ctx context.Context, id string, m review.Many) (review.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, h.left)
	defer cancel()
	return h.Desk.DoAll(ctx, id, m)
}

func newOffice(t *testing.T, desk func(*review.Desk) httpapi.Actor) *office {
	t.Helper()
	o := &office{t: t, store: memory.NewStore(), replies: &kept{replies: map[string]org.Reply{}}}
	now := func() time.Time { return time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC) }
	mux := http.NewServeMux()
	api := httpapi.NewAPI(mux, httpapi.Gate{People: anaActs{}, Replies: o.replies, Now: readAt, NewTrace: func() string { return "trace" }})
	(&httpapi.Acts{Desk: desk(review.New(unruly{o.store, o}, memory.NewQueue(), now))}).Register(api)
	o.server = httptest.NewServer(mux)
	t.Cleanup(o.server.Close)
	return o
}

// has stores pending payments and answers their ids.
func (o *office) has(n int) (ids []string) {
	o.t.Helper()
	for i := range n {
		e := intlog.New(passare.Event{
			Org: "a", Record: passare.Ref{Type: passare.Payment, ID: fmt.Sprint("p", i)}, Version: 1, Verb: passare.Created, Raw: []byte(`{}`),
			Body: &passare.PaymentBody{Amount: 1000, Date: "2026-03-04"},
		}, intlog.Pending, "", time.Date(2026, 3, 4, 14, 0, i, 0, time.UTC))
		if _, _, err := o.store.Create(o.t.Context(), e, nil); err != nil {
			o.t.Fatal(err)
		}
		ids = append(ids, e.ID())
	}
	return ids
}

type acted struct {
	Results []struct{ ID, Outcome string }
	Totals  map[string]struct {
		Count  int
		Amount string
	}
}

// sync asks for all of them under one Idempotency-Key.
func (o *office) sync(ids []string) (status int, answer acted, raw string) {
	o.t.Helper()
	body, err := json.Marshal(map[string]any{"action": "sync", "ids": ids})
	if err != nil {
		o.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.server.URL+"/v1/entries/actions", strings.NewReader(string(body)))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer x")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "key")
	res, err := o.server.Client().Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	var text json.RawMessage
	if err := json.NewDecoder(res.Body).Decode(&text); err != nil {
		o.t.Fatal(err)
	}
	_ = json.Unmarshal(text, &answer)
	return res.StatusCode, answer, string(text)
}

func itself(d *review.Desk) httpapi.Actor { return d }

func TestTheSameCallAfterACrashInTheMiddleDoesTheRest(t *testing.T) {
	t.Parallel()
	o := newOffice(t, itself)
	ids := o.has(1_000)
	o.breaks = 500
	if status, _, raw := o.sync(ids); status != http.StatusServiceUnavailable {
		t.Fatalf("%d %.200s", status, raw)
	}
	o.breaks = 0
	status, answer, raw := o.sync(ids)
	if status != http.StatusOK || len(answer.Results) != 1_000 || answer.Totals["already"].Count != 499 || answer.Totals["done"].Count != 501 || answer.Totals["done"].Amount != "5010.00" {
		t.Fatalf("%d %+v", status, answer.Totals)
	}
	writes := o.writes
	if _, _, again := o.sync(ids); again != raw || o.writes != writes {
		t.Errorf("a repeat is answered otherwise, or writes: %d", o.writes-writes)
	}
	for _, id := range ids {
		key, err := intlog.ParseKey("a", id)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := o.store.Entry(t.Context(), key); err != nil || e.State != intlog.Queued || len(e.History) != 2 {
			t.Fatalf("%s: %s, %d steps, %v", id, e.State, len(e.History), err)
		}
	}
}

func TestAnAnswerThatAsksForTheSameAgainIsNotKept(t *testing.T) {
	t.Parallel()
	left := time.Second
	o := newOffice(t, func(d *review.Desk) httpapi.Actor { return hurried{d, left} })
	ids := o.has(3)
	for range 2 {
		if status, answer, _ := o.sync(ids); status != http.StatusOK || answer.Totals["not_begun"].Count != 3 {
			t.Errorf("%d %+v", status, answer)
		}
	}
	if len(o.replies.replies) != 0 {
		t.Error("it was kept")
	}
}
