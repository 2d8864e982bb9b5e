package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/passare/qbo-sync/internal/lease"
)

// How long Intuit takes to answer.
const (
	AloneTakes = 300 * time.Millisecond
	BatchTakes = time.Second
)

// Wire carries requests to the simulator without a network, as long as Intuit takes. Of the calls that make something, some fail so that nobody can tell what became of
// them: a third never arrives, of a third the answer is lost, and a third arrives late.
type Wire struct {
	Sim    http.Handler
	Unsure int // how many of a thousand such calls

	mu     sync.Mutex
	random *rand.Rand
	late   sync.WaitGroup
}

// NewWire makes a wire. The seed decides which calls fail.
func NewWire(sim http.Handler, unsure int, seed uint64) *Wire {
	return &Wire{Sim: sim, Unsure: unsure, random: rand.New(rand.NewPCG(seed, 0))}
}

var errReset = errors.New("connection reset by peer")

// arrivesLate is how long after its caller gave it up a request may still be carried out (../qbosim/quickbooks.md, Idempotency).
const arrivesLate = 20 * time.Second

// fate is what becomes of a request.
type fate int

const (
	answered fate = iota
	never
	unanswered
	late
)

func (w *Wire) fate(r *http.Request) fate {
	if r.Method != http.MethodPost || w.Unsure == 0 || strings.Contains(r.URL.Path, "/oauth2/") || strings.HasSuffix(r.URL.Path, "/query") {
		return answered
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.random.IntN(1000) >= w.Unsure {
		return answered
	}
	return never + fate(w.random.IntN(3))
}

// RoundTrip carries one request.
func (w *Wire) RoundTrip(r *http.Request) (*http.Response, error) {
	takes := AloneTakes
	if strings.HasSuffix(r.URL.Path, "/batch") {
		takes = BatchTakes
	}
	if err := lease.Pause(r.Context(), takes); err != nil {
		return nil, err
	}
	body, err := read(r)
	if err != nil {
		return nil, err
	}
	switch w.fate(r) {
	case never:
		return nil, errReset
	case unanswered:
		w.serve(r, body)
		return nil, errReset
	case late:
		w.late.Go(func() {
			_ = lease.Pause(context.WithoutCancel(r.Context()), arrivesLate) // nobody gives it up any more
			w.serve(r, body)
		})
		return nil, errReset
	case answered:
	}
	return w.serve(r, body), nil
}

// Settle waits until everything has arrived.
func (w *Wire) Settle() { w.late.Wait() }

func read(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(r.Body)
}

func (w *Wire) serve(r *http.Request, body []byte) *http.Response {
	asked := httptest.NewRequest(r.Method, r.URL.RequestURI(), bytes.NewReader(body))
	asked.Header, asked.Host = r.Header.Clone(), r.URL.Host
	answer := httptest.NewRecorder()
	w.Sim.ServeHTTP(answer, asked)
	return answer.Result()
}
