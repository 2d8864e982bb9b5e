package intlog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// Key names an entry: one version of one record of one organisation, or an undo of it.
type Key struct {
	Org     string
	Record  passare.Ref
	Version int64
	Undo    int // 0: the version's own entry; 1 … MaxUndos: the undos of it, and the undos of these, in their order
}

// ID is the entry's name inside its organisation, as the API shows it: "payment.p1.3", and of its first undo "payment.p1.3~1".
func (k Key) ID() string {
	id := string(k.Record.Type) + "." + k.Record.ID + "." + strconv.FormatInt(k.Version, 10)
	if k.Undo > 0 {
		id += undoSign + strconv.Itoa(k.Undo)
	}
	return id
}

// ParseKey reads an id of Key.ID. Errors: fault.NotFound, since an id that cannot be read names nothing.
func ParseKey(org, id string) (Key, error) {
	first, last := strings.Index(id, "."), strings.LastIndex(id, ".")
	if first > 0 && last > first+1 {
		number, undone, isUndo := strings.Cut(id[last+1:], undoSign)
		version, err := strconv.ParseInt(number, 10, 64)
		undo, readable := parseUndo(undone, isUndo)
		if err == nil && version > 0 && readable {
			return Key{Org: org, Record: passare.Ref{Type: passare.RecordType(id[:first]), ID: id[first+1 : last]}, Version: version, Undo: undo}, nil
		}
	}
	return Key{}, fault.New(fault.NotFound, "There is no entry of that id.")
}

// Posting is one journal entry of an entry: on one date, under one number that is never reused. It is
// stored before it is sent, so that its outcome can always be asked for.
type Posting struct {
	N            int                `json:"n"`
	Doc          string             `json:"doc"`
	Date         date.Date          `json:"date"`
	Realm        string             `json:"realm"` // of the QuickBooks company that the ids in it belong to
	Movements    []journal.Movement `json:"movements"`
	Request      string             `json:"request"`          // requestid under which it is sent
	Item         string             `json:"item,omitempty"`   // its id in the batch of that requestid; empty: it is sent alone
	Faults       int                `json:"faults,omitempty"` // sends whose outcome stayed unknown
	Evasions     int                `json:"evaded,omitempty"` // of these, in a row, those that QuickBooks answered without an outcome (6000, 600)
	MakesWay     bool               `json:"way,omitempty"`    // the entry wants more: once this has landed, it is planned again (rules.Plan)
	QuickBooksID string             `json:"qid,omitempty"`    // id in QuickBooks, once accepted
	Closed       bool               `json:"closed,omitempty"` // certainly refused; the next attempt is another posting
	Found        []Found            `json:"found,omitempty"`  // by what QuickBooks differs from it, as a person has acknowledged (package reconcile)
}

// Open says whether the posting's outcome is still to be known.
func (p Posting) Open() bool { return p.QuickBooksID == "" && !p.Closed }

// Attempt is one try to post, for people.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`
	Code    string    `json:"code,omitempty"`  // QuickBooks' fault code
	Trace   string    `json:"trace,omitempty"` // QuickBooks' intuit_tid
}

// Step is one line of an entry's history: who did what, when and why.
type Step struct {
	At   time.Time `json:"at"`
	Who  string    `json:"who"`
	From State     `json:"from,omitempty"`
	To   State     `json:"to"`
	Why  string    `json:"why,omitempty"`
}

// Who made a step that no person made. These words are in every stored history, and never change.
const (
	Machine = "Passare sync" // the product itself
	Passare = "Passare"      // whoever acted there, when the event names nobody
)

// MaxHistory is how many steps and attempts an entry keeps: the first and the newest.
const MaxHistory = 50

