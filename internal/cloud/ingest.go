package cloud

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/secret"
	"github.com/passare/qbo-sync/internal/webhook"
)

// Ingest takes in events of Passare, POST /v1/events, and what QuickBooks says of changes, POST /v1/quickbooks-events.
func Ingest(p Process) HTTP { return serve(newFunction("ingest", p, wireIngest)) }

func wireIngest(ctx context.Context, p product) (api, error) {
	work, err := p.queue()
	if err != nil {
		return nil, err
	}
	secrets, err := p.secrets()
	if err != nil {
		return nil, err
	}
	signatures := &signatures{secrets: secrets, now: p.now, log: p.log}
	if err := signatures.read(ctx); err != nil {
		return nil, err
	}
	told := &notices{secrets: secrets, now: p.now, log: p.log}
	mux := http.NewServeMux()
	(&httpapi.QuickBooksEvents{Hearer: p.proof(reconcile.Options{}, quickBooks{}), Signatures: told, Log: p.log, NewTrace: rand.Text}).Register(mux)
	(&httpapi.Events{Acceptor: intake.New(p.store, work, p.now), Signatures: signatures, Now: p.now, Log: p.log, NewTrace: rand.Text}).Register(mux)
	return p.api(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signatures.renew(r.Context())
		mux.ServeHTTP(w, r)
	})), nil
}

// signatures checks deliveries against the secret "webhook", which is read again now and then, since it may be replaced at any time.
type signatures struct {
	secrets *secret.Secrets
	now     func() time.Time
	log     *slog.Logger

	mu       sync.Mutex
	verifier *webhook.Verifier
	until    time.Time
}

// webhookKept is how long the secret is used before it is read again.
const webhookKept = 5 * time.Minute

func (s *signatures) read(ctx context.Context) error {
	value, _, err := s.secrets.Get(ctx, "webhook")
	if err != nil {
		return err
	}
	verifier, err := webhook.New(strings.Fields(string(value))...)
	if err != nil {
		return err
	}
	s.verifier, s.until = verifier, s.now().Add(webhookKept)
	return nil
}

// renew reads the secret again when its time has come. While it cannot be read, which is told, the one that was read last counts.
func (s *signatures) renew(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.now().Before(s.until) {
		if err := s.read(ctx); err != nil {
			s.log.ErrorContext(ctx, "the secret of signatures cannot be read", "error", fault.Line(err))
		}
	}
}

// Verify is webhook.Verifier's.
func (s *signatures) Verify(id, timestamp, signature string, body []byte, now time.Time) error {
	s.mu.Lock()
	verifier := s.verifier
	s.mu.Unlock()
	return verifier.Verify(id, timestamp, signature, body, now)
}

// notices checks deliveries of QuickBooks against the secret "quickbooks-webhook", which may have no value: then each is refused. What is wrong with it never
// keeps Passare's events waiting.
type notices struct {
	secrets *secret.Secrets
	now     func() time.Time
	log     *slog.Logger

	mu       sync.Mutex
	verifier *webhook.QuickBooks
	until    time.Time
}

// Open is webhook.QuickBooks's, by the tokens that are stored now. While these cannot be read, which is told, those that were read last count.
func (n *notices) Open(signature string, body []byte) ([]reconcile.Hint, error) {
	ctx, cancel := context.WithTimeout(context.Background(), noticeWaits)
	defer cancel()
	return n.tokens(ctx).Open(signature, body)
}

// noticeWaits is how long a delivery waits for the secret at most: Intuit gives up after some seconds, and sends again.
const noticeWaits = 3 * time.Second

// tokens reads the secret again when its time has come.
func (n *notices) tokens(ctx context.Context) *webhook.QuickBooks {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.verifier != nil && n.now().Before(n.until) {
		return n.verifier
	}
	value, _, err := n.secrets.Get(ctx, "quickbooks-webhook")
	if fault.Is(err, fault.NotFound) {
		value, err = nil, nil
	}
	var verifier *webhook.QuickBooks
	if err == nil {
		verifier, err = webhook.NewQuickBooks(strings.Fields(string(value))...)
	}
	if err != nil {
		n.log.ErrorContext(ctx, "the secret of QuickBooks' signatures cannot be read", "error", fault.Line(err))
		if verifier = n.verifier; verifier == nil {
			verifier = &webhook.QuickBooks{}
		}
	}
	n.verifier, n.until = verifier, n.now().Add(webhookKept)
	return verifier
}
