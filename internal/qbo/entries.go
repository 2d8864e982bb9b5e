package qbo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

type ref struct {
	Value string `json:"value"`
}

type entryBody struct {
	DocNumber   string     `json:"DocNumber"`
	TxnDate     string     `json:"TxnDate"`
	PrivateNote string     `json:"PrivateNote"`
	Line        []lineBody `json:"Line"`
}

// lineBody has no Id: sending one on create makes QuickBooks take it for an update.
type lineBody struct {
	Description string      `json:"Description,omitempty"`
	Amount      json.Number `json:"Amount"`
	DetailType  string      `json:"DetailType"`
	Detail      lineDetail  `json:"JournalEntryLineDetail"`
}

type lineDetail struct {
	PostingType   journal.Side `json:"PostingType"`
	AccountRef    ref          `json:"AccountRef"`
	Entity        *entity      `json:"Entity,omitempty"`
	ClassRef      *ref         `json:"ClassRef,omitempty"`
	DepartmentRef *ref         `json:"DepartmentRef,omitempty"`
}

type entity struct {
	Type      journal.NameKind `json:"Type"`
	EntityRef ref              `json:"EntityRef"`
}

// CreateJournalEntry creates an entry under a requestid, by which QuickBooks answers a repeat with the
// first outcome. Errors: see package doc.
func (c *Client) CreateJournalEntry(ctx context.Context, at org.Company, e journal.Entry, requestID string) (string, error) {
	id, err := c.create(ctx, at, "journalentry", "JournalEntry", bodyOf(e), requestID)
	if err != nil {
		return "", fmt.Errorf("qbo.CreateJournalEntry: %w", err)
	}
	return id, nil
}

func bodyOf(e journal.Entry) entryBody {
	b := entryBody{DocNumber: e.DocNumber(), TxnDate: string(e.Date()), PrivateNote: e.Note()}
	for _, l := range e.Lines() {
		x := lineBody{
			Description: l.Description, Amount: json.Number(l.Amount.String()), DetailType: "JournalEntryLineDetail",
			Detail: lineDetail{
				PostingType: l.Side, AccountRef: ref{l.Place.Account},
				ClassRef: optional(l.Place.Class), DepartmentRef: optional(l.Place.Location),
			},
		}
		if n := l.Place.Name; n != nil {
			x.Detail.Entity = &entity{Type: n.Kind, EntityRef: ref{n.ID}}
		}
		b.Line = append(b.Line, x)
	}
	return b
}

func optional(id string) *ref {
	if id == "" {
		return nil
	}
	return &ref{id}
}

// create posts a new object and reads its id from the answer {"JournalEntry":{"Id":…}}.
func (c *Client) create(ctx context.Context, at org.Company, path, name string, body any, requestID string) (string, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return "", fault.Because(err, fault.Internal, "The request to QuickBooks could not be written.")
	}
	got, err := c.do(ctx, at, request{
		method: http.MethodPost, path: path, query: url.Values{"requestid": {requestID}}, contentType: "application/json", body: raw, write: true,
	})
	if err != nil {
		return "", err
	}
	var objects map[string]json.RawMessage
	var object struct{ ID string }
	if json.Unmarshal(got.body, &objects) != nil || json.Unmarshal(objects[name], &object) != nil || object.ID == "" {
		return "", unsaid(got)
	}
	return object.ID, nil
}

// pageSize is the most rows that a query may ask for.
const pageSize = 1000

// maxPages is how many pages of one question are read: no company has more rows, so what never ends is not an answer.
const maxPages = 100

// How many values one IN (…) names: numbers of entries, and ids, which are shorter.
const (
	inList  = 30
	idsList = 100
)

// query runs a statement page by page and hands each page's rows of an entity to read, which says how
// many there were.
func (c *Client) query(ctx context.Context, at org.Company, entity, where string, canWait bool, read func(json.RawMessage) (int, error)) error {
	for page := range maxPages {
		n, err := c.page(ctx, at, entity, where, page, canWait && page == 0, read) // what was begun is read to its end: half of it would be spent for nothing
		if err != nil || n < pageSize {
			return err
		}
	}
	return unreadable(answer{}, nil)
}

