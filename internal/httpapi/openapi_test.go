package httpapi_test

import (
	"testing"

	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/httpapi"
)

// TestGoldenDescription: what is served and committed is what the code says.
func TestGoldenDescription(t *testing.T) {
	t.Parallel()
	raw, err := httpapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	goldenfile.CheckAt(t, "openapi.json", string(raw))
}
