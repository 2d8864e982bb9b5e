package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/review"
)

// Store is everything that the product asks of a store.
type Store interface {
	intake.Store
	posting.Store
	retrying.Store
	review.Store
	matching.Links
}

// Queue takes work.
type Queue interface {
	Send(ctx context.Context, w intlog.Work) error
}

// process is one instance of a function. It does one thing at a time, and may die at any call to something outside.
type process struct {
	*world
	name    string
	skew    time.Duration // of its clock
	ends    time.Time     // the platform kills it then
	dead    bool
	store   Store
	queue   Queue
	handler Handler // of a worker
	oauth   *qbo.OAuth
	taker   *lease.Taker
	keeper  *grant.Keeper
	taken   map[string]int
}

func (w *world) process(kind string) *process {
	w.mu.Lock()
	w.named++
	p := &process{world: w, name: fmt.Sprint(kind, " ", w.named)}
	w.mu.Unlock()
	if w.o.Quiet == "" {
		p.skew = w.between(0, intlog.Skew) - intlog.Skew/2
	}
	p.store, p.queue = faultyStore{p}, faultyQueue{p}
	if w.o.Seams.Queue != nil {
		p.queue = w.o.Seams.Queue(p.queue)
	}
	if w.o.Seams.Store != nil {
		p.store = w.o.Seams.Store(p.store)
	}
	return p
}

func (p *process) now() time.Time { return p.o.Now().Add(p.skew) }

// do runs something in the process and says whether it came to its end.
func (p *process) do(limit time.Duration, f func()) (ended bool) {
	p.ends, p.taken = p.o.Now().Add(limit), map[string]int{}
	done := make(chan struct{})
	p.aside(func() {
		defer close(done)
		f()
		ended = true
	})
	<-done
	return ended
}

// moment is a process at which a death is the same until its next call that changes something: what it knew dies with it.
type moment struct {
	process *process
	at      time.Time
}

// step counts a step. In T2 a read takes no time, so that a death before it and one after it are the same. The world is locked.
func (p *process) step(when string, reads bool) {
	p.tally.Steps++
	now := moment{p, p.o.Now()}
	if (reads || when == "before") && p.last == now {
		p.same = append(p.same, p.tally.Steps)
	}
	if !reads && when == "before" {
		now = moment{}
	}
	p.last = now
}

// noStep: something happened that is no step, so the next one is not the same as the last.
func (w *world) noStep() {
	w.mu.Lock()
	w.last = moment{}
	w.mu.Unlock()
}

// atOnce says whether a call takes no time, nor any luck.
func (w *world) atOnce(reads bool) bool { return reads && w.o.Quiet != "" }

// mayDie is a moment at which the process may die: before or after a call that reads, or that changes something.
func (p *process) mayDie(what, when string, reads bool) {
	p.world.mu.Lock()
	scripted, stalls, next := false, false, p.next
	if p.o.Quiet == "" {
		p.tally.Steps++
	} else if p.taken[when+what]++; p.taken[when+what] <= 2 { // whoever waits for a lease asks again and again: that is no new step
		p.step(when, reads)
		scripted, stalls = slices.Contains(p.o.Die, p.tally.Steps), p.o.Stall == p.tally.Steps
	}
	p.world.mu.Unlock()
	if stalls && next != nil {
		p.tell(p.name, "stands still %s %s", when, what)
		next()
		p.pause(standsStill)
	}
	switch {
	case p.dead:
		runtime.Goexit()
	case scripted || p.chance(dies):
		p.tell(p.name, "dies %s %s", when, what)
	case p.o.Now().After(p.ends):
		p.tell(p.name, "is killed %s %s: it took too long", when, what)
	default:
		return
	}
	p.dead = true
	p.count(&p.tally.Died)
	runtime.Goexit()
}

var errLost = fault.New(fault.Unavailable, "The store did not answer.")

// await is a call to the store that changes something: it takes its time, and fails before or after its effect.
func await[T any](ctx context.Context, p *process, what string, effect func() (T, error)) (T, error) {
	return call(ctx, p, what, false, effect)
}

