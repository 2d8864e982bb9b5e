package setup

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// Problems are what is wrong with an organisation's mapping.
type Problems struct {
	Missing []Missing
	Amiss   []Amiss
	Waiting Waiting   // all entries that wait for a mapping, each once
	AsOf    time.Time // of what QuickBooks has; zero: that is not known
	Note    string    // why it is not known, or older than wanted
}

// Missing is something that is not mapped, and that entries wait for.
type Missing struct {
	Field       string // of PUT /v1/mapping: "gl_accounts.4410", "roles.discounts", "branches.main"
	Label       string // "Cash advance – flowers"
	UsedFor     []string
	Waiting     Waiting
	Since       time.Time // when the oldest of them was made
	Entries     []string  // ids of some of them, oldest first, at most MaxExamples
	Who         string    // who can map it
	Text        string
	Suggestions []Suggestion
}

// MaxExamples is how many entries of one problem are named.
const MaxExamples = 5

// Suggestion is an account, class or location that may be what is wanted.
type Suggestion struct {
	ID, Name, Type string
	Kind           string // "account", "class" or "location"
	Why            string
}

// MaxSuggestions is how many suggestions a problem gets, the best first.
const MaxSuggestions = 3

// Amiss is something that is mapped to what cannot be posted to any more.
type Amiss struct{ Field, Label, ID, Name, Problem string }

// MappingProblems lists what entries wait for because it is not mapped, the most waited for first, and what is mapped to something that is inactive, gone, or
// of the wrong type by now. Errors: fault.Disconnected.
func (o *Office) MappingProblems(ctx context.Context, id string) (Problems, error) {
	p, err := o.problems(ctx, id)
	if err != nil {
		return p, fmt.Errorf("setup.MappingProblems: %w", err)
	}
	return p, nil
}

func (o *Office) problems(ctx context.Context, id string) (p Problems, err error) {
	config, err := o.config(ctx, id)
	if err != nil {
		return p, err
	}
	g := grouping{groups: map[string]*group{}}
	if p.Waiting.More, err = o.look(ctx, id, intlog.Failed.Tab(), MaxLooked, g.add); err != nil {
		return p, err
	}
	p.Waiting.Entries, p.Waiting.Amount = g.waiting.Entries, g.waiting.Amount
	x, lists, err := o.whole(ctx, config, g.missesBranch())
	if err != nil {
		if !unasked(err) {
			return p, err
		}
		p.Note = "What QuickBooks has is not known: it could not be asked, so there are no suggestions, and what is mapped could not be looked at."
	} else {
		p.AsOf, p.Note = x.asOf, x.note
		p.Amiss = amiss(config.Mapping, x)
	}
	for _, subject := range slices.SortedFunc(maps.Keys(g.groups), g.compare) {
		p.Missing = append(p.Missing, g.groups[subject].missing(subject, config.Mapping, lists))
	}
	return p, nil
}

// lists are what suggestions are made from, in the order of their names.
type lists struct {
	accounts []journal.Account
	classes  []journal.Segment
	places   []journal.Segment
}

// whole reads what a mapping chooses from, whatever it names: classes and locations when a branch is missing.
func (o *Office) whole(ctx context.Context, c org.Config, branches bool) (x chart, l lists, err error) {
	if x, err = o.chart(ctx, c, time.Time{}, c.Mapping); err != nil {
		return x, l, err
	}
	l.accounts = slices.SortedFunc(maps.Values(x.accounts), func(a, b journal.Account) int {
		return cmp.Or(strings.Compare(a.FullyQualifiedName, b.FullyQualifiedName), strings.Compare(a.ID, b.ID))
	})
	if !branches {
		return x, l, nil
	}
	for list, into := range map[journal.List]*[]journal.Segment{journal.ClassList: &l.classes, journal.DepartmentList: &l.places} {
		if shown, err := o.listing(ctx, c, list, time.Time{}); err == nil { // a company need not have it
			*into = shown.Segments
		}
	}
	return x, l, nil
}

// grouping puts entries that wait for a mapping together by what is missing.
type grouping struct {
	waiting Waiting
	groups  map[string]*group // by the problem's subject
}

