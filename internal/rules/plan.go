package rules

import (
	"slices"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// Input is everything a plan depends on. Make computes from it alone.
type Input struct {
	Versions    []passare.Event        // versions of the record that count, oldest first; at least one
	Undone      int                    // how many of Versions, from the oldest, a person has undone: nothing of them is wanted (accounting.md §4)
	Entry       int64                  // the version whose entry this is; its text is the entry's sentence
	Undo        int                    // of that version, if this is the entry of an undo (intlog.Key); else 0
	Standing    []Standing             // what QuickBooks has accepted of the record, whatever became of the entries since
	Related     map[passare.Ref]Record // the records that Needs asked for
	MentionedBy []passare.Ref          // those of them that mention this record
	Skipped     bool                   // a person deleted a version of the record that was not posted, and nobody has decided since
	Deleted     []passare.Event        // the versions that a person deleted, oldest first; needed only with Decided
	Decided     []Decided              // what people chose for versions of the record, oldest first
	Config      org.Config
}

func (in Input) newest() passare.Event { return in.Versions[len(in.Versions)-1] }

// Planned is one journal entry to be posted: on one date, balanced.
type Planned struct {
	Date      date.Date
	Facts     []date.Date // own dates of what it holds, when they are not Date: books were closed there
	Movements []journal.Movement
}

// Lines are the lines that QuickBooks will show.
func (p Planned) Lines() []journal.Line {
	return journal.Net(string(org.AccountsReceivable), p.Movements)
}

// Netted are the lines, and where each comes from in Passare's own terms.
func (p Planned) Netted() []journal.Netted {
	return journal.NetFrom(string(org.AccountsReceivable), p.Movements)
}

// Plan is what an entry would do. With problems nothing is posted; without either nothing changes.
type Plan struct {
	Entries  []Planned
	Problems []Problem   // all of them at once
	Excluded string      // why nothing is posted at all, though the record has amounts
	PostedBy passare.Ref // the record that posts this money, when Excluded is for that
	Sentence string      // the entry explained in one plain sentence
	Warnings []string    // what a person should look at; nothing waits for it
	Closed   bool        // some of it is dated in books that are closed as far as Config knows
	MakesWay bool        // it only takes back what a batch has banked, so that its members can change; what the batch wants is planned after that
}

// Make plans: desired − standing, one journal entry per date that differs (accounting.md §1).
func Make(in Input) Plan {
	in.Versions = in.life()
	desired, standing, excluded, postedBy := in.desired(), in.Standing, "", passare.Ref{}
	var opening, byHand []Standing
	if !in.gone() {
		opening = in.baseline()
		byHand = in.byHand(opening)
		standing = slices.Concat(opening, in.Standing, byHand)
		excluded, postedBy = in.otherRight()
	}
	p := Plan{MakesWay: in.makesWay()}
	if excluded != "" || p.MakesWay {
		desired = nil
	}
	deltas := difference(withoutCancelled(desired, standing), standing)

	p.Problems = append(p.Problems, in.cutOverProblems(desired, deltas, len(opening)+len(byHand) > 0)...)
	if !p.MakesWay {
		p.Problems = append(p.Problems, in.relatedProblems(deltas)...)
	}
	placed, problems := in.place(deltas)
	p.Closed = slices.ContainsFunc(deltas, func(d delta) bool { return in.closed(d.on) })
	p.Problems = append(p.Problems, problems...)
	p.Entries = byDate(placed)
	p.Problems = append(p.Problems, in.periodProblems(p.Entries)...)
	if len(p.Entries) == 0 {
		p.Problems, p.MakesWay = in.relatedProblems(nil), false
		p.Excluded, p.PostedBy = excluded, postedBy
		if excluded == "" && len(in.Standing) == 0 && len(opening) > 0 {
			p.Excluded = "It is in the opening balances: dated before the cut-over date."
		}
	}
	if in.Skipped && len(p.Entries) > 0 {
		p.Problems = append(p.Problems, choose(in.newest().Record.String(), []Decision{Whole, Difference, Nothing},
			"An earlier version of this record was deleted here and never posted. Choose what to post now: the whole, only the difference, or nothing."))
	}
	if len(p.Entries) > 0 && !in.gone() {
		p.Warnings = in.warnings()
	}
	p.Sentence = in.sentence(p)
	return p
}

// baseline is what the opening balances hold of the record (accounting.md §6): its state at an event marked
// baseline, or what happened before the cut-over date as dated before it.
func (in Input) baseline() []Standing {
	last, marked := in.lastOfBaseline()
	var standing []Standing
	for _, l := range in.legs(in.Versions[:last+1]) {
		if !marked && l.on >= in.Config.Settings.CutOver {
			continue
		}
		for _, m := range l.moves {
			if m.cents != 0 {
				standing = append(standing, Standing{
					Movement: journal.Movement{Key: m.key, Fact: l.on, Amount: m.cents, Description: m.text}, On: l.on, baseline: true,
				})
			}
		}
	}
	return standing
}

// lastOfBaseline is the last version that the opening balances hold, -1 for none, and whether it is marked so.
func (in Input) lastOfBaseline() (last int, marked bool) {
	last = -1
	for i, v := range in.Versions {
		if v.Baseline || (in.Config.Settings.CutOver != "" && date.Of(v.Time) < in.Config.Settings.CutOver) {
			last, marked = i, v.Baseline
		}
	}
	return last, marked
}

// cutOverProblems: nothing dated before the cut-over date is ever sent without a person's choice. known says that something counts as posted.
func (in Input) cutOverProblems(desired []leg, deltas []delta, known bool) []Problem {
	cut := in.Config.Settings.CutOver
	if cut == "" || len(deltas) == 0 || in.decidedWhole() {
		return nil
	}
	early := slices.ContainsFunc(deltas, in.beforeCutOver)
	unknown := in.newest().FirstDate != "" && in.newest().FirstDate < cut && len(in.Standing) == 0 && !known && len(desired) > 0
	switch subject := in.newest().Record.String(); {
	case unknown && !early && in.decidedDifference():
		return []Problem{choose(subject, []Decision{Whole, Nothing},
			"What the opening balances hold of this record at your cut-over date (%s) is not known, so the difference cannot be computed. Choose to post the whole, or nothing.", cut.Short())}
	case early || unknown:
		return []Problem{choose(subject, []Decision{Whole, Difference, Nothing},
			"Part of this record is dated before your cut-over date (%s), which the opening balances hold. Choose what to post: the whole, only the difference, or nothing.", cut.Short())}
	}
	return nil
}

// placed is a movement with the date of its entry.
type placed struct {
	on date.Date
	journal.Movement
}

// place gives every delta its date, account, name, class and location, and names everything that is
// missing for that.
func (in Input) place(deltas []delta) ([]placed, []Problem) {
	out := make([]placed, 0, len(deltas))
	found := newFinder(in)
	for _, d := range deltas {
		m := journal.Movement{Key: d.move.key, Fact: d.fact, Amount: d.move.cents, Description: d.move.text}
		m.Place = found.place(d.move)
		out = append(out, placed{on: in.postingDate(d.on), Movement: m})
	}
	return out, found.problems
}

// finder finds places; each problem is told once.
type finder struct {
	in       Input
	kept     map[journal.Key]journal.Place // where the record's lines were first posted, after it was undone last
	names    map[string]*journal.Name      // names that the record's lines carry already
	problems []Problem
	told     map[string]bool
}

func newFinder(in Input) *finder {
	f := &finder{in: in, kept: map[journal.Key]journal.Place{}, names: map[string]*journal.Name{}, told: map[string]bool{}}
	for _, m := range in.placing() {
		if _, ok := f.kept[m.Key]; !ok {
			f.kept[m.Key] = m.Place
		}
		if n := m.Place.Name; n != nil {
			if _, ok := f.names[string(n.Kind)+n.Key]; !ok {
				f.names[string(n.Kind)+n.Key] = n
			}
		}
	}
	return f
}

func (f *finder) tell(p Problem) {
	if !f.told[p.Subject] {
		f.told[p.Subject] = true
		f.problems = append(f.problems, p)
	}
}

// place: an answer to a posted line stands where that one stands; any other line where the record's
// lines of its key were first posted; a new one where the mapping says (accounting.md §1.6).
func (f *finder) place(m move) journal.Place {
	if m.mirror != nil {
		return *m.mirror
	}
	if kept, ok := f.kept[m.key]; ok {
		return kept
	}
	p := journal.Place{Name: f.name(m.party)}
	p.Class, p.Location = f.branch(m.key.Branch)
	if p.Account = m.account; p.Account == "" {
		p.Account = f.account(m)
	}
	return p
}

func (f *finder) account(m move) string {
	role := org.Role(m.key.Account)
	account, ok := f.in.Config.Mapping.Account(role)
	switch {
	case ok:
		return account
	case role == org.GL(""):
		f.tell(wrongData("account of "+m.key.Part, "%q has no GL account. Give it one in Passare, then re-sign.", m.text))
	default:
		f.tell(unmapped(string(role), role.Label()))
	}
	return ""
}

func (f *finder) name(party *journal.Name) *journal.Name {
	if party == nil {
		return nil
	}
	if n, ok := f.names[string(party.Kind)+party.Key]; ok {
		return n
	}
	n := *party
	return &n
}

func (f *finder) branch(id string) (class, location string) {
	if !f.in.Config.Mapping.MapsBranches() || id == "" {
		return "", ""
	}
	p, ok := f.in.Config.Mapping.Branches[id]
	if !ok {
		f.tell(unmappedBranch(id))
	}
	return p.Class, p.Location
}

// postingDate is the date to post on: the first open day when the books are closed and the organisation
// wants that, else the date itself (accounting.md §7).
func (in Input) postingDate(on date.Date) date.Date {
	if in.closed(on) && in.Config.Settings.ClosedPeriod == org.FirstOpenDay {
		return in.Config.CloseDate.AddDays(1)
	}
	return on
}

func (in Input) closed(on date.Date) bool {
	return in.Config.CloseDate != "" && on <= in.Config.CloseDate
}

// periodProblems: entries dated in closed books wait for a person.
func (in Input) periodProblems(entries []Planned) []Problem {
	var problems []Problem
	for _, e := range entries {
		if in.closed(e.Date) {
			problems = append(problems, closedOn(e.Date, in.Config.CloseDate))
		}
	}
	return problems
}

// byDate makes one planned entry per date; what comes to nothing on a date is no entry.
func byDate(movements []placed) []Planned {
	var dates []date.Date
	entries := map[date.Date]*Planned{}
	for _, m := range movements {
		p, ok := entries[m.on]
		if !ok {
			p = &Planned{Date: m.on}
			entries[m.on] = p
			dates = append(dates, m.on)
		}
		p.Movements = append(p.Movements, m.Movement)
		if m.Fact != m.on && !slices.Contains(p.Facts, m.Fact) {
			p.Facts = append(p.Facts, m.Fact)
		}
	}
	slices.Sort(dates)
	var planned []Planned
	for _, on := range dates {
		if p := entries[on]; len(p.Lines()) > 0 {
			planned = append(planned, *p)
		}
	}
	return planned
}
