package telemetry_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/golden"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/review"
)

// told is what a line must say of a write.
type told struct {
	Entry, From, To, Who string
	Unknown              bool
}

// spy is a store that sees what stood before each write, which a line only has from the entry itself.
type spy struct {
	*memory.Store
	mu     sync.Mutex
	writes []told
	alive  int // how many updates the process lives yet; 0: for ever
}

// killed is what a worker's write comes to when its process is ended before.
func killed() error { return fault.New(fault.Unavailable, "The process was ended.") }

func faults(e intlog.Entry) (n int) {
	for _, p := range e.Postings {
		n += p.Faults
	}
	return n
}

func (s *spy) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	if s.alive > 0 {
		if s.alive--; s.alive == 0 {
			return e, killed()
		}
	}
	before, err := s.Entry(ctx, e.Key)
	if err != nil {
		return e, err
	}
	after, err := s.Store.Update(ctx, e)
	if err != nil {
		return after, err
	}
	w := told{Entry: e.ID(), From: string(before.State), To: string(after.State), Who: "machine"}
	stepped := len(after.History) > len(before.History)
	if stepped && after.History[len(after.History)-1].Who != machine {
		w.Who = "person"
	}
	again := stepped && before.State == intlog.Claimed && after.State == intlog.Claimed
	w.Unknown = again || faults(after) > faults(before)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, w)
	return after, nil
}

// answer is one of QuickBooks: a fault, which says nothing of whether the entry arrived.
type answer struct {
	fault   *fault.Error
	arrived bool
}

// books are QuickBooks: each entry is answered by the next of the answers, and taken in when there is none left.
type books struct {
	answers []answer
	taken   []journal.FoundEntry
}

func (b *books) CreateJournalEntry(_ context.Context, _ org.Company, e journal.Entry, _ string) (string, error) {
	a := answer{arrived: true}
	if len(b.answers) > 0 {
		a, b.answers = b.answers[0], b.answers[1:]
	}
	id := fmt.Sprint(100 + len(b.taken))
	if a.arrived {
		b.taken = append(b.taken, journal.FoundEntry{ID: id, DocNumber: e.DocNumber(), Note: e.Note()})
	}
	if a.fault != nil {
		return "", a.fault
	}
	return id, nil
}

// CreateJournalEntries creates each by itself.
func (b *books) CreateJournalEntries(ctx context.Context, at org.Company, entries []journal.BatchItem, id string) ([]journal.Outcome, error) {
	outcomes := make([]journal.Outcome, len(entries))
	for i, e := range entries {
		outcomes[i].ID, outcomes[i].Err = b.CreateJournalEntry(ctx, at, e.Entry, id)
	}
	return outcomes, nil
}

func (b *books) JournalEntriesByDocNumber(_ context.Context, _ org.Company, docs []string) ([]journal.FoundEntry, error) {
	return slices.DeleteFunc(slices.Clone(b.taken), func(f journal.FoundEntry) bool { return !slices.Contains(docs, f.DocNumber) }), nil
}

func (b *books) Preferences(context.Context, org.Company) (journal.Preferences, error) {
	return journal.Preferences{}, nil
}

// Known knows no name.
func (*books) Known(_ context.Context, _ org.Company, n journal.Name) (journal.Name, bool, error) {
	return n, false, nil
}

// Match gives any name an id.
func (b *books) Match(_ context.Context, _ org.Company, n journal.Name) (journal.Name, error) {
	n.ID = "7"
	return n, nil
}

const willow = "willow-creek"

// road is the product on a watched store: events come over HTTP, so that the watch learns the names in them.
type road struct {
	*room
	spy     *spy
	books   *books
	queue   *memory.Queue
	retrier *retrying.Retrier
	desk    *review.Desk
	worker  *posting.Worker
	client  *http.Client
	url     string
}

