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

func (c *Console) setupRoutes(mux *http.ServeMux) {}
