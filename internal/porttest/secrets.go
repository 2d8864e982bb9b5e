package porttest

import (
	"testing"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
)

// SecretNames are the names that the suite stores secrets under: whoever makes them where they stay deletes them.
func SecretNames() []string { return []string{"x", "y"} }

// Secrets runs the suite.
func Secrets(t *testing.T, empty func(*testing.T) grant.Secrets) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, grant.Secrets){
		"a secret that is not there is not found": func(t *testing.T, s grant.Secrets) {
			if _, _, err := s.Get(t.Context(), "x"); !fault.Is(err, fault.NotFound) {
				t.Errorf("%v", err)
			}
		},
		"a secret changes only from the version that was read": func(t *testing.T, s grant.Secrets) {
			v1 := ok(s.Put(t.Context(), "x", []byte("one"), ""))(t)
			_, err := s.Put(t.Context(), "x", []byte("other"), "")
			conflicts(t, "a second first", err)
			v2 := ok(s.Put(t.Context(), "x", []byte("two"), v1))(t)
			_, err = s.Put(t.Context(), "x", []byte("three"), v1)
			conflicts(t, "an older version", err)
			value, version, err := s.Get(t.Context(), "x")
			if err != nil || string(value) != "two" || version != v2 || v1 == v2 {
				t.Errorf("%q, version %q after %q: %v", value, version, v2, err)
			}
			_, err = s.Put(t.Context(), "y", []byte("one"), v1)
			conflicts(t, "a version of a secret that is not there", err)
		},
		"of many writers at once one wins": func(t *testing.T, s grant.Secrets) {
			v1 := ok(s.Put(t.Context(), "x", []byte("one"), ""))(t)
			if wins := race(50, func() bool { _, err := s.Put(t.Context(), "x", []byte("two"), v1); return err == nil }); wins != 1 {
				t.Errorf("%d won", wins)
			}
		},
		"a value is copied": func(t *testing.T, s grant.Secrets) {
			value := []byte("one")
			_ = ok(s.Put(t.Context(), "x", value, ""))(t)
			value[0] = 'X'
			if got, _, _ := s.Get(t.Context(), "x"); string(got) != "one" {
				t.Errorf("%q", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, empty(t))
		})
	}
}
