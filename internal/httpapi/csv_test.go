package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	aws "github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// log is a log of which exports give these entries.
type log struct {
	httpapi.LogReader
	entries []review.Exported
}

func (l *log) Export(_ context.Context, _ string, _ review.Filter, _ []string, after intlog.Mark, visit func(review.Exported) bool) (*intlog.Mark, error) {
	for _, x := range l.entries {
		if after != (intlog.Mark{}) && intlog.MarkOf(x.Entry).Compare(after) >= 0 {
			continue
		}
		if !visit(x) {
			return &after, nil
		}
		after = intlog.MarkOf(x.Entry)
	}
	return nil, nil
}

type everybody struct{}

func (everybody) Person(context.Context, string) (org.Person, error) {
	return org.Person{Name: "Ana Diaz", Org: "willow-creek", Permissions: []org.Permission{org.SeeLog}}, nil
}

func csvTime() time.Time { return time.Date(2026, 3, 4, 15, 4, 5, 0, time.UTC) }

func serving(entries []review.Exported) http.Handler { return servingLog(&log{entries: entries}) }

func servingLog(l *log) http.Handler {
	mux := http.NewServeMux()
	api := httpapi.NewAPI(mux, httpapi.Gate{People: everybody{}, NewTrace: func() string { return "trace" }})
	(&httpapi.Reading{Log: l, Charts: charts{"50": "Service Income"}, Books: httpapi.LiveBooks, Now: csvTime}).Register(api)
	return mux
}

func download(t *testing.T, entries []review.Exported, path string, header http.Header) *http.Response {
	t.Helper()
	return ask(t, serving(entries), path, header)
}

func ask(t *testing.T, h http.Handler, path string, header http.Header) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Authorization", "Bearer x")
	h.ServeHTTP(w, r)
	return w.Result()
}

// record is an entry of a record with whatever texts, n before the newest.
func record(n int, name, text string, lines int, state intlog.State) intlog.Entry {
	e := intlog.New(passare.Event{
		Org: "willow-creek", Record: passare.Ref{Type: passare.Payment, ID: fmt.Sprint("p", n)}, Version: 1, Verb: passare.Created, Raw: fmt.Appendf(nil, `{"id":"evt-%d"}`, n),
		Case: &passare.Case{ID: "c1", Number: "24-0113", Decedent: passare.Decedent{Last: name}}, Actor: passare.Actor{Name: "Ben Okafor"}, Body: &passare.PaymentBody{Amount: 1000, Date: "2026-03-04"},
	}, intlog.Queued, "", csvTime().Add(-time.Duration(n)*time.Second))
	e.State = state
	if state == intlog.Synced {
		e.History = append(e.History, intlog.Step{At: csvTime(), Who: intlog.Machine, From: intlog.Claimed, To: intlog.Synced})
		e.Postings = []intlog.Posting{{N: 1, Doc: fmt.Sprintf("24-0113-%010d", n), Date: "2026-03-04", QuickBooksID: fmt.Sprint(1000 + n), Movements: movements(name, text, lines)}}
	}
	return e
}

// movements make so many lines.
func movements(name, text string, lines int) []journal.Movement {
	var list []journal.Movement
	sum := money.Cents(0)
	for i := range lines {
		amount := money.Cents(100 + i)
		if i == lines-1 {
			amount = -sum
		}
		sum += amount
		account := "accounts_receivable"
		if i < lines-1 {
			account = fmt.Sprint("gl:", 4000+i)
		}
		list = append(list, journal.Movement{
			Key: journal.Key{Part: fmt.Sprint(i), Account: account}, Fact: "2026-03-04", Amount: amount, Description: text,
			Place: journal.Place{Account: fmt.Sprint(80 + i), Class: "7", Location: "9", Name: &journal.Name{Kind: journal.Customer, Key: "case:c1", ID: "67", Display: name}},
		})
	}
	return list
}