// read is a call to the store that changes nothing.
func read[T any](ctx context.Context, p *process, what string, effect func() (T, error)) (T, error) {
	return call(ctx, p, what, true, effect)
}

func call[T any](ctx context.Context, p *process, what string, reads bool, effect func() (T, error)) (result T, err error) {
	var none T
	p.mayDie(what, "before", reads)
	switch {
	case p.atOnce(reads):
	case p.chance(slowCall):
		p.pause(p.between(0, slowest))
	default:
		p.pause(p.between(time.Millisecond, 20*time.Millisecond))
	}
	if ctx.Err() != nil {
		return none, errLost
	}
	if p.chance(losesStore) {
		p.count(&p.tally.StoreFaults)
		p.tell(p.name, "%s fails before its effect", what)
		return none, errLost
	}
	result, err = effect()
	p.mayDie(what, "after", reads)
	if p.chance(losesStore) {
		p.count(&p.tally.StoreFaults)
		p.tell(p.name, "%s fails after its effect", what)
		return none, errLost
	}
	return result, err
}

// faultyStore is the store as a process has it. What it reads by the index may be old.
type faultyStore struct{ *process }

func (s faultyStore) Config(ctx context.Context, id string) (org.Config, error) {
	return read(ctx, s.process, "reading the configuration", func() (org.Config, error) { return s.world.store.Config(ctx, id) })
}

func (s faultyStore) PutConfig(ctx context.Context, c org.Config, ifVersion int64) (org.Config, error) {
	return await(ctx, s.process, "storing the configuration", func() (org.Config, error) {
		stored, err := s.world.store.PutConfig(ctx, c, ifVersion)
		if err == nil {
			s.configured(stored)
		}
		return stored, err
	})
}

func (s faultyStore) Reconfigure(ctx context.Context, c org.Config, ifVersion int64, kept org.Kept) (org.Config, error) {
	return await(ctx, s.process, "storing the configuration with what is kept of the change", func() (org.Config, error) {
		stored, err := s.world.store.Reconfigure(ctx, c, ifVersion, kept)
		if err == nil {
			s.configured(stored)
		}
		return stored, err
	})
}

func (s faultyStore) Record(ctx context.Context, id string, ref passare.Ref) (intlog.Record, error) {
	return read(ctx, s.process, "reading "+ref.String(), func() (intlog.Record, error) { return s.world.store.Record(ctx, id, ref) })
}

func (s faultyStore) Entry(ctx context.Context, key intlog.Key) (intlog.Entry, error) {
	return read(ctx, s.process, "reading "+key.ID(), func() (intlog.Entry, error) { return s.world.store.Entry(ctx, key) })
}

// Update notes when the entry was written, and that it is due exactly while the machine owns it (protocol.md §1).
func (s faultyStore) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	return await(ctx, s.process, fmt.Sprintf("storing %s as %s", e.ID(), e.State), func() (intlog.Entry, error) {
		stored, err := s.world.store.Update(ctx, e)
		if err != nil {
			s.tell(s.name, "%s as %s: somebody was faster", e.ID(), e.State)
			return stored, err
		}
		s.wrote(stored)
		s.tell(s.name, "%s is %s %s", e.ID(), e.State, e.Why)
		if stored.State.Owned() == stored.DueAt.IsZero() {
			s.violated("%s is %s and due %s", e.ID(), e.State, e.DueAt)
		}
		return stored, nil
	})
}

func (w *world) wrote(e intlog.Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.o.Now()
	w.written[e.Key] = now
	for _, p := range e.Postings {
		if _, known := w.claimed[p.Doc]; !known {
			w.claimed[p.Doc] = now
		}
	}
}

type created struct {
	entry intlog.Entry
	isNew bool
}

