package simulate

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

// What QuickBooks says of one item of a batch.
const (
	itemRefused    = `{"Fault":{"Error":[{"Message":"m","Detail":"Business Validation Error: not this one","code":"6000"}],"type":"ValidationFault"},"bId":%q}`
	itemThrottled  = `{"Fault":{"Error":[{"Message":"m","Detail":"x","code":"3001"}],"type":"SERVICE"},"bId":%q}`
	itemUnexpected = `{"Fault":{"Error":[{"Message":"m","Detail":"` + Unexpected + `","code":"6000"}],"type":"ValidationFault"},"bId":%q}`
)

func said(of, item string) json.RawMessage {
	return json.RawMessage(strings.ReplaceAll(of, "%q", `"`+item+`"`))
}

// someItems takes those items out of a batch that are refused, or too much, each by itself, and gives what is said of them.
func (w *world) someItems(r *http.Request) (answers []json.RawMessage) {
	raw, err := io.ReadAll(r.Body)
	var batch struct{ BatchItemRequest []json.RawMessage }
	if err != nil || json.Unmarshal(raw, &batch) != nil {
		return nil
	}
	var left []json.RawMessage
	for _, item := range batch.BatchItemRequest {
		id := itemOf(item)
		key := r.URL.Query().Get("requestid") + " " + id
		switch {
		case w.wasRefused(key) || w.chance(refuses) || len(batch.BatchItemRequest) > 1 && w.refusesThis():
			w.refuse(key)
			answers = append(answers, said(itemRefused, id))
		case w.chance(throttles):
			w.count(&w.tally.Throttled)
			answers = append(answers, said(itemThrottled, id))
		default:
			left = append(left, item)
		}
	}
	body, err := json.Marshal(map[string]any{"BatchItemRequest": left})
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.tell("QuickBooks", "%d items of a batch are refused or too much", len(answers))
	return answers
}

// refusesThis says whether this is the one journal entry that is refused.
func (w *world) refusesThis() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	refused := w.refusesOne
	w.refusesOne = false
	return refused
}

func itemOf(item json.RawMessage) string {
	var x struct {
		ID string `json:"bId"`
	}
	_ = json.Unmarshal(item, &x)
	return x.ID
}

// withItems is an answer to a batch with what is said of the items that were taken out, and now and then 6000 for one that was done.
func (w *world) withItems(got *httptest.ResponseRecorder, more []json.RawMessage) *http.Response {
	var batch struct{ BatchItemResponse []json.RawMessage }
	if got.Code != http.StatusOK || json.Unmarshal(got.Body.Bytes(), &batch) != nil {
		return got.Result()
	}
	for i, item := range batch.BatchItemResponse {
		if w.chance(unexpected) || len(more) > 0 && w.o.Quiet == "" && w.intN(3) == 0 { // what goes wrong comes together
			w.count(&w.tally.Unexpected)
			batch.BatchItemResponse[i] = said(itemUnexpected, itemOf(item))
		}
	}
	body, err := json.Marshal(map[string]any{"BatchItemResponse": append(batch.BatchItemResponse, more...)})
	if err != nil {
		return got.Result()
	}
	return page(http.StatusOK, string(body))
}
