package local_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
)

// undoneRow is what the call of an undo answers.
type undoneRow struct {
	ID, State, Sentence string
	Type                string `json:"transaction_type"`
	Preview             *struct {
		Journal []struct {
			Date  string
			Lines []struct{ Side, Amount, Name string }
		} `json:"journal_entries"`
		Problems []struct{ Text string }
	}
}

func TestAPostedEntryIsUndoneAndPutBack(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := local.WillowCreek
	before := len(s.Sim.Journal(local.WillowCreekRealm))
	id := send(t, s, event(w, "payment.created", "p1", 1, "c1", cash))
	wait(t, s, w, id, intlog.Synced)
	call := func(user, id, body string, header http.Header, status int, says string) (x undoneRow) {
		t.Helper()
		r := ask(t, s, user, http.MethodPost, s.URL+"/v1/entries/"+id+"/undo", body, header)
		if r.status != status || !strings.Contains(string(r.body), says) {
			t.Fatalf("%d %s, want %d %q", r.status, r.body, status, says)
		}
		r.into(t, &x)
		return x
	}
	why := `{"reason":"Entered twice"}`
	dry := call("ana", id, `{"reason":"Entered twice","dry_run":true}`, nil, http.StatusOK, "takes the whole record out")
	if dry.ID != "payment.p1.1~1" || dry.Preview == nil || len(dry.Preview.Problems) > 0 || len(dry.Preview.Journal) != 1 || len(dry.Preview.Journal[0].Lines) != 2 {
		t.Fatalf("%+v", dry)
	}
	if status, _ := get(t, s, "ana", "/v1/entries/payment.p1.1~1"); status != http.StatusNotFound {
		t.Errorf("a dry run stores its entry: %d", status)
	}
	if line := dry.Preview.Journal[0].Lines[0]; line.Side != "Debit" || line.Amount != "10.00" || line.Name != "Vera Quill-c1" {
		t.Errorf("%+v", line)
	}
	call("ana", id, `{}`, nil, http.StatusUnprocessableEntity, "reason")
	call("ana", id, why, http.Header{"If-Match": {`"1"`}}, http.StatusPreconditionFailed, "")
	call("dan", id, why, nil, http.StatusNotFound, "")
	undo := call("ana", id, why, nil, http.StatusAccepted, "payment.undone")
	wait(t, s, w, undo.ID, intlog.Synced)
	if again := call("ben", id, why, nil, http.StatusOK, ""); again.ID != undo.ID {
		t.Errorf("%+v", again)
	}
	call("ben", id, `{"reason":"Entered twice","dry_run":true}`, nil, http.StatusConflict, "The undo of version 1 is synced")
	if _, body := get(t, s, "ana", "/v1/entries/"+undo.ID); !strings.Contains(string(body), "Entered twice") || !strings.Contains(string(body), `"versions":[{"id":"payment.p1.1"`) {
		t.Errorf("%s", body)
	}
	back := call("ana", undo.ID, why, nil, http.StatusAccepted, "payment.redone")
	wait(t, s, w, back.ID, intlog.Synced)
	call("ana", id, why, nil, http.StatusConflict, "Undo payment.p1.1~2")
	var got []string
	for _, e := range s.Sim.Journal(local.WillowCreekRealm)[before:] {
		got = append(got, e.Lines[0].Account+" "+e.Lines[0].Amount)
	}
	if want := "Deposits Clearing 10.00,Accounts Receivable (A/R) 10.00,Deposits Clearing 10.00"; strings.Join(got, ",") != want {
		t.Errorf("%s, want %s", strings.Join(got, ","), want)
	}
	_, page := get(t, s, "ana", "/v1/entries?tab=synced&limit=3")
	for _, x := range []string{id, undo.ID, back.ID} {
		if !strings.Contains(string(page), `"`+x+`"`) {
			t.Errorf("%s is not among the newest: %s", x, page)
		}
	}
}
