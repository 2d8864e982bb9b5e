package review_test

import (
	"slices"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/review"
)

// A failed entry may be synced, too; Retry says it better.
func TestWhatIsOfferedIsWhatWouldBeDone(t *testing.T) {
	t.Parallel()
	for i, state := range intlog.States() {
		for _, posted := range []bool{false, true} {
			t.Run(string(state), func(t *testing.T) {
				t.Parallel()
				d := newDesk(t, org.Settings{})
				e := d.has(i+1, state, func(e *intlog.Entry) {
					if posted {
						e.Postings = []intlog.Posting{{N: 1, Doc: "1-1", Request: "r"}}
					}
				})
				offered := review.Possible(e)
				for _, action := range []review.Action{review.Sync, review.Retry, review.Delete, review.Restore} {
					deed := review.Deed{Action: action, Who: ben}
					if action == review.Delete {
						deed.Reason = "twice"
					}
					report, err := d.DoAll(t.Context(), e.Org, review.Many{Deed: deed, IDs: []string{e.ID()}, DryRun: true})
					if err != nil {
						t.Fatal(err)
					}
					would := report.Results[0].Outcome == review.Would
					if got := slices.Contains(offered, action); got != would && !(action == review.Sync && state == intlog.Failed) {
						t.Errorf("%s: offered %v, would be done %v (%s)", action, got, would, report.Results[0].Detail)
					}
				}
			})
		}
	}
}
