package qbo_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// row is a fault of the simulator's catalogue, as GET /_sim/faults lists it.
type row struct {
	Code    string `json:"code"`
	Variant string `json:"variant"`
	Status  int    `json:"status"`
}

// tracing remembers the intuit_tid of the newest answer.
type tracing struct {
	next http.RoundTripper
	tid  string
}

func (x *tracing) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := x.next.RoundTrip(r)
	if err == nil {
		x.tid = res.Header.Get("intuit_tid")
	}
	return res, err
}

// counter is the real client before a simulated company, over HTTP.
type counter struct {
	t       *testing.T
	sim     *qbosim.Sim
	server  *httptest.Server
	tracing *tracing
	client  *qbo.Client
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{t: t, sim: qbosim.New(qbosim.Options{Now: time.Now, ClientID: "id", ClientSecret: "shh"})}
	if err := c.sim.AddCompany(qbosim.Company{Realm: at("o").Realm}); err != nil {
		t.Fatal(err)
	}
	c.server = httptest.NewServer(c.sim.Handler())
	t.Cleanup(c.server.Close)
	c.tracing = &tracing{next: &http.Transport{DisableKeepAlives: true}}
	oauth := signIn(t, qbo.OAuthOptions{
		TokenURL: c.server.URL + "/oauth2/v1/tokens/bearer", RevokeURL: c.server.URL + "/v2/oauth2/tokens/revoke", ClientID: "id", ClientSecret: "shh",
	}, c.server.Client())
	granted, err := oauth.Refresh(t.Context(), c.sim.Grant(at("o").Realm))
	if err == nil {
		c.client, err = qbo.New(qbo.Options{
			BaseURL: c.server.URL, HTTP: &http.Client{Transport: c.tracing}, Tokens: oneToken(granted.Access), Timeout: 30 * time.Second, Now: time.Now,
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rows asks the simulator for its catalogue.
func (c *counter) rows() []row {
	c.t.Helper()
	res, err := c.server.Client().Get(c.server.URL + "/_sim/faults")
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var list struct {
		Catalogue []row `json:"catalogue"`
	}
	if err := json.Unmarshal(raw, &list); err != nil || len(list.Catalogue) < 50 {
		c.t.Fatalf("%d rows, %v", len(list.Catalogue), err)
	}
	return list.Catalogue
}

// meets lets a call meet a row, and gives the fault that it becomes.
func (c *counter) meets(x row, call func() error) *fault.Error {
	c.t.Helper()
	times := 1
	if x.Status == http.StatusUnauthorized {
		times = 2 // the client asks once more with a new token
	}
	if err := c.sim.Script(qbosim.Fault{Kind: "catalogue", Code: x.Code, Variant: x.Variant, Times: times}); err != nil {
		c.t.Fatal(err)
	}
	err := call()
	if err == nil {
		c.t.Fatalf("%+v became a success", x)
	}
	return fault.As(err)
}

// told is a fault as the golden file shows it.
func told(f *fault.Error, tid string) string {
	trace := "trace kept"
	if f.Trace != tid || tid == "" {
		trace = "TRACE LOST"
	}
	return fmt.Sprintf("%s, %s, %s, from %s, %s\n         %s\n", f.Code, f.Class, f.Who, f.Origin, trace, f.Text())
}

func TestGoldenEveryFaultOfTheCatalogue(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	var golden strings.Builder
	for _, x := range c.rows() {
		write := c.meets(x, func() error { return second(create(t, c.client, "Customer")) })
		wrote := told(write, c.tracing.tid)
		read := c.meets(x, func() error { return second(c.client.NamesCalled(t.Context(), at("o"), "John Smith")) })
		got := told(read, c.tracing.tid)
		for _, f := range []*fault.Error{write, read} {
			complete(t, x, f)
		}
		if got == wrote {
			got = "the same\n"
		}
		fmt.Fprintf(&golden, "%s (%d)\n  write  %s  read   %s", strings.TrimSpace(x.Code+" "+x.Variant), x.Status, wrote, got)
	}
	goldenfile.Check(t, "catalogue", golden.String())
}

// complete asserts that a fault has all that a bookkeeper and Intuit's support need, in words that are for people.
func complete(t *testing.T, x row, f *fault.Error) {
	t.Helper()
	if f.Code == "" || f.Class == "" || f.Who == "" || f.Message == "" || f.Remedy == "" || f.Trace == "" || f.Origin != x.Code {
		t.Errorf("%s %s: something is missing: %+v", x.Code, x.Variant, *f)
	}
	if !slices.Contains([]string{"nobody: it goes by itself", "bookkeeper", "administrator", "support"}, f.Who) {
		t.Errorf("%s %s: who is %q?", x.Code, x.Variant, f.Who)
	}
	if !strings.HasSuffix(f.Remedy, ".") || f.Who != "support" && strings.Contains(f.Text(), "..") {
		t.Errorf("%s %s: these are no sentences: %s", x.Code, x.Variant, f.Text())
	}
	for _, word := range []string{"null", "Property", "com.intuit", "TxnType", "TxnId", "element id", "http", "Parser", "Query", "errorCode", "request_id", "Batch", "Id "} {
		if f.Who != "support" && strings.Contains(f.Text(), word) {
			t.Errorf("%s %s: %q means nothing to a bookkeeper: %s", x.Code, x.Variant, word, f.Text())
		}
	}
}
