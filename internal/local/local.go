// Package local is the whole product in one process: memory store, queue and secrets, the QuickBooks
// simulator on its own address over real HTTP, a small OIDC issuer, and the same handlers that the
// functions serve. functions/local starts it for people; end-to-end tests and benchmarks start it too.
//
//	deliveries, REST ─▶ API address ─▶ intake, review ─▶ memory store ◀─ worker ─▶ client ─▶ simulator address
//	                                        └──▶ memory queue ──────────▶┘  ▲
//	                                                     retrier ───────────┘
package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/passare/qbo-sync/internal/bell"
	"github.com/passare/qbo-sync/internal/console"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/golden"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/setup"
	"github.com/passare/qbo-sync/internal/webhook"
)

// The demo's organisations, and the OAuth client that the simulator knows.
const (
	WillowCreek      = "willow-creek"
	WillowCreekRealm = "4620816365000000001"
	MapleHill        = "maple-hill" // auto-sync off
	MapleHillRealm   = "4620816365000000002"
	CedarHall        = "cedar-hall" // nothing is connected to it yet
	CedarHallRealm   = "4620816365000000003"
	clientID         = "demo-client"
	clientSecret     = "demo-secret"
	consentPath      = "/connect/oauth2" // of the simulator
	tokenPath        = "/oauth2/v1/tokens/bearer"
	revokePath       = "/v2/oauth2/tokens/revoke"
	audience         = "passare-qbo-sync"
)

// DemoWebhookSecret signs inbound events when no other is set. It protects nothing but the demo.
const DemoWebhookSecret = "whsec_ZGVtby1zZWNyZXQtb2YtcGFzc2FyZS1xYm8tc3luYw=="

// DemoVerifierToken signs the simulator's webhooks. It protects nothing but the demo.
const DemoVerifierToken = "demo-verifier-token-of-passare-qbo-sync"

// Options configure a system.
type Options struct {
	Listen        string // address of events and REST; ":0" takes a free port
	QBOListen     string // address of the simulator
	WebhookSecret string
	Now           func() time.Time
	Log           *slog.Logger
	Workers       int               // how many messages are worked off at once, each of another organisation
	RetryEach     time.Duration     // how often what is due is sent again
	Carry         http.RoundTripper // every request between the addresses goes through it; none: net/http's own
}

// keepAliveEach is how often grants that nobody uses are looked after.
const keepAliveEach = 24 * time.Hour

// monthlyReads is what Intuit lets an app read without paying (../qbosim/quickbooks.md, Costs).
const monthlyReads = 500_000

// shutdownWithin is how long open requests may take when the system ends. A connection that was opened and
// never used counts as busy for 5 s (net/http.Server.Shutdown), so it must be more than that.
const shutdownWithin = 10 * time.Second

// Store is everything that is kept.
type Store interface {
	intake.Store
	review.Store
	review.Reads
	posting.Store
	retrying.Store
	matching.Register
	grant.Store
	qbo.Meter
	qbo.Pauses
	bell.Store
	httpapi.Reads
	httpapi.Replies
	setup.Store
	reconcile.Store
}

// Queue is work on its way.
type Queue interface {
	Send(ctx context.Context, w intlog.Work) error
	Receive(ctx context.Context) (w intlog.Work, done func(), err error)
}

// System is the running product.
type System struct {
	URL    string // of events and REST
	QBOURL string // of the simulator
	SignIn string // of the issuer, which gives tokens: POST /dev/token

	Golden  golden.Case
	Store   Store
	Queue   Queue
	Sim     *qbosim.Sim
	Client  *qbo.Client
	Keeper  *grant.Keeper
	Worker  *posting.Worker
	Retrier *retrying.Retrier
	Proof   *reconcile.Proof
	HTTP    *http.Client // of everything here that calls one of the two addresses
	Tap     *Tap         // what the functions call AWS for; of a deployed product

	options   Options
	proofs    proofs
	connector *grant.Connector
	issuer    *issuer
	servers   []*http.Server
	stop      context.CancelFunc
	done      sync.WaitGroup
}

// Start listens, seeds the demo's organisations and begins to work. Close ends it.
func Start(ctx context.Context, o Options) (*System, error) {
	s, err := build(o)
	if err != nil {
		return nil, fmt.Errorf("local.Start: %w", err)
	}
	ctx, s.stop = context.WithCancel(ctx)
	if err := s.seed(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("local.Start: %w", err), s.Close())
	}
	for range o.Workers {
		s.done.Go(func() { s.work(ctx) })
	}
	s.done.Go(func() { s.each(ctx, o.RetryEach, "retry", func() error { _, err := s.Retrier.Run(ctx); return err }) })
	s.done.Go(func() { s.each(ctx, keepAliveEach, "keep-alive", func() error { return s.connector.KeepAlive(ctx) }) })
	s.done.Go(func() { s.prove(ctx) })
	s.done.Go(func() { s.each(ctx, slot, "nightly proofs", func() error { return s.nightly(ctx) }) })
	return s, nil
}

