package console

import (
	"context"
	"net/http"

	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/setup"
)

// Office is where an organisation is set up (setup.Office).
type Office interface {
	Charts
	Listing(ctx context.Context, org string, list journal.List, refresh bool) (setup.Shown, error)
	Mapping(ctx context.Context, org string) (setup.Mapping, error)
	Versions(ctx context.Context, org string, before int64, limit int) ([]org.MappingVersion, bool, error)
	Version(ctx context.Context, org string, version int64) (org.MappingVersion, error)
	SaveMapping(ctx context.Context, org string, w setup.MappingWish) (setup.MappingEffect, error)
	MappingProblems(ctx context.Context, org string) (setup.Problems, error)
	Settings(ctx context.Context, org string) (setup.Settings, error)
	ChangeSettings(ctx context.Context, org string, w setup.SettingsWish) (setup.SettingsEffect, error)
}

func (c *Console) mappingRoutes(mux *http.ServeMux) {}
