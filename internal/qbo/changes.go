package qbo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
)

// Bounds of change data (../qbosim/quickbooks.md, Change data). An answer that is full may have left something out.
const (
	fullAnswer = 1000                // objects, over all entities that are asked for at once
	changeAge  = 30 * 24 * time.Hour // how far it goes back
	maxAnswers = 20                  // of one entity: what changed more than that is read quicker whole
)

// Changes reads which journal entries and customers changed since a time, deleted ones included: one metered read, which can wait, and one more for each
// 1,000 changes. What changed more than 30 days ago, or too much to be told, makes the answer partial. Errors: as JournalEntriesByDocNumber.
func (c *Client) Changes(ctx context.Context, at org.Company, since time.Time) (journal.Changes, error) {
	changes, err := c.changes(ctx, at, since)
	if err != nil {
		return journal.Changes{}, fmt.Errorf("qbo.Changes: %w", err)
	}
	return changes, nil
}

func (c *Client) changes(ctx context.Context, at org.Company, since time.Time) (journal.Changes, error) {
	if c.o.Now().Sub(since) > changeAge {
		return journal.Changes{Partial: true}, nil
	}
	all := newChanged()
	n, _, err := c.changedSince(ctx, at, []string{entries, customers}, since, all)
	if err != nil || n < fullAnswer {
		return all.sorted(false), err
	}
	partial := false
	for _, entity := range []string{entries, customers} {
		whole, err := c.changesOf(ctx, at, entity, since, all)
		if err != nil {
			return journal.Changes{}, err
		}
		partial = partial || !whole
	}
	return all.sorted(partial), nil
}

// changesOf reads all changes of one entity, each answer from the last change of the one before. whole says that nothing was left out: not so when a single
// second fills an answer.
func (c *Client) changesOf(ctx context.Context, at org.Company, entity string, since time.Time, all *changed) (whole bool, err error) {
	for range maxAnswers {
		n, last, err := c.changedSince(ctx, at, []string{entity}, since, all)
		if err != nil || n < fullAnswer {
			return err == nil, err
		}
		if !last.After(since) {
			return false, nil
		}
		since = last
	}
	return false, nil
}

// The entities, as QuickBooks names them.
const (
	entries   = "JournalEntry"
	customers = "Customer"
)

// changed is what answers have told; of an object that is told twice the later answer is kept.
type changed struct {
	entries map[string]journal.BookedEntry
	debtors map[string]journal.Debtor
	reads   int
}

func newChanged() *changed {
	return &changed{entries: map[string]journal.BookedEntry{}, debtors: map[string]journal.Debtor{}}
}

func (all *changed) sorted(partial bool) journal.Changes {
	byEntry := func(a, b journal.BookedEntry) int {
		return cmp.Or(a.Updated.Compare(b.Updated), cmp.Compare(a.ID, b.ID))
	}
	byDebtor := func(a, b journal.Debtor) int { return cmp.Or(a.Updated.Compare(b.Updated), cmp.Compare(a.ID, b.ID)) }
	return journal.Changes{
		Entries: slices.SortedFunc(maps.Values(all.entries), byEntry),
		Debtors: slices.SortedFunc(maps.Values(all.debtors), byDebtor),
		Partial: partial, Reads: all.reads,
	}
}

