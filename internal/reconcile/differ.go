package reconcile

import (
	"cmp"
	"context"
	"fmt"
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

// Subjects of differences: what is found again under the same name.
func postingSubject(entry string, n int) string { return fmt.Sprintf("p:%s/%d", entry, n) }
func entrySubject(quickBooksID string) string   { return "d:" + quickBooksID }
func recordSubject(ref passare.Ref) string      { return "u:" + ref.String() }
func customerSubject(id string) string          { return "c:" + id }
func mergedSubject(id string) string            { return "m:" + id }

// kept is a difference as its paper has it.
type kept struct {
	Difference
	Subject string `json:"subject"`           // what it is about: "p:payment.p1.3/1", "d:" + QuickBooks' id, "c:" or "m:" + a customer's, "u:" + a record
	Ignored string `json:"ignored,omitempty"` // what a person does not want to be told of again
}

func (k kept) isOpen() bool { return k.Subject != "" && k.Settled.IsZero() }

// tell writes what was found of some subjects in the place of what was there: what is not found any more is settled.
func (x *run) tell(ctx context.Context, subjects []string, found ...kept) error {
	slices.Sort(subjects)
	subjects = slices.Compact(subjects)
	ids := make([]string, len(subjects))
	for i, s := range subjects {
		ids[i] = short(s)
	}
	papers, err := take[kept](ctx, x.desk, differencePaper, ids...)
	if err != nil {
		return err
	}
	for i, k := range papers {
		at := slices.IndexFunc(found, func(d kept) bool { return d.Subject == subjects[i] })
		switch {
		case at >= 0:
			x.tellFound(k, ids[i], found[at])
		case k.isOpen():
			k.Settled, k.How = x.now, "Both books agree on it."
			k.History = append(k.History, Done{At: x.now, Who: intlog.Machine, What: "Both books agree on it again."})
			x.night.Gone++
			x.put(differencePaper, ids[i], false)
		}
	}
	return nil
}

func (x *run) tellFound(k *kept, id string, d kept) {
	d.ID, d.Seen = id, seenAs(d.Difference)
	switch {
	case k.Subject == "":
		d.Found, d.History = x.now, []Done{{At: x.now, Who: intlog.Machine, What: "Found."}}
		x.isNew(d)
	case k.Ignored != "" && k.Ignored == d.Seen:
		return
	case k.isOpen():
		d.Found, d.History = k.Found, k.History
	default:
		d.Found, d.History = x.now, append(slices.Clone(k.History), Done{At: x.now, Who: intlog.Machine, What: "Found again."})
		x.isNew(d)
	}
	*k = d
	x.put(differencePaper, id, true)
}

func (x *run) isNew(d kept) {
	if d.Class != Timing {
		x.night.Found++
	}
}

// seenAs names what a difference is like.
func seenAs(d Difference) string {
	return short(fmt.Sprintf("%s|%s|%d|%v", d.Class, d.Sentence, d.Amount, d.Fields))
}

// differs is a posting that QuickBooks has other than it was posted.
func (pr *proof) differs(ctx context.Context, s stands, id string, paper *seen, expected, actual content) (kept, error) {
	d := pr.about(s)
	d.QuickBooksID, d.Amount = id, debitsOf(s)
	said := pr.said(s)
	delta := actual.minus(expected)
	switch {
	case id != s.posting.QuickBooksID:
		d.Subject, d.Class, d.Amount = entrySubject(id), Changed, delta.debits()
		d.Sentence = said + " was found in QuickBooks a second time, which was put right; now that one is other again."
	case paper.Gone:
		d.Class, d.Sentence = Deleted, said+" was deleted in QuickBooks."
	case !paper.known():
		d.Class, d.Sentence = Missing, said+" is synced here, and QuickBooks has no such journal entry."
	case len(actual.undated().minus(expected.undated())) == 0:
		on := theDate(actual)
		d.Class, d.Sentence = Moved, fmt.Sprintf("%s was moved to %s in QuickBooks.", said, on.Short())
		d.Fields = []Field{{Name: "date", Ours: theDate(expected).Short(), Theirs: on.Short()}}
		return d, nil
	default:
		d.Class, d.Amount = Changed, max(delta.debits(), delta.undated().debits())
	}
	var err error
	if d.Fields, err = pr.fields(ctx, expected, actual, paper.known() && !paper.Gone); err != nil {
		return d, err
	}
	if d.Class == Changed && d.Sentence == "" {
		d.Sentence = said + " was changed in QuickBooks: " + changes(d.Fields) + "."
	}
	return d, nil
}

// theDate is the date of a content, the oldest if it has several.
func theDate(c content) date.Date {
	if spots := c.spots(); len(spots) > 0 {
		return spots[0].Date
	}
	return ""
}

// about is what every difference of a posting says of it.
func (pr *proof) about(s stands) kept {
	return kept{Subject: s.subject(), Difference: Difference{
		Entry: s.entry.ID(), Posting: s.posting.N, Case: s.entry.Case, CaseNo: s.entry.CaseNo, Name: s.entry.Name,
		Doc: s.posting.Doc, Date: s.posting.Date,
	}}
}

// said is a posting in a sentence: "Journal entry 24-0113-ABCDEFGHIJ of 3/4/2026, $1,000.00 (payment p1, John Smith)".
func (pr *proof) said(s stands) string {
	of := rules.Named(pr.ref)
	if s.entry.Name != "" {
		of += ", " + s.entry.Name
	}
	return fmt.Sprintf("Journal entry %s of %s, $%s (%s)", s.posting.Doc, s.posting.Date.Short(), debitsOf(s).Grouped(), of)
}

// debitsOf is the sum of a posting's debits, as QuickBooks shows it.
func debitsOf(s stands) money.Cents {
	var sum money.Cents
	for _, l := range lines(s) {
		if l.Side == journal.Debit {
			sum += l.Amount
		}
	}
	return sum
}

// doubledOf is an entry of QuickBooks that is one too many.
func (x *run) doubledOf(s stands, ref passare.Ref, id string, paper *seen) kept {
	pr := &proof{run: x, ref: ref}
	d := pr.about(s)
	d.Subject, d.Class, d.QuickBooksID, d.Amount, d.Date = entrySubject(id), Doubled, id, paper.now().debits(), theDate(paper.now())
	number := "without a number"
	if paper.Doc != "" {
		number = "as " + paper.Doc
	}
	d.Sentence = fmt.Sprintf("%s is in QuickBooks twice: also %s of %s.", pr.said(s), number, d.Date.Short())
	return d
}

func (pr *proof) doubled(s stands, id string, paper *seen) kept {
	return pr.doubledOf(s, pr.ref, id, paper)
}

// unposted is what is not in QuickBooks yet, for less than a day or for longer.
func (pr *proof) unposted(e intlog.Entry, more money.Cents) kept {
	if more == 0 {
		more = e.Amount.Abs()
	}
	d := kept{Subject: recordSubject(pr.ref), Difference: Difference{
		Class: Unposted, Entry: e.ID(), Case: e.Case, CaseNo: e.CaseNo, Name: e.Name, Date: e.Date, Amount: more,
	}}
	of := rules.Named(pr.ref)
	if e.Name != "" {
		of += ", " + e.Name
	}
	where := "is on its way to QuickBooks"
	switch e.Tab() {
	case intlog.Pending.Tab():
		where = "waits under Pending transactions"
	case intlog.Failed.Tab():
		where = "waits under Sync errors"
	}
	if e.State == intlog.Synced {
		where = "is to be posted by its events, and is not on its way"
	}
	d.Sentence = fmt.Sprintf("$%s of %s %s since %s.", more.Grouped(), of, where, date.Of(e.Created).Short())
	if pr.now.Sub(e.Created) < Young {
		d.Class = Timing
	}
	return d
}

// fields says what differs, field by field.
func (pr *proof) fields(ctx context.Context, expected, actual content, there bool) ([]Field, error) {
	var fields []Field
	if ours, theirs := theDate(expected), theDate(actual); len(actual) > 0 && ours != theirs {
		fields = append(fields, Field{Name: "date", Ours: ours.Short(), Theirs: theirs.Short()})
	}
	ours, theirs := expected.undated(), actual.undated()
	delta := theirs.minus(ours)
	if went, ok := pr.went(ctx, ours, theirs); ok && there {
		return append(fields, went), nil
	}
	spots := delta.spots()
	for _, s := range spots {
		if len(fields) == maxFields {
			break
		}
		fields = append(fields, Field{Name: pr.place(ctx, s), Ours: sided(ours[s]), Theirs: sided(theirs[s])})
	}
	return fields, nil
}

// maxFields is how many fields a difference names.
const maxFields = 20

// went finds the one account, name, class or location that QuickBooks has in the place of another, when that is all that differs.
func (pr *proof) went(ctx context.Context, ours, theirs content) (Field, bool) {
	for _, part := range []struct {
		name  string
		of    func(*spot) *string
		words func(string) string
	}{
		{"account", func(s *spot) *string { return &s.Account }, func(id string) string { return pr.account(ctx, id) }},
		{"name", func(s *spot) *string { return &s.Name }, pr.name},
		{"class", func(s *spot) *string { return &s.Class }, strings.Clone},
		{"location", func(s *spot) *string { return &s.Location }, strings.Clone},
	} {
		delta := theirs.minus(ours)
		values := map[string]bool{}
		for s := range delta {
			values[*part.of(&s)] = true
		}
		if len(values) != 2 {
			continue
		}
		list := slices.Sorted(maps.Keys(values))
		for _, to := range list {
			from := list[0]
			if from == to {
				from = list[1]
			}
			moved := content{}
			for s, cents := range ours {
				if _, differs := delta[s]; differs && *part.of(&s) == from {
					*part.of(&s) = to
				}
				moved.add(s, cents)
			}
			if len(theirs.minus(moved)) == 0 {
				return Field{part.name, cmp.Or(part.words(from), "none"), cmp.Or(part.words(to), "none")}, true
			}
		}
	}
	return Field{}, false
}

// place is a spot in words: "accounts receivable, John Smith".
func (x *run) place(ctx context.Context, s spot) string {
	words := []string{x.account(ctx, s.Account)}
	if s.Name != "" {
		words = append(words, x.name(s.Name))
	}
	return strings.Join(words, ", ")
}

// sided is an amount as bookkeepers write it.
func sided(cents money.Cents) string {
	switch {
	case cents > 0:
		return cents.Grouped() + " debit"
	case cents < 0:
		return cents.Abs().Grouped() + " credit"
	}
	return "nothing"
}

// changes says the first field that differs, and how many more do.
func changes(fields []Field) string {
	if len(fields) == 0 {
		return "its lines"
	}
	text := fmt.Sprintf("%s is %s, not %s", fields[0].Name, fields[0].Theirs, fields[0].Ours)
	switch n := len(fields) - 1; {
	case n == 1:
		text += ", and 1 more"
	case n > 1:
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}

// account is an account's name, as far as the chart was read.
func (x *run) account(ctx context.Context, id string) string {
	if x.called == nil {
		x.called = map[string]string{}
		if chart, found, err := x.p.o.Store.Listing(ctx, x.at, journal.AccountList); err == nil && found {
			for _, a := range chart.Accounts {
				x.called[a.ID] = a.FullyQualifiedName
			}
		}
		for role, of := range x.config.Mapping.Roles {
			if x.called[of] == "" {
				x.called[of] = role.Label()
			}
		}
	}
	return cmp.Or(x.called[id], "QuickBooks account "+id)
}

// name is a customer's or vendor's name, as far as it was seen.
func (x *run) name(id string) string {
	if id == "" {
		return ""
	}
	return cmp.Or(x.display[id], strings.ToLower(strings.Replace(id, "/", " ", 1)))
}

// controls are the accounts on which nobody but us should write, with their roles.
func (x *run) controls() map[string]org.Role {
	accounts := map[string]org.Role{}
	for _, role := range []org.Role{org.CashAdvances, org.RefundsPayable, org.CardClearing, org.DepositsClearing, org.AccountsReceivable} {
		if id, ok := x.config.Mapping.Account(role); ok {
			accounts[id] = role
		}
	}
	return accounts
}