func (s faultyStore) Create(ctx context.Context, e intlog.Entry, mentions []passare.Ref) (intlog.Entry, bool, error) {
	c, err := await(ctx, s.process, "storing "+e.ID(), func() (c created, err error) {
		c.entry, c.isNew, err = s.world.store.Create(ctx, e, mentions)
		if c.isNew {
			s.wrote(e)
			s.count(&s.tally.Entries)
			s.tell(s.name, "%s begins %s", e.ID(), e.State)
		}
		return c, err
	})
	return c.entry, c.isNew, err
}

// seen is what a read of the index shows: without what was written just now.
func (s faultyStore) seen(entries []intlog.Entry, err error) ([]intlog.Entry, error) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.calm {
		return entries, err
	}
	now := s.o.Now()
	return slices.DeleteFunc(entries, func(e intlog.Entry) bool { return now.Sub(s.written[e.Key]) < s.indexLag }), err
}

func (s faultyStore) Due(ctx context.Context, now time.Time, limit, share int) ([]intlog.Entry, error) {
	return s.seen(s.world.store.Due(ctx, now, limit, share))
}

func (s faultyStore) List(ctx context.Context, id, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error) {
	return read(ctx, s.process, "listing "+tab, func() ([]intlog.Entry, error) { return s.seen(s.world.store.List(ctx, id, tab, after, limit)) })
}

func (s faultyStore) ListOldest(ctx context.Context, id, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error) {
	return read(ctx, s.process, "listing "+tab, func() ([]intlog.Entry, error) { return s.seen(s.world.store.ListOldest(ctx, id, tab, after, limit)) })
}

func (s faultyStore) HeldOn(ctx context.Context, id, caseID string, page passare.Page) ([]intlog.Entry, error) {
	return read(ctx, s.process, "listing what is held", func() ([]intlog.Entry, error) { return s.seen(s.world.store.HeldOn(ctx, id, caseID, page)) })
}

func (s faultyStore) Flag(ctx context.Context, id, caseID string, page passare.Page) (org.Flag, bool, error) {
	type flag struct {
		org.Flag
		found bool
	}
	f, err := read(ctx, s.process, "reading the button", func() (f flag, err error) {
		f.Flag, f.found, err = s.world.store.Flag(ctx, id, caseID, page)
		return f, err
	})
	return f.Flag, f.found, err
}

// told is a call that answers nothing.
func (p *process) told(ctx context.Context, what string, effect func() error) error {
	_, err := await(ctx, p, what, func() (struct{}, error) { return struct{}{}, effect() })
	return err
}

func (s faultyStore) PutFlag(ctx context.Context, f org.Flag) error {
	return s.told(ctx, "storing the button", func() error { return s.world.store.PutFlag(ctx, f) })
}

func (s faultyStore) Quarantine(ctx context.Context, q intlog.Quarantined) error {
	return s.told(ctx, "keeping in quarantine", func() error { return s.world.store.Quarantine(ctx, q) })
}

func (s faultyStore) Quarantined(ctx context.Context, id string) ([]intlog.Quarantined, error) {
	return read(ctx, s.process, "reading the quarantine", func() ([]intlog.Quarantined, error) { return s.world.store.Quarantined(ctx, id) })
}

func (s faultyStore) Broken(ctx context.Context, id string, grants int64, since time.Time) error {
	return s.told(ctx, "noting a dead grant", func() error { return s.world.store.Broken(ctx, id, grants, since) })
}

func (s faultyStore) Mended(ctx context.Context, id string, sweeps []time.Time) error {
	return s.told(ctx, "noting a new grant", func() error { return s.world.store.Mended(ctx, id, sweeps) })
}

func (s faultyStore) Postpone(ctx context.Context, key intlog.Key, seen, to time.Time) error {
	return s.told(ctx, "moving the due time of "+key.ID(), func() error { return s.world.store.Postpone(ctx, key, seen, to) })
}

// The sweeps are read each minute; a process that finds none has no step here.
func (s faultyStore) FlagSweeps(ctx context.Context, now time.Time, limit int) ([]org.Flag, error) {
	flags, err := s.world.store.FlagSweeps(ctx, now, limit)
	slices.SortFunc(flags, func(a, b org.Flag) int { return strings.Compare(a.Org+a.ID(), b.Org+b.ID()) })
	return flags, err
}

