package simulate

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// Rates of faults, in a thousand.
const (
	dies         = 20  // at a call to something outside, before its effect; and as much after it: 4 % together
	losesStore   = 20  // a store call, before its effect; and as much after it
	dropsMessage = 50  //
	doubles      = 100 // messages
	delays       = 250 // messages, up to minutes: they come in another order
	throttles    = 50  // answered 429
	neverArrives = 30  // requests
	commitsLate  = 100 // up to latest
	losesAnswer  = 100 // after the commit
	unexpected   = 30  // 6000 "unexpected error" after the commit
	refuses      = 20  // entries, certainly
	signsLate    = 300 // sign-ins, up to latest: there are few of them
	refusesGood  = 30  // refresh tokens that are good
	slowCall     = 60  // a store call takes up to slowest
)

const (
	latest  = 110 * time.Second // commit after the request was received
	slowest = 20 * time.Second  // a store call

	standsStill = 20 * time.Second // a process in T2
	storm       = 80 * time.Minute // for so long there are faults
	longest     = 16 * time.Hour   // until everything must be settled, from then on
)

// Options of one schedule.
type Options struct {
	Seed  uint64
	Now   func() time.Time // of the bubble
	Story bool             // keep what happened, step by step
	Seams Seams

	// For T2: no faults but what is asked for here, while one organisation's record lives one of QuietLives.
	Quiet string // the life; empty: everything of T1
	Die   []int  // the steps (Tally.Steps) at which whatever process takes them dies
	Stall int    // the step at which a process stands still for a while, in which the record's next version comes

	// Retried: what comes in that while is not the next version but another worker for the same one, of whose journal entries QuickBooks refuses one, and a
	// person who presses Sync.
	Retried bool
	// Late: QuickBooks carries out every journal entry as late as it may, and shows it as late as it may, while runs of retry come every few seconds.
	Late bool
}

// Seams are where a test stands between the product and the world: to seed a bug, or to try another connector. Each is made anew for a schedule.
type Seams struct {
	Store     func(Store) Store
	Queue     func(Queue) Queue
	Names     func(matching.Names) matching.Names
	Transport func(http.RoundTripper) http.RoundTripper
	Secrets   func(grant.Secrets) grant.Secrets
	Leases    func(lease.Store) lease.Store
	Worker    func(Tools) Handler // in the place of posting.Worker
}

// Tools are what a worker works with.
type Tools struct {
	Store Store
	Books *qbo.Client
	Names *matching.Matcher
	Now   func() time.Time
}

// Handler works off a message.
type Handler interface {
	Handle(ctx context.Context, w intlog.Work) error
}

// Tally counts what a schedule went through.
type Tally struct {
	Events, Entries, Requests, Died, StoreFaults, Lost, Doubled, Throttled, NeverArrived, Late, AnswersLost, Unexpected, Refused, People, Undos, Steps int
	Refreshes, Revoked, TokensLost, FalselyRefused, Connected                                                                                          int
}

// Add adds another schedule's.
func (t *Tally) Add(x Tally) {
	mine, other := t.all(), x.all()
	for i := range mine {
		*mine[i] += *other[i]
	}
}

func (t *Tally) all() []*int {
	return []*int{
		&t.Events, &t.Entries, &t.Requests, &t.Died, &t.StoreFaults, &t.Lost, &t.Doubled, &t.Throttled, &t.NeverArrived, &t.Late, &t.AnswersLost,
		&t.Unexpected, &t.Refused, &t.People, &t.Undos, &t.Steps, &t.Refreshes, &t.Revoked, &t.TokensLost, &t.FalselyRefused, &t.Connected,
	}
}

// Faults are the counts by what they count.
func (t Tally) Faults() map[string]int {
	return map[string]int{
		"deaths": t.Died, "faults of the store": t.StoreFaults, "lost messages": t.Lost, "doubled messages": t.Doubled, "429": t.Throttled,
		"requests that never arrive": t.NeverArrived, "late commits": t.Late, "lost answers": t.AnswersLost, "6000 after a commit": t.Unexpected,
		"refusals": t.Refused, "people who act": t.People, "undos": t.Undos,
		"refreshes": t.Refreshes, "revoked grants": t.Revoked, "tokens that are lost": t.TokensLost, "good tokens that are refused": t.FalselyRefused, "people who connect again": t.Connected,
	}
}

