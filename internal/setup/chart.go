package setup

import (
	"context"
	"fmt"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// Shown is a list of the company's with its age, which is ReadAt, and a note when it could not be read again.
type Shown struct {
	journal.Listing
	Note string
}

// freshFor is how old a list may be by which a dry run is checked, so that one for each click does not cost a read.
const freshFor = time.Minute

// Listing shows a list of the company that the organisation is connected to: as it was last read, or, when it never was or refresh is wanted, as QuickBooks
// has it now. When QuickBooks cannot be asked, the list that is kept is shown, with a note. Errors: fault.Disconnected, fault.Throttled, fault.Unavailable,
// fault.Refused, each without a list that is kept.
func (o *Office) Listing(ctx context.Context, id string, list journal.List, refresh bool) (Shown, error) {
	config, err := o.config(ctx, id)
	if err != nil {
		return Shown{}, fmt.Errorf("setup.Listing: %w", err)
	}
	oldest := time.Time{}
	if refresh {
		oldest = o.now()
	}
	shown, err := o.listing(ctx, config, list, oldest)
	if err != nil {
		return Shown{}, fmt.Errorf("setup.Listing: %w", err)
	}
	return shown, nil
}

// AccountNames are the names of the connected company's accounts by their ids, as they were read last; QuickBooks is not asked. None when they never were.
func (o *Office) AccountNames(ctx context.Context, id string) (map[string]string, error) {
	config, err := o.config(ctx, id)
	if err != nil || config.Realm == "" {
		return nil, nil // who has no company yet has no accounts
	}
	kept, _, err := o.store.Listing(ctx, config.Company(), journal.AccountList)
	if err != nil {
		return nil, fmt.Errorf("setup.AccountNames: %w", err)
	}
	names := make(map[string]string, len(kept.Accounts))
	for _, a := range kept.Accounts {
		names[a.ID] = a.FullyQualifiedName
	}
	return names, nil
}

// listing gives a list that was read no earlier than oldest, or the one that is kept, with a note.
func (o *Office) listing(ctx context.Context, c org.Config, list journal.List, oldest time.Time) (Shown, error) {
	at := c.Company()
	kept, found, err := o.store.Listing(ctx, at, list)
	if err != nil {
		return Shown{}, err
	}
	if found && kept.ReadAt.After(oldest) {
		return Shown{Listing: kept}, nil
	}
	read, err := o.read(ctx, c, list)
	if err == nil {
		_ = o.store.PutListing(ctx, at, read) // one that is not kept is read again
		return Shown{Listing: read}, nil
	}
	if !found || !unasked(err) {
		return Shown{}, err
	}
	had := kept.ReadAt.UTC().Format("1/2/2006 at 15:04 UTC")
	return Shown{Listing: kept, Note: "QuickBooks could not be asked just now, so this is what it had on " + had + ". " + fault.As(err).Message}, nil
}

// unasked says whether QuickBooks did not answer at all, or not to us: then what it said before is the best that is known.
func unasked(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Disconnected, fault.Throttled, fault.Unavailable, fault.Refused, fault.Unknown:
		return true
	}
	return false
}

// read reads a list from QuickBooks, unless it is known that it would refuse.
func (o *Office) read(ctx context.Context, c org.Config, list journal.List) (journal.Listing, error) {
	if !c.Connected() {
		return journal.Listing{}, &fault.Error{
			Code: fault.Disconnected, Class: fault.Connection, Who: administrator,
			Message: "QuickBooks is not connected.", Remedy: "Connect it again; then its lists can be read.",
		}
	}
	if wait := c.PauseUntil.Sub(o.now()); wait > 0 {
		return journal.Listing{}, &fault.Error{
			Code: fault.Throttled, Class: fault.Transient, Message: "QuickBooks takes no more requests of your company for a moment.", Remedy: "Try again in a minute.",
			RetryAfter: min(wait, intlog.ThrottlePause),
		}
	}
	return o.books.Listing(ctx, c.Company(), list)
}

// chart is what a mapping chooses from.
type chart struct {
	accounts map[string]journal.Account
	classes  map[string]journal.Segment
	places   map[string]journal.Segment // locations
	asOf     time.Time                  // of the oldest list in it
	note     string                     // of a list that could not be read again
}

// chart reads what a mapping chooses from; classes and locations only when they are needed, since not every company has them.
func (o *Office) chart(ctx context.Context, c org.Config, oldest time.Time, mappings ...org.Mapping) (chart, error) {
	accounts, err := o.listing(ctx, c, journal.AccountList, oldest)
	if err != nil {
		return chart{}, err
	}
	x := chart{accounts: map[string]journal.Account{}, asOf: accounts.ReadAt, note: accounts.Note}
	for _, a := range accounts.Accounts {
		x.accounts[a.ID] = a
	}
	needsClass, needsPlace := false, false
	for _, m := range mappings {
		for _, b := range m.Branches {
			needsClass, needsPlace = needsClass || b.Class != "", needsPlace || b.Location != ""
		}
	}
	if needsClass {
		if x.classes, err = o.segments(ctx, c, journal.ClassList, oldest, &x); err != nil {
			return x, err
		}
	}
	if needsPlace {
		x.places, err = o.segments(ctx, c, journal.DepartmentList, oldest, &x)
	}
	return x, err
}

func (o *Office) segments(ctx context.Context, c org.Config, list journal.List, oldest time.Time, x *chart) (map[string]journal.Segment, error) {
	shown, err := o.listing(ctx, c, list, oldest)
	if err != nil {
		return nil, err
	}
	if shown.ReadAt.Before(x.asOf) {
		x.asOf = shown.ReadAt
	}
	if x.note == "" {
		x.note = shown.Note
	}
	found := map[string]journal.Segment{}
	for _, s := range shown.Segments {
		found[s.ID] = s
	}
	return found, nil
}

// Names gives the names of what a mapping names, by their ids; what is not known is left out.
func (x chart) names(m org.Mapping) Names {
	n := Names{Accounts: map[string]string{}, Classes: map[string]string{}, Locations: map[string]string{}}
	for _, ids := range []map[string]string{roleIDs(m), m.GL} {
		for _, id := range ids {
			if a, ok := x.accounts[id]; ok {
				n.Accounts[id] = a.FullyQualifiedName
			}
		}
	}
	for _, b := range m.Branches {
		if s, ok := x.classes[b.Class]; ok {
			n.Classes[b.Class] = s.FullyQualifiedName
		}
		if s, ok := x.places[b.Location]; ok {
			n.Locations[b.Location] = s.FullyQualifiedName
		}
	}
	return n
}

// Names are names in QuickBooks by their ids.
type Names struct{ Accounts, Classes, Locations map[string]string }

func roleIDs(m org.Mapping) map[string]string {
	ids := map[string]string{}
	for role, id := range m.Roles {
		ids[string(role)] = id
	}
	return ids
}
