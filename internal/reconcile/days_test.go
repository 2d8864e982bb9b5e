package reconcile_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/rules"
)

var (
	cleanDays = flag.Int("days", 300, "how many clean days are lived through (T12: 10000)")
	seeded    = flag.Int("differences", 100, "how many differences are made by hand (T12: 1000)")
	daySeed   = flag.Uint64("dayseed", uint64(time.Now().UnixNano()), "where chance begins; a failure says it")
)

// life is an organisation's days: funerals, their money, and what else happens in a company's books.
type life struct {
	*books
	r     *rand.Rand
	cases []*theCase
	ids   int
	hurt  map[string]bool // records that something was done to
}

type theCase struct {
	funeral
	contract int // version
	service  int64
	payments []*payment
	item     bool // paid by a check
	merged   bool
}

type payment struct {
	id      string
	version int
	cents   int64
	on      string
	banked  bool
	gone    bool
}

func newLife(t testing.TB, seed uint64) *life {
	return &life{books: newBooks(t), r: rand.New(rand.NewPCG(seed, 0)), hurt: map[string]bool{}}
}

func (l *life) today() string { return l.clock.now().Format(time.DateOnly) }

func (l *life) id(kind string) string {
	l.ids++
	return fmt.Sprintf("%s%d", kind, l.ids)
}

func usd(cents int64) string { return money.Cents(cents).String() }

// day lives through some hours of business.
func (l *life) day() {
	for range l.r.IntN(4) {
		l.happens()
	}
	if l.r.IntN(3) == 0 { // what is none of our business
		l.must(l.sim.TypeJournalEntry(realm, qbosim.JournalDraft{Date: l.today(), Lines: []qbosim.DraftLine{
			{Side: "Debit", Account: "rent", Amount: 100_00}, {Side: "Credit", Account: "bank operating", Amount: 100_00},
		}}))
	}
	if l.r.IntN(5) == 0 { // a text, which no figure depends on
		if j := l.sim.Journal(realm); len(j) > 0 {
			e := j[l.r.IntN(len(j))]
			l.must("", l.sim.EditJournalEntry(realm, e.ID, func(d *qbosim.JournalDraft) { d.Lines[0].Description = l.id("checked ") }))
		}
	}
}

func (l *life) must(_ string, err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) happens() {
	if len(l.cases) == 0 || l.r.IntN(4) == 0 {
		c := &theCase{funeral: l.funeral(), contract: 1, service: int64(1000_00 + l.r.IntN(5000_00))}
		l.cases = append(l.cases, c)
		l.signs(c, "signed")
		return
	}
	c := l.cases[max(0, len(l.cases)-1-l.r.IntN(6))]
	if c.merged {
		return
	}
	switch l.r.IntN(9) {
	case 0:
		c.contract++
		c.service += int64(l.r.IntN(500_00)) + 1
		l.signs(c, "resigned")
	case 1, 2, 3:
		p := &payment{id: l.id("p"), version: 1, cents: int64(10_00 + l.r.IntN(900_00)), on: l.today()}
		c.payments = append(c.payments, p)
		l.post(l.event(&c.funeral, "payment.created", p.id, 1, paid(p.on, usd(p.cents))))
	case 4:
		if p := l.unbanked(c); p != nil {
			p.version++
			p.cents += int64(l.r.IntN(100_00)) + 1
			l.post(l.event(&c.funeral, "payment.updated", p.id, p.version, paid(p.on, usd(p.cents))))
		}
	case 5:
		if p := l.unbanked(c); p != nil {
			p.version++
			p.gone = true
			l.post(l.event(&c.funeral, "payment.deleted", p.id, p.version, paid(p.on, usd(p.cents))))
		}
	case 6:
		l.banks()
	case 7:
		l.post(l.event(&c.funeral, "interest.created", l.id("int"), 1, fmt.Sprintf(`"date":%q,"amount":%q`, l.today(), usd(int64(l.r.IntN(20_00))+1))))
	case 8:
		if !c.item {
			c.item = true
			number := l.id("2")
			l.post(l.event(nil, "check.printed", "chk"+number, 1, fmt.Sprintf(
				`"number":%q,"date":%q,"bank":"operating","payee":{"name":"Florist","rolodex_id":"r1"},"lines":[{"kind":"cash_advance","case":{"id":%q,"number":%q,"decedent":{"first":%q,"last":%q}},"item_id":"i2","description":"Flowers","amount":"100.00"}]`,
				number, l.today(), c.id, c.number, c.first, c.last)))
		}
	}
}

