package cloud

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/retrying"
)

// connection is an organisation's connection to QuickBooks: for people, and for the night.
type connection struct {
	api       api
	connector *grant.Connector
}

// Connect answers requests of the HTTP API: consent, callback, disconnect. Any other event is the schedule's, each night: what keeps grants alive.
func Connect(p Process) func(context.Context, json.RawMessage) (any, error) {
	f := newFunction("connect", p, wireConnect)
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		made, err := f.ready(ctx)
		if err != nil {
			return nil, err
		}
		var r events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event, &r); err == nil && r.RequestContext.HTTP.Method != "" {
			return made.api.ProxyWithContext(ctx, r)
		}
		if err := made.connector.KeepAlive(ctx); err != nil {
			return nil, fmt.Errorf("cloud.connect: %w", err)
		}
		f.told.GoodNight()
		return nil, nil
	}
}

func wireConnect(ctx context.Context, p product) (connection, error) {
	work, err := p.queue()
	if err != nil {
		return connection{}, err
	}
	books, err := p.quickBooks(ctx, "connect", pacing.ForOthers)
	if err != nil {
		return connection{}, err
	}
	connector := grant.NewConnector(books.keeper, p.store, books.client, retrying.New(p.store, work, p.now), p.now, grant.Options{
		AuthorizeURL: p.AuthorizeURL, ClientID: books.clientID, Random: rand.Text,
	})
	mux := http.NewServeMux()
	consent := &httpapi.Connection{
		Connector: connector, Reads: p.table, Allowance: p.MonthlyReads, Now: p.now, Random: rand.Text, NewTrace: rand.Text, Log: p.log, PublicURL: p.PublicURL,
	}
	calls := p.calls(mux, books)
	consent.Register(calls)
	consent.RegisterCallback(mux)
	return connection{api: p.api(calls.Whole(mux)), connector: connector}, nil
}