func TestGoldenADownload(t *testing.T) {
	t.Parallel()
	failed := record(3, "+Plus", "", 0, intlog.Failed)
	failed.Cause = []rules.Problem{{Kind: rules.Mapping, Text: `Map account "4000".`}, {Kind: rules.Mapping, Text: "Map branch main."}, {Kind: rules.Period, Text: "The books are closed."}}
	failed.Attempts = []intlog.Attempt{{At: csvTime(), Outcome: "refused"}}
	failed.Postings = []intlog.Posting{{N: 1, Doc: "24-0113-REFUSED", Closed: true, Movements: movements("x", "x", 2)}}
	excluded := record(4, "@At", "", 0, intlog.Excluded)
	excluded.Why = "Already in batch 51, which posts this money."
	answer := download(t, []review.Exported{
		{Entry: record(1, `O'Brien, "Pat" José`, "Check 12\nfrom the family; 10%", 3, intlog.Synced)},
		{Entry: record(2, "=HYPERLINK(\"http://x\")", "", 0, intlog.Pending), Plan: &rules.Plan{Entries: []rules.Planned{{Date: "2026-03-04", Movements: movements("-Minus", "\t=1+1", 2)}}}},
		{Entry: failed},
		{Entry: excluded},
	}, "/v1/entries.csv?tab=all", nil)
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(body), "\n"); strings.Count(string(body), "\r\n") != n {
		t.Errorf("%d lines, not all end with CRLF", n)
	}
	var shown strings.Builder
	for _, name := range []string{"Content-Type", "Content-Disposition", "Content-Encoding", "Vary", "Link", "X-More", "X-Rows", "X-Entries", "Cache-Control"} {
		fmt.Fprintf(&shown, "%s: %s\n", name, answer.Header.Get(name))
	}
	goldenfile.Check(t, "download", shown.String()+"\n"+strings.ReplaceAll(string(body), "\r\n", "␍\n"))
}

func TestAnIdMayHaveACommaAndIdsMayBeRepeated(t *testing.T) {
	t.Parallel()
	answer := download(t, []review.Exported{{Entry: record(1, "Smith", "x", 2, intlog.Synced)}, {Entry: record(2, "Smith", "x", 30_000, intlog.Synced)}},
		"/v1/entries.csv?ids=payment.a,b.1,check.k.2&ids=ledger.l.1", nil)
	link := answer.Header.Get("Link")
	_, query, _ := strings.Cut(strings.TrimSuffix(link, `>; rel="next"`), "?")
	values, err := url.ParseQuery(query)
	if diff := cmp.Diff([]string{"payment.a,b.1", "check.k.2", "ledger.l.1"}, values["ids"]); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if !strings.Contains(answer.Header.Get("Content-Disposition"), "integration-log-selected-2026-03-04.csv") {
		t.Error(answer.Header.Get("Content-Disposition"))
	}
}

func TestTheSandboxHasPagesOfItsOwn(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]httpapi.Books{"https://quickbooks.api.intuit.com": httpapi.LiveBooks, "https://sandbox-quickbooks.api.intuit.com": httpapi.SandboxBooks} {
		if got := httpapi.BooksOf(api); got != want {
			t.Errorf("%s: %s", api, got)
		}
	}
}

func TestNothingIsAFileWithHeadersAlone(t *testing.T) {
	t.Parallel()
	answer := download(t, nil, "/v1/entries.csv", nil)
	body, err := io.ReadAll(answer.Body)
	if err != nil || strings.Count(string(body), "\r\n") != 1 || !strings.HasPrefix(string(body), "entry id,transaction type,") || answer.Header.Get("X-Rows") != "0" {
		t.Errorf("%v %q %v", err, body, answer.Header)
	}
}

func TestCompressedExactlyWhenTheCallerTakesIt(t *testing.T) {
	t.Parallel()
	for accepted, want := range map[string]string{"": "", "gzip": "gzip", "br, GZIP;q=0.5": "gzip", "gzip;q=0": "", "gzip; q=0.0, br": "", "deflate": ""} {
		if got := download(t, nil, "/v1/entries.csv", http.Header{"Accept-Encoding": {accepted}}).Header.Get("Content-Encoding"); got != want {
			t.Errorf("%q: %q", accepted, got)
		}
	}
}

// lambda answers a request as the function does behind the HTTP API.
func lambda(t *testing.T, h http.Handler, query, accepted string) aws.APIGatewayV2HTTPResponse {
	t.Helper()
	r := aws.APIGatewayV2HTTPRequest{RawPath: "/v1/entries.csv", RawQueryString: query, Headers: map[string]string{"authorization": "Bearer x", "accept-encoding": accepted}}
	r.RequestContext.HTTP.Method = http.MethodGet
	r.RequestContext.HTTP.Path = r.RawPath
	answer, err := httpadapter.NewV2(h).ProxyWithContext(t.Context(), r)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %v %.200s", answer.StatusCode, err, answer.Body)
	}
	return answer
}

// mostOfLambda is what Lambda takes of an answer, in bytes.
const mostOfLambda = 6 << 20

// noise is a text that compresses badly.
func noise(r *rand.Rand, n int) string {
	const letters = `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "<,`
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return "x" + string(b)
}

