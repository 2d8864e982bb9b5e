package rules_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/golden"
	"github.com/passare/qbo-sync/internal/org"
)

// section is the part of accounting.md under "## n. …".
func section(t *testing.T, n string) string {
	t.Helper()
	text, err := os.ReadFile("accounting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "\n## "+n+". ")
	if !found {
		t.Fatalf("accounting.md has no section %s", n)
	}
	part, _, _ := strings.Cut(after, "\n## ")
	return part
}

func TestThePageNamesEveryRole(t *testing.T) {
	t.Parallel()
	var named []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)").FindAllStringSubmatch(section(t, "2"), -1) {
		named = append(named, row[1])
	}
	var roles []string
	for _, r := range org.Roles() {
		roles = append(roles, string(r))
	}
	roles = append(roles, "bank")
	slices.Sort(roles)
	slices.Sort(named)
	if diff := cmp.Diff(roles, named); diff != "" {
		t.Errorf("org (-) and accounting.md §2 (+) differ:\n%s", diff)
	}
}

func TestThePagesGoldenCaseIsTheOneThatIsTested(t *testing.T) {
	t.Parallel()
	c, err := golden.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	var receivable []string
	for _, row := range regexp.MustCompile(`(?m)^\| \d+ \|.*\| ([\d,.]+) \|$`).FindAllStringSubmatch(section(t, "9"), -1) {
		receivable = append(receivable, strings.ReplaceAll(row[1], ",", ""))
	}
	if diff := cmp.Diff(c.Expected.Receivable, receivable); diff != "" {
		t.Errorf("expected.json (-) and accounting.md §9 (+) differ:\n%s", diff)
	}
	if end := c.Expected.Balances["Cash Advances Payable"]; !strings.Contains(section(t, "9"), strings.Replace(end, "-", "−", 1)) {
		t.Errorf("accounting.md §9 does not end with cash advances of %s", end)
	}
}
