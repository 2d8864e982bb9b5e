package setup

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/retrying"
)

// Settings are an organisation's settings as people see them.
type Settings struct {
	Settings  org.Settings // choices that nobody made are the defaults
	CloseDate date.Date    // of QuickBooks, as last read
	Version   int64        // of the configuration
	Changes   []org.SettingsChange
}

// MaxChanges is how many changes of settings are shown.
const MaxChanges = 100

// Choice is what a person wants of entries that wait when a switch lets new ones go.
type Choice string

// The choices: Sync is for what waits for review, Release for what waits for Add to Accounting Export.
const (
	Sync    Choice = "sync"
	Release Choice = "release"
	Leave   Choice = "leave"
)

// SettingsWish is what a person wants of the settings. What is nil stays.
type SettingsWish struct {
	AutoSync         *bool
	AutoAddToExports *bool
	ExcludeChecks    *bool
	ExcludeLedger    *bool
	CutOver          *string // YYYY-MM-DD; empty: none
	ClosedPeriod     *string
	ReprintPostsPair *bool
	TradeCustomer    *string
	Pending          Choice // of what waits for review: needed when auto-sync is turned on while some do; empty: not said
	Held             Choice // of what waits for Add to Accounting Export: the same for auto_add_to_exports

	IfVersion *int64 // the version that the person saw; nil: whatever it is
	Who       string
	DryRun    bool // only say what it would do
}

// SettingsEffect is what a change of settings does, or would do.
type SettingsEffect struct {
	Settings
	Stored  bool
	Fields  []org.Changed
	Pending Waiting        // wait for review, before the change
	Held    Waiting        // wait for Add to Accounting Export, before the change
	Retried Waiting        // failed for something that settings may put right, and are tried again
	Freed   retrying.Saved // what was let go by this call
	Says    []string       // what it means, in plain sentences
}

// Settings shows an organisation's settings. Errors: fault.Disconnected.
func (o *Office) Settings(ctx context.Context, id string) (Settings, error) {
	config, err := o.config(ctx, id)
	if err != nil {
		return Settings{}, fmt.Errorf("setup.Settings: %w", err)
	}
	s, err := o.shown(ctx, config)
	if err != nil {
		return Settings{}, fmt.Errorf("setup.Settings: %w", err)
	}
	return s, nil
}

func (o *Office) shown(ctx context.Context, c org.Config) (Settings, error) {
	changes, err := o.store.SettingsChanges(ctx, c.Org, MaxChanges)
	return Settings{Settings: chosen(c.Settings), CloseDate: c.CloseDate, Version: c.Version, Changes: changes}, err
}

// chosen has the defaults in the place of choices that nobody made.
func chosen(s org.Settings) org.Settings {
	if s.ClosedPeriod == "" {
		s.ClosedPeriod = org.HoldClosed
	}
	if s.TradeCustomer == "" {
		s.TradeCustomer = org.ByDecedent
	}
	return s
}

// ChangeSettings changes settings, keeps who did it and what they were before, and lets go what waited for them. Turning auto-sync on, or automatic add to
// accounting exports, asks what becomes of the entries that wait. Asking for Sync or Release again, while the switch is on, goes on with what is left.
//
// Errors: fault.Invalid with every wrong field; fault.Conflict when a choice is missing, saying how many wait and what the choices mean; fault.Stale;
// fault.Disconnected.
func (o *Office) ChangeSettings(ctx context.Context, id string, w SettingsWish) (SettingsEffect, error) {
	for range maxTries {
		effect, err := o.changeSettings(ctx, id, w)
		if fault.Is(err, errOvertaken) {
			continue
		}
		if err != nil {
			return effect, fmt.Errorf("setup.ChangeSettings: %w", err)
		}
		return effect, nil
	}
	return SettingsEffect{}, fmt.Errorf("setup.ChangeSettings: %w", fault.New(fault.Unavailable, "The settings are being changed by others. Try again in a moment."))
}

// errOvertaken is a change that others were faster with; it is made anew of what is there now.
const errOvertaken fault.Code = "overtaken"

