package cloud

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/review"
)

// Admin is the Integration log and the links as people see and change them.
func Admin(p Process) HTTP { return serve(newFunction("admin", p, wireAdmin)) }

func wireAdmin(ctx context.Context, p product) (api, error) {
	work, err := p.queue()
	if err != nil {
		return nil, err
	}
	books, err := p.quickBooks(ctx, "admin", pacing.ForOthers)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	calls := p.calls(mux, books)
	desk := review.New(p.store, work, p.now)
	(&httpapi.Entries{Desk: desk}).Register(calls)
	(&httpapi.Acts{Desk: desk}).Register(calls)
	(&httpapi.Links{Relinker: matching.NewRelinker(p.table, books.client, retrying.New(p.store, work, p.now), p.now)}).Register(calls)
	httpapi.RegisterProblems(mux)
	httpapi.RegisterDocument(mux)
	httpapi.RegisterHealth(mux)
	return p.api(httpapi.Whole(mux, rand.Text)), nil
}

// calls lets in who is signed in at the organisation's issuer.
func (p product) calls(mux *http.ServeMux, q quickBooks) *httpapi.API {
	return httpapi.NewAPI(mux, httpapi.Gate{People: httpapi.NewOIDC(p.Issuer, p.Audience, q.web, p.now), NewTrace: rand.Text, Log: p.log})
}
