package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/logwatch"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/webhook"
)

const verifierToken = "0e6c5b0a-3a0c-4e53-9ef2-5d9a2c6f3c11"

// hearer keeps what it is told, or fails.
type hearer struct {
	heard []reconcile.Hint
	err   error
}

func (h *hearer) Hear(_ context.Context, hints []reconcile.Hint) error {
	h.heard = append(h.heard, hints...)
	return h.err
}

func TestQuickBooksSaysWhatChanged(t *testing.T) {
	t.Parallel()
	const change = `[{"specversion":"1.0","id":"1","type":"qbo.journalentry.updated.v1","intuitentityid":"12","intuitaccountid":"46","data":{"PrivateNote":"John Smith"}}]`
	const before = `{"eventNotifications":[{"realmId":"46","dataChangeEvent":{"entities":[{"name":"JournalEntry","id":"12","operation":"Update"}]}}]}`
	heard := []reconcile.Hint{{Realm: "46", Entity: "JournalEntry", ID: "12", Operation: "updated"}}
	for name, c := range map[string]struct {
		body, contentType, signature string
		fails                        error
		status                       int
		says                         string
		heard                        []reconcile.Hint
	}{
		"events":                     {body: change, contentType: "application/cloudevents+json", status: 200, says: `{"hints":1}`, heard: heard},
		"a batch, by its own name":   {body: change, contentType: "application/cloudevents-batch+json; charset=utf-8", status: 200, says: `{"hints":1}`, heard: heard},
		"the format before":          {body: before, contentType: "application/json", status: 200, says: `{"hints":1}`, heard: heard},
		"nothing":                    {body: "[]", status: 200, says: `{"hints":0}`},
		"a wrong signature":          {body: change, signature: webhook.SignQuickBooks("another", []byte(change)), status: 401, says: "signature"},
		"unreadable, and not signed": {body: "{", signature: "x", status: 401, says: "signature"},
		"unreadable":                 {body: "{", status: 400, says: "cannot be read"},
		"none of QuickBooks":         {body: `[{"specversion":"1.0","type":"qbo.customer.created.v1"}]`, status: 422, says: "[0].intuitaccountid"},
		"too large":                  {body: "[" + strings.Repeat(" ", 1<<20) + "]", status: 413, says: "1048576"},
		"as large as it may be":      {body: "[" + strings.Repeat(" ", 1<<20-2) + "]", status: 200, says: `{"hints":0}`},
		"not kept":                   {body: change, fails: fault.New(fault.Unavailable, "The store cannot be reached."), status: 503, says: "store", heard: heard},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			watch := logwatch.New(t)
			watch.Secret("verifier token", verifierToken)
			signatures, err := webhook.NewQuickBooks(verifierToken)
			if err != nil {
				t.Fatal(err)
			}
			said, mux := &hearer{err: c.fails}, http.NewServeMux()
			(&httpapi.QuickBooksEvents{Hearer: said, Signatures: signatures, Log: watch.Logger(), NewTrace: func() string { return "trace" }}).Register(mux)
			r := httptest.NewRequest(http.MethodPost, "/v1/quickbooks-events", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			r.Header.Set("Intuit-Signature", webhook.SignQuickBooks(verifierToken, []byte(c.body)))
			if c.signature != "" {
				r.Header.Set("Intuit-Signature", c.signature)
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(c.heard, said.heard); diff != "" {
				t.Error(diff)
			}
			if watch.Lines() != 1 {
				t.Errorf("%d lines", watch.Lines())
			}
		})
	}
}
