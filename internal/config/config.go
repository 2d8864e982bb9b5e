// Package config reads what a deployed function is told by its environment. Everything that is missing or wrong is named at once.
package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/passare/qbo-sync/internal/fault"
)

// Settings are what a function is told; what it does not need is empty. Secrets are not in the environment: the webhook's secret, the app's own client
// id and secret at Intuit, and the grants are in Secrets Manager under SecretPrefix.
type Settings struct {
	Table             string // TABLE_NAME: the store
	Stage             string // STAGE: dev, staging or prod; on log lines and metrics
	QueueURL          string // QUEUE_URL: work for the worker
	DeadURL           string // DEAD_LETTERS_URL: work that the worker never acknowledged
	ReconcileQueueURL string // RECONCILE_QUEUE_URL: requests for proofs of organisations' books
	SecretPrefix      string // SECRET_PREFIX
	QBOURL            string // QBO_URL: Intuit's API
	TokenURL          string // OAUTH_TOKEN_URL
	RevokeURL         string // OAUTH_REVOKE_URL
	MonthlyReads      int    // MONTHLY_READS: metered reads of QuickBooks that the app may make
	AuthorizeURL      string // OAUTH_AUTHORIZE_URL: the consent page
	PublicURL         string // PUBLIC_URL: where people's browsers reach us; may be empty, which is the HTTP API's own address
	Issuer            string // OIDC_ISSUER: of admins' tokens
	Audience          string // OIDC_AUDIENCE
}

// Names lists the variables that a function reads; none for one that there is not.
func Names(function string) []string {
	quickBooks := []string{"SECRET_PREFIX", "QBO_URL", "OAUTH_TOKEN_URL", "OAUTH_REVOKE_URL", "MONTHLY_READS"}
	people := []string{"OIDC_ISSUER", "OIDC_AUDIENCE"}
	consent := []string{"OAUTH_AUTHORIZE_URL", "PUBLIC_URL"} // a connection is begun in the console of admin, and ended in connect
	of := map[string][]string{
		"ingest":    {"QUEUE_URL", "SECRET_PREFIX"},
		"admin":     slices.Concat([]string{"QUEUE_URL", "RECONCILE_QUEUE_URL"}, consent, quickBooks, people),
		"connect":   slices.Concat([]string{"QUEUE_URL"}, consent, quickBooks, people),
		"sync":      quickBooks,
		"retry":     {"QUEUE_URL", "DEAD_LETTERS_URL"},
		"reconcile": slices.Concat([]string{"RECONCILE_QUEUE_URL"}, quickBooks),
	}
	names, known := of[function]
	if !known {
		return nil
	}
	return append([]string{"TABLE_NAME", "STAGE"}, names...)
}

// Read reads the settings of a function. Errors: fault.Invalid, with every wrong one; fault.Internal for a function that there is not.
func Read(env func(string) string, function string) (Settings, error) {
	names := Names(function)
	if names == nil {
		return Settings{}, fmt.Errorf("config.Read: %w", fault.New(fault.Internal, "There is no function %q.", function))
	}
	r := reader{env: env, names: names}
	s := Settings{
		Table: r.text("TABLE_NAME"), Stage: r.text("STAGE"), QueueURL: r.address("QUEUE_URL"), DeadURL: r.address("DEAD_LETTERS_URL"),
		ReconcileQueueURL: r.address("RECONCILE_QUEUE_URL"), SecretPrefix: r.text("SECRET_PREFIX"), QBOURL: r.address("QBO_URL"),
		TokenURL: r.address("OAUTH_TOKEN_URL"), RevokeURL: r.address("OAUTH_REVOKE_URL"), MonthlyReads: r.number("MONTHLY_READS"),
		AuthorizeURL: r.address("OAUTH_AUTHORIZE_URL"), PublicURL: r.optional("PUBLIC_URL"), Issuer: r.address("OIDC_ISSUER"), Audience: r.text("OIDC_AUDIENCE"),
	}
	if r.wrong != nil {
		return Settings{}, fmt.Errorf("config.Read: %w", &fault.Error{Code: fault.Invalid, Message: "Some settings are wrong.", Fields: r.wrong})
	}
	return s, nil
}

// reader reads the settings of some names and keeps what is wrong with them; others are empty.
type reader struct {
	env   func(string) string
	names []string
	wrong []fault.Field
}

func (r *reader) refuse(name, value, problem string) {
	r.wrong = append(r.wrong, fault.Field{Field: name, Value: value, Problem: problem})
}

func (r *reader) text(name string) string {
	if !slices.Contains(r.names, name) {
		return ""
	}
	value := r.env(name)
	if value == "" {
		r.refuse(name, value, "is missing")
	}
	return value
}

func (r *reader) address(name string) string {
	value := r.text(name)
	if u, err := url.Parse(value); value != "" && (err != nil || u.Host == "") {
		r.refuse(name, value, "must be an address")
	}
	return value
}

// optional is an address, or nothing.
func (r *reader) optional(name string) string {
	if r.env(name) == "" {
		return ""
	}
	return r.address(name)
}

func (r *reader) number(name string) int {
	value := r.text(name)
	n, err := strconv.Atoi(value)
	if value != "" && (err != nil || n < 1) {
		r.refuse(name, value, "must be a number above zero")
	}
	return n
}
