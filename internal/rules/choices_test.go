package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// chosen is a record's life in which a person deletes versions and chooses.
type chosen struct {
	*books
	deleted []passare.Event
	decided []rules.Decided
}

// drop makes a version known that a person deleted.
func (c *chosen) drop(kind string, version int64, d data) {
	c.deleted = append(c.deleted, event(c.t, happening{kind: kind, id: "r1", version: version, data: d}))
}

// post delivers the next version, for which a person has chosen, if anything.
func (c *chosen) post(kind string, version int64, choice rules.Decision, d data) rules.Plan {
	c.t.Helper()
	if choice != "" {
		since := int64(0)
		if n := len(c.deleted); n > 0 {
			since = c.deleted[n-1].Version
		}
		c.decided = append(c.decided, rules.Decided{Version: version, Choices: rules.Choices{}.Choose(choice, since, nil)})
	}
	c.known = append(c.known, event(c.t, happening{kind: kind, id: "r1", version: version, data: d}))
	return c.again(version)
}

// again plans a version once more, and has QuickBooks accept it all.
func (c *chosen) again(version int64) rules.Plan {
	c.t.Helper()
	for i := range c.decided {
		c.decided[i].Done = c.decided[i].Version != version
	}
	p := rules.Make(rules.Input{
		Versions: c.known, Entry: version, Standing: c.standing, Related: c.related, MentionedBy: c.mentions, Config: c.config,
		Deleted: c.deleted, Decided: c.decided,
	})
	if len(p.Problems) == 0 {
		before := len(c.standing)
		c.accept(p)
		for i := range c.standing[before:] {
			c.standing[before+i].Version = version
		}
	}
	return p
}

func choosing(t *testing.T, cases map[string]func(*testing.T, *chosen)) {
	t.Helper()
	run(t, func() map[string]func(*testing.T, *books) {
		all := map[string]func(*testing.T, *books){}
		for name, f := range cases {
			all[name] = func(t *testing.T, b *books) { f(t, &chosen{books: b}) }
		}
		return all
	}())
}

func received(on, amount string) data { return data{"method": "cash", "amount": amount, "date": on} }

// cashed are the lines of money received, or given back for "-".
func cashed(on, amount string) []string {
	if amount[0] == '-' {
		return []string{on + " Debit  " + amount[1:] + " qb accounts_receivable" + customer, on + " Credit " + amount[1:] + " qb deposits_clearing" + customer}
	}
	return []string{on + " Debit  " + amount + " qb deposits_clearing" + customer, on + " Credit " + amount + " qb accounts_receivable" + customer}
}

