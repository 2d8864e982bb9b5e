package rules_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// undo plans the undo of all that is known, and has QuickBooks accept it.
func (b *books) undo() rules.Plan {
	b.t.Helper()
	p := rules.Make(rules.Input{
		Versions: b.known, Undone: len(b.known), Entry: b.known[len(b.known)-1].Version, Undo: 1, Standing: b.standing, Related: b.related,
		MentionedBy: b.mentions, Config: b.config,
	})
	if len(p.Problems) == 0 {
		b.accept(p)
	}
	return p
}

// after plans a version that came after an undo of all that was known before it.
func (b *books) after(e passare.Event) rules.Plan {
	b.t.Helper()
	undone := len(b.known)
	b.known = append(b.known, e)
	for i := range b.standing {
		b.standing[i].Undone = true
	}
	p := rules.Make(rules.Input{
		Versions: b.known, Undone: undone, Entry: e.Version, Standing: b.standing, Related: b.related, MentionedBy: b.mentions, Config: b.config,
	})
	if len(p.Problems) == 0 {
		b.accept(p)
	}
	return p
}

// TestAnUndoLeavesNothingAndWhatComesLaterBeginsAnew: accounting.md §4, for a life of every kind of record.
func TestAnUndoLeavesNothingAndWhatComesLaterBeginsAnew(t *testing.T) {
	t.Parallel()
	for kind, life := range lives() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				var events []passare.Event
				for _, h := range life(rt) {
					events = append(events, event(t, h))
				}
				at := rapid.IntRange(1, len(events)).Draw(rt, "undone after")
				b := world(rt, t)
				for _, e := range events[:at] {
					b.deliver(e)
				}
				if p := b.undo(); len(p.Problems) > 0 {
					rt.Fatalf("%+v", p.Problems)
				}
				if left := monthly(b.standing); len(left) > 0 {
					rt.Fatalf("left after the undo: %v", left)
				}
				if again := b.undo(); len(again.Entries) > 0 {
					rt.Fatalf("a second undo posts %v", lines(again))
				}
				if at == len(events) {
					return
				}
				b.config.Mapping.Roles[org.DepositsClearing], b.config.Mapping.GL["4000"] = "another clearing account", "another income account"
				fresh := newBooks(t)
				fresh.config, fresh.related = b.config, b.related
				b.after(events[at])
				fresh.deliver(events[at])
				if diff := cmp.Diff(monthly(fresh.standing), monthly(b.standing)); diff != "" {
					rt.Fatalf("a later version is not posted as if it were the first (-first +later):\n%s", diff)
				}
			})
		})
	}
}

func TestAnUndoAndTheOpeningBalances(t *testing.T) {
	t.Parallel()
	signing := func(verb string, version int64, on, total string) passare.Event {
		e := event(t, happening{kind: "goods_and_services." + verb, id: "g1", version: version, data: data{
			"signed_on": on, "items": []data{{"id": "i1", "kind": "service", "gl_account": "4000", "description": "Services", "amount": total}}, "discounts": []data{}, "taxes": []data{}, "total": total,
		}})
		e.Baseline = version == 1
		return e
	}
	b := newBooks(t)
	b.config.Settings.CutOver = "2026-02-01"
	b.deliver(signing("signed", 1, "2026-01-10", "100.00"))
	b.deliver(signing("resigned", 2, "2026-02-10", "130.00"))
	p := b.undo()
	want := []string{"2026-02-10 Debit  30.00 qb 4000", "2026-02-10 Credit 30.00 qb accounts_receivable (Customer John Smith1)"}
	if diff := cmp.Diff(want, lines(p)); diff != "" || len(p.Problems) > 0 {
		t.Errorf("only what we posted goes: %v\n%s", p.Problems, diff)
	}
	later := b.after(signing("resigned", 3, "2026-03-10", "140.00"))
	if got := lines(later); len(later.Problems) > 0 || len(got) != 2 || got[0] != "2026-03-10 Debit  40.00 qb accounts_receivable (Customer John Smith1)" {
		t.Errorf("a later version is not measured against the opening balances: %v %v", later.Problems, got)
	}
}

func TestAnUndoTakesAReturnsFeeWithIt(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	fee := passare.Ref{Type: passare.Adjustment, ID: "adj-1"}
	b.deliver(event(t, happening{kind: "payment.returned", id: "p1", version: 1, data: data{
		"amount": "10.00", "date": "2026-03-02", "method": "check",
		"returned": data{"date": "2026-03-09", "bank": "operating", "fee": "25.00", "fee_to_family": "30.00", "fee_record": data{"type": "adjustment", "id": "adj-1"}},
	}}))
	b.related[fee] = rules.Record{Ref: fee, Busy: true}
	if p := b.undo(); len(p.Problems) > 0 || len(monthly(b.standing)) > 0 {
		t.Errorf("%v %v", p.Problems, monthly(b.standing))
	}
}

func TestTheSentenceOfAnUndo(t *testing.T) {
	t.Parallel()
	payment := event(t, happening{kind: "payment.created", id: "p1", version: 1, data: data{"amount": "10.00", "date": "2026-03-02", "method": "check"}})
	for name, c := range map[string]struct {
		undo   int
		undone int
		close  date.Date
		posted bool
		want   string
	}{
		"an undo": {1, 1, "", true, "Undo of check payment created: takes the whole record out of QuickBooks again; the family owes 10.00 more."},
		"one in closed books": {
			1, 1, "2026-03-31", true,
			"Undo of check payment created: takes the whole record out of QuickBooks again; the family owes 10.00 more; dated 3/2/2026, posted on 4/1/2026 because the books are closed.",
		},
		"one that changes nothing": {1, 1, "", false, "Undo of check payment created; nothing changes in the books."},
		"an undo of an undo":       {2, 0, "", false, "Undo of the undo of check payment created: puts the record into QuickBooks again; the family owes 10.00 less."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBooks(t)
			if c.posted {
				b.deliver(payment)
			}
			b.config.CloseDate, b.config.Settings.ClosedPeriod = c.close, org.FirstOpenDay
			p := rules.Make(rules.Input{Versions: []passare.Event{payment}, Undone: c.undone, Entry: 1, Undo: c.undo, Standing: slices.Clone(b.standing), Config: b.config})
			if p.Sentence != c.want {
				t.Errorf("%q, want %q", p.Sentence, c.want)
			}
		})
	}
}
