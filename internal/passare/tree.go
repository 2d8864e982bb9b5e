package passare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/passare/qbo-sync/internal/fault"
)

// MaxDepth is how deep objects and lists may be nested; the contract needs 6.
const MaxDepth = 16

// object is a JSON object whose keys were each seen once; fields keeps their order.
type object struct {
	fields map[string]any
	order  []string
}

// parseTree reads exactly one JSON value: object, []any, string, json.Number, bool or nil. It refuses
// bytes that are not UTF-8, repeated keys, nesting past MaxDepth, and anything after the value.
func parseTree(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, malformed("is not UTF-8")
	}
	if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
		return nil, malformed("begins with a byte order mark")
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) // halves of surrogates become U+FFFD
	v, err := parseValue(d, 0, "")
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, malformed("has something after its end")
	}
	return v, nil
}

func parseValue(d *jsontext.Decoder, depth int, path string) (any, error) {
	if depth > MaxDepth {
		return nil, malformed("is nested more than %d deep", MaxDepth)
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, notJSON(d)
	}
	switch t.Kind() {
	case '{':
		return parseObject(d, depth, path)
	case '[':
		return parseList(d, depth, path)
	case '"':
		return t.String(), nil
	case '0':
		return json.Number(t.String()), nil
	case 'n':
		return nil, nil
	}
	return t.Bool(), nil
}

func parseList(d *jsontext.Decoder, depth int, path string) (any, error) {
	list := []any{}
	for d.PeekKind() != ']' {
		v, err := parseValue(d, depth+1, fmt.Sprintf("%s[%d]", path, len(list)))
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(d)
	}
	return list, nil
}

func parseObject(d *jsontext.Decoder, depth int, path string) (any, error) {
	o := object{fields: map[string]any{}}
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return nil, notJSON(d)
		}
		key := t.String()
		at := join(path, key)
		if _, repeated := o.fields[key]; repeated {
			return nil, malformed("has %s twice", at)
		}
		v, err := parseValue(d, depth+1, at)
		if err != nil {
			return nil, err
		}
		o.fields[key] = v
		o.order = append(o.order, key)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(d)
	}
	return o, nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func notJSON(d *jsontext.Decoder) error {
	return malformed("is not JSON near byte %d", d.InputOffset())
}

// malformed is the error of a body that cannot be read as JSON at all.
func malformed(format string, args ...any) error {
	return &fault.Error{
		Code: fault.Invalid, Message: "The body " + fmt.Sprintf(format, args...) + ".",
		Fields: []fault.Field{{Field: "body", Problem: fmt.Sprintf(format, args...)}},
	}
}

// canonical is the value as JSON with sorted keys and no white space.
func canonical(v any) ([]byte, error) {
	return json.Marshal(plainJSON(v))
}

func plainJSON(v any) any {
	switch v := v.(type) {
	case object:
		m := make(map[string]any, len(v.fields))
		for k, x := range v.fields {
			m[k] = plainJSON(x)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = plainJSON(x)
		}
		return list
	}
	return v
}
