package reconcile_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/retrying"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

const (
	willow = "willow-creek"
	realm  = "1001"
)

// books is the product of one organisation around the proof: real store, queue, worker and client, the simulator over real HTTP, and a clock that only
// tests move. Nothing runs by itself.
type books struct {
	t        testing.TB
	clock    *clock
	store    *memory.Store
	queue    *memory.Queue
	sim      *qbosim.Sim
	intake   *intake.Intake
	retrier  *retrying.Retrier
	client   *qbo.Client
	worker   *posting.Worker
	leases   *memory.Leases
	asked    []reconcile.Request
	proof    *reconcile.Proof
	mapping  org.Mapping
	serial   int
	accounts map[string]string // ids by name
	named    map[string]string // customers, ids by name
}

func start() time.Time { return time.Date(2026, 3, 2, 16, 0, 0, 0, time.UTC) }

// newBooks opens the books of an organisation with a chart of its own.
func newBooks(t testing.TB) *books {
	t.Helper()
	b := &books{t: t, mapping: org.Mapping{Roles: map[org.Role]string{}, GL: map[string]string{}}}
	var chart []qbosim.NewAccount
	add := func(name, kind string) string {
		chart = append(chart, qbosim.NewAccount{Name: name, AccountType: kind})
		return strconv.Itoa(len(chart))
	}
	for _, role := range []org.Role{
		org.DepositsClearing, org.CardClearing, org.CashAdvances, org.SalesTax, org.Discounts, org.FinanceIncome, org.Adjustments,
		org.InsuranceFees, org.MerchantFees, org.ReturnedPaymentFees, org.InsuranceGrowth, org.RefundsPayable, org.Bank("operating"),
	} {
		b.mapping.Roles[role] = add(strings.ReplaceAll(string(role), ":", " "), "Other Current Asset")
	}
	b.mapping.Roles[org.AccountsReceivable] = add("accounts_receivable", "Accounts Receivable")
	b.mapping.GL["4000"], b.mapping.GL["4100"], b.mapping.GL["6100"] = add("4000", "Income"), add("4100", "Income"), add("6100", "Expense")
	add("rent", "Expense")
	b.open(chart)
	return b
}

