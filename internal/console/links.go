package console

import (
	"context"
	"net/http"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/matching"
)

// Relinker lets people see and change which customer or vendor a case or a business is (package matching).
type Relinker interface {
	List(ctx context.Context, org string, kind journal.NameKind, after string, limit int) (links []intlog.Link, more bool, err error)
	Relink(ctx context.Context, org string, c matching.Change) (link intlog.Link, released int, err error)
}

func (c *Console) linkRoutes(mux *http.ServeMux) {}
