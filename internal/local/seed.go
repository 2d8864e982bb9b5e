package local

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
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
	return nil
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
	return org.Person{Subject: "admin", Name: "Administrator", Org: id}
}

// consent goes the road that an administrator goes in a browser: start, consent at the simulator, come back.
func (s *System) consent(ctx context.Context, p org.Person, realm string) error {
	browser := rand.Text()
	address, _, err := s.Connector.Start(ctx, p, browser, false)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"&realm="+realm, nil)
	if err != nil {
		return err
	}
	stay := *s.HTTP
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := stay.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil {
		return err
	}
	query := back.Query()
	_, err = s.Connector.Finish(ctx, grant.Answer{State: query.Get("state"), Code: query.Get("code"), Realm: query.Get("realmId"), Browser: browser})
	return err
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
