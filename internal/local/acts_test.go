package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/org"
)

// clicked is what an action of a person is answered.
type clicked struct {
	reply
	Entry struct {
		State intlog.State
		Why   string
	}
}

// click has a person act on an entry: "sync", "retry", "restore", or "delete" with a reason.
func click(t *testing.T, s *local.System, user, action, id string, header http.Header) clicked {
	t.Helper()
	method, path := http.MethodPost, "/v1/entries/"+id+"/"+action
	if action == "delete" {
		method, path = http.MethodDelete, "/v1/entries/"+id+"?reason="+url.QueryEscape("typed by mistake")
	}
	c := clicked{reply: ask(t, s, user, method, path, "", header)}
	if c.status < 300 {
		c.into(t, &c.Entry)
	}
	return c
}

// tab lists the ids on a tab, in order.
func tab(t *testing.T, s *local.System, user, name string) []string {
	t.Helper()
	var list struct{ Entries []struct{ ID string } }
	ask(t, s, user, http.MethodGet, "/v1/entries?limit=200&tab="+name, "", nil).into(t, &list)
	ids := []string{}
	for _, e := range list.Entries {
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	return ids
}

// bulk is what the action on many entries is answered.
type bulk struct {
	Results []struct{ ID, Outcome, State, Detail string }
	Totals  map[string]struct {
		Count  int
		Amount string
	}
	More bool
	Says string
}

func actions(t *testing.T, s *local.System, user, body string) bulk {
	t.Helper()
	r := ask(t, s, user, http.MethodPost, "/v1/entries/actions", body, http.Header{"Content-Type": {"application/json"}})
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	var b bulk
	r.into(t, &b)
	return b
}

// pending delivers payments of maple-hill, where auto-sync is off, and answers their ids.
func pending(t *testing.T, s *local.System, n int) []string {
	t.Helper()
	var ids []string
	for i := range n {
		ids = append(ids, send(t, s, event(local.MapleHill, "payment.created", fmt.Sprintf("p%02d", i), 1, "c1", cash)))
	}
	return ids
}

// TestTheHelpPagesSentences: what the help page promises of manual syncing, sentence by sentence.
func TestTheHelpPagesSentences(t *testing.T) {
	t.Parallel()
	maple := local.MapleHill
	for sentence, test := range map[string]func(*testing.T, *local.System){
		"If Enable auto-sync is on, triggered data will flow straight to QBO": func(t *testing.T, s *local.System) {
			wait(t, s, local.WillowCreek, send(t, s, event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash)), intlog.Synced)
		},
		"If Enable auto-sync is off, triggered data will first flow to Financials > Integration log": func(t *testing.T, s *local.System) {
			ids := pending(t, s, 1)
			if diff := cmp.Diff(ids, tab(t, s, "dan", "all")); diff != "" || len(s.Sim.Journal(local.MapleHillRealm)) > 0 {
				t.Error(diff)
			}
		},
		"Entries needing review are under the Pending transactions tab": func(t *testing.T, s *local.System) {
			ids := pending(t, s, 3)
			if diff := cmp.Diff(ids, tab(t, s, "dan", "pending")); diff != "" {
				t.Error(diff)
			}
		},
		"Click the ellipsis next to an entry to sync it": func(t *testing.T, s *local.System) {
			id := pending(t, s, 1)[0]
			if c := click(t, s, "dan", "sync", id, nil); c.status != http.StatusAccepted || c.header.Get("ETag") == "" {
				t.Fatalf("%d %s", c.status, c.body)
			}
			wait(t, s, maple, id, intlog.Synced)
			if c := click(t, s, "dan", "sync", id, nil); c.status != http.StatusOK {
				t.Errorf("again: %d %s", c.status, c.body)
			}
			if list := tab(t, s, "dan", "pending"); len(list) > 0 {
				t.Errorf("still pending: %v", list)
			}
		},
		"Click the ellipsis next to an entry to delete it from the table": func(t *testing.T, s *local.System) {
			id := pending(t, s, 1)[0]
			if r := ask(t, s, "dan", http.MethodDelete, "/v1/entries/"+id, "", nil); r.status != http.StatusUnprocessableEntity || problemIn(t, []byte(r.body)).Errors[0].Field != "reason" {
				t.Errorf("without a reason: %d %s", r.status, r.body)
			}
			if c := click(t, s, "dan", "delete", id, nil); c.status != http.StatusAccepted || c.Entry.State != intlog.Deleted || c.Entry.Why != "typed by mistake" {
				t.Fatalf("%d %s", c.status, c.body)
			}
			if c := click(t, s, "dan", "delete", id, nil); c.status != http.StatusOK {
				t.Errorf("again: %d %s", c.status, c.body)
			}
			if list := tab(t, s, "dan", "pending"); len(list) > 0 {
				t.Errorf("still pending: %v", list)
			}
			c := click(t, s, "dan", "sync", id, nil)
			if p := problemIn(t, []byte(c.body)); c.status != http.StatusConflict || !strings.Contains(p.Detail, "Dan Reyes deleted it at") || !strings.Contains(p.Detail, "typed by mistake") {
				t.Errorf("%d %s", c.status, c.body)
			}
			if again := send(t, s, event(maple, "payment.created", "p00", 1, "c1", cash)); again != id || state(t, s, maple, id) != intlog.Deleted {
				t.Errorf("a repeat of its event: %s is %s", again, state(t, s, maple, again))
			}
			if c := click(t, s, "dan", "restore", id, nil); c.status != http.StatusAccepted || c.Entry.State != intlog.Pending {
				t.Errorf("restored: %d %s", c.status, c.body)
			}
		},
		"You can also bulk-select entries and click Actions to sync or delete them all at once": func(t *testing.T, s *local.System) {
			ids := pending(t, s, 40)
			named, _ := json.Marshal(ids[:20])
			if b := actions(t, s, "dan", `{"action":"delete","reason":"twice","ids":`+string(named)+`}`); b.Totals["done"].Count != 20 || b.Totals["done"].Amount != "200.00" {
				t.Errorf("%+v", b)
			}
			filter := `"filter":{"tab":"pending","trigger":"payment","amount_min":"10.00"}`
			if b := actions(t, s, "dan", `{"action":"sync","dry_run":true,`+filter+`}`); b.Totals["would"].Count != 20 || len(tab(t, s, "dan", "pending")) != 20 {
				t.Errorf("dry: %+v", b)
			}
			if b := actions(t, s, "dan", `{"action":"sync",`+filter+`}`); b.Totals["done"].Count != 20 || b.More || !strings.Contains(b.Says, "20 done (200.00)") {
				t.Errorf("%+v", b)
			}
			for _, id := range ids[20:] {
				wait(t, s, maple, id, intlog.Synced)
			}
			if n := len(s.Sim.Journal(local.MapleHillRealm)); n != 20 || len(tab(t, s, "dan", "pending")) != 0 {
				t.Errorf("%d entries in QuickBooks", n)
			}
			b := actions(t, s, "dan", `{"action":"restore","ids":["`+ids[0]+`","`+ids[39]+`","payment.nowhere.1","x"]}`)
			var outcomes []string
			for _, r := range b.Results {
				outcomes = append(outcomes, r.Outcome)
			}
			if diff := cmp.Diff([]string{"done", "not_possible", "not_found", "not_found"}, outcomes); diff != "" {
				t.Error(diff)
			}
		},
		"Go fix the issue in Passare, then click the ellipsis icon and select Retry sync. If the re-sync is successful the error will disappear": func(t *testing.T, s *local.System) {
			w := local.WillowCreek
			script(t, s, "journalentry", "status", http.StatusBadRequest, `{"Fault":{"Error":[{"Message":"x","Detail":"Business Validation Error: no","code":"6000","element":""}],"type":"ValidationFault"}}`)
			id := send(t, s, event(w, "payment.created", "p1", 1, "c1", cash))
			wait(t, s, w, id, intlog.Failed)
			if diff := cmp.Diff([]string{id}, tab(t, s, "ana", "errors")); diff != "" {
				t.Error(diff)
			}
			if c := click(t, s, "ana", "retry", id, nil); c.status != http.StatusAccepted {
				t.Fatalf("%d %s", c.status, c.body)
			}
			wait(t, s, w, id, intlog.Synced)
			if c := click(t, s, "ana", "retry", id, nil); c.status != http.StatusOK {
				t.Errorf("again: %d %s", c.status, c.body)
			}
			if list := tab(t, s, "ana", "errors"); len(list) > 0 {
				t.Errorf("still an error: %v", list)
			}
		},
		"you must click Add to Accounting Export before invoices & payments will sync; then all subsequent data from that page automatically syncs": func(t *testing.T, s *local.System) {
			w := local.WillowCreek
			set(t, s, w, func(x *org.Settings) { x.AutoAddToExports = false })
			id := send(t, s, event(w, "payment.created", "p1", 1, "c1", cash))
			other := send(t, s, event(w, "payment.created", "p2", 1, "c2", cash))
			if diff := cmp.Diff([]string{id, other}, tab(t, s, "ana", "held")); diff != "" {
				t.Error(diff)
			}
			c := click(t, s, "ana", "sync", id, nil)
			if p := problemIn(t, []byte(c.body)); c.status != http.StatusConflict || !strings.Contains(p.Detail, "Add to Accounting Export") {
				t.Errorf("%d %s", c.status, c.body)
			}
			send(t, s, swap(event(w, "accounting_export.added", "x1", 1, "c1", `"page":"payments_and_adjustments"`), `"branch":{"id":"main","name":"Main"},`, ""))
			wait(t, s, w, id, intlog.Synced)
			wait(t, s, w, send(t, s, event(w, "payment.created", "p3", 1, "c1", cash)), intlog.Synced)
			if state(t, s, w, other) != intlog.Held {
				t.Error("another case's payment was let go")
			}
			for _, x := range []struct {
				id   string
				want intlog.State
			}{{other, intlog.Pending}} { // restored where its page does not flow: to review
				click(t, s, "ana", "delete", x.id, nil)
				if c := click(t, s, "ana", "restore", x.id, nil); c.Entry.State != x.want {
					t.Errorf("restored: %d %s", c.status, c.body)
				}
			}
		},
		"Checks and Ledger data can be excluded from the sync": func(t *testing.T, s *local.System) {
			w := local.WillowCreek
			set(t, s, w, func(x *org.Settings) { x.ExcludeChecks, x.ExcludeLedger = true, true })
			for _, body := range []string{event(w, "check.printed", "k1", 1, "", printed), event(w, "ledger.funds_added", "l1", 1, "", typed)} {
				c := click(t, s, "ana", "sync", send(t, s, body), nil)
				if p := problemIn(t, []byte(c.body)); c.status != http.StatusConflict || !strings.Contains(p.Detail, "out of the sync") {
					t.Errorf("%d %s", c.status, c.body)
				}
			}
			if n := len(s.Sim.Journal(local.WillowCreekRealm)); n > 0 {
				t.Errorf("%d entries in QuickBooks", n)
			}
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func TestAPersonChoosesWhatToPostAfterADeletedVersion(t *testing.T) {
	t.Parallel()
	s := start(t)
	v1 := pending(t, s, 1)[0]
	click(t, s, "dan", "delete", v1, nil)
	v2 := send(t, s, event(local.MapleHill, "payment.updated", "p00", 2, "c1", strings.Replace(cash, "10.00", "12.00", 1)))
	click(t, s, "dan", "sync", v2, nil)
	wait(t, s, local.MapleHill, v2, intlog.Failed)
	var d struct{ Problems []struct{ Choices []string } }
	ask(t, s, "dan", http.MethodGet, "/v1/entries/"+v2, "", nil).into(t, &d)
	if diff := cmp.Diff([]string{"whole", "difference", "nothing"}, d.Problems[0].Choices); diff != "" {
		t.Error(diff)
	}
	choose := func(choice string) reply {
		return ask(t, s, "dan", http.MethodPost, "/v1/entries/"+v2+"/retry", `{"choice":"`+choice+`"}`, http.Header{"Content-Type": {"application/json"}})
	}
	if r := choose("half"); r.status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := choose("post"); r.status != http.StatusConflict {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := choose("difference"); r.status != http.StatusAccepted {
		t.Fatalf("%d %s", r.status, r.body)
	}
	wait(t, s, local.MapleHill, v2, intlog.Synced)
	if journal := s.Sim.Journal(local.MapleHillRealm); len(journal) != 1 || journal[0].Lines[0].Amount != "2.00" {
		t.Errorf("%+v", journal)
	}
}

// TestTwoPeopleAtOnce: of two people who saw the same, one acts, and the other is told who did what. Nothing is posted twice.
func TestTwoPeopleAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	set(t, s, local.WillowCreek, func(x *org.Settings) { x.AutoSync = false })
	const pairs = 20
	var all sync.WaitGroup
	for i := range pairs {
		id := send(t, s, event(local.WillowCreek, "payment.created", fmt.Sprintf("p%d", i), 1, "c1", cash))
		seen := http.Header{}
		if i%2 == 0 { // half of them say what they saw, as the console does
			seen.Set("If-Match", ask(t, s, "ana", http.MethodGet, "/v1/entries/"+id, "", nil).header.Get("ETag"))
		}
		all.Go(func() {
			var got [2]clicked
			var pair sync.WaitGroup
			for k, act := range [2][2]string{{"ana", "sync"}, {"ben", []string{"sync", "delete"}[i/2%2]}} {
				pair.Go(func() { got[k] = click(t, s, act[0], act[1], id, seen) })
			}
			pair.Wait()
			acted := 0
			for _, c := range got {
				switch c.status {
				case http.StatusAccepted:
					acted++
				case http.StatusOK: // it was so already
				case http.StatusConflict, http.StatusPreconditionFailed:
					if p := problemIn(t, []byte(c.body)); !strings.Contains(p.Detail, "Ana Diaz") && !strings.Contains(p.Detail, "Ben Okafor") {
						t.Errorf("%s: %s", id, c.body)
					}
				default:
					t.Errorf("%s: %d %s", id, c.status, c.body)
				}
			}
			if acted == 0 || acted > 1 && seen != nil && len(seen) > 0 {
				t.Errorf("%s: %d acted: %s / %s", id, acted, got[0].body, got[1].body)
			}
		})
	}
	all.Wait()
	want := 0
	for i := range pairs {
		id := fmt.Sprintf("payment.p%d.1", i)
		if state(t, s, local.WillowCreek, id) != intlog.Deleted {
			want++
			wait(t, s, local.WillowCreek, id, intlog.Synced)
		}
	}
	if n := len(s.Sim.Journal(local.WillowCreekRealm)); n != want {
		t.Errorf("%d entries in QuickBooks, want %d", n, want)
	}
}

func TestWhoActsNeedsThePermissionAndTheirOwnOrganisation(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := send(t, s, event(local.WillowCreek, "payment.created", "p1", 1, "c1", cash))
	for user, want := range map[string]int{"cleo": http.StatusForbidden, "dan": http.StatusNotFound} {
		for _, action := range []string{"sync", "retry", "restore", "delete"} {
			if c := click(t, s, user, action, id, nil); c.status != want {
				t.Errorf("%s, %s: %d %s", user, action, c.status, c.body)
			}
		}
	}
	if b := actions(t, s, "dan", `{"action":"delete","reason":"x","ids":["`+id+`"]}`); b.Results[0].Outcome != "not_found" {
		t.Errorf("%+v", b)
	}
	if r := ask(t, s, "cleo", http.MethodPost, "/v1/entries/actions", `{"action":"sync","ids":["x"]}`, http.Header{"Content-Type": {"application/json"}}); r.status != http.StatusForbidden {
		t.Errorf("%d %s", r.status, r.body)
	}
}
