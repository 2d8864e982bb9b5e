package intlog_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/passare"
)

func TestTheMarkInANoteIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		k := intlog.Key{
			Org:     rapid.StringMatching(`[a-z0-9-]{1,20}`).Draw(rt, "org"),
			Record:  passare.Ref{Type: passare.RecordType(rapid.SampledFrom([]string{"payment", "goods_and_services"}).Draw(rt, "type")), ID: rapid.StringMatching(`[A-Za-z0-9_.:/ v-]{1,40}`).Draw(rt, "id")},
			Version: rapid.Int64Range(1, passare.MaxVersion).Draw(rt, "version"), Undo: rapid.IntRange(0, intlog.MaxUndos).Draw(rt, "undo"),
		}
		n := rapid.IntRange(1, 99).Draw(rt, "posting")
		got, m, found := intlog.ReadNoteMark("Some words.\n" + k.NoteMark(n) + " and more")
		if !found || got != k || m != n {
			rt.Fatalf("%v %d %t, not %v %d", got, m, found, k, n)
		}
	})
	for _, note := range []string{"", "nothing", "[passare ", "[passare a]", "[passare a payment/p v1]", "[passare a payment/p vx p1]", "[passare a payment/p v1 p]", "[passare a p1 v1]", "[passare a payment/p v1~0 p1]", "[passare a payment/p v0 p1]", "[passare a payment/p p1 v1]"} {
		if k, n, found := intlog.ReadNoteMark(note); found {
			t.Errorf("%q is %v %d", note, k, n)
		}
	}
}
