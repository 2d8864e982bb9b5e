package money_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/money"
)

func TestParseAndFormatAreInverse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := money.Cents(rapid.Int64Range(-int64(money.Max), int64(money.Max)).Draw(rt, "cents"))
		if got, err := money.Parse(c.String()); err != nil || got != c {
			rt.Fatalf("%d is %q is %d: %v", c, c, got, err)
		}
		var back money.Cents
		if raw, err := json.Marshal(c); err != nil || json.Unmarshal(raw, &back) != nil || back != c || raw[0] != '"' {
			rt.Fatalf("%d is %s is %d", c, raw, back)
		}
		if strings.ReplaceAll(c.Grouped(), ",", "") != c.String() {
			rt.Fatalf("%s for people is %s", c, c.Grouped())
		}
	})
}

func TestParseTakesOnlyWhatFormatWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[-+]?[0-9,. ]{0,12}`), rapid.StringMatching(`-?0*[0-9]{1,10}\.[0-9]{1,3}`)).Draw(rt, "text")
		if c, err := money.Parse(s); err == nil && c.String() != s {
			rt.Fatalf("%q was taken as %s", s, c)
		}
	})
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for c, want := range map[money.Cents]string{0: "0.00", 5: "0.05", -5: "-0.05", 99999: "999.99", 100000: "1,000.00", -123456789: "-1,234,567.89", -1 << 63: "-92,233,720,368,547,758.08"} {
		if got := c.Grouped(); got != want {
			t.Errorf("%d: %s, want %s", int64(c), got, want)
		}
	}
}
