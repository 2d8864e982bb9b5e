package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/config"
	"github.com/passare/qbo-sync/internal/fault"
)

func settings() map[string]string {
	return map[string]string{
		"TABLE_NAME": "t", "QUEUE_URL": "https://sqs.example/q.fifo", "SECRET_PREFIX": "p", "QBO_URL": "https://quickbooks.api.intuit.com",
		"OAUTH_AUTHORIZE_URL": "https://a.example/", "OAUTH_TOKEN_URL": "https://t.example/", "OAUTH_REVOKE_URL": "https://r.example/",
		"OAUTH_REDIRECT_URL": "https://us.example/oauth/callback", "OIDC_ISSUER": "https://i.example", "OIDC_AUDIENCE": "us", "MONTHLY_READS": "500000",
	}
}

func read(s map[string]string) (config.Connect, error) {
	return config.ReadConnect(func(name string) string { return s[name] })
}

func TestWhatIsSetIsRead(t *testing.T) {
	t.Parallel()
	got, err := read(settings())
	want := config.Connect{
		Table: "t", QueueURL: "https://sqs.example/q.fifo", SecretPrefix: "p", QBOURL: "https://quickbooks.api.intuit.com", AuthorizeURL: "https://a.example/",
		TokenURL: "https://t.example/", RevokeURL: "https://r.example/", RedirectURL: "https://us.example/oauth/callback", Issuer: "https://i.example", Audience: "us", MonthlyReads: 500_000,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := read(map[string]string{"QUEUE_URL": "q", "MONTHLY_READS": "many"})
	var wrong []string
	for _, f := range fault.As(err).Fields {
		wrong = append(wrong, f.Field+" "+f.Problem)
	}
	want := []string{
		"TABLE_NAME is missing", "QUEUE_URL must be an address", "SECRET_PREFIX is missing", "QBO_URL is missing", "OAUTH_AUTHORIZE_URL is missing", "OAUTH_TOKEN_URL is missing",
		"OAUTH_REVOKE_URL is missing", "OAUTH_REDIRECT_URL is missing", "OIDC_ISSUER is missing", "OIDC_AUDIENCE is missing", "MONTHLY_READS must be a number above zero",
	}
	if diff := cmp.Diff(want, wrong); diff != "" || !fault.Is(err, fault.Invalid) {
		t.Error(diff, err)
	}
}
