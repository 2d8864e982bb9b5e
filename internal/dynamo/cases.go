package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
)

// caseMark is a case in the rows of the log index: short, so that a row of it is found without reading its entry, and costs no unit more. Two cases of one
// mark are told apart by their entries.
func caseMark(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:4])
}

// marked comes between a place and a case's mark. It sorts before the separator, so that the order is that of the places, even where one begins with another.
const marked = " "

// logPlace is where an entry stands in the log index: its place in lists, and then its case, if it has one.
func logPlace(e intlog.Entry) string {
	at := place(intlog.MarkOf(e))
	if e.Case == "" {
		return at
	}
	return at + marked + caseMark(e.Case)
}

// markOfRow reads the mark of a row of the log index.
func markOfRow(row item) (intlog.Mark, error) {
	k, err := readEntryKey(keyOf(row))
	if err != nil {
		return intlog.Mark{}, err
	}
	stamped, _, _ := strings.Cut(textOf(row, attrLogSK), separator)
	created, err := time.Parse(stampLayout, stamped)
	if err != nil {
		return intlog.Mark{}, fault.Because(err, fault.Internal, "A stored time cannot be read.")
	}
	return intlog.Mark{Created: created, Key: k}, nil
}

// OfCase lists the entries of a case among the newest entries of the organisation after a mark (none: from the newest), of which most are looked at; newest
// first, with the mark of the last that was looked at if there are more. What is looked at are rows of the log index, about 230 bytes each: 10,000 of them
// are some 290 read units, and each entry of the case 0.5 for each 4 KB. Errors: fault.Unavailable.
func (s *Store) OfCase(ctx context.Context, id, caseID string, after intlog.Mark, most int) ([]intlog.Entry, *intlog.Mark, error) {
	entries, next, err := s.ofCase(ctx, id, caseID, after, most)
	return entries, next, within("OfCase", err)
}

func (s *Store) ofCase(ctx context.Context, id, caseID string, after intlog.Mark, most int) ([]intlog.Entry, *intlog.Mark, error) {
	q := query{index: logIndex, pk: orgPK(id), newest: true, limit: most + 1}
	if after != (intlog.Mark{}) {
		q.to = place(after)
	}
	rows, err := s.rows(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	var next *intlog.Mark
	if len(rows) > most {
		rows = rows[:most]
		last, err := markOfRow(rows[most-1])
		if err != nil {
			return nil, nil, err
		}
		next = &last
	}
	its := marked + caseMark(caseID)
	entries, err := s.entries(ctx, slices.DeleteFunc(rows, func(row item) bool { return !strings.HasSuffix(textOf(row, attrLogSK), its) }))
	return slices.DeleteFunc(entries, func(e intlog.Entry) bool { return e.Case != caseID }), next, err
}
