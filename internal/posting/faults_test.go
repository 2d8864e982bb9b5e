package posting_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// trouble is what QuickBooks, or what lies before it, may answer.
type trouble struct {
	name string
	qbosim.Fault
}

func troubles() []trouble {
	service := func(code, detail string) string {
		return fmt.Sprintf(`{"Fault":{"Error":[{"Message":"m","Detail":%q,"code":%q,"element":""}],"type":"ValidationFault"},"time":"x"}`, detail, code)
	}
	gateway := func(status int, code string) string {
		return fmt.Sprintf(`{"warnings":null,"fault":{"error":[{"message":"message=X; statusCode=%d","detail":"Token expired: AB01","code":%q,"element":null}],"type":"SERVICE"},"time":1}`, status, code)
	}
	cut := "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n</body>\r\n</html>\r\n"
	page := "<html><body>Bad Gateway</body></html>"
	f := func(name, kind string, status int, body string) trouble {
		return trouble{name, qbosim.Fault{Kind: kind, Status: status, Body: body, Times: 1}}
	}
	twice := func(x trouble) trouble {
		x.Times = 2 // the client asks once more with a new token
		return x
	}
	return []trouble{
		f("400 a rule", "status", 400, service("6000", "Business Validation Error: Fill out at least two detail lines to continue.")),
		f("400 a property", "status", 400, service("2010", "Property Name:X specified is unsupported or invalid")),
		f("400 something inactive", "status", 400, service("2500", "Invalid Reference Id : Accounts element id 7 not found")),
		f("400 names are locked", "status", 400, service("6000", "Business Validation Error: You can only add or edit one name at a time. Please try again.")),
		f("400 600 duplicate request", "status", 400, service("600", "The request ID you're trying to use already exists in the QuickBooks Online Accounting API or QuickBooks Payments API. Our system detected the duplicate.")),
		f("400 600 duplicate request, saved", "commit_then_status", 400, service("600", "The request ID you're trying to use already exists in the QuickBooks Online Accounting API or QuickBooks Payments API. Our system detected the duplicate.")),
		f("400 6000 unexpected, not saved", "status", 400, service("6000", "An unexpected error occurred while accessing or saving your data. Please wait a few minutes and try again.")),
		f("400 6000 unexpected, saved", "commit_then_status", 400, service("6000", "An unexpected error occurred while accessing or saving your data. Please wait a few minutes and try again.")),
		f("401 once", "status", 401, gateway(401, "3200")),
		twice(f("401", "status", 401, gateway(401, "3200"))),
		twice(f("401 as XML", "status", 401, `<?xml version="1.0"?><IntuitResponse><Fault type="AUTHENTICATION"><Error code="3200"><Message>x</Message></Error></Fault></IntuitResponse>`)),
		f("403", "status", 403, gateway(403, "3100")),
		f("403 a throttle in XML of 2016", "status", 403, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse time="2016-11-18T07:25:08.340-08:00" xmlns="http://schema.intuit.com/finance/v3"><Fault type="SERVICE"><Error code="3001"><Message>message=ThrottleExceeded; errorCode=003001; statusCode=403</Message><Detail>The request limit was reached.  Try again later</Detail></Error></Fault></IntuitResponse>`),
		f("429", "status", 429, gateway(429, "3001")),
		f("500", "status", 500, service("10000", "System Failure Error: x")),
		f("502 a page", "status", 502, page),
		f("504 the call was cut", "status", 504, cut),
		f("saved, then 504 the call was cut", "commit_then_status", 504, cut),
		f("503 nothing", "status", 503, ""),
		f("saved, then 500", "commit_then_status", 500, page),
		f("the connection is cut", "drop", 0, ""),
		f("saved, then the connection is cut", "commit_then_drop", 0, ""),
		f("no answer", "hang", 0, ""),
		f("saved, then no answer", "commit_then_hang", 0, ""),
		f("half an answer", "truncate", 0, ""),
		f("200 with a fault inside", "status", 200, service("6000", "Business Validation Error: no")),
		f("200 with a lower-case fault inside", "status", 200, gateway(429, "3001")),
		f("200 a page", "status", 200, page),
	}
}

// throttles says whether the trouble is that we are too fast.
func (x trouble) throttles() bool { return x.Status == 429 || strings.Contains(x.Body, "3001") }

// pausedFor asserts that a throttled organisation is left alone for a minute, and no other trouble pauses it.
func (h *house) pausedFor(throttled bool) {
	h.t.Helper()
	config, err := h.store.Config(h.t.Context(), willow)
	if err != nil {
		h.t.Fatal(err)
	}
	want := time.Time{}
	if throttled {
		want = h.clock.now().Add(intlog.ThrottlePause)
	}
	if !config.PauseUntil.Equal(want) {
		h.t.Errorf("paused until %s, want %s", config.PauseUntil, want)
	}
}

// operation is a call to QuickBooks that a worker makes. prepare brings the house to where the entry's next call is that one.
type operation struct {
	name, method, path string
	prepare            func(t *testing.T, h *house) (id string)
}

func operations() []operation {
	send := func(_ *testing.T, h *house) string { return h.send(event("payment.created", "p1", 1, paid("10.00"))) }
	// Two entries in one message: what becomes of the first is told, and the second must end as well.
	two := func(_ *testing.T, h *house) string {
		ids := []string{h.send(event("payment.created", "p1", 1, paid("10.00"))), h.send(event("payment.created", "p2", 1, paid("20.00")))}
		h.drop()
		if err := h.queue.Send(h.t.Context(), intlog.Work{Org: willow, Entries: ids}); err != nil {
			h.t.Fatal(err)
		}
		return ids[0]
	}
	return []operation{
		{"create the entry", "POST", "journalentry", send},
		{"create the customer", "POST", "customer", send},
		{"create a batch", "POST", "batch", two},
		{"look a name up", "POST", "query", func(t *testing.T, h *house) string {
			vendor := `{"DisplayName":"John Smith","Active":true,"Id":"900","SyncToken":"0","MetaData":{"CreateTime":"2026-01-01T00:00:00-08:00"}}`
			if err := h.sim.Seed(realm, "Vendor", json.RawMessage(vendor)); err != nil {
				t.Fatal(err)
			}
			return send(t, h)
		}},
		{"ask for an entry", "POST", "query", func(t *testing.T, h *house) string {
			h.script(qbosim.Fault{Kind: "commit_then_drop", Method: "POST", PathContains: "journalentry", Times: 1})
			id := send(t, h)
			h.work()
			h.is(id, intlog.Claimed)
			h.clock.advance(intlog.Lease + time.Minute)
			if _, err := h.retrier.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			return id
		}},
		{"read the close date", "GET", "preferences", func(t *testing.T, h *house) string {
			h.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-02-28"})
			h.config(func(c *org.Config) { c.CloseDate = "2026-03-31" })
			return send(t, h)
		}},
		{"refresh the token", "POST", "oauth2/v1/tokens/bearer", func(t *testing.T, h *house) string {
			h.clock.advance(2 * time.Hour)
			return send(t, h)
		}},
	}
}

// TestGoldenEveryTroubleWithEveryOperation is T4: where the entry stands after the trouble, what a bookkeeper reads, when it is tried
// again, and where it ends once the trouble is over: with one entry in QuickBooks, and never two.
func TestGoldenEveryTroubleWithEveryOperation(t *testing.T) {
	t.Parallel()
	tables := make([][]string, len(operations()))
	t.Run("all", func(t *testing.T) {
		for i, o := range operations() {
			tables[i] = make([]string, len(troubles()))
			for k, x := range troubles() {
				t.Run(o.name+"/"+x.name, func(t *testing.T) {
					t.Parallel()
					tables[i][k] = meet(t, o, x)
				})
			}
		}
	})
	var text strings.Builder
	for i, o := range operations() {
		fmt.Fprintf(&text, "== %s\n%s\n", o.name, strings.Join(tables[i], ""))
	}
	goldenfile.Check(t, "troubles", text.String())
}

// meet lets an operation meet a trouble and tells what came of it.
func meet(t *testing.T, o operation, x trouble) string {
	h := newHouse(t)
	if strings.HasSuffix(x.Kind, "hang") {
		h.connect(time.Second)
	}
	id := o.prepare(t, h)
	x.Method, x.PathContains = o.method, o.path
	h.script(x.Fault)
	h.work()
	h.pausedFor(x.throttles())
	e := h.entry(id)
	next := "done"
	switch {
	case !e.Until.IsZero():
		next = "again in " + e.Until.Sub(h.clock.now()).Round(time.Second).String()
	case !e.DueAt.IsZero():
		next = "looked at in " + e.DueAt.Sub(h.clock.now()).Round(time.Second).String()
	case len(e.Cause) > 0:
		next = "needs the " + e.Cause[0].Who
	}
	said := e.Why
	if said == "" && len(e.Attempts) > 0 {
		said = e.Attempts[len(e.Attempts)-1].Outcome
	}
	end := h.end(id)
	want := 1
	if o.path == "batch" {
		want = 2
		if other := h.end("payment.p2.1"); other != end && !strings.HasPrefix(other, "synced") {
			t.Errorf("the other one ends as %s", other)
		}
	}
	if n := len(h.journal()); n != want || !strings.HasPrefix(end, "synced") {
		t.Errorf("%d entries in QuickBooks; it ends as %s", n, end)
	}
	return fmt.Sprintf("%-36s %-8s %-26s then %s: %s\n", x.name, e.State, next, end, said)
}

// end lets the trouble be over: time passes, somebody reconnects, and somebody retries what failed. It says how that went.
func (h *house) end(id string) string {
	h.t.Helper()
	for range 6 {
		if h.entry(id).State.Owned() {
			h.later(5 * time.Minute)
		}
	}
	e := h.entry(id)
	if e.State == intlog.Synced {
		return "synced by itself"
	}
	if _, err := h.retrier.Reconnected(h.t.Context(), willow); err != nil {
		h.t.Fatal(err)
	}
	h.work()
	if h.entry(id).State == intlog.Synced {
		return "synced after reconnecting"
	}
	if h.entry(id).State == intlog.Failed {
		h.retry(id)
	}
	return string(h.entry(id).State) + " after a retry"
}