// Entry is one version of one record in the Integration log.
type Entry struct {
	Key
	Rev   int64  // +1 at every write; every write is conditional on the one that was read
	State State  // see the transition table
	Hash  string // of the event's verb and data
	Data  []byte // the event as delivered

	Cause    []rules.Problem // why it is waiting or failed
	Why      string          // why it is held, excluded, superseded or deleted, in one sentence
	Sentence string          // what it does, in one sentence
	Warnings []string        // what a person should look at; nothing waits for it
	Until    time.Time       // not to be tried before this
	DueAt    time.Time       // when the machine looks again; set exactly while it owns the entry
	Lease    time.Time       // while posting: nobody else may take it before this
	Polls    int             // times that it waited in a row
	N        int             // number of the last posting made
	Postings []Posting
	Config   int64         // version of the configuration that the open postings were made with
	Choices  rules.Choices // what a person chose when the entry asked (../rules/accounting.md §6)

	// What lists show; nothing of this changes after the entry is made.
	Created   time.Time
	Kind      string // "payment.created"
	Reference string // what a person would look for: check number, case number, batch
	Case      string // case id, if the record has one
	CaseNo    string
	Name      string // the decedent
	Branch    string // Passare's id, if the record has one
	Date      date.Date
	Amount    money.Cents
	Page      passare.Page

	Attempts []Attempt
	History  []Step
}

// Record is a record as the log knows it: every version of it, oldest first, and the records that
// mention it.
type Record struct {
	Entries     []Entry
	MentionedBy []passare.Ref
}

// Skipped is the newest version before another one that a person deleted before it was posted, unless something after it has had its effect, or a person has
// chosen for that what to post; 0 if there is none.
func (r Record) Skipped(before Key) (version int64) {
	for _, e := range r.Entries {
		switch {
		case e.Key.Compare(before) >= 0:
			return version
		case e.State == Deleted && e.Undo > 0: // an undo that nobody wants any more
		case e.State == Deleted:
			version = e.Version
		case e.State.Settled(), e.Choices.Amounts != "":
			version = 0
		}
	}
	return version
}

// Work is a message of the queue: entries of one organisation that may be due. It is a hint: the state
// is in the store, so that a message may be lost, doubled, late or out of order.
type Work struct {
	Org     string   `json:"org"`
	Entries []string `json:"entries"` // ids, at most MaxWork
}

// MaxWork is how many entries one message names.
const MaxWork = 30

// Link ties a case or business of Passare to a customer or vendor in one QuickBooks company, until a person changes it.
type Link struct {
	Kind    journal.NameKind `json:"kind"`
	Key     string           `json:"key"` // journal.Name.Key
	ID      string           `json:"id"`  // in QuickBooks
	Display string           `json:"display"`
	Note    string           `json:"note,omitempty"`    // why the name differs from Passare's
	Rev     int64            `json:"rev"`               // +1 at every change
	History []Linked         `json:"history,omitempty"` // what it was before, oldest first, within MaxHistory
	At      time.Time        `json:"at"`
	Who     string           `json:"who"`
}

// Linked is what a link was before a person changed it.
type Linked struct {
	ID      string    `json:"id"`
	Display string    `json:"display"`
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
}

// Relink makes the link point to another customer or vendor, and keeps what it was.
func (l Link) Relink(id, display, who string, now time.Time) Link {
	if l.ID != "" {
		l.History = keep(l.History, Linked{ID: l.ID, Display: l.Display, At: l.At, Who: l.Who})
	}
	l.ID, l.Display, l.Note, l.Who, l.At = id, display, "", who, now
	return l
}

// Quarantined is a delivery that was signed but not taken, kept for support.
type Quarantined struct {
	Org    string // as far as it could be read
	Record passare.Ref
	At     time.Time
	Reason fault.Error
	Body   []byte
}

// Open says whether an outcome of a posting is still unknown.
func (e Entry) Open() bool { return slices.ContainsFunc(e.Postings, Posting.Open) }

// Tab is the tab of the Integration log that the entry shows on, besides All; empty when on none.
func (e Entry) Tab() string {
	if e.Stuck() {
		return Failed.Tab()
	}
	return e.State.Tab()
}

// Stuck says whether the machine has the entry and gets nowhere: two leases have ended, and its outcome is still unknown; or it has been coming back to
// waiting for StuckAfter. It goes on by itself, and shows under Sync errors meanwhile (../posting/protocol.md §2).
func (e Entry) Stuck() bool {
	last := len(e.History) - 1
	if e.State == Claimed {
		return last >= 2 && e.History[last-1].To == Claimed && e.History[last-2].To == Claimed // a claim, and two more
	}
	if e.State != Waiting || last < 0 {
		return false
	}
	since := e.History[last].At
	for _, step := range slices.Backward(e.History) {
		if !step.To.Owned() {
			break
		}
		if step.To == Waiting {
			since = step.At
		}
	}
	return e.History[last].At.Sub(since) >= StuckAfter
}