// StartSimulator opens the address of the simulator alone, with the demo's companies in it, for other clients. Close ends it.
func StartSimulator(o Options) (*System, error) {
	s, err := simulator(o)
	if err != nil {
		return nil, fmt.Errorf("local.StartSimulator: %w", err)
	}
	for _, c := range s.organisations() {
		if err := s.addCompany(c); err != nil {
			return nil, errors.Join(fmt.Errorf("local.StartSimulator: %w", err), s.Close())
		}
	}
	return s, nil
}

// Close stops the servers and waits for the workers.
func (s *System) Close() error {
	if s.stop != nil {
		s.stop()
	}
	s.HTTP.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownWithin)
	defer cancel()
	var failed error
	for _, server := range s.servers {
		failed = errors.Join(failed, server.Shutdown(ctx))
	}
	s.done.Wait()
	if failed != nil {
		return fmt.Errorf("local.Close: %w", failed)
	}
	return nil
}

// simulator opens the simulator's address.
func simulator(o Options) (s *System, err error) {
	if o.Carry == nil {
		o.Carry = &http.Transport{MaxIdleConnsPerHost: 32}
	}
	s = &System{options: o, HTTP: &http.Client{Transport: o.Carry}}
	if s.Golden, err = golden.Load(nil); err != nil {
		return nil, err
	}
	s.Sim = qbosim.New(qbosim.Options{Now: o.Now, ClientID: clientID, ClientSecret: clientSecret, Notify: s.HTTP})
	s.QBOURL, err = s.serve(o.QBOListen, func(string) (http.Handler, error) { return s.Sim.Handler(), nil })
	return s, err
}

// build wires everything and opens both addresses.
func build(o Options) (*System, error) {
	verifier, err := webhook.New(o.WebhookSecret)
	if err != nil {
		return nil, err
	}
	s, err := simulator(o)
	if err != nil {
		return nil, err
	}
	s.Store, s.Queue = memory.NewStore(), memory.NewQueue()
	if err := s.wire(memory.NewSecrets(), memory.NewLeases()); err != nil {
		return nil, err
	}
	if s.URL, err = s.serve(o.Listen, func(url string) (http.Handler, error) { return s.api(url, verifier) }); err != nil {
		return nil, err
	}
	s.Sim.Hook(s.URL+"/v1/quickbooks-events", DemoVerifierToken, false)
	return s, nil
}

// wire makes what works over the store and the queue.
func (s *System) wire(secrets grant.Secrets, leases lease.Store) error {
	now := s.options.Now
	oauth, err := qbo.NewOAuth(qbo.OAuthOptions{
		TokenURL: s.QBOURL + tokenPath, RevokeURL: s.QBOURL + revokePath, ClientID: clientID, ClientSecret: clientSecret,
	}, s.HTTP, intlog.RequestTimeout)
	if err != nil {
		return err
	}
	taker := lease.New(leases, "local", now)
	s.Keeper = grant.New(secrets, taker, oauth, now)
	if s.Client, err = qbo.New(qbo.Options{
		BaseURL: s.QBOURL, HTTP: s.HTTP, Tokens: s.Keeper, Timeout: intlog.RequestTimeout, Now: now, Meter: s.Store, Pauses: s.Store, Allowance: monthlyReads,
	}); err != nil {
		return err
	}
	s.Worker = posting.New(s.Store, s.Client, matching.New(s.Store, s.Client, taker, now), now)
	s.Retrier = retrying.New(s.Store, s.Queue, now)
	s.proofs = make(proofs, waiting)
	s.Proof = reconcile.New(reconcile.Options{
		Store: s.Store, Books: s.Client, Planner: s.Worker, Queue: s.Queue, Requests: s.proofs, Leases: leases, Process: "local", Now: now,
	})
	return nil
}

