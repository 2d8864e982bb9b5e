package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// cell is what must agree: an amount of a record on a date and an account.
type cell struct{ on, account string }

// books are amounts by cell, debit positive.
type books map[cell]money.Cents

func (b books) add(on date.Date, account string, cents money.Cents) {
	c := cell{string(on), account}
	if b[c] += cents; b[c] == 0 {
		delete(b, c)
	}
}

const (
	receivable, deposits, advances = "accounts_receivable", "deposits_clearing", "cash_advances"
	fees, bank, income, expense    = "returned_payment_fees", "bank operating", "4000", "6100"
)

// wanted is what must stand of a record after these versions, oldest first, by the rules as a person would read them in accounting.md §3 and §4.
func (r *record) wanted(versions []version) books {
	b := books{}
	if len(versions) == 0 {
		return b
	}
	newest := versions[len(versions)-1]
	switch r.kind {
	case "payment":
		if newest.verb == "deleted" {
			break
		}
		b.add(newest.on, deposits, newest.cents)
		b.add(newest.on, receivable, -newest.cents)
		if newest.verb == "returned" { // the bank took 25.00, the family bears 30.00
			b.add(newest.later, receivable, newest.cents+3000)
			b.add(newest.later, fees, -500)
			b.add(newest.later, bank, -newest.cents-2500)
		}
	case "goods_and_services":
		return wantedOfContract(versions)
	case "check":
		return wantedOfCheck(versions)
	case "batch_payment":
		if newest.verb == "processed" {
			b.add(newest.on, bank, newest.cents)
			b.add(newest.on, deposits, -newest.cents)
		}
	}
	return b
}

// wantedOfContract: each signing holds the change since the one before on its own date; a changed date moves the newest; unsigning takes all away.
func wantedOfContract(versions []version) books {
	type signing struct {
		on          date.Date
		cents, more money.Cents
	}
	var signings []signing
	var cents, more money.Cents
	for _, v := range versions {
		if v.verb == "unsigned" {
			signings, cents, more = nil, 0, 0
			continue
		}
		change := signing{v.on, v.cents - cents, v.more - more}
		cents, more = v.cents, v.more
		if n := len(signings); v.verb == "sign_date_changed" && n > 0 {
			signings[n-1] = signing{v.on, signings[n-1].cents + change.cents, signings[n-1].more + change.more}
			continue
		}
		signings = append(signings, change)
	}
	b := books{}
	for _, s := range signings {
		b.add(s.on, receivable, s.cents+s.more)
		b.add(s.on, income, -s.cents)
		b.add(s.on, advances, -s.more)
	}
	return b
}

// wantedOfCheck: a print and a void on their dates; a reprint under another number or with another amount voids the one before. A print and its void in
// one month may both be left out (accounting.md §1.3), so checks are compared by month.
func wantedOfCheck(versions []version) books {
	b := books{}
	var last *version
	post := func(v *version, on date.Date, sign money.Cents) {
		b.add(date.Date(on.Month()), expense, sign*v.cents)
		b.add(date.Date(on.Month()), bank, -sign*v.cents)
	}
	for _, v := range versions {
		if last != nil && (v.verb == "voided" || last.number != v.number || last.cents != v.cents) {
			post(last, v.on, -1)
			last = nil
		}
		if v.verb != "voided" && last == nil {
			post(&v, v.on, 1)
			last = &v
		}
	}
	return b
}

// check compares what is in QuickBooks, and what the log shows, with what must be.
func (w *world) check() {
	for _, h := range w.houses {
		journal := w.sim.Journal(h.realm)
		stands := w.byRecord(h, journal)
		for _, r := range h.records {
			w.checkRecord(h, r, stands[r.String()])
			delete(stands, r.String())
		}
		for _, unknown := range slices.Sorted(maps.Keys(stands)) {
			w.violated("%s: lines of %s, which is no record", h.id, unknown)
		}
		w.checkCustomers(h, journal)
	}
	for key := range w.undone {
		w.violated("%s: %s was answered, and is not in the log", key.Org, key.ID())
	}
}

