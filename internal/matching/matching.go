// Package matching finds the customer or vendor that a line names: linked before, matched by its exact
// name, or created (../rules/accounting.md §8).
//
//	link known? ──yes──▶ that one, for ever
//	    │ no
//	    ▼
//	create it ──accepted──▶ link
//	    │ name taken
//	    ▼
//	look ──an active one of the kind, of exactly this name, linked to nobody else──▶ link
//	    │ other objects seen                    │ nothing seen
//	    ▼                                       ▼
//	the same with the numbered name        wait: QuickBooks does not show it yet
//
// Creating comes before looking, since writes at QuickBooks are free and reads are metered, and since
// QuickBooks' own uniqueness is the guard against two workers.
//
// Names are compared by their characters as they are written: what looks the same, such as an accent that is one character here and two there, is
// another name for us. Then QuickBooks alone says whether both may stand: it takes the second, or calls it used and it gets the numbered form. Were we
// to call them the same, a family's lines could go to a customer that a person meant to be another; so, two customers stand where one would do, and a
// person relinks. The text stays as Passare has it.
//
// Guarantees: two cases never share a customer, two businesses never a vendor; a link never changes by itself, and belongs to one QuickBooks
// company; names of an organisation are written one at a time, in all processes (QuickBooks refuses two at once). A person may relink (relink.go).
//
// Not promised: who renames or merges names in QuickBooks is followed only by id. A customer that was merged away is inactive or gone: the next
// entry fails and says so, and goes by itself once the case is linked to the customer that is left.
package matching

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/org"
)

// Links keeps the links of each QuickBooks company.
type Links interface {
	Link(ctx context.Context, at org.Company, kind journal.NameKind, key string) (link intlog.Link, found bool, err error)
	// PutLink stores a link unless its key or its id is linked otherwise: then it answers fault.Conflict and the link that the key has, if any.
	PutLink(ctx context.Context, at org.Company, link intlog.Link) (stored intlog.Link, err error)
}

// Names is QuickBooks' list of names. Creating answers fault.NameTaken when the name is used by any
// customer, vendor or employee, and fault.Unknown when it may have been created.
type Names interface {
	CreateCustomer(ctx context.Context, at org.Company, n journal.NewName, requestID string) (id string, err error)
	CreateVendor(ctx context.Context, at org.Company, n journal.NewName, requestID string) (id string, err error)
	NamesCalled(ctx context.Context, at org.Company, display string) ([]journal.FoundName, error)
}

// MaxName is how long a name may be in QuickBooks, in characters.
const MaxName = 100

// Matcher matches names.
type Matcher struct {
	links  Links
	names  Names
	leases *lease.Taker
	now    func() time.Time
}

// New makes a matcher.
func New(links Links, names Names, leases *lease.Taker, now func() time.Time) *Matcher {
	return &Matcher{links: links, names: names, leases: leases, now: now}
}

// Known gives the name as it is linked, if it is linked already. Errors: what Links answers.
func (m *Matcher) Known(ctx context.Context, at org.Company, want journal.Name) (matched journal.Name, found bool, err error) {
	link, found, err := m.links.Link(ctx, at, want.Kind, want.Key)
	if err != nil {
		return want, false, fmt.Errorf("matching.Known: %w", err)
	}
	if !found {
		return want, false, nil
	}
	return as(want, link), true, nil
}

// as is the name as a link has it.
func as(want journal.Name, link intlog.Link) journal.Name {
	want.ID, want.Display = link.ID, link.Display
	return want
}

// Match gives the name with its QuickBooks id. Errors: fault.Invalid when the case has no name yet,
// fault.NameTaken when QuickBooks says that the name is used and shows nobody who uses it, fault.Conflict
// when every name that we may take is used, and what Names answers.
func (m *Matcher) Match(ctx context.Context, at org.Company, want journal.Name) (journal.Name, error) {
	var link intlog.Link
	err := m.leases.Do(ctx, lease.Thing{Org: at.Org, Name: "names", Life: intlog.NamesLease},
		func() (found bool, err error) {
			link, found, err = m.links.Link(ctx, at, want.Kind, want.Key)
			if err == nil && !found && Clean(want.Display) == "" {
				err = fault.New(fault.Invalid, "The case has no first and last name yet. The entry goes by itself once Passare sends one.")
			}
			return found, err
		},
		func() (err error) {
			link, err = m.find(ctx, at, want)
			return err
		})
	if err != nil {
		return want, fmt.Errorf("matching.Match: %w", passing(err))
	}
	return as(want, link), nil
}

// passing is the trouble as a trouble of QuickBooks': a lease that somebody else kept too long, or a store that did not answer, goes by itself and is
// nothing that a person must look at.
func passing(err error) error {
	f := fault.As(err)
	if f.Code != fault.Unavailable || f.Class != "" {
		return err
	}
	return &fault.Error{
		Code: f.Code, Class: fault.Transient, Who: "nobody: it goes by itself", Message: "The name could not be looked up or written just now.",
		Remedy: "It is tried again by itself.", Cause: err,
	}
}

// Renamed says that Passare calls a case or business otherwise by now than QuickBooks does, or nothing. Forms of the same name, such as one with the
// case number behind it, are no other name.
func Renamed(want, linked journal.Name) string {
	name := Clean(want.Display)
	if name == "" || strings.HasPrefix(linked.Display, name) || strings.HasPrefix(name, linked.Display) {
		return ""
	}
	return fmt.Sprintf("Passare now says %q, and QuickBooks has %q. Rename it in QuickBooks if that is right; the link stays.", name, linked.Display)
}

