package reconcile

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// stands is a posting of ours that QuickBooks has accepted in this company.
type stands struct {
	entry   intlog.Entry
	posting intlog.Posting
}

// subject names the posting among differences.
func (s stands) subject() string { return postingSubject(s.entry.ID(), s.posting.N) }

// ids are the journal entries of QuickBooks in which the posting's amounts are: its own, and those that were found besides.
func (s stands) ids() []string {
	ids := []string{s.posting.QuickBooksID}
	for _, f := range s.posting.Found {
		if f.QuickBooksID != ids[0] {
			ids = append(ids, f.QuickBooksID)
		}
	}
	return ids
}

// expected is what one of these is to have.
func (s stands) expected(id string, called names) content {
	c := content{}
	if id == s.posting.QuickBooksID {
		c.addMovements(s.posting.Movements, func(journal.Movement) date.Date { return s.posting.Date }, called)
	}
	for _, f := range s.posting.Found {
		if f.QuickBooksID == id {
			c.addMovements(f.Movements, func(m journal.Movement) date.Date { return m.Fact }, called)
		}
	}
	return c
}

// posted is what was posted, as QuickBooks was sent it.
func (s stands) posted() content {
	c := content{}
	c.addMovements(s.posting.Movements, func(journal.Movement) date.Date { return s.posting.Date }, asTheyAre)
	return c
}

// movements are all of the posting's.
func (s stands) movements() []journal.Movement {
	list := slices.Clone(s.posting.Movements)
	for _, f := range s.posting.Found {
		list = append(list, f.Movements...)
	}
	return list
}

// standing lists the record's postings in a company, oldest first.
func standing(r intlog.Record, realm string) []stands {
	var list []stands
	for _, e := range r.Entries {
		for _, p := range e.Postings {
			if p.QuickBooksID != "" && p.Realm == realm {
				list = append(list, stands{e, p})
			}
		}
	}
	return list
}

// prove compares records whole. What is not known of their journal entries is asked for, of all of them together.
func (x *run) prove(ctx context.Context, refs []passare.Ref) error {
	records := make([]intlog.Record, len(refs))
	var ids []string
	for i, ref := range refs {
		var err error
		if records[i], err = x.p.o.Store.Record(ctx, x.config.Org, ref); err != nil {
			return err
		}
		for _, s := range standing(records[i], x.at.Realm) {
			for _, m := range s.movements() {
				x.meet(m.Place.Name)
			}
			for _, id := range s.ids() {
				ids = append(ids, id)
				x.again[id] = x.again[id] || x.reread[ref]
			}
		}
		delete(x.reread, ref)
	}
	papers, err := take[seen](ctx, x.desk, seenPaper, ids...)
	if err != nil {
		return err
	}
	var unknown []string
	for i, id := range ids {
		if !x.absent[id] && (x.again[id] || !papers[i].known()) {
			unknown = append(unknown, id)
		}
	}
	if err := x.askFor(ctx, unknown); err != nil {
		return err
	}
	var all []stands
	for _, r := range records {
		all = append(all, standing(r, x.at.Realm)...)
	}
	if err := x.mergers(ctx, all); err != nil {
		return err
	}
	if err := x.fetch(ctx, refs, all); err != nil {
		return err
	}
	for i, ref := range refs {
		if err := x.proveRecord(ctx, ref, records[i]); err != nil {
			return err
		}
	}
	return nil
}

// fetch takes together what each of the records will need.
func (x *run) fetch(ctx context.Context, refs []passare.Ref, all []stands) error {
	var names, days, differences, cases []string
	for _, ref := range refs {
		names = append(names, ref.String())
		differences = append(differences, short(recordSubject(ref)))
	}
	for _, s := range all {
		days = append(days, dayID(s.posting.Date, s.posting.QuickBooksID))
		differences = append(differences, short(s.subject()))
		if s.entry.Case != "" {
			cases = append(cases, s.entry.Case)
		}
	}
	_, err := take[copies](ctx, x.desk, copiesPaper, names...)
	if err == nil {
		_, err = take[wait](ctx, x.desk, waitPaper, names...)
	}
	if err == nil {
		_, err = take[day](ctx, x.desk, dayPaper, days...)
	}
	if err == nil {
		_, err = take[kept](ctx, x.desk, differencePaper, differences...)
	}
	if err == nil {
		_, err = take[caseRecord](ctx, x.desk, casePaper, cases...)
	}
	return err
}

