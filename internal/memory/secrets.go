package memory

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/passare/qbo-sync/internal/fault"
)

// Secrets keeps secret values with versions.
type Secrets struct {
	mu     sync.Mutex
	values map[string]secret
}

type secret struct {
	value   []byte
	version int
}

// NewSecrets makes an empty store of secrets.
func NewSecrets() *Secrets { return &Secrets{values: map[string]secret{}} }

// Get reads a secret and its version. Errors: fault.NotFound.
func (s *Secrets) Get(_ context.Context, name string) (value []byte, version string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[name]
	if !ok {
		return nil, "", fault.New(fault.NotFound, "There is no secret of that name.")
	}
	return slices.Clone(v.value), strconv.Itoa(v.version), nil
}

// Put stores a secret if the stored one has ifVersion (empty: if there is none), and answers its new
// version. Errors: fault.Conflict.
func (s *Secrets) Put(_ context.Context, name string, value []byte, ifVersion string) (version string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.values[name]
	if (!ok && ifVersion != "") || (ok && ifVersion != strconv.Itoa(stored.version)) {
		return "", fault.New(fault.Conflict, "Somebody changed this secret at the same time.")
	}
	next := secret{value: slices.Clone(value), version: stored.version + 1}
	s.values[name] = next
	return strconv.Itoa(next.version), nil
}