func (l *life) signs(c *theCase, verb string) {
	l.post(l.event(&c.funeral, "goods_and_services."+verb, "g"+c.id, c.contract, signed(l.today(), usd(c.service), "100.00", usd(c.service+100_00))))
}

func (l *life) unbanked(c *theCase) *payment {
	for _, p := range c.payments {
		if !p.banked && !p.gone {
			return p
		}
	}
	return nil
}

// banks takes what is in the drawer to the bank.
func (l *life) banks() {
	var members []string
	var total int64
	for _, c := range l.cases {
		for _, p := range c.payments {
			if p.banked || p.gone || c.merged {
				continue
			}
			p.banked = true
			total += p.cents
			members = append(members, fmt.Sprintf(`{"record":{"type":"payment","id":%q},"method":"cash","amount":%q}`, p.id, usd(p.cents)))
		}
	}
	if len(members) > 0 {
		l.post(l.event(nil, "batch_payment.processed", l.id("b"), 1, fmt.Sprintf(
			`"date":%q,"bank":"operating","total":%q,"fees":"0.00","members":[%s]`, l.today(), usd(total), strings.Join(members, ","))))
	}
}

// lives runs lives side by side.
func lives(t *testing.T, n int, live func(t *testing.T, l *life)) {
	t.Helper()
	t.Logf("again: -dayseed=%d", *daySeed)
	for i := range n {
		t.Run(fmt.Sprintf("life %d", i), func(t *testing.T) {
			t.Parallel()
			live(t, newLife(t, *daySeed+uint64(i)))
		})
	}
}

const side = 50 // lives

// TestCleanDaysAgree is the first half of T12: whatever an organisation does, nothing is said to differ when nothing does.
func TestCleanDaysAgree(t *testing.T) {
	t.Parallel()
	lives(t, side, func(t *testing.T, l *life) {
		l.agrees(l.night())
		for day := range *cleanDays / side {
			l.day()
			n := l.night()
			l.agrees(n)
			if day%20 == 19 {
				l.agrees(l.prove(reconcile.Request{Org: willow, Full: day%40 == 39, Who: "Ana Diaz"}))
			}
		}
		l.sums(t)
	})
}

// sums compares what the pages show with QuickBooks' own ledger.
func (l *life) sums(t *testing.T) {
	t.Helper()
	ledger := l.sim.Balances(realm)
	var owed money.Cents
	for _, c := range l.cases {
		p, err := l.proof.Case(t.Context(), willow, c.id)
		if err != nil || !p.Agrees {
			t.Fatal(p.Says, err)
		}
		owed += p.Owed.Passare
	}
	if owed != ledger["accounts_receivable"] {
		t.Errorf("cases owe %s, the ledger has %s", owed, ledger["accounts_receivable"])
	}
	clearing, err := l.proof.Clearing(t.Context(), willow)
	if err != nil || clearing.Accounts[0].Open != ledger["deposits_clearing"] {
		t.Errorf("clearing is %s, the ledger has %s %v", clearing.Accounts[0].Open, ledger["deposits_clearing"], err)
	}
	advances, err := l.proof.CashAdvances(t.Context(), willow)
	if err != nil || advances.Open != -ledger["cash_advances"] {
		t.Errorf("advances are %s, the ledger has %s %v", advances.Open, ledger["cash_advances"], err)
	}
}

// wanted is a difference that was made by hand.
type wanted struct {
	class    reconcile.Class
	sentence string // with … where figures of no matter are
}

