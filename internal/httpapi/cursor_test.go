package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/httpapi"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
)

// desk answers a list with the mark it was given, and remembers what it was asked.
type desk struct {
	next  *intlog.Mark
	after intlog.Mark
	org   string
	asked bool
}

func (d *desk) Find(_ context.Context, org string, _ review.Filter, after intlog.Mark, _ int) ([]intlog.Entry, *intlog.Mark, error) {
	d.after, d.org, d.asked = after, org, true
	return nil, d.next, nil
}

func (*desk) Entry(context.Context, intlog.Key) (review.Detail, error) { return review.Detail{}, nil }

func (*desk) Sync(context.Context, intlog.Key, string) (intlog.Entry, bool, error) {
	return intlog.Entry{}, false, nil
}

type somebody struct{}

func (somebody) Person(context.Context, string) (org.Person, error) {
	return org.Person{Name: "Ana Diaz", Org: "willow-creek", Permissions: []org.Permission{org.SeeLog}}, nil
}

// list asks for a page; the answer's next cursor comes back.
func list(d *desk, cursor string) (int, string) {
	mux := http.NewServeMux()
	(&httpapi.Entries{Desk: d}).Register(httpapi.NewAPI(mux, httpapi.Gate{People: somebody{}, NewTrace: func() string { return "TRACE" }}))
	r := httptest.NewRequest(http.MethodGet, "/v1/entries?cursor="+url.QueryEscape(cursor), nil)
	r.Header.Set("Authorization", "Bearer x")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	var answer struct{ Next string }
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer.Next
}

func TestACursorComesBackAsTheMarkItWasMadeOf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		mark := intlog.Mark{
			Created: time.Unix(0, rapid.Int64Range(0, 1<<62).Draw(t, "created")).UTC(),
			Key: intlog.Key{
				Org:     "willow-creek",
				Record:  passare.Ref{Type: rapid.SampledFrom(passare.RecordTypes()).Draw(t, "type"), ID: rapid.StringMatching(`[^\s/#\x00-\x1f\x7f]{1,100}`).Draw(t, "id")},
				Version: rapid.Int64Range(1, passare.MaxVersion).Draw(t, "version"), Undo: rapid.IntRange(0, intlog.MaxUndos).Draw(t, "undo"),
			},
		}
		_, cursor := list(&desk{next: &mark}, "")
		again := &desk{}
		status, _ := list(again, cursor)
		if status != http.StatusOK || again.after != mark {
			t.Fatalf("status %d: %+v came back as %+v", status, mark, again.after)
		}
	})
}

// FuzzCursor: whatever a cursor says, it names a place in the caller's own organisation or is refused.
func FuzzCursor(f *testing.F) {
	_, good := list(&desk{next: &intlog.Mark{Created: time.Unix(1, 0), Key: intlog.Key{Org: "willow-creek", Record: passare.Ref{Type: passare.Payment, ID: "p1"}, Version: 1}}}, "")
	for _, seed := range []string{good, good[:5], "", "AAAA", "%", good + good} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		d := &desk{}
		switch status, _ := list(d, cursor); {
		case status == http.StatusUnprocessableEntity && !d.asked:
		case status == http.StatusOK && d.org == "willow-creek" && (d.after.Key.Org == "willow-creek" || cursor == ""):
		default:
			t.Errorf("cursor %q is answered %d, asked %+v", cursor, status, d)
		}
	})
}

func TestAQueryParameterThatSaysNothingOrTwoThingsIsRefused(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	(&httpapi.Entries{Desk: &desk{}}).Register(httpapi.NewAPI(mux, httpapi.Gate{People: somebody{}, NewTrace: func() string { return "TRACE" }}))
	for query, want := range map[string]int{
		"limit=2": 200, "cursor=": 200, "": 200,
		"limit=2&limit=2": 422, "limit=": 422, "tab=": 422, "tab=all&tab=errors": 422, "limit=&tab=all&tab=all": 422, "cursor=&cursor=": 422, "Limit=2": 422,
	} {
		r := httptest.NewRequest(http.MethodGet, "/v1/entries?"+query, nil)
		r.Header.Set("Authorization", "Bearer x")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s is answered %d %s", query, w.Code, w.Body)
		}
	}
}
