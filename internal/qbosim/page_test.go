package qbosim_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestThePageListsEveryFaultCode: the codes that the simulator's sources answer with are those of quickbooks.md.
func TestThePageListsEveryFaultCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("quickbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([\d, ]+) \| \d{3} \|`).FindAllStringSubmatch(string(page), -1) {
		listed = append(listed, strings.Split(row[1], ", ")...)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var answered []string
	for _, file := range sources {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`"(\d{3,5})"(?:, |})`).FindAllStringSubmatch(string(text), -1) {
			answered = append(answered, found[1])
		}
	}
	slices.Sort(listed)
	slices.Sort(answered)
	if diff := cmp.Diff(slices.Compact(answered), slices.Compact(listed)); diff != "" {
		t.Errorf("simulator (-) and quickbooks.md (+) differ:\n%s", diff)
	}
}
