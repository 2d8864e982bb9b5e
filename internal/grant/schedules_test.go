package grant_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/qbosim"
)

var (
	schedules = flag.Int("schedules", 200, "how many schedules of refreshes are run")
	onlySeed  = flag.Uint64("seed", 0, "the one schedule to run")
)

// TestFiftyWorkersRefreshUnderFire is T6: fifty workers in five processes want a token again and again, over the real token endpoint of the simulator in
// each of three rotation models, where two refreshes at once or a reused token end the grant. Processes die before and after each of their steps,
// answers and requests are lost, secrets and leases fail before and after their effect, and everything takes its time (virtual).
// A person connects again in the middle of it, now and then.
//
// It must hold: one refresh at a time; a newer token is never overwritten by an older one; only what was lost with a process or an answer can make a
// person reconnect; and after reconnecting everybody has a token. A schedule that fails is run again by -seed.
func TestFiftyWorkersRefreshUnderFire(t *testing.T) {
	t.Parallel()
	if *onlySeed != 0 {
		t.Logf("%+v", schedule(t, *onlySeed))
		return
	}
	seeds := make(chan uint64, *schedules)
	for seed := range uint64(*schedules) {
		seeds <- seed + 1
	}
	close(seeds)
	var mu sync.Mutex
	var sum tally
	t.Run("all", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("some", func(t *testing.T) {
				t.Parallel()
				for seed := range seeds {
					x := schedule(t, seed)
					mu.Lock()
					sum.add(x)
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%d schedules: %+v", *schedules, sum)
	if *schedules >= 200 && (sum.Refreshes == 0 || sum.Died == 0 || sum.Lost == 0 || sum.Reconnected == 0) {
		t.Error("the schedules do not reach what they are for")
	}
}

// schedule runs one schedule in virtual time.
func schedule(t *testing.T, seed uint64) (x tally) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		w.run()
		x = w.tally
	})
	if t.Failed() {
		t.Fatalf("schedule %d fails; again: go test ./internal/grant -run UnderFire -seed=%d", seed, seed)
	}
	return x
}

func TestAScheduleIsTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 20; seed++ {
		if a, b := schedule(t, seed), schedule(t, seed); a != b {
			t.Errorf("schedule %d: %+v, then %+v", seed, a, b)
		}
	}
}

// tally counts what the schedules went through.
type tally struct{ Wanted, Got, Refreshes, Died, Lost, Reconnected int }

func (t *tally) add(x tally) {
	t.Wanted += x.Wanted
	t.Got += x.Got
	t.Refreshes += x.Refreshes
	t.Died += x.Died
	t.Lost += x.Lost
	t.Reconnected += x.Reconnected
}

const (
	workersEach = 10
	processes   = 5
	rounds      = 3
	// Chances in a thousand.
	dies      = 8
	fails     = 20
	losesHTTP = 50
)

// world is one schedule.
type world struct {
	t       *testing.T
	seed    uint64
	sim     *qbosim.Sim
	intuit  http.Handler
	secrets *memory.Secrets
	leases  *memory.Leases

	mu       sync.Mutex
	named    int
	flying   int // refreshes that are under way
	consents int
	issued   map[string]int       // refresh token → when it was first issued
	grantOf  map[string]int       // refresh token → the consent that it comes from
	newest   map[int]string       // consent → refresh token that was issued last
	stored   string               // refresh token in the secret
	refused  int                  // false refusals so far
	asked    map[string]time.Time // access token → when it was found good
	tally    tally
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{t: t, seed: seed, secrets: memory.NewSecrets(), leases: memory.NewLeases(), issued: map[string]int{}, grantOf: map[string]int{}, newest: map[int]string{}, asked: map[string]time.Time{}}
	w.sim = qbosim.New(qbosim.Options{Now: time.Now, ClientID: "id", ClientSecret: "secret"})
	w.intuit = w.sim.Handler()
	if err := w.sim.AddCompany(qbosim.Company{Realm: willow().Realm, Name: "Willow Creek"}); err != nil {
		t.Fatal(err)
	}
	w.sim.SetSwitches(willow().Realm, qbosim.Switches{Rotation: []string{"", "always", "never"}[seed%3], ReuseRevokes: true, ConcurrentRevokes: true})
	return w
}

func (w *world) run() {
	w.connect()
	luck := rand.New(rand.NewPCG(w.seed, 1))
	for range rounds {
		time.Sleep([]time.Duration{10 * time.Minute, 59 * time.Minute, 2 * time.Hour, 26 * time.Hour}[luck.IntN(4)])
		var busy sync.WaitGroup
		for range processes {
			p := w.process()
			for range workersEach {
				ctx := withFate(luck.Uint64())
				busy.Go(func() { p.work(ctx) })
			}
		}
		if luck.IntN(3) == 0 { // a person connects again in the middle of it
			time.Sleep(time.Duration(luck.Int64N(int64(10 * time.Second))))
			w.connect()
		}
		busy.Wait()
	}
	time.Sleep(2 * time.Hour) // whatever was under way or leased is over
	p := w.process()
	if _, err := p.keeper.Token(context.Background(), willow()); err != nil {
		if !fault.Is(err, fault.Disconnected) || w.tally.Lost == 0 {
			w.t.Errorf("in calm, with %d tokens lost: %v", w.tally.Lost, err)
		}
		w.tally.Reconnected++
		w.connect()
	}
	if access, err := p.keeper.Token(context.Background(), willow()); err != nil || !w.good(access) {
		w.t.Errorf("after reconnecting: the token is good: %t, %v", w.good(access), err)
	}
}