func (o *Office) changeSettings(ctx context.Context, id string, w SettingsWish) (effect SettingsEffect, err error) {
	config, err := o.config(ctx, id)
	if err != nil {
		return effect, err
	}
	if w.IfVersion != nil && *w.IfVersion != config.Version {
		return effect, stale("settings")
	}
	next, wrong := w.of(chosen(config.Settings))
	if wrong != nil {
		return effect, &fault.Error{Code: fault.Invalid, Message: "These settings cannot be saved.", Fields: wrong}
	}
	if effect, err = o.effect(ctx, config, next); err != nil {
		return effect, err
	}
	missing := effect.missing(w, chosen(config.Settings), next)
	effect.Says = effect.sentences(w, next)
	if w.DryRun {
		effect.Settings.Settings = next
		return effect, nil
	}
	if missing != nil {
		return effect, missing
	}
	freeing := w.freeing(next, o.now())
	if len(effect.Fields) == 0 && freeing == nil {
		return effect, nil
	}
	config.Settings, config.Freeing = next, together(config.Freeing, freeing)
	err = o.saveSettings(ctx, config, w, &effect)
	return effect, err
}

// together is what was asked to be let go before and is not done, with what is asked now.
func together(before, now *org.Freeing) *org.Freeing {
	if before == nil || now == nil {
		return cmp.Or(now, before)
	}
	both := *now
	both.Pending, both.Held = now.Pending || before.Pending, now.Held || before.Held
	return &both
}

func (o *Office) saveSettings(ctx context.Context, config org.Config, w SettingsWish, effect *SettingsEffect) error {
	kept := org.SettingsChange{Version: config.Version + 1, At: o.now(), Who: w.Who, Fields: slices.Clone(effect.Fields)}
	for field, choice := range map[string]Choice{"pending": w.Pending, "held": w.Held} {
		if choice != "" {
			kept.Fields = append(kept.Fields, org.Changed{Field: field, To: string(choice)})
		}
	}
	slices.SortFunc(kept.Fields, func(a, b org.Changed) int { return strings.Compare(a.Field, b.Field) })
	saved, err := o.saver.Save(ctx, config, config.Version, org.Kept{Settings: []org.SettingsChange{kept}})
	if fault.Is(err, fault.Conflict) {
		return overtaken(w.IfVersion, "settings")
	}
	if err != nil {
		return err
	}
	effect.Stored, effect.Freed = true, saved
	effect.Settings, err = o.shown(ctx, saved.Config)
	return err
}

// overtaken is what a change is answered that others were faster with: who changes what they saw looks again; otherwise it is made anew.
func overtaken(ifVersion *int64, what string) error {
	if ifVersion != nil {
		return stale(what)
	}
	return fault.New(errOvertaken, "Somebody changed the %s at the same time.", what)
}

// of is the settings as the person wants them, and every wrong field.
func (w SettingsWish) of(s org.Settings) (next org.Settings, wrong []fault.Field) {
	next = s
	for _, s := range []struct{ wish, at *bool }{
		{w.AutoSync, &next.AutoSync},
		{w.AutoAddToExports, &next.AutoAddToExports},
		{w.ExcludeChecks, &next.ExcludeChecks},
		{w.ExcludeLedger, &next.ExcludeLedger},
		{w.ReprintPostsPair, &next.ReprintPostsPair},
	} {
		if s.wish != nil {
			*s.at = *s.wish
		}
	}
	choose := func(field string, wish *string, choices ...string) (string, bool) {
		if wish == nil {
			return "", false
		}
		if !slices.Contains(choices, *wish) {
			wrong = append(wrong, fault.Field{Field: field, Value: *wish, Problem: "must be one of: " + strings.Join(choices, ", ")})
			return "", false
		}
		return *wish, true
	}
	if w.CutOver != nil {
		next.CutOver = date.Date(*w.CutOver)
		if _, err := date.Parse(*w.CutOver); err != nil && *w.CutOver != "" {
			wrong = append(wrong, fault.Field{Field: "cut_over_date", Value: *w.CutOver, Problem: err.Error() + "; empty for none"})
		}
	}
	if x, ok := choose("closed_period", w.ClosedPeriod, string(org.HoldClosed), string(org.FirstOpenDay)); ok {
		next.ClosedPeriod = org.ClosedPeriod(x)
	}
	if x, ok := choose("trade_customer", w.TradeCustomer, string(org.ByDecedent), string(org.ByBusiness)); ok {
		next.TradeCustomer = org.TradeCustomer(x)
	}
	pending, held := string(w.Pending), string(w.Held)
	choose("pending", &pending, "", string(Sync), string(Leave))
	choose("held", &held, "", string(Release), string(Leave))
	if w.Pending == Sync && !next.AutoSync {
		wrong = append(wrong, fault.Field{Field: "pending", Value: pending, Problem: "goes with auto_sync on; select entries in the Integration log to sync them without it"})
	}
	if w.Held == Release && !next.AutoAddToExports {
		wrong = append(wrong, fault.Field{Field: "held", Value: held, Problem: "goes with auto_add_to_exports on"})
	}
	return next, wrong
}

