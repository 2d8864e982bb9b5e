package passare

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/money"
)

// Limits of one event (events.md, Limits).
const (
	MaxText = 1000 // characters of a description, reason or memo
	MaxName = 100  // characters of a name or a part of it
	MaxID   = 100  // characters of an identifier
	MaxList = 1000 // items, members, lines of one record
	maxEcho = 64   // characters of a wrong value that an answer repeats

	MaxVersion  = 999_999_999 // the store's keys have nine digits
	MaxDelivery = 1 << 20     // bytes of one request
)

// need says whether a field may be absent.
type need bool

const (
	required need = true
	optional need = false
)

// reader takes fields out of one object and collects every problem with its path.
type reader struct {
	path     string
	fields   map[string]any
	order    []string
	used     map[string]bool
	problems *[]fault.Field
}

func newReader(path string, o object, problems *[]fault.Field) *reader {
	return &reader{path: path, fields: o.fields, order: o.order, used: map[string]bool{}, problems: problems}
}

// wrong records a problem of a field.
func (r *reader) wrong(key string, value any, format string, args ...any) {
	f := fault.Field{Field: join(r.path, key), Problem: fmt.Sprintf(format, args...)}
	switch v := value.(type) {
	case string:
		f.Value = journal.Clip(strings.Map(printable, v), maxEcho)
	case json.Number:
		f.Value = journal.Clip(v.String(), maxEcho)
	case bool:
		f.Value = strconv.FormatBool(v)
	}
	*r.problems = append(*r.problems, f)
}

func printable(c rune) rune {
	if unicode.IsControl(c) {
		return unicode.ReplacementChar
	}
	return c
}

// take gives a field's value; null counts as absent.
func (r *reader) take(key string, n need) (any, bool) {
	r.used[key] = true
	v, ok := r.fields[key]
	if ok && v != nil {
		return v, true
	}
	if n == required {
		r.wrong(key, nil, "is missing")
	}
	return nil, false
}

// close reports every field that nobody asked for.
func (r *reader) close() {
	for _, key := range r.order {
		if !r.used[key] {
			r.wrong(journal.Clip(strings.Map(printable, key), maxEcho), nil, "is not a field of this event")
		}
	}
}

// text reads a string of at most max characters, trimmed of blanks around it.
func (r *reader) text(key string, n need, limit int) string {
	v, ok := r.take(key, n)
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		r.wrong(key, v, "must be a text")
		return ""
	}
	s = strings.TrimSpace(s)
	switch {
	case s == "" && n == required:
		r.wrong(key, s, "is empty")
	case utf8.RuneCountInString(s) > limit:
		r.wrong(key, s, "has %d characters, more than %d", utf8.RuneCountInString(s), limit)
	case strings.ContainsFunc(s, forbiddenControl):
		r.wrong(key, s, "has a control character")
	default:
		return s
	}
	return ""
}

// forbiddenControl lets tab and line ends pass: people paste them into names, and matching replaces them.
func forbiddenControl(c rune) bool {
	return unicode.IsControl(c) && c != '\t' && c != '\n' && c != '\r'
}

// id reads an identifier: no blanks, slashes, number signs or control characters, which separate keys of the store.
func (r *reader) id(key string, n need) string {
	s := r.text(key, n, MaxID)
	if strings.ContainsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) || c == '/' || c == '#' }) {
		r.wrong(key, s, "must not have blanks, slashes or number signs")
		return ""
	}
	return s
}

// choice reads one of the words.
func (r *reader) choice(key string, n need, words ...string) string {
	s := r.text(key, n, MaxText)
	if s == "" {
		return ""
	}
	for _, w := range words {
		if s == w {
			return s
		}
	}
	r.wrong(key, s, "must be one of: %s", strings.Join(words, ", "))
	return ""
}

// amount reads money. least says the smallest amount allowed, in cents.
func (r *reader) amount(key string, n need, least money.Cents) money.Cents {
	v, ok := r.take(key, n)
	if !ok {
		return 0
	}
	s, ok := v.(string)
	if !ok {
		r.wrong(key, v, `must be money as a text, such as "1250.00", not a number`)
		return 0
	}
	c, err := money.Parse(s)
	switch {
	case err != nil:
		r.wrong(key, s, "%s", err)
	case c < least && least == 1:
		r.wrong(key, s, "must be more than zero")
	case c < least:
		r.wrong(key, s, "must not be negative")
	default:
		return c
	}
	return 0
}

const (
	anySign  = -money.Max
	notBelow = money.Cents(0)
	positive = money.Cents(1)
)

// date reads YYYY-MM-DD.
func (r *reader) date(key string, n need) date.Date {
	v, ok := r.take(key, n)
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		r.wrong(key, v, "must be a date as a text")
		return ""
	}
	d, err := date.Parse(s)
	if err != nil {
		r.wrong(key, s, "%s", err)
	}
	return d
}

// instant reads an RFC 3339 time.
func (r *reader) instant(key string) time.Time {
	v, ok := r.take(key, required)
	if !ok {
		return time.Time{}
	}
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		r.wrong(key, v, "must be a time such as 2026-03-02T15:04:05Z")
	}
	return t.UTC()
}

// version reads a whole number of at least 1.
func (r *reader) version(key string) int64 {
	v, ok := r.take(key, required)
	if !ok {
		return 0
	}
	n, ok := v.(json.Number)
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if !ok || err != nil || i < 1 || i > MaxVersion {
		r.wrong(key, v, "must be a whole number from 1 to %d", MaxVersion)
		return 0
	}
	return i
}

// flag reads true or false.
func (r *reader) flag(key string) bool {
	v, ok := r.take(key, optional)
	if !ok {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		r.wrong(key, v, "must be true or false")
	}
	return b
}

// object reads a nested object through fill, which sees only well-formed objects.
func (r *reader) object(key string, n need, fill func(*reader)) bool {
	v, ok := r.take(key, n)
	if !ok {
		return false
	}
	o, ok := v.(object)
	if !ok {
		r.wrong(key, v, "must be an object")
		return false
	}
	nested := newReader(join(r.path, key), o, r.problems)
	fill(nested)
	nested.close()
	return true
}

// list reads a list of objects. least is how many there must be when the list is required.
func (r *reader) list(key string, n need, least int, fill func(*reader)) {
	v, ok := r.take(key, n)
	if !ok {
		return
	}
	items, ok := v.([]any)
	switch {
	case !ok:
		r.wrong(key, v, "must be a list")
		return
	case len(items) < least:
		r.wrong(key, nil, "must have at least %d", least)
	case len(items) > MaxList:
		r.wrong(key, nil, "has %d entries, more than %d", len(items), MaxList)
		return
	}
	for i, item := range items {
		at := fmt.Sprintf("%s[%d]", key, i)
		o, ok := item.(object)
		if !ok {
			r.wrong(at, item, "must be an object")
			continue
		}
		nested := newReader(join(r.path, at), o, r.problems)
		fill(nested)
		nested.close()
	}
}

// unique reports an id that was seen before in its list.
func (r *reader) unique(seen map[string]bool, key, id string) {
	if id != "" && seen[id] {
		r.wrong(key, id, "is there twice")
	}
	seen[id] = true
}
