package posting_test

import (
	"context"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/posting"
)

// overtaken lets something happen after a worker has read a record, once.
type overtaken struct {
	posting.Store
	by func()
}

func (s *overtaken) Record(ctx context.Context, id string, ref passare.Ref) (intlog.Record, error) {
	r, err := s.Store.Record(ctx, id, ref)
	if by := s.by; by != nil {
		s.by = nil
		by()
	}
	return r, err
}

// TestAVersionThatChangesNothingStopsTheOlderOneThatIsOnItsWay: protocol.md, rows 10 and 11. The newer version takes back what the older one has not
// posted yet, so there is nothing to post for it; and the older one's worker has read the record before. (Found by package simulate.)
func TestAVersionThatChangesNothingStopsTheOlderOneThatIsOnItsWay(t *testing.T) {
	t.Parallel()
	for kind, last := range map[string]string{
		"payment.deleted": paid("10.00"), "goods_and_services.unsigned": `"signed_on":"2026-03-02"`,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			first, fields, id := "payment.created", paid("10.00"), "p1"
			if kind != "payment.deleted" {
				first, fields, id = "goods_and_services.signed", contract("2026-03-02", "10.00"), "g1"
			}
			v1 := h.send(event(first, id, 1, fields))
			var v2 string
			slow := posting.New(&overtaken{Store: h.store, by: func() {
				v2 = h.send(event(kind, id, 2, last))
				if err := h.worker.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{v2}}); err != nil {
					t.Error(err)
				}
			}}, h.client, h.matcher, h.clock.now)
			if err := slow.Handle(t.Context(), intlog.Work{Org: willow, Entries: []string{v1}}); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				h.later(intlog.Lease + intlog.RetryStepMax)
			}
			h.is(v1, intlog.Superseded)
			h.is(v2, intlog.Unchanged)
			h.has()
		})
	}
}