func (s faultyStore) Swept(ctx context.Context, f org.Flag, now time.Time) error {
	return s.told(ctx, "noting a sweep", func() error { return s.world.store.Swept(ctx, f, now) })
}

func (s faultyStore) ConfigSweeps(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return s.world.store.ConfigSweeps(ctx, now, limit)
}

func (s faultyStore) ConfigSwept(ctx context.Context, id string, now time.Time) error {
	return s.told(ctx, "noting a sweep", func() error { return s.world.store.ConfigSwept(ctx, id, now) })
}

func (s faultyStore) Pause(ctx context.Context, id string, until time.Time) error {
	return s.told(ctx, "pausing "+id, func() error { return s.world.store.Pause(ctx, id, until) })
}

type found struct {
	link  intlog.Link
	found bool
}

func (s faultyStore) Link(ctx context.Context, at org.Company, kind journal.NameKind, key string) (intlog.Link, bool, error) {
	f, err := read(ctx, s.process, "reading the link of "+key, func() (f found, err error) {
		f.link, f.found, err = s.world.store.Link(ctx, at, kind, key)
		return f, err
	})
	return f.link, f.found, err
}

func (s faultyStore) PutLink(ctx context.Context, at org.Company, l intlog.Link) (intlog.Link, error) {
	return await(ctx, s.process, "linking "+l.Key+" to "+l.Display, func() (intlog.Link, error) { return s.world.store.PutLink(ctx, at, l) })
}

// faultyLeases are the leases as a process has them.
type faultyLeases struct{ *process }

func (l faultyLeases) Lease(ctx context.Context, id, thing, owner string, now, until time.Time) (bool, error) {
	return await(ctx, l.process, "leasing "+thing, func() (bool, error) { return l.leases.Lease(ctx, id, thing, owner, now, until) })
}

// Unlease is called while a process ends, too: then it cannot do anything any more.
func (l faultyLeases) Unlease(ctx context.Context, id, thing, owner string) error {
	if l.dead || l.chance(losesStore) {
		return errLost
	}
	l.noStep()
	return l.leases.Unlease(ctx, id, thing, owner)
}

// faultyQueue loses, doubles and delays messages. An organisation's messages are worked on at once: their order is only a hint.
type faultyQueue struct{ *process }

func (q faultyQueue) Send(ctx context.Context, work intlog.Work) error {
	return q.told(ctx, "sending a message", func() error {
		copies := 1
		switch {
		case q.chance(dropsMessage):
			copies = 0
			q.count(&q.tally.Lost)
			q.tell(q.name, "its message of %v is lost", work.Entries)
		case q.chance(doubles):
			copies = 2
			q.count(&q.tally.Doubled)
		}
		after := q.between(10*time.Millisecond, 500*time.Millisecond)
		for range copies {
			if q.chance(delays) {
				after = q.between(0, 4*time.Minute)
			}
			q.spawn(after, func() { q.deliver(work, 1) })
			after += q.between(0, 10*time.Millisecond)
		}
		return nil
	})
}

// deliver hands a message to a worker that is idle, or to a new one. One whose worker died comes again.
func (w *world) deliver(work intlog.Work, attempt int) {
	if w.night() {
		w.pause(w.dawn.Sub(w.o.Now()) + w.between(0, time.Minute))
	}
	p := w.worker()
	if p == nil {
		return
	}
	p.tell(p.name, "works on %v", work.Entries)
	ended := p.do(intlog.WorkerTimeout, func() {
		ctx, cancel := context.WithTimeout(context.Background(), intlog.WorkerDeadline)
		defer cancel()
		if err := p.handler.Handle(ctx, work); err != nil {
			p.tell(p.name, "ends with: %v", err)
			if fault.Is(err, fault.Internal) {
				p.violated("a worker fails: %v", err)
			}
		}
	})
	if ended {
		w.mu.Lock()
		w.idle = append(w.idle, p)
		w.mu.Unlock()
	} else if attempt < 10 {
		w.spawn(intlog.Visibility, func() { w.deliver(work, attempt+1) })
	}
}

