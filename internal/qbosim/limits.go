package qbosim

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// The pace that Intuit allows (quickbooks.md, Limits), where a company's switch wants it.
const (
	perSecond        = 10
	perMinute        = 500
	batchesPerMinute = 40  // of one app
	batchesOfAllApps = 120 // a minute
)

// admit counts a call and says whether the company still answers it: its pace, and its reads of the month.
func (co *company) admit(c call, now time.Time) bool {
	co.counters.Requests[c.method+" "+firstPart(c.path)]++
	if co.switches.Throttle && !co.paced(c, now) {
		co.counters.Throttled++
		return false
	}
	if c.write() {
		co.counters.Writes++
		return true
	}
	return co.meter(now)
}

// meter counts a read; past the month's allowance it is refused.
func (co *company) meter(now time.Time) bool {
	month := pacific(now).Format("2006-01")
	if limit := co.switches.MonthlyReads; limit > 0 && co.counters.ReadsByMonth[month] >= limit {
		co.counters.Throttled++
		return false
	}
	co.counters.Reads++
	co.counters.ReadsByMonth[month]++
	return true
}

// paced keeps the times of the last minute's calls.
func (co *company) paced(c call, now time.Time) bool {
	within := func(times []time.Time, d time.Duration) int {
		n := 0
		for _, t := range times {
			if now.Sub(t) < d {
				n++
			}
		}
		return n
	}
	old := func(t time.Time) bool { return now.Sub(t) >= time.Minute }
	co.calls, co.batches = slices.DeleteFunc(co.calls, old), slices.DeleteFunc(co.batches, old)
	if within(co.calls, time.Second) >= perSecond || len(co.calls) >= perMinute {
		return false
	}
	if c.path == "batch" {
		if n := len(co.batches); n >= batchesPerMinute || n+co.switches.OtherBatches >= batchesOfAllApps {
			return false
		}
		co.batches = append(co.batches, now)
	}
	co.calls = append(co.calls, now)
	return true
}

// callLimit is how long Intuit lets a call take.
const callLimit = 2 * time.Minute

// limited is a request that ends after the simulator's limit.
func (s *Sim) limited(r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), cmp.Or(s.o.Limit, callLimit))
	return r.WithContext(ctx), cancel
}

// overdue says whether a request took longer than the limit, rather than being given up by the caller.
func overdue(r *http.Request) bool { return errors.Is(r.Context().Err(), context.DeadlineExceeded) }

// cutOff is the page of the server in front of QuickBooks, which knows no JSON.
func cutOff() result {
	const page = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n</body>\r\n</html>\r\n"
	return result{status: http.StatusGatewayTimeout, contentType: "text/html", body: []byte(page)}
}
