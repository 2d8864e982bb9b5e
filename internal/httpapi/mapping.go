package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/setup"
)

const mappingTag = "Mapping"

func (h *Setup) registerMapping(a *API) {
	register(a, call{
		id: "get-mapping", method: http.MethodGet, path: "/v1/mapping", tag: mappingTag, needs: org.Manage,
		summary: "Which QuickBooks account each GL account and role stands on, and which class and location each branch",
		about:   "The ETag is the version of the mapping. `known` is what the log's newest entries, and those that wait, have spoken of.",
		fails:   []fault.Code{fault.Disconnected}, answer: exampleMapping(),
	}, h.mapping)
	register(a, call{
		id: "save-mapping", method: http.MethodPut, path: "/v1/mapping", tag: mappingTag, needs: org.Manage,
		summary: "Saves a mapping, whole: what is not in it is not mapped any more",
		about: "422 names every field that breaks a rule. What waited for it goes at once, up to 1,000 entries, and the rest by itself. What is in " +
			"QuickBooks already keeps its accounts. The version is kept: " +
			"to undo, save an earlier one again. With `dry_run` nothing is stored, and the answer says what would happen.",
		fails: []fault.Code{fault.Stale, fault.Disconnected, fault.Throttled, fault.Refused}, request: exampleMappingBody(), answer: exampleMappingSaved(),
	}, h.saveMapping)
	register(a, call{
		id: "list-mapping-versions", method: http.MethodGet, path: "/v1/mapping/versions", tag: mappingTag, needs: org.Manage,
		summary: "Lists the versions of the mapping for the connected company, newest first, with who changed what", fails: []fault.Code{fault.Disconnected},
		answer: versionList{Versions: []VersionRow{exampleVersion()}},
	}, h.versions)
	register(a, call{
		id: "get-mapping-version", method: http.MethodGet, path: "/v1/mapping/versions/{version}", tag: mappingTag, needs: org.Manage,
		summary: "One version of the mapping, whole, as PUT /v1/mapping takes it", fails: []fault.Code{fault.Disconnected},
		answer: versionDetail{VersionRow: exampleVersion(), MappingBody: exampleMappingBody()},
	}, h.version)
	register(a, call{
		id: "list-mapping-problems", method: http.MethodGet, path: "/v1/mapping/problems", tag: mappingTag, needs: org.Manage,
		summary: "What entries wait for because it is not mapped, with suggestions; and what is mapped to something inactive or gone",
		about:   "One problem for each thing that is missing, the most waited for first.", fails: []fault.Code{fault.Disconnected}, answer: exampleProblems(),
	}, h.problems)
}

// MappingBody is a mapping as it is sent and shown. Ids are those of QuickBooks.
type MappingBody struct {
	Roles    map[string]string   `json:"roles" nullable:"false" doc:"Role, or bank: and the id of a Passare bank account → id of a QuickBooks account."`
	GL       map[string]string   `json:"gl_accounts" nullable:"false" doc:"Passare GL account → id of a QuickBooks account."`
	Branches map[string]placeRow `json:"branches" nullable:"false" doc:"Passare branch → class, location, or both. None: branches are not mapped; otherwise all are."`
}

type placeRow struct {
	Class    string `json:"class,omitempty" maxLength:"50" doc:"Id of a class in QuickBooks."`
	Location string `json:"location,omitempty" maxLength:"50" doc:"Id of a location (department) in QuickBooks."`
}

func mappingBodyOf(m org.Mapping) MappingBody {
	b := MappingBody{Roles: map[string]string{}, GL: map[string]string{}, Branches: map[string]placeRow{}}
	for role, id := range m.Roles {
		b.Roles[string(role)] = id
	}
	for account, id := range m.GL {
		b.GL[account] = id
	}
	for branch, p := range m.Branches {
		b.Branches[branch] = placeRow(p)
	}
	return b
}

func (b MappingBody) mapping() org.Mapping {
	m := org.Mapping{Roles: map[org.Role]string{}, GL: b.GL, Branches: map[string]org.BranchPlace{}}
	for role, id := range b.Roles {
		m.Roles[org.Role(role)] = id
	}
	for branch, p := range b.Branches {
		m.Branches[branch] = org.BranchPlace(p)
	}
	return m
}