func (w *world) worker() *process {
	if fresh := w.chance(300); !fresh {
		w.mu.Lock()
		if n := len(w.idle); n > 0 {
			p := w.idle[n-1]
			w.idle = w.idle[:n-1]
			w.mu.Unlock()
			return p
		}
		w.mu.Unlock()
	}
	p := w.process("worker")
	var transport http.RoundTripper = p
	if w.o.Seams.Transport != nil {
		transport = w.o.Seams.Transport(p)
	}
	if err := p.signIn(); err != nil {
		w.violated("no way to sign in: %v", err)
		return nil
	}
	client, err := qbo.New(qbo.Options{BaseURL: "http://127.0.0.1", HTTP: &http.Client{Transport: transport}, Tokens: p.keeper, Timeout: intlog.RequestTimeout, Now: p.now, Pauses: faultyStore{p}})
	if err != nil {
		w.violated("no client: %v", err)
		return nil
	}
	var names matching.Names = client
	if w.o.Seams.Names != nil {
		names = w.o.Seams.Names(names)
	}
	matcher := matching.New(p.store, names, p.taker, p.now)
	if w.o.Seams.Worker != nil {
		p.handler = w.o.Seams.Worker(Tools{Store: p.store, Books: client, Names: matcher, Now: p.now})
	} else {
		p.handler = posting.New(p.store, client, matcher, p.now)
	}
	return p
}

// retry is a run of the retrier.
func (w *world) retry() {
	p := w.process("retry")
	p.do(time.Minute, func() {
		if _, err := retrying.New(p.store, p.queue, p.now).Run(context.Background()); err != nil {
			p.tell(p.name, "ends with: %v", err)
		}
	})
}

// calmly is a network without faults.
type calmly struct{ http.Handler }

func (c calmly) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w.Result(), nil
}

var docNumber = regexp.MustCompile(`"DocNumber":"([^"]+)"`)

// RoundTrip is the way to QuickBooks and back. What is under way goes on when the process dies.
func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	what := r.Method + " " + r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	reads := r.Method == http.MethodGet || strings.HasSuffix(what, "query")
	p.mayDie(what, "before", reads)
	p.firstSent(body)
	return p.send(r, body, what, reads, func(asked *http.Request, answer chan<- *http.Response) { p.serve(what, asked, answer) })
}

// bodyOf reads a request's body.
func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// send sends a request to whoever serves it, and waits for the answer: none (nil) is a connection that was cut.
func (p *process) send(r *http.Request, body []byte, what string, reads bool, serve func(asked *http.Request, answer chan<- *http.Response)) (*http.Response, error) {
	p.count(&p.tally.Requests)
	asked := r.Clone(context.Background())
	asked.Body = io.NopCloser(bytes.NewReader(body))
	answer := make(chan *http.Response, 1)
	if p.o.Story {
		p.tell(p.name, "%s %.120s", what, body)
	}
	if p.atOnce(reads) {
		serve(asked, answer)
	} else {
		p.spawn(p.between(20*time.Millisecond, 300*time.Millisecond), func() { serve(asked, answer) })
	}
	select {
	case res := <-answer:
		p.mayDie(what, "after", reads)
		if res == nil {
			return nil, errors.New("the connection was cut")
		}
		return res, nil
	case <-r.Context().Done():
		p.mayDie(what, "after waiting in vain for", reads)
		return nil, r.Context().Err()
	}
}

// firstSent notes when each number was first sent.
func (w *world) firstSent(body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range docNumber.FindAllSubmatch(body, -1) {
		if _, known := w.asked[string(m[1])]; !known {
			w.asked[string(m[1])] = w.o.Now()
		}
	}
}