// effect says what changes, and what waits.
func (o *Office) effect(ctx context.Context, c org.Config, next org.Settings) (effect SettingsEffect, err error) {
	if effect.Settings, err = o.shown(ctx, c); err != nil {
		return effect, err
	}
	effect.Fields = settingsChanged(effect.Settings.Settings, next)
	if effect.Pending, err = o.count(ctx, c.Org, intlog.Pending); err != nil {
		return effect, err
	}
	if effect.Held, err = o.count(ctx, c.Org, intlog.Held); err != nil {
		return effect, err
	}
	effect.Retried.More, err = o.look(ctx, c.Org, intlog.Failed.Tab(), MaxLooked, func(e intlog.Entry) {
		if e.State == intlog.Failed && slices.ContainsFunc(e.Cause, retrying.FreedBySaving) {
			effect.Retried.add(e)
		}
	})
	return effect, err
}

// settingsChanged lists what differs between settings.
func settingsChanged(a, b org.Settings) []org.Changed {
	changed := []org.Changed{}
	add := func(field, from, to string) {
		if from != to {
			changed = append(changed, org.Changed{Field: field, From: from, To: to})
		}
	}
	add("auto_sync", strconv.FormatBool(a.AutoSync), strconv.FormatBool(b.AutoSync))
	add("auto_add_to_exports", strconv.FormatBool(a.AutoAddToExports), strconv.FormatBool(b.AutoAddToExports))
	add("exclude.checks", strconv.FormatBool(a.ExcludeChecks), strconv.FormatBool(b.ExcludeChecks))
	add("exclude.ledger", strconv.FormatBool(a.ExcludeLedger), strconv.FormatBool(b.ExcludeLedger))
	add("cut_over_date", string(a.CutOver), string(b.CutOver))
	add("closed_period", string(a.ClosedPeriod), string(b.ClosedPeriod))
	add("reprint_posts_pair", strconv.FormatBool(a.ReprintPostsPair), strconv.FormatBool(b.ReprintPostsPair))
	add("trade_customer", string(a.TradeCustomer), string(b.TradeCustomer))
	return changed
}

// missing asks for the choices that the person has to make, all at once, or is nil.
func (e SettingsEffect) missing(w SettingsWish, from, to org.Settings) error {
	f := &fault.Error{Code: fault.Conflict}
	if to.AutoSync && !from.AutoSync && w.Pending == "" && e.Pending.Entries > 0 {
		f.Fields = append(f.Fields, fault.Field{Field: "pending", Problem: fmt.Sprintf(
			"%s %s for review. Choose: sync (they go to QuickBooks now) or leave (they stay under Pending transactions until somebody syncs or deletes them).",
			e.Pending, e.Pending.verb("waits", "wait"))})
	}
	if to.AutoAddToExports && !from.AutoAddToExports && w.Held == "" && e.Held.Entries > 0 {
		f.Fields = append(f.Fields, fault.Field{Field: "held", Problem: fmt.Sprintf(
			"%s %s for Add to Accounting Export. Choose: release (they go on now, %s) or leave (each stays held until somebody clicks the button on its page of the case).",
			e.Held, e.Held.verb("waits", "wait"), onwards(to))})
	}
	if f.Fields == nil {
		return nil
	}
	said := make([]string, len(f.Fields))
	for i, field := range f.Fields {
		said[i] = field.Problem
	}
	f.Message = "Nothing was changed yet. " + strings.Join(said, " ")
	return f
}

