package posting_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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

// house is the product around one worker: real store, queue and client, the simulator over real HTTP, and a
// clock that only tests move. Nothing runs by itself: tests take steps.
type house struct {
	t       *testing.T
	clock   *clock
	store   *memory.Store
	queue   *memory.Queue
	sim     *qbosim.Sim
	intake  *intake.Intake
	retrier *retrying.Retrier
	leases  lease.Store
	secrets *memory.Secrets
	oauth   *qbo.OAuth
	keeper  *grant.Keeper
	client  *qbo.Client
	matcher *matching.Matcher
	worker  *posting.Worker
	server  *httptest.Server
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, clock: &clock{at: time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)}, store: memory.NewStore(), queue: memory.NewQueue()}
	h.sim = qbosim.New(qbosim.Options{Now: h.clock.now, ClientID: "id", ClientSecret: "secret"})
	server := httptest.NewServer(h.sim.Handler())
	t.Cleanup(server.Close)
	h.server = server
	company := qbosim.Company{Realm: realm, Name: "Willow Creek"}
	mapping := org.Mapping{Roles: map[org.Role]string{}, GL: map[string]string{}}
	add := func(name, kind string) string {
		company.Accounts = append(company.Accounts, qbosim.NewAccount{Name: name, AccountType: kind})
		return fmt.Sprint(len(company.Accounts))
	}
	for _, role := range []org.Role{
		org.DepositsClearing, org.CardClearing, org.CashAdvances, org.SalesTax, org.Discounts, org.FinanceIncome, org.Adjustments,
		org.InsuranceFees, org.MerchantFees, org.ReturnedPaymentFees, org.InsuranceGrowth, org.RefundsPayable, org.Bank("operating"),
	} {
		mapping.Roles[role] = add(strings.ReplaceAll(string(role), ":", " "), "Other Current Asset")
	}
	mapping.Roles[org.AccountsReceivable] = add("accounts_receivable", "Accounts Receivable")
	mapping.GL["4000"], mapping.GL["6100"] = add("4000", "Income"), add("6100", "Expense")
	for _, r := range []string{realm, elsewhere} {
		company.Realm = r
		if err := h.sim.AddCompany(company); err != nil {
			t.Fatal(err)
		}
	}
	config := org.Config{Org: willow, Realm: realm, Mapping: mapping, Settings: org.Settings{AutoSync: true, AutoAddToExports: true}}
	if _, err := h.store.PutConfig(t.Context(), config, 0); err != nil {
		t.Fatal(err)
	}
	h.intake = intake.New(h.store, h.queue, h.clock.now)
	h.retrier = retrying.New(h.store, h.queue, h.clock.now)
	h.connect(time.Minute)
	return h
}