// MappingRow is the mapping with what a person needs to change it.
type MappingRow struct {
	MappingBody
	Version int64      `json:"version"`
	SavedAt *time.Time `json:"saved_at,omitempty"`
	SavedBy string     `json:"saved_by,omitempty"`
	Choices []roleRow  `json:"role_choices" nullable:"false" doc:"Every role but the banks, and the types of accounts that fit it."`
	Known   knownRow   `json:"known"`
	Names   namesRow   `json:"names" doc:"What QuickBooks calls the ids of the mapping."`
	AsOf    *time.Time `json:"as_of,omitempty" doc:"When the names were read from QuickBooks."`
	Note    string     `json:"note,omitempty"`
}

type roleRow struct {
	Role  string   `json:"role"`
	Label string   `json:"label"`
	Types []string `json:"account_types" nullable:"false"`
}

type knownRow struct {
	Branches []branchRow `json:"branches" nullable:"false"`
	GL       []glRow     `json:"gl_accounts" nullable:"false"`
	Banks    []string    `json:"banks" nullable:"false"`
}

type branchRow struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

type glRow struct {
	Account string   `json:"account"`
	UsedFor []string `json:"used_for" nullable:"false"`
}

type namesRow struct {
	Accounts  map[string]string `json:"accounts" nullable:"false"`
	Classes   map[string]string `json:"classes" nullable:"false"`
	Locations map[string]string `json:"locations" nullable:"false"`
}

func mappingRowOf(m setup.Mapping) MappingRow {
	row := MappingRow{
		MappingBody: mappingBodyOf(m.Mapping), Version: m.Mapping.Version, SavedAt: known(m.Saved.At), SavedBy: m.Saved.Who, Choices: []roleRow{},
		Known: knownRow{Branches: []branchRow{}, GL: []glRow{}, Banks: append([]string{}, m.Known.Banks...)},
		Names: namesRow(m.Names), AsOf: known(m.AsOf), Note: m.Note,
	}
	for _, r := range org.Roles() {
		row.Choices = append(row.Choices, roleRow{string(r), r.Label(), r.AccountTypes()})
	}
	for _, b := range m.Known.Branches {
		row.Known.Branches = append(row.Known.Branches, branchRow(b))
	}
	for _, g := range m.Known.GL {
		row.Known.GL = append(row.Known.GL, glRow{g.Account, append([]string{}, g.UsedFor...)})
	}
	return row
}

type mappingOutput struct {
	ETag string `header:"ETag"`
	Body MappingRow
}

