package local_test

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/passare/qbo-sync/internal/local"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

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