// changedSince asks once, and says how many objects came, and when the last of them changed.
func (c *Client) changedSince(ctx context.Context, at org.Company, entities []string, since time.Time, all *changed) (n int, last time.Time, err error) {
	got, err := c.do(ctx, at, request{
		method: http.MethodGet, path: "cdc", canWait: true,
		query: url.Values{"entities": {strings.Join(entities, ",")}, "changedSince": {since.UTC().Format(time.RFC3339)}},
	})
	if err != nil {
		return 0, last, err
	}
	all.reads++
	var body struct {
		CDCResponse []struct {
			QueryResponse []struct {
				JournalEntry []bookedBody
				Customer     []debtorBody
			}
		}
	}
	if err := json.Unmarshal(got.body, &body); err != nil || body.CDCResponse == nil {
		return 0, last, unreadable(got, err)
	}
	for _, response := range body.CDCResponse {
		for _, told := range response.QueryResponse {
			for _, row := range told.JournalEntry {
				e, err := row.booked()
				if err != nil {
					return 0, last, unreadable(got, err)
				}
				all.entries[e.ID] = e
				n, last = n+1, latest(last, e.Updated)
			}
			for _, row := range told.Customer {
				d, err := row.debtor()
				if err != nil {
					return 0, last, unreadable(got, err)
				}
				all.debtors[d.ID] = d
				n, last = n+1, latest(last, d.Updated)
			}
		}
	}
	return n, last, nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// objectBody is what every object has. Of a deleted one there is nothing else.
type objectBody struct {
	ID       string
	Status   string `json:"status"`
	MetaData struct{ CreateTime, LastUpdatedTime time.Time }
}

var errNoObject = errors.New("an object without an id or the time of its change")

func (o objectBody) deleted() bool { return o.Status == "Deleted" }

type bookedBody struct {
	objectBody
	DocNumber, TxnDate, PrivateNote string
	Line                            []struct {
		Description string
		Amount      json.Number
		DetailType  string
		Detail      struct {
			PostingType   journal.Side
			AccountRef    ref
			ClassRef      ref
			DepartmentRef ref
			Entity        *struct {
				Type      journal.NameKind
				EntityRef struct {
					Value string `json:"value"`
					Name  string `json:"name"`
				}
			}
		} `json:"JournalEntryLineDetail"`
	}
}

// booked reads an entry. Its amounts are its lines': TotalAmt is 0 (../qbosim/quickbooks.md, Journal entries). A line without a detail is a comment.
func (b bookedBody) booked() (journal.BookedEntry, error) {
	e := journal.BookedEntry{ID: b.ID, DocNumber: b.DocNumber, Note: b.PrivateNote, Updated: b.MetaData.LastUpdatedTime, Deleted: b.deleted()}
	if e.ID == "" || e.Updated.IsZero() {
		return e, errNoObject
	}
	if e.Deleted {
		return e, nil
	}
	var err error
	if e.Date, err = date.Parse(b.TxnDate); err != nil {
		return e, err
	}
	for _, l := range b.Line {
		if l.DetailType != "JournalEntryLineDetail" {
			continue
		}
		amount, err := cents(l.Amount)
		if err != nil {
			return e, err
		}
		d := l.Detail
		line := journal.Line{
			Side: d.PostingType, Amount: amount, Description: l.Description,
			Place: journal.Place{Account: d.AccountRef.Value, Class: d.ClassRef.Value, Location: d.DepartmentRef.Value},
		}
		if n := d.Entity; n != nil {
			line.Place.Name = &journal.Name{Kind: n.Type, ID: n.EntityRef.Value, Display: n.EntityRef.Name}
		}
		e.Lines = append(e.Lines, line)
	}
	return e, nil
}

type debtorBody struct {
	objectBody
	DisplayName string
	Balance     json.Number
	Active      bool
}

func (b debtorBody) debtor() (journal.Debtor, error) {
	d := journal.Debtor{ID: b.ID, Display: b.DisplayName, Active: b.Active, Created: b.MetaData.CreateTime, Updated: b.MetaData.LastUpdatedTime, Deleted: b.deleted()}
	if d.ID == "" || d.Updated.IsZero() {
		return d, errNoObject
	}
	if d.Deleted {
		return d, nil
	}
	var err error
	d.Balance, err = cents(b.Balance)
	return d, err
}

// cents reads an amount as QuickBooks writes it: 100.00, 100.0 and 100 are the same, and what is left out is zero. Errors: what has another form, or parts
// of a cent.
func cents(n json.Number) (money.Cents, error) {
	whole, fraction, _ := strings.Cut(cmp.Or(n.String(), "0"), ".")
	fraction = strings.TrimRight(fraction, "0")
	text := whole + "." + (fraction + "00")[:max(2, len(fraction))]
	if text == "-0.00" {
		text = "0.00"
	}
	return money.Parse(text)
}