// Report is what became of a schedule.
type Report struct {
	Variant    string
	Violations []string
	Wrong      int // records whose books are not as they must be: something is lost or doubled
	Tally      Tally
	Same       []int // in T2, the steps at which a death is that at the step before: one process takes both at one time, after an effect and before its next call
	Story      []string
}

// world is one schedule.
type world struct {
	o          Options
	began      time.Time
	store      *memory.Store
	leases     *memory.Leases
	secrets    *memory.Secrets
	sim        *qbosim.Sim
	quickbooks http.Handler
	oauth      *qbo.OAuth
	houses     []*house
	replays    bool // QuickBooks answers a refusal again under its requestid
	queryLag   time.Duration
	indexLag   time.Duration
	tidy       bool      // people release everything in the end
	dawn       time.Time // in the schedule's night nothing of ours runs; its end

	mu         sync.Mutex
	luck       *rand.Rand
	calm       bool
	named      int
	flying     int // deliveries and requests that are under way
	idle       []*process
	resting    []chan<- func() // goroutines without work
	written    map[intlog.Key]time.Time
	grants     grants
	refused    map[string]bool      // requestids
	asked      map[string]time.Time // numbers, when they were first sent
	claimed    map[string]time.Time // numbers, when they were stored
	violations []string
	wrong      int
	tally      Tally
	last       moment
	same       []int
	story      []string
	next       func()              // what comes while a process stands still
	refusesOne bool                // of the next batch
	undone     map[intlog.Key]bool // undos that were answered
}

// house is an organisation and its company.
type house struct {
	id, realm string
	auto      bool // pages flow without a click
	mapped    []mapped
	records   []*record
	clicked   map[string]bool // pages whose button is clicked at some time
}

// mapped is from when a role stood on an account.
type mapped struct {
	at      time.Time
	account string
}

// Run runs a schedule.
func Run(o Options) (Report, error) {
	w := &world{
		o: o, began: o.Now(), store: memory.NewStore(), leases: memory.NewLeases(), secrets: memory.NewSecrets(), luck: rand.New(rand.NewPCG(o.Seed, 1)),
		written: map[intlog.Key]time.Time{}, grants: newGrants(), refused: map[string]bool{}, asked: map[string]time.Time{}, claimed: map[string]time.Time{}, undone: map[intlog.Key]bool{}, tidy: true,
	}
	variant, err := w.build()
	if err != nil {
		return Report{}, fmt.Errorf("simulate.Run: %w", err)
	}
	w.live()
	w.check()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, work := range w.resting {
		close(work)
	}
	return Report{Variant: variant, Violations: w.violations, Wrong: w.wrong, Tally: w.tally, Same: w.same, Story: w.story}, nil
}

// build makes the two organisations and says which variant of QuickBooks this is.
func (w *world) build() (variant string, err error) {
	w.sim = qbosim.New(qbosim.Options{Now: w.o.Now, ClientID: "id", ClientSecret: "secret"})
	w.quickbooks = w.sim.Handler()
	if w.oauth, err = oauthOver(calmly{w.quickbooks}); err != nil {
		return "", err
	}
	ids := w.o.Seed % 4 // QuickBooks is worst when it ignores them, so half of the schedules are of that kind
	variant = []string{"requestid honoured", "requestid ignored", "requestid ignored", "requestid forgotten after a day"}[ids]
	switches := qbosim.Switches{IgnoreRequestID: ids == 1 || ids == 2, DuplicateNumberCheck: w.o.Seed/4%3 == 0, RequestIDSeconds: 24 * 60 * 60, Rotation: w.rotation(), ReuseRevokes: true, ConcurrentRevokes: true}
	if switches.DuplicateNumberCheck {
		variant += ", numbers checked"
	}
	if w.o.Late {
		w.queryLag = intlog.QueryLag
	}
	if w.o.Quiet == "" {
		lag := func() time.Duration {
			return []time.Duration{0, intlog.QueryLag, intlog.QueryLag, intlog.QueryLag, w.between(0, intlog.QueryLag)}[w.intN(5)]
		}
		w.replays, w.queryLag, w.indexLag = w.intN(2) == 0, lag(), lag()
		w.tidy = w.intN(4) > 0
		if ids == 3 {
			w.dawn = w.began.Add(25*time.Hour + storm/4)
		}
	}
	for i, id := range []string{"willow", "maple"} {
		h := &house{id: id, realm: fmt.Sprint(1001 + i), auto: i == 0, clicked: map[string]bool{}}
		config, err := w.furnish(h, switches)
		if err == nil {
			_, err = w.store.PutConfig(context.Background(), config, 0)
		}
		if err == nil {
			err = w.connectFirst(h)
		}
		if err != nil {
			return "", err
		}
		w.houses = append(w.houses, h)
		if w.o.Quiet != "" {
			break
		}
	}
	return variant, nil
}

