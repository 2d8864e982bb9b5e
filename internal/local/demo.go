package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/golden"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/webhook"
)

// How long the demo waits for one entry, and how often it looks.
const (
	settleWithin = 20 * time.Second
	lookEach     = 2 * time.Millisecond
)

// Demo posts the golden case through the real signed endpoint, event by event, prints what becomes of each,
// and compares every line, every receivable and the balances at the end with what must come out. It
// answers an error when anything differs.
func (s *System) Demo(ctx context.Context, out io.Writer, expected golden.Expected) error {
	d := demo{System: s, out: out}
	d.printf("\n%s: %d events of the golden case, signed, to %s/v1/events\n\n", s.Golden.Company.Company, len(s.Golden.Events), s.URL)
	for i, raw := range s.Golden.Events {
		if i >= len(expected.Events) || i >= len(expected.Receivable) {
			return fmt.Errorf("local.Demo: %w", fault.New(fault.Internal, "expected.json says nothing about event %d.", i+1))
		}
		if err := d.event(ctx, raw, expected.Events[i], expected.Receivable[i]); err != nil {
			return fmt.Errorf("local.Demo: %w", err)
		}
	}
	d.proof(expected)
	if len(d.wrong) > 0 {
		return fmt.Errorf("local.Demo: %w", fault.New(fault.Internal, "%d not as expected:\n  %s", len(d.wrong), strings.Join(d.wrong, "\n  ")))
	}
	return nil
}

// demo collects what differs.
type demo struct {
	*System
	out   io.Writer
	seen  int // entries of QuickBooks' journal that were looked at
	wrong []string
}

func (d *demo) printf(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format, args...) }

func (d *demo) differ(format string, args ...any) {
	d.wrong = append(d.wrong, fmt.Sprintf(format, args...))
	d.printf("      ✗ "+format+"\n", args...)
}

// event posts one event, waits for its entry, and compares what QuickBooks got.
func (d *demo) event(ctx context.Context, raw []byte, want golden.Outcome, receivable string) error {
	began := d.options.Now()
	id, err := d.post(ctx, raw)
	if err != nil {
		return err
	}
	entry, err := d.settled(ctx, id)
	if err != nil {
		return err
	}
	took := d.options.Now().Sub(began).Round(time.Millisecond)
	journal := d.Sim.Journal(WillowCreekRealm)
	got := journal[d.seen:]
	d.seen = len(journal)
	var ids []string
	for _, e := range got {
		ids = append(ids, e.ID)
	}
	ar := d.Sim.Balances(WillowCreekRealm)[d.Golden.Company.Mapping.Roles["accounts_receivable"]]
	d.printf("%-28s → %-6s → QuickBooks %-4s after %6s; A/R %9s\n    %s\n", want.Type, entry.State, strings.Join(ids, ","), took, ar.Grouped(), entry.Sentence)
	d.compare(want, got)
	if ar.String() != receivable {
		d.differ("%s: A/R after is %s, expected %s", want.Event, ar, receivable)
	}
	return nil
}

// post signs and sends one event, as Passare's backend does.
func (d *demo) post(ctx context.Context, raw []byte) (string, error) {
	var body bytes.Buffer
	if err := json.Compact(&body, raw); err != nil {
		return "", err
	}
	status, answer, err := d.Deliver(ctx, "application/cloudevents+json", body.Bytes())
	if err != nil {
		return "", err
	}
	var results struct{ Results []struct{ Entry string } }
	if err := json.Unmarshal(answer, &results); err != nil || len(results.Results) != 1 || results.Results[0].Entry == "" {
		return "", fault.New(fault.Internal, "The event was answered %d: %s", status, answer)
	}
	return results.Results[0].Entry, nil
}

// Deliver signs a body with the system's secret and sends it to /v1/events.
func (s *System) Deliver(ctx context.Context, contentType string, body []byte) (status int, answer []byte, err error) {
	now := s.options.Now()
	id := "msg_" + strconv.FormatInt(now.UnixNano(), 36)
	signature, err := webhook.Sign(s.options.WebhookSecret, id, now, body)
	if err != nil {
		return 0, nil, err
	}
	header := http.Header{
		"Content-Type": {contentType}, "Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signature},
	}
	return s.Call(ctx, http.MethodPost, "/v1/events", header, body)
}