// byRecord sums what stands in QuickBooks by record. A number stands once, an entry balances, and deposits stand where they were mapped.
func (w *world) byRecord(h *house, journal []qbosim.JournalEntry) map[string]books {
	stands, seen, used := map[string]books{}, map[string]bool{}, map[string]bool{}
	slices.SortStableFunc(journal, func(a, b qbosim.JournalEntry) int { return w.asked[a.DocNumber].Compare(w.asked[b.DocNumber]) })
	for _, e := range journal {
		if seen[e.DocNumber] {
			w.violated("%s: number %s stands twice", h.id, e.DocNumber)
		}
		seen[e.DocNumber] = true
		name := recordOf(e)
		if stands[name] == nil {
			stands[name] = books{}
		}
		on := date.Date(e.Date)
		if strings.HasPrefix(name, "check/") {
			on = date.Date(on.Month())
		}
		var sum money.Cents
		for _, l := range e.Lines {
			cents := amountOf(l)
			sum += cents
			stands[name].add(on, l.Account, cents)
			if strings.HasPrefix(l.Account, deposits) && strings.HasPrefix(name, "payment/") {
				if !used[name+l.Account] && !h.mappedTo(l.Account, w.claimed[e.DocNumber], w.asked[e.DocNumber]) {
					w.violated("%s: %s was claimed for %s though it was mapped elsewhere by then", h.id, e.DocNumber, l.Account)
				}
				used[name+l.Account] = true
			}
		}
		if sum != 0 {
			w.violated("%s: %s is off by %s", h.id, e.DocNumber, sum)
		}
	}
	return stands
}

// recordOf reads the mark in an entry's note (accounting.md §5).
func recordOf(e qbosim.JournalEntry) string {
	_, mark, _ := strings.Cut(e.Note, "[passare ")
	if words := strings.Fields(mark); len(words) > 1 {
		return words[1]
	}
	return "an entry without our mark"
}

func amountOf(l qbosim.JournalLine) money.Cents {
	cents, _ := money.Parse(l.Amount)
	if l.Side == string(journal.Credit) {
		return -cents
	}
	return cents
}

// mappedTo says whether the deposits were mapped to an account between a claim and its first send, or so shortly before that the worker's last look at
// the settings may have been older (protocol.md, rows 5 and 14). Accepted: an entry whose worker died before that look is posted as it was stored.
func (h *house) mappedTo(account string, claimed, sent time.Time) bool {
	const shortly = 40 * time.Second
	for i, m := range h.mapped {
		over := i+1 < len(h.mapped) && h.mapped[i+1].at.Before(claimed.Add(-shortly))
		if m.account == account && !m.at.After(sent) && !over {
			return true
		}
	}
	return sent.Sub(claimed) > intlog.SendWithin+intlog.Transit
}

// checkRecord: every accepted version is in the log; each is settled, or visibly waits for a reason; and the books are those of the newest version
// that was released, without what was undone.
func (w *world) checkRecord(h *house, r *record, stands books) {
	log, err := w.store.Record(context.Background(), h.id, r.ref())
	if err != nil {
		w.violated("%s: %v", h.id, err)
	}
	versions := 0
	for _, e := range log.Entries {
		delete(w.undone, e.Key)
		if e.Undo == 0 {
			versions++
		}
	}
	if versions != len(r.accepted) {
		w.violated("%s: %s has %d versions in the log, and %d were accepted", h.id, r, versions, len(r.accepted))
		return
	}
	if page := passare.RecordType(r.kind).Page(); page != passare.NoPage && !h.auto && !h.clicked[fmt.Sprint("c", r.family, page)] && len(stands) > 0 {
		w.violated("%s: %s is in the books though nobody added it to the export", h.id, r)
	}
	top, waits := intlog.Key{}, false
	for _, e := range log.Entries {
		if e.State.Approved() {
			top = e.Key
		}
		held := e.State == intlog.Held && !h.clicked[e.Case+string(e.Page)]
		person := !w.tidy && (e.State == intlog.Pending || e.State == intlog.Waiting || e.State == intlog.Failed || behind(log.Entries, e))
		waits = waits || e.State == intlog.Waiting || e.State == intlog.Failed
		switch {
		case e.State == intlog.Held, e.State == intlog.Pending, e.State == intlog.Waiting, e.State == intlog.Failed:
			if e.Why == "" && len(e.Cause) == 0 {
				w.violated("%s: %s is %s and says no reason", h.id, e.ID(), e.State)
			}
			if !held && !person {
				w.violated("%s: %s is still %s: %s", h.id, e.ID(), e.State, e.Why)
			}
		case e.State != intlog.Synced && len(intlog.Next(e.State)) > 0 && !person:
			w.violated("%s: %s is still %s", h.id, e.ID(), e.State)
		}
	}
	for _, e := range log.Entries { // an older one that came late and waits for a person is not in the books of the newer
		waits = waits || e.Key.Compare(top) < 0 && (e.State == intlog.Pending || e.State == intlog.Held)
	}
	if waits {
		return // visibly not what it should be yet
	}
	w.compare(h, r, r.wanted(r.inForce(log.Entries, top)), stands)
}