type group struct {
	waiting Waiting
	since   time.Time
	entries []string // newest first, as they were seen
	who     string
	text    string
	uses    *knowledge
	fits    map[string]int // types of accounts that its uses usually stand on
	advance bool           // it is used for cash advances
	branch  string         // name of the branch
}

func (g *grouping) add(e intlog.Entry) {
	first := true
	for _, p := range e.Cause {
		if !isMapping(p) {
			continue
		}
		if first {
			g.waiting.add(e)
			first = false
		}
		x := g.groups[p.Subject]
		if x == nil {
			x = &group{who: p.Who, text: p.Text, uses: newKnowledge(), fits: map[string]int{}}
			g.groups[p.Subject] = x
		}
		x.add(e, p.Subject)
	}
}

func (x *group) add(e intlog.Entry, subject string) {
	x.waiting.add(e)
	x.entries = append(x.entries, e.ID())
	if x.since.IsZero() || e.Created.Before(x.since) {
		x.since = e.Created
	}
	x.uses.learn(e)
	event, err := passare.Decode(e.Data)
	if err != nil {
		return
	}
	gl, _ := org.Role(strings.TrimPrefix(subject, accountSubject)).GLAccount()
	for _, u := range usesOf(event) {
		if u.account != gl || gl == "" {
			continue
		}
		for _, t := range u.fits {
			x.fits[t]++
		}
		x.advance = x.advance || strings.HasPrefix(u.what, "Cash advance")
	}
	for _, b := range branchesOf(event) {
		if branchSubject+b.ID == subject && b.Name != "" {
			x.branch = b.Name
		}
	}
}

func (g *grouping) missesBranch() bool {
	for subject := range g.groups {
		if strings.HasPrefix(subject, branchSubject) {
			return true
		}
	}
	return false
}

// compare orders groups by how many entries wait, the most first.
func (g *grouping) compare(a, b string) int {
	return cmp.Or(g.groups[b].waiting.Entries-g.groups[a].waiting.Entries, strings.Compare(a, b))
}

// missing tells a group.
func (x *group) missing(subject string, mapping org.Mapping, l lists) Missing {
	m := Missing{Field: Field(subject), Waiting: x.waiting, Since: x.since, Who: x.who, Text: x.text}
	slices.Reverse(x.entries)
	m.Entries = x.entries[:min(len(x.entries), MaxExamples)]
	if branch, is := strings.CutPrefix(subject, branchSubject); is {
		m.Label = "Branch " + cmp.Or(x.branch, branch)
		m.Suggestions = suggestSegments(cmp.Or(x.branch, branch), l)
		return m
	}
	role := org.Role(strings.TrimPrefix(subject, accountSubject))
	if gl, is := role.GLAccount(); is {
		m.Label, m.UsedFor = role.Label(), x.uses.usedFor(gl)
		if len(m.UsedFor) > 0 {
			m.Label = m.UsedFor[0]
		}
		m.Suggestions = x.suggestForGL(gl, m.UsedFor, mapping, l.accounts)
		return m
	}
	m.Label = sentenceCase(role.Label())
	m.Suggestions = suggestForRole(role, l.accounts)
	return m
}

func sentenceCase(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// amiss lists what is mapped to something that cannot be posted to.
func amiss(m org.Mapping, x chart) (list []Amiss) {
	for _, wrong := range (checking{m: m, chart: x}).all() {
		a := Amiss{Field: wrong.Field, ID: wrong.Value, Name: x.accounts[wrong.Value].FullyQualifiedName, Problem: wrong.Problem, Label: labelOf(wrong.Field)}
		switch {
		case strings.HasSuffix(wrong.Field, ".class"):
			a.Name = x.classes[wrong.Value].FullyQualifiedName
		case strings.HasSuffix(wrong.Field, ".location"):
			a.Name = x.places[wrong.Value].FullyQualifiedName
		}
		list = append(list, a)
	}
	return list
}

// labelOf is a field in a bookkeeper's words.
func labelOf(field string) string {
	if role, is := strings.CutPrefix(field, "roles."); is {
		return sentenceCase(org.Role(role).Label())
	}
	if gl, is := strings.CutPrefix(field, "gl_accounts."); is {
		return org.GL(gl).Label()
	}
	return "Branch " + strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(field, "branches."), ".class"), ".location")
}