// Call makes an HTTP request to the system and reads the whole answer.
func (s *System) Call(ctx context.Context, method, path string, header http.Header, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = header
	res, err := s.HTTP.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// shownEntry is what the demo reads of GET /v1/entries/{id}.
type shownEntry struct {
	State    intlog.State
	Sentence string
	Why      string
}

// settled waits until the machine no longer owns the entry.
func (d *demo) settled(ctx context.Context, id string) (shownEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	token, err := d.Token("ana")
	if err != nil {
		return shownEntry{}, err
	}
	header := http.Header{"Authorization": {"Bearer " + token}}
	ticker := time.NewTicker(lookEach)
	defer ticker.Stop()
	var e shownEntry
	for {
		status, answer, err := d.Call(ctx, http.MethodGet, "/v1/entries/"+id, header, nil)
		if err == nil && status == http.StatusOK {
			err = json.Unmarshal(answer, &e)
		}
		if err != nil {
			return e, fault.Because(err, fault.Unavailable, "Entry %s, last seen %s %s, cannot be read.", id, e.State, e.Why)
		}
		if e.State != "" && !e.State.Owned() {
			return e, nil
		}
		select {
		case <-ctx.Done():
			return e, fault.New(fault.Unavailable, "Entry %s is still %s: %s", id, e.State, e.Why)
		case <-ticker.C:
		}
	}
}

// compare prints the entries that came and says where they differ from the expected ones.
func (d *demo) compare(want golden.Outcome, got []qbosim.JournalEntry) {
	for i := range max(len(want.Entries), len(got)) {
		switch {
		case i >= len(got):
			d.differ("%s: no entry came; expected one dated %s", want.Event, want.Entries[i].Date)
		case i >= len(want.Entries):
			d.differ("%s: an entry came that was not expected: %s", want.Event, got[i].DocNumber)
		default:
			d.compareEntry(want.Event, want.Entries[i], got[i])
		}
	}
	d.printf("\n")
}

func (d *demo) compareEntry(event string, want golden.Entry, got qbosim.JournalEntry) {
	d.printf("    %s  %s\n", got.Date, got.DocNumber)
	if got.Date != want.Date {
		d.differ("%s: dated %s, expected %s", event, got.Date, want.Date)
	}
	for i := range max(len(want.Lines), len(got.Lines)) {
		switch {
		case i >= len(got.Lines):
			d.differ("%s: line missing: %s", event, describe(want.Lines[i]))
		case i >= len(want.Lines):
			d.differ("%s: line not expected: %s", event, describe(line(got.Lines[i])))
		default:
			x, w := line(got.Lines[i]), want.Lines[i]
			debit, credit := x.Amount, ""
			if x.Side == "Credit" {
				debit, credit = "", x.Amount
			}
			d.printf("      %-26s %10s %10s  %s\n", x.Account, debit, credit, named(x))
			if describe(x) != describe(w) {
				d.differ("%s: got %s, expected %s", event, describe(x), describe(w))
			}
		}
	}
}

func line(l qbosim.JournalLine) golden.Line {
	x := golden.Line{Side: l.Side, Account: l.Account, Amount: l.Amount}
	if l.Entity != nil {
		x.Entity = &golden.Entity{Type: l.Entity.Type, Name: l.Entity.Name}
	}
	return x
}

func named(l golden.Line) string {
	if l.Entity == nil {
		return ""
	}
	return l.Entity.Type + " " + l.Entity.Name
}

func describe(l golden.Line) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", l.Side, l.Account, l.Amount, named(l)))
}

// proof compares the balances at the end: of QuickBooks, of the log's own entries, and the expected ones.
func (d *demo) proof(expected golden.Expected) {
	balances := d.Sim.Balances(WillowCreekRealm)
	names := make([]string, 0, len(balances))
	for name := range balances {
		names = append(names, name)
	}
	for name := range expected.Balances {
		if _, ok := balances[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	d.printf("Both books at the end\n")
	for _, name := range names {
		d.printf("  %-28s %12s\n", name, balances[name].Grouped())
		if balances[name].String() != expected.Balances[name] {
			d.differ("%s ends at %s, expected %q", name, balances[name], expected.Balances[name])
		}
	}
	ours, err := d.ours()
	if err != nil {
		d.differ("our own entries cannot be read: %s", fault.As(err).Text())
	}
	for _, name := range names {
		if ours[name] != balances[name] {
			d.differ("%s: our synced entries come to %s, QuickBooks has %s", name, ours[name], balances[name])
		}
	}
	if len(d.wrong) == 0 {
		d.printf("All agrees: %d events, %d journal entries, our log and QuickBooks the same on %d accounts.\n", len(d.Golden.Events), d.seen, len(names))
	}
}

// ours are the balances by account name that the log's accepted postings come to.
func (d *demo) ours() (map[string]money.Cents, error) {
	ctx := context.Background()
	accounts, err := d.Client.Accounts(ctx, org.Company{Org: WillowCreek, Realm: WillowCreekRealm})
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, a := range accounts {
		names[a.ID] = a.Name
	}
	balances := map[string]money.Cents{}
	mark := intlog.Mark{}
	for {
		entries, err := d.Store.List(ctx, WillowCreek, "all", mark, 200)
		if err != nil || len(entries) == 0 {
			return balances, errors.Join(err)
		}
		for _, e := range entries {
			mark = intlog.MarkOf(e)
			for _, m := range e.Standing() {
				balances[names[m.Place.Account]] += m.Amount
			}
		}
	}
}
