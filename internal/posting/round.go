package posting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
)

// MaxBatch is how many journal entries go into one request (../qbosim/quickbooks.md, Batches).
const MaxBatch = 30

// maxRounds is how often the entries of one message are begun with anew, since something went out before them or settings changed. What is left then is
// due again by itself.
const maxRounds = 10

// prepareWithin is how long entries are begun with: after it, what is sent would not be answered before the function ends (protocol.md §3).
const prepareWithin = intlog.WorkerDeadline - intlog.RequestTimeout - intlog.Transit

// sync brings entries of one organisation as far as they go now. The error is the first of any of them; every other entry is worked off all the same.
//
//	each entry: read ─▶ plan, match names ──┬─▶ claimed, each by itself ─▶ sent together ─▶ each outcome recorded
//	                     │ it waits for one │
//	                     │ that goes out now└─▶ asked for by number, if claimed before ─┘
//	                     └─▶ the next round
func (w *Worker) sync(ctx context.Context, keys []intlog.Key) error {
	var failed error
	began, closing := w.now(), &closing{}
	for range maxRounds {
		if len(keys) == 0 || w.now().Sub(began) > prepareWithin {
			break
		}
		r := round{Worker: w, began: began, closing: closing}
		keys = r.run(ctx, keys)
		if failed == nil {
			failed = r.failed
		}
	}
	return failed
}

// round is one pass over entries.
type round struct {
	*Worker
	began   time.Time
	closing *closing
	fresh   []*job // planned, and to be claimed
	asked   []*job // claimed before
	later   []intlog.Key
	failed  error // the first
}

// run works entries off and answers those that are to be begun with anew.
func (r *round) run(ctx context.Context, keys []intlog.Key) []intlog.Key {
	for _, key := range keys {
		if r.now().Sub(r.began) > prepareWithin {
			break // due again by themselves
		}
		r.step(key, func() error { return r.decide(ctx, key) })
	}
	r.ask(ctx)
	r.claim(ctx)
	r.sendAll(ctx, again, r.asked)
	r.sendAll(ctx, first, r.fresh)
	for _, j := range slices.Concat(r.asked, r.fresh) {
		if j.replan {
			r.later = append(r.later, j.entry.Key)
		}
	}
	return r.later
}

// step does something for an entry. A conflict is no failure: somebody else was faster, and has taken over.
func (r *round) step(key intlog.Key, f func() error) (done bool) {
	err := calmly(f)
	if err != nil && !fault.Is(err, fault.Conflict) && r.failed == nil {
		r.failed = fmt.Errorf("entry %s: %w", key.ID(), err)
	}
	return err == nil
}

func (r *round) decide(ctx context.Context, key intlog.Key) error {
	sameRecord := func(j *job) bool { return j.entry.Record == key.Record }
	if slices.ContainsFunc(r.fresh, sameRecord) || slices.ContainsFunc(r.asked, sameRecord) {
		r.later = append(r.later, key)
		return nil
	}
	j, err := r.begin(ctx, key)
	if err != nil || j == nil {
		return err
	}
	j.closing = r.closing
	n, err := j.decide(ctx, len(r.fresh)+len(r.asked) > 0)
	switch {
	case err != nil:
		return err
	case n == toSend:
		r.fresh = append(r.fresh, j)
	case n == toAsk:
		r.asked = append(r.asked, j)
	case n == toDefer:
		r.later = append(r.later, key)
	}
	return nil
}

// ask: row 15, for all entries at once, since reads are metered. Of what cannot be asked for, the lease ends, and the next claim asks again.
func (r *round) ask(ctx context.Context) {
	if len(r.asked) == 0 {
		return
	}
	key, err := r.asked[0].entry.Key, r.probe(ctx, r.asked)
	if err != nil {
		r.step(key, func() error { return r.asked[0].heed(ctx, fault.As(err)) })
		r.asked = nil
		return
	}
	if !r.asked[0].config.BrokenSince.IsZero() { // the refusal was a passing one: nobody needs to reconnect
		now := r.now()
		if !r.step(key, func() error { return r.store.Mended(ctx, key.Org, []time.Time{now, now.Add(intlog.SweepSoon)}) }) {
			r.asked = nil
		}
	}
}

// claim: rows 10 and 12.
func (r *round) claim(ctx context.Context) {
	slots := r.slots()
	r.fresh = slices.DeleteFunc(r.fresh, func(j *job) bool {
		return !r.step(j.entry.Key, func() error {
			if err := j.supersedeOlder(ctx); err != nil {
				return err
			}
			return j.claim(ctx, slots[j])
		})
	})
}

// slot is under what a posting goes out: the requestid, and its item in that request's batch; none if it goes alone.
type slot struct{ request, item string }

// slots gives each planned posting its slot: MaxBatch of them share a request, in order. One that is alone goes alone, which is answered sooner.
func (r *round) slots() map[*job][]slot {
	var names []string
	for _, j := range r.fresh {
		for i := range j.planned {
			names = append(names, j.entry.Key.Identity(j.entry.N+1+i))
		}
	}
	var all []slot
	for some := range slices.Chunk(names, MaxBatch) {
		if len(names) == 1 {
			all = []slot{{request: requestID(some[0])}}
			break
		}
		// No other batch has this id: of these postings, whose numbers are used once, or at this time.
		sum := sha256.Sum256([]byte("batch " + strconv.FormatInt(r.now().UnixNano(), 10) + "\n" + strings.Join(some, "\n")))
		for i := range some {
			all = append(all, slot{hex.EncodeToString(sum[:16]), strconv.Itoa(i + 1)})
		}
	}
	slots := map[*job][]slot{}
	for _, j := range r.fresh {
		slots[j], all = all[:len(j.planned)], all[len(j.planned):]
	}
	return slots
}

// sendAll: rows 14 and 16 to 20.
func (r *round) sendAll(ctx context.Context, s sending, jobs []*job) {
	var held *fault.Error // why nothing more is sent
	for _, x := range shipments(jobs) {
		if held == nil {
			x = r.current(ctx, s, x)
			held = r.send(ctx, s, x)
			continue
		}
		for _, i := range x {
			i.job.outcome.postpone(held, i.posting(), s)
		}
	}
	for _, j := range jobs {
		r.step(j.entry.Key, func() error { return j.finish(ctx, s) })
	}
}