// furnish gives an organisation a company and a mapping. The deposits stand on one of two accounts.
func (w *world) furnish(h *house, switches qbosim.Switches) (org.Config, error) {
	company := qbosim.Company{Realm: h.realm, Name: h.id}
	mapping := org.Mapping{Roles: map[org.Role]string{}, GL: map[string]string{}}
	add := func(name, kind string) string {
		company.Accounts = append(company.Accounts, qbosim.NewAccount{Name: name, AccountType: kind})
		return fmt.Sprint(len(company.Accounts))
	}
	deposits := string(org.DepositsClearing)
	mapping.Roles[org.DepositsClearing] = add(deposits, "Other Current Asset")
	add(deposits+second, "Other Current Asset")
	mapping.Roles[org.AccountsReceivable] = add(string(org.AccountsReceivable), "Accounts Receivable")
	for _, role := range []org.Role{org.CashAdvances, org.MerchantFees, org.ReturnedPaymentFees, org.Bank("operating")} {
		mapping.Roles[role] = add(strings.ReplaceAll(string(role), ":", " "), "Other Current Asset")
	}
	mapping.GL["4000"], mapping.GL["6100"] = add("4000", "Income"), add("6100", "Expense")
	if err := w.sim.AddCompany(company); err != nil {
		return org.Config{}, err
	}
	w.sim.SetSwitches(h.realm, switches)
	h.mapped = []mapped{{account: deposits}}
	h.records = w.lives(h)
	settings := org.Settings{AutoSync: w.o.Quiet != "" || w.intN(4) > 0, AutoAddToExports: h.auto}
	return org.Config{Org: h.id, Realm: h.realm, Mapping: mapping, Settings: settings}, nil
}

// second is what the other account of the deposits has behind its name.
const second = " 2"

// live lets events come, people act and retries run through the storm, and then until everything is settled.
func (w *world) live() {
	for _, h := range w.houses {
		for _, r := range h.records {
			w.send(h, r)
		}
		w.people(h)
		w.undoers(h)
	}
	calmFrom := w.began.Add(storm)
	if w.dawn.After(calmFrom) {
		calmFrom = w.dawn.Add(storm / 4)
	}
	if w.o.Quiet != "" {
		calmFrom = w.began.Add(3 * time.Minute)
	}
	for minute := 1; ; minute++ {
		w.minute()
		if w.night() {
			w.pause(w.dawn.Sub(w.o.Now()))
		}
		now := w.o.Now()
		if !w.calm && !now.Before(calmFrom) {
			w.mu.Lock()
			w.calm = true
			w.mu.Unlock()
			w.tell("world", "calm: no faults from here on")
		}
		switch {
		case w.calm && minute%10 == 0:
			w.tidyUp()
		case !w.calm && minute%5 == 0:
			w.mend()
		}
		if w.calm && minute%5 == 0 && w.settled() || now.After(calmFrom.Add(longest)) {
			break
		}
		w.spawn(0, w.retry)
	}
	for w.busy() {
		w.pause(time.Minute)
	}
}

// minute lets a minute pass.
func (w *world) minute() {
	if !w.o.Late {
		w.pause(time.Minute)
		return
	}
	for range 11 {
		w.spawn(0, w.retry)
		w.pause(5 * time.Second)
	}
	w.pause(5 * time.Second)
}

// night says whether this is the schedule's night, in which nothing of ours runs.
func (w *world) night() bool {
	now := w.o.Now()
	return !w.dawn.IsZero() && now.After(w.dawn.Add(-25*time.Hour)) && now.Before(w.dawn)
}

