package journal_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
)

const receivable = "accounts_receivable"

// drawMovements draws movements on few accounts, names and legs, so that much is netted.
func drawMovements(t *rapid.T) []journal.Movement {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) journal.Movement {
		m := journal.Movement{
			Key:    journal.Key{Leg: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "leg"), Account: rapid.SampledFrom([]string{receivable, "other"}).Draw(t, "role")},
			Amount: money.Cents(rapid.IntRange(-5, 5).Draw(t, "amount")), Place: journal.Place{Class: rapid.SampledFrom([]string{"", "c"}).Draw(t, "class")},
		}
		m.Place.Account = "qb " + m.Key.Account
		if rapid.Bool().Draw(t, "named") {
			m.Place.Name = &journal.Name{Kind: journal.Customer, Key: "c", ID: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "customer")}
		}
		return m
	}), 0, 30).Draw(t, "movements")
}

func placeOf(p journal.Place) string {
	name := ""
	if p.Name != nil {
		name = p.Name.ID
	}
	return p.Account + "/" + name + "/" + p.Class
}

func TestNettingKeepsWhatStandsOnEachPlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		movements := drawMovements(rt)
		sums := map[string]money.Cents{}
		for _, m := range movements {
			sums[placeOf(m.Place)] += m.Amount
		}
		receivables := map[string]int{}
		debits := true
		for _, l := range journal.Net(receivable, movements) {
			signed := l.Amount
			if l.Side == journal.Credit {
				signed, debits = -signed, false
			} else if !debits {
				rt.Fatal("a debit comes after a credit")
			}
			if l.Amount <= 0 {
				rt.Fatalf("a line of %s", l.Amount)
			}
			sums[placeOf(l.Place)] -= signed
			if l.Place.Account == "qb "+receivable {
				receivables[placeOf(l.Place)]++
			}
		}
		for place, sum := range sums {
			if sum != 0 {
				rt.Fatalf("%s is off by %s", place, sum)
			}
		}
		for place, n := range receivables {
			if n > 1 {
				rt.Fatalf("%d receivable lines on %s", n, place)
			}
		}
	})
}

func TestAnEntryIsBuiltExactlyWhenItBalances(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var lines []journal.Line
		var sum money.Cents
		good := true
		for range rapid.IntRange(0, 6).Draw(rt, "lines") {
			l := journal.Line{
				Side: rapid.SampledFrom([]journal.Side{journal.Debit, journal.Credit}).Draw(rt, "side"), Amount: money.Cents(rapid.IntRange(0, 3).Draw(rt, "amount")),
				Place: journal.Place{Account: "1"},
			}
			good = good && l.Amount > 0
			if sum += l.Amount; l.Side == journal.Credit {
				sum -= 2 * l.Amount
			}
			lines = append(lines, l)
		}
		good = good && sum == 0 && len(lines) >= 2
		if _, err := journal.New("2026-03-04", "doc", "note", lines); (err == nil) != good || (err != nil && !fault.Is(err, fault.Invalid)) {
			rt.Fatalf("%+v: %v", lines, err)
		}
	})
}

func TestNewNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := journal.New("", strings.Repeat("x", 22), "", []journal.Line{{Side: "Left", Amount: 1, Place: journal.Place{Account: "1"}}, {Side: journal.Debit, Amount: 0, Place: journal.Place{Account: "1"}}, {Side: journal.Debit, Amount: 2}})
	var fields []string
	for _, f := range fault.As(err).Fields {
		fields = append(fields, f.Field)
	}
	if got := fmt.Sprint(fields); got != "[date doc_number lines[0] lines[1] lines[2]]" {
		t.Error(got)
	}
}

func TestADocNumberIsShortReadableAndUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range 100_000 {
		seen[journal.DocNumber("24-0113", fmt.Sprint("posting ", i))] = true
	}
	if len(seen) != 100_000 {
		t.Errorf("%d numbers for 100000 postings", len(seen))
	}
	rapid.Check(t, func(rt *rapid.T) {
		reference, identity := rapid.String().Draw(rt, "reference"), rapid.String().Draw(rt, "identity")
		d := journal.DocNumber(reference, identity)
		if n := len(d); n < 10 || n > journal.MaxDocNumber || strings.Trim(d, "-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != "" || journal.DocNumber(reference, identity) != d {
			rt.Fatalf("%q", d)
		}
	})
	if d := journal.DocNumber("24-0113", "x"); !strings.HasPrefix(d, "24-0113-") {
		t.Error(d)
	}
}

func TestClipNeverCutsACharacter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s, n := rapid.String().Draw(rt, "text"), rapid.IntRange(0, 20).Draw(rt, "characters")
		c := journal.Clip(s, n)
		if !strings.HasPrefix(s, c) || len([]rune(c)) != min(n, len([]rune(s))) {
			rt.Fatalf("%q clipped to %d is %q", s, n, c)
		}
	})
}
