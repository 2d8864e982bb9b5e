// Package fault is the one error type of the project: a stable code that code may branch on, a
// message in a bookkeeper's words, the wrong fields by name, and the cause for engineers.
//
// An error is made once, where the trouble is understood, and wrapped once per layer as
// fmt.Errorf("pkg.Func: %w", err). The outermost layer reads it back with As and CodeOf; only
// Message and Fields ever reach a person, never the wrapped text.
//
// The wrapped text is for logs, and safe in them: Message and the values and problems of Fields may tell a
// person's name, so none of them is in it.
package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Code is the stable name of what went wrong. httpapi holds the one table from codes to statuses.
type Code string

// The codes. What a caller may do about each is part of its meaning.
const (
	Invalid          Code = "invalid"           // the input is wrong: Fields says where; repeating it will not help
	Unauthenticated  Code = "unauthenticated"   // signature or token missing, wrong or stale
	Forbidden        Code = "forbidden"         // known, but lacking a permission
	NotFound         Code = "not_found"         // nothing of that name in this organisation
	Conflict         Code = "conflict"          // not possible in the present state, or somebody was faster
	Stale            Code = "stale"             // somebody changed it since it was read: look at it again
	TooLarge         Code = "too_large"         // over a stated limit
	UnsupportedMedia Code = "unsupported_media" // a content type that is not read here
	Unavailable      Code = "unavailable"       // try again later: nothing happened
	Throttled        Code = "throttled"         // refused for pace alone: nothing happened; RetryAfter says when
	Disconnected     Code = "disconnected"      // QuickBooks refuses the grant: a person must reconnect
	Refused          Code = "refused"           // QuickBooks certainly refused: nothing was written
	NameTaken        Code = "name_taken"        // QuickBooks refused a display name as already used (6240)
	Unknown          Code = "unknown"           // the outcome at QuickBooks cannot be known from here: it may have been written
	Internal         Code = "internal"          // a defect of ours
)

// Class says what makes a trouble with QuickBooks go away, and so who is needed.
type Class string

// The classes. Transient retries itself; Connection stops the whole organisation until somebody reconnects; the others wait for their cause.
const (
	Transient  Class = "transient"
	Connection Class = "connection"
	Period     Class = "period"
	Account    Class = "account"
	Name       Class = "name"
	Data       Class = "data"
)

// Field is one wrong field of an input: where it is, what was there, what is wrong with it.
type Field struct {
	Field   string `json:"field"`
	Value   string `json:"value,omitempty"`
	Problem string `json:"problem"`
}

// Error is what every package of the project returns when something goes wrong.
type Error struct {
	Code       Code
	Message    string        // for people: plain words, no identifiers of ours, never a secret; never in a log, since it may tell a person's name
	Fields     []Field       // every wrong field, in the order of the input
	Class      Class         // of a trouble with QuickBooks
	Who        string        // who can take it away
	Remedy     string        // what they do, and what happens next, in one sentence
	Origin     string        // the fault code as QuickBooks gave it ("6240"), when the trouble came from there
	Trace      string        // QuickBooks' intuit_tid, for its support
	RetryAfter time.Duration // how long to wait before trying again, when known
	Cause      error         // for engineers and logs, never shown to people: without names, payloads, addresses with a query, or tokens
}

// New makes an Error from a code and a message for people.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Text is the message and the remedy, for people.
func (e *Error) Text() string {
	if e.Remedy == "" {
		return e.Message
	}
	if strings.HasSuffix(e.Message, ".") {
		return e.Message + " " + e.Remedy
	}
	return e.Message + ". " + e.Remedy
}

// Because makes an Error that keeps its cause.
func Because(cause error, code Code, format string, args ...any) *Error {
	e := New(code, format, args...)
	e.Cause = cause
	return e
}

// maxNamed is how many wrong fields a log line names.
const maxNamed = 20

// Error is the line for logs: code, class, QuickBooks' code and intuit_tid, which fields are wrong, and the cause. It has nothing in it
// that was written for people, and no value of an input.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	add := func(name, value string) {
		if value != "" {
			b.WriteString(", " + name + " " + Identifier(value))
		}
	}
	add("class", string(e.Class))
	add("QuickBooks", e.Origin)
	add("intuit_tid", e.Trace)
	for i, f := range e.Fields {
		if i == maxNamed {
			fmt.Fprintf(&b, ", and %d more", len(e.Fields)-maxNamed)
			break
		}
		add("field", f.Field)
	}
	if e.Cause != nil {
		b.WriteString(": " + Line(e.Cause))
	}
	return b.String()
}

// Identifier is a code or the path of a field as a log may show it: as it is; what cannot be one, and so may be a text, is "(left out)".
func Identifier(s string) string {
	const longest = 200
	text := func(r rune) bool {
		return !strings.ContainsRune("._-[]/:", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if len(s) > longest || strings.ContainsFunc(s, text) {
		return "(left out)"
	}
	return s
}

// Line is any error as a log may show it. Errors of the standard library that quote what they could not read are named by their kind alone.
func Line(err error) string {
	if _, ours := errors.AsType[*Error](err); ours {
		return err.Error()
	}
	for _, quoting := range []func(error) (string, bool){
		kind[*strconv.NumError], kind[*time.ParseError], kind[*json.UnmarshalTypeError], kind[*json.MarshalerError], kind[*url.Error],
		kind[url.EscapeError], kind[url.InvalidHostError],
	} {
		if name, ok := quoting(err); ok {
			return name
		}
	}
	return err.Error()
}

// kind names the type of an error in a chain.
func kind[T error](err error) (string, bool) {
	e, ok := errors.AsType[T](err)
	return fmt.Sprintf("%T", e), ok
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// As finds the Error in a chain; an error that carries none is Internal, with nothing in it for people.
func As(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: Internal, Message: "Something went wrong on our side. Nothing was lost; please try again.", Cause: err}
}

// CodeOf is the code of the Error in a chain: Internal if it carries none, empty for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return As(err).Code
}

// Is says whether the Error in a chain has the code.
func Is(err error, code Code) bool { return CodeOf(err) == code }