// proof is what comes out of one record.
type proof struct {
	*run
	ref      passare.Ref
	record   intlog.Record
	rows     map[string]*rowPart // by case
	found    []kept
	subjects []string
	waits    bool // the next proof looks at the record again
}

func (x *run) proveRecord(ctx context.Context, ref passare.Ref, record intlog.Record) error {
	if len(record.Entries) == 0 {
		return nil
	}
	pr := &proof{run: x, ref: ref, record: record, rows: map[string]*rowPart{}}
	for _, s := range standing(record, x.at.Realm) {
		if err := pr.posting(ctx, s); err != nil {
			return err
		}
	}
	if err := pr.copies(ctx); err != nil {
		return err
	}
	if err := pr.wanted(ctx); err != nil {
		return err
	}
	if err := x.tell(ctx, pr.subjects, pr.found...); err != nil {
		return err
	}
	return pr.file(ctx)
}

// posting compares one posting with what QuickBooks has of it.
func (pr *proof) posting(ctx context.Context, s stands) error {
	for _, m := range s.movements() {
		pr.ours(m, vendorOf(s.posting))
	}
	own := s.posting.QuickBooksID
	for _, id := range s.ids() {
		paper, err := one[seen](ctx, pr.desk, seenPaper, id)
		if err != nil {
			return err
		}
		expected, actual := s.expected(id, pr.mergedInto), paper.now().called(pr.mergedInto)
		if id == own {
			if err := pr.onDay(ctx, s); err != nil {
				return err
			}
		}
		pr.settle(id, paper)
		subject := s.subject()
		if id != own {
			subject = entrySubject(id)
		}
		pr.subjects = append(pr.subjects, subject)
		pr.theirs(s, expected, actual, paper.accepts(pr.mergedInto))
		delta := actual.minus(expected)
		switch {
		case len(delta) == 0 || paper.accepts(pr.mergedInto):
		case !paper.known() && s.entry.SyncedAt().After(pr.now.Add(-appearsIn)):
			pr.waits = true // it may not show yet
			for _, c := range customersOf(expected) {
				pr.move(c, pr.now)
			}
		default:
			d, err := pr.differs(ctx, s, id, paper, expected, actual)
			if err != nil {
				return err
			}
			pr.found = append(pr.found, d)
		}
	}
	return nil
}

// settle notes that an entry of QuickBooks was compared.
func (pr *proof) settle(id string, paper *seen) {
	if paper.Fresh {
		paper.Fresh = false
		pr.put(seenPaper, id, false)
	}
}

// copies are entries that carry the record's mark and are none of its postings.
func (pr *proof) copies(ctx context.Context) error {
	list, err := one[copies](ctx, pr.desk, copiesPaper, pr.ref.String())
	if err != nil || len(list.IDs) == 0 {
		return err
	}
	all := standing(pr.record, pr.at.Realm)
	for _, id := range list.IDs {
		if slices.ContainsFunc(all, func(s stands) bool { return slices.Contains(s.ids(), id) }) {
			continue
		}
		paper, err := one[seen](ctx, pr.desk, seenPaper, id)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(s stands) bool { return s.entry.ID() == paper.Entry && s.posting.N == paper.N })
		if at < 0 {
			continue // its posting is on its way, and may yet turn out to be this one
		}
		pr.subjects = append(pr.subjects, entrySubject(id))
		actual := paper.now().called(pr.mergedInto)
		pr.settle(id, paper)
		pr.theirs(all[at], content{}, actual, paper.accepts(pr.mergedInto))
		if len(actual) == 0 || paper.accepts(pr.mergedInto) {
			continue
		}
		pr.found = append(pr.found, pr.doubled(all[at], id, paper))
	}
	return nil
}

