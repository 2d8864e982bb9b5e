package grant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// Attempt is a consent that was begun: by whom, in which browser, for which organisation. Its id is the hash of what travels through the browser.
type Attempt struct {
	ID      string    `json:"id"`
	Browser string    `json:"browser"` // hash of the browser's cookie
	Org     string    `json:"org"`
	Subject string    `json:"subject"`
	Name    string    `json:"name"`
	Other   bool      `json:"other"` // another company than the present one is wanted
	Back    string    `json:"back"`  // where Intuit sends the browser back to; the exchange must name the same address
	Ends    time.Time `json:"ends"`
}

// Store keeps attempts, connections and configurations.
type Store interface {
	PutAttempt(ctx context.Context, a Attempt) error
	// TakeAttempt reads an attempt and removes it, so that of two callers one gets it. Errors: fault.NotFound.
	TakeAttempt(ctx context.Context, id string) (Attempt, error)

	// Connection reads what people may know of an organisation's grant; the zero value if it was never connected.
	Connection(ctx context.Context, org string) (org.Connection, error)
	// PutConnection stores it if the stored one has the revision ifRev (0: if there is none), and gives it the next. Errors: fault.Conflict.
	PutConnection(ctx context.Context, c org.Connection, ifRev int64) (org.Connection, error)
	// Connections lists connections by organisation, after one.
	Connections(ctx context.Context, after string, limit int) ([]org.Connection, error)

	// CompanyOwner says which organisation is connected to a company; empty: none.
	CompanyOwner(ctx context.Context, realm string) (org string, err error)
	// OwnCompany makes a company an organisation's. Errors: fault.Conflict when it is another's.
	OwnCompany(ctx context.Context, at org.Company) error
	// FreeCompany lets a company go that is the organisation's.
	FreeCompany(ctx context.Context, at org.Company) error

	Config(ctx context.Context, org string) (org.Config, error)
	// PutConfig stores a configuration if the stored one has ifVersion. Errors: fault.Conflict.
	PutConfig(ctx context.Context, c org.Config, ifVersion int64) (org.Config, error)
	// Broken notes that QuickBooks refuses the grant (../posting).
	Broken(ctx context.Context, org string, grants int64, since time.Time) error
}

// Companies asks QuickBooks what a company is called.
type Companies interface {
	CompanyInfo(ctx context.Context, at org.Company) (journal.CompanyInfo, error)
}

// Waiting lets what waited for the connection go (package retrying).
type Waiting interface {
	Reconnected(ctx context.Context, org string) (released int, err error)
	// Nightly tries once more what failed for something that may be put right by now.
	Nightly(ctx context.Context, org string) (released int, err error)
}

// Options are the app's addresses at Intuit.
type Options struct {
	AuthorizeURL string
	ClientID     string
	Random       func() string // at least 128 bits, never the same
}

// BrowserCookie has the secret that binds an attempt to the browser that began it. Its name begins with __Host- wherever people come by https.
const BrowserCookie = "passare-connect"

// AttemptLife is how long a consent may take.
const AttemptLife = 10 * time.Minute

// Connector connects organisations to their QuickBooks companies, keeps the grants alive, and ends them.
type Connector struct {
	keeper    *Keeper
	store     Store
	companies Companies
	waiting   Waiting
	now       func() time.Time
	o         Options
}

// NewConnector makes a connector.
func NewConnector(keeper *Keeper, store Store, companies Companies, waiting Waiting, now func() time.Time, o Options) *Connector {
	return &Connector{keeper: keeper, store: store, companies: companies, waiting: waiting, now: now, o: o}
}

// Start begins a consent and gives Intuit's address for it. browser is a secret that only the person's browser has; other says that another
// company than the present one is wanted; back is where Intuit sends the browser back to, exactly as the app's settings at Intuit have it.
func (c *Connector) Start(ctx context.Context, p org.Person, browser string, other bool, back string) (address string, ends time.Time, err error) {
	state := c.o.Random()
	ends = c.now().Add(AttemptLife)
	a := Attempt{ID: hashed(state), Browser: hashed(browser), Org: p.Org, Subject: p.Subject, Name: p.Name, Other: other, Back: back, Ends: ends}
	if err := c.store.PutAttempt(ctx, a); err != nil {
		return "", ends, fmt.Errorf("grant.Start: %w", err)
	}
	query := url.Values{
		"client_id": {c.o.ClientID}, "response_type": {"code"}, "scope": {"com.intuit.quickbooks.accounting"}, "redirect_uri": {back}, "state": {state},
	}
	return c.o.AuthorizeURL + "?" + query.Encode(), ends, nil
}

