package local

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// organisations are the demo's: willow-creek is fully automatic, maple-hill reviews every entry.
func (s *System) organisations() []org.Config {
	everything := org.Settings{AutoSync: true, AutoAddToExports: true, ClosedPeriod: org.HoldClosed, TradeCustomer: org.ByDecedent}
	reviewed := everything
	reviewed.AutoSync = false
	return []org.Config{
		{Org: WillowCreek, Name: s.Golden.Company.Company, Realm: WillowCreekRealm, Settings: everything},
		{Org: MapleHill, Name: "Maple Hill Memorial", Realm: MapleHillRealm, Settings: reviewed},
	}
}

// seed makes the demo's companies in the simulator and connects their organisations.
func (s *System) seed(ctx context.Context) error {
	for _, c := range s.organisations() {
		if err := s.Connect(ctx, c); err != nil {
			return err
		}
	}
	return s.addCompany(org.Config{Name: "Cedar Hall Chapel", Realm: CedarHallRealm}) // which Cedar Hall's administrator may connect
}

// addCompany makes an organisation's company, with the demo's chart of accounts, in the simulator.
func (s *System) addCompany(c org.Config) error {
	company := qbosim.Company{Realm: c.Realm, Name: c.Name}
	for _, a := range s.Golden.Company.Accounts {
		company.Accounts = append(company.Accounts, qbosim.NewAccount{Name: a.Name, AccountType: a.Type, AccountSubType: a.SubType})
	}
	return s.Sim.AddCompany(company)
}

// Connect makes a company in the simulator, grants it to the organisation by consent, and maps its accounts by name, reading them as from any
// company.
func (s *System) Connect(ctx context.Context, c org.Config) error {
	if err := s.addCompany(c); err != nil {
		return fmt.Errorf("local.Connect: %w", err)
	}
	realm := c.Realm
	c.Realm = ""
	if _, err := s.Store.PutConfig(ctx, c, 0); err != nil {
		return fmt.Errorf("local.Connect: %w", err)
	}
	if err := s.consent(ctx, administrator(c.Org), realm); err != nil {
		return fmt.Errorf("local.Connect: %w", err)
	}
	stored, err := s.Store.Config(ctx, c.Org)
	if err != nil {
		return fmt.Errorf("local.Connect: %w", err)
	}
	if stored.Mapping, err = s.mapping(ctx, stored.Company()); err != nil {
		return fmt.Errorf("local.Connect: %w", err)
	}
	if _, err := s.Store.PutConfig(ctx, stored, stored.Version); err != nil {
		return fmt.Errorf("local.Connect: %w", err)
	}
	return nil
}

// administrator is one of the demo's people who may connect the organisation; an organisation of a test has nobody else.
func administrator(id string) org.Person {
	for _, name := range []string{"ana", "dan"} {
		if p := people()[name]; p.Org == id {
			return p
		}
	}
	return org.Person{Subject: "admin", Name: "Administrator", Org: id, Permissions: []org.Permission{org.SeeLog, org.Manage}}
}

// consent goes the road that an administrator goes in a browser: start, consent at the simulator, come back.
func (s *System) consent(ctx context.Context, p org.Person, realm string) error {
	token, err := s.issuer.token(p)
	if err != nil {
		return err
	}
	started, err := s.visit(ctx, http.MethodPost, s.URL+"/v1/connection/start", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		return err
	}
	var at struct {
		Address string `json:"authorize_url"`
	}
	if err := json.Unmarshal(started.body, &at); err != nil || at.Address == "" {
		return fault.New(fault.Internal, "POST /v1/connection/start was answered %d: %s", started.status, started.body)
	}
	back, err := s.visit(ctx, http.MethodGet, at.Address+"&realm="+realm, nil)
	if err != nil {
		return err
	}
	callback, err := url.Parse(back.header.Get("Location"))
	if err != nil || callback.RawQuery == "" {
		return fault.New(fault.Internal, "The consent was answered %d: %s", back.status, back.body)
	}
	cookie, _, _ := strings.Cut(started.header.Get("Set-Cookie"), ";")
	done, err := s.visit(ctx, http.MethodGet, s.URL+"/oauth/callback?"+callback.RawQuery, http.Header{"Cookie": {cookie}, "Accept": {"application/json"}})
	if err == nil && done.status != http.StatusOK {
		err = fault.New(fault.Internal, "GET /oauth/callback was answered %d: %s", done.status, done.body)
	}
	return err
}

// page is an answer as a browser sees it.
type page struct {
	status int
	header http.Header
	body   []byte
}

// visit makes a request and follows no redirect.
func (s *System) visit(ctx context.Context, method, address string, header http.Header) (page, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return page{}, err
	}
	req.Header = header
	stay := *s.HTTP
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := stay.Do(req)
	if err != nil {
		return page{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return page{res.StatusCode, res.Header, body}, err
}

// mapping is the demo's mapping with the ids of the organisation's own accounts.
func (s *System) mapping(ctx context.Context, at org.Company) (org.Mapping, error) {
	accounts, err := s.Client.Accounts(ctx, at)
	if err != nil {
		return org.Mapping{}, err
	}
	ids := map[string]string{}
	for _, a := range accounts {
		ids[a.Name] = a.ID
	}
	m := org.Mapping{Version: 1, Roles: map[org.Role]string{}, GL: map[string]string{}}
	for role, name := range s.Golden.Company.Mapping.Roles {
		m.Roles[org.Role(role)] = ids[name]
	}
	for account, name := range s.Golden.Company.Mapping.GLAccounts {
		m.GL[account] = ids[name]
	}
	for _, name := range s.Golden.Company.Mapping.Roles {
		if ids[name] == "" {
			return m, fault.New(fault.Internal, "The demo's chart of accounts has no %q.", name)
		}
	}
	return m, nil
}
