package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
)

// How much of many entries a page does and names.
const (
	portion      = 200              // entries are done in one request, so that a page answers soon; the rest by Continue
	mostNamed    = 50               // entries are named before it is done
	mostUndone   = 100              // deleted entries are restored by one click, and as many are named that were done
	mostLeft     = 200              // entries are named that were not done
	answerWithin = 29 * time.Second // how long the gateway waits for an answer, less a second (template.yaml)
)

// manyPage is what will become, or became, of many entries.
type manyPage struct {
	Action  review.Action
	Reason  string
	Wrong   []fault.Field
	IDs     []string // that it is possible for, or that are still to be done
	Would   review.Tally
	Named   []told // the first of those
	Not     []told // that it is not possible for, the first mostLeft
	NotMore int    // how many more of those there are
	More    bool   // more entries fit the filter
	Back    string
	Asks    bool // for a reason
	MaxText int
}

// Unnamed is how many more there are than are named.
func (x manyPage) Unnamed() int { return len(x.IDs) - len(x.Named) }

// told is an entry among many, by what it is, and what became of it.
type told struct {
	ID      string
	Title   string
	Outcome review.Outcome
	Detail  string
	Amount  money.Cents
}

// toldOf names an entry by its type, name and case; by its id where it was not read. What is undone is named by its record: the result is of the undo.
func toldOf(a review.Action, r review.Result) told {
	x := told{ID: r.ID, Title: kindOf(r.Entry.Kind), Outcome: r.Outcome, Detail: r.Detail, Amount: r.Amount}
	if a == review.Undo {
		x.Title = kindOf(string(r.Entry.Record.Type))
	}
	if x.Title == "" {
		x.Title = r.ID
		return x
	}
	if r.Entry.Name != "" {
		x.Title += " for " + r.Entry.Name
	}
	if r.Entry.CaseNo != "" {
		x.Title += ", " + r.Entry.CaseNo
	}
	return x
}

// confirm says what will happen to which entries, and to how much money; nothing is done yet.
func (c *Console) confirm(w http.ResponseWriter, r *http.Request, p org.Person) {
	back := ours(r.PostForm.Get("back"))
	if r.PostForm.Get("action") == "download" && r.PostForm.Get("all") == "" && len(r.PostForm["id"]) > 0 {
		c.downloadMany(w, r, p)
		return
	}
	many, wrong := manyOf(r, p, back)
	if r.PostForm.Get("action") == "download" {
		http.Redirect(w, r, Home+"/entries.csv?"+backQuery(back).Encode(), http.StatusSeeOther)
		return
	}
	if wrong != "" {
		c.flash(w, false, wrong)
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	c.showConfirm(w, r, p, http.StatusOK, many, manyPage{Back: back})
}

// showConfirm looks at what would be done.
func (c *Console) showConfirm(w http.ResponseWriter, r *http.Request, p org.Person, status int, many review.Many, x manyPage) {
	many.DryRun = true
	x.Action, x.Asks, x.MaxText = many.Action, asks(many.Action), review.MaxReason
	if many.Reason = ""; x.Asks {
		many.Reason = forPreview
	}
	report, err := c.doAll(r, p, many)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x.More, x.Would = report.More, report.Tallies[review.Would]
	for _, result := range report.Results {
		entry := toldOf(x.Action, result)
		switch {
		case result.Outcome == review.Would && len(x.Named) < mostNamed:
			x.IDs, x.Named = append(x.IDs, result.ID), append(x.Named, entry)
		case result.Outcome == review.Would:
			x.IDs = append(x.IDs, result.ID)
		case len(x.Not) < mostLeft:
			x.Not = append(x.Not, entry)
		default:
			x.NotMore++
		}
	}
	c.show(w, r, p, status, "confirm", verb(x.Action)+": "+counted(x.Would.Count)+"?", "log", x)
}

// doAll does it while there is somebody who waits for the answer.
func (c *Console) doAll(r *http.Request, p org.Person, many review.Many) (review.Report, error) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	return c.Desk.DoAll(ctx, p.Org, many)
}

// asks says whether an action wants a reason.
func asks(a review.Action) bool { return a == review.Delete || a == review.Undo }

// manyOf reads what is to be done to which entries; wrong says what is missing, for a person.
func manyOf(r *http.Request, p org.Person, back string) (m review.Many, wrong string) {
	m.Deed = review.Deed{Action: review.Action(r.PostForm.Get("action")), Who: p.Name, Reason: strings.TrimSpace(r.PostForm.Get("reason"))}
	if r.PostForm.Get("all") != "" {
		filter, fields := wantedOf(backQuery(back)).filter()
		if fields != nil {
			return m, "Put the filter right first: " + fields[0].Field + " " + fields[0].Problem + "."
		}
		m.Filter = &filter
		return m, ""
	}
	if m.IDs = r.PostForm["id"]; len(m.IDs) == 0 {
		return m, "Nothing was ticked. Tick the rows that you mean, or All that fit this filter."
	}
	return m, ""
}

func backQuery(back string) url.Values {
	u, err := url.Parse(back)
	if err != nil {
		return nil
	}
	return u.Query()
}

