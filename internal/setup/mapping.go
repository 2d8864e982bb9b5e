package setup

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/rules"
)

// Mapping is an organisation's mapping as people see it.
type Mapping struct {
	Mapping org.Mapping
	Saved   org.MappingVersion // when and by whom, as far as it is kept
	Known   Known
	Names   Names
	AsOf    time.Time // of the names; zero: there are none
	Note    string
}

// Mapping shows an organisation's mapping, with the names that QuickBooks had for it when its lists were last read. Errors: fault.Disconnected.
func (o *Office) Mapping(ctx context.Context, id string) (Mapping, error) {
	m, err := o.mapping(ctx, id)
	if err != nil {
		return m, fmt.Errorf("setup.Mapping: %w", err)
	}
	return m, nil
}

func (o *Office) mapping(ctx context.Context, id string) (m Mapping, err error) {
	config, err := o.config(ctx, id)
	if err != nil {
		return m, err
	}
	m.Mapping = config.Mapping
	if m.Saved, _, err = o.store.MappingVersion(ctx, config.Company(), config.Mapping.Version); err != nil {
		return m, err
	}
	if m.Known, err = o.known(ctx, id); err != nil {
		return m, err
	}
	x, err := o.chart(ctx, config, time.Time{}, config.Mapping)
	if err != nil && !unasked(err) {
		return m, err
	}
	m.Names, m.AsOf, m.Note = x.names(config.Mapping), x.asOf, x.note
	return m, nil
}

// MaxVersions is how many versions of a mapping a page may have.
const MaxVersions = 200

// Versions lists the versions of the mapping of the company that the organisation is connected to, newest first, before one (0: from the newest), and
// whether there are more. Errors: fault.Invalid, fault.Disconnected.
func (o *Office) Versions(ctx context.Context, id string, before int64, limit int) ([]org.MappingVersion, bool, error) {
	if limit < 1 || limit > MaxVersions || before < 0 {
		return nil, false, fmt.Errorf("setup.Versions: %w", &fault.Error{
			Code: fault.Invalid, Message: "This list cannot be shown.",
			Fields: []fault.Field{{Field: "limit", Value: fmt.Sprint(limit), Problem: fmt.Sprintf("must be 1 to %d", MaxVersions)}},
		})
	}
	config, err := o.config(ctx, id)
	if err != nil {
		return nil, false, fmt.Errorf("setup.Versions: %w", err)
	}
	list, err := o.store.MappingVersions(ctx, config.Company(), before, limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("setup.Versions: %w", err)
	}
	return list[:min(len(list), limit)], len(list) > limit, nil
}

// Version reads one version of the mapping of that company, which can be saved again. Errors: fault.NotFound, fault.Disconnected.
func (o *Office) Version(ctx context.Context, id string, version int64) (org.MappingVersion, error) {
	config, err := o.config(ctx, id)
	if err != nil {
		return org.MappingVersion{}, fmt.Errorf("setup.Version: %w", err)
	}
	m, found, err := o.store.MappingVersion(ctx, config.Company(), version)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "There is no version %d of the mapping for this QuickBooks company.", version)
	}
	if err != nil {
		return m, fmt.Errorf("setup.Version: %w", err)
	}
	return m, nil
}

// MappingWish is the mapping that a person wants, whole: what is not in it is not mapped any more.
type MappingWish struct {
	Mapping   org.Mapping // its Version is not looked at
	IfVersion *int64      // the version that the person saw; nil: whatever it is
	Who       string
	DryRun    bool // only say what it would do
}

// MappingEffect is what a change of the mapping does, or would do.
type MappingEffect struct {
	Mapping
	Stored  bool
	Current int64 // the version that is stored now
	Changes []org.Changed
	Going   Waiting        // wait for nothing but what is mapped now, and go
	Staying Waiting        // wait for a mapping, and still do
	Freed   retrying.Saved // what was let go by this call
	Says    []string       // what it means, in plain sentences
}

