package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
)

// counting is a desk that counts what it does, and fails as it is told, once each.
type counting struct {
	desk
	done  int
	fails []error
}

func (*counting) DoAll(context.Context, string, review.Many) (review.Report, error) {
	return review.Report{}, nil
}

func (d *counting) Do(_ context.Context, k intlog.Key, _ review.Deed) (intlog.Entry, bool, error) {
	d.done++
	if len(d.fails) > 0 {
		err := d.fails[0]
		d.fails = d.fails[1:]
		return intlog.Entry{}, false, err
	}
	return intlog.Entry{Key: k, Rev: int64(d.done), State: intlog.Queued}, true, nil
}

// named are people by their tokens: "ana@willow-creek".
type named struct{}

func (named) Person(_ context.Context, token string) (org.Person, error) {
	subject, id, _ := strings.Cut(token, "@")
	return org.Person{Subject: subject, Name: subject, Org: id, Permissions: []org.Permission{org.SeeLog}}, nil
}

// repeated is an API that keeps replies, at a time.
type repeated struct {
	desk counting
	mux  *http.ServeMux
	now  time.Time
}

func newRepeated(fails ...error) *repeated {
	r := &repeated{desk: counting{fails: fails}, mux: http.NewServeMux(), now: readAt()}
	traces := 0
	gate := httpapi.Gate{People: named{}, Replies: memory.NewStore(), Now: func() time.Time { return r.now }, NewTrace: func() string { traces++; return fmt.Sprint("TRACE", traces) }}
	(&httpapi.Acts{Desk: &r.desk}).Register(httpapi.NewAPI(r.mux, gate))
	return r
}

// call answers status, headers and body as they are on the wire.
func (r *repeated) call(who, key, id, body string) string {
	q := httptest.NewRequest(http.MethodPost, "/v1/entries/"+id+"/sync", strings.NewReader(body))
	q.Header.Set("Authorization", "Bearer "+who)
	if key != "" {
		q.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, q)
	return fmt.Sprint(w.Code, w.Header(), w.Body)
}

const ana = "ana@willow-creek"

func TestARepeatUnderTheSameKeyIsAnsweredTheSameAndActsOnce(t *testing.T) {
	t.Parallel()
	r := newRepeated()
	first := r.call(ana, "k1", "payment.p1.1", "")
	if !strings.HasPrefix(first, "202") || !strings.Contains(first, `Etag:["1"]`) {
		t.Fatal(first)
	}
	for range 3 {
		if diff := cmp.Diff(first, r.call(ana, "k1", "payment.p1.1", "")); diff != "" {
			t.Errorf("a repeat is answered otherwise (-first +repeat):\n%s", diff)
		}
	}
	if r.desk.done != 1 {
		t.Errorf("it acted %d times", r.desk.done)
	}
}

func TestAnotherCallUnderAUsedKeyIsRefused(t *testing.T) {
	t.Parallel()
	for name, other := range map[string][2]string{"another address": {"payment.p2.1", ""}, "another body": {"payment.p1.1", "{}"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepeated()
			r.call(ana, "k1", "payment.p1.1", "")
			got := r.call(ana, "k1", other[0], other[1])
			if !strings.HasPrefix(got, "422") || !strings.Contains(got, `"field":"Idempotency-Key"`) || r.desk.done != 1 {
				t.Errorf("acted %d times: %s", r.desk.done, got)
			}
		})
	}
}

func TestAKeyIsOnePersonsForADay(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]struct {
		who, key string
		after    time.Duration
		acts     int
	}{
		"the same within a day":              {ana, "k1", org.ReplyLife - time.Second, 1},
		"the same after a day":               {ana, "k1", org.ReplyLife, 2},
		"another key":                        {ana, "k2", 0, 2},
		"another person's same key":          {"ben@willow-creek", "k1", 0, 2},
		"the same name in an organisation b": {"ana@maple-hill", "k1", 0, 2},
		"no key":                             {ana, "", 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepeated()
			r.call(ana, "k1", "payment.p1.1", "")
			r.now = r.now.Add(again.after)
			if got := r.call(again.who, again.key, "payment.p1.1", ""); !strings.HasPrefix(got, "202") || r.desk.done != again.acts {
				t.Errorf("acted %d times: %s", r.desk.done, got)
			}
		})
	}
}

func TestWhatFailedForAReasonOfOursActsAgain(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		err  error
		acts int
	}{
		"unavailable": {fault.New(fault.Unavailable, "Nothing happened."), 2},
		"internal":    {fault.New(fault.Internal, "Our fault."), 2},
		"throttled":   {fault.New(fault.Throttled, "Too fast."), 2},
		"a conflict":  {fault.New(fault.Conflict, "This entry is deleted."), 1}, // is no fault of ours: it is answered the same
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepeated(x.err)
			first := r.call(ana, "k1", "payment.p1.1", "")
			second := r.call(ana, "k1", "payment.p1.1", "")
			if (first == second) != (x.acts == 1) || r.desk.done != x.acts {
				t.Errorf("acted %d times:\n%s\n%s", r.desk.done, first, second)
			}
		})
	}
}

func TestAKeyMayHaveTwoHundredCharacters(t *testing.T) {
	t.Parallel()
	r := newRepeated()
	if got := r.call(ana, strings.Repeat("k", 200), "payment.p1.1", ""); !strings.HasPrefix(got, "202") {
		t.Error(got)
	}
	if got := r.call(ana, strings.Repeat("k", 201), "payment.p1.1", ""); !strings.HasPrefix(got, "422") || !strings.Contains(got, "Idempotency-Key") || r.desk.done != 1 {
		t.Errorf("acted %d times: %s", r.desk.done, got)
	}
}
