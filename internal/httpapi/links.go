package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/org"
)

// Relinker lets people see and change links (package matching).
type Relinker interface {
	List(ctx context.Context, org string, kind journal.NameKind, after string, limit int) (links []intlog.Link, more bool, err error)
	Relink(ctx context.Context, org string, c matching.Change) (link intlog.Link, released int, err error)
}

// Links serves which case or business is which customer or vendor in QuickBooks.
type Links struct{ Relinker Relinker }

// Register adds the calls.
func (h *Links) Register(a *API) {
	for _, x := range []struct {
		path, one, id string
		kind          journal.NameKind
	}{{"customers", "customer", "a case", journal.Customer}, {"vendors", "vendor", "a business", journal.Vendor}} {
		register(a, call{
			id: "list-" + x.path, method: http.MethodGet, path: "/v1/links/" + x.path, tag: linkTag, needs: org.Manage,
			summary: "Lists which " + x.one + " in QuickBooks " + x.id + " is", answer: linkList{Links: []linkRow{exampleLink()}},
		}, h.list(x.path, x.kind))
		register(a, call{
			id: "link-" + x.one, method: http.MethodPut, path: "/v1/links/" + x.path + "/{id}", tag: linkTag, needs: org.Manage,
			summary: "Links " + x.id + " to another " + x.one, about: said + " Entries that waited for it go at once.",
			fails:   []fault.Code{fault.Conflict, fault.Stale, fault.Disconnected, fault.Throttled, fault.Refused},
			request: relinkBody{QuickBooks: "67"}, answer: relinked{LinkRow: exampleLink(), Released: 2, Effect: said},
		}, h.put(x.kind))
	}
}

const linkTag = "Links"

// linkRow is a link. id is "case:" or "business:" and Passare's id.
type linkRow struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	QuickBooks string      `json:"quickbooks_id"`
	Note       string      `json:"note,omitempty"`
	Since      time.Time   `json:"since"`
	By         string      `json:"by"`
	Before     []linkedRow `json:"before"`
	ETag       string      `json:"etag"`
}

// LinkRow is its name where it is embedded: only what is exported is described.
type LinkRow = linkRow

type linkedRow struct {
	Name       string    `json:"name"`
	QuickBooks string    `json:"quickbooks_id"`
	Since      time.Time `json:"since"`
	By         string    `json:"by"`
}

func linkRowOf(l intlog.Link) linkRow {
	x := linkRow{ID: l.Key, Name: l.Display, QuickBooks: l.ID, Note: l.Note, Since: l.At, By: l.Who, Before: []linkedRow{}, ETag: tag(l.Rev)}
	for _, b := range l.History {
		x.Before = append(x.Before, linkedRow{Name: b.Display, QuickBooks: b.ID, Since: b.At, By: b.Who})
	}
	return x
}

type linksInput struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"How many a page has."`
	Cursor string `query:"cursor" maxLength:"1000" doc:"The place after which the page begins: next of the page before."`
}

type linksOutput struct {
	Link string `header:"Link"`
	Body linkList
}

type linkList struct {
	Links []linkRow `json:"links" nullable:"false"`
	Next  string    `json:"next,omitempty" doc:"The cursor of the next page; absent on the last."`
}

func (h *Links) list(path string, kind journal.NameKind) func(context.Context, org.Person, *linksInput) (*linksOutput, error) {
	return func(ctx context.Context, p org.Person, in *linksInput) (*linksOutput, error) {
		links, more, err := h.Relinker.List(ctx, p.Org, kind, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		out := &linksOutput{Body: linkList{Links: []linkRow{}}}
		for _, l := range links {
			out.Body.Links = append(out.Body.Links, linkRowOf(l))
		}
		if more {
			out.Body.Next = links[len(links)-1].Key
			next := url.Values{"limit": {strconv.Itoa(in.Limit)}, "cursor": {out.Body.Next}}
			out.Link = "</v1/links/" + path + "?" + next.Encode() + `>; rel="next"`
		}
		return out, nil
	}
}

// said is told with every relinking.
const said = "What is in QuickBooks already stays where it is, and so do its corrections; new records go to this one."

type relinkInput struct {
	Conditional
	ID   string `path:"id" maxLength:"500" example:"case:c1" doc:"case: or business: and Passare's id."`
	Body relinkBody
}

type relinkBody struct {
	QuickBooks string `json:"quickbooks_id" maxLength:"50" doc:"The number of a customer or vendor in QuickBooks."`
}

type relinkOutput struct {
	ETag string `header:"ETag"`
	Body relinked
}

type relinked struct {
	LinkRow
	Released int    `json:"released" doc:"Entries that waited for it and are on their way."`
	Effect   string `json:"effect"`
}

func (h *Links) put(kind journal.NameKind) func(context.Context, org.Person, *relinkInput) (*relinkOutput, error) {
	return func(ctx context.Context, p org.Person, in *relinkInput) (*relinkOutput, error) {
		change := matching.Change{Kind: kind, Key: in.ID, ID: in.Body.QuickBooks, Who: p.Name}
		var err error
		if change.IfRev, err = in.rev(); err != nil {
			return nil, err
		}
		link, released, err := h.Relinker.Relink(ctx, p.Org, change)
		if err != nil {
			return nil, err
		}
		return &relinkOutput{ETag: tag(link.Rev), Body: relinked{linkRowOf(link), released, said}}, nil
	}
}
