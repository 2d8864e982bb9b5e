package review_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// previewer plans every entry the same, and counts.
type previewer struct {
	plan  rules.Plan
	err   error
	asked atomic.Int64
}

func (p *previewer) Preview(context.Context, intlog.Entry) (rules.Plan, error) {
	p.asked.Add(1)
	return p.plan, p.err
}

// readingDesk is a reader over a store in memory, a day and an hour after now.
type readingDesk struct {
	t      *testing.T
	store  *memory.Store
	plans  *previewer
	reader *review.Reader
}

func newReadingDesk(t *testing.T) *readingDesk {
	t.Helper()
	d := &readingDesk{t: t, store: memory.NewStore(), plans: &previewer{}}
	d.reader = review.NewReader(d.store, d.plans, func() time.Time { return now().Add(25 * time.Hour) })
	if _, err := d.store.PutConfig(t.Context(), org.Config{Org: "a"}, 0); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *readingDesk) has(e intlog.Entry) intlog.Entry {
	d.t.Helper()
	if _, created, err := d.store.Create(d.t.Context(), e, nil); err != nil || !created {
		d.t.Fatalf("%t %v", created, err)
	}
	return e
}

// in is the entry of a payment in a state, that came some time after now.
func in(s intlog.State, n int, caseNo string, amount money.Cents, after time.Duration) intlog.Entry {
	e := entry(n, caseNo, amount)
	e.State, e.Created = s, now().Add(after+time.Duration(n)*time.Millisecond)
	return e
}

func TestTheSummaryInOneSentence(t *testing.T) {
	t.Parallel()
	loose := in(intlog.Failed, 9, "x", 700, 0)
	loose.Case = ""
	newer := in(intlog.Pending, 1, "1", 600, 0)
	newer.Version = 2
	stuck := in(intlog.Waiting, 5, "5", 900, 0)
	stuck.History = []intlog.Step{{At: now(), To: intlog.Waiting}, {At: now().Add(time.Hour), To: intlog.Waiting}}
	for says, entries := range map[string][]intlog.Entry{
		"All agrees: nothing waits.":                                                       {in(intlog.Synced, 1, "1", 500, 0), in(intlog.Queued, 2, "2", 500, 0)},
		"Nothing has waited for more than 24 h; 2 entries wait now.":                       {in(intlog.Pending, 1, "1", 500, 2*time.Hour), in(intlog.Failed, 2, "1", 500, 2*time.Hour)},
		"Nothing has waited for more than 24 h; 1 entry waits now.":                        {in(intlog.Held, 1, "1", 500, 0)},
		"1 case, $5.00 not in QuickBooks for more than 24 h.":                              {in(intlog.Pending, 1, "1", 500, 0), in(intlog.Failed, 2, "2", 800, 2*time.Hour), in(intlog.Held, 3, "3", 900, 0)},
		"2 cases, $12,430.00 not in QuickBooks for more than 24 h.":                        {in(intlog.Pending, 1, "1", 243_000, 0), in(intlog.Failed, 2, "2", 900_000, 0), in(intlog.Failed, 3, "2", 100_000, 0)},
		"1 record without a case, $7.00 not in QuickBooks for more than 24 h.":             {loose},
		"1 case and 1 record without a case, $12.00 not in QuickBooks for more than 24 h.": {loose, in(intlog.Pending, 1, "1", 500, 0)},
		"1 case, $6.00 not in QuickBooks for more than 24 h.":                              {in(intlog.Failed, 1, "1", 500, 0), newer}, // a record counts once
		"1 case, $9.00 not in QuickBooks for more than 24 h.":                              {stuck},
		"1 case, $4.00 not in QuickBooks for more than 24 h.":                              {in(intlog.Failed, 1, "1", -400, 0)}, // whichever way it goes
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			d := newReadingDesk(t)
			for _, e := range entries {
				d.has(e)
			}
			s, err := d.reader.Summary(t.Context(), "a")
			if err != nil || s.Risk.Says != says || !s.Risk.Counted {
				t.Errorf("%q %v", s.Risk.Says, err)
			}
			if other, err := d.reader.Summary(t.Context(), "b"); err != nil || other.Risk.Says != "All agrees: nothing waits." {
				t.Errorf("another organisation: %q %v", other.Risk.Says, err)
			}
		})
	}
}

