package local_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/rules"
	"github.com/passare/qbo-sync/internal/webhook"
)

// agreeable is a QuickBooks that takes everything at once, so that only our own cost is measured.
type agreeable struct{ id int }

func (a *agreeable) CreateJournalEntry(context.Context, org.Company, journal.Entry, string) (string, error) {
	a.id++
	return strconv.Itoa(a.id), nil
}

// CreateJournalEntries creates each by itself.
func (a *agreeable) CreateJournalEntries(ctx context.Context, at org.Company, entries []journal.BatchItem, id string) ([]journal.Outcome, error) {
	outcomes := make([]journal.Outcome, len(entries))
	for i, e := range entries {
		outcomes[i].ID, outcomes[i].Err = a.CreateJournalEntry(ctx, at, e.Entry, id)
	}
	return outcomes, nil
}

func (*agreeable) JournalEntriesByDocNumber(context.Context, org.Company, []string) ([]journal.FoundEntry, error) {
	return nil, nil
}

func (*agreeable) Preferences(context.Context, org.Company) (journal.Preferences, error) {
	return journal.Preferences{}, nil
}

func (a *agreeable) Known(ctx context.Context, at org.Company, n journal.Name) (journal.Name, bool, error) {
	matched, err := a.Match(ctx, at, n)
	return matched, true, err
}

func (*agreeable) Match(_ context.Context, _ org.Company, n journal.Name) (journal.Name, error) {
	n.ID = n.Key
	return n, nil
}

// bench is the road without HTTP to QuickBooks: handler, memory store and queue, worker.
type bench struct {
	b       *testing.B
	store   *memory.Store
	queue   *memory.Queue
	handler http.Handler
	worker  *posting.Worker
	config  org.Config
	n       int // deliveries so far, for their ids
}

func newBench(b *testing.B) *bench {
	b.Helper()
	x := &bench{b: b, store: memory.NewStore(), queue: memory.NewQueue()}
	verifier, err := webhook.New(local.DemoWebhookSecret)
	if err != nil {
		b.Fatal(err)
	}
	x.handler = &httpapi.Events{
		Acceptor: intake.New(x.store, x.queue, time.Now), Signatures: verifier, Now: time.Now, Log: slog.New(slog.DiscardHandler), NewTrace: func() string { return "" },
	}
	books := &agreeable{}
	x.worker = posting.New(x.store, books, books, time.Now)
	x.config = org.Config{
		Org: local.WillowCreek, Realm: local.WillowCreekRealm, Settings: org.Settings{AutoSync: true, AutoAddToExports: true},
		Mapping: org.Mapping{Roles: map[org.Role]string{}, GL: map[string]string{"4000": "4000"}},
	}
	for _, r := range org.Roles() {
		x.config.Mapping.Roles[r] = string(r)
	}
	if x.config, err = x.store.PutConfig(b.Context(), x.config, 0); err != nil {
		b.Fatal(err)
	}
	return x
}

