package memory_test

import (
	"flag"
	"testing"

	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/pacing"
	"github.com/passare/qbo-sync/internal/porttest"
	"github.com/passare/qbo-sync/internal/reconcile"
)

func TestTheStoreIsAStore(t *testing.T) {
	t.Parallel()
	porttest.Store(t, func(*testing.T) porttest.StorePort { return memory.NewStore() })
}

var onlySeed = flag.Uint64("seed", 0, "the one history to make")

func TestEveryEntryIsARegister(t *testing.T) {
	t.Parallel()
	porttest.Histories{Runs: 1000, Seed: 1, Clients: 5, Steps: 12}.Only(*onlySeed).Run(t, memory.NewStore())
}

func TestTheQueueIsAQueue(t *testing.T) {
	t.Parallel()
	porttest.Queue(t, func(*testing.T) porttest.QueuePort { return memory.NewQueue() })
}

func TestTheQueueHasDeadLetters(t *testing.T) {
	t.Parallel()
	porttest.DeadLetters(t, func(*testing.T) porttest.DeadLettersPort { return memory.NewQueue() })
}

func TestTheSecretsAreSecrets(t *testing.T) {
	t.Parallel()
	porttest.Secrets(t, func(*testing.T) grant.Secrets { return memory.NewSecrets() })
}

func TestTheLeasesAreLeases(t *testing.T) {
	t.Parallel()
	porttest.Leases(t, func(*testing.T) lease.Store { return memory.NewLeases() })
}

func TestTheReservationsAreReservations(t *testing.T) {
	t.Parallel()
	porttest.Reservations(t, func(*testing.T) pacing.Store { return memory.NewReservations() })
}

func TestWhatIsAPersonsOwnIsKept(t *testing.T) {
	t.Parallel()
	porttest.People(t, func(*testing.T) porttest.PeoplePort { return memory.NewStore() })
}

func TestThePapersArePapers(t *testing.T) {
	t.Parallel()
	porttest.Papers(t, func(*testing.T) reconcile.Papers { return memory.NewStore() })
}
