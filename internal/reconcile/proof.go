package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
)

// Options are what a proof works with.
type Options struct {
	Store    Store
	Books    Books
	Planner  Planner
	Queue    Queue // brings an entry to the worker
	Requests Requests
	Leases   lease.Store // one run of an organisation at a time
	Process  string      // names this process among all that share the store
	Now      func() time.Time
	Pause    func(ctx context.Context, d time.Duration) error // waits before QuickBooks is asked again; none: lease.Pause
}

// Proof proves the books of organisations, one at a time.
type Proof struct {
	o      Options
	serial atomic.Int64
}

// New makes a proof.
func New(o Options) *Proof {
	if o.Pause == nil {
		o.Pause = lease.Pause
	}
	if o.Books != nil {
		o.Books = patient{o.Books, o.Pause}
	}
	return &Proof{o: o}
}

var (
	_ Reader = (*Proof)(nil)
	_ Hearer = (*Proof)(nil)
)

// Hear keeps what the next proof has to look at: of journal entries what is not new, since change data tells of new ones; of customers what is merged or gone.
func (p *Proof) Hear(ctx context.Context, hints []Hint) error {
	by := map[string][]Hint{}
	for _, h := range hints {
		if h.matters() {
			by[h.Realm] = append(by[h.Realm], h)
		}
	}
	for _, realm := range slices.Sorted(maps.Keys(by)) {
		if err := p.hear(ctx, realm, by[realm]); err != nil {
			return fmt.Errorf("reconcile.Hear: %w", err)
		}
	}
	return nil
}

func (h Hint) matters() bool {
	switch h.Entity {
	case "JournalEntry":
		return h.Operation != "created"
	case "Customer":
		return h.Operation == "merged" || h.Operation == "deleted"
	}
	return false
}

// hear keeps the hints of one company, each once.
func (p *Proof) hear(ctx context.Context, realm string, hints []Hint) error {
	owner, err := p.o.Store.CompanyOwner(ctx, realm)
	if err != nil || owner == "" {
		return err
	}
	config, err := p.o.Store.Config(ctx, owner)
	if err != nil || config.Realm != realm {
		return err
	}
	d := newDesk(p.o.Store, config.Company())
	ids := make([]string, len(hints))
	for i, h := range hints {
		ids[i] = h.Entity + "/" + h.ID
	}
	papers, err := take[Hint](ctx, d, hintPaper, ids...)
	if err != nil {
		return err
	}
	for i, h := range hints {
		if !d.known(hintPaper, ids[i]) {
			*papers[i] = h
			d.put(hintPaper, ids[i], false)
		}
	}
	if err := d.flush(ctx); err != nil && !fault.Is(err, fault.Conflict) { // somebody has just kept the same
		return err
	}
	return nil
}

