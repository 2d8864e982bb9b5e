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
// Guarantees: two cases never share a customer, two businesses never a vendor; a link never changes by
// itself. Not promised: a person who renames or merges names in QuickBooks is followed only by id.
package matching

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
)

// Links keeps the links. PutLink stores a link unless its key or its id is linked otherwise: then it
// answers fault.Conflict and the link that the key has, if any.
type Links interface {
	Link(ctx context.Context, org string, kind journal.NameKind, key string) (link intlog.Link, found bool, err error)
	PutLink(ctx context.Context, org string, link intlog.Link) (stored intlog.Link, err error)
}

// Names is QuickBooks' list of names. Creating answers fault.NameTaken when the name is used by any
// customer, vendor or employee, and fault.Unknown when it may have been created.
type Names interface {
	CreateCustomer(ctx context.Context, org string, n journal.NewName, requestID string) (id string, err error)
	CreateVendor(ctx context.Context, org string, n journal.NewName, requestID string) (id string, err error)
	NamesCalled(ctx context.Context, org, display string) ([]journal.FoundName, error)
}

// MaxName is how long a name may be in QuickBooks, in characters.
const MaxName = 100

// Matcher matches names.
type Matcher struct {
	links Links
	names Names
}

// New makes a matcher.
func New(links Links, names Names) *Matcher { return &Matcher{links: links, names: names} }

// Match gives the name with its QuickBooks id. Errors: fault.Invalid when the case has no name yet,
// fault.NameTaken when QuickBooks says that the name is used and shows nobody who uses it, fault.Conflict
// when every name that we may take is used, and what Names answers.
func (m *Matcher) Match(ctx context.Context, org string, want journal.Name) (journal.Name, error) {
	link, found, err := m.links.Link(ctx, org, want.Kind, want.Key)
	if err != nil {
		return want, fmt.Errorf("matching.Match: %w", err)
	}
	if !found {
		if link, err = m.find(ctx, org, want); err != nil {
			return want, fmt.Errorf("matching.Match: %w", err)
		}
	}
	want.ID, want.Display = link.ID, link.Display
	return want, nil
}

// find makes the link that does not exist yet.
func (m *Matcher) find(ctx context.Context, org string, want journal.Name) (intlog.Link, error) {
	if Clean(want.Display) == "" {
		return intlog.Link{}, fault.New(fault.Invalid, "The case has no first and last name yet. The entry goes by itself once Passare sends one.")
	}
	for _, candidate := range candidates(want) {
		link, taken, err := m.take(ctx, org, want, candidate)
		if err != nil || !taken {
			return link, err
		}
	}
	return intlog.Link{}, fault.New(fault.Conflict, "QuickBooks has %q and its numbered form in use already. Rename one of them in QuickBooks, then retry.", Clean(want.Display))
}

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
	return []candidate{
		{display: plain},
		{display: suffixed(plain, Clean(want.Number)), note: "The name was in use; the customer was created with the case number behind it."},
	}
}

// take creates or matches one candidate. taken says that others use the name: try the next.
func (m *Matcher) take(ctx context.Context, org string, want journal.Name, c candidate) (link intlog.Link, taken bool, err error) {
	id, err := m.create(ctx, org, want, c.display)
	if err == nil {
		return m.link(ctx, org, want, c, id)
	}
	if !fault.Is(err, fault.NameTaken) {
		return link, false, err
	}
	found, lookErr := m.names.NamesCalled(ctx, org, c.display)
	if lookErr != nil {
		return link, false, lookErr
	}
	if len(found) == 0 {
		return link, false, err
	}
	for _, f := range found {
		if f.Kind == string(want.Kind) && f.Active && f.Display == c.display {
			return m.link(ctx, org, want, c, f.ID)
		}
	}
	return link, true, nil
}

func (m *Matcher) create(ctx context.Context, org string, want journal.Name, display string) (string, error) {
	n := journal.NewName{Display: display, Notes: "Passare " + want.Key}
	if want.Kind == journal.Vendor {
		return m.names.CreateVendor(ctx, org, n, requestID(org, want, display))
	}
	return m.names.CreateCustomer(ctx, org, n, requestID(org, want, display))
}

// requestID is the same whenever the same name is created for the same case, so that QuickBooks answers
// a repeat with the first outcome.
func requestID(org string, want journal.Name, display string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{org, string(want.Kind), want.Key, display}, "\n")))
	return hex.EncodeToString(sum[:16])
}

// link stores the link. An object that is linked elsewhere is taken; a link that somebody made for the
// same key meanwhile is used.
func (m *Matcher) link(ctx context.Context, org string, want journal.Name, c candidate, id string) (link intlog.Link, taken bool, err error) {
	link, err = m.links.PutLink(ctx, org, intlog.Link{Kind: want.Kind, Key: want.Key, ID: id, Display: c.display, Note: c.note})
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

// suffixed is "John Smith (24-0113)", the name cut so that both fit.
func suffixed(name, suffix string) string {
	tail := " (" + suffix + ")"
	return strings.TrimSpace(journal.Clip(name, MaxName-len([]rune(tail)))) + tail
}
