package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
)

// reply is an answer as its blob has it; the body is the raw bytes.
type reply struct {
	Hash   string            `json:"hash"`
	At     time.Time         `json:"at"`
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
}

// Reply reads what a person's call was answered under a key, consistently: a repeat may come at once. One that has ended may still be there. Errors:
// fault.Unavailable.
func (s *Store) Reply(ctx context.Context, who org.Person, key string) (org.Reply, bool, error) {
	it, err := s.get(ctx, replyKey(who, key), true)
	if err != nil || it == nil {
		return org.Reply{}, false, within("Reply", err)
	}
	var r reply
	body, err := unpack(it, &r)
	return org.Reply{Hash: r.Hash, At: r.At, Status: r.Status, Header: r.Header, Body: body}, err == nil, within("Reply", err)
}

// PutReply keeps an answer for org.ReplyLife; the first one under a key stands until then. Errors: fault.TooLarge for an answer of more than maxBlob when
// compressed, which is not kept at all: one without its body would be a wrong answer. fault.Unavailable.
func (s *Store) PutReply(ctx context.Context, who org.Person, key string, r org.Reply) error {
	blob, err := s.pack(r.Body, reply{Hash: r.Hash, At: r.At, Status: r.Status, Header: r.Header})
	if err != nil {
		return within("PutReply", err)
	}
	ends := r.At.Add(org.ReplyLife)
	it := replyKey(who, key).item()
	it[attrBlob], it[attrUntil], it[attrExpiry] = octets(blob), text(stamp(ends)), number(ends.Unix())
	ended := expression.Name(attrUntil).LessThanEqual(expression.Value(stamp(r.At)))
	_, _, err = s.put(ctx, it, absent().Or(ended))
	return within("PutReply", err)
}

// Seen reads what a person has read of the bell; the zero value if nothing. Errors: fault.Unavailable.
func (s *Store) Seen(ctx context.Context, who org.Person) (org.Seen, error) {
	it, err := s.get(ctx, seenKey(who), true)
	if err != nil || it == nil {
		return org.Seen{}, within("Seen", err)
	}
	var seen org.Seen
	_, err = unpack(it, &seen)
	seen.Rev = numberOf(it, attrRev)
	return seen, within("Seen", err)
}

// PutSeen stores it if the stored one has the revision ifRev (0: if there is none), and gives it the next. Errors: fault.Conflict, fault.Unavailable.
func (s *Store) PutSeen(ctx context.Context, who org.Person, seen org.Seen, ifRev int64) error {
	blob, err := s.pack(nil, seen)
	if err != nil {
		return within("PutSeen", err)
	}
	it := seenKey(who).item()
	it[attrRev], it[attrBlob] = number(ifRev+1), octets(blob)
	_, done, err := s.put(ctx, it, at(ifRev))
	if err == nil && !done {
		err = fault.New(fault.Conflict, "Somebody changed this at the same time.")
	}
	return within("PutSeen", err)
}
