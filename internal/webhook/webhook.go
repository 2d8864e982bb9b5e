// Package webhook checks and makes the signatures of inbound deliveries. Those of Passare are Standard Webhooks, HMAC-SHA256
// over "id.timestamp.body" (../passare/events.md, Signature); those of QuickBooks are its own, and are read here, too (QuickBooks).
//
// Guarantees: the raw body is checked before anything reads it; comparison takes the same time whatever
// is wrong; one answer for every reason but a clock that is off, so that nothing can be learnt from it.
// Two secrets may be live at once, so that one can be replaced without a gap.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
)

// Tolerance is how far a delivery's time may be from ours, either way.
const Tolerance = 5 * time.Minute

// maxSignatures is how many signatures of one delivery are looked at.
const maxSignatures = 10

// Verifier checks signatures.
type Verifier struct{ keys [][]byte }

// New makes a verifier for one or two secrets, each "whsec_" and base64. Errors: fault.Invalid.
func New(secrets ...string) (*Verifier, error) {
	if len(secrets) < 1 || len(secrets) > 2 {
		return nil, fmt.Errorf("webhook.New: %w", fault.New(fault.Invalid, "One or two webhook secrets are needed."))
	}
	v := &Verifier{}
	for _, s := range secrets {
		key, err := keyOf(s)
		if err != nil {
			return nil, fmt.Errorf("webhook.New: %w", err)
		}
		v.keys = append(v.keys, key)
	}
	return v, nil
}

func keyOf(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 16 {
		return nil, fault.New(fault.Invalid, "A webhook secret is whsec_ and the base64 of at least 16 bytes.")
	}
	return key, nil
}

// Verify checks a delivery by its headers webhook-id, webhook-timestamp and webhook-signature. Errors:
// fault.Unauthenticated.
func (v *Verifier) Verify(id, timestamp, signature string, body []byte, now time.Time) error {
	if !v.signed(id, timestamp, signature, body) {
		return fmt.Errorf("webhook.Verify: %w", fault.New(fault.Unauthenticated, "The signature of this delivery is missing or wrong."))
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); err != nil || off > Tolerance {
		return fmt.Errorf("webhook.Verify: %w", fault.New(fault.Unauthenticated,
			"The time of this delivery is more than %s from ours. Check the sender's clock, and sign again when sending again.", Tolerance))
	}
	return nil
}

// signed looks at every signature and every key, so that the time taken says nothing.
func (v *Verifier) signed(id, timestamp, signature string, body []byte) bool {
	found := false
	for i, part := range strings.Fields(signature) {
		version, given, ok := strings.Cut(part, ",")
		sum, err := base64.StdEncoding.DecodeString(given)
		if i >= maxSignatures || !ok || version != "v1" || err != nil {
			continue
		}
		for _, key := range v.keys {
			found = hmac.Equal(sum, digest(key, id, timestamp, body)) || found
		}
	}
	return found && id != "" && !strings.Contains(id, ".")
}

func digest(key []byte, id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Sign makes the value of webhook-signature, for senders. Errors: fault.Invalid for a secret that is none.
func Sign(secret, id string, at time.Time, body []byte) (string, error) {
	key, err := keyOf(secret)
	if err != nil {
		return "", fmt.Errorf("webhook.Sign: %w", err)
	}
	return "v1," + base64.StdEncoding.EncodeToString(digest(key, id, strconv.FormatInt(at.Unix(), 10), body)), nil
}