// SaveMapping checks a mapping by every rule of ../rules/accounting.md §2, stores it as a new version that says who changed what, and lets go what waited for
// it. What is in QuickBooks already keeps its accounts (§1.6). Errors: fault.Invalid with every wrong field; fault.Stale; fault.Disconnected, and whatever
// else QuickBooks answers when its lists were never read.
func (o *Office) SaveMapping(ctx context.Context, id string, w MappingWish) (MappingEffect, error) {
	for range maxTries {
		effect, err := o.saveMapping(ctx, id, w)
		if fault.Is(err, errOvertaken) {
			continue
		}
		if err != nil {
			return effect, fmt.Errorf("setup.SaveMapping: %w", err)
		}
		return effect, nil
	}
	return MappingEffect{}, fmt.Errorf("setup.SaveMapping: %w", fault.New(fault.Unavailable, "The mapping is being changed by others. Try again in a moment."))
}

func (o *Office) saveMapping(ctx context.Context, id string, w MappingWish) (effect MappingEffect, err error) {
	config, err := o.config(ctx, id)
	if err != nil {
		return effect, err
	}
	if w.IfVersion != nil && *w.IfVersion != config.Mapping.Version {
		return effect, stale("mapping")
	}
	next := tidy(w.Mapping)
	next.Version = config.Mapping.Version + 1
	oldest := o.now() // what is stored is checked by what QuickBooks has now
	if w.DryRun {
		oldest = oldest.Add(-freshFor)
	}
	x, err := o.chart(ctx, config, oldest, config.Mapping, next)
	if err != nil {
		return effect, err
	}
	if effect.Known, err = o.known(ctx, id); err != nil {
		return effect, err
	}
	if wrong := (checking{next, x, effect.Known}).all(); wrong != nil {
		return effect, &fault.Error{Code: fault.Invalid, Message: "This mapping cannot be saved.", Fields: wrong}
	}
	if effect, err = o.mappingEffect(ctx, config, next, x, effect.Known); err != nil || w.DryRun {
		return effect, err
	}
	if len(effect.Changes) == 0 {
		return o.unchanged(ctx, config, effect)
	}
	err = o.storeMapping(ctx, config, next, w, &effect)
	return effect, err
}

// unchanged answers a save that changes nothing: it stores nothing.
func (o *Office) unchanged(ctx context.Context, config org.Config, effect MappingEffect) (MappingEffect, error) {
	var err error
	effect.Mapping.Mapping = config.Mapping
	effect.Saved, _, err = o.store.MappingVersion(ctx, config.Company(), config.Mapping.Version)
	return effect, err
}

// storeMapping stores the mapping. A race for the configuration is lost only to another mapping or company: whatever else changed meanwhile is let stand.
func (o *Office) storeMapping(ctx context.Context, config org.Config, next org.Mapping, w MappingWish, effect *MappingEffect) error {
	kept, err := o.keptBefore(ctx, config)
	if err != nil {
		return err
	}
	version := org.MappingVersion{Mapping: next, At: o.now(), Who: w.Who, Changes: effect.Changes}
	config.Mapping = next
	saved, err := o.saver.Save(ctx, config, config.Version, org.Kept{Mappings: append(kept, version)})
	if fault.Is(err, fault.Conflict) {
		return fault.New(errOvertaken, "Somebody changed the configuration at the same time.") // it is made anew, and stale if the mapping is another one now
	}
	if err != nil {
		return err
	}
	effect.Stored, effect.Freed, effect.Saved = true, saved, version
	effect.Mapping.Mapping, effect.Current = saved.Config.Mapping, saved.Config.Mapping.Version
	return nil
}

// keptBefore is the present mapping, if it is not kept yet: it was there before versions were.
func (o *Office) keptBefore(ctx context.Context, config org.Config) ([]org.MappingVersion, error) {
	m := config.Mapping
	if len(m.Roles)+len(m.GL)+len(m.Branches) == 0 {
		return nil, nil
	}
	_, found, err := o.store.MappingVersion(ctx, config.Company(), m.Version)
	if err != nil || found {
		return nil, err
	}
	return []org.MappingVersion{{Mapping: m}}, nil
}

// tidy is a mapping of its own without what is not mapped: an empty id is none.
func tidy(m org.Mapping) org.Mapping {
	next := org.Mapping{Roles: map[org.Role]string{}, GL: map[string]string{}, Branches: map[string]org.BranchPlace{}}
	for role, id := range m.Roles {
		if id != "" {
			next.Roles[role] = id
		}
	}
	for account, id := range m.GL {
		if id != "" {
			next.GL[account] = id
		}
	}
	maps.Copy(next.Branches, m.Branches)
	return next
}