// Ask asks for a proof of the organisation's books, which begins a moment later. Errors: fault.Conflict when QuickBooks is not connected.
func (p *Proof) Ask(ctx context.Context, r Request) error {
	config, err := p.o.Store.Config(ctx, r.Org)
	if err == nil && !config.Connected() {
		err = fault.New(fault.Conflict, "QuickBooks is not connected. Connect it; then the books can be proved.")
	}
	if err == nil {
		err = p.o.Requests.Request(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("reconcile.Ask: %w", err)
	}
	return nil
}

// desk is where the papers of an organisation's company are read.
func (p *Proof) desk(ctx context.Context, id string) (*desk, error) {
	config, err := p.o.Store.Config(ctx, id)
	if err != nil {
		return nil, err
	}
	return newDesk(p.o.Store, config.Company()), nil
}

// Nights lists nights, newest first, before one (none: from the newest).
func (p *Proof) Nights(ctx context.Context, id string, before date.Date, limit int) ([]Night, error) {
	d, err := p.desk(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reconcile.Nights: %w", err)
	}
	var nights []Night
	on := NightOf(p.o.Now()).AddDays(1)
	if before != "" {
		on = before
	}
	for looked := 0; looked < maxNights && len(nights) < limit; looked += nightsAtOnce {
		list, err := nightsBefore(ctx, d, on, nightsAtOnce)
		if err != nil {
			return nil, fmt.Errorf("reconcile.Nights: %w", err)
		}
		nights = append(nights, list...)
		on = on.AddDays(-nightsAtOnce)
	}
	return nights[:min(len(nights), limit)], nil
}

// How far nights are looked for: some days at once, two years back.
const (
	nightsAtOnce = 40
	maxNights    = 720
)

// nightsBefore are those of some days before a day, newest first.
func nightsBefore(ctx context.Context, d *desk, on date.Date, days int) ([]Night, error) {
	var ids []string
	for range days {
		on = on.AddDays(-1)
		ids = append(ids, string(on))
	}
	list, err := take[Night](ctx, d, nightPaper, ids...)
	var nights []Night
	for i, n := range list {
		if d.known(nightPaper, ids[i]) {
			nights = append(nights, *n)
		}
	}
	return nights, err
}

// Night reads one night. Errors: fault.NotFound.
func (p *Proof) Night(ctx context.Context, id string, on date.Date) (Night, error) {
	d, err := p.desk(ctx, id)
	if err != nil {
		return Night{}, fmt.Errorf("reconcile.Night: %w", err)
	}
	n, err := one[Night](ctx, d, nightPaper, string(on))
	if err == nil && !d.known(nightPaper, string(on)) {
		err = fault.New(fault.NotFound, "There was no proof for %s.", on.Short())
	}
	if err != nil {
		return Night{}, fmt.Errorf("reconcile.Night: %w", err)
	}
	return *n, nil
}

// Digest is one notice of the newest proof that ended: that all agrees, what does not, the oldest and largest first, or why it could not be done. A proof that
// could not be done for the connection says nothing, since the connection says it.
func (p *Proof) Digest(ctx context.Context, id string) (notice intlog.Notice, news, found bool, err error) {
	d, err := p.desk(ctx, id)
	if err != nil {
		return notice, false, false, fmt.Errorf("reconcile.Digest: %w", err)
	}
	nights, err := nightsBefore(ctx, d, NightOf(p.o.Now()).AddDays(1), newsFor)
	if err != nil {
		return notice, false, false, fmt.Errorf("reconcile.Digest: %w", err)
	}
	at := slices.IndexFunc(nights, func(n Night) bool { return n.State != Running })
	if at < 0 {
		return notice, false, false, nil
	}
	n := nights[at]
	notice = intlog.Notice{Key: "proof", Text: "Proof of " + n.Date.Short() + ". " + n.Says, Who: "nobody", At: n.Ended}
	switch n.State {
	case Differs:
		notice.Who, notice.At = "bookkeeper", n.Newest
		for _, d := range n.First[:min(len(n.First), inNotice)] {
			notice.Text += " " + d.Sentence
		}
		if more := n.Open - inNotice; more > 0 {
			notice.Text += fmt.Sprintf(" And %d more.", more)
		}
	case Failed:
		notice.Who = "nobody: it is done again the next night"
	case Agrees, Running:
	}
	return notice, n.State != Agrees, true, nil
}

// newsFor is for how many days a proof is told of; every page of the console asks.
const newsFor = 3

// inNotice is how many differences a notice names.
const inNotice = 3

// summarize says what the night found.
func (x *run) summarize(ctx context.Context) error {
	n := &x.night
	var open []Difference
	timing := 0
	err := each(ctx, x.store, x.at, differencePaper, "", true, func(_ string, k kept) bool {
		if k.Class == Timing {
			timing++
		} else {
			open = append(open, k.Difference)
			n.AtStake += k.Amount
			if k.Found.After(n.Newest) {
				n.Newest = k.Found
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	slices.SortFunc(open, byAgeAndSize)
	n.Open, n.State, n.Ended = len(open), Agrees, x.p.o.Now()
	for _, d := range open[:min(len(open), MaxTold)] {
		n.First = append(n.First, Told{ID: d.ID, Class: d.Class, Sentence: d.Sentence, Amount: d.Amount, Found: d.Found})
	}
	if n.Open > 0 {
		n.State = Differs
	}
	n.Says = n.says(timing)
	return nil
}

func (n Night) says(timing int) string {
	compared := count(n.Entries, "entry", "entries") + ", $" + n.Amount.Grouped()
	text := "All agrees: " + compared + "."
	switch {
	case n.Open > 0:
		text = count(n.Open, "difference", "differences") + ", $" + n.AtStake.Grouped() + ". Compared: " + compared + "."
	case n.Entries == 0 && !n.Full:
		text = "All agrees: nothing has changed since the proof before."
	}
	if timing > 0 {
		text += " " + count(timing, "more is", "more are") + " on the way for less than a day."
	}
	return text
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