// Standing is what QuickBooks has of this entry, whatever its state: what it accepted, and by what it was found to differ since.
func (e Entry) Standing() []rules.Standing {
	var standing []rules.Standing
	for _, p := range e.Postings {
		if p.QuickBooksID == "" {
			continue
		}
		for _, m := range p.Movements {
			standing = append(standing, rules.Standing{Movement: m, On: p.Date, Version: e.Version})
		}
		for _, f := range p.Found {
			for _, m := range f.Movements {
				standing = append(standing, rules.Standing{Movement: m, On: m.Fact, Version: e.Version})
			}
		}
	}
	return standing
}

// Elsewhere gives the realm of another company than the given one in which the entry stands, or in which its outcome is unknown.
func (e Entry) Elsewhere(realm string) (other string, found bool) {
	at := slices.IndexFunc(e.Postings, func(p Posting) bool { return p.Realm != realm && !p.Closed })
	if at < 0 {
		return "", false
	}
	return e.Postings[at].Realm, true
}

// New makes the entry of an event that was just taken in, in its first state.
func New(e passare.Event, s State, why string, now time.Time) Entry {
	entry := Entry{
		Key: Key{Org: e.Org, Record: e.Record, Version: e.Version}, Rev: 1, State: s, Hash: e.Hash, Data: e.Raw, Why: why,
		Created: now, Kind: e.Type(), Reference: reference(e), Page: e.Record.Type.Page(), Date: e.Body.On(), Amount: e.Body.Total(),
		Branch: e.Branch.ID,
	}
	if e.Case != nil {
		entry.Case, entry.CaseNo, entry.Name = e.Case.ID, e.Case.Number, e.Case.Decedent.Name()
	}
	who := e.Actor.Name
	if who == "" {
		who = Passare
	}
	entry.History = []Step{{At: now, Who: who, To: s, Why: why}}
	entry.schedule(now)
	return entry
}

// reference is the head of the entry's DocNumbers (accounting.md §5).
func reference(e passare.Event) string {
	if b, ok := e.Body.(*passare.CheckBody); ok {
		return b.Number
	}
	if e.Case != nil {
		return e.Case.Number
	}
	return e.Record.ID
}

// Move makes a transition and writes it into the history. The entry is a copy: what it shares with the
// one read (slices) is copied before it changes. Errors: fault.Conflict for a transition that the
// table does not have.
func (e Entry) Move(to State, who, why string, now time.Time) (Entry, error) {
	if !Allowed(e.State, to) {
		return e, fmt.Errorf("intlog.Move: %w", fault.New(fault.Conflict, "This entry is %s, so it cannot become %s.", e.State, to))
	}
	e.History = keep(e.History, Step{At: now, Who: who, From: e.State, To: to, Why: why})
	e.Postings = slices.Clone(e.Postings)
	e.State = to
	e.Why = why
	if to != Waiting {
		e.Until = time.Time{}
	}
	if to != Waiting && to != Failed {
		e.Cause = nil
	}
	if to != Waiting && to != Queued {
		e.Polls = 0
	}
	if to != Claimed {
		e.Lease = time.Time{}
	}
	e.schedule(now)
	return e, nil
}

// schedule keeps the invariant of DueAt.
func (e *Entry) schedule(now time.Time) {
	switch e.State {
	case Queued:
		e.DueAt = now.Add(FirstDue)
	case Claimed: // an index row less to write; a look before the lease is over does no harm
		if e.DueAt.IsZero() {
			e.DueAt = now.Add(Lease + DueAfterLease)
		}
	case Waiting:
		e.DueAt = e.Until
		if e.DueAt.Before(now) {
			e.DueAt = now
		}
	case Held, Pending, Failed, Synced, Deleted, Superseded, Excluded, Unchanged:
		e.DueAt = time.Time{}
	}
}

// Tried adds an attempt.
func (e *Entry) Tried(a Attempt) { e.Attempts = keep(e.Attempts, a) }

// keep appends within MaxHistory: the first is kept, the oldest after it goes.
func keep[T any](list []T, x T) []T {
	list = append(slices.Clone(list), x)
	if len(list) > MaxHistory {
		list = slices.Delete(list, 1, 2)
	}
	return list
}
