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
	gate := p.gate(books)
	mux := http.NewServeMux()
	(&httpapi.Entries{Gate: gate, Desk: review.New(p.store, work, p.now)}).Register(mux)
	(&httpapi.Links{Gate: gate, Relinker: matching.NewRelinker(p.table, books.client, retrying.New(p.store, work, p.now), p.now)}).Register(mux)
	httpapi.RegisterProblems(mux)
	httpapi.RegisterHealth(mux)
	return p.api(mux), nil
}

// gate lets in who is signed in at the organisation's issuer.
func (p product) gate(q quickBooks) httpapi.Gate {
	return httpapi.Gate{People: httpapi.NewOIDC(p.Issuer, p.Audience, q.web, p.now), NewTrace: rand.Text}
}
