package httpapi_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// proof is a proof as a test wants it.
type proof struct {
	nights []reconcile.Night
	found  []reconcile.Difference
	next   string
	rows   []reconcile.PacketRow
	err    error

	org    string
	before date.Date
	after  string
	asked  *reconcile.Request
	act    *reconcile.Act
	closed *bool
	reads  int
}

func (f *proof) Nights(_ context.Context, org string, before date.Date, limit int) ([]reconcile.Night, error) {
	f.org, f.before = org, before
	return f.nights[:min(len(f.nights), limit)], f.err
}

func (f *proof) Night(_ context.Context, _ string, on date.Date) (reconcile.Night, error) {
	for _, n := range f.nights {
		if n.Date == on {
			return n, f.err
		}
	}
	return reconcile.Night{}, fault.New(fault.NotFound, "No night of that day was proved.")
}

func (f *proof) Ask(_ context.Context, r reconcile.Request) error {
	f.asked = &r
	return f.err
}

func (f *proof) Differences(_ context.Context, org, after string, _ int) ([]reconcile.Difference, string, error) {
	f.org, f.after = org, after
	return f.found, f.next, f.err
}

func (f *proof) Difference(_ context.Context, _, id string) (reconcile.Difference, error) {
	for _, d := range f.found {
		if d.ID == id {
			return d, f.err
		}
	}
	return reconcile.Difference{}, fault.New(fault.NotFound, "There is no difference of that id.")
}

func (f *proof) Act(ctx context.Context, org, id string, a reconcile.Act) (reconcile.Difference, error) {
	f.act = &a
	d, err := f.Difference(ctx, org, id)
	if err == nil && f.err == nil {
		d.Settled, d.How, d.Remedies = readAt(), "Ignored.", nil
	}
	return d, err
}

func (f *proof) Case(_ context.Context, _, id string) (reconcile.CaseProof, error) {
	if id != "c1" {
		return reconcile.CaseProof{}, fault.New(fault.NotFound, "No proof has seen this case.")
	}
	same := reconcile.Figures{Passare: 1000, Posted: 1000, QuickBooks: 900, Accepted: -100}
	return reconcile.CaseProof{
		Case: "c1", CaseNo: "24-0113", Name: "John Smith", Proved: readAt(), Rows: []reconcile.CaseRow{{Record: "payment/p1", What: "Payment", Date: "2026-03-04", Entry: "payment.p1.1", Owed: same}},
		Owed: same, Customers: []reconcile.CustomerBalance{{ID: "67", Name: "John Smith", Cases: 1, Ours: 1000, Others: -100, Balance: 900, Read: readAt(), Agrees: true}}, Agrees: true, Says: "All agrees.",
	}, f.err
}

func (f *proof) Clearing(context.Context, string) (reconcile.Clearing, error) {
	return reconcile.Clearing{Accounts: []reconcile.ClearingAccount{{Role: "deposits_clearing", Name: "Deposits clearing", Open: 1250}}, Credits: []reconcile.Credit{{Case: "c2", Amount: 5}}}, f.err
}

func (f *proof) CashAdvances(context.Context, string) (reconcile.CashAdvances, error) {
	return reconcile.CashAdvances{Open: -50, Items: []reconcile.Advance{{Case: "c1", Item: "Cemetery", Collected: 85000, Paid: 90000, Open: -5000, Since: "2026-03-01", Days: 3}}}, f.err
}

func (f *proof) Packet(_ context.Context, _, month string) (reconcile.Packet, error) {
	return reconcile.Packet{Month: month, Entries: 2, Debits: 18233010, Says: "All agrees."}, f.err
}

func (f *proof) PacketRows(_ context.Context, _, _, after string, limit int) ([]reconcile.PacketRow, string, error) {
	f.reads++
	begin := 0
	_, _ = fmt.Sscan(after, &begin)
	end := min(begin+limit, len(f.rows))
	if end == len(f.rows) {
		return f.rows[begin:end], "", f.err
	}
	return f.rows[begin:end], fmt.Sprint(end), f.err
}

func (f *proof) CloseMonth(ctx context.Context, id, month, who string, closed bool) (reconcile.Packet, error) {
	f.closed = &closed
	p, err := f.Packet(ctx, id, month)
	p.Closed = closed
	if closed {
		p.ClosedBy, p.ClosedAt = who, readAt()
	}
	return p, err
}

// both may see the log and manage.
type both struct{}

func (both) Person(context.Context, string) (org.Person, error) {
	return org.Person{Subject: "ana", Name: "Ana Diaz", Org: "willow-creek", Permissions: []org.Permission{org.SeeLog, org.Manage}}, nil
}