func (c *Console) downloadMany(w http.ResponseWriter, r *http.Request, p org.Person) {
	call := r.Clone(r.Context())
	call.Method, call.Body, call.ContentLength = http.MethodGet, http.NoBody, 0
	call.URL = &url.URL{Path: Home + "/entries.csv", RawQuery: url.Values{"ids": r.PostForm["id"]}.Encode()}
	c.download(w, call, p)
}

// soFar is what became of the portions that are done. It goes along in the form of Continue, since nothing is kept here between requests: who changes it deceives
// nobody but themselves.
type soFar struct {
	Tallies map[review.Outcome]review.Tally
	Done    []told // the first mostUndone that were done
	Left    []told // the first mostLeft that were not
	More    bool
}

// readSoFar reads it; what cannot be read is the beginning.
func readSoFar(text string) soFar {
	var s soFar
	if json.Unmarshal([]byte(text), &s) != nil || s.Tallies == nil {
		return soFar{Tallies: map[review.Outcome]review.Tally{}}
	}
	return s
}

// Text is how it goes along.
func (s soFar) Text() (string, error) {
	raw, err := json.Marshal(s)
	return string(raw), err
}

// add adds a portion, and answers what of it was not begun.
func (s *soFar) add(a review.Action, report review.Report) (again []string) {
	s.More = s.More || report.More
	for _, r := range report.Results {
		if r.Outcome == review.NotBegun {
			again = append(again, r.ID)
			continue
		}
		t := s.Tallies[r.Outcome]
		s.Tallies[r.Outcome] = review.Tally{Count: t.Count + 1, Amount: t.Amount + r.Amount}
		switch {
		case r.Outcome == review.Done && len(s.Done) < mostUndone:
			s.Done = append(s.Done, toldOf(a, r))
		case r.Outcome != review.Done && len(s.Left) < mostLeft:
			s.Left = append(s.Left, toldOf(a, r))
		}
	}
	return again
}

// count is how many entries came to an outcome; of all outcomes for none.
func (s soFar) count(of ...review.Outcome) int {
	n := 0
	for outcome, t := range s.Tallies {
		for _, wanted := range of {
			if outcome == wanted {
				n += t.Count
			}
		}
		if len(of) == 0 {
			n += t.Count
		}
	}
	return n
}

// portionsPage is many entries of which some portions are done.
type portionsPage struct {
	soFar
	Action review.Action
	Reason string
	IDs    []string // still to be done
	Back   string
	Said   string // why the last portion was not done
}

// Count is how many entries are behind.
func (x portionsPage) Count() int { return x.count() }

// All is how many entries there are in all.
func (x portionsPage) All() int { return x.count() + len(x.IDs) }

// Good says that nothing was left undone.
func (x portionsPage) Good() bool { return x.count(review.Done, review.Already) == x.All() }

// Says is what became of all of them in one sentence.
func (x portionsPage) Says() string {
	return review.Report{Tallies: x.Tallies, More: x.More}.Says()
}

// Unnamed is how many more there are than are named.
func (x portionsPage) Unnamed() int { return x.count() - len(x.Done) - len(x.Left) }

// Undo are the entries that a click restores, after they were deleted.
func (x portionsPage) Undo() []string {
	if x.Action != review.Delete || x.count(review.Done) > mostUndone {
		return nil
	}
	var ids []string
	for _, t := range x.Done {
		ids = append(ids, t.ID)
	}
	return ids
}

// confirmed does a portion of it, and shows how far it is, or what became of each. A portion that is sent again does no harm: what was done before is answered
// as such (review.DoAll).
func (c *Console) confirmed(w http.ResponseWriter, r *http.Request, p org.Person) {
	back := ours(r.PostForm.Get("back"))
	many, wrong := manyOf(r, p, back)
	if wrong != "" {
		c.flash(w, false, wrong)
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	if asks(many.Action) {
		if fields := wrongReason(many.Reason); fields != nil {
			c.showConfirm(w, r, p, http.StatusUnprocessableEntity, many, manyPage{Back: back, Wrong: fields, Reason: many.Reason})
			return
		}
	}
	x := portionsPage{soFar: readSoFar(r.PostForm.Get("so_far")), Action: many.Action, Reason: many.Reason, Back: back}
	all := many.IDs
	many.IDs = all[:min(portion, len(all))]
	report, err := c.doAll(r, p, many)
	if status, _ := kind(fault.As(err).Code); err != nil && status == http.StatusServiceUnavailable {
		x.IDs, x.Said = all, fault.As(err).Text()
		c.show(w, r, p, status, "portions", verb(x.Action)+": not done yet", "log", x)
		return
	}
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x.IDs = append(x.add(many.Action, report), all[len(many.IDs):]...)
	if len(x.IDs) > 0 {
		c.show(w, r, p, http.StatusOK, "portions", verb(x.Action)+": "+grouped(x.Count())+" of "+grouped(x.All())+" done", "log", x)
		return
	}
	c.show(w, r, p, http.StatusOK, "results", verb(x.Action)+": what became of it", "log", x)
}
