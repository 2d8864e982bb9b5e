package posting_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
)

func TestThePageStatesTheConstantsAndTheStates(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(text)), " ")
	seconds := func(format string, d time.Duration) string { return fmt.Sprintf(format, int(d.Seconds())) }
	want := []string{
		seconds("timeout T %d s", intlog.WorkerTimeout), seconds("own deadline %d s", intlog.WorkerDeadline), seconds("send within S %d s", intlog.SendWithin),
		seconds("client C %d s", intlog.RequestTimeout), seconds("Lease L %d s", intlog.Lease), seconds("cut %d +", intlog.QuickBooksCut), seconds("query lag %d +", intlog.QueryLag),
		seconds("first `dueAt` %d s", intlog.FirstDue), seconds("Visibility %d s", intlog.Visibility), seconds("Pause %d s", intlog.ThrottlePause), seconds("Refresh lease %d s", intlog.RefreshLease), seconds("Lease of names %d s", intlog.NamesLease),
		fmt.Sprintf("Retry step %d to %d min", int(intlog.RetryStepMin.Minutes()), int(intlog.RetryStepMax.Minutes())),
		fmt.Sprintf("at most %d.", intlog.MaxPostings), fmt.Sprintf("send ≤ %d entries", intlog.MaxWork),
	}
	for _, s := range intlog.States() {
		want = append(want, "`"+string(s)+"`")
	}
	for _, w := range want {
		if !strings.Contains(page, w) {
			t.Errorf("protocol.md does not say %q", w)
		}
	}
}
