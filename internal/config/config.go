// Package config reads what a deployed function is told by its environment. Everything that is missing or wrong is named at once.
package config

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/passare/qbo-sync/internal/fault"
)

// Connect is what functions/connect is told. Secrets are not in the environment: the app's own client id and secret at Intuit, and the grants, are in
// Secrets Manager under SecretPrefix.
type Connect struct {
	Table        string // TABLE_NAME: the store
	QueueURL     string // QUEUE_URL: work for the worker
	SecretPrefix string // SECRET_PREFIX
	QBOURL       string // QBO_URL: Intuit's API
	AuthorizeURL string // OAUTH_AUTHORIZE_URL: the consent page
	TokenURL     string // OAUTH_TOKEN_URL
	RevokeURL    string // OAUTH_REVOKE_URL
	RedirectURL  string // OAUTH_REDIRECT_URL: our callback, exactly as the app's settings at Intuit have it
	Issuer       string // OIDC_ISSUER: of admins' tokens
	Audience     string // OIDC_AUDIENCE
	MonthlyReads int    // MONTHLY_READS: metered reads of QuickBooks that the app may make
}

// ReadConnect reads the settings of functions/connect. Errors: fault.Invalid, with every wrong one.
func ReadConnect(env func(string) string) (Connect, error) {
	r := reader{env: env}
	c := Connect{
		Table: r.text("TABLE_NAME"), QueueURL: r.address("QUEUE_URL"), SecretPrefix: r.text("SECRET_PREFIX"), QBOURL: r.address("QBO_URL"),
		AuthorizeURL: r.address("OAUTH_AUTHORIZE_URL"), TokenURL: r.address("OAUTH_TOKEN_URL"), RevokeURL: r.address("OAUTH_REVOKE_URL"),
		RedirectURL: r.address("OAUTH_REDIRECT_URL"), Issuer: r.address("OIDC_ISSUER"), Audience: r.text("OIDC_AUDIENCE"), MonthlyReads: r.number("MONTHLY_READS"),
	}
	if r.wrong != nil {
		return Connect{}, fmt.Errorf("config.ReadConnect: %w", &fault.Error{Code: fault.Invalid, Message: "Some settings are wrong.", Fields: r.wrong})
	}
	return c, nil
}

// reader reads settings and keeps what is wrong with them.
type reader struct {
	env   func(string) string
	wrong []fault.Field
}

func (r *reader) refuse(name, value, problem string) {
	r.wrong = append(r.wrong, fault.Field{Field: name, Value: value, Problem: problem})
}

func (r *reader) text(name string) string {
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

func (r *reader) number(name string) int {
	value := r.text(name)
	n, err := strconv.Atoi(value)
	if value != "" && (err != nil || n < 1) {
		r.refuse(name, value, "must be a number above zero")
	}
	return n
}