func (h *Setup) mapping(ctx context.Context, p org.Person, _ *struct{}) (*mappingOutput, error) {
	m, err := h.Office.Mapping(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	return &mappingOutput{ETag: tag(m.Mapping.Version), Body: mappingRowOf(m)}, nil
}

type mappingInput struct {
	Conditional
	DryRun bool `query:"dry_run" doc:"Only say what would happen."`
	Body   MappingBody
}

type mappingSavedOutput struct {
	ETag string `header:"ETag"`
	Body mappingSaved
}

type mappingSaved struct {
	MappingRow
	Stored bool          `json:"stored" doc:"false: a dry run, or nothing changed."`
	Effect mappingEffect `json:"effect"`
}

type mappingEffect struct {
	Changed  []org.Changed `json:"changed" nullable:"false"`
	Going    WaitingRow    `json:"going" doc:"Entries that waited for nothing but this."`
	Staying  WaitingRow    `json:"staying" doc:"Entries that still wait for another mapping, or for something else, too."`
	Released releasedRow   `json:"released"`
	Says     []string      `json:"says" nullable:"false" doc:"What it means, in plain sentences."`
}

func (h *Setup) saveMapping(ctx context.Context, p org.Person, in *mappingInput) (*mappingSavedOutput, error) {
	wish := setup.MappingWish{Mapping: in.Body.mapping(), Who: p.Name, DryRun: in.DryRun}
	var err error
	if wish.IfVersion, err = in.rev(); err != nil {
		return nil, err
	}
	e, err := h.Office.SaveMapping(ctx, p.Org, wish)
	if err != nil {
		return nil, err
	}
	return &mappingSavedOutput{ETag: tag(e.Current), Body: mappingSaved{
		MappingRow: mappingRowOf(e.Mapping), Stored: e.Stored,
		Effect: mappingEffect{
			Changed: append([]org.Changed{}, e.Changes...), Going: waitingRowOf(e.Going), Staying: waitingRowOf(e.Staying), Released: releasedRowOf(e.Freed),
			Says: append([]string{}, e.Says...),
		},
	}}, nil
}

// VersionRow is a version of the mapping in a list.
type VersionRow struct {
	Version int64         `json:"version"`
	SavedAt *time.Time    `json:"saved_at,omitempty"`
	SavedBy string        `json:"saved_by,omitempty"`
	Changed []org.Changed `json:"changed" nullable:"false" doc:"Since the version before."`
}

func versionRowOf(m org.MappingVersion) VersionRow {
	return VersionRow{Version: m.Mapping.Version, SavedAt: known(m.At), SavedBy: m.Who, Changed: append([]org.Changed{}, m.Changes...)}
}

type versionsInput struct {
	Limit  int   `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"How many a page has."`
	Cursor int64 `query:"cursor" minimum:"0" maximum:"1000000000" doc:"The version before which the page begins: next of the page before."`
}

type versionsOutput struct {
	Link string `header:"Link"`
	Body versionList
}

type versionList struct {
	Versions []VersionRow `json:"versions" nullable:"false"`
	Next     int64        `json:"next,omitempty" doc:"The cursor of the next page; absent on the last."`
}

func (h *Setup) versions(ctx context.Context, p org.Person, in *versionsInput) (*versionsOutput, error) {
	list, more, err := h.Office.Versions(ctx, p.Org, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &versionsOutput{Body: versionList{Versions: []VersionRow{}}}
	for _, m := range list {
		out.Body.Versions = append(out.Body.Versions, versionRowOf(m))
	}
	if more {
		out.Body.Next = list[len(list)-1].Mapping.Version
		next := url.Values{"limit": {strconv.Itoa(in.Limit)}, "cursor": {strconv.FormatInt(out.Body.Next, 10)}}
		out.Link = "</v1/mapping/versions?" + next.Encode() + `>; rel="next"`
	}
	return out, nil
}

type versionInput struct {
	Version int64 `path:"version" minimum:"1" maximum:"1000000000" example:"3" doc:"The number of the version."`
}

type versionOutput struct {
	ETag string `header:"ETag"`
	Body versionDetail
}

type versionDetail struct {
	VersionRow
	MappingBody
}

func (h *Setup) version(ctx context.Context, p org.Person, in *versionInput) (*versionOutput, error) {
	m, err := h.Office.Version(ctx, p.Org, in.Version)
	if err != nil {
		return nil, err
	}
	return &versionOutput{ETag: tag(m.Mapping.Version), Body: versionDetail{versionRowOf(m), mappingBodyOf(m.Mapping)}}, nil
}

type problemsOutput struct{ Body problemList }

type problemList struct {
	WaitingRow
	Missing []missingRow `json:"missing" nullable:"false"`
	Amiss   []amissRow   `json:"amiss" nullable:"false" doc:"What is mapped to something that cannot be posted to any more."`
	AsOf    *time.Time   `json:"as_of,omitempty" doc:"When QuickBooks' lists were read."`
	Note    string       `json:"note,omitempty"`
}

// missingRow is something that is not mapped.
type missingRow struct {
	Field string `json:"field" doc:"Where it goes in PUT /v1/mapping."`
	Label string `json:"label"`
	WaitingRow
	UsedFor     []string        `json:"used_for" nullable:"false"`
	Since       time.Time       `json:"since"`
	Examples    []string        `json:"examples" nullable:"false" doc:"Ids of some of the entries, oldest first."`
	NeededFrom  string          `json:"needed_from"`
	Text        string          `json:"text"`
	Suggestions []suggestionRow `json:"suggestions" nullable:"false" doc:"The best first."`
}

type suggestionRow struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind" enum:"account,class,location"`
	Type string `json:"type,omitempty"`
	Why  string `json:"why"`
}

type amissRow struct {
	Field   string `json:"field"`
	Label   string `json:"label"`
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	Problem string `json:"problem"`
}

func (h *Setup) problems(ctx context.Context, p org.Person, _ *struct{}) (*problemsOutput, error) {
	found, err := h.Office.MappingProblems(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	list := problemList{WaitingRow: waitingRowOf(found.Waiting), Missing: []missingRow{}, Amiss: []amissRow{}, AsOf: known(found.AsOf), Note: found.Note}
	for _, m := range found.Missing {
		list.Missing = append(list.Missing, missingRowOf(m))
	}
	for _, a := range found.Amiss {
		list.Amiss = append(list.Amiss, amissRow(a))
	}
	return &problemsOutput{Body: list}, nil
}

func missingRowOf(m setup.Missing) missingRow {
	row := missingRow{
		Field: m.Field, Label: m.Label, WaitingRow: waitingRowOf(m.Waiting), UsedFor: append([]string{}, m.UsedFor...), Since: m.Since,
		Examples: append([]string{}, m.Entries...), NeededFrom: m.Who, Text: m.Text, Suggestions: []suggestionRow{},
	}
	for _, s := range m.Suggestions {
		row.Suggestions = append(row.Suggestions, suggestionRow{ID: s.ID, Name: s.Name, Kind: s.Kind, Type: s.Type, Why: s.Why})
	}
	return row
}

func exampleMappingBody() MappingBody {
	return MappingBody{
		Roles: map[string]string{"accounts_receivable": "84", "cash_advances": "92", "bank:operating": "35"}, GL: map[string]string{"4000": "50", "4410": "92"},
		Branches: map[string]placeRow{"main": {Class: "2", Location: "1"}},
	}
}

func exampleMapping() MappingRow {
	return MappingRow{
		MappingBody: exampleMappingBody(), Version: 4, SavedAt: exampleAt(), SavedBy: "Ana Diaz",
		Choices: []roleRow{{"accounts_receivable", "accounts receivable", org.AccountsReceivable.AccountTypes()}},
		Known: knownRow{
			Branches: []branchRow{{"main", "Main Street"}}, GL: []glRow{{"4410", []string{"Cash advance – flowers"}}}, Banks: []string{"operating"},
		},
		Names: namesRow{
			Accounts:  map[string]string{"84": "Accounts Receivable (A/R)", "92": "Cash Advances Payable", "35": "Operating Checking", "50": "Professional Services"},
			Classes:   map[string]string{"2": "Main Street"},
			Locations: map[string]string{"1": "Main Street"},
		},
		AsOf: exampleAt(),
	}
}

func exampleChanged() []org.Changed {
	return []org.Changed{{Field: "gl_accounts.4410", To: "92", ToName: "Cash Advances Payable"}}
}

func exampleMappingSaved() mappingSaved {
	return mappingSaved{MappingRow: exampleMapping(), Stored: true, Effect: mappingEffect{
		Changed: exampleChanged(), Going: WaitingRow{Entries: 14, Amount: "3120.00"}, Staying: WaitingRow{Amount: "0.00"}, Released: releasedRow{Failed: 14},
		Says: []string{
			"14 entries ($3,120.00) that wait for this mapping go to QuickBooks.",
			"New lines stand where this mapping says. What is in QuickBooks already keeps its account, class and location, and so do its corrections.",
		},
	}}
}

func exampleVersion() VersionRow {
	return VersionRow{Version: 4, SavedAt: exampleAt(), SavedBy: "Ana Diaz", Changed: exampleChanged()}
}

func exampleProblems() problemList {
	waiting := WaitingRow{Entries: 14, Amount: "3120.00"}
	return problemList{WaitingRow: waiting, AsOf: exampleAt(), Amiss: []amissRow{{
		Field: "roles.discounts", Label: "Discounts", ID: "93", Name: "Package Discounts", Problem: "Package Discounts is inactive in QuickBooks; make it active there, or choose another account",
	}}, Missing: []missingRow{{
		Field: "gl_accounts.4410", Label: "Cash advance – flowers", WaitingRow: waiting, UsedFor: []string{"Cash advance – flowers"}, Since: *exampleAt(),
		Examples: []string{"goods_and_services.c1.1"}, NeededFrom: "administrator",
		Text:        "Map account GL account 4410: choose its QuickBooks account. This entry then goes by itself.",
		Suggestions: []suggestionRow{{ID: "92", Name: "Cash Advances Payable", Kind: "account", Type: "Other Current Liability", Why: "Its name has “cash advance”."}},
	}}}
}
