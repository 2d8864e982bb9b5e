package rules

import (
	"fmt"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/passare"
)

// Kind groups problems by what makes them go away.
type Kind string

// The kinds. Member and Transient go by themselves; the others wait for a person.
const (
	Mapping    Kind = "mapping"    // an account or branch is not mapped
	Period     Kind = "period"     // the books are closed on the entry's date
	Account    Kind = "account"    // QuickBooks has made an account inactive
	NoName     Kind = "name"       // customer or vendor cannot be matched
	Data       Kind = "data"       // the record itself must be corrected in Passare
	Choice     Kind = "choice"     // a person must choose: whole, difference or nothing
	Connection Kind = "connection" // QuickBooks refuses our grant: reconnect
	Company    Kind = "company"    // it stands in the QuickBooks company that was connected before
	Member     Kind = "member"     // waits for another record, and goes by itself
	Transient  Kind = "transient"  // QuickBooks cannot do it now: it goes by itself
)

// Problem is one reason why an entry cannot go out, with who can take it away and where.
type Problem struct {
	Kind    Kind   `json:"kind"`
	Subject string `json:"subject"` // what it is about: "account gl:4000", "branch main", "payment/pay-1"
	Text    string `json:"text"`    // for a bookkeeper
	Who     string `json:"who"`
	Where   string `json:"where"`

	Choices []Decision `json:"choices,omitempty"` // what a person may choose, of a Choice
}

// Waits says whether the problem goes away without a person.
func (p Problem) Waits() bool { return p.Kind == Member || p.Kind == Transient }

// The people who can fix a problem.
const (
	bookkeeper    = "bookkeeper"
	administrator = "administrator"
	nobody        = "nobody: it goes by itself"
)

func unmapped(role, label string) Problem {
	return Problem{
		Kind: Mapping, Subject: "account " + role, Who: administrator, Where: "Mapping",
		Text: fmt.Sprintf("Map account %s: choose its QuickBooks account. This entry then goes by itself.", label),
	}
}

func unmappedBranch(b string) Problem {
	return Problem{
		Kind: Mapping, Subject: "branch " + b, Who: administrator, Where: "Mapping",
		Text: fmt.Sprintf("Map branch %s: choose its class or location. This entry then goes by itself.", b),
	}
}

func waitsFor(ref passare.Ref, format string, args ...any) Problem {
	return Problem{Kind: Member, Subject: ref.String(), Who: nobody, Where: ref.String(), Text: fmt.Sprintf(format, args...)}
}

func wrongData(subject, format string, args ...any) Problem {
	return Problem{Kind: Data, Subject: subject, Who: bookkeeper, Where: "Passare", Text: fmt.Sprintf(format, args...)}
}

// choose asks a person for one of some decisions.
func choose(subject string, among []Decision, format string, args ...any) Problem {
	return Problem{Kind: Choice, Subject: subject, Who: bookkeeper, Where: "Sync errors", Choices: among, Text: fmt.Sprintf(format, args...)}
}

func closedOn(on, closed date.Date) Problem {
	first := closed.AddDays(1).Short()
	return Problem{
		Kind: Period, Subject: "date " + string(on), Who: bookkeeper, Where: "QuickBooks, Account and settings, Close the books",
		Text: "The entry is dated " + on.Short() + ", but the books are closed through " + closed.Short() +
			". Re-open them, or post it on the first open day, " + first + ".",
	}
}
