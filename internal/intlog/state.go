package intlog

import (
	"slices"
	"time"
)

// State is where an entry is (../posting/protocol.md §1, States).
type State string

// The states.
const (
	Held       State = "held"       // waits for Add to Accounting Export
	Pending    State = "pending"    // Pending transactions: waits for a person
	Queued     State = "queued"     // on its way to the worker
	Claimed    State = "posting"    // being posted; the outcome may be unknown
	Waiting    State = "waiting"    // will retry itself at a stated time
	Failed     State = "failed"     // Sync errors: needs a person or a fixed cause
	Synced     State = "synced"     // in QuickBooks
	Deleted    State = "deleted"    // by a person; can be restored
	Superseded State = "superseded" // a newer version carries it
	Excluded   State = "excluded"   // kept and not posted, with a reason
	Unchanged  State = "unchanged"  // no accounting change
)

// States lists them all.
func States() []State {
	return []State{Held, Pending, Queued, Claimed, Waiting, Failed, Synced, Deleted, Superseded, Excluded, Unchanged}
}

// Next lists the states that an entry may go to from a state: the one transition table. Waiting and
// queued may be written again as themselves (a new time), posting as posting (a re-claim, unknown outcomes). A synced entry goes again only for what a person
// has acknowledged to be different in QuickBooks (Entry.Corrected).
func Next(from State) []State {
	switch from {
	case Held:
		return []State{Pending, Queued, Deleted, Superseded, Excluded}
	case Pending:
		return []State{Queued, Deleted, Superseded, Excluded}
	case Queued, Waiting:
		return []State{Queued, Waiting, Claimed, Failed, Excluded, Unchanged, Synced, Superseded, Deleted}
	case Claimed:
		return []State{Claimed, Synced, Failed, Waiting, Queued}
	case Failed:
		return []State{Queued, Deleted, Superseded}
	case Deleted:
		return []State{Queued, Pending}
	case Synced:
		return []State{Queued}
	case Superseded, Excluded, Unchanged:
		return nil
	}
	return nil
}

// Allowed says whether the table has the transition.
func Allowed(from, to State) bool { return slices.Contains(Next(from), to) }

// Owned says whether the machine owns the entry: then, and only then, DueAt is set.
func (s State) Owned() bool { return s == Queued || s == Claimed || s == Waiting }

// Settled says whether the version has had its effect on the books, so that an older one that comes
// late is measured against it.
func (s State) Settled() bool { return s == Synced || s == Unchanged || s == Superseded }

// Counts says whether the version is part of the record's known life. A deleted one is not; an excluded
// one is: what happened before the cut-over date is the baseline of what comes after.
func (s State) Counts() bool { return s != Deleted }

// Approved says whether nobody has to release the version any more.
func (s State) Approved() bool { return s.Owned() || s.Settled() || s == Failed }

// Tab is the tab of the Integration log on which a state shows; empty for states that are in All only.
func (s State) Tab() string {
	switch s {
	case Pending:
		return "pending"
	case Failed:
		return "errors"
	case Held:
		return "held"
	case Synced:
		return "synced"
	case Queued, Claimed, Waiting, Deleted, Superseded, Excluded, Unchanged:
		return ""
	}
	return ""
}

// Tabs lists the tabs; All is every entry.
func Tabs() []string { return []string{"pending", "errors", "held", "synced", "all"} }

// The constants of the protocol, one chain (protocol.md §3, proven by a test of package posting).
const (
	WorkerTimeout  = 90 * time.Second  // T: the function is ended after this
	WorkerDeadline = 85 * time.Second  // the function stops by itself before this
	SendWithin     = 30 * time.Second  // S: a request is sent within this of the claim, or not at all
	RequestTimeout = 50 * time.Second  // C: the client waits this long for an answer
	QuickBooksCut  = 120 * time.Second // QuickBooks commits at most this long after it received a request
	QueryLag       = 60 * time.Second  // a query shows a commit at most this late
	Transit        = 5 * time.Second
	Skew           = 5 * time.Second // between any two clocks
	Lease          = 240 * time.Second
	DueAfterLease  = 10 * time.Second
	FirstDue       = 5 * time.Minute // a queued entry whose message was lost is due
	RetryStepMin   = 5 * time.Minute
	RetryStepMax   = 30 * time.Minute
	ThrottlePause  = 60 * time.Second // after a 429
	PollMin        = time.Minute      // dependencies: 1, 2, 4 … 60 min
	PollMax        = time.Hour
	MaxPolls       = 48               // about two days; then it fails
	StuckAfter     = 15 * time.Minute // of waiting; then a person is shown what it waits for
	SweepSoon      = 3 * time.Minute
	SweepLate      = time.Hour
	Visibility     = 100 * time.Second              // of a message; the handler ends before it
	DeathsApart    = (MaxReceives - 1) * Visibility // two messages of one organisation become dead letters at least this long after one another
	RefreshLease   = 240 * time.Second              // one refresh of a grant: longer than a function may run before it sends, and Intuit takes then
	NamesLease     = 120 * time.Second              // one name that is found or written at QuickBooks: longer than a function may run, and than QuickBooks takes
	NameGivenUp    = time.Hour                      // a name that QuickBooks calls taken and does not show
)

// MaxReceives is how often a message comes to the worker; one that is not acknowledged then is a dead letter.
const MaxReceives = 10

// MeteredMonth is the month to which Intuit counts a read.
func MeteredMonth(t time.Time) string { return t.UTC().Format("2006-01") }

// MaxPostings is how many journal entries one entry may have at a time: one per date that differs.
const MaxPostings = 100
