package telemetry_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
)

// canary stands in every text that a line must not tell.
const canary = "Zwitschervogel"

// identifiers are the texts of an entry that a line may tell, by their path. A new field of an entry is none until it is here.
func identifiers() []string {
	return []string{
		"Entry.Key.Org", "Entry.Key.Record.Type", "Entry.Key.Record.ID", "Entry.State", "Entry.Kind", "Entry.Cause.Kind", "Entry.Postings.QuickBooksID",
		"Entry.Attempts.Code", "Entry.Attempts.Trace", "Entry.History.From", "Entry.History.To",
	}
}

// fill puts the canary into every text of a value, one element into every list and map, and says which texts it left alone.
func fill(v reflect.Value, path string, but []string) (left []string) {
	if slices.Contains(but, path) {
		return []string{path}
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(canary)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(canary))
			return nil
		}
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			left = append(left, fill(v.Index(i), path, but)...)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		left = append(fill(key, path, but), fill(value, path, but)...)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), path, but)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				left = append(left, fill(v.Field(i), path+"."+f.Name, but)...)
			}
		}
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[error]() {
			v.Set(reflect.ValueOf(errors.New(canary)))
		}
	}
	return left
}

// filled is an entry in a state, in which each text that is no identifier is the canary.
func (r *room) filled(id string, s intlog.State) intlog.Entry {
	r.t.Helper()
	e := r.entry(id, s)
	e.Key.Version = 1
	left := fill(reflect.ValueOf(&e).Elem(), "Entry", identifiers())
	slices.Sort(left)
	want := identifiers()
	slices.Sort(want)
	if !slices.Equal(want, slices.Compact(left)) {
		r.t.Fatalf("left alone: %v", left)
	}
	e.Cause[0].Kind, e.Attempts[0].Code, e.Attempts[0].Trace, e.Postings[0].QuickBooksID = "mapping", "6000", "1-5f73", "145"
	e.Postings[0].Doc = journal.DocNumber(canary, "identity") // as the worker makes it, from the number of the case
	return e
}

func TestNothingPersonalIsTold(t *testing.T) {
	t.Parallel()
	for _, from := range intlog.States() {
		for _, to := range intlog.Next(from) {
			t.Run("from "+string(from)+" to "+string(to), func(t *testing.T) {
				t.Parallel()
				r := newRoom(t)
				e := r.create(r.filled("p1", from))
				r.move(e, to, canary, func(e *intlog.Entry) {
					id, rev := e.Key, e.Rev
					*e = r.filled("p1", to)
					e.Key, e.Rev = id, rev
				})
				quiet(t, r, 2)
			})
		}
	}
	t.Run("of a delivery in quarantine", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		var q intlog.Quarantined
		fill(reflect.ValueOf(&q).Elem(), "Quarantined", []string{"Quarantined.Org", "Quarantined.Record", "Quarantined.Reason.Code"})
		q.Org, q.Record.ID, q.Reason.Code = "of "+canary, canary+" & Sons", fault.Invalid
		if err := r.store.Quarantine(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		quiet(t, r, 1)
	})
	t.Run("what QuickBooks answers where an identifier should be", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		e := r.filled("p1", intlog.Queued)
		e.Attempts[0].Code, e.Attempts[0].Trace, e.Postings[0].QuickBooksID, e.Postings[0].Doc = "of "+canary, canary+"'s", "#"+canary, "1 "+canary
		r.create(e)
		quiet(t, r, 1)
	})
}

// quiet reads the lines.
func quiet(t *testing.T, r *room, lines int) {
	t.Helper()
	written := r.out.take()
	if len(written) != lines {
		t.Errorf("%d lines, want %d", len(written), lines)
	}
	for _, l := range written {
		if strings.Contains(strings.ToLower(l), strings.ToLower(canary)) || strings.Contains(l, canary[:8]) {
			t.Errorf("told: %s", l)
		}
	}
}

func TestANumberIsToldWholeWhenItCanBeNoName(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string]string{"24-0113": "24-0113-", "1007": "1007-", "Smith": "", "Smith-Jones": "", "": ""} {
		t.Run("of "+reference, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			e := r.entry("p1", intlog.Queued)
			doc := journal.DocNumber(reference, "identity")
			e.Postings = []intlog.Posting{{Doc: doc}}
			r.create(e)
			docs, _ := r.line()["docs"].([]any)
			if len(docs) != 1 || docs[0] != want+doc[len(doc)-10:] {
				t.Errorf("%s is told as %v", doc, docs)
			}
		})
	}
}
