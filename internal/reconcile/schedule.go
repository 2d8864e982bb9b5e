package reconcile

import (
	"hash/fnv"
	"time"

	"github.com/passare/qbo-sync/internal/date"
)

// The night is spread over slots, so that neither QuickBooks nor the table gets every organisation at once: 18 of ten minutes from 09:00 UTC, which is after
// midnight and before work everywhere in the mainland US. The schedule of the function reconcile calls at the beginning of each.
const (
	firstSlot = 9 * time.Hour // after midnight UTC
	eachSlot  = 10 * time.Minute
	slots     = 18
)

// afterDay is how long after midnight UTC a day's business is over, and its books are looked at as those of a day that has ended.
const afterDay = 12 * time.Hour

// Due are those of the organisations whose slot is at a time; none outside the night. An organisation keeps its slot, whatever others there are.
func Due(orgs []string, at time.Time) []string {
	at = at.UTC()
	now := int(at.Sub(at.Truncate(24*time.Hour))-firstSlot) / int(eachSlot)
	if at.Sub(at.Truncate(24*time.Hour)) < firstSlot || now >= slots {
		return nil
	}
	var due []string
	for _, org := range orgs {
		h := fnv.New32a()
		_, _ = h.Write([]byte(org))
		if int(h.Sum32()%slots) == now {
			due = append(due, org)
		}
	}
	return due
}

// NightOf is the day whose books a proof at a time proves: the one before, until noon UTC, when nobody in the mainland US is at work on it any more; a proof
// that is asked for later is of the day itself, as far as it has gone.
func NightOf(t time.Time) date.Date { return date.Of(t.Add(-afterDay)) }