// TestEveryDifferenceIsFound is the other half: differences of every class, several a day, are all found with their class and their sentence, nothing else is,
// and after the remedies both books agree again.
func TestEveryDifferenceIsFound(t *testing.T) {
	t.Parallel()
	lives(t, side, func(t *testing.T, l *life) {
		l.agrees(l.night())
		for range 6 {
			l.happens()
		}
		l.agrees(l.night())
		for made := 0; made < *seeded/side; {
			l.day()
			var want []wanted
			used := map[string]bool{}
			for range 1 + l.r.IntN(4) {
				if w, ok := l.harm(used); ok {
					want = append(want, w)
				}
			}
			made += len(want)
			l.night()
			l.found(t, want)
			l.remedy(t, want)
			l.agrees(l.night())
			if t.Failed() {
				return
			}
		}
	})
}

// found compares the open differences with those that were made.
func (l *life) found(t *testing.T, want []wanted) {
	t.Helper()
	var got, expected []string
	for _, d := range l.differences() {
		got = append(got, string(d.Class)+": "+d.Sentence)
	}
	for _, w := range want {
		expected = append(expected, string(w.class)+": "+w.sentence)
	}
	slices.Sort(got)
	slices.Sort(expected)
	if len(got) != len(expected) {
		t.Fatalf("found:\n%s\nmade:\n%s", strings.Join(got, "\n"), strings.Join(expected, "\n"))
	}
	for _, e := range expected {
		if !slices.ContainsFunc(got, func(g string) bool { return fits(g, e) }) {
			t.Fatalf("made: %s\nfound:\n%s", e, strings.Join(got, "\n"))
		}
	}
}

func fits(got, want string) bool {
	for _, part := range strings.Split(want, "…") {
		_, rest, found := strings.Cut(got, part)
		if !found {
			return false
		}
		got = rest
	}
	return true
}