func TestWhatAChoiceMakesOfAVersionAfterADeletedOne(t *testing.T) {
	t.Parallel()
	const day = "2026-03-04"
	choosing(t, map[string]func(*testing.T, *chosen){
		"whole posts all of it, and later versions their difference": func(t *testing.T, c *chosen) {
			c.drop("payment.created", 1, received(day, "10.00"))
			want(t, c.post("payment.updated", 2, rules.Whole, received(day, "12.00")), cashed(day, "12.00")...)
			want(t, c.post("payment.updated", 3, "", received(day, "15.00")), cashed(day, "3.00")...)
			want(t, c.post("payment.deleted", 4, "", received(day, "15.00")), cashed(day, "-15.00")...)
		},
		"difference posts what changed since the deleted one, and later versions theirs": func(t *testing.T, c *chosen) {
			c.drop("payment.created", 1, received(day, "10.00"))
			want(t, c.post("payment.updated", 2, rules.Difference, received(day, "12.00")), cashed(day, "2.00")...)
			want(t, c.again(2))
			want(t, c.post("payment.updated", 3, "", received(day, "15.00")), cashed(day, "3.00")...)
			want(t, c.post("payment.deleted", 4, "", received(day, "15.00")), cashed(day, "-15.00")...)
		},
		"nothing posts nothing, and later versions their difference": func(t *testing.T, c *chosen) {
			c.drop("payment.created", 1, received(day, "10.00"))
			p := c.post("payment.updated", 2, rules.Nothing, received(day, "12.00"))
			want(t, p)
			if p.Excluded != "" {
				t.Errorf("excluded: %s", p.Excluded)
			}
			want(t, c.post("payment.updated", 3, "", received(day, "15.00")), cashed(day, "3.00")...)
		},
		"what was posted before the deleted version is known to each choice": func(t *testing.T, c *chosen) {
			for choice, more := range map[rules.Decision]string{rules.Whole: "5.00", rules.Difference: "3.00", rules.Nothing: ""} {
				c := &chosen{books: newBooks(t)}
				want(t, c.post("payment.created", 1, "", received(day, "10.00")), cashed(day, "10.00")...)
				c.drop("payment.updated", 2, received(day, "12.00"))
				var lines []string
				if more != "" {
					lines = cashed(day, more)
				}
				want(t, c.post("payment.updated", 3, choice, received(day, "15.00")), lines...)
				want(t, c.post("payment.updated", 4, "", received(day, "16.00")), cashed(day, "1.00")...)
			}
		},
		"the newest choice counts: whole after a difference brings all that is not posted": func(t *testing.T, c *chosen) {
			c.drop("payment.created", 1, received(day, "10.00"))
			want(t, c.post("payment.updated", 2, rules.Difference, received(day, "12.00")), cashed(day, "2.00")...)
			c.drop("payment.updated", 3, received(day, "13.00"))
			want(t, c.post("payment.updated", 4, rules.Whole, received(day, "15.00")), cashed(day, "13.00")...)
		},
		"a difference after a difference is measured from the newest deleted version": func(t *testing.T, c *chosen) {
			c.drop("payment.created", 1, received(day, "10.00"))
			want(t, c.post("payment.updated", 2, rules.Difference, received(day, "12.00")), cashed(day, "2.00")...)
			c.drop("payment.updated", 3, received(day, "13.00"))
			want(t, c.post("payment.updated", 4, rules.Difference, received(day, "15.00")), cashed(day, "2.00")...)
		},
		"the difference to a deleted re-signing stands on the day of the next": func(t *testing.T, c *chosen) {
			signed := func(on, amount string) data {
				return contract([]data{item("i1", "service", "4000", "Services", amount)}, amount).with(data{"signed_on": on})
			}
			c.post("goods_and_services.signed", 1, "", signed("2026-03-02", "100.00"))
			c.drop("goods_and_services.resigned", 2, signed("2026-04-09", "130.00"))
			want(t, c.post("goods_and_services.resigned", 3, rules.Difference, signed("2026-05-01", "150.00")),
				"2026-05-01 Debit  20.00 qb accounts_receivable"+customer, "2026-05-01 Credit 20.00 qb 4000")
			want(t, c.post("goods_and_services.unsigned", 4, "", data{}),
				"2026-03-02 Debit  100.00 qb 4000", "2026-03-02 Credit 100.00 qb accounts_receivable"+customer,
				"2026-04-09 Debit  30.00 qb 4000", "2026-04-09 Credit 30.00 qb accounts_receivable"+customer,
				"2026-05-01 Debit  20.00 qb 4000", "2026-05-01 Credit 20.00 qb accounts_receivable"+customer)
		},
		"nothing for a reversal leaves what is posted, and a later version is measured from there": func(t *testing.T, c *chosen) {
			c.post("payment.created", 1, "", received(day, "10.00"))
			c.drop("payment.updated", 2, received(day, "12.00"))
			want(t, c.post("payment.deleted", 3, rules.Nothing, received(day, "12.00")))
			want(t, c.post("payment.updated", 4, "", received(day, "7.00")), cashed(day, "7.00")...)
		},
	})
}