// wanted is what the record's newest version still wants to post, by the rules.
func (pr *proof) wanted(ctx context.Context) error {
	newest, found := newestWanted(pr.record)
	subject := recordSubject(pr.ref)
	pr.subjects = append(pr.subjects, subject)
	if !found {
		return nil
	}
	plan, err := pr.p.o.Planner.Preview(ctx, newest)
	if err != nil {
		return err
	}
	var more money.Cents
	for _, e := range plan.Entries {
		for _, m := range e.Movements {
			pr.planned(m)
			more += max(m.Amount, 0)
		}
	}
	onItsWay := newest.State.Tab() == intlog.Pending.Tab() || newest.State == intlog.Failed || newest.State.Owned()
	switch {
	case onItsWay && newest.State != intlog.Held:
		pr.waits = true
	case more == 0 || plan.Excluded != "" || len(plan.Problems) > 0:
		return nil
	}
	if more == 0 && newest.Amount == 0 {
		return nil
	}
	pr.found = append(pr.found, pr.unposted(newest, more))
	return nil
}

// newestWanted is the version that says what the record is to have in QuickBooks: the newest that counts and is not held back by Passare's button.
func newestWanted(r intlog.Record) (intlog.Entry, bool) {
	for _, e := range slices.Backward(r.Entries) {
		switch e.State {
		case intlog.Deleted, intlog.Held:
		case intlog.Excluded:
			return intlog.Entry{}, false
		case intlog.Pending, intlog.Queued, intlog.Claimed, intlog.Waiting, intlog.Failed, intlog.Synced, intlog.Superseded, intlog.Unchanged:
			return e, true
		}
	}
	return intlog.Entry{}, false
}

// row is the record's row in a case.
func (pr *proof) row(group string) *rowPart {
	row, ok := pr.rows[group]
	if !ok {
		row = &rowPart{Customers: map[string]money.Cents{}, Parts: map[string]*part{}}
		pr.rows[group] = row
	}
	return row
}

// recordGroup begins the group of what has no case.
const recordGroup = "record/"

// groupOf is the case to which a movement belongs; a member of no case is its own.
func (pr *proof) groupOf(m journal.Movement) string {
	switch {
	case m.Key.Case != "":
		return m.Key.Case
	case isControl(m.Key.Account):
		return recordGroup + pr.member(m)
	}
	return recordGroup + pr.ref.String()
}

// isControl says whether a role is one whose members are proved one by one.
func isControl(role string) bool {
	return org.Role(role).IsClearing() || role == string(org.RefundsPayable)
}

// member is the receipt or refund that a movement on a clearing account is about. What a check pays of refunds is about the refund that it names.
func (pr *proof) member(m journal.Movement) string {
	of := strings.TrimPrefix(m.Key.Part, "refund of ")
	if _, ok := refOf(of); ok && org.Role(m.Key.Account).IsClearing() {
		return of
	}
	if pr.ref.Type == passare.Check {
		for _, e := range slices.Backward(pr.record.Entries) {
			if event, err := passare.Decode(e.Data); err == nil {
				if b, ok := event.Body.(*passare.CheckBody); ok && b.RefundRecord != nil {
					return b.RefundRecord.String()
				}
			}
		}
	}
	return pr.ref.String()
}

// partOf is the part of a row that a movement belongs to, if it is on an account whose members or items are proved.
func (pr *proof) partOf(m journal.Movement) (id string, ok bool) {
	switch {
	case isControl(m.Key.Account):
		return "member/" + m.Key.Account + "/" + pr.member(m), true
	case strings.HasPrefix(m.Key.Part, "item/") && m.Place.Name != nil && m.Place.Name.Kind == journal.Customer:
		return strings.TrimSuffix(m.Key.Part, "+"), true
	}
	return "", false
}

const receivable = string(org.AccountsReceivable)

// vendorOf is who a posting pays, if it names a vendor.
func vendorOf(p intlog.Posting) string {
	for _, m := range p.Movements {
		if n := m.Place.Name; n != nil && n.Kind == journal.Vendor {
			return n.Display
		}
	}
	return ""
}

