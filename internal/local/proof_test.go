package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/golden"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/webhook"
)

// proves has the deployed functions compare willow-creek's books, twice: in between somebody deletes an entry in QuickBooks, which tells of it, and a person
// has it posted again.
func (c *onAWS) proves() {
	night := time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)
	for !slices.Contains(reconcile.Due([]string{local.WillowCreek}, night), local.WillowCreek) {
		night = night.Add(10 * time.Minute)
	}
	c.unauthorized(local.WillowCreekRealm, "query") // the grant is renewed
	c.invokeWith("reconcile", `{"scheduled":"`+night.Format(time.RFC3339)+`"}`)
	c.ended("ana", string(reconcile.NightOf(time.Now())), time.Time{})
	c.provedNow("ana", `{}`)
	id := send(c.t, c.System, event(local.WillowCreek, "payment.created", "deleted-there", 1, "case-24-0113", cash))
	e := wait(c.t, c.System, local.WillowCreek, id, intlog.Synced)
	if err := c.Sim.DeleteJournalEntry(local.WillowCreekRealm, e.Postings[0].QuickBooksID); err != nil {
		c.t.Fatal(err)
	}
	told := fmt.Sprintf(`[{"specversion":"1.0","id":"n1","source":"intuit.x=","type":"qbo.journalentry.deleted.v1","time":%q,"intuitentityid":%q,"intuitaccountid":%q,"data":{}}]`,
		time.Now().UTC().Format(time.RFC3339), e.Postings[0].QuickBooksID, local.WillowCreekRealm)
	for signature, want := range map[string]int{webhook.SignQuickBooks(local.DemoVerifierToken, []byte(told)): http.StatusOK, "wrong": http.StatusUnauthorized} {
		r := ask(c.t, c.System, "", http.MethodPost, "/v1/quickbooks-events", told, http.Header{"Intuit-Signature": {signature}, "Content-Type": {"application/cloudevents-batch+json"}})
		if r.status != want {
			c.t.Errorf("QuickBooks tells: %d %s", r.status, r.body)
		}
	}
	c.provedNow("ana", `{}`)
	found := c.differenceOf(id)
	c.as("ana", http.MethodGet, "/v1/differences/"+found, "", http.StatusOK, `"repost"`)
	c.as("ana", http.MethodPost, "/v1/differences/"+found+"/actions", `{"action":"repost","reason":"Deleted by mistake."}`, http.StatusOK, "on its way to QuickBooks")
	wait(c.t, c.System, local.WillowCreek, id, intlog.Synced)
	c.provedNow("ana", `{"full":true}`)
	c.as("ana", http.MethodGet, "/v1/differences/"+found, "", http.StatusOK, "Both books agree on it.")
	c.as("ana", http.MethodGet, "/v1/reconciliations", "", http.StatusOK, "asked for everything to be compared.")
	c.as("ana", http.MethodGet, "/v1/cases/case-24-0113/proof", "", http.StatusOK, `"quickbooks":"-10.00"`)
	c.as("ana", http.MethodGet, "/v1/clearing", "", http.StatusOK, "deleted-there")
	c.as("ana", http.MethodGet, "/v1/cash-advances", "", http.StatusOK, `"open":"435.00"`)
	c.as("ana", http.MethodGet, "/v1/close-packets/2026-03", "", http.StatusOK, "journal entries")
	c.as("ana", http.MethodGet, "/v1/close-packets/2026-03/entries.csv", "", http.StatusOK, "payment.deleted-there.1")
	c.as("ana", http.MethodPost, "/v1/close-packets/2026-02", `{"closed":true}`, http.StatusOK, `"closed":true`)
	c.as("ana", http.MethodGet, "/v1/notifications", "", http.StatusOK, `"proof"`)
	c.as("ana", http.MethodGet, "/v1/differences/none", "", http.StatusNotFound, "")
}

// differenceOf is the open difference of an entry.
func (c *onAWS) differenceOf(entry string) string {
	c.t.Helper()
	var list struct {
		Differences []struct{ ID, Entry, Class string }
	}
	c.as("ana", http.MethodGet, "/v1/differences?limit=200", "", http.StatusOK, "").into(c.t, &list)
	for _, d := range list.Differences {
		if d.Entry == entry && d.Class == "deleted" {
			return d.ID
		}
	}
	c.t.Fatalf("nothing differs: %+v", list)
	return ""
}

// provedNow asks for a proof and waits for its end. It polls, since a function works beside the test; the bound only ends a test that has failed.
func (c *onAWS) provedNow(user, body string) {
	c.t.Helper()
	var asked struct {
		Night   string
		AskedAt time.Time `json:"asked_at"`
	}
	c.as(user, http.MethodPost, "/v1/reconciliations", body, http.StatusAccepted, "").into(c.t, &asked)
	c.ended(user, asked.Night, asked.AskedAt)
}

// ended waits for the end of a night that began after a time.
func (c *onAWS) ended(user, night string, after time.Time) {
	c.t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for range 600 {
		r := ask(c.t, c.System, user, http.MethodGet, "/v1/reconciliations/"+night, "", nil)
		var is struct {
			State, Says string
			Began       time.Time
		}
		if r.status == http.StatusOK && json.Unmarshal([]byte(r.body), &is) == nil && is.State != "running" && !is.Began.Before(after.Truncate(time.Second)) {
			if is.State == "failed" {
				c.t.Fatal(is.Says)
			}
			c.t.Log(is.Says)
			return
		}
		<-ticker.C
	}
	c.t.Fatal("the books are not proved")
}

// TestTheGoldenCaseProvesOverHTTP has the demo's books proved through the API, with QuickBooks' webhooks as hints.
func TestTheGoldenCaseProvesOverHTTP(t *testing.T) {
	t.Parallel()
	s := start(t)
	var out bytes.Buffer
	expected, err := golden.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Demo(t.Context(), &out, expected.Expected); err != nil {
		t.Fatal(err)
	}
	night := proved(t, s, local.WillowCreek)
	if night.Open != 0 || !strings.HasPrefix(night.Says, "All agrees: 12 entries, ") {
		t.Error(night.Says)
	}
	for path, want := range map[string]string{
		"/v1/cases/case-24-0113/proof": `"says":"All agrees: the family owes $0.00 by Passare, by our entries and by QuickBooks."`,
		"/v1/cash-advances":            `"open":"435.00"`,
		"/v1/reconciliations":          `"state":"agrees"`,
		"/v1/close-packets/2026-03":    `"closed":false`,
	} {
		if r := ask(t, s, "ana", http.MethodGet, path, "", nil); r.status != http.StatusOK || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}
