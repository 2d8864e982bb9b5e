package local_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
)

// rung is GET /v1/notifications.
type rung struct {
	Notices []struct {
		ID, Kind, Text, Who, Where, Link, Amount string
		Entries                                  int
		First                                    []string `json:"first_entries"`
		Read                                     bool
	}
	Unread int
}

func notices(t *testing.T, s *local.System, user, method, path string) (b rung) {
	t.Helper()
	r := ask(t, s, user, method, path, "", nil)
	if r.status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	r.into(t, &b)
	return b
}

func TestTheBellRingsOnceForADeadConnectionAndStopsWithIt(t *testing.T) {
	t.Parallel()
	s := start(t)
	ids := tenOnADeadConnection(t, s)
	b := notices(t, s, "ben", http.MethodGet, "/v1/notifications")
	if len(b.Notices) != 1 || b.Unread != 1 || b.Notices[0].Entries != 10 || b.Notices[0].Amount != "100.00" || b.Notices[0].Link != "/v1/connection" || !strings.HasSuffix(b.Notices[0].Text, "10 entries, $100.00, wait for it.") {
		t.Fatalf("%+v", b)
	}
	if b = notices(t, s, "ben", http.MethodPost, "/v1/notifications/"+b.Notices[0].ID+"/read"); b.Unread != 0 || !b.Notices[0].Read {
		t.Errorf("after reading: %+v", b)
	}
	if b = notices(t, s, "ana", http.MethodGet, "/v1/notifications"); b.Unread != 1 {
		t.Errorf("ana: %+v", b)
	}
	if r := ask(t, s, "dan", http.MethodPost, "/v1/notifications/"+b.Notices[0].ID+"/read", "", nil); r.status != http.StatusNotFound {
		t.Errorf("of another organisation: %d %s", r.status, r.body)
	}
	back, cookie := consent(t, s, "ana", "", local.WillowCreekRealm)
	ask(t, s, "", http.MethodGet, back, "", cookie)
	for _, id := range ids {
		wait(t, s, local.WillowCreek, id, intlog.Synced)
	}
	if b = notices(t, s, "ben", http.MethodGet, "/v1/notifications"); len(b.Notices) != 0 {
		t.Errorf("when it is connected again: %+v", b)
	}
}

func TestTheBellNamesWhatHasToBeMapped(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, err := s.Store.Config(t.Context(), local.WillowCreek)
	if err != nil {
		t.Fatal(err)
	}
	delete(c.Mapping.GL, "4000")
	if _, err := s.Store.PutConfig(t.Context(), c, c.Version); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		wait(t, s, local.WillowCreek, send(t, s, event(local.WillowCreek, "goods_and_services.signed", fmt.Sprint("g", i), 1, fmt.Sprint("c", i), signed)), intlog.Failed)
	}
	b := notices(t, s, "ana", http.MethodGet, "/v1/notifications")
	want := "GL account 4000 has no account in QuickBooks: 3 entries, $300.00, wait. Map it, and what waits goes by itself."
	if len(b.Notices) != 1 || b.Notices[0].Text != want || b.Notices[0].Link != "/v1/mapping" || len(b.Notices[0].First) != 3 {
		t.Fatalf("%+v", b)
	}
	if b = notices(t, s, "ana", http.MethodPost, "/v1/notifications/read-all"); b.Unread != 0 || len(b.Notices) != 1 {
		t.Errorf("%+v", b)
	}
	data := `{"fault":{"error":[{"message":"A line is wrong","detail":"Line 1","code":"2010"}],"type":"ValidationFault"}}`
	script(t, s, "journalentry", "status", 400, data)
	id := send(t, s, event(local.WillowCreek, "payment.created", "p1", 1, "c9", cash))
	wait(t, s, local.WillowCreek, id, intlog.Failed)
	if b = notices(t, s, "ana", http.MethodGet, "/v1/notifications"); b.Unread != 1 || len(b.Notices) != 2 || b.Notices[0].Link != "/v1/entries/"+id || !strings.HasPrefix(b.Notices[0].Text, "Payment of case no-c9, $10.00: ") {
		t.Errorf("%+v", b)
	}
}
