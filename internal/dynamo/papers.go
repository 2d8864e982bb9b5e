package dynamo

import (
	"bytes"
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// Every open paper has a marker, an item of keys alone in a partition of its own, by which it is listed without reading the others. A marker is written and
// removed in one transaction with what its paper says of itself (attrOpen).

// Papers reads those of the ids that there are, consistently, in the order of the ids; an id that is named twice comes once. Errors: fault.Unavailable.
func (s *Store) Papers(ctx context.Context, at org.Company, kind string, ids []string) ([]reconcile.Paper, error) {
	keys := make([]key, len(ids))
	for i, id := range ids {
		keys[i] = paperKey(at, kind, id)
	}
	papers, err := s.papers(ctx, keys)
	return papers, within("Papers", err)
}

// papers reads papers, in the order of their keys.
func (s *Store) papers(ctx context.Context, keys []key) ([]reconcile.Paper, error) {
	items, err := s.read(ctx, keys, true)
	if err != nil {
		return nil, err
	}
	return readPapers(items)
}

func readPapers(items []item) ([]reconcile.Paper, error) {
	var papers []reconcile.Paper
	for _, it := range items {
		p, err := readPaper(it)
		if err != nil {
			return nil, err
		}
		papers = append(papers, p)
	}
	return papers, nil
}

func readPaper(it item) (reconcile.Paper, error) {
	kind, id := readPaperSK(keyOf(it).sk)
	body, err := unpack(it, &struct{}{})
	return reconcile.Paper{Kind: kind, ID: id, Rev: numberOf(it, attrRev), Open: isOpen(it), Body: body}, err
}

// isOpen says what a paper says of itself.
func isOpen(paper item) bool { return numberOf(paper, attrOpen) > 0 }

// ListPapers lists papers of a kind by their ids, ascending, after one (none: from the first), consistently: what was put before is listed. Only open ones
// cost the reads of their markers, and theirs. Errors: fault.Unavailable.
func (s *Store) ListPapers(ctx context.Context, at org.Company, kind, after string, limit int, open bool) ([]reconcile.Paper, error) {
	if limit < 1 {
		return nil, nil
	}
	q := query{pk: papersPK(at), from: paperSK(kind, ""), to: before(join(kind)), limit: limit, consistent: true}
	if after != "" {
		q.goOn(paperSK(kind, after))
	}
	if open {
		papers, err := s.openPapers(ctx, at, q)
		return papers, within("ListPapers", err)
	}
	rows, err := s.rows(ctx, q)
	if err != nil {
		return nil, within("ListPapers", err)
	}
	papers, err := readPapers(rows)
	return papers, within("ListPapers", err)
}

// goOn makes a query go on after a paper.
func (q *query) goOn(sk string) { q.from = sk + nextKey }

// nextKey makes the next possible key of one. No paper's key is so long that it has none.
const nextKey = "\x00"

// openPapers reads a range of papers by their markers. One that is closed between its marker and itself is left out, and the next takes its place: a short
// page is the last one.
func (s *Store) openPapers(ctx context.Context, at org.Company, q query) ([]reconcile.Paper, error) {
	var open []reconcile.Paper
	q.pk = openPapersPK(at)
	for limit := q.limit; len(open) < limit; {
		q.limit = limit - len(open)
		markers, err := s.rows(ctx, q)
		if err != nil {
			return nil, err
		}
		keys := make([]key, len(markers))
		for i, m := range markers {
			keys[i] = key{papersPK(at), keyOf(m).sk}
		}
		papers, err := s.papers(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, p := range papers {
			if p.Open {
				open = append(open, p)
			}
		}
		if len(markers) < q.limit {
			break
		}
		q.goOn(keys[len(keys)-1].sk)
	}
	return open, nil
}

// PutPaper stores a paper if the stored one has p.Rev (0: there is none), and gives it the next revision: one put, or, of a paper that becomes open or closed,
// a transaction with its marker. Errors: fault.Conflict; fault.TooLarge for a body of more than maxBlob when compressed, and for an id that makes no key;
// fault.Unavailable.
func (s *Store) PutPaper(ctx context.Context, at org.Company, p reconcile.Paper) (reconcile.Paper, error) {
	p, err := s.putPaper(ctx, at, p)
	return p, within("PutPaper", err)
}

func (s *Store) putPaper(ctx context.Context, company org.Company, p reconcile.Paper) (reconcile.Paper, error) {
	blob, err := s.pack(p.Body, struct{}{})
	if err != nil {
		return reconcile.Paper{}, err
	}
	k, marker := paperKey(company, p.Kind, p.ID), markerKey(company, p.Kind, p.ID)
	if next := (key{k.pk, k.sk + nextKey}); !next.names() || !marker.names() {
		return reconcile.Paper{}, fault.New(fault.TooLarge, "An identifier is too long.")
	}
	it := k.item()
	it[attrRev], it[attrBlob] = number(p.Rev+1), octets(blob)
	if p.Open {
		it[attrOpen] = number(1)
	}
	done, err := s.replacePaper(ctx, it, marker, p.Rev)
	if err == nil && !done {
		err = fault.New(fault.Conflict, "Somebody changed this at the same time. Look at it again.")
	}
	if err != nil {
		return reconcile.Paper{}, err
	}
	p.Rev++
	p.Body = bytes.Clone(p.Body) // it shares nothing with the caller's
	return p, nil
}

// replacePaper writes a paper in the place of the revision rev. Whoever changes a paper mostly leaves it open, or closed; that the stored one is otherwise is
// found by the condition, not by a read before.
func (s *Store) replacePaper(ctx context.Context, it item, marker key, rev int64) (done bool, err error) {
	open := isOpen(it)
	if rev > 0 || !open {
		stored, done, err := s.put(ctx, it, at(rev).And(markedAs(open, rev)))
		if err != nil || done {
			return done, err
		}
		if stored == nil || numberOf(stored, attrRev) != rev || isOpen(stored) == open {
			return false, nil
		}
	}
	return s.movePaper(ctx, it, marker, rev)
}

// markedAs is the condition that a paper of a revision has a marker, or none; of no paper, it says nothing.
func markedAs(open bool, rev int64) expression.ConditionBuilder {
	switch {
	case rev == 0:
		return absent()
	case open:
		return expression.Name(attrOpen).AttributeExists()
	}
	return expression.Name(attrOpen).AttributeNotExists()
}

// movePaper writes a paper that becomes open or closed, and its marker with it.
func (s *Store) movePaper(ctx context.Context, it item, marker key, rev int64) (done bool, err error) {
	mine := token()
	it[attrWrite] = octets(mine)
	paper, err := s.putting(it, at(rev).And(markedAs(!isOpen(it), rev)))
	if err != nil {
		return false, err
	}
	mark := s.deleting(marker)
	if isOpen(it) {
		if mark, err = s.putting(marker.item(), anything()); err != nil {
			return false, err
		}
	}
	reasons, done, err := s.transact(ctx, paper, mark)
	if err != nil || done {
		return done, err
	}
	return bytes.Equal(octetsOf(reasons[0].Item, attrWrite), mine), nil // its answer was lost
}

// deleting is a deletion of a transaction; of what is not there, it is nothing.
func (s *Store) deleting(k key) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &s.table, Key: k.item()}}
}

// DropPaper takes a paper away, and its marker; one that is not there is no error. Errors: fault.Unavailable.
func (s *Store) DropPaper(ctx context.Context, at org.Company, kind, id string) error {
	k, marker := paperKey(at, kind, id), markerKey(at, kind, id)
	if !k.names() || !marker.names() {
		return nil
	}
	_, _, err := s.transact(ctx, s.deleting(k), s.deleting(marker))
	return within("DropPaper", err)
}

// readPaperSK is the inverse of paperSK.
func readPaperSK(sk string) (kind, id string) {
	kind, id, _ = strings.Cut(sk, separator)
	return split(kind)[0], id
}
