package archtest_test

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/passare/qbo-sync/"

// layer is a floor of the house. Imports point down only.
type layer int

const (
	vocabulary layer = iota
	useCase
	platform // what a platform says the same way to every adapter on it, such as the errors of AWS's SDK: a use case may not know it, and adapters may not share it sideways
	adapter
	product // what the functions start
	support
	function
)

// rooms says on which floor each package is. A package that is not here fails the test: it must be put
// somewhere before it is used.
func rooms() map[string]layer {
	rooms := map[string]layer{}
	for floor, names := range map[layer]string{
		vocabulary: "fault money date passare journal rules intlog org",
		useCase:    "intake review posting matching grant retrying lease pacing bell setup reconcile",
		platform:   "awsfault",
		adapter:    "config memory dynamo queue secret qbo webhook httpapi console telemetry",
		product:    "cloud",
		support:    "porttest qbosim golden goldenfile logwatch archtest local simulate bench",
	} {
		for _, name := range strings.Fields(names) {
			rooms["internal/"+name] = floor
		}
	}
	return rooms
}

type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func floor(t *testing.T, path string) layer {
	t.Helper()
	name := strings.TrimPrefix(path, module)
	if strings.HasPrefix(name, "functions/") {
		return function
	}
	l, ok := rooms()[name]
	if !ok {
		t.Fatalf("%s is on no floor: add it to rooms", name)
	}
	return l
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		from := floor(t, p.ImportPath)
		for _, path := range p.Imports {
			if !strings.HasPrefix(path, module) {
				continue
			}
			to := floor(t, path)
			name := strings.TrimPrefix(p.ImportPath, module) + " → " + strings.TrimPrefix(path, module)
			switch {
			case to > from:
				t.Errorf("%s: imports point from functions to adapters to their platform to use cases to vocabulary", name)
			case from == adapter && to == adapter:
				t.Errorf("%s: an adapter holds one technology; what two share belongs to a use case, or to their platform", name)
			}
		}
	}
}

func TestTestSupportIsNeverDeployed(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		from := floor(t, p.ImportPath)
		for _, path := range p.Imports {
			if strings.HasPrefix(path, module) && floor(t, path) == support && from != support && p.ImportPath != module+"functions/local" {
				t.Errorf("%s imports %s: the simulator and the suites are for tests and functions/local", p.ImportPath, path)
			}
		}
	}
}

// nextJSON is the standard library's encoding/json/jsontext as a module: Go 1.26 has it as an experiment only.
const nextJSON = "github.com/go-json-experiment/json/jsontext"

func TestTheVocabularyIsPure(t *testing.T) {
	t.Parallel()
	banned := map[string]string{
		"context":  "pure functions have nothing to cancel",
		"net/http": "the vocabulary knows no transport",
		"os":       "the vocabulary reads nothing from outside",
		"log":      "the vocabulary has nothing to tell a log; it returns values and faults",
		"log/slog": "the vocabulary has nothing to tell a log; it returns values and faults",
		"sync":     "values of the vocabulary are not shared",
	}
	for _, p := range list(t) {
		if floor(t, p.ImportPath) != vocabulary {
			continue
		}
		for _, path := range p.Imports {
			if reason, ok := banned[path]; ok {
				t.Errorf("%s imports %s: %s", p.ImportPath, path, reason)
			}
			if strings.Contains(strings.SplitN(path, "/", 2)[0], ".") && !strings.HasPrefix(path, module) && path != nextJSON {
				t.Errorf("%s imports %s: the vocabulary stands on the standard library alone", p.ImportPath, path)
			}
		}
	}
}

func TestUseCasesKnowNoTechnology(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		if floor(t, p.ImportPath) != useCase {
			continue
		}
		for _, path := range p.Imports {
			if path == "net/http" || strings.HasPrefix(path, "github.com/aws/") {
				t.Errorf("%s imports %s: a use case declares the interface that it needs; an adapter has the technology", p.ImportPath, path)
			}
		}
	}
}

func TestNoPackageWithoutAnIdea(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		parts := strings.Split(p.ImportPath, "/")
		if slices.Contains([]string{"util", "utils", "common", "types", "helpers", "models", "misc", "shared"}, parts[len(parts)-1]) {
			t.Errorf("%s: name a package after its idea", p.ImportPath)
		}
	}
}

func TestTestsAreBlackBox(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		if len(p.TestImports) > 0 {
			t.Errorf("%s has tests inside the package: test what it promises, from outside (package x_test)", p.ImportPath)
		}
	}
}

// longestMain is how many lines a function's main may have: it starts what package cloud makes, and nothing else.
const longestMain = 40

func TestAFunctionIsShort(t *testing.T) {
	t.Parallel()
	mains, err := filepath.Glob("../../functions/*/*.go")
	if err != nil || len(mains) < 7 {
		t.Fatalf("%d functions, %v", len(mains), err)
	}
	for _, path := range mains {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(raw), "\n"); lines > longestMain && !strings.Contains(path, "/local/") {
			t.Errorf("%s has %d lines", path, lines)
		}
	}
}
