package qbosim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listedFault is a fault as quickbooks.md and the simulator list it; without an element its element is absent.
type listedFault struct {
	Code, Variant   string
	Status          int
	Message, Detail string
	Element         *string
}

func readPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("quickbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// pageFaults are the rows of the table of faults.
func pageFaults(t *testing.T) []listedFault {
	t.Helper()
	var faults []listedFault
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|(.*?)\| (\d{3}) \| (.*?) \| (.*?) \| ([^|]+?) \| [^|]+ \|$`).FindAllStringSubmatch(readPage(t), -1) {
		status, err := strconv.Atoi(row[3])
		if err != nil {
			t.Fatal(err)
		}
		f := listedFault{Code: row[1], Variant: strings.TrimSpace(row[2]), Status: status, Message: row[4], Detail: strings.ReplaceAll(strings.Trim(row[5], "`"), `\n`, "\n")}
		if row[5] == "null" {
			f.Detail = ""
		}
		if element := row[6]; element != "absent" {
			if element == "empty" {
				element = ""
			}
			f.Element = &element
		}
		faults = append(faults, f)
	}
	return faults
}

// TestThePageListsEveryFault: the table of quickbooks.md is what the simulator can be made to answer, word for word; a Detail that ends with … is cut.
func TestThePageListsEveryFault(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	res, err := http.Get(b.url + "/_sim/faults")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var simulated struct{ Catalogue []listedFault }
	if err := json.Unmarshal(raw, &simulated); err != nil {
		t.Fatal(err)
	}
	page := pageFaults(t)
	for i := range min(len(page), len(simulated.Catalogue)) {
		if cut, ok := strings.CutSuffix(page[i].Detail, "…"); ok && strings.HasPrefix(simulated.Catalogue[i].Detail, cut) {
			page[i].Detail = simulated.Catalogue[i].Detail
		}
	}
	if diff := cmp.Diff(simulated.Catalogue, page); diff != "" {
		t.Errorf("simulator (-) and quickbooks.md (+) differ:\n%s", diff)
	}
}

// TestTheCataloguesTestCoversThePage: each row of the table is provoked by TestEveryFaultOfTheCatalogueCanBeScripted.
func TestTheCataloguesTestCoversThePage(t *testing.T) {
	t.Parallel()
	var page, provoked []string
	for _, f := range pageFaults(t) {
		page = append(page, f.Code+" "+f.Variant)
	}
	for _, x := range samples(t) {
		provoked = append(provoked, x.code+" "+x.variant)
	}
	if diff := cmp.Diff(page, provoked); diff != "" || len(page) == 0 {
		t.Errorf("quickbooks.md (-) and the test of the catalogue (+) differ:\n%s", diff)
	}
}

// TestThePageListsEveryCode: the codes in the simulator's sources are those of quickbooks.md.
func TestThePageListsEveryCode(t *testing.T) {
	t.Parallel()
	var listed, answered []string
	for _, f := range pageFaults(t) {
		listed = append(listed, f.Code)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range sources {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`"(\d{3,5})"(?:, |}|\n)`).FindAllStringSubmatch(string(text), -1) {
			answered = append(answered, found[1])
		}
	}
	slices.Sort(listed)
	slices.Sort(answered)
	if diff := cmp.Diff(slices.Compact(answered), slices.Compact(listed)); diff != "" {
		t.Errorf("simulator (-) and quickbooks.md (+) differ:\n%s", diff)
	}
}

// TestThePageListsEverySwitch: the company's switches and the kinds of scripted faults are in quickbooks.md.
func TestThePageListsEverySwitch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	page := readPage(t)
	for path, key := range map[string]string{"/_sim/realms/" + realm: "", "/_sim/faults": "kinds"} {
		res, err := http.Get(b.url + path)
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]json.RawMessage
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		names := []string{}
		if key == "" {
			for name := range answer {
				names = append(names, name)
			}
		} else if err := json.Unmarshal(answer[key], &names); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if name != "name" && !strings.Contains(page, "`"+name+"`") {
				t.Errorf("%s of %s is not in quickbooks.md", name, path)
			}
		}
	}
}
