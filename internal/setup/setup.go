// Package setup is what an administrator sets up for an organisation: settings, mapping, and the lists of QuickBooks that a mapping chooses from.
//
//	person ─▶ Office ─ what is wrong? what would it do? ─▶ Saver (package retrying) ─▶ configuration, with what is kept of the change
//	             │                                            └─▶ what waited goes by itself, and what the person asked to be let go
//	             └─ lists of accounts, classes, locations ◀─ cache of the company ◀─ QuickBooks
//
// Guarantees: a change is stored together with who made it, when, and what it was before, or not at all. Of two people who change the same thing at once,
// each on the ground of what they saw, one is told to look again. A mapping that breaks a rule of ../rules/accounting.md §2 is not stored, and every wrong
// field is named at once. What a dry run says is made by the same code as the change, and stores nothing. A list of another company is never shown.
//
// Not promised: counts of entries are of what the log shows at that moment, and are bounded (MaxLooked): beyond that they say "at least".
package setup

import (
	"context"
	"fmt"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/retrying"
)

// Store keeps configurations, what is kept of their changes, lists of QuickBooks, and the log.
type Store interface {
	// Config: fault.NotFound for an organisation that was never connected.
	Config(ctx context.Context, org string) (org.Config, error)
	// SettingsChanges lists changes of settings, newest first.
	SettingsChanges(ctx context.Context, org string, limit int) ([]org.SettingsChange, error)
	// MappingVersions lists versions of a company's mapping, newest first, before one (0: from the newest).
	MappingVersions(ctx context.Context, at org.Company, before int64, limit int) ([]org.MappingVersion, error)
	MappingVersion(ctx context.Context, at org.Company, version int64) (m org.MappingVersion, found bool, err error)
	// Listing reads a list as it was last read from QuickBooks; PutListing keeps one, unless one is kept that was read later.
	Listing(ctx context.Context, at org.Company, list journal.List) (l journal.Listing, found bool, err error)
	PutListing(ctx context.Context, at org.Company, l journal.Listing) error
	// List lists entries of a tab, newest first, after a mark.
	List(ctx context.Context, org, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error)
}

// Books reads a list from QuickBooks. Errors: fault.Disconnected, fault.Throttled, fault.Unavailable, fault.Refused.
type Books interface {
	Listing(ctx context.Context, at org.Company, list journal.List) (journal.Listing, error)
}

// Saver stores a changed configuration and lets go what waited for it (package retrying). Errors: fault.Conflict when it was changed since it was read.
type Saver interface {
	Save(ctx context.Context, c org.Config, ifVersion int64, kept org.Kept) (retrying.Saved, error)
}

// Office is where an organisation is set up.
type Office struct {
	store Store
	books Books
	saver Saver
	now   func() time.Time
}

// New makes an office.
func New(store Store, books Books, saver Saver, now func() time.Time) *Office {
	return &Office{store: store, books: books, saver: saver, now: now}
}

// MaxLooked is how many entries of a tab are looked at, at most.
const MaxLooked = 5_000

// pageSize is how many entries are read at a time.
const pageSize = 500

// maxTries is how often a change is made anew because the machine, or somebody, changed the same configuration.
const maxTries = 5

// config reads the configuration of an organisation that was connected. Errors: fault.Disconnected.
func (o *Office) config(ctx context.Context, id string) (org.Config, error) {
	c, err := o.store.Config(ctx, id)
	if fault.Is(err, fault.NotFound) || err == nil && c.Realm == "" {
		return c, &fault.Error{
			Code: fault.Disconnected, Class: fault.Connection, Who: administrator,
			Message: "Your organisation was not connected to QuickBooks yet.", Remedy: "Connect it first; then settings and mapping can be made.",
		}
	}
	return c, err
}

const administrator = "administrator"

// stale is a change that was meant for something older.
func stale(what string) error {
	return fault.New(fault.Stale, "Somebody changed the %s since you looked. Look at it again.", what)
}

// Waiting is how many entries wait, and what they come to.
type Waiting struct {
	Entries int
	Amount  money.Cents
	More    bool // there are more than were looked at
}

func (w *Waiting) add(e intlog.Entry) {
	w.Entries++
	w.Amount += e.Amount
}

// String is "14 entries ($3,120.00)".
func (w Waiting) String() string {
	s := "1 entry"
	if w.Entries != 1 {
		s = fmt.Sprintf("%d entries", w.Entries)
	}
	if w.More {
		s = "at least " + s
	}
	sign := ""
	if w.Amount < 0 {
		sign = "-"
	}
	return s + " (" + sign + "$" + w.Amount.Abs().Grouped() + ")"
}

// verb agrees with how many there are.
func (w Waiting) verb(one, many string) string {
	if w.Entries == 1 && !w.More {
		return one
	}
	return many
}

// look hands entries of a tab, newest first, to see, MaxLooked at most, and says whether there are more.
func (o *Office) look(ctx context.Context, id, tab string, most int, see func(intlog.Entry)) (more bool, err error) {
	var after intlog.Mark
	for looked := 0; looked < most; {
		page, err := o.store.List(ctx, id, tab, after, min(pageSize, most-looked))
		if err != nil {
			return false, err
		}
		for _, e := range page {
			after = intlog.MarkOf(e)
			see(e)
		}
		if looked += len(page); len(page) < pageSize {
			return looked == most, nil
		}
	}
	return true, nil
}

// count counts the entries that wait in a state.
func (o *Office) count(ctx context.Context, id string, state intlog.State) (w Waiting, err error) {
	w.More, err = o.look(ctx, id, state.Tab(), MaxLooked, func(e intlog.Entry) {
		if e.State == state {
			w.add(e)
		}
	})
	return w, err
}
