package secret_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/porttest"
	"github.com/passare/qbo-sync/internal/secret"
)

// empty has no secrets; what the test puts into it is gone after it.
func empty(t *testing.T) *secret.Secrets {
	t.Helper()
	config, prefix := porttest.AWS(t), porttest.NewName()
	t.Cleanup(func() {
		client := secretsmanager.NewFromConfig(config)
		for _, name := range names() {
			_, err := client.DeleteSecret(context.WithoutCancel(t.Context()), &secretsmanager.DeleteSecretInput{
				SecretId: aws.String(prefix + "/" + name), ForceDeleteWithoutRecovery: aws.Bool(true),
			})
			if _, none := errors.AsType[*types.ResourceNotFoundException](err); err != nil && !none {
				t.Error(err)
			}
		}
	})
	return at(t, secret.Options{AWS: config, Prefix: prefix})
}

// names are the secrets that the tests make, those of the suite included.
func names() []string { return append(porttest.SecretNames(), "grant/a") }

func at(t *testing.T, o secret.Options) *secret.Secrets {
	t.Helper()
	s, err := secret.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSecretsAreSecrets(t *testing.T) {
	t.Parallel()
	porttest.AWS(t)
	porttest.Secrets(t, func(t *testing.T) grant.Secrets { return empty(t) })
}

// TestOneOfManyWritersIsStored: what is stored is the winner's, round after round, and everybody else is told of a conflict.
func TestOneOfManyWritersIsStored(t *testing.T) {
	t.Parallel()
	const rounds, writers = 5, 20
	s, version := empty(t), ""
	for round := range rounds {
		versions, errs := make([]string, writers), make([]error, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				versions[i], errs[i] = s.Put(t.Context(), "grant/a", fmt.Appendf(nil, "%d of %d", i, round), version)
			})
		}
		wg.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				t.Fatalf("round %d: %d and %d have won", round, winner, i)
			case !fault.Is(err, fault.Conflict):
				t.Errorf("round %d: %v", round, err)
			}
		}
		if winner < 0 {
			t.Fatalf("round %d: nobody has won", round)
		}
		value, stored, err := s.Get(t.Context(), "grant/a")
		if want := fmt.Sprintf("%d of %d", winner, round); err != nil || string(value) != want || stored != versions[winner] {
			t.Errorf("round %d: %q, version %s, want %q, version %s: %v", round, value, stored, want, versions[winner], err)
		}
		version = stored
	}
}

func TestPrefixesKeepStagesApart(t *testing.T) {
	t.Parallel()
	one, two := empty(t), empty(t)
	if _, err := one.Put(t.Context(), "grant/a", []byte("one"), ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := two.Get(t.Context(), "grant/a"); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	if _, err := secret.New(secret.Options{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a prefix: %v", err)
	}
}

// answer is what a scripted server says to a call.
type answer struct {
	status int
	body   string
}

// scripted stands for Secrets Manager: it gives each operation its answer, and writes down what it was asked.
type scripted struct {
	answers map[string]answer
	mu      sync.Mutex
	calls   []string
	bodies  []string
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	s.mu.Lock()
	s.calls, s.bodies = append(s.calls, operation), append(s.bodies, string(body))
	s.mu.Unlock()
	a, ok := s.answers[operation]
	if !ok {
		a.status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "request-1")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// start serves it to a store of secrets that tries each call once.
func (s *scripted) start(t *testing.T) *secret.Secrets {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	config := porttest.On(server.URL)
	config.RetryMaxAttempts = 1
	return at(t, secret.Options{AWS: config, Prefix: "p"})
}

func refusal(code string) answer {
	return answer{400, `{"__type":"` + code + `","message":"Value 'hush' is not allowed."}`}
}

func stored(version string) answer {
	return answer{200, `{"Name":"p/grant/a","VersionId":"` + version + `","SecretBinary":"aHVzaA=="}`}
}

// TestWhoIsCurrentSettlesAPutThatFailed is the table of the package's documentation.
func TestWhoIsCurrentSettlesAPutThatFailed(t *testing.T) {
	t.Parallel()
	made, down := answer{200, `{"VersionId":"b"}`}, answer{503, `{"__type":"InternalServiceError"}`}
	for name, x := range map[string]struct {
		put, move, get answer
		want           fault.Code // empty: stored
	}{
		"moved":                                            {made, answer{200, `{}`}, down, ""},
		"moved, the answer was lost":                       {made, down, stored("b"), ""},
		"moved, and the call repeated":                     {made, refusal("InvalidParameterException"), stored("b"), ""},
		"somebody was faster":                              {made, refusal("InvalidParameterException"), stored("c"), fault.Conflict},
		"somebody was faster, and no answer":               {made, down, stored("c"), fault.Conflict},
		"somebody was faster, and that is not seen yet":    {made, refusal("InvalidParameterException"), stored("a"), fault.Unavailable},
		"the version is not there yet":                     {made, refusal("ResourceNotFoundException"), stored("a"), fault.Unavailable},
		"the secret is gone":                               {refusal("ResourceNotFoundException"), down, refusal("ResourceNotFoundException"), fault.Conflict},
		"the secret is gone, and then nobody answers":      {refusal("ResourceNotFoundException"), down, down, fault.Unavailable},
		"no version was made":                              {down, down, stored("a"), fault.Unavailable},
		"too many versions":                                {refusal("LimitExceededException"), down, stored("a"), fault.Unavailable},
		"not permitted":                                    {refusal("AccessDeniedException"), down, stored("a"), fault.Internal},
		"marked for deletion":                              {refusal("InvalidRequestException"), down, refusal("InvalidRequestException"), fault.Internal},
		"nobody answers":                                   {down, down, down, fault.Unavailable},
		"the move has no answer, and nor has the question": {made, down, down, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &scripted{answers: map[string]answer{"PutSecretValue": x.put, "UpdateSecretVersionStage": x.move, "GetSecretValue": x.get}}
			version, err := server.start(t).Put(t.Context(), "grant/a", []byte("hush"), "a")
			if fault.CodeOf(err) != x.want || (err == nil) != (version == "b") {
				t.Errorf("version %q, %v, want %q", version, err, x.want)
			}
		})
	}
}

func TestOnlyTheFirstIsCreated(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		create, get answer
		want        fault.Code
	}{
		"created":                              {stored("a"), refusal("ResourceNotFoundException"), ""},
		"there is one":                         {refusal("ResourceExistsException"), stored("c"), fault.Conflict},
		"there is one that is not seen yet":    {refusal("ResourceExistsException"), refusal("ResourceNotFoundException"), fault.Unavailable},
		"not permitted":                        {refusal("AccessDeniedException"), refusal("ResourceNotFoundException"), fault.Internal},
		"nobody answers, and there is nothing": {answer{500, `{}`}, refusal("ResourceNotFoundException"), fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &scripted{answers: map[string]answer{"CreateSecret": x.create, "GetSecretValue": x.get}}
			if _, err := server.start(t).Put(t.Context(), "grant/a", []byte("hush"), ""); fault.CodeOf(err) != x.want {
				t.Errorf("%v, want %q", err, x.want)
			}
		})
	}
}