// find makes the link that does not exist yet.
func (m *Matcher) find(ctx context.Context, at org.Company, want journal.Name) (intlog.Link, error) {
	for _, candidate := range candidates(want) {
		link, taken, err := m.take(ctx, at, want, candidate)
		if err != nil || !taken {
			return link, err
		}
	}
	return intlog.Link{}, fault.New(fault.Conflict, "QuickBooks has %q and its numbered form in use already. Rename one of them in QuickBooks, then retry.", Clean(want.Display))
}

// businessKey begins the key of a business of the Rolodex, which may be the customer of a trade case.
const businessKey = "business:"

// candidate is a display name, and why it is not Passare's own.
type candidate struct{ display, note string }

func candidates(want journal.Name) []candidate {
	plain := Clean(want.Display)
	if want.Kind == journal.Vendor {
		return []candidate{
			{display: plain},
			{display: suffixed(plain, "Vendor"), note: "The name was in use; the vendor was created with (Vendor) behind it."},
			{display: suffixed(plain, Clean(want.Number)), note: "The name was in use; the vendor was created with its Rolodex number behind it."},
		}
	}
	number := "case number"
	if strings.HasPrefix(want.Key, businessKey) {
		number = "Rolodex number"
	}
	return []candidate{
		{display: plain},
		{display: suffixed(plain, Clean(want.Number)), note: "The name was in use; the customer was created with the " + number + " behind it."},
	}
}

// take creates or matches one candidate. taken says that others use the name: try the next.
func (m *Matcher) take(ctx context.Context, at org.Company, want journal.Name, c candidate) (link intlog.Link, taken bool, err error) {
	id, err := m.create(ctx, at, want, c.display)
	if err == nil {
		return m.link(ctx, at, want, c, id)
	}
	if !fault.Is(err, fault.NameTaken) {
		return link, false, err
	}
	found, lookErr := m.look(ctx, at, c.display)
	if lookErr != nil {
		return link, false, lookErr
	}
	if len(found) == 0 {
		return link, false, unseen(c.display, fault.As(err))
	}
	for _, f := range found {
		if f.Kind == string(want.Kind) && f.Active && f.Display == c.display {
			return m.link(ctx, at, want, c, f.ID)
		}
	}
	return link, true, nil
}

// inactiveSuffix is what QuickBooks puts behind the name of what is made inactive.
const inactiveSuffix = " (deleted)"

// look finds who uses a name. Nobody shown may mean that an inactive one holds it, under the name that QuickBooks gave it.
func (m *Matcher) look(ctx context.Context, at org.Company, display string) ([]journal.FoundName, error) {
	found, err := m.names.NamesCalled(ctx, at, display)
	if err != nil || len(found) > 0 {
		return found, err
	}
	return m.names.NamesCalled(ctx, at, display+inactiveSuffix)
}

// unseen is a name that QuickBooks calls used and shows nobody for.
func unseen(display string, said *fault.Error) error {
	f := *said
	f.Class, f.Who = fault.Name, "bookkeeper"
	f.Message = fmt.Sprintf("QuickBooks has %q in use already, and does not show who uses it.", display)
	f.Remedy = "Look there for an inactive customer, vendor or employee of this name and rename it, then retry."
	return &f
}

// create creates a name. A request that QuickBooks received before is made once more under another requestid: the name is written at most once
// all the same, since names are unique, and whoever has it is found by it.
func (m *Matcher) create(ctx context.Context, at org.Company, want journal.Name, display string) (string, error) {
	id, err := m.write(ctx, at, want, display, requestID(at, want, display))
	if err != nil && fault.As(err).Origin == receivedBefore {
		return m.write(ctx, at, want, display, requestID(at, want, display, m.now().Format(time.RFC3339Nano)))
	}
	return id, err
}

// receivedBefore is QuickBooks' code for a requestid that was used before, when it does not answer as it did then.
const receivedBefore = "600"

func (m *Matcher) write(ctx context.Context, at org.Company, want journal.Name, display, request string) (string, error) {
	n := journal.NewName{Display: display, Notes: "Passare " + want.Key}
	if want.Kind == journal.Vendor {
		return m.names.CreateVendor(ctx, at, n, request)
	}
	return m.names.CreateCustomer(ctx, at, n, request)
}

// requestID is the same whenever the same name is created for the same case, so that QuickBooks answers
// a repeat with the first outcome.
func requestID(at org.Company, want journal.Name, display string, more ...string) string {
	parts := append([]string{at.Org, at.Realm, string(want.Kind), want.Key, display}, more...)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:16])
}

// link stores the link. An object that is linked elsewhere is taken; a link that somebody made for the
// same key meanwhile is used.
func (m *Matcher) link(ctx context.Context, at org.Company, want journal.Name, c candidate, id string) (link intlog.Link, taken bool, err error) {
	link, err = m.links.PutLink(ctx, at, intlog.Link{
		Kind: want.Kind, Key: want.Key, ID: id, Display: c.display, Note: c.note, At: m.now(), Who: intlog.Machine,
	})
	if fault.Is(err, fault.Conflict) {
		return link, link.ID == "", nil
	}
	return link, false, err
}

// Clean is a name as QuickBooks takes it: no colon, tab or line end, single blanks, at most MaxName characters.
func Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == ':' || r == '\t' || r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(journal.Clip(strings.Join(strings.Fields(s), " "), MaxName))
}

// maxSuffix is how much of a number stands behind a name, so that half of the name is left.
const maxSuffix = MaxName / 2

// suffixed is "John Smith (24-0113)", the name cut so that both fit.
func suffixed(name, suffix string) string {
	tail := " (" + strings.TrimSpace(journal.Clip(suffix, maxSuffix)) + ")"
	return strings.TrimSpace(journal.Clip(name, MaxName-len([]rune(tail)))) + tail
}