// meet keeps by which name a customer or vendor was posted, unless QuickBooks has said how it is called now.
func (x *run) meet(n *journal.Name) {
	if n == nil {
		return
	}
	id := string(n.Kind) + "/" + n.ID
	x.display[id] = cmp.Or(x.display[id], n.Display)
}

// ours counts a movement that we have posted.
func (pr *proof) ours(m journal.Movement, vendor string) {
	row := pr.row(pr.groupOf(m))
	if n := m.Place.Name; n != nil && n.Kind == journal.Customer {
		row.Customers[pr.mergedInto(n.ID)] += 0 // it is one of ours, whatever QuickBooks has of this entry
	}
	if m.Key.Account == receivable {
		row.Owed.Passare += m.Amount
		row.Owed.Posted += m.Amount
		row.Owed.QuickBooks += m.Amount
	}
	id, ok := pr.partOf(m)
	if !ok {
		return
	}
	p := row.Parts[id]
	if p == nil {
		p = &part{Since: m.Fact, Says: m.Description}
		row.Parts[id] = p
	}
	if m.Fact < p.Since {
		p.Since = m.Fact
	}
	p.In, p.Out = p.In+max(m.Amount, 0), p.Out+max(-m.Amount, 0)
	p.Theirs += m.Amount
	p.Vendor = cmp.Or(vendor, p.Vendor)
}

// planned counts a movement that is still to be posted.
func (pr *proof) planned(m journal.Movement) {
	if m.Key.Account == receivable {
		pr.row(pr.groupOf(m)).Owed.Passare += m.Amount
	}
}

// theirs counts by what QuickBooks differs from a posting, where its movements stand, and what it has on accounts receivable of each customer.
func (pr *proof) theirs(s stands, expected, actual content, accepted bool) {
	movements := s.movements()
	owed := pr.receivables(movements)
	groups := map[string]string{} // by account and name
	first := ""
	for _, m := range movements {
		at := spotOf("", m.Place, pr.mergedInto)
		group := pr.groupOf(m)
		if m.Key.Account == receivable && first == "" {
			first = group
		}
		if _, ok := groups[at.Account+" "+at.Name]; !ok {
			groups[at.Account+" "+at.Name] = group
		}
	}
	groupAt := func(at spot) string {
		if group, ok := groups[at.Account+" "+at.Name]; ok {
			return group
		}
		if first == "" {
			return pr.groupOf(movements[0])
		}
		return first
	}
	for at, cents := range actual.minus(expected) {
		row := pr.row(groupAt(at))
		if owed[at.Account] {
			row.Owed.QuickBooks += cents
			if accepted {
				row.Owed.Accepted += cents
			}
		}
		for _, m := range movements {
			if id, ok := pr.partOf(m); ok && m.Place.Account == at.Account && pr.groupOf(m) == groupAt(at) {
				row.Parts[id].Theirs += cents
				break
			}
		}
	}
	for at, cents := range actual {
		if id, ok := strings.CutPrefix(at.Name, string(journal.Customer)+"/"); ok && owed[at.Account] {
			pr.row(groupAt(at)).Customers[id] += cents
		}
	}
}

// receivables are the accounts on which families' debts stand.
func (x *run) receivables(movements []journal.Movement) map[string]bool {
	accounts := map[string]bool{}
	if id, ok := x.config.Mapping.Account(org.AccountsReceivable); ok {
		accounts[id] = true
	}
	for _, m := range movements {
		if m.Key.Account == receivable {
			accounts[m.Place.Account] = true
		}
	}
	return accounts
}

