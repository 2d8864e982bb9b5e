package local_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/org"
)

// trial is a test that may fail.
type trial struct {
	testing.TB
	ends   []func()
	errors []string
}

func (r *trial) Cleanup(end func()) { r.ends = append(r.ends, end) }

func (r *trial) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }

// TestWhateverARunningSystemLogsIsRead: the whole golden case through the real product, and then a line with each secret and name of it.
func TestWhateverARunningSystemLogsIsRead(t *testing.T) {
	t.Parallel()
	r := &trial{TB: t}
	s, watch := watched(t, r)
	if err := s.Demo(t.Context(), &strings.Builder{}, s.Golden.Expected); err != nil {
		t.Fatal(err)
	}
	if watch.Lines() < len(s.Golden.Events) {
		t.Errorf("%d lines for %d events: the system does not log into the watch", watch.Lines(), len(s.Golden.Events))
	}
	access := func() string {
		token, err := s.Keeper.Token(t.Context(), org.Company{Org: local.WillowCreek, Realm: local.WillowCreekRealm})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}()
	never := []string{access, "demo-secret", local.DemoWebhookSecret, "John Smith", "John", "Smith", "Mary", "Ana Diaz", "Diaz", "Oak Hill Cemetery", s.Golden.Company.Company}
	for _, told := range never {
		watch.Logger().Info("told " + told)
	}
	for _, end := range r.ends {
		end()
	}
	for _, told := range never {
		if !strings.Contains(strings.Join(r.errors, "\n"), "told "+told) {
			t.Errorf("a line with %q is not seen", told)
		}
	}
	for _, e := range r.errors {
		if !strings.Contains(e, "told ") {
			t.Error(e)
		}
	}
}

// TestTheTroublesOfARunningSystemTellNothing: what QuickBooks says in a fault is of persons; the log has its code.
func TestTheTroublesOfARunningSystemTellNothing(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, code := range []string{"6000", "5010", "6240"} {
		script(t, s, "journalentry", "status", 400, `{"Fault":{"Error":[{"Message":"Vera Quill-c1","Detail":"You and Vera Quill-c1 were working on this","code":"`+code+`","element":"Vera"}]}}`)
	}
	for i := range 3 {
		wait(t, s, local.WillowCreek, send(t, s, event(local.WillowCreek, "payment.created", fmt.Sprintf("p%d", i), 1, "c1", cash)), intlog.Failed)
	}
	script(t, s, "journalentry", "drop", 0, "")
	wait(t, s, local.WillowCreek, send(t, s, event(local.WillowCreek, "payment.created", "p9", 1, "c1", cash)), intlog.Claimed)
}
