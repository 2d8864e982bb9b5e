package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/setup"
)

// Office is where an organisation is set up (package setup).
type Office interface {
	Settings(ctx context.Context, org string) (setup.Settings, error)
	ChangeSettings(ctx context.Context, org string, w setup.SettingsWish) (setup.SettingsEffect, error)
	Mapping(ctx context.Context, org string) (setup.Mapping, error)
	SaveMapping(ctx context.Context, org string, w setup.MappingWish) (setup.MappingEffect, error)
	Versions(ctx context.Context, org string, before int64, limit int) ([]org.MappingVersion, bool, error)
	Version(ctx context.Context, org string, version int64) (org.MappingVersion, error)
	MappingProblems(ctx context.Context, org string) (setup.Problems, error)
	Listing(ctx context.Context, org string, list journal.List, refresh bool) (setup.Shown, error)
}

// Setup serves settings, mapping and the lists of QuickBooks that a mapping chooses from.
type Setup struct{ Office Office }

// Register adds the calls.
func (h *Setup) Register(a *API) {
	h.registerSettings(a)
	h.registerMapping(a)
	h.registerLists(a)
}

const settingsTag = "Settings"

func (h *Setup) registerSettings(a *API) {
	register(a, call{
		id: "get-settings", method: http.MethodGet, path: "/v1/settings", tag: settingsTag, needs: org.Manage,
		summary: "The organisation's settings, and who changed which",
		about:   "The newest 100 changes are shown. The ETag is the version of the configuration, which a saved mapping and a new company move, too.",
		fails:   []fault.Code{fault.Disconnected}, answer: exampleSettings(),
	}, h.settings)
	register(a, call{
		id: "change-settings", method: http.MethodPatch, path: "/v1/settings", tag: settingsTag, needs: org.Manage,
		summary: "Changes settings; what is not sent stays",
		about: "Turning auto_sync on while entries wait for review needs `pending`, and turning auto_add_to_exports on while entries are held needs `held`: without it " +
			"409 says how many wait and what the choices mean. What is let go goes at once, up to 1,000 entries; `released.more` says that the rest goes by itself " +
			"within minutes. With `dry_run` nothing is stored, and the answer says what would happen.",
		fails: []fault.Code{fault.Conflict, fault.Stale, fault.Disconnected}, request: settingsBody{AutoSync: new(true), Pending: "sync"}, answer: exampleSettingsSaved(),
	}, h.changeSettings)
}

// SettingsRow is the settings.
type SettingsRow struct {
	AutoSync         bool                `json:"auto_sync" doc:"New entries go to QuickBooks by themselves; otherwise they wait for review."`
	AutoAddToExports bool                `json:"auto_add_to_exports" doc:"New entries of a case do not wait for the button Add to Accounting Export."`
	Exclude          excludeRow          `json:"exclude"`
	CutOver          *string             `json:"cut_over_date" format:"date" doc:"What is dated before it is in the opening balances."`
	ClosedPeriod     string              `json:"closed_period" enum:"hold,first_open_day" doc:"What happens to an entry that is dated in closed books."`
	ReprintPostsPair bool                `json:"reprint_posts_pair" doc:"A check that is reprinted under its number is posted as a void and a new print."`
	TradeCustomer    string              `json:"trade_customer" enum:"decedent,business" doc:"Who the customer of a trade case is."`
	CloseDate        string              `json:"quickbooks_close_date,omitempty" format:"date" doc:"Through when the books are closed in QuickBooks, as last read."`
	Version          int64               `json:"version" doc:"Of the configuration."`
	Changes          []settingsChangeRow `json:"changes" nullable:"false" doc:"Who changed what, newest first, at most 100."`
}

type excludeRow struct {
	Checks bool `json:"checks"`
	Ledger bool `json:"ledger"`
}

type settingsChangeRow struct {
	At     time.Time     `json:"at"`
	Who    string        `json:"who"`
	Fields []org.Changed `json:"fields" nullable:"false"`
}

