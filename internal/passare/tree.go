package passare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

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
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := parseValue(d, 0, "")
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, malformed("has something after its end")
	}
	return v, nil
}

func parseValue(d *json.Decoder, depth int, path string) (any, error) {
	if depth > MaxDepth {
		return nil, malformed("is nested more than %d deep", MaxDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, malformed("is not JSON near byte %d", d.InputOffset())
	}
	switch t {
	case json.Delim('{'):
		return parseObject(d, depth, path)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := parseValue(d, depth+1, fmt.Sprintf("%s[%d]", path, len(list)))
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		if err != nil {
			return nil, malformed("is not JSON near byte %d", d.InputOffset())
		}
		return list, nil
	}
	return t, nil
}

func parseObject(d *json.Decoder, depth int, path string) (any, error) {
	o := object{fields: map[string]any{}}
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return nil, malformed("is not JSON near byte %d", d.InputOffset())
		}
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
	if _, err := d.Token(); err != nil {
		return nil, malformed("is not JSON near byte %d", d.InputOffset())
	}
	return o, nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
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