// onDay files the posting under its date, and counts it for the night.
func (pr *proof) onDay(ctx context.Context, s stands) error {
	if id := s.posting.QuickBooksID; !pr.counted[id] {
		pr.counted[id] = true
		pr.night.Entries++
		pr.night.Amount += debitsOf(s)
	}
	on := dayID(s.posting.Date, s.posting.QuickBooksID)
	d, err := one[day](ctx, pr.desk, dayPaper, on)
	if err != nil {
		return err
	}
	if d.Rows == nil {
		d.Rows = map[string]dayRow{}
	}
	row := dayRow{
		Entry: s.entry.ID(), N: s.posting.N, Doc: s.posting.Doc, Kind: s.entry.Kind, CaseNo: s.entry.CaseNo, Name: s.entry.Name, Debits: debitsOf(s),
		Hash: s.posted().called(pr.mergedInto).hash(), Posted: s.entry.SyncedAt(),
	}
	if old, ok := d.Rows[s.posting.QuickBooksID]; ok {
		row.Posted = old.Posted
	}
	if d.Rows[s.posting.QuickBooksID] != row {
		d.Rows[s.posting.QuickBooksID] = row
		pr.put(dayPaper, on, false)
	}
	return nil
}

// file puts the record's rows into its cases, and their customers' sums with them.
func (pr *proof) file(ctx context.Context) error {
	name := pr.ref.String()
	w, err := one[wait](ctx, pr.desk, waitPaper, name)
	if err != nil {
		return err
	}
	groups := slices.Collect(maps.Keys(pr.rows))
	for _, before := range w.Groups {
		if pr.rows[before] == nil {
			groups = append(groups, before)
		}
	}
	slices.Sort(groups)
	if pr.waits || len(pr.found) > 0 {
		w.Groups = slices.Sorted(maps.Keys(pr.rows))
		pr.put(waitPaper, name, false)
	} else {
		pr.drop(waitPaper, name)
	}
	for _, group := range groups {
		if err := pr.fileIn(ctx, group, pr.rows[group]); err != nil {
			return err
		}
	}
	return nil
}

func (pr *proof) fileIn(ctx context.Context, group string, row *rowPart) error {
	c, err := one[caseRecord](ctx, pr.desk, casePaper, group)
	if err != nil {
		return err
	}
	if c.Rows == nil {
		c.Rows = map[string]*rowPart{}
	}
	customers := map[string]bool{}
	if old := c.Rows[pr.ref.String()]; old != nil {
		for id := range old.Customers {
			customers[id] = true
		}
	}
	delete(c.Rows, pr.ref.String())
	if row != nil {
		newest := pr.record.Entries[len(pr.record.Entries)-1]
		row.What, row.Date, row.Entry = rules.Named(pr.ref), newest.Date, newest.ID()
		c.Rows[pr.ref.String()] = row
		for id := range row.Customers {
			customers[id] = true
		}
		for _, e := range pr.record.Entries {
			if e.Case == group {
				c.CaseNo, c.Name = e.CaseNo, e.Name
			}
		}
	}
	c.Proved = pr.now
	pr.put(casePaper, group, c.open())
	for _, id := range slices.Sorted(maps.Keys(customers)) {
		if err := pr.fileCustomer(ctx, id, group, c); err != nil {
			return err
		}
	}
	return nil
}

func (pr *proof) fileCustomer(ctx context.Context, id, group string, c *caseRecord) error {
	customer, err := one[customerRecord](ctx, pr.desk, customerPaper, id)
	if err != nil {
		return err
	}
	if customer.Cases == nil {
		customer.Cases = map[string]money.Cents{}
	}
	var total money.Cents
	for _, row := range c.Rows {
		total += row.Customers[id]
	}
	if customer.Cases[group] != total || !customer.Opened {
		pr.touched[id] = true
	}
	customer.Cases[group] = total // a zero stays: it says where to look when the customer is merged
	if customer.Name == "" {
		customer.Name = pr.display[string(journal.Customer)+"/"+id]
	}
	pr.put(customerPaper, id, false)
	return nil
}

// open says whether something of the case is still open: a member of a clearing account, an item, or more paid than owed.
func (c caseRecord) open() bool {
	var owed money.Cents
	net := map[string]money.Cents{}
	for _, row := range c.Rows {
		owed += row.Owed.Posted
		for id, p := range row.Parts {
			net[id] += p.In - p.Out
		}
	}
	for _, cents := range net {
		if cents != 0 {
			return true
		}
	}
	return owed < 0
}
