package httpapi

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
)

// cursorVersion begins every cursor, so that its form may change.
const cursorVersion = "1"

// cursor names the place in a list after which the next page begins. It is opaque to callers.
func cursor(m intlog.Mark) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join([]string{cursorVersion, m.Created.UTC().Format(time.RFC3339Nano), m.Key.ID()}, " ")))
}

// parseCursor reads a cursor of the caller's own organisation. Errors: fault.Invalid.
func parseCursor(org, s string) (intlog.Mark, error) {
	if s == "" {
		return intlog.Mark{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	parts := strings.Split(string(raw), " ")
	if err == nil && len(parts) == 3 && parts[0] == cursorVersion {
		created, timeErr := time.Parse(time.RFC3339Nano, parts[1])
		key, keyErr := intlog.ParseKey(org, parts[2])
		if timeErr == nil && keyErr == nil {
			return intlog.Mark{Created: created, Key: key}, nil
		}
	}
	return intlog.Mark{}, &fault.Error{
		Code: fault.Invalid, Message: "This list cannot be shown.",
		Fields: []fault.Field{{Field: "cursor", Problem: "is not a cursor of this list; take it from the last page"}},
	}
}