// connect stores a new grant, as a person does.
func (w *world) connect() {
	p := w.process()
	consent := w.sim.Grant(willow().Realm)
	w.mu.Lock()
	w.consents++
	w.grantOf[consent] = w.consents
	w.mu.Unlock()
	tokens, err := p.oauth.Refresh(context.Background(), consent)
	if err == nil {
		err = p.keeper.Connect(context.Background(), willow().Org, willow().Realm, tokens, false)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// fate decides what happens to one worker, or to one request. Each has its own, so that a schedule is the same in every run. Where there is none, all
// is calm.
type fate struct{}

func withFate(seed uint64) context.Context {
	return context.WithValue(context.Background(), fate{}, rand.New(rand.NewPCG(seed, 2)))
}

// chance says whether something that happens n times in a thousand happens now.
func chance(ctx context.Context, n int) bool {
	luck, ok := ctx.Value(fate{}).(*rand.Rand)
	return ok && luck.IntN(1000) < n
}

// takes lets (virtual) time pass.
func takes(ctx context.Context, most time.Duration) {
	if luck, ok := ctx.Value(fate{}).(*rand.Rand); ok {
		time.Sleep(time.Duration(luck.Int64N(int64(most))))
	}
}

// good asks the company for a customer that it does not have: whoever is let in is told so. The same token is not asked for again within a minute.
func (w *world) good(access string) bool {
	if asked, ok := w.asked[access]; ok && time.Since(asked) < time.Minute {
		return true
	}
	r := httptest.NewRequest(http.MethodGet, "/v3/company/"+willow().Realm+"/customer/1", nil)
	r.Header.Set("Authorization", "Bearer "+access)
	answer := httptest.NewRecorder()
	w.intuit.ServeHTTP(answer, r)
	if answer.Code != http.StatusBadRequest {
		return false
	}
	w.asked[access] = time.Now()
	return true
}

// process is one process: it may die at any of its steps, with all of its workers.
type process struct {
	*world
	keeper *grant.Keeper
	oauth  *qbo.OAuth

	mu   sync.Mutex
	dead bool
}

func (w *world) process() *process {
	p := &process{world: w}
	w.named++
	var err error
	p.oauth, err = qbo.NewOAuth(qbo.OAuthOptions{
		TokenURL: "http://127.0.0.1/oauth2/v1/tokens/bearer", RevokeURL: "http://127.0.0.1/v2/oauth2/tokens/revoke", ClientID: "id", ClientSecret: "secret",
	}, &http.Client{Transport: p}, intlog.RequestTimeout)
	if err != nil {
		w.t.Fatal(err)
	}
	p.keeper = grant.New(secrets{p}, lease.New(leases{p}, fmt.Sprint("process-", w.named), time.Now), p.oauth, time.Now)
	return p
}

// work wants a token, as a worker of at most 85 seconds does.
func (p *process) work(ctx context.Context) {
	takes(ctx, 3*time.Second)
	ctx, cancel := context.WithTimeout(ctx, 85*time.Second)
	defer cancel()
	p.world.mu.Lock()
	p.tally.Wanted++
	p.world.mu.Unlock()
	access, err := p.keeper.Token(ctx, willow())
	if err == nil && chance(ctx, 100) {
		takes(ctx, time.Second) // QuickBooks refuses it: two workers that got it at the same instant do not come back at the same one
		access, err = p.keeper.Renew(ctx, willow(), access)
	}
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	switch lost := p.tally.Lost > 0; {
	case err == nil && (lost || p.good(access)):
		p.tally.Got++
	case err == nil:
		p.t.Error("a token that was given is not good")
	case fault.Is(err, fault.Disconnected) && !lost:
		p.t.Errorf("a person is asked to reconnect though nothing was lost: %v", err)
	}
}

// alive ends the worker if its process is dead.
func (p *process) alive() {
	p.mu.Lock()
	dead := p.dead
	p.mu.Unlock()
	if dead {
		runtime.Goexit()
	}
}

// mayDie is a moment at which the process may die.
func (p *process) mayDie(ctx context.Context) {
	p.alive()
	if chance(ctx, dies) {
		p.mu.Lock()
		p.dead = true
		p.mu.Unlock()
		p.world.mu.Lock()
		p.tally.Died++
		p.world.mu.Unlock()
		runtime.Goexit()
	}
}

// step is a call to something outside: it takes its time, and fails before or after its effect.
func (p *process) step(ctx context.Context, effect func() error) error {
	p.mayDie(ctx)
	takes(ctx, 100*time.Millisecond)
	if chance(ctx, fails) {
		return fault.New(fault.Unavailable, "lost before its effect")
	}
	err := effect()
	p.mayDie(ctx)
	if err == nil && chance(ctx, fails) {
		return fault.New(fault.Unavailable, "lost after its effect")
	}
	return err
}

type secrets struct{ *process }

func (s secrets) Get(ctx context.Context, name string) (value []byte, version string, err error) {
	err = s.step(ctx, func() (err error) {
		value, version, err = s.secrets.Get(ctx, name)
		return err
	})
	return value, version, err
}

func (s secrets) Put(ctx context.Context, name string, value []byte, ifVersion string) (version string, err error) {
	err = s.step(ctx, func() (err error) {
		s.world.mu.Lock()
		defer s.world.mu.Unlock()
		if version, err = s.secrets.Put(ctx, name, value, ifVersion); err == nil {
			s.saved(value)
		}
		return err
	})
	return version, err
}

// saved: whatever is stored was issued last, or after what was stored before.
func (w *world) saved(value []byte) {
	var x struct{ Refresh string }
	if err := json.Unmarshal(value, &x); err != nil {
		w.t.Error(err)
	}
	newer, older := x.Refresh, w.stored
	if w.grantOf[newer] < w.grantOf[older] || w.grantOf[newer] == w.grantOf[older] && w.issued[newer] < w.issued[older] {
		w.t.Error("an older token overwrites a newer one")
	}
	w.stored = x.Refresh
}

type leases struct{ *process }

func (l leases) Lease(ctx context.Context, org, thing, owner string, now, until time.Time) (taken bool, err error) {
	err = l.step(ctx, func() (err error) {
		taken, err = l.leases.Lease(ctx, org, thing, owner, now, until)
		return err
	})
	return taken, err
}

// Unlease is called while a worker ends, too: then its process cannot do anything any more.
func (l leases) Unlease(ctx context.Context, org, thing, owner string) error {
	l.mu.Lock()
	dead := l.dead
	l.mu.Unlock()
	if dead || chance(ctx, fails) {
		return errors.New("lost")
	}
	return l.leases.Unlease(ctx, org, thing, owner)
}

// RoundTrip is the way to Intuit and back. What is under way goes on when the process dies.
func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	p.mayDie(ctx)
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	under := context.Background()
	if luck, ok := ctx.Value(fate{}).(*rand.Rand); ok {
		under = withFate(luck.Uint64())
	}
	answer := make(chan *http.Response, 1)
	p.fly(under, 1)
	go p.serve(under, r.PostForm.Get("refresh_token"), r.Clone(under), answer)
	p.mayDie(ctx)
	select {
	case res := <-answer:
		p.mayDie(ctx)
		if res == nil {
			return nil, errors.New("the connection was cut")
		}
		return res, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve is Intuit's side: the request arrives or is lost, is answered or not.
func (p *process) serve(ctx context.Context, token string, r *http.Request, answer chan<- *http.Response) {
	most := 5 * time.Second
	if chance(ctx, losesHTTP) {
		most = 110 * time.Second
	}
	takes(ctx, most)
	if chance(ctx, losesHTTP) {
		p.fly(ctx, -1)
		answer <- nil
		return
	}
	got := httptest.NewRecorder()
	if chance(ctx, 10) && p.falselyRefused() {
		got.WriteHeader(http.StatusBadRequest)
		_, _ = got.WriteString(`{"error":"invalid_grant"}`)
	} else {
		p.arrives(token)
		p.intuit.ServeHTTP(got, r)
		p.answered(token, got)
	}
	p.fly(ctx, -1)
	switch {
	case chance(ctx, losesHTTP):
		answer <- nil
	case chance(ctx, losesHTTP):
		answer <- &http.Response{StatusCode: http.StatusBadGateway, Body: http.NoBody, Header: http.Header{}}
	default:
		answer <- got.Result()
	}
}

// falselyRefused: Intuit is known to refuse a good token now and then, once.
func (w *world) falselyRefused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused++
	return w.refused == 1
}

// fly counts the workers' refreshes that are under way. A person's consent is no refresh.
func (w *world) fly(ctx context.Context, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Value(fate{}) == nil {
		return
	}
	if w.flying += n; w.flying > 1 {
		w.t.Errorf("%d refreshes at once", w.flying)
	}
}

// arrives notes that a token is used though a newer one of the same consent was issued: the newer one must have been lost with a process or an answer.
// That is not so if it is stored.
func (w *world) arrives(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally.Refreshes++
	newest := w.newest[w.grantOf[token]]
	if newest == "" || token == newest {
		return
	}
	w.tally.Lost++
	if w.stored == newest {
		w.t.Error("a token is used though the one that replaced it is stored")
	}
}

func (w *world) answered(token string, got *httptest.ResponseRecorder) {
	var x struct {
		Refresh string `json:"refresh_token"`
	}
	if got.Code != http.StatusOK || json.Unmarshal(got.Body.Bytes(), &x) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.issued[x.Refresh] == 0 {
		w.issued[x.Refresh] = len(w.issued) + 1
	}
	w.grantOf[x.Refresh] = w.grantOf[token]
	w.newest[w.grantOf[token]] = x.Refresh
}