// page runs a statement for one page, the first one being 0, hands its rows of an entity to read, and says how many there were; after fewer than pageSize
// there is no further page.
func (c *Client) page(ctx context.Context, at org.Company, entity, where string, page int, canWait bool, read func(json.RawMessage) (int, error)) (int, error) {
	statement := fmt.Sprintf("select * from %s%s startposition %d maxresults %d", entity, where, 1+page*pageSize, pageSize)
	got, err := c.do(ctx, at, request{
		method: http.MethodPost, path: "query", contentType: "application/text", body: []byte(statement), canWait: canWait,
	})
	if err != nil {
		return 0, err
	}
	var response struct{ QueryResponse map[string]json.RawMessage }
	if err := json.Unmarshal(got.body, &response); err != nil {
		return 0, unreadable(got, err)
	}
	if response.QueryResponse == nil {
		return 0, unreadable(got, nil) // an answer that finds nothing has an empty one; without it nothing was answered
	}
	rows, ok := response.QueryResponse[entity]
	if !ok {
		return 0, nil
	}
	n, err := read(rows)
	if err != nil {
		return 0, unreadable(got, err)
	}
	return n, nil
}

// unreadable is a read that was answered with something that is no answer to it.
func unreadable(a answer, cause error) error {
	return &fault.Error{
		Code: fault.Unavailable, Class: fault.Transient, Who: nobody, Message: "QuickBooks' answer cannot be read.", Remedy: "It is asked again by itself.", Trace: a.trace(), Cause: cause,
	}
}

// into reads rows and hands each to add.
func into[T any](add func(T)) func(json.RawMessage) (int, error) {
	return checked(func(row T) error {
		add(row)
		return nil
	})
}

// checked is into where a row may be wrong.
func checked[T any](add func(T) error) func(json.RawMessage) (int, error) {
	return func(raw json.RawMessage) (int, error) {
		var rows []T
		if err := json.Unmarshal(raw, &rows); err != nil {
			return 0, err
		}
		for _, row := range rows {
			if err := add(row); err != nil {
				return 0, err
			}
		}
		return len(rows), nil
	}
}

// listed are values as an IN (…) takes them.
func listed(values []string) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = quoted(v)
	}
	return strings.Join(all, ", ")
}

// quoted is a value as the query language takes it. What is no UTF-8 is asked for as JSON wrote it when it was created: one U+FFFD a byte.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(string([]rune(s))) + "'"
}

// JournalEntriesByDocNumber finds entries by their numbers. QuickBooks does not keep numbers unique, so there
// may be more entries than numbers. Errors: fault.Unavailable and what Tokens answers.
func (c *Client) JournalEntriesByDocNumber(ctx context.Context, at org.Company, docs []string) ([]journal.FoundEntry, error) {
	var found []journal.FoundEntry
	for chunk := range slices.Chunk(docs, inList) {
		err := c.query(ctx, at, entries, " where DocNumber in ("+listed(chunk)+")", false,
			into(func(row struct{ ID, DocNumber, PrivateNote string }) {
				found = append(found, journal.FoundEntry{ID: row.ID, DocNumber: row.DocNumber, Note: row.PrivateNote})
			}))
		if err != nil {
			return nil, fmt.Errorf("qbo.JournalEntriesByDocNumber: %w", err)
		}
	}
	return found, nil
}

// Preferences reads the company's close date and home currency.
func (c *Client) Preferences(ctx context.Context, at org.Company) (journal.Preferences, error) {
	got, err := c.do(ctx, at, request{method: http.MethodGet, path: "preferences"})
	if err != nil {
		return journal.Preferences{}, fmt.Errorf("qbo.Preferences: %w", err)
	}
	var body struct {
		Preferences *struct {
			AccountingInfoPrefs struct{ BookCloseDate string }
			CurrencyPrefs       struct{ HomeCurrency ref }
		}
	}
	if err := json.Unmarshal(got.body, &body); err != nil || body.Preferences == nil {
		return journal.Preferences{}, fmt.Errorf("qbo.Preferences: %w", unreadable(got, err))
	}
	p := journal.Preferences{HomeCurrency: body.Preferences.CurrencyPrefs.HomeCurrency.Value}
	if s := body.Preferences.AccountingInfoPrefs.BookCloseDate; s != "" {
		if p.BookCloseDate, err = date.Parse(s); err != nil {
			return p, fmt.Errorf("qbo.Preferences: %w", unreadable(got, err))
		}
	}
	return p, nil
}
