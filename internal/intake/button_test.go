package intake_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

func (h *house) takes(t *testing.T, body string) string {
	t.Helper()
	r := h.intake.Accept(t.Context(), []byte(body))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r.Entry
}

func (h *house) states(t *testing.T) map[string]intlog.State {
	t.Helper()
	entries, err := h.store.List(t.Context(), willow, "all", intlog.Mark{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]intlog.State{}
	for _, e := range entries {
		states[e.ID()] = e.State
	}
	return states
}

func TestTheButtonReleasesWhatWaitedInVersionOrderAndOpensThePage(t *testing.T) {
	t.Parallel()
	h := newHouse(t, org.Settings{AutoSync: true})
	h.takes(t, payment(2, "2.00"))
	h.takes(t, payment(1, "1.00"))
	clicked, err := h.intake.AddToExports(t.Context(), willow, "c1", passare.PaymentsPage, "Ben")
	if err != nil || clicked.Released != 2 || clicked.Flag.By != "Ben" || !clicked.Flag.At.Equal(now()) {
		t.Fatalf("%+v %v", clicked, err)
	}
	for _, want := range []string{"payment.p1.1", "payment.p1.2"} {
		work, done, ok := h.queue.TryReceive()
		if !ok || work.Entries[0] != want {
			t.Fatalf("%v goes where %s should", work.Entries, want)
		}
		done()
	}
	h.takes(t, payment(3, "3.00"))
	if diff := cmp.Diff(map[string]intlog.State{"payment.p1.1": intlog.Queued, "payment.p1.2": intlog.Queued, "payment.p1.3": intlog.Queued}, h.states(t)); diff != "" {
		t.Error(diff)
	}
}

func TestASecondClickChangesNothingAndAnswersTheFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t, org.Settings{AutoSync: true})
	for _, who := range []string{"Ben", "Ana"} {
		clicked, err := h.intake.AddToExports(t.Context(), willow, "c1", passare.GoodsPage, who)
		if err != nil || clicked.Released != 0 || clicked.Flag.By != "Ben" || !clicked.Flag.At.Equal(now()) {
			t.Errorf("%+v %v", clicked, err)
		}
		h.clock = h.clock.Add(time.Hour)
	}
}

func TestTheButtonIsThereOnlyWhileTheSwitchIsOffAndOnItsTwoPages(t *testing.T) {
	t.Parallel()
	if _, err := newHouse(t, automatic()).intake.AddToExports(t.Context(), willow, "c1", passare.GoodsPage, "Ben"); !fault.Is(err, fault.Conflict) {
		t.Errorf("with the switch on: %v", err)
	}
	if _, err := newHouse(t, org.Settings{}).intake.AddToExports(t.Context(), willow, "c1", "checks", "Ben"); !fault.Is(err, fault.Invalid) {
		t.Errorf("on another page: %v", err)
	}
	if _, err := newHouse(t, org.Settings{}).intake.AddToExports(t.Context(), "other", "c1", passare.GoodsPage, "Ben"); !fault.Is(err, fault.NotFound) {
		t.Errorf("of an organisation that is not known: %v", err)
	}
}

func TestWhatAnEventWouldBecomeIsSaidAndNothingIsStored(t *testing.T) {
	t.Parallel()
	for settings, want := range map[org.Settings]intlog.State{automatic(): intlog.Queued, {AutoAddToExports: true}: intlog.Pending, {}: intlog.Held} {
		h := newHouse(t, settings)
		e, err := h.intake.Foresee(t.Context(), willow, []byte(payment(1, "1.00")))
		if err != nil || e.State != want || e.Amount != 100 {
			t.Errorf("%s %s %v", e.State, e.Amount, err)
		}
		if n := len(h.states(t)); n > 0 {
			t.Errorf("%d entries are stored", n)
		}
		if _, _, sent := h.queue.TryReceive(); sent {
			t.Error("something is sent")
		}
	}
}

func TestWhatCameBeforeIsForeseenAsItIsStored(t *testing.T) {
	t.Parallel()
	h := newHouse(t, automatic())
	h.takes(t, payment(1, "1.00"))
	h.clock = h.clock.Add(time.Hour)
	if e, err := h.intake.Foresee(t.Context(), willow, []byte(payment(1, "1.00"))); err != nil || !e.Created.Equal(now()) {
		t.Errorf("%s %v", e.Created, err)
	}
	if _, err := h.intake.Foresee(t.Context(), willow, []byte(payment(1, "2.00"))); !fault.Is(err, fault.Conflict) {
		t.Errorf("other data: %v", err)
	}
	if _, err := h.intake.Foresee(t.Context(), "maple-hill", []byte(payment(1, "1.00"))); !fault.Is(err, fault.Invalid) {
		t.Errorf("another organisation's event: %v", err)
	}
	if kept, _ := h.store.Quarantined(t.Context(), willow); len(kept) > 0 {
		t.Error("something is in quarantine")
	}
}
