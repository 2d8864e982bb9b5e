package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// night is the beginning of each ten minutes of a whole day.
func night(day time.Time) []time.Time {
	var all []time.Time
	for at := day; at.Before(day.Add(24 * time.Hour)); at = at.Add(10 * time.Minute) {
		all = append(all, at)
	}
	return all
}

func TestEachOrganisationIsDueOnceANight(t *testing.T) {
	t.Parallel()
	var orgs []string
	for i := range 1800 {
		orgs = append(orgs, fmt.Sprintf("funeral-home-%d", i))
	}
	orgs = append(orgs, "", "ü", "willow-creek")
	day := time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC) // when summer time begins in the US, which the schedule does not know
	times, first := map[string]int{}, map[string]time.Time{}
	for _, at := range night(day) {
		due := reconcile.Due(orgs, at)
		inside := at.Hour() >= 9 && at.Hour() < 12
		if len(due) > 0 != inside {
			t.Errorf("%s: %d are due", at, len(due))
		}
		if inside && (len(due) < 60 || len(due) > 140) { // a hundred, were it perfectly even
			t.Errorf("%s: %d of %d are due", at, len(due), len(orgs))
		}
		for _, org := range due {
			times[org]++
			first[org] = at
		}
	}
	for _, org := range orgs {
		if times[org] != 1 {
			t.Errorf("%q is due %d times", org, times[org])
		}
	}
	// The same the next night, whoever else there is, in whichever zone the clock is, and however late in its slot the schedule calls.
	for _, org := range []string{"", "ü", "willow-creek", "funeral-home-7"} {
		at := first[org].AddDate(0, 0, 1).Add(10*time.Minute - time.Nanosecond).In(time.FixedZone("", -8*3600))
		if due := reconcile.Due([]string{org, org + "2"}, at); len(due) == 0 || due[0] != org {
			t.Errorf("%q is not due at %s", org, at)
		}
	}
}

func TestNobodyIsDueWhereNobodyIs(t *testing.T) {
	t.Parallel()
	if due := reconcile.Due(nil, time.Date(2026, 3, 8, 9, 0, 0, 0, time.UTC)); due != nil {
		t.Errorf("%v", due)
	}
}

func TestANightIsOfTheDayBefore(t *testing.T) {
	t.Parallel()
	pacific := time.FixedZone("PST", -8*3600)
	for at, want := range map[time.Time]date.Date{
		time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC):                     "2026-02-28", // the end of a month is proved in the next one
		time.Date(2026, 3, 1, 11, 59, 59, 999, time.UTC):                "2026-02-28",
		time.Date(2028, 3, 1, 9, 0, 0, 0, time.UTC):                     "2028-02-29",
		time.Date(2027, 1, 1, 9, 10, 0, 0, time.UTC):                    "2026-12-31",
		time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC):                    "2026-03-01", // asked for by day: as far as it has gone
		time.Date(2026, 2, 28, 23, 30, 0, 0, pacific):                   "2026-02-28", // late in the evening, in the westernmost of the mainland's zones
		time.Date(2026, 3, 1, 1, 0, 0, 0, pacific):                      "2026-02-28", // its first slot
		time.Date(2026, 3, 1, 3, 50, 0, 0, pacific):                     "2026-02-28", // its last one
		time.Date(2026, 3, 1, 6, 50, 0, 0, time.FixedZone("", -5*3600)): "2026-02-28", // the same in the east
	} {
		if got := reconcile.NightOf(at); got != want {
			t.Errorf("%s: %s", at, got)
		}
	}
}