// mappingEffect says what changes, and what goes.
func (o *Office) mappingEffect(ctx context.Context, config org.Config, next org.Mapping, x chart, known Known) (effect MappingEffect, err error) {
	effect.Mapping = Mapping{Mapping: next, Known: known, Names: x.names(next), AsOf: x.asOf, Note: x.note}
	effect.Changes, effect.Current = mappingChanged(config.Mapping, next, x), config.Mapping.Version
	more, err := o.look(ctx, config.Org, intlog.Failed.Tab(), MaxLooked, func(e intlog.Entry) {
		switch {
		case e.State != intlog.Failed || !slices.ContainsFunc(e.Cause, isMapping):
		case !slices.ContainsFunc(e.Cause, func(p rules.Problem) bool { return !isMapping(p) || !mapped(next, p.Subject) }):
			effect.Going.add(e)
		default:
			effect.Staying.add(e)
		}
	})
	effect.Going.More, effect.Staying.More = more && effect.Going.Entries > 0, more && effect.Staying.Entries > 0
	effect.Says = effect.sentences(config.Mapping)
	return effect, err
}

func isMapping(p rules.Problem) bool { return p.Kind == rules.Mapping }

// The subjects of problems with a mapping (package rules).
const (
	accountSubject = "account "
	branchSubject  = "branch "
)

// mapped says whether a mapping has what a problem is about.
func mapped(m org.Mapping, subject string) bool {
	if role, is := strings.CutPrefix(subject, accountSubject); is {
		_, ok := m.Account(org.Role(role))
		return ok
	}
	if branch, is := strings.CutPrefix(subject, branchSubject); is {
		_, ok := m.Branches[branch]
		return ok || !m.MapsBranches()
	}
	return false
}

// mappingChanged lists what differs between mappings, by field.
func mappingChanged(a, b org.Mapping, x chart) []org.Changed {
	changed := []org.Changed{}
	add := func(prefix, suffix string, from, to map[string]string, name func(string) string) {
		keys := maps.Clone(to)
		if keys == nil {
			keys = map[string]string{}
		}
		maps.Copy(keys, from)
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			if from[k] != to[k] {
				changed = append(changed, org.Changed{Field: prefix + k + suffix, From: from[k], To: to[k], FromName: name(from[k]), ToName: name(to[k])})
			}
		}
	}
	account := func(id string) string { return x.accounts[id].FullyQualifiedName }
	add("roles.", "", roleIDs(a), roleIDs(b), account)
	add("gl_accounts.", "", a.GL, b.GL, account)
	add("branches.", ".class", classIDs(a), classIDs(b), func(id string) string { return x.classes[id].FullyQualifiedName })
	add("branches.", ".location", locationIDs(a), locationIDs(b), func(id string) string { return x.places[id].FullyQualifiedName })
	return changed
}

func classIDs(m org.Mapping) map[string]string {
	ids := map[string]string{}
	for branch, p := range m.Branches {
		ids[branch] = p.Class
	}
	return ids
}

func locationIDs(m org.Mapping) map[string]string {
	ids := map[string]string{}
	for branch, p := range m.Branches {
		ids[branch] = p.Location
	}
	return ids
}

// sentences say what the change means.
func (e MappingEffect) sentences(before org.Mapping) []string {
	if len(e.Changes) == 0 {
		return []string{"Nothing changes."}
	}
	says := []string{}
	add := func(format string, args ...any) { says = append(says, fmt.Sprintf(format, args...)) }
	if e.Going.Entries > 0 {
		add("%s that %s for this mapping %s to QuickBooks.", e.Going, e.Going.verb("waits", "wait"), e.Going.verb("goes", "go"))
	}
	if e.Staying.Entries > 0 {
		add("%s %s: for another mapping, or for something else, too.", e.Staying, e.Staying.verb("still waits", "still wait"))
	}
	if e.Mapping.Mapping.MapsBranches() && !before.MapsBranches() {
		add("Branches are mapped from now on: an entry of a branch that is not waits under Sync errors.")
	}
	if before.MapsBranches() && !e.Mapping.Mapping.MapsBranches() {
		add("Branches are not mapped any more: new lines have no class and no location.")
	}
	add("New lines stand where this mapping says. What is in QuickBooks already keeps its account, class and location, and so do its corrections.")
	return says
}