// remedy does about each difference one of the things that are offered.
func (l *life) remedy(t *testing.T, want []wanted) {
	t.Helper()
	for _, d := range l.differences() {
		d, err := l.proof.Difference(t.Context(), willow, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		if d.Class == reconcile.Unposted {
			if e := l.entry(d.Entry); e.State == intlog.Pending {
				l.release(t, e)
			}
			continue
		}
		if len(d.Remedies) == 0 {
			t.Fatalf("nothing can be done about %s: %s", d.Class, d.Sentence)
		}
		action := d.Remedies[0].Action
		if l.r.IntN(3) == 0 {
			action = reconcile.Accept
		}
		l.act(d.ID, reconcile.Act{Action: action, Reason: "So it is.", Seen: d.Seen})
	}
}

func (l *life) release(t *testing.T, e intlog.Entry) {
	t.Helper()
	e, err := e.Move(intlog.Queued, "Ben Ito", "", l.clock.now())
	if err == nil {
		_, err = l.store.Update(t.Context(), e)
	}
	if err == nil {
		err = l.queue.Send(t.Context(), intlog.Work{Org: willow, Entries: []string{e.ID()}})
	}
	if err != nil {
		t.Fatal(fault.Line(err))
	}
	l.work()
}

// target is a posting that nothing was done to.
func (l *life) target() (e intlog.Entry, p intlog.Posting, j qbosim.JournalEntry, ok bool) {
	var list []qbosim.JournalEntry
	for _, j := range l.sim.Journal(realm) {
		key, n, marked := intlog.ReadNoteMark(j.Note)
		if !marked || l.hurt[key.Record.String()] {
			continue
		}
		e, err := l.store.Entry(context.Background(), key)
		if err == nil && e.State == intlog.Synced && slices.ContainsFunc(e.Postings, func(p intlog.Posting) bool { return p.N == n && p.QuickBooksID == j.ID && len(p.Found) == 0 }) {
			list = append(list, j)
		}
	}
	if len(list) == 0 {
		return e, p, j, false
	}
	j = list[l.r.IntN(len(list))]
	key, n, _ := intlog.ReadNoteMark(j.Note)
	l.hurt[key.Record.String()] = true
	e, _ = l.store.Entry(context.Background(), key)
	for _, x := range e.Postings {
		if x.N == n {
			p = x
		}
	}
	return e, p, j, true
}

// said is how a sentence about a posting begins.
func said(e intlog.Entry, p intlog.Posting, j qbosim.JournalEntry) string {
	var debits money.Cents
	for _, l := range j.Lines {
		if l.Side == "Debit" {
			cents, _ := money.Parse(l.Amount)
			debits += cents
		}
	}
	of := rules.Named(e.Record)
	if e.Name != "" {
		of += ", " + e.Name
	}
	return fmt.Sprintf("Journal entry %s of %s, $%s (%s)", p.Doc, p.Date.Short(), debits.Grouped(), of)
}

// harm does something to the books by hand.
func (l *life) harm(used map[string]bool) (wanted, bool) {
	kind := l.r.IntN(13)
	if kind >= 8 {
		return l.breakBooks(kind, used)
	}
	e, p, j, ok := l.target()
	if !ok {
		return wanted{}, false
	}
	if e.Case != "" { // a customer whose entries are changed is not merged away on the same day: with its only entry gone, nothing would show into whom
		if used["merged"+e.Case] {
			return wanted{}, false
		}
		used["case"+e.Case] = true
	}
	begins := said(e, p, j)
	edit := func(change func(d *qbosim.JournalDraft)) { l.must("", l.sim.EditJournalEntry(realm, j.ID, change)) }
	side := func(d *qbosim.JournalDraft, side string) *qbosim.DraftLine {
		return &d.Lines[slices.IndexFunc(d.Lines, func(l qbosim.DraftLine) bool { return l.Side == side })]
	}
	switch kind {
	case 0:
		l.must("", l.sim.DeleteJournalEntry(realm, j.ID))
		return wanted{class: reconcile.Deleted, sentence: begins + " was deleted in QuickBooks."}, true
	case 1:
		more := money.Cents(l.r.IntN(50_00) + 1)
		edit(func(d *qbosim.JournalDraft) {
			side(d, "Debit").Amount += more
			side(d, "Credit").Amount += more
		})
		return wanted{class: reconcile.Changed, sentence: begins + " was changed in QuickBooks: …, and 1 more."}, true
	case 2:
		edit(func(d *qbosim.JournalDraft) { side(d, "Debit").Account = "rent" })
		return wanted{class: reconcile.Changed, sentence: begins + " was changed in QuickBooks: account is …, not …."}, true
	case 3:
		on := p.Date.AddDays(-1 - l.r.IntN(40))
		edit(func(d *qbosim.JournalDraft) { d.Date = string(on) })
		return wanted{class: reconcile.Moved, sentence: begins + " was moved to " + on.Short() + " in QuickBooks."}, true
	case 4:
		other := l.cases[l.r.IntN(len(l.cases))]
		if e.Case == "" || other.id == e.Case || other.merged || used["case"+other.id] {
			return wanted{}, false
		}
		if slices.ContainsFunc(l.cases, func(c *theCase) bool { return c.id == e.Case && c.merged }) {
			return wanted{}, false
		}
		used["case"+other.id], used["case"+e.Case] = true, true
		name := other.first + " " + other.last
		edit(func(d *qbosim.JournalDraft) {
			for i := range d.Lines {
				if d.Lines[i].EntityType == "Customer" {
					d.Lines[i].EntityID = name
				}
			}
		})
		return wanted{class: reconcile.Changed, sentence: begins + " was changed in QuickBooks: name is " + name + ", not " + e.Name + "."}, true
	case 5, 6:
		l.must(l.sim.CopyJournalEntry(realm, j.ID, kind == 5))
		return wanted{class: reconcile.Doubled, sentence: begins + " is in QuickBooks twice: also as … of " + p.Date.Short() + "."}, true
	default:
		l.must("", l.sim.DeleteJournalEntry(realm, j.ID))
		at := slices.IndexFunc(e.Postings, func(x intlog.Posting) bool { return x.N == p.N })
		e.Postings[at].QuickBooksID = "9999" + j.ID
		if _, err := l.store.Update(context.Background(), e); err != nil {
			l.t.Fatal(err)
		}
		l.must("", l.ask(e))
		return wanted{class: reconcile.Missing, sentence: begins + " is synced here, and QuickBooks has no such journal entry."}, true
	}
}

// ask has the next proof look at the record, as it does at every record of which something is open.
func (l *life) ask(e intlog.Entry) error {
	papers, err := l.store.Papers(context.Background(), org.Company{Org: willow, Realm: realm}, "wait", []string{e.Record.String()})
	if err != nil || len(papers) > 0 {
		return err
	}
	_, err = l.store.PutPaper(context.Background(), org.Company{Org: willow, Realm: realm}, reconcile.Paper{Kind: "wait", ID: e.Record.String(), Body: []byte("{}")})
	return err
}

func (l *life) breakBooks(kind int, used map[string]bool) (wanted, bool) {
	c := l.cases[l.r.IntN(len(l.cases))]
	name := c.first + " " + c.last
	if used["case"+c.id] || c.merged {
		return wanted{}, false
	}
	if kind == 11 {
		return l.merges(c, used)
	}
	used["case"+c.id] = true
	amount := money.Cents(l.r.IntN(90_00) + 1)
	switch kind {
	case 12:
		l.settings(func(c *org.Config) { c.Settings.AutoSync = false })
		id := l.id("late")
		l.send(l.event(&c.funeral, "payment.created", id, 1, paid(l.today(), amount.String())))
		l.settings(func(c *org.Config) { c.Settings.AutoSync = true })
		return wanted{class: reconcile.Unposted, sentence: "$" + amount.Grouped() + " of payment " + id + ", " + name + " waits under Pending transactions since …."}, true
	case 8:
		doc := l.id("GJ-")
		account := []string{"deposits_clearing", "card_clearing", "refunds_payable", "cash_advances"}[l.r.IntN(4)]
		l.must(l.sim.TypeJournalEntry(realm, qbosim.JournalDraft{Date: l.today(), DocNumber: doc, Lines: []qbosim.DraftLine{
			{Side: "Debit", Account: "rent", Amount: amount}, {Side: "Credit", Account: account, Amount: amount},
		}}))
		return wanted{class: reconcile.Unknown, sentence: "Journal entry " + doc + " of …, which Passare sync did not make, has $" + amount.Grouped() + " on " + strings.ReplaceAll(account, "_", " ") + "."}, true
	case 9:
		l.must("", l.sim.Owe(realm, name, amount))
		return wanted{class: reconcile.Unknown, sentence: name + " owes $… in QuickBooks, $" + amount.Grouped() + " more than the journal entries come to: …"}, true
	}
	doc := l.id("GJ-")
	l.must(l.sim.TypeJournalEntry(realm, qbosim.JournalDraft{Date: l.today(), DocNumber: doc, Lines: []qbosim.DraftLine{
		{Side: "Debit", Account: "rent", Amount: amount}, {Side: "Credit", Account: "accounts_receivable", Amount: amount, EntityType: "Customer", EntityID: name},
	}}))
	return wanted{class: reconcile.Unknown, sentence: "Journal entry " + doc + " of …, which Passare sync did not make, has $" + amount.Grouped() + " on accounts receivable, " + name + "."}, true
}

// merges merges the case's customer into another one's. Nothing is sent for the case afterwards: it would wait until somebody links it anew.
func (l *life) merges(from *theCase, used map[string]bool) (wanted, bool) {
	into := l.cases[l.r.IntN(len(l.cases))]
	name := from.first + " " + from.last
	named := func(j qbosim.JournalEntry) bool {
		_, _, ours := intlog.ReadNoteMark(j.Note)
		return ours && slices.ContainsFunc(j.Lines, func(l qbosim.JournalLine) bool { return l.Entity != nil && l.Entity.Name == name })
	}
	if into == from || into.merged || used["case"+from.id] || used["case"+into.id] || !slices.ContainsFunc(l.sim.Journal(realm), named) {
		return wanted{}, false
	}
	used["case"+from.id], used["case"+into.id], from.merged = true, true, true
	used["merged"+from.id] = true
	names := []string{from.first + " " + from.last, into.first + " " + into.last}
	l.switches(qbosim.Switches{MergeTouchesEntries: l.r.IntN(2) == 0})
	l.must("", l.sim.MergeCustomers(realm, names[0], names[1]))
	return wanted{class: reconcile.Changed, sentence: "Customer " + names[0] + " was merged into " + names[1] + " in QuickBooks: …"}, true
}
