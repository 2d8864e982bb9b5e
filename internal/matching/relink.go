package matching

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// Register is a company's links as people see and change them.
type Register interface {
	Links
	// Links lists links of a kind by their keys, after one.
	Links(ctx context.Context, at org.Company, kind journal.NameKind, after string, limit int) ([]intlog.Link, error)
	// Relink replaces the link of a key if it has the revision ifRev (0: if there is none), gives it the next, and counts that in the organisation's
	// configuration (org.Config.Relinks), together: who remembers links sees that one is out of date. Errors: fault.Stale; fault.Conflict when the id
	// is linked to another key.
	Relink(ctx context.Context, at org.Company, link intlog.Link, ifRev int64) (intlog.Link, error)
	Config(ctx context.Context, org string) (org.Config, error)
}

// Directory reads names of QuickBooks by their ids. Errors: fault.NotFound.
type Directory interface {
	Name(ctx context.Context, at org.Company, kind journal.NameKind, id string) (journal.FoundName, error)
}

// Waiting lets entries go that waited for a name.
type Waiting interface {
	Renamed(ctx context.Context, org string) (released int, err error)
}

// Relinker lets people see and change links.
type Relinker struct {
	links   Register
	names   Directory
	waiting Waiting
	now     func() time.Time
}

// NewRelinker makes a relinker.
func NewRelinker(links Register, names Directory, waiting Waiting, now func() time.Time) *Relinker {
	return &Relinker{links: links, names: names, waiting: waiting, now: now}
}

// MaxLinks is how many links a page may have.
const MaxLinks = 200

// List lists a page of the links of the company that the organisation is connected to, and whether there are more.
func (r *Relinker) List(ctx context.Context, id string, kind journal.NameKind, after string, limit int) ([]intlog.Link, bool, error) {
	if limit < 1 || limit > MaxLinks {
		return nil, false, fmt.Errorf("matching.List: %w", &fault.Error{
			Code: fault.Invalid, Message: "This list cannot be shown.", Fields: []fault.Field{{Field: "limit", Value: fmt.Sprint(limit), Problem: fmt.Sprintf("must be 1 to %d", MaxLinks)}},
		})
	}
	config, err := r.links.Config(ctx, id)
	if err != nil {
		return nil, false, fmt.Errorf("matching.List: %w", err)
	}
	links, err := r.links.Links(ctx, config.Company(), kind, after, limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("matching.List: %w", err)
	}
	return links[:min(len(links), limit)], len(links) > limit, nil
}

// Change is what a person wants of a link.
type Change struct {
	Kind  journal.NameKind
	Key   string
	ID    string // of the customer or vendor in QuickBooks
	IfRev *int64 // the revision that the person saw; nil: whatever it is
	Who   string
}

// Relink links a case or business to another customer or vendor (../rules/accounting.md §8). What is in QuickBooks already stays where it is, and
// so do its corrections; entries that waited for the name go by themselves. It says how many. Linking to what it is linked to changes nothing.
//
// Errors: fault.Invalid for a key or id that cannot be; fault.Stale; fault.Conflict when the customer or vendor belongs to another case or business.
func (r *Relinker) Relink(ctx context.Context, id string, c Change) (link intlog.Link, released int, err error) {
	link, changed, err := r.relink(ctx, id, c)
	if err != nil {
		return link, 0, fmt.Errorf("matching.Relink: %w", err)
	}
	if !changed {
		return link, 0, nil
	}
	if released, err = r.waiting.Renamed(ctx, id); err != nil {
		return link, released, fmt.Errorf("matching.Relink: %w", err)
	}
	return link, released, nil
}

func (r *Relinker) relink(ctx context.Context, id string, c Change) (link intlog.Link, changed bool, err error) {
	if wrong := c.wrong(); wrong != nil {
		return link, false, &fault.Error{Code: fault.Invalid, Message: "This link cannot be made.", Fields: wrong}
	}
	config, err := r.links.Config(ctx, id)
	if err != nil {
		return link, false, err
	}
	at := config.Company()
	link, _, err = r.links.Link(ctx, at, c.Kind, c.Key)
	if err != nil {
		return link, false, err
	}
	if c.IfRev != nil && *c.IfRev != link.Rev {
		return link, false, fault.New(fault.Stale, "Somebody changed this link since you looked. Look at it again.")
	}
	if link.ID == c.ID {
		return link, false, nil
	}
	name, err := r.names.Name(ctx, at, c.Kind, c.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return link, false, err
	}
	if problem := unfit(name, err != nil); problem != "" {
		return link, false, &fault.Error{
			Code: fault.Invalid, Message: "This link cannot be made.", Fields: []fault.Field{{Field: "quickbooks_id", Value: c.ID, Problem: problem}},
		}
	}
	link.Kind, link.Key = c.Kind, c.Key
	link, err = r.links.Relink(ctx, at, link.Relink(c.ID, name.Display, c.Who, r.now()), link.Rev)
	return link, err == nil, err
}

// unfit says why a name of QuickBooks cannot be linked to, or nothing.
func unfit(name journal.FoundName, missing bool) string {
	switch {
	case missing:
		return "is not in QuickBooks"
	case !name.Active:
		return "is inactive in QuickBooks; make it active first"
	}
	return ""
}

// wrong names every field that cannot be. A customer is a case's, or a business's of a trade case; a vendor is a business's.
func (c Change) wrong() []fault.Field {
	var wrong []fault.Field
	what, key, _ := strings.Cut(c.Key, ":")
	fits := what == "business" || what == "case" && c.Kind == journal.Customer
	if !fits || key == "" || len(c.Key) > maxKey {
		wrong = append(wrong, fault.Field{Field: "id", Value: c.Key, Problem: "must be case: or business: and an id of Passare's; a vendor is a business"})
	}
	if c.ID == "" || len(c.ID) > maxKey || strings.Trim(c.ID, "0123456789") != "" {
		wrong = append(wrong, fault.Field{Field: "quickbooks_id", Value: c.ID, Problem: "must be the number of a customer or vendor in QuickBooks"})
	}
	return wrong
}

// maxKey is how long an id of Passare's or QuickBooks' may be here, in bytes.
const maxKey = 200
