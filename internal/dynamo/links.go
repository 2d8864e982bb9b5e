package dynamo

import (
	"bytes"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// Link reads the link of a case or business in a company, consistently. Errors: fault.Unavailable.
func (s *Store) Link(ctx context.Context, at org.Company, kind journal.NameKind, name string) (intlog.Link, bool, error) {
	it, err := s.get(ctx, linkKey(at, kind, name), true)
	if err != nil || it == nil {
		return intlog.Link{}, false, within("Link", err)
	}
	l, err := readLink(it)
	return l, err == nil, within("Link", err)
}

// readLink reads a link; the zero value of no item.
func readLink(it item) (intlog.Link, error) {
	var l intlog.Link
	if it == nil {
		return l, nil
	}
	_, err := unpack(it, &l)
	return l, err
}

// PutLink stores a link unless its key or its id is linked otherwise: then fault.Conflict, and the link that the key has, if any. Errors:
// fault.Unavailable, too.
func (s *Store) PutLink(ctx context.Context, at org.Company, l intlog.Link) (intlog.Link, error) {
	stored, err := s.link(ctx, at, intlog.Link{}, l)
	if fault.Is(err, fault.Stale) {
		if stored.ID == l.ID {
			return stored, nil
		}
		err = fault.New(fault.Conflict, "It is linked to another name already.")
	}
	return stored, within("PutLink", err)
}

// Relink replaces a link that has the revision ifRev, and counts that in the configuration, together. Errors: fault.Stale, with the stored link;
// fault.Conflict, fault.NotFound without a configuration, fault.Unavailable.
func (s *Store) Relink(ctx context.Context, at org.Company, l intlog.Link, ifRev int64) (intlog.Link, error) {
	it, err := s.get(ctx, linkKey(at, l.Kind, l.Key), true)
	if err != nil {
		return intlog.Link{}, within("Relink", err)
	}
	stored, err := readLink(it)
	if err == nil && stored.Rev != ifRev {
		err = stale()
	}
	if err != nil {
		return stored, within("Relink", err)
	}
	counted, err := s.countRelink(at.Org)
	if err != nil {
		return stored, within("Relink", err)
	}
	stored, err = s.link(ctx, at, stored, l, counted)
	if fault.Is(err, fault.NotFound) {
		err = noOrganisation(at.Org)
	}
	return stored, within("Relink", err)
}

// countRelink is the write that counts a relink in the configuration, whose revision it moves as any change does.
func (s *Store) countRelink(id string) (types.TransactWriteItem, error) {
	more := expression.Add(expression.Name(attrRelinks), expression.Value(1)).Add(expression.Name(attrRev), expression.Value(1))
	e, err := expression.NewBuilder().WithUpdate(more).WithCondition(expression.Name(attrPK).AttributeExists()).Build()
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: configKey(id).item(), UpdateExpression: e.Update(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
	}}, defect(err)
}

func stale() error {
	return fault.New(fault.Stale, "Somebody changed this link since you looked. Look at it again.")
}

// link stores a link in the place of an old one (none: the zero value), whose id becomes free, and whatever is written with it: one transaction. It
// answers fault.Stale with the link that is there when that is not the old one any more, fault.Conflict when the id is another's, and fault.NotFound when
// what is written with it is refused.
func (s *Store) link(ctx context.Context, company org.Company, old, l intlog.Link, with ...types.TransactWriteItem) (intlog.Link, error) {
	l.Rev = old.Rev + 1
	mine := token()
	writes, err := s.linking(company, old, l, mine)
	if err != nil {
		return intlog.Link{}, err
	}
	reasons, done, err := s.transact(ctx, append(writes, with...)...)
	switch {
	case err != nil:
		return intlog.Link{}, err
	case done, bytes.Equal(octetsOf(reasons[0].Item, attrWrite), mine): // the second: its answer was lost
		return l, nil
	case unmet(reasons[0]):
		stored, err := readLink(reasons[0].Item)
		if err != nil {
			return stored, err
		}
		return stored, stale()
	case unmet(reasons[1]):
		return intlog.Link{}, fault.New(fault.Conflict, "That name is linked to something else already.")
	case slices.ContainsFunc(reasons[len(writes):], unmet):
		return intlog.Link{}, fault.New(fault.NotFound, "There is nothing to link in.")
	}
	return intlog.Link{}, stale() // the old id is not what was read
}

// linking is the writes of a link: by its key, by its id, and the old id's end.
func (s *Store) linking(company org.Company, old, l intlog.Link, mine []byte) ([]types.TransactWriteItem, error) {
	blob, err := s.pack(nil, l)
	if err != nil {
		return nil, err
	}
	byKey, byID := linkKey(company, l.Kind, l.Key).item(), linkedKey(company, l.Kind, l.ID).item()
	byKey[attrRev], byKey[attrBlob], byKey[attrWrite] = number(l.Rev), octets(blob), octets(mine)
	byID[attrLinked] = text(l.Key)
	if !keyOf(byKey).names() || !keyOf(byID).names() {
		return nil, fault.New(fault.TooLarge, "An identifier is too long.")
	}
	same := expression.Name(attrLinked).Equal(expression.Value(l.Key))
	first, err := s.putting(byKey, at(old.Rev))
	if err != nil {
		return nil, err
	}
	second, err := s.putting(byID, absent().Or(same))
	if err != nil {
		return nil, err
	}
	writes := []types.TransactWriteItem{first, second}
	if old.ID == "" || old.ID == l.ID {
		return writes, nil
	}
	e, err := where(same)
	return append(writes, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &s.table, Key: linkedKey(company, old.Kind, old.ID).item(),
		ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
	}}), err
}

// Links lists a company's links of a kind by their keys, after one. Errors: fault.Unavailable.
func (s *Store) Links(ctx context.Context, at org.Company, kind journal.NameKind, after string, limit int) ([]intlog.Link, error) {
	all := linksOf(at, kind)
	q := query{pk: orgPK(at.Org), from: all + separator, to: before(all), limit: limit}
	if after != "" {
		q.from = linkKey(at, kind, after).sk + "\x00" // the next possible key
	}
	rows, err := s.rows(ctx, q)
	if err != nil {
		return nil, within("Links", err)
	}
	links := []intlog.Link{}
	for _, it := range rows {
		l, err := readLink(it)
		if err != nil {
			return nil, within("Links", err)
		}
		links = append(links, l)
	}
	return links, nil
}
