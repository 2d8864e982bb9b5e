package cloud

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/passare/qbo-sync/internal/config"
	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/queue"
	"github.com/passare/qbo-sync/internal/secret"
	"github.com/passare/qbo-sync/internal/telemetry"
)

// Process is what a function has of its process.
type Process struct {
	Env func(string) string
	Out io.Writer // log lines and metrics
	Now func() time.Time
}

// product is what every function stands on.
type product struct {
	config.Settings
	account aws.Config
	table   *dynamo.Store
	store   *telemetry.Watched // the same, told of
	log     *slog.Logger
	now     func() time.Time
}

// function is one instance of a function: what it needs is made by its first event.
type function[T any] struct {
	name    string
	process Process
	told    *telemetry.Telemetry
	wire    func(context.Context, product) (T, error)

	mu   sync.Mutex
	made *T
}

func newFunction[T any](name string, p Process, wire func(context.Context, product) (T, error)) *function[T] {
	p.Now = Paced(p.Now)
	told := telemetry.New(telemetry.Options{Out: p.Out, Stage: p.Env("STAGE"), Function: name, Now: p.Now})
	return &function[T]{name: name, process: p, told: told, wire: wire}
}

// ready makes what the function needs, once.
func (f *function[T]) ready(ctx context.Context) (*T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.made != nil {
		return f.made, nil
	}
	made, err := f.make(ctx)
	if err != nil {
		f.told.Log().ErrorContext(ctx, "the function cannot begin", "error", fault.Line(err))
		return nil, fmt.Errorf("cloud.%s: %w", f.name, err)
	}
	f.made = &made
	return f.made, nil
}

func (f *function[T]) make(ctx context.Context) (made T, err error) {
	settings, err := config.Read(f.process.Env, f.name)
	if err != nil {
		return made, err
	}
	account, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return made, fault.Because(err, fault.Internal, "The function has no settings for AWS.")
	}
	table := dynamo.New(dynamodb.NewFromConfig(account), settings.Table)
	return f.wire(ctx, product{
		Settings: settings, account: account, table: table, store: f.told.Watch(table), log: f.told.Log(), now: f.process.Now,
	})
}

func (p product) queue() (*queue.Queue, error) {
	return queue.New(queue.Options{AWS: p.account, URL: p.QueueURL})
}

func (p product) secrets() (*secret.Secrets, error) {
	return secret.New(secret.Options{AWS: p.account, Prefix: p.SecretPrefix})
}

// HTTP answers requests of the HTTP API.
type HTTP = func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// api is a handler as the HTTP API calls it.
type api = *httpadapter.HandlerAdapterV2

func (p product) api(h http.Handler) api { return httpadapter.NewV2(httpapi.Recover(whole(h), p.log)) }

// whole puts a header together again that the adapter has cut at its commas: a webhook's signature has one.
func whole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if len(values) > 1 && name != "Cookie" {
				r.Header[name] = []string{strings.Join(values, ",")}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// serve answers requests by the handler that the function wires.
func serve(f *function[api]) HTTP {
	return func(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		made, err := f.ready(ctx)
		if err != nil {
			return events.APIGatewayV2HTTPResponse{}, err
		}
		return (*made).ProxyWithContext(ctx, r)
	}
}