func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Answer is what the browser brings back from Intuit.
type Answer struct {
	State, Code, Realm, Error string
	Browser                   string // the secret of Start
}

// Connected is what came of a consent.
type Connected struct {
	Connection org.Connection
	Released   int // entries that waited for it and are on their way
}

// Finish ends a consent: it exchanges the code, saves the tokens before anything else, and lets go what waited.
//
// Errors: fault.Invalid for an attempt that nobody began, that is over or was used, or that another browser began; fault.Conflict when the person
// declined, chose another company than the organisation's without having said so before, or one that is another organisation's; fault.Disconnected when QuickBooks does not accept what
// came back; fault.Unavailable.
func (c *Connector) Finish(ctx context.Context, a Answer) (Connected, error) {
	done, err := c.finish(ctx, a)
	if err != nil {
		return done, fmt.Errorf("grant.Finish: %w", err)
	}
	return done, nil
}

func (c *Connector) finish(ctx context.Context, a Answer) (done Connected, err error) {
	attempt, err := c.attempt(ctx, a)
	if err != nil {
		return done, err
	}
	config, err := c.config(ctx, attempt.Org)
	if err != nil {
		return done, err
	}
	switch {
	case a.Error == "access_denied":
		return done, fault.New(fault.Conflict, "You declined at QuickBooks, so nothing was changed here.")
	case a.Error != "" || a.Code == "" || a.Realm == "":
		return done, fault.New(fault.Invalid, "QuickBooks did not say which company to connect. Start again.")
	case config.Realm != "" && config.Realm != a.Realm && !attempt.Other:
		return done, c.otherCompany(ctx, attempt.Org)
	}
	if owner, err := c.store.CompanyOwner(ctx, a.Realm); err != nil {
		return done, err
	} else if owner != "" && owner != attempt.Org {
		return done, fault.New(fault.Conflict, "This QuickBooks company is connected to another organisation already, and nothing was changed. The books of a company belong to one organisation: choose another one, or have it disconnected there first.")
	}
	tokens, err := c.keeper.oauth.Exchange(ctx, a.Code, attempt.Back)
	if err != nil {
		return done, unanswered(err, "Start again.")
	}
	if err := c.keeper.Connect(ctx, attempt.Org, a.Realm, tokens, attempt.Other); err != nil {
		return done, err
	}
	return c.adopt(ctx, config, attempt, a.Realm, tokens)
}

// attempt takes the attempt that an answer belongs to.
func (c *Connector) attempt(ctx context.Context, a Answer) (Attempt, error) {
	attempt, err := c.store.TakeAttempt(ctx, hashed(a.State))
	switch {
	case fault.Is(err, fault.NotFound):
		return attempt, fault.New(fault.Invalid, "This attempt to connect is over or was used already. Start again.")
	case err != nil:
		return attempt, err
	case !c.now().Before(attempt.Ends):
		return attempt, fault.New(fault.Invalid, "This attempt to connect took longer than %d minutes. Start again.", int(AttemptLife.Minutes()))
	case attempt.Browser != hashed(a.Browser):
		return attempt, fault.New(fault.Invalid, "This attempt to connect was begun in another browser. Start again in this one.")
	}
	return attempt, nil
}

func (c *Connector) otherCompany(ctx context.Context, id string) error {
	now, err := c.store.Connection(ctx, id)
	if err != nil {
		return err
	}
	called := now.Company
	if called == "" {
		called = "company " + now.Realm
	}
	return fault.New(fault.Conflict, "You chose another QuickBooks company. This organisation's entries are in %s, and nothing was changed. "+
		"Start again and choose %s; or, if another company is what you want, confirm that when you start.", called, called)
}

// adopt makes the company whose tokens are saved the organisation's own.
func (c *Connector) adopt(ctx context.Context, config org.Config, a Attempt, realm string, t Tokens) (done Connected, err error) {
	info, err := c.companies.CompanyInfo(ctx, org.Company{Org: a.Org, Realm: realm})
	if fault.Is(err, fault.Disconnected) {
		return done, c.disown(ctx, config, err)
	}
	if err := c.store.OwnCompany(ctx, org.Company{Org: a.Org, Realm: realm}); err != nil {
		return done, c.disown(ctx, config, err)
	}
	if err := c.configure(ctx, config, realm); err != nil { // a company whose name cannot be read now is connected all the same
		return done, err
	}
	now := c.now()
	done.Connection, err = c.note(ctx, a.Org, func(x *org.Connection) {
		*x = org.Connection{Org: a.Org, Rev: x.Rev, Realm: realm, Company: info.Name, By: a.Name, At: now, RefreshedAt: now, RollingEnd: ending(now, t.RefreshFor), HardEnd: ending(now, t.HardEndIn)}
	})
	if err != nil {
		return done, err
	}
	done.Released, err = c.waiting.Reconnected(ctx, a.Org)
	return done, err
}