func newRoad(t *testing.T, company golden.Company) *road {
	t.Helper()
	r := &road{room: newRoom(t), books: &books{}, queue: memory.NewQueue()}
	r.spy = &spy{Store: r.memory}
	r.store = r.telemetry.Watch(r.spy)
	r.watch.Business(company.Company)
	c := org.Config{
		Org: willow, Name: company.Company, Realm: "1001", Settings: org.Settings{AutoSync: true, AutoAddToExports: true},
		Mapping: org.Mapping{Roles: map[org.Role]string{}, GL: company.Mapping.GLAccounts},
	}
	for role, account := range company.Mapping.Roles {
		c.Mapping.Roles[org.Role(role)] = account
	}
	if _, err := r.memory.PutConfig(t.Context(), c, 0); err != nil {
		t.Fatal(err)
	}
	in := intake.New(r.store, r.queue, r.clock.now)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err == nil {
			err = in.Accept(req.Context(), body).Err
		}
		if err != nil {
			http.Error(w, string(fault.CodeOf(err)), http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	r.client, r.url = &http.Client{Transport: r.watch.Carry(&http.Transport{DisableKeepAlives: true})}, server.URL
	r.retrier = retrying.New(r.store, r.queue, r.clock.now)
	r.desk = review.New(r.store, r.queue, r.clock.now)
	r.worker = posting.New(r.store, r.books, r.books, r.clock.now)
	return r
}

// send sends an event and works off what it brings.
func (r *road) send(event []byte, status int) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url, bytes.NewReader(event))
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != status {
		r.t.Fatalf("answered %d, want %d: %v", res.StatusCode, status, err)
	}
	r.work()
}

// pay sends a payment.
func (r *road) pay(id string, status int, fields string) string {
	r.t.Helper()
	return r.event("payment.created", id, 1, status, fields)
}

// event sends an event of a case whose number is a name.
func (r *road) event(kind, id string, version, status int, fields string) string {
	r.t.Helper()
	record, _, _ := strings.Cut(kind, ".")
	r.send(fmt.Appendf(nil, `{"specversion":"1.0","id":"evt-%s","source":"/organizations/%s","type":"com.passare.%s","time":"2026-03-04T15:00:00Z",
		"data":{"record":{"type":%q,"id":%q,"version":%d},"case":{"id":"c9","number":"Quill","decedent":{"first":"Vera","last":"Quill"}},
		"branch":{"id":"main"},"actor":{"id":"u1","name":"Ana Diaz"},%s}}`, id, willow, kind, record, id, version, fields), status)
	return fmt.Sprintf("%s.%s.%d", record, id, version)
}

const cash = `"method":"cash","date":"2026-03-04","amount":"10.00"`

func (r *road) work() {
	r.t.Helper()
	for {
		w, done, ok := r.queue.TryReceive()
		if !ok {
			return
		}
		r.clock.advance(time.Millisecond)
		if err := r.worker.Handle(r.t.Context(), w); err != nil && !fault.Is(err, fault.Unavailable) {
			r.t.Fatal(err)
		}
		done()
	}
}