// onwards is where an entry goes that nothing holds.
func onwards(s org.Settings) string {
	if s.AutoSync {
		return "to QuickBooks"
	}
	return "to Pending transactions for review"
}

// freeing is what the person asks to be let go, or nil. A race with the switch is included: what was stored by somebody who had read it as off.
func (w SettingsWish) freeing(next org.Settings, now time.Time) *org.Freeing {
	f := org.Freeing{Pending: w.Pending == Sync && next.AutoSync, Held: w.Held == Release && next.AutoAddToExports, Before: now.Add(intlog.SweepSoon), By: w.Who}
	if !f.Pending && !f.Held {
		return nil
	}
	return &f
}

// sentences say what the change means.
func (e SettingsEffect) sentences(w SettingsWish, next org.Settings) []string {
	says := []string{}
	add := func(format string, args ...any) { says = append(says, fmt.Sprintf(format, args...)) }
	for _, c := range e.Fields {
		add("%s", meaning(c, next))
	}
	if w.Pending == Sync && e.Pending.Entries > 0 {
		add("%s that %s for review %s to QuickBooks now.", e.Pending, e.Pending.verb("waits", "wait"), e.Pending.verb("goes", "go"))
	}
	if w.Pending == Leave && e.Pending.Entries > 0 {
		add("%s %s under Pending transactions until somebody syncs or deletes them.", e.Pending, e.Pending.verb("stays", "stay"))
	}
	if w.Held == Release && e.Held.Entries > 0 {
		add("%s that %s for Add to Accounting Export %s on, %s.", e.Held, e.Held.verb("waits", "wait"), e.Held.verb("goes", "go"), onwards(next))
	}
	if w.Held == Leave && e.Held.Entries > 0 {
		add("%s %s held until somebody clicks Add to Accounting Export.", e.Held, e.Held.verb("stays", "stay"))
	}
	if len(e.Fields) > 0 && e.Retried.Entries > 0 {
		add("%s that failed for settings, mapping, connection, an account or a closed period %s tried again.", e.Retried, e.Retried.verb("is", "are"))
	}
	if len(e.Fields) > 0 {
		add("What is in QuickBooks already stays as it is.")
	}
	return says
}

// meaning is what a changed setting does to entries from now on.
func meaning(c org.Changed, next org.Settings) string {
	on := c.To == "true"
	pick := func(whenOn, whenOff string) string {
		if on {
			return whenOn
		}
		return whenOff
	}
	switch c.Field {
	case "auto_sync":
		return pick("New entries go to QuickBooks by themselves.",
			"New entries wait under Pending transactions until somebody syncs them. What is on its way already goes on.")
	case "auto_add_to_exports":
		return pick("New entries of a case go on without the button Add to Accounting Export.",
			"New entries of a case wait until somebody clicks Add to Accounting Export on its page; checks, batches, the ledger, ACH settlements and returns do not.")
	case "exclude.checks":
		return pick("New checks are kept in the log and not posted. Corrections of what was posted go on.",
			"New checks are posted. Those that were left out stay so.")
	case "exclude.ledger":
		return pick("New ledger transactions are kept in the log and not posted. Corrections of what was posted go on.",
			"New ledger transactions are posted. Those that were left out stay so.")
	case "cut_over_date":
		if next.CutOver == "" {
			return "There is no cut-over date: records of any date are posted."
		}
		return "What is dated before " + next.CutOver.Short() + " is in the opening balances and is not posted; a record of which a part is before it may ask for a choice."
	case "closed_period":
		if next.ClosedPeriod == org.FirstOpenDay {
			return "An entry dated in closed books is posted on the first open day, and says so."
		}
		return "An entry dated in closed books waits under Sync errors."
	case "reprint_posts_pair":
		return pick("A check that is reprinted with the same number is posted as a void and a new print.", "A check that is reprinted unchanged with the same number posts nothing.")
	case "trade_customer":
		if next.TradeCustomer == org.ByBusiness {
			return "The customer of a new trade case is the purchaser's business."
		}
		return "The customer of a new trade case is the decedent."
	}
	return ""
}
