package local_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
)

func TestARepeatedCallIsAnsweredTheSameOverHTTP(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := send(t, s, event(local.MapleHill, "payment.created", "p1", 1, "c1", cash))
	key := http.Header{"Idempotency-Key": {"sync-p1"}}
	first := ask(t, s, "dan", http.MethodPost, "/v1/entries/"+id+"/sync", "", key)
	if first.status != http.StatusAccepted {
		t.Fatalf("%d %s", first.status, first.body)
	}
	wait(t, s, local.MapleHill, id, intlog.Synced)
	again := ask(t, s, "dan", http.MethodPost, "/v1/entries/"+id+"/sync", "", key)
	for _, r := range []reply{first, again} {
		r.header.Del("Date")
	}
	if first.status != again.status || first.body != again.body || !cmp.Equal(first.header, again.header) {
		t.Errorf("%d %v %s\nthen %d %v %s", first.status, first.header, first.body, again.status, again.header, again.body)
	}
	if other := ask(t, s, "dan", http.MethodPost, "/v1/entries/"+id+"/sync", "", nil); other.status != http.StatusOK {
		t.Errorf("without the key: %d %s", other.status, other.body)
	}
	if other := ask(t, s, "dan", http.MethodPost, "/v1/connection/start", "", key); other.status != http.StatusUnprocessableEntity {
		t.Errorf("another call under the key: %d %s", other.status, other.body)
	}
}

// The answer has a cookie, which comes again with it.
func TestARepeatedStartIsTheSameAttempt(t *testing.T) {
	t.Parallel()
	s := start(t)
	key := http.Header{"Idempotency-Key": {"start"}}
	first, again := ask(t, s, "ana", http.MethodPost, "/v1/connection/start", "{}", key), ask(t, s, "ana", http.MethodPost, "/v1/connection/start", "{}", key)
	if first.body != again.body || first.header.Get("Set-Cookie") == "" || first.header.Get("Set-Cookie") != again.header.Get("Set-Cookie") {
		t.Errorf("%v %s\nthen %v %s", first.header, first.body, again.header, again.body)
	}
	other := ask(t, s, "dan", http.MethodPost, "/v1/connection/start", "{}", key)
	if other.status != http.StatusOK || other.body == first.body {
		t.Errorf("another person's same key: %d %s", other.status, other.body)
	}
}