func (r *road) later(d time.Duration) {
	r.t.Helper()
	r.clock.advance(d)
	if _, err := r.retrier.Run(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.work()
}

func (r *road) is(id string, s intlog.State) {
	r.t.Helper()
	key, err := intlog.ParseKey(willow, id)
	if err != nil {
		r.t.Fatal(err)
	}
	if e, err := r.memory.Entry(r.t.Context(), key); err != nil || e.State != s {
		r.t.Fatalf("%s is %s (%s), not %s: %v", id, e.State, e.Why, s, err)
	}
}

func (r *road) config(change func(*org.Config)) {
	r.t.Helper()
	c, err := r.memory.Config(r.t.Context(), willow)
	if err != nil {
		r.t.Fatal(err)
	}
	change(&c)
	if _, err := r.memory.PutConfig(r.t.Context(), c, c.Version); err != nil {
		r.t.Fatal(err)
	}
}

// TestWhatIsToldOfTheWholeRoadIsSoAndTellsNoName: the golden case, and then every trouble that a try may have. The watch reads each line when the test ends.
func TestWhatIsToldOfTheWholeRoadIsSoAndTellsNoName(t *testing.T) {
	t.Parallel()
	g, err := golden.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := newRoad(t, g.Company)
	for _, event := range g.Events {
		r.send(event, http.StatusOK)
	}
	say := func(code fault.Code, class fault.Class) *fault.Error {
		return &fault.Error{Code: code, Class: class, Message: "Vera Quill is in use", Origin: "6000", Trace: "1-5f73"}
	}
	const lease = intlog.FirstDue + intlog.DueAfterLease // by then it is over, and what was claimed is due
	unknown := say(fault.Unknown, "")

	r.books.answers = []answer{{fault: unknown}, {fault: unknown}}
	id := r.pay("unknown-twice", http.StatusOK, cash)
	r.is(id, intlog.Claimed)
	r.later(lease)
	r.is(id, intlog.Claimed)
	r.later(lease)
	r.is(id, intlog.Synced)

	signed := func(version int, verb, on string) string {
		return r.event("goods_and_services."+verb, "two-dates", version, http.StatusOK, `"signed_on":"`+on+
			`","items":[{"id":"i1","kind":"service","gl_account":"4000","description":"Services","amount":"10.00"}],"total":"10.00"`)
	}
	r.is(signed(1, "signed", "2026-03-02"), intlog.Synced)
	r.books.answers = []answer{{unknown, true}, {fault: say(fault.Refused, fault.Data)}}
	id = signed(2, "sign_date_changed", "2026-03-04")
	r.is(id, intlog.Claimed)
	r.later(lease) // the first is found, and what was refused is planned and claimed anew
	r.is(id, intlog.Synced)

	r.spy.alive = 2 // the claim is written, and nothing after it
	id = r.pay("killed", http.StatusOK, cash)
	r.is(id, intlog.Claimed)
	r.later(lease)
	r.is(id, intlog.Synced)

	r.spy.alive = 2
	id = r.pay("killed-and-stranded", http.StatusOK, cash)
	r.config(func(c *org.Config) { c.Realm = "1002" })
	r.later(lease)
	r.is(id, intlog.Claimed)
	r.config(func(c *org.Config) { c.Realm = "1001" })
	r.later(time.Hour)
	r.is(id, intlog.Synced)

	r.books.answers = []answer{{fault: say(fault.Throttled, fault.Transient)}}
	id = r.pay("paused", http.StatusOK, cash)
	r.is(id, intlog.Waiting)
	r.later(lease)
	r.is(id, intlog.Synced)

	r.books.answers = []answer{{fault: say(fault.Refused, fault.Data)}}
	id = r.pay("refused", http.StatusOK, cash)
	r.is(id, intlog.Failed)
	key, err := intlog.ParseKey(willow, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, released, err := r.desk.Sync(t.Context(), key, nil, "Ana Diaz"); err != nil || !released {
		t.Fatalf("released %t: %v", released, err)
	}
	r.work()
	r.is(id, intlog.Synced)

	r.books.answers = []answer{{fault: say(fault.Disconnected, fault.Connection)}}
	id = r.pay("disconnected", http.StatusOK, cash)
	r.is(id, intlog.Failed)
	if n, err := r.retrier.Reconnected(t.Context(), willow); err != nil || n != 1 {
		t.Fatalf("%d released: %v", n, err)
	}
	r.work()
	r.is(id, intlog.Synced)

	r.books.answers = []answer{{fault: unknown}}
	id = r.pay("stranded", http.StatusOK, cash)
	r.config(func(c *org.Config) { c.Realm = "1002" })
	r.later(lease)
	r.is(id, intlog.Claimed)
	r.config(func(c *org.Config) { c.Realm = "1001" })
	r.later(time.Hour)
	r.is(id, intlog.Synced)

	r.config(func(c *org.Config) { c.Settings.AutoSync = false })
	r.is(r.pay("reviewed", http.StatusOK, cash), intlog.Pending)
	r.pay("refused", http.StatusBadRequest, `"method":"cash","date":"2026-03-04","amount":"11.00"`)
	r.pay("unreadable", http.StatusBadRequest, `"payer":7`)

	var got []told
	kinds := map[string]int{}
	for _, written := range r.out.take() {
		embedded(t, written)
		line := parsed(t, written)
		kinds[line["message"].(string)]++
		if from, moved := line["from"]; line["message"] == "transition" && moved {
			got = append(got, told{line["entry"].(string), from.(string), line["to"].(string), line["who"].(string), line["OutcomesUnknown"] != nil})
		}
	}
	if diff := cmp.Diff(r.spy.writes, got); diff != "" {
		t.Errorf("what was written, and what is told (-want +got):\n%s", diff)
	}
	want := map[string]int{"transition": len(got) + len(g.Events) + 10, "connection broken": 1, "delivery quarantined": 2}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	var all strings.Builder
	for _, w := range got {
		fmt.Fprintln(&all, w.From, w.To, w.Unknown)
	}
	for _, must := range []string{"posting posting true", "posting posting false", "queued posting false", "waiting posting false", "failed queued false", "posting failed false", "posting queued false"} {
		if !strings.Contains(all.String(), must) {
			t.Errorf("the road had no %q", must)
		}
	}
}