func TestWhatAChoiceMakesOfARecordFromBeforeTheCutOver(t *testing.T) {
	t.Parallel()
	choosing(t, map[string]func(*testing.T, *chosen){
		"whole posts it, also what is dated before": func(t *testing.T, c *chosen) {
			c.config.Settings.CutOver = "2026-03-01"
			problem(t, c.post("payment.created", 1, "", received("2026-02-20", "10.00")), rules.Choice, "3/1/2026")
			c.decided = []rules.Decided{{Version: 1, Choices: rules.Choices{Amounts: rules.Whole}}}
			want(t, c.again(1), cashed("2026-02-20", "10.00")...)
			problem(t, c.post("payment.updated", 2, "", received("2026-02-19", "10.00")), rules.Choice, "3/1/2026")
		},
		"difference posts what is dated on or after it": func(t *testing.T, c *chosen) {
			c.config.Settings.CutOver = "2026-03-01"
			want(t, c.post("payment.created", 1, "", received("2026-03-04", "10.00")), cashed("2026-03-04", "10.00")...)
			want(t, c.post("payment.updated", 2, rules.Difference, received("2026-02-20", "10.00")), cashed("2026-03-04", "-10.00")...)
			problem(t, c.post("payment.updated", 3, "", received("2026-03-05", "10.00")), rules.Choice, "3/1/2026") // it would take back what the opening balances hold
			c.decided = append(c.decided, rules.Decided{Version: 3, Choices: rules.Choices{Amounts: rules.Difference}})
			want(t, c.again(3), cashed("2026-03-05", "10.00")...)
		},
		"nothing posts nothing, and later versions their difference": func(t *testing.T, c *chosen) {
			c.config.Settings.CutOver = "2026-03-01"
			want(t, c.post("payment.created", 1, rules.Nothing, received("2026-02-20", "10.00")))
			p := c.post("payment.returned", 2, "", received("2026-02-20", "10.00").with(data{"returned": data{"date": "2026-03-20", "bank": "operating"}}))
			want(t, p, "2026-03-20 Debit  10.00 qb accounts_receivable"+customer, "2026-03-20 Credit 10.00 qb bank:operating")
		},
		"the difference to opening balances that are not known asks for the whole or nothing": func(t *testing.T, c *chosen) {
			c.config.Settings.CutOver = "2026-03-01"
			signed := contract([]data{item("i1", "service", "4000", "Services", "130.00")}, "130.00").with(data{"signed_on": "2026-03-05", "first_date": "2026-01-10"})
			p := c.post("goods_and_services.resigned", 4, rules.Difference, signed)
			problem(t, p, rules.Choice, "not known", "whole")
			if !rules.Offers(p.Problems, rules.Nothing) || rules.Offers(p.Problems, rules.Difference) {
				t.Errorf("%+v", p.Problems)
			}
			c.decided[0].Amounts = rules.Nothing
			want(t, c.again(4))
		},
	})
}

func TestABatchMayBankWhatIsInTheOpeningClearingBalance(t *testing.T) {
	t.Parallel()
	batch := data{"bank": "operating", "date": "2026-03-07", "total": "30.00", "members": []data{
		{"record": data{"type": "payment", "id": "p7"}, "amount": "10.00", "method": "cash"}, {"record": data{"type": "payment", "id": "p8"}, "amount": "20.00", "method": "cash"},
	}}
	member := func(id string) passare.Ref { return passare.Ref{Type: passare.Payment, ID: id} }
	banked := []string{"2026-03-07 Debit  30.00 qb bank:operating", "2026-03-07 Credit 10.00 qb deposits_clearing", "2026-03-07 Credit 20.00 qb deposits_clearing" + customer}
	post := rules.Decided{Version: 1, Choices: rules.Choices{Members: []string{"payment/p7"}}}
	choosing(t, map[string]func(*testing.T, *chosen){
		"a member that was deleted": func(t *testing.T, c *chosen) {
			c.relate(member("p7"), rules.Record{Out: "deleted"})
			c.relate(member("p8"), rules.Record{Standing: []rules.Standing{stands("receipt", "", org.DepositsClearing, 2000)}})
			p := c.books.post("batch_payment.processed", 1, batch)
			problem(t, p, rules.Choice, "payment/p7", "opening clearing balance")
			if got := (rules.Choices{}).Choose(rules.Post, 0, p.Problems); cmp.Diff(post.Choices, got) != "" {
				t.Errorf("chosen: %+v", got)
			}
			c.decided = []rules.Decided{post}
			c.config.Mapping.Branches = nil
			want(t, c.again(1), banked...)
		},
		"but no other one": func(t *testing.T, c *chosen) {
			c.relate(member("p7"), rules.Record{Out: "deleted"})
			c.relate(member("p8"), rules.Record{Out: "deleted"})
			c.decided = []rules.Decided{post}
			p := c.post("batch_payment.processed", 1, "", batch)
			problem(t, p, rules.Choice, "payment/p8")
			if len(p.Problems) != 1 {
				t.Errorf("%+v", p.Problems)
			}
		},
		"a member of which only the difference was posted": func(t *testing.T, c *chosen) {
			c.relate(member("p7"), rules.Record{ByHand: true, Standing: []rules.Standing{stands("receipt", "", org.DepositsClearing, 200)}})
			c.relate(member("p8"), rules.Record{Standing: []rules.Standing{stands("receipt", "", org.DepositsClearing, 2000)}})
			problem(t, c.books.post("batch_payment.processed", 1, batch), rules.Choice, "10.00", "2.00")
			c.decided = []rules.Decided{post}
			want(t, c.again(1), banked[0], "2026-03-07 Credit 10.00 qb deposits_clearing"+customer, banked[2])
		},
	})
}