// disown forgets tokens that are not of the company that the browser named, or of one that is another organisation's.
func (c *Connector) disown(ctx context.Context, config org.Config, cause error) error {
	err := c.keeper.Forget(ctx, config.Org, config.Realm)
	if err == nil && config.Realm != "" {
		err = c.store.Broken(ctx, config.Org, config.Grants, c.now())
	}
	if err != nil {
		return err
	}
	return cause
}

// config reads an organisation's configuration. One that nobody has connected yet has none: it begins with every switch off.
func (c *Connector) config(ctx context.Context, id string) (org.Config, error) {
	config, err := c.store.Config(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return org.Config{Org: id, Name: id}, nil
	}
	return config, err
}

func ending(now time.Time, life time.Duration) time.Time {
	if life == 0 {
		return time.Time{}
	}
	return now.Add(life)
}

// configure stores the company. The ids of another company's accounts and its close date mean nothing in this one.
func (c *Connector) configure(ctx context.Context, config org.Config, realm string) error {
	for {
		if config.Realm == realm {
			return nil
		}
		if config.Realm != "" {
			if err := c.store.FreeCompany(ctx, config.Company()); err != nil {
				return err
			}
			config.Mapping, config.CloseDate = org.Mapping{Version: config.Mapping.Version + 1}, ""
		}
		config.Realm = realm
		_, err := c.store.PutConfig(ctx, config, config.Version)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		if config, err = c.config(ctx, config.Org); err != nil {
			return err
		}
	}
}

// note changes what people may know of a grant.
func (c *Connector) note(ctx context.Context, id string, change func(*org.Connection)) (org.Connection, error) {
	for {
		connection, err := c.store.Connection(ctx, id)
		if err != nil {
			return connection, err
		}
		rev := connection.Rev
		change(&connection)
		stored, err := c.store.PutConnection(ctx, connection, rev)
		if !fault.Is(err, fault.Conflict) {
			return stored, err
		}
	}
}

// Disconnect revokes an organisation's grant and forgets it. Its entries wait until somebody connects it again. An organisation that is not
// connected stays so. Errors: fault.Unavailable when Intuit cannot be reached: then nothing has changed.
func (c *Connector) Disconnect(ctx context.Context, p org.Person) error {
	if err := c.disconnect(ctx, p); err != nil {
		return fmt.Errorf("grant.Disconnect: %w", err)
	}
	return nil
}

func (c *Connector) disconnect(ctx context.Context, p org.Person) error {
	connection, err := c.store.Connection(ctx, p.Org)
	if err != nil || connection.Realm == "" || !connection.EndedAt.IsZero() {
		return err
	}
	config, err := c.store.Config(ctx, p.Org)
	if err != nil {
		return err
	}
	if err := c.keeper.Forget(ctx, p.Org, config.Realm); err != nil {
		return err
	}
	if err := c.store.Broken(ctx, p.Org, config.Grants, c.now()); err != nil {
		return err
	}
	if err := c.store.FreeCompany(ctx, config.Company()); err != nil {
		return err
	}
	_, err = c.note(ctx, p.Org, func(x *org.Connection) {
		if x.At.Equal(connection.At) { // else somebody has connected it again meanwhile
			x.EndedAt, x.EndedBy = c.now(), p.Name
		}
	})
	return err
}

// State says how an organisation's connection is.
type State string

// The states of a connection.
const (
	Never        State = "never_connected"
	Alive        State = "connected"
	Refused      State = "refused"      // QuickBooks no longer accepts it: somebody must reconnect
	Disconnected State = "disconnected" // by a person
)

// View is a connection as people see it.
type View struct {
	State        State
	Connection   org.Connection
	RefusedSince time.Time
	PausedUntil  time.Time // QuickBooks asked for a pause
	Notices      []intlog.Notice
}

// View reads an organisation's connection. Errors: what the store answers.
func (c *Connector) View(ctx context.Context, id string) (View, error) {
	return NewViewer(c.store, c.now).View(ctx, id)
}
