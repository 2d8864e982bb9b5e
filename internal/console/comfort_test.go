package console_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
)

// asked is how console.js asks for a page that is open already.
func asked() http.Header { return http.Header{"Hx-Request": {"true"}} }

func TestWhatPagesLoadIsKeptForAYearAtAnAddressWithItsVersion(t *testing.T) {
	t.Parallel()
	h := open(t)
	body := h.body(h.call(http.MethodGet, "/console", "ana", nil, nil), http.StatusOK)
	for name, kind := range map[string]string{"style.css": "text/css", "htmx.min.js": "text/javascript", "console.js": "text/javascript"} {
		address := regexp.MustCompile(`"(/console/` + regexp.QuoteMeta(name) + `\?v=([0-9a-f]{12}))"`).FindStringSubmatch(body)
		if address == nil {
			t.Errorf("no %s in %s", name, body)
			continue
		}
		w := h.call(http.MethodGet, address[1], "", nil, nil)
		sum := sha256.Sum256([]byte(h.body(w, http.StatusOK)))
		if got := w.Header(); !strings.HasPrefix(got.Get("Content-Type"), kind) || got.Get("Cache-Control") != "public, max-age=31536000, immutable" || address[2] != hex.EncodeToString(sum[:6]) {
			t.Errorf("%s: %v, %x", address[1], got, sum)
		}
		if got := h.call(http.MethodGet, "/console/"+name+"?v=0123456789ab", "", nil, nil).Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s of another version: %s", name, got)
		}
	}
}

// TestHtmxIsTheOneThatWasLookedAt: dist/htmx.min.js of htmx.org 2.0.11, as npm has it. A new one is looked at before its sum is put here.
func TestHtmxIsTheOneThatWasLookedAt(t *testing.T) {
	t.Parallel()
	h := open(t)
	sum := sha256.Sum256([]byte(h.body(h.call(http.MethodGet, "/console/htmx.min.js", "", nil, nil), http.StatusOK)))
	if got := hex.EncodeToString(sum[:]); got != "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717" {
		t.Error(got)
	}
}

func TestHtmxIsToldToRunNothingThatAPageSays(t *testing.T) {
	t.Parallel()
	h := open(t)
	body := h.body(h.call(http.MethodGet, "/console", "ana", nil, nil), http.StatusOK)
	found := regexp.MustCompile(`<meta name="htmx-config" content='([^']*)'>`).FindStringSubmatch(body)
	if found == nil {
		t.Fatal(body)
	}
	var config map[string]any
	if err := json.Unmarshal([]byte(html.UnescapeString(found[1])), &config); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"allowEval": false, "allowScriptTags": false, "includeIndicatorStyles": false, "selfRequestsOnly": true, "historyCacheSize": 0.0, "historyEnabled": false} {
		if config[name] != want {
			t.Errorf("%s is %v", name, config[name])
		}
	}
}

func TestTheListIsAskedForAtTheAddressOfItsPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 60 {
		h.has(i, intlog.Pending, nil)
	}
	first := h.body(h.call(http.MethodGet, "/console", "ana", nil, nil), http.StatusOK)
	next := html.UnescapeString(regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(first)[1])
	for _, path := range []string{"/console?tab=pending&q=smith&sort=oldest", next, "/console?" + url.Values{"q": {evil}}.Encode()} {
		body := html.UnescapeString(h.body(h.call(http.MethodGet, path, "ana", nil, nil), http.StatusOK))
		if !strings.Contains(body, `hx-get="`+path+`"`) {
			t.Errorf("%s: %s", path, regexp.MustCompile(`hx-get="[^"]*"`).FindString(body))
		}
	}
	if body := h.body(h.call(http.MethodGet, "/console?from=soon", "ana", nil, nil), http.StatusUnprocessableEntity); strings.Contains(body, "hx-get") {
		t.Error("a list that cannot be made is asked for again and again")
	}
}

func TestARefreshCostsNoMoreThanThePage(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 60 {
		h.has(i, intlog.Pending, nil)
	}
	h.call(http.MethodGet, "/console", "ana", nil, nil)
	page := h.store.asked.Swap(0)
	h.store.entries.Store(0)
	h.body(h.call(http.MethodGet, "/console", "ana", nil, asked()), http.StatusOK)
	if again, lists := h.store.asked.Load(), h.store.entries.Load(); again > page || lists != 1 {
		t.Errorf("it asks the store %d times, %d of them for the list; the page %d times", again, lists, page)
	}
}

func TestARefreshLeavesTheMessageForThePageThatAPersonOpens(t *testing.T) {
	t.Parallel()
	h := open(t)
	e := h.has(1, intlog.Pending, nil)
	w := h.call(http.MethodPost, "/console/act", "ana", url.Values{"do": {"sync 1 " + e.ID()}}, nil)
	h.body(w, http.StatusSeeOther)
	header := asked()
	header.Set("Cookie", session+"=ana; "+cookieOf(w, "__Host-passare-flash"))
	refresh := h.call(http.MethodGet, "/console", "", nil, header)
	if body := h.body(refresh, http.StatusOK); strings.Contains(body, "flash good") || refresh.Header().Get("Set-Cookie") != "" {
		t.Errorf("the refresh has taken it: %s", refresh.Header())
	}
	header.Del("Hx-Request")
	if body := h.body(h.call(http.MethodGet, "/console", "", nil, header), http.StatusOK); !strings.Contains(body, "flash good") {
		t.Error(body)
	}
}

func TestARefreshAfterTheSessionEndedIsToldSoAndSignsNobodyIn(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, who := range []string{"", "ended"} {
		w := h.call(http.MethodGet, "/console?tab=errors", who, nil, asked())
		if body := h.body(w, http.StatusUnauthorized); body != "" || w.Header().Get("Location") != "" {
			t.Errorf("%q: %s %s", who, body, w.Header())
		}
	}
}

func TestTheSheetOfShortcutsIsForWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	h := open(t)
	body := h.body(h.call(http.MethodGet, "/console/notices", "ana", nil, nil), http.StatusOK)
	for key, path := range map[string]string{"p": "/console?tab=pending", "e": "/console?tab=errors", "h": "/console?tab=held", "s": "/console?tab=synced", "a": "/console?tab=all", "n": "/console/notices"} {
		if !strings.Contains(body, `<a href="`+path+`" data-go="`+key+`"`) {
			t.Errorf("no %s in %s", key, body)
		}
	}
	if body := h.body(h.call(http.MethodGet, "/console/welcome-back", "", nil, nil), http.StatusOK); strings.Contains(body, "<dialog") || strings.Contains(body, "Keyboard shortcuts") {
		t.Error(body)
	}
}
