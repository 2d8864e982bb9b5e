package pacing_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/qbosim"
)

var burst = flag.Int("burst", 1200, "how many entries the large organisation has")

const (
	companies  = 200 // one of them is the large one
	atOnce     = 10  // workers, each with its own process's pacer and client
	aloneTakes = 300 * time.Millisecond
	batchTakes = time.Second
)

// inside carries requests to the simulator without a network, in virtual time, as long as Intuit takes.
type inside struct{ sim http.Handler }

func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	takes := aloneTakes
	if bytes.HasSuffix([]byte(r.URL.Path), []byte("/batch")) {
		takes = batchTakes
	}
	if err := lease.Pause(r.Context(), takes); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	body := r.Body
	if body == nil {
		body = io.NopCloser(bytes.NewReader(nil))
	}
	asked := r.Clone(r.Context())
	asked.Body, asked.RequestURI, asked.Host = body, r.URL.RequestURI(), r.URL.Host
	i.sim.ServeHTTP(w, asked)
	return w.Result(), nil
}

// fleet is the product with many companies, in virtual time.
type fleet struct {
	t       *testing.T
	store   *memory.Store
	queue   *memory.Queue
	sim     *qbosim.Sim
	workers []*posting.Worker
}

func organisation(i int) string { return fmt.Sprint("home-", i) }
func company(i int) string      { return fmt.Sprint(1000 + i) }

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, store: memory.NewStore(), queue: memory.NewQueue()}
	f.sim = qbosim.New(qbosim.Options{Now: time.Now, ClientID: "id", ClientSecret: "secret"})
	web := &http.Client{Transport: inside{f.sim.Handler()}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(fault.Line(err))
		}
	}
	oauth, err := qbo.NewOAuth(qbo.OAuthOptions{TokenURL: "http://127.0.0.1/oauth2/v1/tokens/bearer", RevokeURL: "http://127.0.0.1/r", ClientID: "id", ClientSecret: "secret"}, web, time.Minute)
	must(err)
	secrets, leases, reservations := memory.NewSecrets(), memory.NewLeases(), memory.NewReservations()
	for w := range atOnce {
		taker := lease.New(leases, fmt.Sprint("worker-", w), time.Now)
		keeper := grant.New(secrets, taker, oauth, time.Now)
		client, err := qbo.New(qbo.Options{
			BaseURL: "http://127.0.0.1", HTTP: web, Tokens: keeper, Timeout: intlog.RequestTimeout, Now: time.Now, Meter: f.store, Pauses: f.store, Pace: pacing.ForWorker(reservations, time.Now),
		})
		must(err)
		f.workers = append(f.workers, posting.New(f.store, client, matching.New(f.store, client, taker, time.Now), time.Now))
		if w > 0 {
			continue
		}
		for i := range companies {
			must(f.sim.AddCompany(qbosim.Company{Realm: company(i), Name: organisation(i), Accounts: []qbosim.NewAccount{{Name: "A/R", AccountType: "Accounts Receivable"}, {Name: "Clearing", AccountType: "Other Current Asset"}}}))
			tokens, err := oauth.Refresh(t.Context(), f.sim.Grant(company(i)))
			must(err)
			must(keeper.Connect(t.Context(), organisation(i), company(i), tokens, false))
			_, err = f.store.PutConfig(t.Context(), org.Config{
				Org: organisation(i), Realm: company(i), Settings: org.Settings{AutoSync: true, AutoAddToExports: true},
				Mapping: org.Mapping{Roles: map[org.Role]string{org.AccountsReceivable: "1", org.DepositsClearing: "2"}},
			}, 0)
			must(err)
			f.sim.SetSwitches(company(i), qbosim.Switches{Throttle: true})
		}
	}
	return f
}

// nowhere is a queue for entries whose messages are sent otherwise.
type nowhere struct{}

func (nowhere) Send(context.Context, intlog.Work) error { return nil }