func proving(f *proof, people httpapi.People) http.Handler {
	mux := http.NewServeMux()
	api := httpapi.NewAPI(mux, httpapi.Gate{People: people, Now: readAt, NewTrace: func() string { return "TRACE" }})
	(&httpapi.Proofs{Reader: f, Charts: charts{"91": "Deposits clearing"}, Books: httpapi.LiveBooks, Now: readAt}).Register(api)
	return api.Whole(mux)
}

func differing() reconcile.Difference {
	return reconcile.Difference{
		ID: "payment.p1.1-1", Class: reconcile.Deleted, Sentence: "It was deleted in QuickBooks.", Entry: "payment.p1.1", Posting: 1, Case: "c1", CaseNo: "24-0113", Name: "John Smith",
		QuickBooksID: "1204", Doc: "D-1", Date: "2026-03-04", Amount: 100000, Found: readAt(), Seen: "s1",
		Remedies: []reconcile.Remedy{{Action: reconcile.Repost, Says: "It is posted again.", Date: "2026-03-04", Lines: []journal.Line{
			{Side: journal.Debit, Amount: 100000, Place: journal.Place{Account: "91"}}, {Side: journal.Credit, Amount: 100000, Place: journal.Place{Account: "84"}},
		}}},
	}
}

func fullProof() *proof {
	return &proof{
		nights: []reconcile.Night{
			{Date: "2026-03-04", State: reconcile.Differs, Began: readAt(), Ended: readAt().Add(time.Minute), Entries: 214, Amount: 18233010, Open: 1, AtStake: 100000, Says: "1 difference."},
			{Date: "2026-03-03", State: reconcile.Agrees, Began: readAt(), Says: "All agrees."},
			{Date: "2026-03-02", State: reconcile.Failed, Began: readAt(), Why: "QuickBooks is not connected."},
		},
		found: []reconcile.Difference{differing()},
	}
}

// TestGoldenProofs: what each call answers; and each answer is as the description says.
func TestGoldenProofs(t *testing.T) {
	t.Parallel()
	raw, _ := description(t)
	v := newValidator(t, raw)
	h := proving(fullProof(), both{})
	var shown strings.Builder
	for _, x := range []struct{ method, path, at, body string }{
		{"GET", "/v1/reconciliations?limit=2", "/v1/reconciliations", ""},
		{"GET", "/v1/reconciliations/2026-03-04", "/v1/reconciliations/{date}", ""},
		{"GET", "/v1/reconciliations/2026-03-05", "/v1/reconciliations/{date}", ""},
		{"GET", "/v1/reconciliations/yesterday", "/v1/reconciliations/{date}", ""},
		{"POST", "/v1/reconciliations", "/v1/reconciliations", `{"full":true}`},
		{"POST", "/v1/reconciliations", "/v1/reconciliations", ""},
		{"GET", "/v1/differences", "/v1/differences", ""},
		{"GET", "/v1/differences/payment.p1.1-1", "/v1/differences/{id}", ""},
		{"GET", "/v1/differences/nothing", "/v1/differences/{id}", ""},
		{"POST", "/v1/differences/payment.p1.1-1/actions", "/v1/differences/{id}/actions", `{"action":"ignore","reason":" ours "}`},
		{"POST", "/v1/differences/payment.p1.1-1/actions", "/v1/differences/{id}/actions", `{"action":"shred","reason":7,"quickbooks_id":"` + strings.Repeat("1", 51) + `"}`},
		{"GET", "/v1/cases/c1/proof", "/v1/cases/{id}/proof", ""},
		{"GET", "/v1/cases/c9/proof", "/v1/cases/{id}/proof", ""},
		{"GET", "/v1/clearing", "/v1/clearing", ""},
		{"GET", "/v1/cash-advances", "/v1/cash-advances", ""},
		{"GET", "/v1/close-packets/2026-03", "/v1/close-packets/{month}", ""},
		{"GET", "/v1/close-packets/march", "/v1/close-packets/{month}", ""},
		{"POST", "/v1/close-packets/2026-03", "/v1/close-packets/{month}", `{"closed":true}`},
		{"POST", "/v1/close-packets/2026-03", "/v1/close-packets/{month}", `{}`},
	} {
		w := says(h, x.method, x.path, x.body)
		fmt.Fprintf(&shown, "%s %s %s\n%d %s\n", x.method, x.path, x.body, w.Code, w.Header().Get("Link"))
		var value any
		if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil {
			t.Fatal(err)
		}
		if w.Code < http.StatusBadRequest {
			schema, err := v.compiler.Compile("api.json#" + pointer("paths", x.at, strings.ToLower(x.method), "responses", fmt.Sprint(w.Code), "content", "application/json") + "/schema")
			if err != nil {
				t.Fatal(err)
			}
			read, err := jsonschema.UnmarshalJSON(strings.NewReader(w.Body.String()))
			if err != nil || schema.Validate(read) != nil {
				t.Errorf("%s %s: %v %v", x.method, x.path, err, schema.Validate(read))
			}
		}
		pretty, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&shown, "%s\n\n", pretty)
	}
	goldenfile.Check(t, "proofs", shown.String())
}

