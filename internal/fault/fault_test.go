package fault_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
)

func TestTheFaultIsFoundThroughEveryLayer(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial tcp: refused")
	err := fmt.Errorf("intake.Accept: %w", fmt.Errorf("memory.Put: %w", fault.Because(cause, fault.Unavailable, "Try again in %d s.", 30)))
	if f := fault.As(err); f.Code != fault.Unavailable || f.Message != "Try again in 30 s." {
		t.Errorf("read back as %+v", f)
	}
	if !errors.Is(err, cause) || !fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Conflict) {
		t.Error("cause or code is lost")
	}
	if want := "intake.Accept: memory.Put: unavailable: dial tcp: refused"; err.Error() != want {
		t.Errorf("an engineer reads %q, want %q", err, want)
	}
}

func TestAnErrorWithoutAFaultIsOursAndShowsNothing(t *testing.T) {
	t.Parallel()
	f := fault.As(errors.New("secret"))
	if f.Code != fault.Internal || cmp.Diff(f.Fields, []fault.Field(nil)) != "" || f.Message == "secret" || f.Cause == nil {
		t.Errorf("%+v", f)
	}
	if code := fault.CodeOf(nil); code != "" {
		t.Errorf("no error has the code %s", code)
	}
}

func TestTheLineForLogsSaysWhatAndWhere(t *testing.T) {
	t.Parallel()
	err := &fault.Error{
		Code: fault.Invalid, Class: fault.Data, Origin: "6240", Trace: "1-5f73",
		Fields: []fault.Field{{Field: "data.items[0].amount", Problem: "is missing"}, {Field: "b", Problem: "is empty"}},
	}
	if want := "invalid, class data, QuickBooks 6240, intuit_tid 1-5f73, field data.items[0].amount, field b"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	err.Fields = make([]fault.Field, 1000)
	for i := range err.Fields {
		err.Fields[i].Field = "f"
	}
	if line := err.Error(); !strings.HasSuffix(line, ", field f, and 980 more") {
		t.Errorf("%q", line)
	}
}

// TestNothingOfAPersonIsInTheLineForLogs: wherever a name may stand in an error, and whatever it was that could not be read.
func TestNothingOfAPersonIsInTheLineForLogs(t *testing.T) {
	t.Parallel()
	const name = "John Smith"
	_, number := strconv.ParseInt(name, 10, 64)
	_, moment := time.Parse(time.RFC3339, name)
	_, address := url.Parse(strings.Join([]string{"http://host/?name=", name, "\x00"}, ""))
	_, escape := url.PathUnescape("%zz" + name)
	typed := json.Unmarshal([]byte(`4711.0815`), new(int64))
	for what, err := range map[string]error{
		"the message": fault.New(fault.NameTaken, "QuickBooks has %q in use already.", name),
		"the remedy":  &fault.Error{Code: fault.Conflict, Remedy: "Ask " + name},
		"a field":     &fault.Error{Code: fault.Invalid, Message: "No.", Fields: []fault.Field{{Field: "a", Value: name, Problem: name + " is not one"}}},
		"a key":       &fault.Error{Code: fault.Invalid, Fields: []fault.Field{{Field: "data." + name, Problem: "is unknown"}}},
		"the origin":  &fault.Error{Code: fault.Refused, Origin: name, Trace: name, Class: name},
		"the cause":   fault.Because(fault.New(fault.Conflict, "%s was faster.", name), fault.Unavailable, "No."),
		"a number":    fault.Because(number, fault.Invalid, "No."),
		"a time":      fault.Because(fmt.Errorf("grant.load: %w", moment), fault.Internal, "No."),
		"an address":  fault.Because(address, fault.Internal, "No."),
		"an escape":   fault.Because(escape, fault.Internal, "No."),
		"JSON":        fault.Because(typed, fault.Internal, "No."),
		"a bare one":  fmt.Errorf("posting.Sync: %w", number),
	} {
		for _, line := range []string{fault.Line(err), fault.Line(fmt.Errorf("a.B: %w", err))} {
			if strings.Contains(line, "John") || strings.Contains(line, "Smith") || strings.Contains(line, "4711") {
				t.Errorf("%s is in %q", what, line)
			}
		}
	}
	if line := fault.Line(errors.New("EOF")); line != "EOF" {
		t.Errorf("an error that quotes nothing became %q", line)
	}
}
