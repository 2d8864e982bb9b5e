package local_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/logwatch"
)

// start starts a system that ends with the test. It is the only way to one: every line that the system logs is read at the end, and fails
// the test if it tells a secret or a name that went over the wire.
func start(t *testing.T) *local.System {
	t.Helper()
	s, _ := watched(t, t)
	return s
}

// watched starts a system whose log is read when end ends.
func watched(t *testing.T, end testing.TB) (*local.System, *logwatch.Watch) {
	t.Helper()
	return carried(t, end, func(carry http.RoundTripper) http.RoundTripper { return carry })
}

// carried is watched with something around what carries requests between the addresses.
func carried(t *testing.T, end testing.TB, around func(http.RoundTripper) http.RoundTripper) (*local.System, *logwatch.Watch) {
	t.Helper()
	watch := logwatch.New(end)
	watch.Secret("webhook secret", local.DemoWebhookSecret)
	watch.Secret("webhook secret", strings.TrimPrefix(local.DemoWebhookSecret, "whsec_"))
	s, err := local.Start(t.Context(), local.Options{
		Listen: "127.0.0.1:0", QBOListen: "127.0.0.1:0", WebhookSecret: local.DemoWebhookSecret, Now: time.Now, Log: watch.Logger(), Workers: 4, RetryEach: 50 * time.Millisecond,
		Carry: around(watch.Carry(&http.Transport{MaxIdleConnsPerHost: 32})),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, organisation := range []string{local.WillowCreek, local.MapleHill} {
		c, err := s.Store.Config(t.Context(), organisation)
		if err != nil {
			t.Fatal(err)
		}
		watch.Business(c.Name)
	}
	end.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, watch
}

// get reads a path as one of the demo's people.
func get(t *testing.T, s *local.System, user, path string) (int, []byte) {
	t.Helper()
	return as(t, s, user, http.MethodGet, path)
}

func as(t *testing.T, s *local.System, user, method, path string) (int, []byte) {
	t.Helper()
	token, err := s.Token(user)
	if err != nil {
		t.Fatal(err)
	}
	status, answer, err := s.Call(t.Context(), method, path, http.Header{"Authorization": {"Bearer " + token}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}
