package httpapi_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/passare/qbo-sync/internal/httpapi"
)

// described is what these tests read of the description.
type described struct {
	Paths map[string]map[string]operation
}

type operation struct {
	OperationID string `json:"operationId"`
	Summary     string
	Parameters  []struct{ Name, In, Description string }
	RequestBody *body
	Responses   map[string]body
	Security    *[]map[string][]string
}

type body struct {
	Description string
	Content     map[string]struct{ Example json.RawMessage }
}

func description(t *testing.T) (raw []byte, d described) {
	t.Helper()
	raw, err := httpapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return raw, d
}

// validator checks values against schemas of the description, formats included.
type validator struct {
	*testing.T
	compiler *jsonschema.Compiler
}

func newValidator(t *testing.T, raw []byte) validator {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("api.json", doc); err != nil {
		t.Fatal(err)
	}
	return validator{t, c}
}

// check validates the example of a body of a call.
func (v validator) check(at string, example json.RawMessage) {
	v.Helper()
	schema, err := v.compiler.Compile("api.json#" + at + "/schema")
	if err != nil {
		v.Errorf("%s: %v", at, err)
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(example))
	if err != nil {
		v.Errorf("%s has no example: %v", at, err)
		return
	}
	if err := schema.Validate(value); err != nil {
		v.Errorf("%s: its example does not fit its schema: %v", at, err)
	}
}

// pointer is a place in the description.
func pointer(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + strings.ReplaceAll(strings.ReplaceAll(p, "~", "~0"), "/", "~1"))
	}
	return strings.NewReplacer("{", "%7B", "}", "%7D").Replace(b.String())
}

func TestEveryBodyHasAnExampleThatFitsItsSchema(t *testing.T) {
	t.Parallel()
	raw, d := description(t)
	v := newValidator(t, raw)
	checked := 0
	for path, methods := range d.Paths {
		for method, op := range methods {
			if op.RequestBody != nil {
				for contentType, x := range op.RequestBody.Content {
					v.check(pointer("paths", path, method, "requestBody", "content", contentType), x.Example)
					checked++
				}
			}
			for status, r := range op.Responses {
				for contentType, x := range r.Content {
					v.check(pointer("paths", path, method, "responses", status, "content", contentType), x.Example)
					checked++
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("%d bodies were checked", checked)
	}
}

func TestAnExampleThatDoesNotFitIsFound(t *testing.T) {
	t.Parallel()
	raw, _ := description(t)
	for name, change := range map[string][2]string{
		"another type":       {`"unread": 1`, `"unread": "one"`},
		"a field too many":   {`"unread": 1`, `"unread": 1, "more_of_it": 2`},
		"a time that is not": {`"since": "2026-03-04T15:04:05Z"`, `"since": "yesterday"`},
	} {
		bad := bytes.ReplaceAll(raw, []byte(change[0]), []byte(change[1]))
		v := newValidator(t, bad)
		schema, err := v.compiler.Compile("api.json#" + pointer("paths", "/v1/notifications", "get", "responses", "200", "content", "application/json") + "/schema")
		if err != nil {
			t.Fatal(err)
		}
		var d described
		if err := json.Unmarshal(bad, &d); err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.Paths["/v1/notifications"]["get"].Responses["200"].Content["application/json"].Example))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(value) == nil {
			t.Errorf("%s is not found", name)
		}
	}
}

func TestEveryCallIsDescribedWhole(t *testing.T) {
	t.Parallel()
	_, d := description(t)
	ids := map[string]string{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			at := method + " " + path
			if other := ids[op.OperationID]; op.OperationID == "" || other != "" {
				t.Errorf("%s has the operationId %q, which %q has, too", at, op.OperationID, other)
			}
			ids[op.OperationID] = at
			if op.Summary == "" || op.Security == nil {
				t.Errorf("%s has the summary %q and the security %v", at, op.Summary, op.Security)
			}
			for _, p := range op.Parameters {
				if p.Description == "" {
					t.Errorf("%s: %s is not described", at, p.Name)
				}
			}
			for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
				if op.Responses[status].Description == "" || len(op.Responses[status].Content) == 0 {
					t.Errorf("%s: %s is not described", at, status)
				}
			}
		}
	}
}
