package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/passare/qbo-sync/internal/config"
	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/queue"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/secret"
)

// function is one instance. It is wired by its first event, since starting must touch no network; a wiring that fails is tried again by the next one.
type function struct {
	env func(string) string

	mu        sync.Mutex
	http      *httpadapter.HandlerAdapterV2
	connector *grant.Connector
}

func (f *function) ready(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.connector != nil {
		return nil
	}
	c, err := config.ReadConnect(f.env)
	if err != nil {
		return err
	}
	return f.wire(ctx, c)
}

// app is how Intuit knows us: the secret "app".
type app struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

func (f *function) wire(ctx context.Context, c config.Connect) error {
	account, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return fault.Because(err, fault.Internal, "The function has no settings for AWS.")
	}
	secrets, err := secret.New(secret.Options{AWS: account, Prefix: c.SecretPrefix})
	if err != nil {
		return err
	}
	us, err := readApp(ctx, secrets)
	if err != nil {
		return err
	}
	work, err := queue.New(queue.Options{AWS: account, URL: c.QueueURL})
	if err != nil {
		return err
	}
	web := &http.Client{}
	oauth, err := qbo.NewOAuth(qbo.OAuthOptions{TokenURL: c.TokenURL, RevokeURL: c.RevokeURL, ClientID: us.ClientID, ClientSecret: us.ClientSecret}, web, intlog.RequestTimeout)
	if err != nil {
		return err
	}
	store := dynamo.New(dynamodb.NewFromConfig(account), c.Table)
	keeper := grant.New(secrets, lease.New(store, "connect-"+rand.Text(), time.Now), oauth, time.Now)
	client, err := qbo.New(qbo.Options{
		BaseURL: c.QBOURL, HTTP: web, Tokens: keeper, Timeout: intlog.RequestTimeout, Now: time.Now, Meter: store, Pauses: store, Allowance: c.MonthlyReads,
	})
	if err != nil {
		return err
	}
	f.connector = grant.NewConnector(keeper, store, client, retrying.New(store, work, time.Now), time.Now, grant.Options{
		AuthorizeURL: c.AuthorizeURL, ClientID: us.ClientID, RedirectURL: c.RedirectURL, Random: rand.Text,
	})
	mux := http.NewServeMux()
	(&httpapi.Connection{
		Gate:      httpapi.Gate{People: httpapi.NewOIDC(c.Issuer, c.Audience, web, time.Now), NewTrace: rand.Text},
		Connector: f.connector, Reads: store, Allowance: c.MonthlyReads, Now: time.Now, Random: rand.Text, Log: slog.New(slog.NewJSONHandler(os.Stdout, nil)),
	}).Register(mux)
	f.http = httpadapter.NewV2(mux)
	return nil
}

func readApp(ctx context.Context, secrets *secret.Secrets) (us app, err error) {
	value, _, err := secrets.Get(ctx, "app")
	if err != nil {
		return us, err
	}
	if json.Unmarshal(value, &us) != nil || us.ClientID == "" || us.ClientSecret == "" {
		return us, fault.New(fault.Internal, "The secret of the app at Intuit has no client_id and client_secret.")
	}
	return us, nil
}