func (b *books) open(chart []qbosim.NewAccount) {
	b.t.Helper()
	b.clock = &clock{at: start()}
	b.store, b.queue, b.leases = memory.NewStore(), memory.NewQueue(), memory.NewLeases()
	b.sim = qbosim.New(qbosim.Options{Now: b.clock.now, ClientID: "id", ClientSecret: "secret"})
	server := httptest.NewServer(b.sim.Handler())
	b.t.Cleanup(server.Close)
	if err := b.sim.AddCompany(qbosim.Company{Realm: realm, Name: "Willow Creek", Accounts: chart}); err != nil {
		b.t.Fatal(err)
	}
	b.accounts = map[string]string{}
	for i, a := range chart {
		b.accounts[a.Name] = strconv.Itoa(i + 1)
	}
	config := org.Config{Org: willow, Realm: realm, Mapping: b.mapping, Settings: org.Settings{AutoSync: true, AutoAddToExports: true}}
	if _, err := b.store.PutConfig(context.Background(), config, 0); err != nil {
		b.t.Fatal(err)
	}
	web := server.Client()
	oauth, err := qbo.NewOAuth(qbo.OAuthOptions{
		TokenURL: server.URL + "/oauth2/v1/tokens/bearer", RevokeURL: server.URL + "/v2/oauth2/tokens/revoke", ClientID: "id", ClientSecret: "secret",
	}, web, time.Minute)
	if err != nil {
		b.t.Fatal(err)
	}
	taker := lease.New(b.leases, "worker", b.clock.now)
	keeper := grant.New(memory.NewSecrets(), taker, oauth, b.clock.now)
	if err := b.store.OwnCompany(context.Background(), org.Company{Org: willow, Realm: realm}); err != nil {
		b.t.Fatal(err)
	}
	tokens, err := oauth.Refresh(context.Background(), b.sim.Grant(realm))
	if err == nil {
		err = keeper.Connect(context.Background(), willow, realm, tokens, false)
	}
	if err == nil {
		b.client, err = qbo.New(qbo.Options{BaseURL: server.URL, HTTP: web, Tokens: keeper, Timeout: time.Minute, Now: b.clock.now, Meter: b.store, Pauses: b.store})
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.worker = posting.New(b.store, b.client, matching.New(b.store, b.client, taker, b.clock.now), b.clock.now)
	b.intake = intake.New(b.store, b.queue, b.clock.now)
	b.retrier = retrying.New(b.store, b.queue, b.clock.now)
	b.proof = reconcile.New(reconcile.Options{
		Store: b.store, Books: b.client, Planner: b.worker, Queue: b.queue, Requests: b, Leases: b.leases, Process: "test", Now: b.clock.now,
	})
}

// Request keeps what was asked for.
func (b *books) Request(_ context.Context, r reconcile.Request) error {
	b.asked = append(b.asked, r)
	return nil
}

// funeral is a case.
type funeral struct{ id, number, first, last string }

func (b *books) funeral() funeral {
	b.serial++
	n := strconv.Itoa(b.serial)
	return funeral{id: "c" + n, number: "26-" + n, first: "John", last: "Smith " + n}
}

// event makes an event of the case; kinds without one pass none.
func (b *books) event(c *funeral, kind, id string, version int, fields string) string {
	record, _, _ := strings.Cut(kind, ".")
	about := ""
	if c != nil {
		about = fmt.Sprintf(`"case":{"id":%q,"number":%q,"decedent":{"first":%q,"last":%q}},`, c.id, c.number, c.first, c.last)
	}
	return fmt.Sprintf(`{"specversion":"1.0","id":"evt-%s-%d","source":"/organizations/%s","type":"com.passare.%s","time":"2026-03-04T15:00:00Z",
"data":{"record":{"type":%q,"id":%q,"version":%d},%s"branch":{"id":"main"},"actor":{"id":"u1","name":"Ana Diaz"},%s}}`,
		id, version, willow, kind, record, id, version, about, fields)
}

// send has an event taken in and answers its entry's id; the message waits in the queue.
func (b *books) send(body string) string {
	b.t.Helper()
	r := b.intake.Accept(context.Background(), []byte(body))
	if r.Err != nil {
		b.t.Fatal(fault.Line(r.Err), body)
	}
	return r.Entry
}

// post has an event taken in and posted.
func (b *books) post(body string) intlog.Entry {
	b.t.Helper()
	id := b.send(body)
	b.work()
	e := b.entry(id)
	if e.State != intlog.Synced {
		b.t.Fatalf("%s is %s: %s %v", id, e.State, e.Why, e.Cause)
	}
	return e
}

func (b *books) work() {
	b.t.Helper()
	for {
		w, done, ok := b.queue.TryReceive()
		if !ok {
			return
		}
		if err := b.worker.Handle(context.Background(), w); err != nil {
			b.t.Fatal(fault.Line(err))
		}
		done()
	}
}

func (b *books) entry(id string) intlog.Entry {
	b.t.Helper()
	key, err := intlog.ParseKey(willow, id)
	if err != nil {
		b.t.Fatal(err)
	}
	e, err := b.store.Entry(context.Background(), key)
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

// night lets a day go by and proves the books.
func (b *books) night() reconcile.Night {
	b.t.Helper()
	b.clock.advance(24 * time.Hour)
	return b.prove(reconcile.Request{Org: willow})
}

func (b *books) prove(r reconcile.Request) reconcile.Night {
	b.t.Helper()
	n, err := b.proof.Run(context.Background(), r)
	if err != nil {
		b.t.Fatal(fault.Line(err), err)
	}
	return n
}

func (b *books) agrees(n reconcile.Night) {
	b.t.Helper()
	if n.State != reconcile.Agrees {
		b.t.Fatalf("%s %s: %s %+v", n.Date, n.State, n.Says, n.First)
	}
}

// differences are all that are open.
func (b *books) differences() []reconcile.Difference {
	b.t.Helper()
	list, next, err := b.proof.Differences(context.Background(), willow, "", 10_000)
	if err != nil || next != "" {
		b.t.Fatal(err, next)
	}
	return list
}

// one is the only open difference, with its remedies.
func (b *books) one() reconcile.Difference {
	b.t.Helper()
	list := b.differences()
	if len(list) != 1 {
		b.t.Fatalf("%d differences: %+v", len(list), list)
	}
	d, err := b.proof.Difference(context.Background(), willow, list[0].ID)
	if err != nil {
		b.t.Fatal(fault.Line(err))
	}
	return d
}

func (b *books) act(id string, a reconcile.Act) reconcile.Difference {
	b.t.Helper()
	a.Who = "Ben Ito"
	d, err := b.proof.Act(context.Background(), willow, id, a)
	if err != nil {
		b.t.Fatal(fault.Line(err), err)
	}
	b.work()
	return d
}

// paid is a payment's body.
func paid(on, amount string) string {
	return `"method":"cash","date":"` + on + `","amount":"` + amount + `"`
}

// signed is a contract with a service and a cash advance.
func signed(on, service, advance, total string) string {
	return `"signed_on":"` + on + `","items":[{"id":"i1","kind":"service","gl_account":"4000","description":"Services","amount":"` + service + `"},` +
		`{"id":"i2","kind":"cash_advance","description":"Flowers","amount":"` + advance + `"}],"total":"` + total + `"`
}
