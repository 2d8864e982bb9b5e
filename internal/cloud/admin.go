package cloud

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/passare/qbo-sync/internal/bell"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/posting"
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
	(&httpapi.Entries{Desk: review.New(p.store, work, p.now)}).Register(calls)
	planner := posting.New(p.store, books.client, matching.New(p.table, books.client, books.leases, p.now), p.now)
	(&httpapi.Undos{Desk: review.New(p.store, work, p.now).Plans(planner)}).Register(calls)
	(&httpapi.Links{Relinker: matching.NewRelinker(p.table, books.client, retrying.New(p.store, work, p.now), p.now)}).Register(calls)
	(&httpapi.Notifications{Bell: bell.New(p.table, p.now)}).Register(calls)
	httpapi.RegisterProblems(mux)
	httpapi.RegisterDocument(mux)
	httpapi.RegisterHealth(mux)
	return p.api(httpapi.Whole(mux, rand.Text)), nil
}

// calls lets in who is signed in at the organisation's issuer.
func (p product) calls(mux *http.ServeMux, q quickBooks) *httpapi.API {
	people := httpapi.NewOIDC(p.Issuer, p.Audience, q.web, p.now)
	return httpapi.NewAPI(mux, httpapi.Gate{People: people, Replies: p.table, Now: p.now, NewTrace: rand.Text, Log: p.log})
}
