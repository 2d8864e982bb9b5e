package console

import (
	"context"
	"net/http"
	"time"

	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/org"
)

// Connector connects an organisation to QuickBooks (grant.Connector).
type Connector interface {
	View(ctx context.Context, org string) (grant.View, error)
	Start(ctx context.Context, p org.Person, browser string, other bool, back string) (address string, ends time.Time, err error)
	Disconnect(ctx context.Context, p org.Person) error
}

// Reads says how many metered reads of QuickBooks were spent in a month.
type Reads interface {
	ReadsOf(ctx context.Context, org, month string) (int, error)
	ReadsSpent(ctx context.Context, month string) (int, error)
}

// Consent is what the pages of the connection need besides its use cases.
type Consent struct {
	Intuit    string // Intuit's page of consent; forms may lead to its host
	PublicURL string // where people's browsers reach us, without a slash at the end; empty: the host that was asked
	Reads     Reads
	Allowance int // reads a month of the whole app
}

func (c *Console) setupRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /console/settings", c.manage(c.settings))
	mux.HandleFunc("POST /console/settings/edit", c.manage(c.editSettings))
	mux.HandleFunc("POST /console/settings/look", c.manage(c.lookAtSettings))
	mux.HandleFunc("POST /console/settings", c.manage(c.saveSettings))
	mux.HandleFunc("GET /console/connection", c.manage(c.consenting(c.connection)))
	mux.HandleFunc("GET /console/connection/other", c.manage(c.consenting(c.askOther)))
	mux.HandleFunc("POST /console/connection/start", c.manage(c.consenting(c.connect)))
	mux.HandleFunc("GET /console/connection/disconnect", c.manage(c.askDisconnect))
	mux.HandleFunc("POST /console/connection/disconnect", c.manage(c.disconnect))
	mux.HandleFunc("GET /console/start", c.manage(c.consenting(c.firstRun)))
}
