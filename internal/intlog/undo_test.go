package intlog_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/passare"
)

func TestAnIDNamesOneEntry(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		k := intlog.Key{
			Org: "a", Record: passare.Ref{Type: passare.Payment, ID: rapid.StringMatching(`[a-z0-9.~]{1,12}`).Draw(rt, "id")},
			Version: rapid.Int64Range(1, passare.MaxVersion).Draw(rt, "version"), Undo: rapid.IntRange(0, intlog.MaxUndos).Draw(rt, "undo"),
		}
		if got, err := intlog.ParseKey("a", k.ID()); err != nil || got != k {
			rt.Fatalf("%s: %+v, %v", k.ID(), got, err)
		}
	})
	for _, id := range []string{"payment.p1.3~", "payment.p1.3~0", "payment.p1.3~01", "payment.p1.3~+1", "payment.p1.3~1000", "payment.p1.3~1~1", "payment.p1.~1", "payment.p1.3~-1"} {
		if _, err := intlog.ParseKey("a", id); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestTheLifeOfARecord(t *testing.T) {
	t.Parallel()
	type at struct {
		version int64
		undo    int
		state   intlog.State
	}
	v := func(n int64) at { return at{n, 0, intlog.Synced} }
	undo := func(n int64, u int) at { return at{n, u, intlog.Synced} }
	for name, c := range map[string]struct {
		life []at
		want string // the versions that are in force
	}{
		"without an undo, every version counts":                         {[]at{v(1), v(2)}, "1 2"},
		"an undo takes out every version up to its own":                 {[]at{v(1), v(2), undo(2, 1)}, ""},
		"an undo that is on its way does already":                       {[]at{v(1), {1, 1, intlog.Queued}}, ""},
		"a later version begins anew":                                   {[]at{v(1), v(2), undo(2, 1), v(3)}, "3"},
		"a version from before that comes late stays out":               {[]at{v(1), v(2), undo(2, 1)}, ""},
		"the undo of an undo brings back what that one took out":        {[]at{v(1), v(2), undo(2, 1), undo(2, 2)}, "1 2"},
		"and no more than that":                                         {[]at{v(1), undo(1, 1), v(2), undo(2, 1), undo(2, 2)}, "2"},
		"and so on":                                                     {[]at{v(1), undo(1, 1), undo(1, 2), undo(1, 3)}, ""},
		"one that a person has deleted does not count":                  {[]at{v(1), {1, 1, intlog.Deleted}}, "1"},
		"nor one that would have brought it back":                       {[]at{v(1), undo(1, 1), {1, 2, intlog.Deleted}}, ""},
		"after a deleted one, the next takes it out":                    {[]at{v(1), {1, 1, intlog.Deleted}, undo(1, 3)}, ""},
		"two that take out in a row are taken back by one":              {[]at{v(1), undo(1, 1), undo(1, 3), undo(1, 4)}, "1"},
		"one that a newer version has carried counts":                   {[]at{v(1), {1, 1, intlog.Superseded}, v(2)}, "2"},
		"a deleted version does not count":                              {[]at{v(1), {2, 0, intlog.Deleted}, undo(2, 1), v(3)}, "3"},
		"an undo of an undo that is not there brings back nothing more": {[]at{v(1), undo(1, 1), v(2), undo(2, 2)}, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r intlog.Record
			for _, x := range c.life {
				r.Entries = append(r.Entries, intlog.Entry{Key: intlog.Key{Org: "a", Version: x.version, Undo: x.undo}, State: x.state})
			}
			if !slices.IsSortedFunc(r.Entries, func(a, b intlog.Entry) int { return a.Key.Compare(b.Key) }) {
				t.Fatal("not in the order of their keys")
			}
			life := r.Life(r.Entries[len(r.Entries)-1].Key)
			got := ""
			for _, e := range life.Versions[life.Undone:] {
				got += " " + strconv.FormatInt(e.Version, 10)
			}
			if diff := cmp.Diff(c.want, trimmed(got)); diff != "" || life.Gone() != (c.want == "") {
				t.Errorf("gone %t (-want +got):\n%s", life.Gone(), diff)
			}
		})
	}
}

func trimmed(s string) string {
	if s == "" {
		return s
	}
	return s[1:]
}
