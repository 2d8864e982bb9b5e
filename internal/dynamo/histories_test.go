package dynamo_test

import (
	"flag"
	"testing"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/porttest"
)

var (
	histories = flag.Int("histories", 100, "how many histories are made")
	onlySeed  = flag.Uint64("seed", 0, "the one history to make, and the luck of trouble")
)

func TestEveryEntryIsARegister(t *testing.T) {
	t.Parallel()
	porttest.Histories{Runs: *histories, Seed: 1, Clients: 3, Steps: 5}.Only(*onlySeed).Run(t, dynamo.New(connect(t), table(t)))
}

// TestAnEntryWhoseAnswersAreLostIsARegister: every request is made twice; of a write whose answer was lost the store may say that another was faster, when
// another wrote in between (package dynamo, Guarantees).
func TestAnEntryWhoseAnswersAreLostIsARegister(t *testing.T) {
	t.Parallel()
	h := porttest.Histories{Runs: max(*histories/10, 20), Seed: 1, Clients: 4, Steps: 6, Mistaken: true}
	h.Only(*onlySeed).Run(t, dynamo.New(losing(t), table(t)))
}
