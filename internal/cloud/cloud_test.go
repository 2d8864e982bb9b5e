package cloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/passare/qbo-sync/internal/cloud"
	"github.com/passare/qbo-sync/internal/config"
	"github.com/passare/qbo-sync/internal/fault"
)

// functions are all of them, each as one call with an event.
func functions() map[string]func(cloud.Process) func(context.Context) error {
	web := func(make func(cloud.Process) cloud.HTTP) func(cloud.Process) func(context.Context) error {
		return func(p cloud.Process) func(context.Context) error {
			handle := make(p)
			return func(ctx context.Context) error {
				_, err := handle(ctx, events.APIGatewayV2HTTPRequest{})
				return err
			}
		}
	}
	return map[string]func(cloud.Process) func(context.Context) error{
		"ingest": web(cloud.Ingest),
		"admin":  web(cloud.Admin),
		"connect": func(p cloud.Process) func(context.Context) error {
			handle := cloud.Connect(p)
			return func(ctx context.Context) error {
				_, err := handle(ctx, json.RawMessage(`{}`))
				return err
			}
		},
		"sync": func(p cloud.Process) func(context.Context) error {
			handle := cloud.Sync(p)
			return func(ctx context.Context) error {
				answer, err := handle(ctx, events.SQSEvent{Records: []events.SQSMessage{{Body: "{}"}}})
				if answer.BatchItemFailures == nil {
					return fault.New(fault.Conflict, "The answer has null for a list.")
				}
				return err
			}
		},
		"retry": cloud.Retry,
		"reconcile": func(p cloud.Process) func(context.Context) error {
			handle := cloud.Reconcile(p)
			return func(ctx context.Context) error {
				_, err := handle(ctx, json.RawMessage(`{"Records":[{"body":"{}"}]}`))
				return err
			}
		},
	}
}

func TestStartingAFunctionReadsNothingButItsStage(t *testing.T) {
	t.Parallel()
	for name, start := range functions() {
		var read []string
		start(cloud.Process{Env: func(name string) string { read = append(read, name); return "" }, Out: &bytes.Buffer{}, Now: time.Now})
		if strings.Join(read, " ") != "STAGE" {
			t.Errorf("%s reads %v", name, read)
		}
	}
}

func TestAFunctionThatCannotBeginSaysWhyAndTriesAgain(t *testing.T) {
	t.Parallel()
	for name, start := range functions() {
		var told bytes.Buffer
		asked := 0
		env := func(name string) string {
			if name == "TABLE_NAME" {
				asked++
			}
			return ""
		}
		handle := start(cloud.Process{Env: env, Out: &told, Now: time.Now})
		for range 2 {
			if err := handle(t.Context()); !fault.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), "cloud."+name+": ") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if asked != 2 {
			t.Errorf("%s: its settings are read %d times in two events", name, asked)
		}
		for _, missing := range config.Names(name) {
			if missing != "PUBLIC_URL" && strings.Count(told.String(), "field "+missing) != 2 {
				t.Errorf("%s says nothing of %s", name, missing)
			}
		}
	}
}
