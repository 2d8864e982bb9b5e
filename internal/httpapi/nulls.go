package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/passare/qbo-sync/internal/fault"
)

// given refuses a null where the description has none: a reader would take it as left out, and whoever sent it may have meant that it be taken away.
func (a *API) given(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation()
	if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil {
		next(ctx)
		return
	}
	body, err := readAll(ctx)
	if err != nil {
		a.refuse(ctx, err)
		return
	}
	var value any
	if json.Unmarshal(body, &value) == nil { // what is no JSON is refused by whoever reads it
		if wrong := a.nulls(op.RequestBody.Content["application/json"].Schema, value, ""); wrong != nil {
			a.refuse(ctx, &fault.Error{Code: fault.Invalid, Message: "Some of what you sent is wrong.", Fields: wrong})
			return
		}
	}
	next(&reread{ctx, bytes.NewReader(body)})
}

// nulls names the fields of a value that are null and may not be.
func (a *API) nulls(s *huma.Schema, value any, at string) (wrong []fault.Field) {
	if s == nil {
		return nil
	}
	if s.Ref != "" {
		s = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
	}
	switch v := value.(type) {
	case nil:
		if at != "" && !s.Nullable {
			wrong = append(wrong, fault.Field{Field: at, Problem: "must not be null; leave it out instead"})
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			of := s.Properties[name]
			if more, ok := s.AdditionalProperties.(*huma.Schema); of == nil && ok {
				of = more
			}
			wrong = append(wrong, a.nulls(of, v[name], within(at, name))...)
		}
	case []any:
		for i, item := range v {
			wrong = append(wrong, a.nulls(s.Items, item, at+"["+strconv.Itoa(i)+"]")...)
		}
	}
	return wrong
}

func within(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// readAll reads a body within maxInput. Errors: fault.TooLarge, fault.Invalid.
func readAll(ctx huma.Context) ([]byte, error) {
	var tooLarge *http.MaxBytesError
	body, err := io.ReadAll(io.LimitReader(ctx.BodyReader(), maxInput+1))
	if len(body) > maxInput || errors.As(err, &tooLarge) {
		return nil, fault.New(fault.TooLarge, "A body may have at most %d bytes.", maxInput)
	}
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "The body could not be read.")
	}
	return body, nil
}

// reread gives a body that was read once more.
type reread struct {
	humaContext
	in io.Reader
}

func (r *reread) BodyReader() io.Reader { return r.in }
func (r *reread) Unwrap() huma.Context  { return r.humaContext }
