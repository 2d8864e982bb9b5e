// Package goldenfile compares what the code says with a file that a person has looked at: testdata/golden/NAME.txt beside the test.
// With UPDATE_GOLDEN set (`make golden`) it writes the file instead; the difference in version control is then to be read.
package goldenfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Check fails the test when the golden file of the name does not hold exactly got.
func Check(t *testing.T, name, got string) {
	t.Helper()
	CheckAt(t, filepath.Join("testdata", "golden", name+".txt"), got)
}

// CheckAt fails the test when a file that the code makes does not hold exactly got.
func CheckAt(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
