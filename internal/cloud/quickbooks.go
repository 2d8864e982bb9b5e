package cloud

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/secret"
)

// quickBooks is QuickBooks as a function reaches it.
type quickBooks struct {
	client   *qbo.Client
	keeper   *grant.Keeper
	leases   *lease.Taker
	clientID string
	web      *http.Client
}

// app is how Intuit knows us: the secret "app".
type app struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// pace makes a pacer: pacing.ForWorker for the queue's worker, pacing.ForOthers for everybody else.
type pace func(pacing.Store, func() time.Time) *pacing.Pacer

func (p product) quickBooks(ctx context.Context, function string, paced pace) (q quickBooks, err error) {
	secrets, err := p.secrets()
	if err != nil {
		return q, err
	}
	us, err := readApp(ctx, secrets)
	if err != nil {
		return q, err
	}
	q.clientID, q.web = us.ClientID, &http.Client{}
	oauth, err := qbo.NewOAuth(qbo.OAuthOptions{TokenURL: p.TokenURL, RevokeURL: p.RevokeURL, ClientID: us.ClientID, ClientSecret: us.ClientSecret}, q.web, intlog.RequestTimeout)
	if err != nil {
		return q, err
	}
	q.leases = lease.New(p.table, function+"-"+rand.Text(), p.now)
	q.keeper = grant.New(secrets, q.leases, oauth, p.now)
	q.client, err = qbo.New(qbo.Options{
		BaseURL: p.QBOURL, HTTP: q.web, Tokens: q.keeper, Timeout: intlog.RequestTimeout, Now: p.now, Meter: p.table, Pauses: p.table, Pace: paced(p.table, p.now), Allowance: p.MonthlyReads,
	})
	return q, err
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