func TestWhatTheProofRefusesIsTold(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		err    error
		status int
		says   string
	}{
		{fault.New(fault.Stale, "It is another by now."), http.StatusPreconditionFailed, "It is another by now."},
		{fault.New(fault.Conflict, "It is another by now."), http.StatusConflict, "It is another by now."},
		{&fault.Error{Code: fault.Invalid, Message: "Not done.", Fields: []fault.Field{{Field: "reason", Problem: "is missing"}, {Field: "quickbooks_id", Problem: "is missing"}}}, http.StatusUnprocessableEntity, `"field":"quickbooks_id"`},
		{fault.New(fault.Internal, "Not yet."), http.StatusInternalServerError, "TRACE"},
	} {
		f := fullProof()
		f.err = x.err
		if w := says(proving(f, both{}), http.MethodPost, "/v1/differences/payment.p1.1-1/actions", `{"action":"link"}`); w.Code != x.status || !strings.Contains(w.Body.String(), x.says) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// lines are rows of a month with a text.
func packetLines(n int, text func(i int) string) []reconcile.PacketRow {
	rows := make([]reconcile.PacketRow, 0, n)
	for i := range n {
		rows = append(rows, reconcile.PacketRow{
			Entry: fmt.Sprint("payment.p", i, ".1"), Doc: "D-1", QuickBooksID: "7", What: "Payment", Date: "2026-03-04", CaseNo: "=1+1", Name: "@Smith",
			Line: journal.Line{Side: journal.Debit, Amount: 100, Place: journal.Place{Account: "91"}, Description: text(i)}, InQuickBooks: "agrees",
		})
	}
	return rows
}

func TestAMonthAsAFile(t *testing.T) {
	t.Parallel()
	f := fullProof()
	f.rows = packetLines(2, func(int) string { return "+1" })
	w := says(proving(f, both{}), http.MethodGet, "/v1/close-packets/2026-03/entries.csv", "")
	if w.Code != http.StatusOK || w.Header().Get("X-More") != "" || w.Header().Get("Content-Disposition") != `attachment; filename="close-packet-2026-03.csv"` {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	table, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || len(table) != 3 {
		t.Fatalf("%v %q", err, table)
	}
	want := []string{"payment.p0.1", "Payment", "'=1+1", "'@Smith", "2026-03-04", "D-1", "Deposits clearing", "1.00", "", "", "", "", "'+1", "7", "https://app.qbo.intuit.com/app/journal?txnId=7", "agrees"}
	for i, cell := range want {
		if table[1][i] != cell {
			t.Errorf("%s is %q, not %q", table[0][i], table[1][i], cell)
		}
	}
}

func TestEveryRowOfAMonthComesInAnswersThatLambdaCarries(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for name, x := range map[string]struct {
		rows []reconcile.PacketRow
	}{
		"many small ones": {packetLines(26_000, func(int) string { return "Payment by check" })},
		"large ones":      {packetLines(3_000, func(int) string { return noise(random, 3_900) })},
		"hostile ones":    {packetLines(700, func(int) string { return strings.Repeat("<", 4_000) })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &proof{rows: x.rows}
			h, path, rows := proving(f, both{}), "/v1/close-packets/2026-03/entries.csv", 0
			for range 20 {
				w := says(h, http.MethodGet, path, "")
				table, err := csv.NewReader(strings.NewReader(w.Body.String())).ReadAll()
				if err != nil || w.Code != http.StatusOK {
					t.Fatalf("%d %v", w.Code, err)
				}
				if text, err := json.Marshal(w.Body.String()); err != nil || len(text) > mostOfLambda {
					t.Fatalf("%d bytes, %v", len(text), err)
				}
				rows += len(table) - 1
				link, more := strings.CutSuffix(strings.TrimPrefix(w.Header().Get("Link"), "<"), `>; rel="next"`)
				if (w.Header().Get("X-More") == "true") != more {
					t.Fatalf("%v", w.Header())
				}
				if !more {
					break
				}
				path = link
			}
			if rows != len(x.rows) {
				t.Errorf("%d rows of %d", rows, len(x.rows))
			}
		})
	}
}