func settingsRowOf(s setup.Settings) SettingsRow {
	x := s.Settings
	row := SettingsRow{
		AutoSync: x.AutoSync, AutoAddToExports: x.AutoAddToExports, Exclude: excludeRow{x.ExcludeChecks, x.ExcludeLedger}, ClosedPeriod: string(x.ClosedPeriod),
		ReprintPostsPair: x.ReprintPostsPair, TradeCustomer: string(x.TradeCustomer), CloseDate: string(s.CloseDate), Version: s.Version, Changes: []settingsChangeRow{},
	}
	if x.CutOver != "" {
		row.CutOver = new(string(x.CutOver))
	}
	for _, c := range s.Changes {
		row.Changes = append(row.Changes, settingsChangeRow{At: c.At, Who: c.Who, Fields: append([]org.Changed{}, c.Fields...)})
	}
	return row
}

type settingsOutput struct {
	ETag string `header:"ETag"`
	Body SettingsRow
}

func (h *Setup) settings(ctx context.Context, p org.Person, _ *struct{}) (*settingsOutput, error) {
	s, err := h.Office.Settings(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	return &settingsOutput{ETag: tag(s.Version), Body: settingsRowOf(s)}, nil
}

type settingsInput struct {
	Conditional
	Body settingsBody
}

type settingsBody struct {
	AutoSync         *bool        `json:"auto_sync,omitempty"`
	AutoAddToExports *bool        `json:"auto_add_to_exports,omitempty"`
	Exclude          *excludeBody `json:"exclude,omitempty"`
	CutOver          dateOrNone   `json:"cut_over_date,omitzero" doc:"null: there is none."`
	ClosedPeriod     *string      `json:"closed_period,omitempty" enum:"hold,first_open_day"`
	ReprintPostsPair *bool        `json:"reprint_posts_pair,omitempty"`
	TradeCustomer    *string      `json:"trade_customer,omitempty" enum:"decedent,business"`
	Pending          string       `json:"pending,omitempty" enum:"sync,leave" doc:"What becomes of the entries that wait for review."`
	Held             string       `json:"held,omitempty" enum:"release,leave" doc:"What becomes of the entries that wait for Add to Accounting Export."`
	DryRun           bool         `json:"dry_run,omitempty" doc:"Only say what would happen."`
}

type excludeBody struct {
	Checks *bool `json:"checks,omitempty"`
	Ledger *bool `json:"ledger,omitempty"`
}

// dateOrNone is a date, null for none, or not sent.
type dateOrNone struct {
	sent  bool
	value string
}

// UnmarshalJSON reads it; it is not called for what was not sent.
func (d *dateOrNone) UnmarshalJSON(raw []byte) error {
	d.sent = true
	if string(raw) == "null" {
		return nil
	}
	return json.Unmarshal(raw, &d.value)
}

// MarshalJSON writes it, for examples.
func (d dateOrNone) MarshalJSON() ([]byte, error) { return json.Marshal(d.value) }

// Schema describes it.
func (dateOrNone) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date", Nullable: true, Examples: []any{"2026-01-01"}}
}

// wish is the settings that the body wants.
func (b settingsBody) wish() setup.SettingsWish {
	w := setup.SettingsWish{
		AutoSync: b.AutoSync, AutoAddToExports: b.AutoAddToExports, ClosedPeriod: b.ClosedPeriod, ReprintPostsPair: b.ReprintPostsPair, TradeCustomer: b.TradeCustomer,
		Pending: setup.Choice(b.Pending), Held: setup.Choice(b.Held), DryRun: b.DryRun,
	}
	if b.Exclude != nil {
		w.ExcludeChecks, w.ExcludeLedger = b.Exclude.Checks, b.Exclude.Ledger
	}
	if b.CutOver.sent {
		w.CutOver = &b.CutOver.value
	}
	return w
}