// api is everything on the API address.
func (s *System) api(url string, verifier *webhook.Verifier) (http.Handler, error) {
	var err error
	if err = s.issue(url); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	events := &httpapi.Events{
		Acceptor: intake.New(s.Store, s.Queue, s.options.Now), Signatures: verifier, Now: s.options.Now, Log: s.options.Log, NewTrace: rand.Text,
	}
	calls := httpapi.NewAPI(mux, httpapi.Gate{
		People: httpapi.NewOIDC(url, audience, s.HTTP, s.options.Now), Replies: s.Store, Now: s.options.Now, NewTrace: rand.Text, Log: s.options.Log,
	})
	s.connector = grant.NewConnector(s.Keeper, s.Store, s.Client, s.Retrier, s.options.Now, grant.Options{
		AuthorizeURL: s.QBOURL + consentPath, ClientID: clientID, Random: rand.Text,
	})
	events.Register(mux)
	notices, err := webhook.NewQuickBooks(DemoVerifierToken)
	if err != nil {
		return nil, err
	}
	(&httpapi.QuickBooksEvents{
		Hearer: s.Proof, Signatures: notices, Log: s.options.Log, NewTrace: rand.Text,
	}).Register(mux)
	desk, reader := review.New(s.Store, s.Queue, s.options.Now), review.NewReader(s.Store, s.Worker, s.options.Now)
	office := setup.New(s.Store, s.Client, s.Retrier, s.options.Now)
	(&httpapi.Entries{Desk: desk, Around: reader, Charts: office, Books: httpapi.SandboxBooks}).Register(calls)
	(&httpapi.Undos{Desk: desk.Plans(s.Worker)}).Register(calls)
	(&httpapi.Acts{Desk: desk}).Register(calls)
	door := intake.New(s.Store, s.Queue, s.options.Now)
	(&httpapi.Reading{
		Log: reader, Connections: grant.NewViewer(s.Store, s.options.Now), Door: door, Planner: s.Worker, Charts: office, Books: httpapi.SandboxBooks, Now: s.options.Now,
	}).Register(calls)
	consent := &httpapi.Connection{
		Connector: s.connector, Reads: s.Store, Allowance: monthlyReads, Now: s.options.Now, Random: rand.Text, NewTrace: rand.Text, Log: s.options.Log, PublicURL: url, Plain: true,
	}
	consent.Register(calls)
	consent.RegisterCallback(mux)
	relinker := matching.NewRelinker(s.Store, s.Client, s.Retrier, s.options.Now)
	(&httpapi.Links{Relinker: relinker}).Register(calls)
	(&httpapi.Notifications{Bell: bell.New(s.Store, s.options.Now).Digests(s.Proof)}).Register(calls)
	(&httpapi.Setup{Office: office}).Register(calls)
	(&httpapi.Proofs{Reader: s.Proof, Charts: office, Books: httpapi.SandboxBooks, Now: s.options.Now}).Register(calls)
	screens, err := console.New(console.Options{
		Desk: desk.Plans(s.Worker), Reader: reader, Bell: bell.New(s.Store, s.options.Now).Digests(s.Proof), Charts: office, Office: office, Connect: s.connector, Linked: relinker, Door: door, Proof: s.Proof,
		Consent: console.Consent{Intuit: s.QBOURL + consentPath, PublicURL: url, Reads: s.Store, Allowance: monthlyReads},
		People:  calls.People, Download: calls.Whole(mux), Books: string(httpapi.SandboxBooks),
		Issuer: url, ClientID: audience, Web: s.HTTP, Random: rand.Text, Now: s.options.Now, NewTrace: rand.Text, Log: s.options.Log, Plain: true,
	})
	if err != nil {
		return nil, err
	}
	screens.Register(mux)
	httpapi.RegisterProblems(mux)
	httpapi.RegisterDocument(mux)
	s.issuer.register(mux)
	httpapi.RegisterHealth(mux)
	return calls.Whole(mux), nil
}

// serve opens an address and serves the handler that make gives for its URL.
func (s *System) serve(address string, handler func(url string) (http.Handler, error)) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", fault.Because(err, fault.Unavailable, "The address %s cannot be opened. Is another copy running?", address)
	}
	url := "http://" + listener.Addr().String()
	h, err := handler(url)
	if err != nil {
		return "", errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelError)}
	s.servers = append(s.servers, server)
	s.done.Go(func() { _ = server.Serve(listener) })
	return url, nil
}

// work takes messages until the system ends.
func (s *System) work(ctx context.Context) {
	for {
		message, acknowledge, err := s.Queue.Receive(ctx)
		if err != nil {
			return
		}
		bounded, cancel := context.WithTimeout(ctx, intlog.WorkerDeadline)
		if err := s.Worker.Handle(bounded, message); err != nil {
			s.options.Log.ErrorContext(ctx, "work failed", "error", fault.Line(err))
		}
		cancel()
		acknowledge()
	}
}

// each does something again and again until the system ends.
func (s *System) each(ctx context.Context, pause time.Duration, what string, do func() error) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := do(); err != nil {
			s.options.Log.ErrorContext(ctx, what+" failed", "error", fault.Line(err))
		}
	}
}
