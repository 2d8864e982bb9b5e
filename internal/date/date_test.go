package date_test

import (
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/date"
)

func TestParseTakesOnlyDaysThatExist(t *testing.T) {
	t.Parallel()
	for s, ok := range map[string]bool{
		"2026-03-02": true, "2024-02-29": true, "1900-01-01": true, "2199-12-31": true,
		"2026-02-29": false, "2026-13-01": false, "2026-3-2": false, "03/02/2026": false, "2026-03-02T00:00:00Z": false,
		"1899-12-31": false, "2200-01-01": false, "": false, " 2026-03-02": false,
	} {
		if d, err := date.Parse(s); (err == nil) != ok || (ok && string(d) != s) || (!ok && d != "") {
			t.Errorf("%q is read as %q, %v", s, d, err)
		}
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ got, want any }{
		{date.Date("2026-02-28").AddDays(1), date.Date("2026-03-01")},
		{date.Date("2026-03-01").AddDays(-1), date.Date("2026-02-28")},
		{date.Date("").AddDays(1), date.Date("")},
		{date.Date("2026-03-02").Month(), "2026-03"},
		{date.Date("").Month(), ""},
		{date.Date("2026-03-02").Short(), "3/2/2026"},
		{date.Date("").Short(), ""},
		{date.Of(time.Date(2026, 3, 2, 23, 0, 0, 0, time.FixedZone("Pacific", -8*3600))), date.Date("2026-03-03")},
	} {
		if x.got != x.want {
			t.Errorf("%v, want %v", x.got, x.want)
		}
	}
}
