package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/httpapi"
)

// actsAPI is an API with the actions of people, which do nothing.
func actsAPI() http.Handler {
	mux := http.NewServeMux()
	api := httpapi.NewAPI(mux, httpapi.Gate{People: somebody{}, Now: readAt, NewTrace: func() string { return "TRACE" }})
	(&httpapi.Entries{Desk: &desk{}}).Register(api)
	(&httpapi.Acts{Desk: &counting{}}).Register(api)
	return api.Whole(mux)
}

func says(h http.Handler, method, address, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, address, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer x")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestANullIsRefusedWhereTheDescriptionHasNone(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"action":"sync","ids":["payment.p1.1"],"reason":null}`:                                     `"field":"reason"`,
		`{"action":"sync","filter":{"tab":null,"case":null}}`:                                        `"field":"filter.case","problem":"must not be null; leave it out instead"},{"field":"filter.tab"`,
		`{"action":"sync","ids":["payment.p1.1",null]}`:                                              `"field":"ids[1]"`,
		`{"action":"sync","ids":["payment.p1.1"]}`:                                                   "",
		`{"action":"sync","filter":{"tab":"pending"},"reason":"` + strings.Repeat("x", 1<<20) + `"}`: "too_large",
	} {
		w := says(actsAPI(), http.MethodPost, "/v1/entries/actions", body)
		if (w.Code == http.StatusOK) != (want == "") || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.60s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestWhatAnAddressTakesIsSaidWithA405(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"/v1/entries/actions": "POST", "/v1/entries": "GET, HEAD", "/v1/entries/payment.p1.1": "DELETE, GET, HEAD", "/v1/entries/payment.p1.1/sync": "POST",
	} {
		w := says(actsAPI(), http.MethodPut, address, "")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != want || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d, Allow %q, not %q: %s", address, w.Code, w.Header().Get("Allow"), want, w.Body)
		}
	}
	if w := says(actsAPI(), http.MethodGet, "/v2/entries", ""); w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("nowhere: %d %s", w.Code, w.Body)
	}
}