// connect gives the house a grant, and a client that waits for an answer as long as patience.
func (h *house) connect(patience time.Duration) {
	h.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // net/http asks again by itself on a connection that was used before
	var err error
	h.oauth, err = qbo.NewOAuth(qbo.OAuthOptions{
		TokenURL: h.server.URL + "/oauth2/v1/tokens/bearer", RevokeURL: h.server.URL + "/v2/oauth2/tokens/revoke", ClientID: "id", ClientSecret: "secret",
	}, client, patience)
	if err != nil {
		h.t.Fatal(err)
	}
	h.leases, h.secrets = memory.NewLeases(), memory.NewSecrets()
	leases := lease.New(h.leases, "worker", h.clock.now)
	h.keeper = grant.New(h.secrets, leases, h.oauth, h.clock.now)
	tokens, err := h.oauth.Refresh(h.t.Context(), h.sim.Grant(realm))
	if err == nil {
		err = h.keeper.Connect(h.t.Context(), willow, realm, tokens, false)
	}
	if err == nil {
		h.client, err = qbo.New(qbo.Options{BaseURL: h.server.URL, HTTP: client, Tokens: h.keeper, Timeout: patience, Now: h.clock.now, Meter: h.store, Pauses: h.store})
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.matcher = matching.New(h.store, h.client, leases, h.clock.now)
	h.worker = posting.New(h.store, h.client, h.matcher, h.clock.now)
}

// funeral is the case that an event is about.
type funeral struct{ id, number, decedent, business string }

// john's case is what most tests are about.
func john() funeral {
	return funeral{id: "c1", number: "24-0113", decedent: `{"first":"John","last":"Smith"}`}
}

// of is a case of a decedent.
func (c funeral) of(first, last string) funeral {
	c.decedent = fmt.Sprintf(`{"first":%q,"last":%q}`, first, last)
	return c
}

// event makes an event of John's case.
func event(kind, id string, version int, fields string) string {
	return john().event(kind, id, version, fields)
}

// event makes an event of the case, where its record has one.
func (c funeral) event(kind, id string, version int, fields string) string {
	record, _, _ := strings.Cut(kind, ".")
	about := ""
	if record != "check" && record != "batch_payment" && record != "ach_batch" {
		about = fmt.Sprintf(`"case":{"id":%q,"number":%q,"decedent":%s%s},`, c.id, c.number, c.decedent, c.business)
	}
	return fmt.Sprintf(`{"specversion":"1.0","id":"evt-%s-%d","source":"/organizations/%s","type":"com.passare.%s","time":"2026-03-04T15:00:00Z",
"data":{"record":{"type":%q,"id":%q,"version":%d},%s"branch":{"id":"main"},"actor":{"id":"u1","name":"Ana Diaz"},%s}}`,
		id, version, willow, kind, record, id, version, about, fields)
}

func paid(amount string) string {
	return `"method":"cash","date":"2026-03-04","amount":"` + amount + `"`
}

func contract(on, amount string) string {
	return `"signed_on":"` + on + `","items":[{"id":"i1","kind":"service","gl_account":"4000","description":"Services","amount":"` + amount + `"}],"total":"` + amount + `"`
}

// send has an event taken in and answers its entry's id; the message waits in the queue.
func (h *house) send(body string) string {
	h.t.Helper()
	r := h.intake.Accept(h.t.Context(), []byte(body))
	if r.Err != nil {
		h.t.Fatal(r.Err)
	}
	return r.Entry
}

// drop loses everything that is in the queue.
func (h *house) drop() {
	for {
		_, done, ok := h.queue.TryReceive()
		if !ok {
			return
		}
		done()
	}
}

// handle works off one message that names entries.
func (h *house) handle(ids ...string) {
	h.t.Helper()
	if err := h.worker.Handle(h.t.Context(), intlog.Work{Org: willow, Entries: ids}); err != nil {
		h.t.Fatal(fault.Line(err))
	}
}

// work works off everything in the queue.
func (h *house) work() {
	h.t.Helper()
	for {
		w, done, ok := h.queue.TryReceive()
		if !ok {
			return
		}
		if err := h.worker.Handle(h.t.Context(), w); err != nil {
			h.t.Fatal(err)
		}
		done()
	}
}

// later lets time pass, sends what is due, and works it off.
func (h *house) later(d time.Duration) {
	h.t.Helper()
	h.clock.advance(d)
	if _, err := h.retrier.Run(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.work()
}

func (h *house) entry(id string) intlog.Entry {
	h.t.Helper()
	key, err := intlog.ParseKey(willow, id)
	if err != nil {
		h.t.Fatal(err)
	}
	e, err := h.store.Entry(h.t.Context(), key)
	if err != nil {
		h.t.Fatal(err)
	}
	if e.State.Owned() == e.DueAt.IsZero() {
		h.t.Errorf("%s is %s and due %s: due exactly while the machine owns it", id, e.State, e.DueAt)
	}
	return e
}

func (h *house) is(id string, state intlog.State) intlog.Entry {
	h.t.Helper()
	e := h.entry(id)
	if e.State != state {
		h.t.Fatalf("%s is %s (%s), not %s", id, e.State, e.Why, state)
	}
	return e
}

// journal is QuickBooks' journal, one text per entry.
func (h *house) journal() []string {
	var list []string
	for _, e := range h.sim.Journal(realm) {
		s := e.Date
		for _, l := range e.Lines {
			s += fmt.Sprintf(" %s %s %s", strings.ToLower(l.Side[:1]), l.Account, l.Amount)
		}
		list = append(list, s)
	}
	return list
}

func (h *house) script(f qbosim.Fault) {
	h.t.Helper()
	if f.PathContains == "" {
		f.PathContains = "journalentry"
	}
	if f.Times == 0 {
		f.Times = 1
	}
	if err := h.sim.Script(f); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) config(change func(*org.Config)) {
	h.t.Helper()
	c, err := h.store.Config(h.t.Context(), willow)
	if err != nil {
		h.t.Fatal(err)
	}
	change(&c)
	if _, err := h.store.PutConfig(h.t.Context(), c, c.Version); err != nil {
		h.t.Fatal(err)
	}
}

// quickbooks asks QuickBooks as somebody who works in it.
func (h *house) quickbooks(method, path, contentType, body string) (status int, answer string) {
	h.t.Helper()
	access, err := h.keeper.Token(h.t.Context(), org.Company{Org: willow, Realm: realm})
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+"/v3/company/"+realm+"/"+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Accept", "application/json")
	res, err := h.server.Client().Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}
