package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

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

// Links serves GET /v1/links/customers and /vendors, and PUT /v1/links/{kind}/{id}: which case or business is which customer or vendor in QuickBooks.
type Links struct {
	Gate
	Relinker Relinker
}

// Register adds the routes.
func (h *Links) Register(mux *http.ServeMux) {
	for path, kind := range map[string]journal.NameKind{"customers": journal.Customer, "vendors": journal.Vendor} {
		mux.HandleFunc("GET /v1/links/"+path, h.open(org.Manage, h.list(path, kind)))
		mux.HandleFunc("PUT /v1/links/"+path+"/{id}", h.open(org.Manage, h.put(kind)))
	}
}

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

func (h *Links) list(path string, kind journal.NameKind) handler {
	return func(w http.ResponseWriter, r *http.Request, p org.Person) error {
		query := r.URL.Query()
		limit := defaultPage
		if s := query.Get("limit"); s != "" {
			var err error
			if limit, err = strconv.Atoi(s); err != nil {
				limit = 0
			}
		}
		links, more, err := h.Relinker.List(r.Context(), p.Org, kind, query.Get("cursor"), limit)
		if err != nil {
			return err
		}
		answer := struct {
			Links []linkRow `json:"links"`
			Next  string    `json:"next,omitempty"`
		}{Links: []linkRow{}}
		for _, l := range links {
			answer.Links = append(answer.Links, linkRowOf(l))
		}
		if more {
			answer.Next = links[len(links)-1].Key
			next := url.Values{"limit": {strconv.Itoa(limit)}, "cursor": {answer.Next}}
			w.Header().Set("Link", "</v1/links/"+path+"?"+next.Encode()+`>; rel="next"`)
		}
		write(w, http.StatusOK, "application/json", answer)
		return nil
	}
}

// said is told with every relinking.
const said = "What is in QuickBooks already stays where it is, and so do its corrections; new records go to this one."

func (h *Links) put(kind journal.NameKind) handler {
	return func(w http.ResponseWriter, r *http.Request, p org.Person) error {
		change := matching.Change{Kind: kind, Key: r.PathValue("id"), Who: p.Name}
		if err := readFields(w, r, map[string]wanted{"quickbooks_id": {&change.ID, `the number of a customer or vendor in QuickBooks, as text`}}); err != nil {
			return err
		}
		var err error
		if change.IfRev, err = ifMatch(r); err != nil {
			return err
		}
		link, released, err := h.Relinker.Relink(r.Context(), p.Org, change)
		if err != nil {
			return err
		}
		w.Header().Set("ETag", tag(link.Rev))
		write(w, http.StatusOK, "application/json", struct {
			linkRow
			Released int    `json:"released"` // entries that waited for it and are on their way
			Effect   string `json:"effect"`
		}{linkRowOf(link), released, said})
		return nil
	}
}
