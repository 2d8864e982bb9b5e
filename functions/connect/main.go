// Command connect is the function of an organisation's connection to QuickBooks: consent, callback, disconnect; and, once a day, by a schedule, what
// keeps grants alive.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	f := &function{env: os.Getenv}
	lambda.Start(f.handle)
}

// handle answers one event: a request of the HTTP API, or else the schedule's.
func (f *function) handle(ctx context.Context, event json.RawMessage) (any, error) {
	if err := f.ready(ctx); err != nil {
		return nil, fmt.Errorf("connect.handle: %w", err)
	}
	var r events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &r); err == nil && r.RequestContext.HTTP.Method != "" {
		return f.http.ProxyWithContext(ctx, r)
	}
	return nil, f.connector.KeepAlive(ctx)
}