// behind says whether an entry stands behind a newer version of its record that waits (protocol.md, row 7).
func behind(all []intlog.Entry, e intlog.Entry) bool {
	return e.State == intlog.Queued && slices.ContainsFunc(all, func(newer intlog.Entry) bool {
		return newer.Record == e.Record && newer.Version > e.Version && newer.State == intlog.Waiting
	})
}

// compare: the books agree, and an amount stands on one account. Members of a batch may stand on two, and then so does the batch.
func (w *world) compare(h *house, r *record, wanted, stands books) {
	sums := books{}
	spread := map[cell]int{}
	for c, cents := range stands {
		account := strings.TrimSuffix(c.account, second)
		sums.add(date.Date(c.on), account, cents)
		spread[cell{c.on, account}]++
	}
	if !maps.Equal(wanted, sums) {
		w.wrong++
		w.violated("%s: %s must be %s and is %s", h.id, r, wanted, stands)
		return
	}
	for c, n := range spread {
		if n > 1 && r.kind != "batch_payment" {
			w.violated("%s: %s stands on two accounts: %s on %s", h.id, r, c.account, c.on)
		}
	}
}

// String lists the cells in order.
func (b books) String() string {
	var list []string
	for c, cents := range b {
		list = append(list, fmt.Sprintf("%s %s %s", c.on, c.account, cents))
	}
	slices.Sort(list)
	return "{" + strings.Join(list, ", ") + "}"
}

// checkCustomers: each family has one customer, and no two families have the same.
func (w *world) checkCustomers(h *house, entries []qbosim.JournalEntry) {
	family := map[string]int{}
	for _, r := range h.records {
		family[r.String()] = r.family
	}
	of := map[string]int{}
	named := map[int]string{}
	for _, e := range entries {
		f := family[recordOf(e)]
		for _, l := range e.Lines {
			if l.Account != receivable || l.Entity == nil {
				continue
			}
			if x, known := of[l.Entity.Name]; known && x != f {
				w.violated("%s: customer %s is of two families", h.id, l.Entity.Name)
			}
			if x, known := named[f]; known && x != l.Entity.Name {
				w.violated("%s: family %d has customers %s and %s", h.id, f, x, l.Entity.Name)
			}
			of[l.Entity.Name], named[f] = f, l.Entity.Name
		}
	}
	links, err := w.store.Links(context.Background(), org.Company{Org: h.id, Realm: h.realm}, journal.Customer, "", 100)
	if err != nil {
		w.violated("%s: %v", h.id, err)
	}
	for _, c := range w.customers(h) {
		linked, other := false, ""
		for _, l := range links {
			linked = linked || l.ID == c.ID
			if c.Notes == "Passare "+l.Key {
				other = l.Display
			}
		}
		if !linked && other != "" { // without another it was created for an entry that nothing needs by now
			w.violated("%s: customer %s (%s) is linked to nothing, and %s was created as well", h.id, c.DisplayName, c.Notes, other)
		}
	}
}

type customer struct{ ID, DisplayName, Notes string }

// customers are all customers in QuickBooks.
func (w *world) customers(h *house) []customer {
	tokens, err := w.signsCalmly(h.realm)
	if err != nil {
		w.violated("%v", err)
		return nil
	}
	r := httptest.NewRequest(http.MethodGet, "/v3/company/"+h.realm+"/query?minorversion=75&query="+url.QueryEscape("select * from Customer"), nil)
	r.Header.Set("Authorization", "Bearer "+tokens.Access)
	r.Header.Set("Accept", "application/json")
	got := httptest.NewRecorder()
	w.quickbooks.ServeHTTP(got, r)
	var answer struct {
		QueryResponse struct{ Customer []customer }
	}
	if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil || got.Code != http.StatusOK {
		w.violated("QuickBooks does not list customers: %d %v", got.Code, err)
	}
	return answer.QueryResponse.Customer
}
