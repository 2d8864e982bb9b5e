package qbosim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ordered is a JSON object whose keys keep their order, as QuickBooks' do. Values are ordered, []any, string,
// json.Number, json.RawMessage, bool, int, or nil for null.
type ordered []field

type field struct {
	key   string
	value any
}

// MarshalJSON writes the fields in order and leaves nil ones out.
func (o ordered) MarshalJSON() ([]byte, error) { return plain(o) }

// plain is JSON without the escapes that Go adds for HTML.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	err := writePlain(&b, v)
	return b.Bytes(), err
}

// writePlain writes objects and lists itself: the encoder would check and copy what is inside of them anew at each level.
func writePlain(b *bytes.Buffer, v any) error {
	switch x := v.(type) {
	case ordered:
		return x.writePlain(b)
	case []any:
		if x != nil {
			return writeList(b, x)
		}
	case string:
		if needsNoEscape(x) {
			b.WriteByte('"')
			b.WriteString(x)
			b.WriteByte('"')
			return nil
		}
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the encoder ends with a new line
	return nil
}

func (o ordered) writePlain(b *bytes.Buffer) error {
	b.WriteByte('{')
	first := true
	for _, f := range o {
		if f.value == nil {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		if err := writePlain(b, f.key); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := writePlain(b, f.value); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func writeList(b *bytes.Buffer, list []any) error {
	b.WriteByte('[')
	for i, x := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writePlain(b, x); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

// needsNoEscape says whether a text stands in JSON as it is.
func needsNoEscape(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func (o ordered) get(key string) any {
	for _, f := range o {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

func (o ordered) has(key string) bool {
	return slices.ContainsFunc(o, func(f field) bool { return f.key == key })
}

// text is a field as text: numbers and booleans as they are written, anything else empty.
func (o ordered) text(key string) string { return scalar(o.get(key)) }

func (o ordered) object(key string) ordered {
	x, _ := o.get(key).(ordered)
	return x
}

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case json.RawMessage:
		return string(v)
	case bool, int:
		return fmt.Sprint(v)
	}
	return ""
}

// with is a copy with a field set where it stands, or at the end.
func (o ordered) with(key string, value any) ordered {
	c := slices.Clone(o)
	for i := range c {
		if c[i].key == key {
			c[i].value = value
			return c
		}
	}
	return append(c, field{key, value})
}

// without is a copy without some fields.
func (o ordered) without(keys ...string) ordered {
	return slices.DeleteFunc(slices.Clone(o), func(f field) bool { return slices.Contains(keys, f.key) })
}

// arranged is a copy in the order of keys; fields that keys does not have follow.
func (o ordered) arranged(keys []string) ordered {
	c := slices.Clone(o)
	place := func(key string) int {
		if i := slices.Index(keys, key); i >= 0 {
			return i
		}
		return len(keys)
	}
	slices.SortStableFunc(c, func(a, b field) int { return place(a.key) - place(b.key) })
	return c
}

// at is the value of a path such as MetaData.CreateTime, whatever the case of its letters.
func (o ordered) at(path string) (any, bool) {
	first, rest, nested := strings.Cut(path, ".")
	for _, f := range o {
		if !strings.EqualFold(f.key, first) {
			continue
		}
		if !nested {
			if ref, ok := f.value.(ordered); ok && ref.has("value") {
				return ref.get("value"), true
			}
			return f.value, true
		}
		if inner, ok := f.value.(ordered); ok {
			return inner.at(rest)
		}
	}
	return nil, false
}

// parseJSON reads one JSON value and nothing after it.
func parseJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := parseNext(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows")
	}
	return v, nil
}

func parseObject(raw []byte) (ordered, error) {
	v, err := parseJSON(raw)
	if err != nil {
		return nil, err
	}
	o, ok := v.(ordered)
	if !ok {
		return nil, errors.New("not an object")
	}
	return o, nil
}

func parseNext(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delimiter, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if delimiter == '[' {
		list := []any{}
		for d.More() {
			v, err := parseNext(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	o := ordered{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := parseNext(d)
		if err != nil {
			return nil, err
		}
		o = append(o, field{fmt.Sprint(key), v})
	}
	_, err = d.Token()
	return o, err
}

// orNil leaves an empty text out of an object.
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