func (w *world) busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flying > 0
}

// settled says whether nothing is under way and nothing is left to the machine, nor to people who tidy up.
func (w *world) settled() bool {
	if w.busy() {
		return false
	}
	for _, h := range w.houses {
		config, err := w.store.Config(context.Background(), h.id)
		if err != nil || len(config.Sweeps) > 0 || !config.BrokenSince.IsZero() {
			return false
		}
		entries := w.entries(h)
		for _, e := range entries {
			if e.State == intlog.Queued && (w.tidy || !behind(entries, e)) || e.State == intlog.Claimed || w.tidy && (e.State == intlog.Waiting || e.State == intlog.Failed || e.State == intlog.Pending) || e.State == intlog.Deleted {
				return false
			}
			if e.State == intlog.Held && h.clicked[e.Case+string(e.Page)] {
				return false
			}
		}
	}
	return true
}

// entries is everything in an organisation's log.
func (w *world) entries(h *house) []intlog.Entry {
	all, err := w.store.List(context.Background(), h.id, "all", intlog.Mark{}, 1000)
	if err != nil {
		w.violated("the log cannot be read: %v", err)
	}
	return all
}

// spawn starts something after a while. Nothing else runs in between, so a schedule has one order of steps.
func (w *world) spawn(after time.Duration, f func()) {
	w.fly(1)
	after += w.between(0, time.Millisecond)
	w.aside(func() {
		defer w.fly(-1)
		w.pause(after)
		f()
	})
}

// aside runs f in a goroutine of its own: one that is done with something else, if there is any, since the stack of a new one has to grow first.
func (w *world) aside(f func()) {
	w.mu.Lock()
	var next chan<- func()
	if n := len(w.resting); n > 0 {
		next, w.resting = w.resting[n-1], w.resting[:n-1]
	}
	w.mu.Unlock()
	if next != nil {
		next <- f
		return
	}
	work := make(chan func(), 1)
	work <- f
	go func() {
		for f := range work {
			f() // a process that dies here takes the goroutine with it
			w.mu.Lock()
			w.resting = append(w.resting, work)
			w.mu.Unlock()
		}
	}()
}

func (w *world) fly(n int) {
	w.mu.Lock()
	w.flying += n
	w.mu.Unlock()
}

func (w *world) pause(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

// chance says whether something that happens n times in a thousand happens now: never in calm.
func (w *world) chance(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.calm && w.o.Quiet == "" && w.luck.IntN(1000) < n
}

func (w *world) intN(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.luck.IntN(n)
}

// between is a random duration.
func (w *world) between(least, most time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return least + time.Duration(w.luck.Int64N(int64(most-least)+1))
}

// tell adds a step to the story.
func (w *world) tell(who, format string, args ...any) {
	if !w.o.Story {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.o.Now().Sub(w.began)
	w.story = append(w.story, fmt.Sprintf("%02d:%02d:%06.3f  %-12s %s", int(at.Hours()), int(at.Minutes())%60, (at%time.Minute).Seconds(), who, fmt.Sprintf(format, args...)))
}

func (w *world) count(n *int) {
	w.mu.Lock()
	*n++
	w.mu.Unlock()
}

func (w *world) violated(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.tell("VIOLATION", "%s", text)
	w.mu.Lock()
	w.violations = append(w.violations, text)
	w.mu.Unlock()
}

// remapped is the mapping with the deposits on the other of their two accounts, whose ids are 1 and 2.
func remapped(m org.Mapping) org.Mapping {
	m.Roles = maps.Clone(m.Roles)
	m.Roles[org.DepositsClearing] = map[string]string{"1": "2", "2": "1"}[m.Roles[org.DepositsClearing]]
	return m
}

// configured notes a configuration that was stored.
func (w *world) configured(c org.Config) {
	account := deposits
	if c.Mapping.Roles[org.DepositsClearing] == "2" {
		account += second
	}
	w.tell(ana, "configures %s: deposits on %s, auto-sync %t", c.Org, account, c.Settings.AutoSync)
	for _, h := range w.houses {
		if h.id == c.Org {
			w.mu.Lock()
			h.mapped = append(h.mapped, mapped{w.o.Now(), account})
			w.mu.Unlock()
		}
	}
}
