package grant_test

import (
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/org"
)

func TestAConnectionInOneSentenceForEverybody(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)
	connected := org.Connection{Org: "a", Realm: "4620816365000000001", Company: "Willow Creek", By: "Ana Diaz", At: at}
	ended := connected
	ended.EndedAt, ended.EndedBy = at, "Ana Diaz"
	for says, c := range map[string]struct {
		connection    org.Connection
		broken, pause time.Time
	}{
		"QuickBooks is not connected yet.":                      {},
		"QuickBooks is connected to Willow Creek.":              {connection: connected, pause: at},
		"QuickBooks is connected, and has asked for a pause":    {connection: connected, pause: at.Add(time.Second)},
		"QuickBooks has refused the connection since 3/4/2026.": {connection: connected, broken: at},
		"QuickBooks was disconnected on 3/4/2026.":              {connection: ended, broken: at},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			s := memory.NewStore()
			if _, err := s.PutConfig(t.Context(), org.Config{Org: "a", Realm: c.connection.Realm}, 0); err != nil {
				t.Fatal(err)
			}
			if c.connection.Realm != "" {
				if _, err := s.PutConnection(t.Context(), c.connection, 0); err != nil {
					t.Fatal(err)
				}
			}
			if !c.broken.IsZero() {
				if err := s.Broken(t.Context(), "a", 0, c.broken); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Pause(t.Context(), "a", c.pause); err != nil {
				t.Fatal(err)
			}
			view, err := grant.NewViewer(s, func() time.Time { return at }).View(t.Context(), "a")
			got := view.Sentence(at)
			if err != nil || !strings.HasPrefix(got, says) || strings.Contains(got, "Ana") || strings.Contains(got, "4620816365000000001") {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	view, err := grant.NewViewer(memory.NewStore(), func() time.Time { return at }).View(t.Context(), "nobody")
	if err != nil || view.State != grant.Never {
		t.Errorf("an organisation that is not known: %+v %v", view, err)
	}
}