// takes has payments of an organisation taken in and answers their entries.
func (f *fleet) takes(i, many int) []string {
	f.t.Helper()
	in := intake.New(f.store, nowhere{}, time.Now)
	ids := make([]string, many)
	for n := range ids {
		r := in.Accept(f.t.Context(), fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/organizations/%s","type":"com.passare.payment.created","time":"2026-03-04T15:00:00Z",`+
			`"data":{"record":{"type":"payment","id":"p%d","version":1},"case":{"id":"c%d","number":"24-1","decedent":{"first":"John","last":"Smith %d"}},"branch":{"id":"main"},`+
			`"actor":{"id":"u1","name":"Ana Diaz"},"method":"cash","date":"2026-03-04","amount":"10.00"}}`, n, organisation(i), n, n%10, n%10))
		if r.Err != nil {
			f.t.Fatal(fault.Line(r.Err))
		}
		ids[n] = r.Entry
	}
	return ids
}

// run lets the workers work until stop, and tells of each message when it was done with.
func (f *fleet) run(ctx context.Context, done func(w intlog.Work)) {
	for _, worker := range f.workers {
		go func() {
			for {
				w, acknowledge, err := f.queue.Receive(ctx)
				if err != nil {
					return
				}
				if err := worker.Handle(ctx, w); err != nil && ctx.Err() == nil {
					f.t.Error(fault.Line(err))
				}
				acknowledge()
				done(w)
			}
		}()
	}
}

// smallOnes sends one entry of each small organisation at a random time within a span, and answers how long the slowest but 5 % take.
func smallOnes(t *testing.T, f *fleet, within time.Duration, large []string) (p95, drained time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer synctest.Wait()
	defer stop()
	began := time.Now()
	at := map[string]time.Time{}
	finished := make(chan intlog.Work, companies+len(large))
	f.run(ctx, func(w intlog.Work) { finished <- w })
	messages := 0
	for some := range slices.Chunk(large, intlog.MaxWork) {
		messages++
		if err := f.queue.Send(ctx, intlog.Work{Org: organisation(0), Entries: some}); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := 1; i < companies; i++ {
		id, pause := f.takes(i, 1), time.Duration(random.Int64N(int64(within)))
		at[organisation(i)] = began.Add(pause)
		go func() {
			if lease.Pause(ctx, pause) == nil {
				_ = f.queue.Send(ctx, intlog.Work{Org: organisation(i), Entries: id})
			}
		}()
	}
	var took []time.Duration
	for range messages + companies - 1 {
		w := <-finished
		if w.Org == organisation(0) {
			drained = time.Since(began)
			continue
		}
		took = append(took, time.Since(at[w.Org]))
	}
	slices.Sort(took)
	return took[len(took)*95/100], drained
}

// TestABurstOfOneOrganisation: T13. It drains as fast as QuickBooks allows, without a refusal for pace, and the small organisations do not notice.
func TestABurstOfOneOrganisation(t *testing.T) {
	t.Parallel()
	var alone time.Duration
	batches := (*burst + posting.MaxBatch - 1) / posting.MaxBatch
	allowed := time.Duration(batches-1) * pacing.BatchesEach
	synctest.Test(t, func(t *testing.T) { alone, _ = smallOnes(t, newFleet(t), allowed, nil) })
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		large := f.takes(0, *burst)
		p95, drained := smallOnes(t, f, allowed, large)
		c := f.sim.Counted(company(0))
		t.Logf("%d entries in %s, %.1f %% of what is allowed; %d requests of %d batches; small organisations' p95 %s, alone %s",
			*burst, drained, 100*allowed.Seconds()/drained.Seconds(), c.Requests["POST batch"], batches, p95, alone)
		for i := range companies {
			if n := f.sim.Counted(company(i)).Throttled; n > 0 {
				t.Errorf("%s is refused %d times for pace", organisation(i), n)
			}
		}
		if n := len(f.sim.Journal(company(0))); n != *burst {
			t.Errorf("%d entries of %d", n, *burst)
		}
		if began := 2 * batchTakes; (drained-began)*95 > allowed*100 {
			t.Errorf("drained in %s; %s are allowed", drained, allowed)
		}
		if p95 > 2*alone {
			t.Errorf("a small organisation waits %s, alone %s", p95, alone)
		}
	})
}