func TestTheSummaryCountsTheNewestThousandAndSaysThatThereIsMore(t *testing.T) {
	t.Parallel()
	for _, extra := range []int{0, 1} {
		d := newReadingDesk(t)
		for n := range review.MostCounted + extra {
			d.has(in(intlog.Pending, n, fmt.Sprint(n%3), 100, 0))
		}
		s, err := d.reader.Summary(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		w, more := s.Tabs[0], extra > 0
		wantTab := map[bool]string{false: "1,000 entries, $1,000.00", true: "more than 1,000 entries, more than $1,000.00"}[more]
		wantRisk := map[bool]string{false: "3 cases, $1,000.00 not", true: "More than 3 cases, more than $1,001.00 not"}[more]
		if w.Count != 1000 || w.More != more || w.Sentence() != wantTab || s.Risk.Counted == more || !strings.HasPrefix(s.Risk.Says, wantRisk) {
			t.Errorf("%+v %q %q", w, w.Sentence(), s.Risk.Says)
		}
	}
	d := newReadingDesk(t)
	for n := range review.MostCounted + 1 {
		d.has(in(intlog.Pending, n, "1", 100, 2*time.Hour))
	}
	if s, err := d.reader.Summary(t.Context(), "a"); err != nil || s.Risk.Says != "More than 1,000 entries wait." {
		t.Errorf("%q %v", s.Risk.Says, err)
	}
}

// exported exports all, with room for so many entries in each part, and answers the ids of each part.
func (d *readingDesk) exported(f review.Filter, ids []string, room int) (parts [][]string) {
	d.t.Helper()
	for after := (intlog.Mark{}); ; {
		var part []string
		next, err := d.reader.Export(d.t.Context(), "a", f, ids, after, func(x review.Exported) bool {
			if len(part) == room {
				return false
			}
			part = append(part, x.Entry.ID())
			return true
		})
		if err != nil {
			d.t.Fatal(err)
		}
		if parts = append(parts, part); next == nil {
			return parts
		}
		after = *next
	}
}

func TestAnExportInPartsHasEachEntryOnceNewestFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := newReadingDesk(t)
		var want, ids []string
		for n := range rapid.IntRange(0, 600).Draw(rt, "entries") {
			e := d.has(entry(n, rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "case"), 1000))
			if e.CaseNo == "1" {
				want = append([]string{e.ID()}, want...)
				ids = append(ids, e.ID(), e.ID())
			}
		}
		room := rapid.IntRange(1, 300).Draw(rt, "room")
		ways := map[string][][]string{"filtered": d.exported(review.Filter{Tab: "pending", Case: "1"}, nil, room)}
		if len(ids) > 0 && len(ids) <= review.MaxExported {
			ways["named, each twice"] = d.exported(review.Filter{}, ids, room)
		}
		for name, parts := range ways {
			var got []string
			for _, part := range parts {
				got = append(got, part...)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Errorf("%s: %s", name, diff)
			}
		}
	})
}

func TestAnExportLooksAtNoMoreThanItsBounds(t *testing.T) {
	t.Parallel()
	d := newReadingDesk(t)
	for n := range review.MaxExported + 10 {
		d.has(entry(n, "1", 1000))
	}
	parts := d.exported(review.Filter{Tab: "all"}, nil, 1_000_000)
	if len(parts) != 2 || len(parts[0]) != review.MaxExported || d.plans.asked.Load() > review.MaxExported+10 {
		t.Errorf("%d parts, the first of %d; %d plans", len(parts), len(parts[0]), d.plans.asked.Load())
	}
	d = newReadingDesk(t)
	for n := range review.MaxExport + 10 {
		d.has(in(intlog.Synced, n, "1", 1000, 0))
	}
	if parts := d.exported(review.Filter{Tab: "all", Case: "2"}, nil, 1_000_000); len(parts) != 2 || len(parts[0])+len(parts[1]) > 0 || d.plans.asked.Load() > 0 {
		t.Errorf("%d parts, %d plans", len(parts), d.plans.asked.Load())
	}
}

