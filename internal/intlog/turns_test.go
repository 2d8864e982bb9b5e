package intlog_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/intlog"
)

func TestEachOrganisationHasItsTurn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		list       string
		most, each int
		want       string
	}{
		"nothing":                                {"", 9, 9, ""},
		"the first of each, then the second":     {"a1 a2 a3 b1 c1 b2", 9, 9, "a1 b1 c1 a2 b2 a3"},
		"no more of one than its share":          {"a1 a2 a3 b1 c1 b2", 9, 2, "a1 b1 c1 a2 b2"},
		"the last turn is cut":                   {"a1 a2 a3 b1 c1 b2", 4, 9, "a1 b1 c1 a2"},
		"the longest due when there is no room":  {"b1 a1 c1 b2", 2, 9, "b1 a1"},
		"one alone has all, within its share":    {"a1 a2 a3", 9, 2, "a1 a2"},
		"nothing, when there is no room for any": {"a1 b1", 0, 9, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := intlog.InTurns(strings.Fields(test.list), func(s string) string { return s[:1] }, test.most, test.each)
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