func TestEveryRowComesInAnswersThatLambdaCarries(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	several := make([]review.Exported, 0, 11_000)
	for n := range 11_000 {
		several = append(several, review.Exported{Entry: record(n, noise(random, 20), noise(random, 60), 3, intlog.Synced)})
	}
	hostile := make([]review.Exported, 0, 2_000)
	for n := range 2_000 {
		hostile = append(hostile, review.Exported{Entry: record(n, noise(random, 90), noise(random, 3_900), 3, intlog.Synced)})
	}
	for name, c := range map[string]struct {
		entries  []review.Exported
		accepted string
		rows     int
		first    int // rows of the first answer, at least
	}{
		"as it is": {several, "", 33_000, 10_000},
		"compressed: 20,000 lines are one answer": {several, "gzip", 33_000, 20_000},
		"text that hardly compresses":             {hostile, "gzip", 6_000, 1_000},
		"text that JSON makes longer":             {hostile, "", 6_000, 1_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, query, rows, seen := serving(c.entries), "", 0, map[string]bool{}
			for answers := 0; ; answers++ {
				answer := lambda(t, h, query, c.accepted)
				raw, err := json.Marshal(answer)
				if err != nil || len(raw) > mostOfLambda {
					t.Fatalf("an answer of %d bytes, %v", len(raw), err)
				}
				table := readSheet(t, answer, c.accepted != "")
				if fmt.Sprint(len(table)-1) != answer.Headers["X-Rows"] || answers == 0 && len(table)-1 < c.first {
					t.Errorf("answer %d has %d rows and says %s", answers, len(table)-1, answer.Headers["X-Rows"])
				}
				if len(table)-1 > 25_000 || len(table)-1 < 1 {
					t.Fatalf("answer %d has %d rows", answers, len(table)-1)
				}
				rows += len(table) - 1
				for _, row := range table[1:] {
					seen[row[0]] = true
				}
				more := answer.Headers["X-More"] == "true"
				if link := answer.Headers["Link"]; more != (link != "") {
					t.Fatalf("more %t, %q", more, link)
				}
				if !more {
					break
				}
				_, query, _ = strings.Cut(strings.TrimSuffix(answer.Headers["Link"], `>; rel="next"`), "?")
			}
			if rows != c.rows || len(seen) != len(c.entries) {
				t.Errorf("%d rows of %d entries", rows, len(seen))
			}
		})
	}
}

// readSheet reads an answer as a browser behind the HTTP API does.
func readSheet(t *testing.T, answer aws.APIGatewayV2HTTPResponse, compressed bool) [][]string {
	t.Helper()
	var body io.Reader = strings.NewReader(answer.Body)
	if answer.IsBase64Encoded != compressed {
		t.Fatalf("base64: %t", answer.IsBase64Encoded)
	}
	if compressed {
		raw, err := base64.StdEncoding.DecodeString(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err = gzip.NewReader(bytes.NewReader(raw)); err != nil {
			t.Fatal(err)
		}
	}
	table, err := csv.NewReader(body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// FuzzCSVCell: whatever a text is, it is one cell, reads as it was (a line's description as long as QuickBooks takes it), and no spreadsheet takes it for a
// formula.
func FuzzCSVCell(f *testing.F) {
	for _, seed := range []string{"", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\r\n=1", `"=1"`, `a "quoted", one`, "two\r\nlines", "＝1", "José", `\.`, " =1", "=" + strings.Repeat("1", journal.MaxDescription)} {
		f.Add(seed)
	}
	l := &log{}
	h := servingLog(l)
	f.Fuzz(func(t *testing.T, text string) {
		name := strings.Join(strings.Fields(text), " ")
		l.entries = []review.Exported{{Entry: record(1, name, text, 2, intlog.Synced)}}
		answer := ask(t, h, "/v1/entries.csv", nil)
		table, err := csv.NewReader(answer.Body).ReadAll()
		if err != nil || len(table) != 3 || len(table[1]) != len(table[0]) {
			t.Fatalf("%v: %q", err, table)
		}
		// A cell has its line ends as the file has them, and Go's reader gives each as one character.
		lines := func(s string) string { return strings.ReplaceAll(s, "\r", "") }
		for column, want := range map[int]string{3: name, 15: name, 19: journal.Clip(text, journal.MaxDescription)} {
			got := table[1][column]
			if got != lines(want) && got != "'"+lines(want) {
				t.Errorf("%q became %q", want, got)
			}
			for _, row := range table[1:] {
				for _, cell := range row {
					if strings.ContainsAny(first(cell), "=+-@\t\r\n") {
						t.Errorf("a cell is %q", cell)
					}
				}
			}
		}
	})
}

func first(s string) string { return s[:min(len(s), 1)] }

// charts are names of accounts by their ids.
type charts map[string]string

func (c charts) AccountNames(context.Context, string) (map[string]string, error) { return c, nil }
