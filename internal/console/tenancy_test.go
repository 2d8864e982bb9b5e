package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
)

// TestNobodyGuessesTheirWayIntoAnotherOrganisation: whatever address and form a person of organisation a makes of what organisation b has, nothing of b is
// shown, and nothing of b is changed.
func TestNobodyGuessesTheirWayIntoAnotherOrganisation(t *testing.T) {
	t.Parallel()
	const secret = "Theirs-Alone"
	l := openLinked(t)
	store := l.store.Store
	theirs := l.has(700, intlog.Pending, func(e *intlog.Entry) {
		e.Org, e.Name, e.Sentence, e.Case, e.CaseNo = "b", secret, secret, "their-case", secret
	})
	failed := l.has(701, intlog.Failed, func(e *intlog.Entry) { e.Org, e.Name, e.Sentence = "b", secret, secret })
	at := org.Company{Org: "b", Realm: "46"}
	if _, err := store.PutLink(t.Context(), at, intlog.Link{Kind: journal.Customer, Key: "case:their-case", ID: "990", Display: secret}); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, store, theirs, failed)
	for _, e := range []intlog.Entry{theirs, failed} {
		id := url.PathEscape(e.ID())
		for _, path := range []string{
			"/console/entries/" + id, "/console/entries/" + id + "/delete", "/console/entries/" + id + "/undo", "/console?tab=all", "/console?tab=errors&q=" + secret, "/console/cases/their-case",
			"/console/links?id=case:their-case", "/console/links/customers/case:their-case", "/console/needs-you", "/console/mapping", "/console/notices", "/console/settings", "/console/start",
		} {
			w := l.call(http.MethodGet, path, "max", nil, nil)
			if body := strings.ReplaceAll(w.Body.String(), `value="`+secret+`"`, ""); strings.Contains(body, secret) && !strings.Contains(path, "q=") {
				t.Errorf("%s shows another organisation's: %s", path, body)
			}
			if strings.HasPrefix(path, "/console/entries/") && w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		for path, form := range map[string]url.Values{
			"/console/act":                       {"do": {"sync 1 " + e.ID()}},
			"/console/entries/" + id + "/delete": {"reason": {"mine now"}, "rev": {"1"}},
			"/console/entries/" + id + "/undo":   {"reason": {"mine now"}, "rev": {"1"}},
			"/console/actions/confirmed":         {"action": {"delete"}, "id": {e.ID()}, "reason": {"mine now"}, "key": {"k"}},
			"/console/cases/their-case/pages/goods_and_services/add-to-accounting-export": {},
			"/console/links/customers/case:their-case":                                    {"number": {"991"}, "rev": {"1"}},
		} {
			if body := l.call(http.MethodPost, path, "max", form, nil).Body.String(); strings.Contains(body, secret) {
				t.Errorf("%s shows another organisation's: %s", path, body)
			}
		}
	}
	if after := snapshot(t, store, theirs, failed); after != before {
		t.Errorf("it was changed from\n%s\nto\n%s", before, after)
	}
}

// snapshot is what entries are in the store.
func snapshot(t *testing.T, store *memory.Store, entries ...intlog.Entry) string {
	t.Helper()
	var all []string
	for _, e := range entries {
		is, err := store.Entry(t.Context(), e.Key)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, is.ID()+" "+string(is.State)+" "+is.Why)
	}
	return strings.Join(all, "\n")
}