type settingsSavedOutput struct {
	ETag string `header:"ETag"`
	Body settingsSaved
}

type settingsSaved struct {
	SettingsRow
	Stored bool           `json:"stored" doc:"false: a dry run, or nothing changed."`
	Effect settingsEffect `json:"effect"`
}

type settingsEffect struct {
	Changed  []org.Changed `json:"changed" nullable:"false"`
	Pending  WaitingRow    `json:"pending" doc:"Waited for review before the change."`
	Held     WaitingRow    `json:"held" doc:"Waited for Add to Accounting Export before the change."`
	Retried  WaitingRow    `json:"failed" doc:"Had failed for something that settings or mapping may put right."`
	Released releasedRow   `json:"released"`
	Says     []string      `json:"says" nullable:"false" doc:"What it means, in plain sentences."`
}

// WaitingRow is how many entries wait, and what they come to.
type WaitingRow struct {
	Entries int    `json:"entries"`
	Amount  string `json:"amount"`
	More    bool   `json:"more,omitempty" doc:"There are more than were counted."`
}

func waitingRowOf(w setup.Waiting) WaitingRow {
	return WaitingRow{Entries: w.Entries, Amount: w.Amount.String(), More: w.More}
}

// releasedRow is what a change let go at once.
type releasedRow struct {
	Failed  int  `json:"failed" doc:"Entries that had failed, and are tried again."`
	Pending int  `json:"pending" doc:"Entries that waited for review."`
	Held    int  `json:"held" doc:"Entries that waited for Add to Accounting Export."`
	More    bool `json:"more" doc:"The rest goes by itself within minutes."`
}

func releasedRowOf(s retrying.Saved) releasedRow {
	return releasedRow{Failed: s.Failed, Pending: s.Pending, Held: s.Held, More: s.More}
}

func (h *Setup) changeSettings(ctx context.Context, p org.Person, in *settingsInput) (*settingsSavedOutput, error) {
	wish := in.Body.wish()
	wish.Who = p.Name
	var err error
	if wish.IfVersion, err = in.rev(); err != nil {
		return nil, err
	}
	e, err := h.Office.ChangeSettings(ctx, p.Org, wish)
	if err != nil {
		return nil, err
	}
	return &settingsSavedOutput{ETag: tag(e.Version), Body: settingsSaved{
		SettingsRow: settingsRowOf(e.Settings), Stored: e.Stored,
		Effect: settingsEffect{
			Changed: append([]org.Changed{}, e.Fields...), Pending: waitingRowOf(e.Pending), Held: waitingRowOf(e.Held), Retried: waitingRowOf(e.Retried),
			Released: releasedRowOf(e.Freed), Says: append([]string{}, e.Says...),
		},
	}}, nil
}

func exampleSettings() SettingsRow {
	return SettingsRow{
		AutoSync: true, AutoAddToExports: true, CutOver: new("2026-01-01"), ClosedPeriod: string(org.HoldClosed), TradeCustomer: string(org.ByDecedent), Version: 7,
		Changes: []settingsChangeRow{{At: *exampleAt(), Who: "Ana Diaz", Fields: []org.Changed{{Field: "auto_sync", From: "false", To: "true"}, {Field: "pending", To: "sync"}}}},
	}
}

func exampleSettingsSaved() settingsSaved {
	waited := WaitingRow{Entries: 14, Amount: "3120.00"}
	return settingsSaved{SettingsRow: exampleSettings(), Stored: true, Effect: settingsEffect{
		Changed: []org.Changed{{Field: "auto_sync", From: "false", To: "true"}}, Pending: waited, Held: WaitingRow{Amount: "0.00"}, Retried: WaitingRow{Amount: "0.00"},
		Released: releasedRow{Pending: 14},
		Says: []string{
			"New entries go to QuickBooks by themselves.", "14 entries ($3,120.00) that wait for review go to QuickBooks now.", "What is in QuickBooks already stays as it is.",
		},
	}}
}