// request makes a signed delivery.
func (x *bench) request(body string) *http.Request {
	x.n++
	now, id := time.Now(), "msg_"+strconv.Itoa(x.n)
	signature, err := webhook.Sign(local.DemoWebhookSecret, id, now, []byte(body))
	if err != nil {
		x.b.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
	r.Header = http.Header{
		"Content-Type": {"application/cloudevents+json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signature},
	}
	return r
}

func (x *bench) deliver(r *http.Request) {
	w := httptest.NewRecorder()
	x.handler.ServeHTTP(w, r)
	if w.Code != http.StatusAccepted {
		x.b.Fatalf("answered %d %s", w.Code, w.Body)
	}
}

// work posts what waits in the queue.
func (x *bench) work() {
	for {
		w, done, ok := x.queue.TryReceive()
		if !ok {
			return
		}
		if err := x.worker.Handle(x.b.Context(), w); err != nil {
			x.b.Fatal(err)
		}
		done()
	}
}

// fill brings n payments into the books.
func (x *bench) fill(n int) {
	for i := range n {
		x.deliver(x.request(paymentOf("full"+strconv.Itoa(i), 1)))
	}
	x.work()
}

// versions gives a payment n versions that are in the books, each a dollar more than the one before, as copies of two that
// were posted.
func (x *bench) versions(id string, n int) {
	for v := range int64(n) {
		e := x.template(min(v+1, 2))
		e.Record.ID, e.Version = id, v+1
		if _, created, err := x.store.Create(x.b.Context(), e, nil); err != nil || !created {
			x.b.Fatal("not created", err)
		}
	}
}

// template is a version of a payment that was posted for real.
func (x *bench) template(version int64) intlog.Entry {
	key := intlog.Key{Org: local.WillowCreek, Record: passare.Ref{Type: passare.Payment, ID: "template"}, Version: version}
	e, err := x.store.Entry(x.b.Context(), key)
	if fault.Is(err, fault.NotFound) {
		x.deliver(x.request(paymentOf("template", int(version))))
		x.work()
		e, err = x.store.Entry(x.b.Context(), key)
	}
	if err != nil || e.State != intlog.Synced {
		x.b.Fatalf("%s is %s (%s) %v", key.ID(), e.State, e.Why, err)
	}
	return e
}

func paymentOf(id string, version int) string {
	return event(local.WillowCreek, "payment.updated", id, version, "c1", fmt.Sprintf(`"method":"cash","date":"2026-03-04","amount":"%d.00"`, 10+version))
}

// contractOf is a contract of n items of which the last costs the version in dollars.
func contractOf(id string, version, n int) string {
	items := make([]string, n)
	for i := range items {
		amount := "10"
		if i == n-1 {
			amount = strconv.Itoa(version)
		}
		items[i] = fmt.Sprintf(`{"id":"i%d","kind":"service","gl_account":"4000","description":"Item %d","amount":"%s.00"}`, i, i, amount)
	}
	verb := "signed"
	if version > 1 {
		verb = "resigned"
	}
	return event(local.WillowCreek, "goods_and_services."+verb, id, version, "c"+id,
		fmt.Sprintf(`"signed_on":"2026-03-02","items":[%s],"total":"%d.00"`, strings.Join(items, ","), 10*(n-1)+version))
}

func nothing(*bench) {}

// BenchmarkTakeIn: POST /v1/events, signature, decoding and the durable write, beside how much is there already.
func BenchmarkTakeIn(b *testing.B) {
	measure := func(name string, prepare func(x *bench), body func(x *bench, i int) string) {
		b.Run(name, func(b *testing.B) {
			x := newBench(b)
			prepare(x)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				r := x.request(body(x, i))
				b.StartTimer()
				x.deliver(r)
			}
		})
	}
	for _, n := range []int{100, 10_000} {
		measure(fmt.Sprintf("organisation_of_%d_entries", n), func(x *bench) { x.fill(n) }, func(_ *bench, i int) string { return paymentOf("p"+strconv.Itoa(i), 1) })
	}
	for _, n := range []int{1, 1000} {
		measure(fmt.Sprintf("record_of_%d_versions", n), func(x *bench) { x.versions("p", n) }, func(_ *bench, i int) string { return paymentOf("p", n+1+i) })
	}
	for _, n := range []int{3, 30, 300} {
		measure(fmt.Sprintf("contract_of_%d_items", n), nothing, func(_ *bench, i int) string { return contractOf("k"+strconv.Itoa(i), 1, n) })
	}
}

// BenchmarkPlan: rules.Make alone, for the newest version of a record whose versions before it are in the books.
func BenchmarkPlan(b *testing.B) {
	x := newBench(b)
	measure := func(name string, versions int, body func(version int) string) {
		b.Run(name, func(b *testing.B) {
			in := rules.Input{Config: x.config}
			for v := range versions {
				e, err := passare.Decode([]byte(body(v + 1)))
				if err != nil {
					b.Fatal(err)
				}
				if v == versions-1 && v > 0 {
					for _, p := range rules.Make(in).Entries {
						for _, m := range p.Movements {
							in.Standing = append(in.Standing, rules.Standing{Movement: m, On: p.Date})
						}
					}
				}
				in.Versions, in.Entry = append(in.Versions, e), e.Version
			}
			b.ReportAllocs()
			for b.Loop() {
				if p := rules.Make(in); len(p.Entries) != 1 || len(p.Problems) != 0 {
					b.Fatalf("%+v", p)
				}
			}
		})
	}
	measure("payment", 1, func(v int) string { return paymentOf("p", v) })
	for _, n := range []int{3, 30, 300} {
		items := func(v int) string { return contractOf("k", v, n) }
		measure(fmt.Sprintf("contract_of_%d_items", n), 1, items)
		measure(fmt.Sprintf("contract_of_%d_items_signed_again", n), 2, items)
	}
	for _, n := range []int{10, 100, 1000} {
		measure(fmt.Sprintf("contract_of_3_items_and_%d_versions", n), n, func(v int) string { return contractOf("k", v, 3) })
	}
}

// BenchmarkPost: from the queue to synced (two reads, plan, claim, re-validation, record), with a QuickBooks that answers at once.
func BenchmarkPost(b *testing.B) {
	measure := func(name string, prepare func(x *bench), body func(x *bench, i int) string) {
		b.Run(name, func(b *testing.B) {
			x := newBench(b)
			prepare(x)
			b.ReportAllocs()
			id := ""
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				s := body(x, i)
				e, err := passare.Decode([]byte(s))
				if err != nil {
					b.Fatal(err)
				}
				id = intlog.Key{Record: e.Record, Version: e.Version}.ID()
				x.deliver(x.request(s))
				b.StartTimer()
				x.work()
			}
			key, err := intlog.ParseKey(local.WillowCreek, id)
			if err != nil {
				b.Fatal(err)
			}
			if e, err := x.store.Entry(b.Context(), key); err != nil || e.State != intlog.Synced {
				b.Fatalf("%s is %s (%s) %v", id, e.State, e.Why, err)
			}
		})
	}
	for _, n := range []int{100, 10_000} {
		measure(fmt.Sprintf("organisation_of_%d_entries", n), func(x *bench) { x.fill(n) }, func(_ *bench, i int) string { return paymentOf("p"+strconv.Itoa(i), 1) })
	}
	for _, n := range []int{1, 10, 100, 1000} {
		measure(fmt.Sprintf("record_of_%d_versions", n), nothing, func(x *bench, i int) string {
			each := max(n/10, 1) // from n to n + 10 % versions, then another record
			id := "p" + strconv.Itoa(i/each)
			if i%each == 0 {
				x.versions(id, n)
			}
			return paymentOf(id, n+1+i%each)
		})
	}
	for _, n := range []int{3, 30, 300} {
		measure(fmt.Sprintf("contract_of_%d_items", n), nothing, func(_ *bench, i int) string { return contractOf("k"+strconv.Itoa(i), 1, n) })
	}
}
