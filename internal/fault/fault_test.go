package fault_test

import (
	"errors"
	"fmt"
	"testing"

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
	if want := "intake.Accept: memory.Put: unavailable: Try again in 30 s.: dial tcp: refused"; err.Error() != want {
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

func TestEveryWrongFieldIsInTheLine(t *testing.T) {
	t.Parallel()
	err := &fault.Error{Code: fault.Invalid, Message: "No.", Fields: []fault.Field{{Field: "a", Problem: "is missing"}, {Field: "b", Problem: "is empty"}}}
	if want := "invalid: No.; a: is missing; b: is empty"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