func TestAnExportRefusesWhatItCannotGive(t *testing.T) {
	t.Parallel()
	d := newReadingDesk(t)
	e := d.has(entry(1, "1", 1000))
	all := func(review.Exported) bool { return true }
	export := func(f review.Filter, ids ...string) error {
		_, err := d.reader.Export(t.Context(), "a", f, ids, intlog.Mark{}, all)
		return err
	}
	if err := export(review.Filter{}, e.ID(), "payment.none.1", "nothing"); !fault.Is(err, fault.NotFound) || len(fault.As(err).Fields) != 2 {
		t.Errorf("ids that are none: %v", err)
	}
	if err := export(review.Filter{}, make([]string, review.MaxExported+1)...); !fault.Is(err, fault.Invalid) {
		t.Errorf("too many: %v", err)
	}
	if err := export(review.Filter{Tab: "lost"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a tab that there is not: %v", err)
	}
	d.plans.err = fault.New(fault.Unavailable, "busy")
	if err := export(review.Filter{Tab: "all"}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a store that is busy: %v", err)
	}
	d.plans.err = fault.New(fault.Invalid, "old")
	if err := export(review.Filter{Tab: "all"}); err != nil {
		t.Errorf("an event that cannot be planned any more: %v", err)
	}
}

func TestAroundAnEntryIsEveryProblemOnceAndWhoElseIsMeant(t *testing.T) {
	t.Parallel()
	d := newReadingDesk(t)
	batch := entry(51, "1", 500)
	batch.Record, batch.State = passare.Ref{Type: passare.BatchPayment, ID: "51"}, intlog.Synced
	d.has(batch)
	mapping := rules.Problem{Kind: rules.Mapping, Subject: "account gl:4000", Text: "as it was"}
	e := in(intlog.Failed, 1, "1", 500, 0)
	e.Cause = []rules.Problem{mapping}
	now := mapping
	now.Text = "as it is"
	d.plans.plan.Problems = []rules.Problem{now, {Kind: rules.Member, Subject: "batch_payment/51"}, {Kind: rules.Choice, Subject: e.Record.String()}, {Kind: rules.Member, Subject: "check/none"}}
	a, err := d.reader.Around(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range a.Problems {
		got = append(got, p.Subject+" "+p.Text)
	}
	for _, o := range a.Others {
		got = append(got, fmt.Sprint("see ", o.Record, " ", o.Newest != nil))
	}
	want := []string{"account gl:4000 as it was", "batch_payment/51 ", "payment/p1 ", "check/none ", "see batch_payment/51 true", "see check/none false"}
	if diff := cmp.Diff(want, got); diff != "" || a.Plan == nil {
		t.Error(diff)
	}
	// One that another record posts has no plan, and names that record.
	d.plans.plan = rules.Plan{Excluded: "Already in batch 51.", PostedBy: batch.Record}
	a, err = d.reader.Around(t.Context(), in(intlog.Excluded, 2, "1", 500, 0))
	if err != nil || a.Plan != nil || len(a.Others) != 1 || a.Others[0].Record != batch.Record {
		t.Errorf("%+v %v", a, err)
	}
	asked := d.plans.asked.Load()
	for _, s := range []intlog.State{intlog.Synced, intlog.Claimed, intlog.Deleted, intlog.Superseded, intlog.Unchanged} {
		if a, err := d.reader.Around(t.Context(), in(s, 3, "1", 500, 0)); err != nil || a.Plan != nil {
			t.Errorf("%s: %+v %v", s, a, err)
		}
	}
	if d.plans.asked.Load() != asked {
		t.Error("what is done is planned")
	}
}

// moved is an entry that came after a month was closed, and stands on the first open day.
func moved(n int, facts ...date.Date) intlog.Entry {
	e := in(intlog.Synced, n, "1", 1000, time.Duration(n)*time.Hour)
	p := intlog.Posting{N: 1, Doc: fmt.Sprint("d", n), Date: "2026-03-01", QuickBooksID: fmt.Sprint(n)}
	for i, fact := range facts {
		for _, sign := range []money.Cents{1, -1} {
			p.Movements = append(p.Movements, journal.Movement{Key: journal.Key{Part: fmt.Sprint(i, sign)}, Fact: fact, Amount: sign * 500, Place: journal.Place{Account: fmt.Sprint(sign)}})
		}
	}
	e.Postings = []intlog.Posting{p, {N: 2, Doc: "refused", Date: "2026-03-01", Closed: true, Movements: p.Movements}}
	return e
}

func TestChangesInClosedBooksAreThoseOfTheMonthWithTheAmountThatHappenedThen(t *testing.T) {
	t.Parallel()
	d := newReadingDesk(t)
	d.has(moved(1, "2026-02-10"))
	d.has(moved(2, "2026-02-10", "2026-01-31", "2026-03-01"))
	d.has(moved(3, "2026-03-01"))
	held := in(intlog.Failed, 4, "1", 700, 4*time.Hour)
	held.Cause = []rules.Problem{{Kind: rules.Period, Subject: "date 2026-02-20", Text: "closed"}, {Kind: rules.Mapping, Subject: "account x"}}
	d.has(held)
	refused := in(intlog.Failed, 5, "1", 800, 5*time.Hour)
	refused.Cause = []rules.Problem{{Kind: rules.Period, Subject: "QuickBooks 6210", Text: "closed"}}
	refused.Postings = []intlog.Posting{{N: 1, Date: "2026-02-21", Closed: true}}
	d.has(refused)
	list := func(month string, limit int) (got []string) {
		for after := (intlog.Mark{}); ; {
			changes, next, err := d.reader.PriorPeriod(t.Context(), "a", month, after, limit)
			if err != nil || len(changes) > limit {
				t.Fatalf("%d changes, %v", len(changes), err)
			}
			for _, c := range changes {
				got = append(got, fmt.Sprint(c.Entry.ID(), " ", c.Original, " ", c.Posted, " ", c.Amount, " ", c.Doc))
			}
			if next == nil {
				return got
			}
			after = *next
		}
	}
	february := []string{
		"payment.p5.1 [2026-02-21]  8.00 ", "payment.p4.1 [2026-02-20]  7.00 ", "payment.p2.1 [2026-02-10] 2026-03-01 5.00 d2", "payment.p1.1 [2026-02-10] 2026-03-01 5.00 d1",
	}
	for _, limit := range []int{1, 3, 200} {
		if diff := cmp.Diff(february, list("2026-02", limit)); diff != "" {
			t.Errorf("%d a page: %s", limit, diff)
		}
	}
	if diff := cmp.Diff([]string{"payment.p2.1 [2026-01-31] 2026-03-01 5.00 d2"}, list("2026-01", 50)); diff != "" {
		t.Error(diff)
	}
	if got := list("2026-04", 50); len(got) > 0 {
		t.Errorf("%v", got)
	}
	if got := list("", 50); len(got) != 4 || !strings.HasPrefix(got[2], "payment.p2.1 [2026-01-31 2026-02-10]") {
		t.Errorf("%v", got)
	}
}

func TestACaseHasItsPagesEvenWhenNothingIsKnownOfIt(t *testing.T) {
	t.Parallel()
	d := newReadingDesk(t)
	if err := d.store.PutFlag(t.Context(), org.Flag{Org: "a", Case: "id-1", Page: passare.GoodsPage, By: "Ana", At: now()}); err != nil {
		t.Fatal(err)
	}
	ach := in(intlog.Synced, 2, "1", 500, 0)
	ach.Record.Type, ach.Page = passare.ACHPayment, passare.NoPage
	click := in(intlog.Unchanged, 3, "1", 0, 0)
	click.Record.Type, click.Page = passare.AccountingExport, passare.NoPage
	for _, e := range []intlog.Entry{in(intlog.Held, 1, "1", 500, 0), ach, click, in(intlog.Held, 4, "2", 500, 0)} {
		d.has(e)
	}
	shown := func(caseID string) (got []string) {
		h, next, err := d.reader.CaseHistory(t.Context(), "a", caseID, intlog.Mark{})
		if err != nil || next != nil {
			t.Fatal(next, err)
		}
		for _, p := range h.Pages {
			line := fmt.Sprint(h.Number, " ", p.Page, " flows ", p.Flows, " button ", p.Button, " clicked ", p.Clicked != nil)
			for _, e := range p.Entries {
				line += " " + e.ID()
			}
			got = append(got, line)
		}
		return got
	}
	want := []string{
		"1 goods_and_services flows true button true clicked true",
		"1 payments_and_adjustments flows false button true clicked false ach_payment.p2.1 payment.p1.1",
	}
	if diff := cmp.Diff(want, shown("id-1")); diff != "" {
		t.Error(diff)
	}
	if got := shown("id-9"); len(got) != 2 || strings.Contains(got[0], "flows true") {
		t.Errorf("%v", got)
	}
}