// TestACandidateIsNotCurrent: the version is made under a label that nobody reads, and made current only in place of the one that was read.
func TestACandidateIsNotCurrent(t *testing.T) {
	t.Parallel()
	server := &scripted{answers: map[string]answer{"PutSecretValue": {200, `{"VersionId":"b"}`}, "UpdateSecretVersionStage": {200, `{}`}}}
	if _, err := server.start(t).Put(t.Context(), "grant/a", []byte("hush"), "a"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"PutSecretValue", "UpdateSecretVersionStage"}, server.calls); diff != "" {
		t.Fatal(diff)
	}
	if !strings.Contains(server.bodies[0], `"VersionStages":["next"]`) || !strings.Contains(server.bodies[0], `"SecretId":"p/grant/a"`) {
		t.Errorf("%s", server.bodies[0])
	}
	for _, want := range []string{`"VersionStage":"AWSCURRENT"`, `"MoveToVersionId":"b"`, `"RemoveFromVersionId":"a"`} {
		if !strings.Contains(server.bodies[1], want) {
			t.Errorf("%s is not in %s", want, server.bodies[1])
		}
	}
}

func TestNoValueIsInAnError(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"a refusal":                     refusal("ValidationException"),
		"a refusal for pace":            refusal("ThrottlingException"),
		"an answer that cannot be read": {200, `{"SecretBinary":"hush` + "\x00"},
		"an answer that is not JSON":    {200, `hush`},
		"an error that cannot be read":  {500, `hush`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := (&scripted{answers: map[string]answer{"GetSecretValue": a, "PutSecretValue": a, "CreateSecret": a}}).start(t)
			_, _, err := s.Get(t.Context(), "grant/a")
			_, create := s.Put(t.Context(), "grant/a", []byte("hush"), "")
			_, replace := s.Put(t.Context(), "grant/a", []byte("hush"), "a")
			for _, err := range []error{err, create, replace} {
				if err == nil {
					t.Error("no error")
					continue
				}
				if text := err.Error() + fault.As(err).Text(); strings.Contains(text, "hush") {
					t.Errorf("%s", text)
				}
			}
		})
	}
}

func TestAnErrorNamesTheAnswerAndTheRequest(t *testing.T) {
	t.Parallel()
	s := (&scripted{answers: map[string]answer{"GetSecretValue": refusal("AccessDeniedException")}}).start(t)
	_, _, err := s.Get(t.Context(), "grant/a")
	if want := "secret.Get: internal: Secrets Manager answers AccessDeniedException, request request-1"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAValueThatCannotBeStoredIsNotSent(t *testing.T) {
	t.Parallel()
	server := &scripted{}
	s := server.start(t)
	_, err := s.Put(t.Context(), "grant/a", nil, "")
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("no value: %v", err)
	}
	_, err = s.Put(t.Context(), "grant/a", make([]byte, secret.MaxValue+1), "a")
	if !fault.Is(err, fault.TooLarge) {
		t.Errorf("too large: %v", err)
	}
	if len(server.calls) > 0 {
		t.Errorf("sent: %v", server.calls)
	}
}

func TestAValueThatAPersonWroteInTheConsoleIsRead(t *testing.T) {
	t.Parallel()
	s := (&scripted{answers: map[string]answer{"GetSecretValue": {200, `{"VersionId":"a","SecretString":"by hand"}`}}}).start(t)
	value, version, err := s.Get(t.Context(), "grant/a")
	if err != nil || string(value) != "by hand" || version != "a" {
		t.Errorf("%q, version %q: %v", value, version, err)
	}
}
