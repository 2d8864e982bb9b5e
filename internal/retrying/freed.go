package retrying

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/rules"
)

// Saved is what became of a change of a configuration.
type Saved struct {
	Config  org.Config
	Failed  int  // entries that had failed for a cause that may be gone, and are tried again
	Pending int  // entries that waited for review and go, since a person asked for that
	Held    int  // entries that waited for Add to Accounting Export and go on, since a person asked for that
	More    bool // more go by themselves, with the sweeps
}

// Configure is Save without anything to keep. It answers how many failed entries it released.
func (r *Retrier) Configure(ctx context.Context, c org.Config, ifVersion int64) (stored org.Config, released int, err error) {
	saved, err := r.Save(ctx, c, ifVersion, org.Kept{})
	if err != nil {
		return saved.Config, 0, fmt.Errorf("retrying.Configure: %w", err)
	}
	return saved.Config, saved.Failed, nil
}

// Save stores an organisation's new settings or mapping together with what is kept of the change, and lets everything go that waited for one, and what a
// person asked to be let go (org.Config.Freeing): at once what is seen now, at most PageSize, in batches; and by sweeps the rest, what was being
// stored at the same moment, and what cannot be let go now. An entry that still has its cause fails again. Errors: fault.Conflict when somebody changed the
// configuration since the version that was read; then nothing has changed.
func (r *Retrier) Save(ctx context.Context, c org.Config, ifVersion int64, kept org.Kept) (saved Saved, err error) {
	now := r.now()
	c.Sweeps = []time.Time{now.Add(intlog.SweepSoon), now.Add(intlog.SweepLate)}
	if saved.Config, err = r.store.Reconfigure(ctx, c, ifVersion, kept); err != nil {
		return saved, fmt.Errorf("retrying.Save: %w", err)
	}
	var all, allAsked bool
	saved.Failed, all, err = r.release(ctx, c.Org, loose{kind: FreedBySaving, most: PageSize, goesOn: always})
	if err == nil {
		saved.Pending, saved.Held, allAsked, err = r.releaseAsked(ctx, saved.Config, PageSize-saved.Failed, always)
	}
	saved.More = err != nil || !all || !allAsked // it is stored: what fails from here on is done by the sweeps
	return saved, nil
}

// FreedBySaving says whether an entry with the problem is tried again when settings or mapping are saved: its cause was in them, or is an account that
// QuickBooks does not take any more, which another mapping replaces.
func FreedBySaving(p rules.Problem) bool { return fixedByConfig(p) || p.Kind == rules.Account }

func always() bool { return true }

// releaseAsked lets go what a person asked for when they changed a setting, while the setting is as they wanted it. It says how many, and whether these
// were all.
func (r *Retrier) releaseAsked(ctx context.Context, c org.Config, most int, goesOn func() bool) (pending, held int, all bool, err error) {
	all = true
	if c.Freeing == nil {
		return 0, 0, true, nil
	}
	if c.Freeing.Pending && c.Settings.AutoSync {
		if pending, all, err = r.onwards(ctx, c, intlog.Pending, most, goesOn); err != nil {
			return pending, 0, false, err
		}
	}
	if c.Freeing.Held && c.Settings.AutoAddToExports {
		var allHeld bool
		held, allHeld, err = r.onwards(ctx, c, intlog.Held, most-pending, goesOn)
		all = all && allHeld
	}
	return pending, held, all && err == nil, err
}

// onwards moves entries that wait in a state to where they would be if nothing had held them, oldest first, and says whether these were all.
func (r *Retrier) onwards(ctx context.Context, c org.Config, from intlog.State, most int, goesOn func() bool) (n int, all bool, err error) {
	waiting, all, err := r.waitingIn(ctx, c, from, most, goesOn)
	if err != nil {
		return 0, false, err
	}
	to, why := intake.Flowing(c)
	if to == intlog.Queued {
		why = "Your organisation's settings let it go by itself now."
	}
	var queued []string
	for _, e := range waiting {
		if !goesOn() {
			all = false
			break
		}
		moved, moving := e.Move(to, c.Freeing.By, why, r.now())
		if moving == nil {
			_, moving = r.store.Update(ctx, moved)
		}
		if fault.Is(moving, fault.Conflict) { // somebody else was faster
			continue
		}
		if moving != nil {
			err = moving // what was queued is sent all the same
			break
		}
		if n++; to == intlog.Queued {
			queued = append(queued, e.ID())
		}
	}
	for work := range slices.Chunk(queued, intlog.MaxWork) {
		r.send(ctx, c.Org, work)
	}
	return n, all && err == nil, err
}

// waitingIn lists the entries in a state that a person asked to be let go, oldest first, and says whether these are all. The log is read from its newest
// end, so when they are too many it is the newest of them.
func (r *Retrier) waitingIn(ctx context.Context, c org.Config, state intlog.State, most int, goesOn func() bool) (found []intlog.Entry, all bool, err error) {
	var after intlog.Mark
	for end := false; !end && len(found) <= most; {
		if !goesOn() {
			return nil, false, nil
		}
		page, err := r.store.List(ctx, c.Org, state.Tab(), after, PageSize)
		if err != nil {
			return nil, false, err
		}
		for _, e := range page {
			if after = intlog.MarkOf(e); e.State == state && e.Created.Before(c.Freeing.Before) {
				found = append(found, e)
			}
		}
		end = len(page) < PageSize
	}
	all = len(found) <= most
	found = found[:min(len(found), max(most, 0))]
	slices.Reverse(found)
	return found, all, nil
}

// Nightly tries once more what failed for something that somebody may have put right in QuickBooks or Passare without telling us: a closed period, an
// inactive account, a name, a record that another one waits for. It answers how many entries it released.
func (r *Retrier) Nightly(ctx context.Context, id string) (int, error) {
	kinds := []rules.Kind{rules.Period, rules.Account, rules.NoName, rules.Member, rules.Transient}
	n, _, err := r.release(ctx, id, whole(func(p rules.Problem) bool { return slices.Contains(kinds, p.Kind) }))
	if err != nil {
		return n, fmt.Errorf("retrying.Nightly: %w", err)
	}
	return n, nil
}
