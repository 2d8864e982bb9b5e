package main_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/logwatch"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/porttest"
	"github.com/passare/qbo-sync/internal/secret"
)

// lambda is Lambda's runtime API: it hands events to the function's process, one at a time, and takes its answers.
type lambda struct {
	events  chan []byte
	answers chan answer
}

type answer struct {
	failed bool
	body   []byte
}

func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/invocation/next"):
		select {
		case event := <-l.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	case r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		l.answers <- answer{strings.HasSuffix(r.URL.Path, "/error"), body}
	}
}

// function is the built binary in a process of its own, on what stands for AWS and Intuit on this machine.
type function struct {
	t      *testing.T
	lambda *lambda
	system *local.System // the simulator, and who signs admins in
	org    org.Company
}

func start(t *testing.T) *function {
	t.Helper()
	account := porttest.Emulator(t)
	binary := filepath.Join(t.TempDir(), "bootstrap")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	watch := logwatch.New(t)
	system, err := local.Start(t.Context(), local.Options{
		Listen: "127.0.0.1:0", QBOListen: "127.0.0.1:0", WebhookSecret: local.DemoWebhookSecret, Now: time.Now, Log: watch.Logger(), RetryEach: time.Hour,
		Carry: watch.Carry(&http.Transport{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := system.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &function{t: t, lambda: &lambda{events: make(chan []byte), answers: make(chan answer)}, system: system, org: org.Company{Org: local.WillowCreek, Realm: local.WillowCreekRealm}}
	runtime := httptest.NewServer(f.lambda)
	t.Cleanup(runtime.Close)
	table, queueURL, prefix := f.prepare(account)
	process := exec.Command(binary)
	process.Stdout, process.Stderr = watch, watch
	process.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(runtime.URL, "http://"), "AWS_ENDPOINT_URL=" + *account.BaseEndpoint, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_LAMBDA_FUNCTION_NAME=connect", "STAGE=test", "TABLE_NAME=" + table, "QUEUE_URL=" + queueURL, "SECRET_PREFIX=" + prefix,
		"QBO_URL=" + system.QBOURL, "OAUTH_AUTHORIZE_URL=" + system.QBOURL + "/connect/oauth2", "OAUTH_TOKEN_URL=" + system.QBOURL + "/oauth2/v1/tokens/bearer",
		"OAUTH_REVOKE_URL=" + system.QBOURL + "/v2/oauth2/tokens/revoke", "OAUTH_REDIRECT_URL=https://sync.example/oauth/callback",
		"OIDC_ISSUER=" + system.URL, "OIDC_AUDIENCE=passare-qbo-sync", "MONTHLY_READS=500000",
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	return f
}

// prepare makes the table with the organisation in it, the queue, and the secret of the app.
func (f *function) prepare(account aws.Config) (table, queueURL, prefix string) {
	f.t.Helper()
	must := func(err error) {
		f.t.Helper()
		if err != nil {
			f.t.Fatal(err)
		}
	}
	table, prefix = "connect-"+rand.Text(), "connect-"+rand.Text()
	db := dynamodb.NewFromConfig(account)
	_, err := db.CreateTable(f.t.Context(), dynamo.Table(table))
	must(err)
	_, err = dynamo.New(db, table).PutConfig(f.t.Context(), org.Config{Org: f.org.Org, Name: "Willow Creek"}, 0)
	must(err)
	made, err := sqs.NewFromConfig(account).CreateQueue(f.t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(table + ".fifo"), Attributes: map[string]string{"FifoQueue": "true"}})
	must(err)
	secrets, err := secret.New(secret.Options{AWS: account, Prefix: prefix})
	must(err)
	_, err = secrets.Put(f.t.Context(), "app", []byte(`{"client_id":"demo-client","client_secret":"demo-secret"}`), "")
	must(err)
	return table, *made.QueueUrl, prefix
}

// invoke hands the function an event and waits for its answer.
func (f *function) invoke(event any) answer {
	f.t.Helper()
	raw, err := json.Marshal(event)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	select {
	case f.lambda.events <- raw:
	case <-ctx.Done():
		f.t.Fatal("the function asks for no event")
	}
	select {
	case a := <-f.lambda.answers:
		return a
	case <-ctx.Done():
		f.t.Fatal("the function does not answer")
	}
	return answer{}
}

// call is a request as API Gateway hands it over.
func (f *function) call(user, method, path, query string, cookies ...string) events.APIGatewayV2HTTPResponse {
	f.t.Helper()
	r := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: path, RawQueryString: query, Cookies: cookies, Headers: map[string]string{"accept": "application/json"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{DomainName: "sync.example", HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method, Path: path}},
	}
	if user != "" {
		token, err := f.system.Token(user)
		if err != nil {
			f.t.Fatal(err)
		}
		r.Headers["authorization"] = "Bearer " + token
	}
	a := f.invoke(r)
	var res events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(a.body, &res); err != nil || a.failed {
		f.t.Fatalf("%s %s: %s %v", method, path, a.body, err)
	}
	return res
}

func (f *function) is(res events.APIGatewayV2HTTPResponse, status int, says string) {
	f.t.Helper()
	if res.StatusCode != status || !strings.Contains(res.Body, says) {
		f.t.Fatalf("%d %s, want %d with %s", res.StatusCode, res.Body, status, says)
	}
}

// TestTheBuiltFunctionConnects: the binary as it is deployed, from consent to disconnect.
func TestTheBuiltFunctionConnects(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.is(f.call("", http.MethodGet, "/v1/connection", ""), http.StatusUnauthorized, "unauthenticated")
	f.is(f.call("ben", http.MethodGet, "/v1/connection", ""), http.StatusForbidden, "integrations_admin")
	f.is(f.call("ana", http.MethodGet, "/v1/connection", ""), http.StatusOK, `"state":"never_connected"`)
	started := f.call("ana", http.MethodPost, "/v1/connection/start", "")
	f.is(started, http.StatusOK, "authorize_url")
	var to struct {
		Address string `json:"authorize_url"`
	}
	if err := json.Unmarshal([]byte(started.Body), &to); err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(strings.Join(append(started.Cookies, started.Headers["Set-Cookie"], strings.Join(started.MultiValueHeaders["Set-Cookie"], "")), ""), ";")
	back := f.consent(to.Address)
	f.is(f.call("", http.MethodGet, "/oauth/callback", back.RawQuery, cookie), http.StatusOK, `"realm":"`+f.org.Realm+`"`)
	f.is(f.call("", http.MethodGet, "/oauth/callback", back.RawQuery, cookie), http.StatusUnprocessableEntity, "used already")
	f.is(f.call("ana", http.MethodGet, "/v1/connection", ""), http.StatusOK, `"state":"connected","company":"`+f.system.Golden.Company.Company)
	if a := f.invoke(map[string]string{"source": "aws.scheduler"}); a.failed {
		t.Errorf("the schedule: %s", a.body)
	}
	f.is(f.call("ana", http.MethodDelete, "/v1/connection", ""), http.StatusOK, `"state":"disconnected"`)
}

// consent gives consent for the organisation's company, as a person does in a browser.
func (f *function) consent(address string) *url.URL {
	f.t.Helper()
	client := *f.system.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Get(address + "&realm=" + f.org.Realm)
	if err != nil {
		f.t.Fatal(err)
	}
	_ = res.Body.Close()
	back, err := res.Location()
	if err != nil {
		f.t.Fatal(err)
	}
	return back
}
