package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

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
	"github.com/passare/qbo-sync/internal/retrying"
)

// Fleet is the product with many organisations, each with a company of its own in the simulator at QuickBooks' limits.
type Fleet struct {
	Store   *memory.Store
	Queue   *memory.Queue
	Sim     *qbosim.Sim
	Wire    *Wire
	workers []*posting.Worker
	retrier *retrying.Retrier
	now     func() time.Time
	keeper  *grant.Keeper // gives peers their tokens
}

// FleetOptions are a fleet's size and luck.
type FleetOptions struct {
	Companies int
	Workers   int // each with its own process's pacer and client
	Unsure    int // how many of a thousand calls that make something fail so that nobody can tell what became of them
	Seed      uint64
	Now       func() time.Time
}

// Organisation names the i-th, and Company its realm.
func Organisation(i int) string { return fmt.Sprint("home-", i) }

// Company is the realm of the i-th organisation.
func Company(i int) string { return fmt.Sprint(1000 + i) }

// The ids of a company's two accounts.
const (
	receivable = "1"
	clearing   = "2"
)

// NewFleet makes a fleet and connects every organisation. Errors: what the product answers.
func NewFleet(ctx context.Context, o FleetOptions) (*Fleet, error) {
	f := &Fleet{Store: memory.NewStore(), Queue: memory.NewQueue(), now: o.Now}
	f.Sim = qbosim.New(qbosim.Options{Now: o.Now, ClientID: "id", ClientSecret: "secret"})
	f.Wire = NewWire(f.Sim.Handler(), 0, o.Seed)
	web := &http.Client{Transport: f.Wire}
	oauth, err := qbo.NewOAuth(qbo.OAuthOptions{TokenURL: "http://127.0.0.1/oauth2/v1/tokens/bearer", RevokeURL: "http://127.0.0.1/r", ClientID: "id", ClientSecret: "secret"}, web, time.Minute)
	if err != nil {
		return nil, err
	}
	secrets, leases, reservations := memory.NewSecrets(), memory.NewLeases(), memory.NewReservations()
	for w := range o.Workers {
		taker := lease.New(leases, fmt.Sprint("worker-", w), o.Now)
		keeper := grant.New(secrets, taker, oauth, o.Now)
		client, err := qbo.New(qbo.Options{
			BaseURL: "http://127.0.0.1", HTTP: web, Tokens: keeper, Timeout: intlog.RequestTimeout, Now: o.Now, Meter: f.Store, Pauses: f.Store, Pace: pacing.ForWorker(reservations, o.Now),
		})
		if err != nil {
			return nil, err
		}
		f.workers = append(f.workers, posting.New(f.Store, client, matching.New(f.Store, client, taker, o.Now), o.Now))
		if w > 0 {
			continue
		}
		f.keeper = keeper
		for i := range o.Companies {
			if err := f.connect(ctx, i, oauth, keeper); err != nil {
				return nil, err
			}
		}
	}
	f.retrier = retrying.New(f.Store, f.Queue, o.Now)
	f.Wire.Unsure = o.Unsure
	return f, nil
}

func (f *Fleet) connect(ctx context.Context, i int, oauth *qbo.OAuth, keeper *grant.Keeper) error {
	if err := f.Sim.AddCompany(qbosim.Company{Realm: Company(i), Name: Organisation(i), Accounts: []qbosim.NewAccount{
		{Name: "A/R", AccountType: "Accounts Receivable"}, {Name: "Clearing", AccountType: "Other Current Asset"},
	}}); err != nil {
		return err
	}
	tokens, err := oauth.Refresh(ctx, f.Sim.Grant(Company(i)))
	if err != nil {
		return err
	}
	if err := keeper.Connect(ctx, Organisation(i), Company(i), tokens, false); err != nil {
		return err
	}
	f.Sim.SetSwitches(Company(i), qbosim.Switches{Throttle: true})
	_, err = f.Store.PutConfig(ctx, org.Config{
		Org: Organisation(i), Realm: Company(i), Settings: org.Settings{AutoSync: true, AutoAddToExports: true},
		Mapping: org.Mapping{Roles: map[org.Role]string{org.AccountsReceivable: receivable, org.DepositsClearing: clearing}},
	}, 0)
	return err
}

// nowhere is a queue for entries whose messages are sent otherwise.
type nowhere struct{}

func (nowhere) Send(context.Context, intlog.Work) error { return nil }

// perFamily is how many payments come from families of the same name: a backlog is of few families.
const perFamily = 10

// Takes has payments of an organisation taken in, of ten families, and answers their entries, whose messages are not sent. Errors: what the intake answers.
func (f *Fleet) Takes(ctx context.Context, i, many int) ([]string, error) {
	in := intake.New(f.Store, nowhere{}, f.now)
	ids := make([]string, many)
	for n := range ids {
		r := in.Accept(ctx, fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/organizations/%s","type":"com.passare.payment.created","time":"2026-03-04T15:00:00Z",`+
			`"data":{"record":{"type":"payment","id":"p%d","version":1},"case":{"id":"c%d","number":"24-1","decedent":{"first":"John","last":"Smith %d"}},"branch":{"id":"main"},`+
			`"actor":{"id":"u1","name":"Ana Diaz"},"method":"cash","date":"2026-03-04","amount":"10.00"}}`, n, Organisation(i), n, n%perFamily, n%perFamily))
		if r.Err != nil {
			return nil, r.Err
		}
		ids[n] = r.Entry
	}
	return ids, nil
}

// Run lets the workers work until the context ends, and tells of each message when it was done with, and of what failed.
func (f *Fleet) Run(ctx context.Context, done func(w intlog.Work), failed func(error)) {
	for _, worker := range f.workers {
		go func() {
			for {
				w, acknowledge, err := f.Queue.Receive(ctx)
				if err != nil {
					return
				}
				bounded, cancel := context.WithTimeout(ctx, intlog.WorkerDeadline)
				err = worker.Handle(bounded, w)
				cancel()
				if err != nil && ctx.Err() == nil {
					failed(err)
				}
				acknowledge()
				done(w)
			}
		}()
	}
}

// Retry sends what is due again, each minute, until the context ends.
func (f *Fleet) Retry(ctx context.Context, failed func(error)) {
	for lease.Pause(ctx, time.Minute) == nil {
		if _, err := f.retrier.Run(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

// Payments are what a naive connector would post of as many payments as Takes takes in.
func Payments(many int) []Payment {
	list := make([]Payment, many)
	for n := range list {
		list[n] = Payment{Doc: fmt.Sprintf("24-1-%d", n), Customer: fmt.Sprintf("John Smith %d", n%perFamily), Amount: "10.00", Debit: clearing, Credit: receivable}
	}
	return list
}

// Naive is a naive connector of the i-th company.
func (f *Fleet) Naive(i, workers int, seed uint64) *Naive {
	return &Naive{
		Web: &http.Client{Transport: f.Wire}, Base: "http://127.0.0.1/v3/company/" + Company(i), Workers: workers, Random: rand.New(rand.NewPCG(seed, 1)),
		Token: func(ctx context.Context) (string, error) {
			return f.keeper.Token(ctx, org.Company{Org: Organisation(i), Realm: Company(i)})
		},
	}
}
