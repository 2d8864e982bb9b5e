// Command local runs the whole product in one process, with the QuickBooks simulator beside it: `make run`.
// Nothing of it is deployed. Settings are in the environment; README lists them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/local"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		tell(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// tell shows an error to the person at the terminal: what is wrong, each wrong field with its problem, and for a defect the line for engineers.
func tell(out io.Writer, err error) {
	f := fault.As(err)
	_, _ = fmt.Fprintln(out, f.Text())
	for _, x := range f.Fields {
		_, _ = fmt.Fprintf(out, "  %s %s (it is %q)\n", x.Field, x.Problem, x.Value)
	}
	if f.Code == fault.Internal {
		_, _ = fmt.Fprintln(out, fault.Line(err))
	}
}

// demo is what DEMO may say.
const (
	demoGolden = "golden" // post the golden case and go on running
	demoOff    = "off"
	demoOnce   = "once" // post it, and exit 0 only when every entry is as expected
)

func run(ctx context.Context, args []string, env func(string) string, out, logs io.Writer) error {
	demo, now, err := settings(env)
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(logs)
	only := flags.String("only", "", "qbosim: the QuickBooks simulator alone")
	deployed := flags.Bool("deployed", false, "the product is deployed to what stands for AWS (make run-aws): only what it needs beside it")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil || flags.NArg() > 0 || *only != "" && *only != "qbosim" {
		return fault.Because(err, fault.Invalid, "The flags are -only qbosim and -deployed; everything else is in the environment (README).")
	}
	log := slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if *only == "qbosim" {
		return simulate(ctx, local.Options{QBOListen: or(env("QBO_LISTEN"), "127.0.0.1:8090"), Now: now, Log: log}, out)
	}
	listen, qboListen := or(env("LISTEN"), "127.0.0.1:8080"), or(env("QBO_LISTEN"), "127.0.0.1:8090")
	if demo == demoOnce {
		listen, qboListen = or(env("LISTEN"), "127.0.0.1:0"), or(env("QBO_LISTEN"), "127.0.0.1:0")
	}
	secret := or(env("WEBHOOK_SECRET"), local.DemoWebhookSecret)
	options := local.Options{Listen: listen, QBOListen: qboListen, WebhookSecret: secret, Now: now, Workers: 4, RetryEach: time.Second, Log: log}
	system, err := start(ctx, options, *deployed, env)
	if err != nil {
		return err
	}
	if demo != demoOff {
		err = system.Demo(ctx, out, system.Golden.Expected)
	}
	if demo != demoOnce && err == nil {
		shown := "WEBHOOK_SECRET, as set"
		if secret == local.DemoWebhookSecret {
			shown = secret + " (the demo's)"
		}
		_, _ = fmt.Fprintf(out, "\nEvents and REST  %s\nTokens           %s/dev/token\nQuickBooks       %s\nWebhook secret   %s\nStop with Ctrl-C.\n", system.URL, system.SignIn, system.QBOURL, shown)
		<-ctx.Done()
	}
	return errors.Join(err, system.Close())
}

// start starts the product, or what the deployed one needs beside it.
func start(ctx context.Context, o local.Options, deployed bool, env func(string) string) (*local.System, error) {
	if !deployed {
		return local.Start(ctx, o)
	}
	account, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "There are no settings for AWS.")
	}
	where, err := local.DeployedSettings(env, account)
	if err != nil {
		return nil, err
	}
	return local.StartDeployed(ctx, o, where)
}

// simulate serves the simulator alone.
func simulate(ctx context.Context, o local.Options, out io.Writer) error {
	system, err := local.StartSimulator(o)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "QuickBooks       %s\nOAuth client     demo-client, demo-secret\nCompanies        %s, %s\nRefresh tokens   %s/_sim/realms/<company>\nStop with Ctrl-C.\n",
		system.QBOURL, local.WillowCreekRealm, local.MapleHillRealm, system.QBOURL)
	<-ctx.Done()
	return system.Close()
}

// settings reads DEMO and CLOCK.
func settings(env func(string) string) (demo string, now func() time.Time, err error) {
	demo, now = or(env("DEMO"), demoGolden), time.Now
	var wrong []fault.Field
	if demo != demoGolden && demo != demoOff && demo != demoOnce {
		wrong = append(wrong, fault.Field{Field: "DEMO", Value: demo, Problem: "must be golden, once or off"})
	}
	if clock := or(env("CLOCK"), "real"); clock != "real" {
		began, parseErr := time.Parse(time.RFC3339, clock)
		if parseErr != nil {
			wrong = append(wrong, fault.Field{Field: "CLOCK", Value: clock, Problem: "must be real, or a time such as 2026-03-02T15:04:05Z at which the clock begins"})
		}
		start := time.Now()
		now = func() time.Time { return began.Add(time.Since(start)) }
	}
	if wrong != nil {
		return "", nil, &fault.Error{Code: fault.Invalid, Message: "Some settings are wrong.", Fields: wrong}
	}
	return demo, now, nil
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
