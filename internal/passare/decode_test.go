package passare_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/passare/qbo-sync/internal/passare"
)

func TestDecodeReadsEveryGoldenEvent(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../golden/events.json")
	if err != nil {
		t.Fatal(err)
	}
	var events []json.RawMessage
	if err := json.Unmarshal(raw, &events); err != nil {
		t.Fatal(err)
	}
	for _, raw := range events {
		if _, err := passare.Decode(raw); err != nil {
			t.Errorf("%v", err)
		}
	}
}
