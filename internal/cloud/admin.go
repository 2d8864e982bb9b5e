package cloud

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/passare/qbo-sync/internal/bell"
	"github.com/passare/qbo-sync/internal/console"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/matching"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/posting"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/setup"
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
	planner := posting.New(p.store, nil, matching.New(p.table, nil, nil, p.now), p.now) // it only previews: it has no QuickBooks to ask or to post to
	door := intake.New(p.store, work, p.now)
	desk, reader, pages := review.New(p.store, work, p.now), review.NewReader(p.table, planner, p.now), httpapi.BooksOf(p.QBOURL)
	office := setup.New(p.table, books.client, retrying.New(p.store, work, p.now), p.now)
	(&httpapi.Entries{Desk: desk, Around: reader, Charts: office, Books: pages}).Register(calls)
	(&httpapi.Undos{Desk: desk.Plans(planner)}).Register(calls)
	(&httpapi.Acts{Desk: desk}).Register(calls)
	(&httpapi.Reading{
		Log: reader, Connections: grant.NewViewer(p.table, p.now), Door: door, Planner: planner, Charts: office, Books: pages, Now: p.now,
	}).Register(calls)
	requests, err := p.requests()
	if err != nil {
		return nil, err
	}
	proof := p.proof(reconcile.Options{Queue: work, Requests: requests}, books)
	retrier := retrying.New(p.store, work, p.now)
	relinker := matching.NewRelinker(p.table, books.client, retrier, p.now)
	(&httpapi.Links{Relinker: relinker}).Register(calls)
	(&httpapi.Notifications{Bell: bell.New(p.table, p.now).Digests(proof)}).Register(calls)
	(&httpapi.Setup{Office: office}).Register(calls)
	(&httpapi.Proofs{Reader: proof, Charts: office, Books: pages, Now: p.now}).Register(calls)
	screens, err := console.New(console.Options{
		Desk: desk.Plans(planner), Reader: reader, Bell: bell.New(p.table, p.now).Digests(proof), Charts: office, Office: office, Linked: relinker, Door: door, Proof: proof, People: calls.People,
		Connect:  grant.NewConnector(books.keeper, p.store, books.client, retrier, p.now, grant.Options{AuthorizeURL: p.AuthorizeURL, ClientID: books.clientID, Random: rand.Text}),
		Consent:  console.Consent{Intuit: p.AuthorizeURL, PublicURL: p.PublicURL, Reads: p.table, Allowance: p.MonthlyReads},
		Download: calls.Whole(mux), Books: string(pages),
		Issuer: p.Issuer, ClientID: p.Audience, Web: books.web, Random: rand.Text, Now: p.now, NewTrace: rand.Text, Log: p.log,
	})
	if err != nil {
		return nil, err
	}
	screens.Register(mux)
	httpapi.RegisterProblems(mux)
	httpapi.RegisterDocument(mux)
	httpapi.RegisterHealth(mux)
	return p.api(calls.Whole(mux)), nil
}

// calls lets in who is signed in at the organisation's issuer.
func (p product) calls(mux *http.ServeMux, q quickBooks) *httpapi.API {
	people := httpapi.NewOIDC(p.Issuer, p.Audience, q.web, p.now)
	return httpapi.NewAPI(mux, httpapi.Gate{People: people, Replies: p.table, Now: p.now, NewTrace: rand.Text, Log: p.log})
}