// serve is QuickBooks' side: a request arrives or not, is carried out at once or late, and is answered or not.
func (w *world) serve(what string, r *http.Request, answer chan<- *http.Response) {
	entry, write := strings.HasSuffix(what, "journalentry"), !strings.HasSuffix(what, "query")
	id := r.URL.Query().Get("requestid")
	switch {
	case w.chance(neverArrives):
		w.count(&w.tally.NeverArrived)
		w.tell("network", "%s never arrives", what)
		answer <- nil
		return
	case w.chance(throttles):
		w.count(&w.tally.Throttled)
		w.tell("QuickBooks", "%s is answered 429", what)
		answer <- page(http.StatusTooManyRequests, `{"fault":{"error":[{"message":"message=ThrottleExceeded; errorCode=003001; statusCode=429","detail":"x","code":"3001"}],"type":"SERVICE"}}`)
		return
	case entry && (w.wasRefused(id) || w.chance(refuses)):
		w.refuse(id)
		w.tell("QuickBooks", "%s is certainly refused", what)
		answer <- page(http.StatusBadRequest, `{"Fault":{"Error":[{"Message":"m","Detail":"Business Validation Error: not this one","code":"6000"}],"type":"ValidationFault"}}`)
		return
	case write && w.chance(commitsLate) || w.o.Late && !w.calm && (entry || strings.HasSuffix(what, "batch")):
		late := latest
		if !w.o.Late && w.intN(3) == 0 {
			late = w.between(0, latest)
		}
		w.count(&w.tally.Late)
		w.tell("QuickBooks", "%s takes %s", what, late)
		w.pause(late)
	}
	batch := strings.HasSuffix(what, "batch")
	var taken []json.RawMessage
	if batch {
		taken = w.someItems(r)
	}
	got := httptest.NewRecorder()
	w.quickbooks.ServeHTTP(got, r)
	w.tell("QuickBooks", "%s is answered %d", what, got.Code)
	switch {
	case w.chance(losesAnswer):
		w.count(&w.tally.AnswersLost)
		w.tell("network", "the answer to %s is lost", what)
		if w.intN(2) == 0 {
			answer <- nil
			return
		}
		answer <- page(http.StatusBadGateway, "<html>Bad Gateway</html>")
	case write && w.chance(unexpected):
		w.count(&w.tally.Unexpected)
		w.tell("QuickBooks", "%s is done, and answered 6000", what)
		answer <- page(http.StatusBadRequest, `{"Fault":{"Error":[{"Message":"m","Detail":"`+Unexpected+`","code":"6000"}],"type":"ValidationFault"}}`)
	case !write:
		answer <- page(got.Code, string(w.shown(got.Body.Bytes())))
	case batch:
		answer <- w.withItems(got, taken)
	default:
		answer <- got.Result()
	}
}

// Unexpected is how QuickBooks says that it does not know what it did.
const Unexpected = "An unexpected error occurred while accessing or saving your data. Please wait a few minutes and try again."

func page(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func (w *world) wasRefused(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.replays && w.refused[id]
}

func (w *world) refuse(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused[id] = true
	w.tally.Refused++
}

// shown is the answer to a query without what was created too short a time ago.
func (w *world) shown(body []byte) []byte {
	var answer map[string]map[string]json.RawMessage
	if w.queryLag == 0 || json.Unmarshal(body, &answer) != nil && answer["QueryResponse"] == nil {
		return body
	}
	for entity, raw := range answer["QueryResponse"] {
		var rows []json.RawMessage
		if json.Unmarshal(raw, &rows) != nil {
			continue
		}
		rows = slices.DeleteFunc(rows, func(row json.RawMessage) bool {
			var x struct {
				MetaData struct{ CreateTime time.Time }
			}
			return json.Unmarshal(row, &x) == nil && w.o.Now().Sub(x.MetaData.CreateTime) < w.queryLag
		})
		answer["QueryResponse"][entity], _ = json.Marshal(rows)
	}
	out, err := json.Marshal(map[string]any{"QueryResponse": answer["QueryResponse"]})
	if err != nil {
		return body
	}
	return out
}
