package intlog

import (
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/rules"
)

// Outlook is what happens next to an entry: when the machine moves it, who is needed, and how, in one sentence. All is empty for an entry that is done.
type Outlook struct {
	At   time.Time // when the machine looks again; zero when it does not by itself, or at no time that is known
	Who  string    // who is needed; empty: nobody
	Says string
}

const bookkeeper = "bookkeeper"

// Outlook says what happens next (../posting/protocol.md §2).
func (e Entry) Outlook() Outlook {
	switch e.State {
	case Held:
		return Outlook{Who: "whoever works on the case", Says: "It goes on when somebody clicks Add to Accounting Export on its page of the case."}
	case Pending:
		return Outlook{Who: bookkeeper, Says: "It waits for review: Sync sends it, Delete takes it away."}
	case Queued:
		return Outlook{At: e.DueAt, Says: "It is on its way. If its turn does not come, it is sent again by itself."}
	case Claimed:
		return Outlook{At: e.DueAt, Who: e.needed(), Says: "It was sent to QuickBooks. If its outcome stays unknown, QuickBooks is asked before anything is sent again."}
	case Waiting:
		return Outlook{At: e.Until, Who: e.needed(), Says: "It is tried again by itself."}
	case Failed:
		return Outlook{Who: e.needed(), Says: e.afterFailure()}
	case Deleted:
		return Outlook{Says: "It was deleted and can be restored."}
	case Synced, Superseded, Excluded, Unchanged:
	}
	return Outlook{}
}

// needed is who can take the first cause away.
func (e Entry) needed() string {
	if len(e.Cause) == 0 {
		return ""
	}
	return e.Cause[0].Who
}

// afterFailure tells how an entry that failed goes on: by what frees its causes.
func (e Entry) afterFailure() string {
	of := func(kinds ...rules.Kind) bool {
		return slices.ContainsFunc(e.Cause, func(p rules.Problem) bool { return slices.Contains(kinds, p.Kind) })
	}
	switch {
	case of(rules.Choice):
		return "It waits for a person: choose what to post, with Retry sync."
	case of(rules.Data):
		return "It waits for a person: correct what it names, then Retry sync."
	case of(rules.Mapping, rules.Connection, rules.Company):
		return "It goes by itself once that is put right."
	default:
		return "It is tried again each night, and at once by Retry sync."
	}
}
