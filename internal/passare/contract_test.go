package passare_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/passare"
)

// page is events.md as the tests read it.
type page struct {
	text   string
	verbs  map[passare.RecordType][]passare.Verb
	fields map[passare.RecordType][]string // paths such as items[].amount
}

var (
	code    = regexp.MustCompile("`([^`]+)`")
	limit   = regexp.MustCompile(`(?m)^\| ([^|]+) \| (\d+) \|$`)
	example = regexp.MustCompile("(?s)```json\n(.*?)```")
)

func readPage(t *testing.T) page {
	t.Helper()
	raw, err := os.ReadFile("events.md")
	if err != nil {
		t.Fatal(err)
	}
	p := page{text: string(raw), verbs: map[passare.RecordType][]passare.Verb{}, fields: map[passare.RecordType][]string{}}
	var kind passare.RecordType
	for line := range strings.Lines(p.text) {
		words := code.FindAllStringSubmatch(line, -1)
		switch {
		case strings.HasPrefix(line, "### "):
			kind = passare.RecordType(words[0][1])
		case strings.HasPrefix(line, "## "):
			kind = ""
		case kind != "" && strings.HasPrefix(line, "Verbs: "):
			for _, w := range words {
				p.verbs[kind] = append(p.verbs[kind], passare.Verb(w[1]))
			}
		case kind != "" && strings.HasPrefix(line, "| `"):
			p.fields[kind] = append(p.fields[kind], words[0][1])
		}
	}
	return p
}

func TestThePageListsEveryRecordTypeAndVerb(t *testing.T) {
	t.Parallel()
	want := map[passare.RecordType][]passare.Verb{}
	for _, kind := range passare.RecordTypes() {
		want[kind] = kind.Verbs()
	}
	if diff := cmp.Diff(want, readPage(t).verbs); diff != "" {
		t.Errorf("decoder (-) and events.md (+) differ:\n%s", diff)
	}
}

func TestThePageStatesTheLimits(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"events in a batch": fmt.Sprint(passare.MaxBatch), "entries in one list (items, members, lines …)": fmt.Sprint(passare.MaxList),
		"characters of a description, reason or memo": fmt.Sprint(passare.MaxText), "characters of a name": fmt.Sprint(passare.MaxName),
		"characters of an id": fmt.Sprint(passare.MaxID), "nesting of objects and lists": fmt.Sprint(passare.MaxDepth),
		"bytes in a delivery": fmt.Sprint(passare.MaxDelivery), "largest version": fmt.Sprint(passare.MaxVersion),
	}
	got := map[string]string{}
	for _, row := range limit.FindAllStringSubmatch(readPage(t).text, -1) {
		if strings.TrimLeft(row[1], "0123456789") != "" {
			got[row[1]] = row[2]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("code (-) and events.md (+) differ:\n%s", diff)
	}
}

func TestThePagesExampleIsAnEvent(t *testing.T) {
	t.Parallel()
	found := example.FindAllStringSubmatch(readPage(t).text, -1)
	if len(found) == 0 {
		t.Fatal("events.md has no example")
	}
	for _, x := range found {
		if _, err := passare.Decode([]byte(x[1])); err != nil {
			t.Error(err)
		}
	}
}

// TestThePageListsTheFieldsThatAreRead: what the page lists is read by some verb and method of the type,
// and what any of them misses in objects without content is listed.
func TestThePageListsTheFieldsThatAreRead(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	for _, kind := range passare.RecordTypes() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			unread := slices.Clone(p.fields[kind])
			for _, verb := range kind.Verbs() {
				for _, method := range []string{"check", "credit_card"} {
					data := hollow(p.fields[kind])
					if kind == passare.Payment {
						data["method"] = method
					}
					problems := problemsOf(t, kind, verb, data)
					unread = slices.DeleteFunc(unread, func(path string) bool {
						return !slices.ContainsFunc(problems, func(f fault.Field) bool {
							return f.Field == at(path) && f.Problem == "is not a field of this event"
						})
					})
					for _, f := range problems {
						path, _ := strings.CutPrefix(strings.ReplaceAll(f.Field, "[0]", "[]"), "data.")
						if f.Problem == "is missing" && !listed(p.fields[kind], path) {
							t.Errorf("%s.%s reads %s, which events.md does not list", kind, verb, path)
						}
					}
				}
			}
			if len(unread) > 0 {
				t.Errorf("events.md lists what no event of the type has: %v", unread)
			}
		})
	}
}

// listed: on the page, or inside of one of the objects that it describes once for all.
func listed(paths []string, path string) bool {
	top, _, _ := strings.Cut(path, ".")
	return slices.Contains([]string{"actor", "branch", "case"}, top) || slices.Contains(paths, path) || slices.Contains(paths, path+"[]")
}

// at is where a listed field's problem would be.
func at(path string) string {
	return "data." + strings.ReplaceAll(strings.TrimSuffix(path, "[]"), "[]", "[0]")
}

// hollow makes data that has every listed field: lists with one object, and everything without content.
func hollow(paths []string) map[string]any {
	data := map[string]any{}
	for _, path := range paths {
		into := data
		parts := strings.Split(path, ".")
		for i, part := range parts {
			key, isList := strings.CutSuffix(part, "[]")
			if i == len(parts)-1 && !isList {
				if into[key] == nil && !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, path+".") }) {
					into[key] = false
				} else if into[key] == nil {
					into[key] = map[string]any{}
				}
				continue
			}
			if into[key] == nil {
				into[key] = []any{map[string]any{}}
			}
			if list, ok := into[key].([]any); ok {
				into = list[0].(map[string]any)
			} else {
				into = into[key].(map[string]any)
			}
		}
	}
	return data
}

func problemsOf(t *testing.T, kind passare.RecordType, verb passare.Verb, data map[string]any) []fault.Field {
	t.Helper()
	data["record"] = map[string]any{"type": kind, "id": "r1", "version": 1}
	raw, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": "e1", "source": "/organizations/o1", "type": passare.TypePrefix + string(kind) + "." + string(verb),
		"time": "2026-03-02T15:04:05Z", "data": data,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = passare.Decode(raw)
	return fault.As(err).Fields
}
