package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/passare"
)

const (
	// quarantineKept is how long a delivery is kept; DynamoDB removes it then.
	quarantineKept = 90 * 24 * time.Hour
	// MaxQuarantined is how many deliveries of an organisation are listed: the newest.
	MaxQuarantined = 1000
)

// quarantined is a delivery in quarantine as its blob has it; the body is the raw bytes.
type quarantined struct {
	Org    string      `json:"org,omitzero"`
	Record passare.Ref `json:"record,omitzero"`
	At     time.Time   `json:"at,omitzero"`
	Reason reason      `json:"reason,omitzero"`
}

// reason is a fault as it is stored: of its cause the line for logs.
type reason struct {
	Code       fault.Code    `json:"code,omitzero"`
	Message    string        `json:"message,omitzero"`
	Fields     []fault.Field `json:"fields,omitzero"`
	Class      fault.Class   `json:"class,omitzero"`
	Who        string        `json:"who,omitzero"`
	Remedy     string        `json:"remedy,omitzero"`
	Origin     string        `json:"origin,omitzero"`
	Trace      string        `json:"trace,omitzero"`
	RetryAfter time.Duration `json:"retry_after,omitzero"` // nanoseconds
	Cause      string        `json:"cause,omitzero"`
}

func storedReason(f fault.Error) reason {
	r := reason{
		Code: f.Code, Message: f.Message, Fields: f.Fields, Class: f.Class, Who: f.Who, Remedy: f.Remedy, Origin: f.Origin, Trace: f.Trace, RetryAfter: f.RetryAfter,
	}
	if f.Cause != nil {
		r.Cause = fault.Line(f.Cause)
	}
	return r
}

func (r reason) fault() fault.Error {
	f := fault.Error{
		Code: r.Code, Message: r.Message, Fields: r.Fields, Class: r.Class, Who: r.Who, Remedy: r.Remedy, Origin: r.Origin, Trace: r.Trace, RetryAfter: r.RetryAfter,
	}
	if r.Cause != "" {
		f.Cause = errors.New(r.Cause)
	}
	return f
}

// Quarantine keeps a delivery that could not be taken for 90 days; the same one again is kept once. Errors: fault.TooLarge, fault.Unavailable.
func (s *Store) Quarantine(ctx context.Context, q intlog.Quarantined) error {
	return within("Quarantine", s.quarantine(ctx, q))
}

func (s *Store) quarantine(ctx context.Context, q intlog.Quarantined) error {
	blob, err := s.pack(q.Body, quarantined{Org: q.Org, Record: q.Record, At: q.At, Reason: storedReason(q.Reason)})
	if err != nil {
		return err
	}
	serial, err := s.count(ctx, quarantineCount(q.Org)) // tells deliveries of the same time apart; a repeat leaves a gap
	if err != nil {
		return err
	}
	sum := sha256.Sum256(q.Body)
	it := key{quarantinePK(q.Org), hex.EncodeToString(sum[:])}.item()
	it[attrBlob], it[attrExpiry] = octets(blob), number(q.At.Add(quarantineKept).Unix())
	it[attrLogPK], it[attrLogSK] = text(quarantinePK(q.Org)), text(join(stamp(q.At), digits(serial)))
	_, _, err = s.put(ctx, it, absent())
	return err
}

// Quarantined lists the newest MaxQuarantined deliveries in an organisation's quarantine, oldest first. Errors: fault.Unavailable.
func (s *Store) Quarantined(ctx context.Context, id string) ([]intlog.Quarantined, error) {
	rows, err := s.rows(ctx, query{index: logIndex, pk: quarantinePK(id), newest: true, limit: MaxQuarantined})
	if err != nil {
		return nil, within("Quarantined", err)
	}
	slices.Reverse(rows)
	items, err := s.fetch(ctx, rows)
	if err != nil {
		return nil, within("Quarantined", err)
	}
	var list []intlog.Quarantined
	for _, it := range items {
		var q quarantined
		body, err := unpack(it, &q)
		if err != nil {
			return nil, within("Quarantined", err)
		}
		list = append(list, intlog.Quarantined{Org: q.Org, Record: q.Record, At: q.At, Reason: q.Reason.fault(), Body: body})
	}
	return list, nil
}
