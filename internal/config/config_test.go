package config_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/config"
	"github.com/passare/qbo-sync/internal/fault"
)

func settings() map[string]string {
	return map[string]string{
		"TABLE_NAME": "t", "STAGE": "dev", "QUEUE_URL": "https://sqs.example/q.fifo", "DEAD_LETTERS_URL": "https://sqs.example/d.fifo", "RECONCILE_QUEUE_URL": "https://sqs.example/r", "SECRET_PREFIX": "p", "QBO_URL": "https://quickbooks.api.intuit.com",
		"OAUTH_AUTHORIZE_URL": "https://a.example/", "OAUTH_TOKEN_URL": "https://t.example/", "OAUTH_REVOKE_URL": "https://r.example/",
		"PUBLIC_URL": "https://us.example", "OIDC_ISSUER": "https://i.example", "OIDC_AUDIENCE": "us", "MONTHLY_READS": "500000",
	}
}

func read(s map[string]string, function string) (config.Settings, error) {
	return config.Read(func(name string) string { return s[name] }, function)
}

func TestWhatIsSetIsRead(t *testing.T) {
	t.Parallel()
	got, err := read(settings(), "connect")
	want := config.Settings{
		Table: "t", Stage: "dev", QueueURL: "https://sqs.example/q.fifo", SecretPrefix: "p", QBOURL: "https://quickbooks.api.intuit.com", AuthorizeURL: "https://a.example/",
		TokenURL: "https://t.example/", RevokeURL: "https://r.example/", PublicURL: "https://us.example", Issuer: "https://i.example", Audience: "us", MonthlyReads: 500_000,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestAFunctionReadsWhatItNeedsAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, function := range []string{"ingest", "admin", "connect", "sync", "retry", "reconcile"} {
		got, err := read(settings(), function)
		if err != nil {
			t.Fatalf("%s: %v", function, err)
		}
		filled := 0
		for _, field := range reflect.ValueOf(got).Fields() {
			if !field.IsZero() {
				filled++
			}
		}
		if want := len(config.Names(function)); filled != want {
			t.Errorf("%s: %d settings are read, %d have names", function, filled, want)
		}
		for _, name := range config.Names(function) {
			without := settings()
			delete(without, name)
			if _, err := read(without, function); fault.Is(err, fault.Invalid) == (name == "PUBLIC_URL") {
				t.Errorf("%s without %s: %v", function, name, err)
			}
		}
	}
	if _, err := read(settings(), "reconcil"); !fault.Is(err, fault.Internal) {
		t.Errorf("a function that there is not: %v", err)
	}
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := read(map[string]string{"QUEUE_URL": "q", "MONTHLY_READS": "many"}, "connect")
	var wrong []string
	for _, f := range fault.As(err).Fields {
		wrong = append(wrong, f.Field+" "+f.Problem)
	}
	want := []string{
		"TABLE_NAME is missing", "STAGE is missing", "QUEUE_URL must be an address", "SECRET_PREFIX is missing", "QBO_URL is missing", "OAUTH_TOKEN_URL is missing",
		"OAUTH_REVOKE_URL is missing", "MONTHLY_READS must be a number above zero", "OAUTH_AUTHORIZE_URL is missing", "OIDC_ISSUER is missing", "OIDC_AUDIENCE is missing",
	}
	if diff := cmp.Diff(want, wrong); diff != "" || !fault.Is(err, fault.Invalid) {
		t.Error(diff, err)
	}
}
