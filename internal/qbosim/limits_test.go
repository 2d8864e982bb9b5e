package qbosim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/qbosim"
)

// cutPage is what the server in front of QuickBooks says of a call that takes too long.
const cutPage = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n</body>\r\n</html>\r\n"

func TestACallThatTakesTooLongIsCutAndWhatWasDoneStays(t *testing.T) {
	t.Parallel()
	const tenMinutes = 600_000
	for name, x := range map[string]struct {
		fault   qbosim.Fault
		entries int
	}{
		"never answered":          {qbosim.Fault{Kind: "hang"}, 0},
		"done and never answered": {qbosim.Fault{Kind: "commit_then_hang"}, 1},
		"done late":               {qbosim.Fault{Kind: "delay", DelayMS: tenMinutes}, 1},
		"refused late":            {qbosim.Fault{Kind: "catalogue", Code: "610", DelayMS: tenMinutes}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBenchOf(t, qbosim.Options{Limit: time.Millisecond})
			x.fault.Times, x.fault.PathContains = 1, "journalentry"
			if err := b.sim.Script(x.fault); err != nil {
				t.Fatal(err)
			}
			status, header, body := b.ask(posted("journalentry", simple("D")))
			if status != http.StatusGatewayTimeout || header.Get("Content-Type") != "text/html" || body != cutPage {
				t.Errorf("%d %s %q", status, header.Get("Content-Type"), body)
			}
			if n := len(b.sim.Journal(realm)); n != x.entries {
				t.Errorf("%d entries are booked, want %d", n, x.entries)
			}
		})
	}
}

// admitted counts the calls of a pace that are answered until the first one that is not.
func (b *bench) admitted(a asked, most int, every time.Duration) int {
	b.t.Helper()
	for n := range most {
		if status, _, body := b.ask(a); status != http.StatusOK {
			if want := gateway(throttled, limitReached, "3001", "SERVICE"); status != http.StatusTooManyRequests || len(body) != len(want) {
				b.t.Errorf("%d %s", status, body)
			}
			return n
		}
		b.now = b.now.Add(every)
	}
	return most
}

func TestThePaceOfACompany(t *testing.T) {
	t.Parallel()
	batch := posted("batch", `{"BatchItemRequest":[]}`)
	for name, x := range map[string]struct {
		switches qbosim.Switches
		ask      asked
		every    time.Duration
		want     int
	}{
		"10 in a second":               {qbosim.Switches{Throttle: true}, got("preferences"), 0, 10},
		"10 a second is kept":          {qbosim.Switches{Throttle: true}, got("preferences"), 100 * time.Millisecond, 500},
		"500 in a minute":              {qbosim.Switches{Throttle: true}, got("preferences"), 110 * time.Millisecond, 500},
		"less than 500 in a minute":    {qbosim.Switches{Throttle: true}, got("preferences"), 121 * time.Millisecond, 600},
		"40 batches of this app":       {qbosim.Switches{Throttle: true}, batch, time.Second, 40},
		"few batches of others":        {qbosim.Switches{Throttle: true, OtherBatches: 80}, batch, time.Second, 40},
		"120 batches of all apps":      {qbosim.Switches{Throttle: true, OtherBatches: 100}, batch, time.Second, 20},
		"others use up all":            {qbosim.Switches{Throttle: true, OtherBatches: 120}, batch, time.Second, 0},
		"without a throttle as it may": {qbosim.Switches{OtherBatches: 120}, batch, 0, 600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.sim.SetSwitches(realm, x.switches)
			if n := b.admitted(x.ask, 600, x.every); n != x.want {
				t.Errorf("%d calls are answered, want %d", n, x.want)
			}
			if x.want == 600 {
				return
			}
			b.now = b.now.Add(time.Minute)
			if n := b.admitted(x.ask, 1, 0); n != min(1, x.want) {
				t.Errorf("a minute later %d calls are answered", n)
			}
			if c := b.sim.Counted(realm); c.Throttled != 1+1-min(1, x.want) {
				t.Errorf("%d calls are counted as throttled", c.Throttled)
			}
		})
	}
}

func TestBatchesDoNotHoldOtherCallsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sim.SetSwitches(realm, qbosim.Switches{Throttle: true, OtherBatches: 120})
	b.admitted(posted("batch", `{"BatchItemRequest":[]}`), 1, 0)
	b.get("preferences")
	b.put("journalentry", simple("D"))
}

func TestReadsBeyondTheMonthAreRefusedInsideOfBatches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sim.SetSwitches(realm, qbosim.Switches{MonthlyReads: 1})
	_, _, body := b.ask(posted("batch", `{"BatchItemRequest":[{"bId":"1","Query":"select count(*) from Account"},{"bId":"2","Query":"select count(*) from Account"},`+
		`{"bId":"3","CDCQuery":{"Entities":"Account","ChangedSince":"2026-05-05"}},{"bId":"4","operation":"create","Vendor":{"DisplayName":"Acme"}}]}`))
	refused := `{"Fault":{"Error":[` + problem(throttled, limitReached, "3001") + `],"type":"SERVICE"},"bId":"2"},` +
		`{"Fault":{"Error":[` + problem(throttled, limitReached, "3001") + `],"type":"SERVICE"},"bId":"3"},{"Vendor":`
	if want := `{"BatchItemResponse":[{"QueryResponse":{"totalCount":4},"bId":"1"},` + refused; len(body) < len(want) || body[:len(want)] != want {
		t.Errorf("%s\nwant %s…", body, want)
	}
}
