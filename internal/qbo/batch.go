package qbo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/posting"
)

// Limits of a batch (../qbosim/quickbooks.md, Batches).
const (
	MaxBatch        = posting.MaxBatch
	MaxBatchRequest = 36 // characters of the requestid
	MaxBatchItem    = 10 // characters of an item's id
)

type batchItem struct {
	ID        string    `json:"bId"`
	Operation string    `json:"operation"`
	Entry     entryBody `json:"JournalEntry"`
}

// CreateJournalEntries creates 1 to MaxBatch entries by one request. QuickBooks carries out each by itself, and answers a repeat of one, known by
// requestid and item, with its first outcome. The outcomes are those of the entries, in their order. Errors: of the request as a whole, and of each
// outcome, see package doc; an entry of which the answer says nothing is fault.Unknown.
func (c *Client) CreateJournalEntries(ctx context.Context, at org.Company, entries []journal.BatchItem, requestID string) ([]journal.Outcome, error) {
	outcomes, err := c.batch(ctx, at, entries, requestID)
	if err != nil {
		return nil, fmt.Errorf("qbo.CreateJournalEntries: %w", err)
	}
	return outcomes, nil
}

func (c *Client) batch(ctx context.Context, at org.Company, entries []journal.BatchItem, requestID string) ([]journal.Outcome, error) {
	if len(entries) == 0 || len(entries) > MaxBatch || len(requestID) > MaxBatchRequest {
		return nil, fault.New(fault.Internal, "QuickBooks takes no batch of %d entries under an id of %d characters.", len(entries), len(requestID))
	}
	var body struct{ BatchItemRequest []batchItem }
	for _, e := range entries {
		if len(e.ID) > MaxBatchItem {
			return nil, fault.New(fault.Internal, "QuickBooks takes no item with an id of %d characters.", len(e.ID))
		}
		body.BatchItemRequest = append(body.BatchItemRequest, batchItem{ID: e.ID, Operation: "create", Entry: bodyOf(e.Entry)})
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fault.Because(err, fault.Internal, "The request to QuickBooks could not be written.")
	}
	got, err := c.do(ctx, at, request{
		method: http.MethodPost, path: "batch", query: url.Values{"requestid": {requestID}}, contentType: "application/json", body: raw, write: true, batch: true,
	})
	if err != nil {
		return nil, err
	}
	return outcomesOf(got, entries), nil
}

// outcomesOf reads what became of each entry of a batch.
func outcomesOf(got answer, entries []journal.BatchItem) []journal.Outcome {
	var response struct{ BatchItemResponse []json.RawMessage }
	_ = json.Unmarshal(got.body, &response) // an answer that cannot be read says nothing of any of them
	answered := map[string]journal.Outcome{}
	for _, raw := range response.BatchItemResponse {
		var item struct {
			BID          string `json:"bId"`
			JournalEntry struct{ ID string }
		}
		if json.Unmarshal(raw, &item) != nil {
			continue
		}
		if _, twice := answered[item.BID]; twice { // neither can be believed
			answered[item.BID] = journal.Outcome{Err: unsaid(got)}
			continue
		}
		details, _ := read(raw)
		switch {
		case details != nil:
			one := answer{status: http.StatusBadRequest, tid: got.tid, access: got.access, body: raw}
			answered[item.BID] = journal.Outcome{Err: faultOf(one, true)}
		case item.JournalEntry.ID != "":
			answered[item.BID] = journal.Outcome{ID: item.JournalEntry.ID}
		}
	}
	outcomes := make([]journal.Outcome, len(entries))
	for i, e := range entries {
		o, said := answered[e.ID]
		if !said {
			o = journal.Outcome{Err: unsaid(got)}
		}
		outcomes[i] = o
	}
	return outcomes
}

// unsaid is a write whose answer does not say what came of it.
func unsaid(got answer) *fault.Error {
	return &fault.Error{
		Code: fault.Unknown, Class: fault.Transient, Who: nobody, Message: "QuickBooks' answer does not say whether it arrived.", Remedy: "It is asked before anything is sent again.",
		Trace: got.trace(),
	}
}
