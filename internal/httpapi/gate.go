package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
)

// People says who carries a token. Errors: fault.Unauthenticated.
type People interface {
	Person(ctx context.Context, token string) (org.Person, error)
}

// Gate lets people in who are signed in and have a permission.
type Gate struct {
	People   People
	NewTrace func() string
}

type handler func(w http.ResponseWriter, r *http.Request, p org.Person) error

// open serves a call to whoever has the permission, and shows what went wrong.
func (g Gate) open(x org.Permission, next handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		person, err := g.admit(r, x)
		if err == nil {
			err = next(w, r, person)
		}
		if err != nil {
			writeProblem(w, err, g.NewTrace())
		}
	}
}

func (g Gate) admit(r *http.Request, x org.Permission) (org.Person, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return org.Person{}, fault.New(fault.Unauthenticated, "Sign in, and send the token as Authorization: Bearer.")
	}
	person, err := g.People.Person(r.Context(), token)
	if err != nil {
		return person, err
	}
	if !person.May(x) {
		return person, fault.New(fault.Forbidden, "You need the permission %s for this.", x)
	}
	return person, nil
}

// maxInput is the largest body of an admin's call, in bytes.
const maxInput = 1 << 20

// wanted is a field that a body may have: where its value goes, and what it must be.
type wanted struct {
	into any
	must string
}

// readFields reads a JSON object of known fields; no body at all is an empty one. Errors: fault.Invalid with every wrong field, fault.TooLarge.
func readFields(w http.ResponseWriter, r *http.Request, fields map[string]wanted) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxInput))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.New(fault.TooLarge, "A body may have at most %d bytes.", maxInput)
	}
	var body map[string]json.RawMessage
	if err != nil || len(raw) > 0 && json.Unmarshal(raw, &body) != nil {
		return &fault.Error{Code: fault.Invalid, Message: "The body is no JSON object.", Fields: []fault.Field{{Field: "body", Problem: "must be a JSON object"}}}
	}
	var wrong []fault.Field
	for name, value := range body {
		f, known := fields[name]
		switch {
		case !known:
			wrong = append(wrong, fault.Field{Field: name, Problem: "is not known here"})
		case json.Unmarshal(value, f.into) != nil || string(value) == "null":
			wrong = append(wrong, fault.Field{Field: name, Problem: "must be " + f.must})
		}
	}
	if wrong != nil {
		slices.SortFunc(wrong, func(a, b fault.Field) int { return strings.Compare(a.Field, b.Field) })
		return &fault.Error{Code: fault.Invalid, Message: "Some fields are wrong.", Fields: wrong}
	}
	return nil
}

// ifMatch reads the revision that a change is meant for: nil without the header, or for "*". Errors: fault.Stale for a tag that was never ours.
func ifMatch(r *http.Request) (*int64, error) {
	tag := r.Header.Get("If-Match")
	if tag == "" || tag == "*" {
		return nil, nil
	}
	rev, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
	if err != nil {
		return nil, fault.Because(err, fault.Stale, "It was changed since you looked. Look at it again.")
	}
	return &rev, nil
}

func tag(rev int64) string { return `"` + strconv.FormatInt(rev, 10) + `"` }
