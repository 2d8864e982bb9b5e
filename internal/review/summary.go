package review

import (
	"context"
	"fmt"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/passare"
)

// MostCounted is how many entries of a tab a summary counts, the newest.
const MostCounted = 1_000

// Waits is what waits on a tab.
type Waits struct {
	Tab    string
	Count  int
	Money  money.Cents // the sum of the amounts that the list shows
	Oldest time.Time   // when the oldest that was counted came; zero when there is none
	More   bool        // there are more than MostCounted
}

// Risk is money that should be in QuickBooks and is not: the records with an entry on Pending transactions or Sync errors (which has what is stuck on its
// way, too) that came more than RiskAfter ago. Each record counts once, with the amount of its newest such entry, whichever way the money goes. What is held
// for Add to Accounting Export does not count, since nobody has asked for it yet; nor what is on its way and not stuck.
type Risk struct {
	Cases   int // that such records are of
	Loose   int // records without a case, such as checks
	Money   money.Cents
	Counted bool   // false when there are more than MostCounted of a tab, so that there may be more at risk
	Says    string // all of it in one sentence
}

// RiskAfter is how long an entry may wait until its money is at risk.
const RiskAfter = 24 * time.Hour

// Summary is what waits for people.
type Summary struct {
	Tabs []Waits // of each tab on which something waits: pending, errors, held
	Risk Risk
}

// Summary counts what waits for people. What is synced is not counted, so that the cost does not grow with it: at most MostCounted entries are read for each of
// three tabs. Errors: what the store answers.
func (r *Reader) Summary(ctx context.Context, id string) (Summary, error) {
	var s Summary
	late := map[passare.Ref]intlog.Entry{}
	waiting := 0
	s.Risk.Counted = true
	for _, tab := range []string{intlog.Pending.Tab(), intlog.Failed.Tab(), intlog.Held.Tab()} {
		entries, err := r.store.List(ctx, id, tab, intlog.Mark{}, MostCounted+1)
		if err != nil {
			return s, fmt.Errorf("review.Summary: %w", err)
		}
		w := count(tab, entries)
		s.Tabs = append(s.Tabs, w)
		waiting += w.Count
		if tab == intlog.Held.Tab() {
			continue
		}
		s.Risk.Counted = s.Risk.Counted && !w.More
		for _, e := range entries {
			if at := r.now().Add(-RiskAfter); e.Created.Before(at) && late[e.Record].Version < e.Version {
				late[e.Record] = e
			}
		}
	}
	s.Risk.add(late)
	s.Risk.Says = s.Risk.sentence(waiting)
	return s, nil
}

// count counts a tab.
func count(tab string, entries []intlog.Entry) Waits {
	w := Waits{Tab: tab, More: len(entries) > MostCounted}
	for _, e := range entries[:min(len(entries), MostCounted)] {
		w.Count++
		w.Money += e.Amount.Abs()
		w.Oldest = e.Created // they come newest first
	}
	return w
}

func (k *Risk) add(late map[passare.Ref]intlog.Entry) {
	cases := map[string]bool{}
	for _, e := range late {
		k.Money += e.Amount.Abs()
		if e.Case == "" {
			k.Loose++
			continue
		}
		cases[e.Case] = true
	}
	k.Cases = len(cases)
}

// sentence says it: "3 cases, $12,430.00 not in QuickBooks for more than 24 h."
func (k Risk) sentence(waiting int) string {
	what := ""
	switch {
	case k.Cases > 0 && k.Loose > 0:
		what = number(k.Cases, "case", "cases") + " and " + number(k.Loose, "record", "records") + " without a case"
	case k.Cases > 0:
		what = number(k.Cases, "case", "cases")
	case k.Loose > 0:
		what = number(k.Loose, "record", "records") + " without a case"
	case !k.Counted:
		return fmt.Sprintf("More than %s wait.", number(MostCounted, "entry", "entries"))
	case waiting > 0:
		return "Nothing has waited for more than 24 h; " + number(waiting, "entry waits now.", "entries wait now.")
	default:
		return "All agrees: nothing waits."
	}
	if !k.Counted {
		return "More than " + what + ", more than $" + k.Money.Grouped() + " not in QuickBooks for more than 24 h."
	}
	return what + ", $" + k.Money.Grouped() + " not in QuickBooks for more than 24 h."
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	grouped := money.Cents(n * 100).Grouped()
	return grouped[:len(grouped)-len(".00")] + " " + many
}

// Sentence says it: "more than 1,000 entries, more than $12,430.00".
func (w Waits) Sentence() string {
	if w.Count == 0 {
		return "nothing"
	}
	more := ""
	if w.More {
		more = "more than "
	}
	return more + number(w.Count, "entry", "entries") + ", " + more + "$" + w.Money.Grouped()
}
