package intlog

import (
	"slices"
	"strings"
	"time"
)

// Says is a step in one sentence, for people: who did what, when and why. It begins with a name and has no full stop.
func (s Step) Says() string {
	says := s.Who + " " + s.did() + " at " + said(s.At)
	if s.Why == "" {
		return says
	}
	return says + ": " + strings.TrimRight(s.Why, ". ")
}

// said is a moment as a US bookkeeper writes it. It is in UTC, which it says, since nobody's time zone is known here.
func said(t time.Time) string {
	return t.UTC().Format("3:04 PM") + " UTC on " + t.UTC().Format("January 2, 2006")
}

func (s Step) did() string {
	switch {
	case s.From == "":
		return "sent it"
	case s.From == Deleted:
		return "restored it"
	}
	switch s.To {
	case Held:
		return "held it"
	case Pending:
		return "put it up for review"
	case Queued:
		return "sent it on its way"
	case Claimed:
		return "began to post it"
	case Waiting:
		return "put it off"
	case Failed:
		return "could not post it"
	case Synced:
		return "posted it to QuickBooks"
	case Deleted:
		return "deleted it"
	case Superseded:
		return "let a newer version carry it"
	case Excluded:
		return "left it out of the sync"
	case Unchanged:
		return "found nothing to change in the books"
	}
	return "changed it"
}

// Last is the newest step of the entry's history.
func (e Entry) Last() Step {
	if len(e.History) == 0 {
		return Step{Who: Machine, At: e.Created, To: e.State}
	}
	return e.History[len(e.History)-1]
}

// Latest is who did what last: the newest step, and the newest that a person made when that is another one. It has no full stop.
func (e Entry) Latest() string {
	last := e.Last()
	if last.Who != Machine {
		return last.Says()
	}
	for _, s := range slices.Backward(e.History) {
		if s.Who != Machine {
			return last.Says() + "; before that, " + s.Says()
		}
	}
	return last.Says()
}

// Since is what was done to the entry since a revision of it was read, newest first: three steps at most, in one sentence.
func (e Entry) Since(rev int64) string {
	const most = 3
	var says []string
	for n := int64(0); n < max(e.Rev-rev, 1) && n < most && int(n) < len(e.History); n++ {
		says = append(says, e.History[len(e.History)-1-int(n)].Says())
	}
	return strings.Join(says, "; before that, ")
}
