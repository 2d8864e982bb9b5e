package console

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
)

// perPage is how many entries a page of the log has.
const perPage = 50

// wanted is the filter as it stands in the address of the page.
type wanted struct {
	Tab, Trigger, Case, Branch, From, To, Min, Max, Query, Sort string
}

func wantedOf(q url.Values) wanted {
	x := wanted{}
	for name, at := range x.fields() {
		*at = strings.TrimSpace(q.Get(name))
	}
	if x.Tab == "" {
		x.Tab = intlog.Pending.Tab()
	}
	return x
}

// fields are the names that the REST API has for them.
func (x *wanted) fields() map[string]*string {
	return map[string]*string{
		"tab": &x.Tab, "trigger": &x.Trigger, "case": &x.Case, "branch": &x.Branch, "from": &x.From, "to": &x.To, "amount_min": &x.Min, "amount_max": &x.Max, "q": &x.Query, "sort": &x.Sort,
	}
}

// query is the filter as an address has it, with one more value or none.
func (x wanted) query(more ...string) url.Values {
	q := url.Values{}
	for name, at := range x.fields() {
		if *at != "" {
			q.Set(name, *at)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

// Path is the address of the page with this filter.
func (x wanted) Path() string { return Home + "?" + x.query().Encode() }

// Filtered says whether less than the tab is wanted.
func (x wanted) Filtered() bool {
	return x != wanted{Tab: x.Tab, Sort: x.Sort}
}

// filter reads the filter, and names every field that cannot be read.
func (x wanted) filter() (review.Filter, []fault.Field) {
	f := review.Filter{Tab: x.Tab, Trigger: x.Trigger, Case: x.Case, Branch: x.Branch, Query: x.Query, Oldest: x.Sort == "oldest"}
	var wrong []fault.Field
	day := func(name, text string) date.Date {
		d, err := date.Parse(text)
		if err != nil && text != "" {
			wrong = append(wrong, fault.Field{Field: name, Value: text, Problem: "must be a day"})
			return ""
		}
		return d
	}
	amount := func(name, text string) *money.Cents {
		if text == "" {
			return nil
		}
		cents, err := money.Parse(exact(text))
		if err != nil {
			wrong = append(wrong, fault.Field{Field: name, Value: text, Problem: "must be an amount like 1,250.00"})
			return nil
		}
		return &cents
	}
	f.From, f.To = day("From", x.From), day("To", x.To)
	f.Min, f.Max = amount("At least", x.Min), amount("At most", x.Max)
	return f, wrong
}

// exact is an amount as it is typed, with the two places that money has: "$1,250" is "1250.00".
func exact(text string) string {
	text = strings.NewReplacer("$", "", ",", "", " ", "").Replace(text)
	if !strings.Contains(text, ".") {
		text += ".00"
	}
	return text
}

// fileQuery is what of a page's filter the API's download takes: days and amounts that cannot be read are refused there, with their names.
func fileQuery(q url.Values) url.Values {
	if ids := q["ids"]; len(ids) > 0 {
		return url.Values{"ids": ids}
	}
	x := wantedOf(q)
	x.Sort = ""
	for _, amount := range []*string{&x.Min, &x.Max} {
		if *amount != "" {
			*amount = exact(*amount)
		}
	}
	return x.query()
}

// tab is one tab of the log, with what waits on it.
type tab struct {
	Name, Path, Says string
	Count            string
	Here             bool
}

// logPage is the Integration log.
type logPage struct {
	wanted
	Tabs       []tab
	Risk       string
	Late       bool // there is money at risk
	Entries    []row
	Wrong      []fault.Field
	Next, Prev string // addresses; empty: none
	File       string // address of the tab as a file
	Acts       []review.Action
	Triggers   []string
	Here       string // address of this very page
	Partial    bool   // there may be more, further on, though this page has few
	Unset      bool   // nothing is connected yet
	Manages    bool   // the person may connect it
}

// row is an entry in the list.
type row struct {
	intlog.Entry
	Told string // in one sentence
	Acts []review.Action
}

func (c *Console) log(w http.ResponseWriter, r *http.Request, p org.Person) {
	x := logPage{wanted: wantedOf(r.URL.Query()), Here: Home + "?" + r.URL.RawQuery}
	if !slices.Contains(intlog.Tabs(), x.Tab) {
		x.Tab = intlog.Pending.Tab()
	}
	summary, err := c.Reader.Summary(r.Context(), p.Org)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	view, err := c.Connect.View(r.Context(), p.Org)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x.Unset, x.Manages = view.State == grant.Never, p.May(org.Manage)
	x.count(summary)
	x.Acts, x.File, x.Triggers = bulk(x.Tab), Home+"/entries.csv?"+x.query().Encode(), triggers()
	status := http.StatusOK
	filter, wrong := x.filter()
	if x.Wrong = wrong; wrong != nil {
		status = http.StatusUnprocessableEntity
	} else if err := c.list(r, p, filter, &x); err != nil {
		c.fail(w, r, p, err)
		return
	}
	c.show(w, r, p, status, "log", tabTitle(x.Tab), "log", x)
}

// count fills the tabs.
func (x *logPage) count(s review.Summary) {
	x.Risk, x.Late = s.Risk.Says, s.Risk.Cases+s.Risk.Loose > 0
	for _, name := range intlog.Tabs() {
		there := x.wanted
		there.Tab = name
		t := tab{Name: name, Path: there.Path(), Here: name == x.Tab}
		for _, waits := range s.Tabs {
			if waits.Tab == name {
				t.Says, t.Count = waits.Sentence(), strings.Fields(counted(waits.Count))[0]
				if waits.More {
					t.Count += "+"
				}
			}
		}
		x.Tabs = append(x.Tabs, t)
	}
}

// list reads a page: what comes after a mark, or what comes before one, which is read the other way round.
func (c *Console) list(r *http.Request, p org.Person, f review.Filter, x *logPage) error {
	after, before := r.URL.Query().Get("after"), r.URL.Query().Get("before")
	back := before != ""
	mark := parseMark(p.Org, after+before)
	if back {
		f.Oldest = !f.Oldest
	}
	entries, next, err := c.Desk.Find(r.Context(), p.Org, f, mark, perPage)
	if err != nil {
		return err
	}
	if back {
		slices.Reverse(entries)
	}
	for _, e := range entries {
		x.Entries = append(x.Entries, row{e, review.Told(e), review.Possible(e)})
	}
	link := func(name string, m intlog.Mark) string { return Home + "?" + x.query(name, markText(m)).Encode() }
	first, last := mark, mark
	if n := len(entries); n > 0 {
		first, last = intlog.MarkOf(entries[0]), intlog.MarkOf(entries[n-1])
	}
	if !back && next != nil {
		last = *next
	}
	if back && next != nil {
		first = *next
	}
	if back || next != nil {
		x.Next = link("after", last)
	}
	if back && next != nil || !back && mark != (intlog.Mark{}) {
		x.Prev = link("before", first)
	}
	x.Partial = next != nil && len(entries) < perPage
	return nil
}

// markText is a place in the list as an address has it.
func markText(m intlog.Mark) string {
	return base64.RawURLEncoding.EncodeToString([]byte(m.Created.UTC().Format(time.RFC3339Nano) + " " + m.Key.ID()))
}

// parseMark reads a place of the person's own organisation; whatever cannot be read is the beginning.
func parseMark(org, s string) intlog.Mark {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return intlog.Mark{}
	}
	at, id, _ := strings.Cut(string(raw), " ")
	created, timeErr := time.Parse(time.RFC3339Nano, at)
	key, keyErr := intlog.ParseKey(org, id)
	if timeErr != nil || keyErr != nil {
		return intlog.Mark{}
	}
	return intlog.Mark{Created: created, Key: key}
}

// bulk is what may be done to many entries of a tab at once.
func bulk(tab string) []review.Action {
	switch tab {
	case intlog.Pending.Tab():
		return []review.Action{review.Sync, review.Delete}
	case intlog.Failed.Tab():
		return []review.Action{review.Retry, review.Delete}
	case intlog.Held.Tab():
		return []review.Action{review.Delete}
	case intlog.Synced.Tab():
		return []review.Action{review.Undo}
	}
	return []review.Action{review.Sync, review.Retry, review.Delete, review.Restore}
}

// triggers are the record types that a filter may name.
func triggers() []string {
	var names []string
	for _, t := range passare.RecordTypes() {
		names = append(names, string(t))
	}
	slices.Sort(names)
	return names
}
