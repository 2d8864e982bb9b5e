package memory_test

import (
	"testing"

	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/porttest"
)

func TestTheStoreIsAStore(t *testing.T) {
	t.Parallel()
	porttest.Store(t, func(*testing.T) porttest.StorePort { return memory.NewStore() })
}

func TestTheQueueIsAQueue(t *testing.T) {
	t.Parallel()
	porttest.Queue(t, func(*testing.T) porttest.QueuePort { return memory.NewQueue() })
}

func TestTheSecretsAreSecrets(t *testing.T) {
	t.Parallel()
	porttest.Secrets(t, func(*testing.T) grant.Secrets { return memory.NewSecrets() })
}

func TestTheLeasesAreLeases(t *testing.T) {
	t.Parallel()
	porttest.Leases(t, func(*testing.T) lease.Store { return memory.NewLeases() })
}
