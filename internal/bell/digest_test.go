package bell_test

import (
	"context"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/bell"
	"github.com/passare/qbo-sync/internal/intlog"
)

// proofs say what a test wants.
type proofs struct {
	notice intlog.Notice
	news   bool
	none   bool
}

func (p *proofs) Digest(context.Context, string) (intlog.Notice, bool, bool, error) {
	return p.notice, p.news, !p.none, nil
}

// TestTheNightlyProofIsOneNotice: that all agrees rings for nobody; what differs is unread until it is read, and again when something more differs.
func TestTheNightlyProofIsOneNotice(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := &proofs{notice: intlog.Notice{Key: "proof", Text: "All agrees: 214 entries, $182,330.10.", Who: "nobody", At: noon()}}
	h.bell.Digests(p)
	is := func(notices, unread int) bell.Board {
		t.Helper()
		b, err := h.bell.List(t.Context(), somebody("ana"))
		if err != nil || len(b.Notices) != notices || b.Unread != unread {
			t.Fatalf("%+v %v", b, err)
		}
		return b
	}
	if n := is(1, 0).Notices[0]; n.Kind != bell.Proof || n.Text != p.notice.Text || n.Where != "Reconciliation" {
		t.Errorf("%+v", n)
	}
	p.news, p.notice.Text, p.notice.Who = true, "1 difference, $400.00.", "bookkeeper"
	id := is(1, 1).Notices[0].ID
	if _, err := h.bell.Read(t.Context(), somebody("ana"), id); err != nil {
		t.Fatal(err)
	}
	is(1, 0)
	p.notice.At = h.now.Add(24 * time.Hour)
	if again := is(1, 1).Notices[0]; again.ID != id {
		t.Errorf("another id for the same cause: %s", again.ID)
	}
	p.none = true
	is(0, 0)
	p.none = false
	if err := h.Broken(t.Context(), "a", 0, noon()); err != nil {
		t.Fatal(err)
	}
	if b, err := h.bell.List(t.Context(), somebody("ana")); err != nil || b.Notices[0].Kind == bell.Proof || len(b.Notices) != 1 {
		t.Errorf("a dead connection says it itself: %+v %v", b, err)
	}
}
