package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/org"
)

// attemptKept is how long an attempt to connect is kept after its end.
const attemptKept = 24 * time.Hour

// PutAttempt keeps an attempt to connect; DynamoDB removes it some days after its end. Errors: fault.Conflict for an id that was used, fault.Unavailable.
func (s *Store) PutAttempt(ctx context.Context, a grant.Attempt) error {
	blob, err := s.pack(nil, a)
	if err != nil {
		return within("PutAttempt", err)
	}
	it := attemptKey(a.ID).item()
	it[attrBlob], it[attrExpiry] = octets(blob), number(attemptEnds(a))
	_, done, err := s.put(ctx, it, absent())
	if err == nil && !done {
		err = fault.New(fault.Conflict, "This attempt was begun before. Start again.")
	}
	return within("PutAttempt", err)
}

// TakeAttempt reads an attempt and marks it as taken, so that of two callers one gets it. It stays until it expires: a taker whose answer was lost finds its
// own mark. Errors: fault.NotFound, fault.Unavailable.
func (s *Store) TakeAttempt(ctx context.Context, id string) (grant.Attempt, error) {
	var a grant.Attempt
	free := expression.Name(attrPK).AttributeExists().And(expression.Name(attrTaken).AttributeNotExists())
	it, done, err := s.update(ctx, attemptKey(id), expression.UpdateBuilder{}, attrTaken, free)
	if err == nil && !done {
		err = fault.New(fault.NotFound, "There is no such attempt to connect.")
	}
	if err == nil {
		_, err = unpack(it, &a)
	}
	return a, within("TakeAttempt", err)
}

// Connection reads what people may know of an organisation's grant, consistently; the zero value if it was never connected. Errors: fault.Unavailable.
func (s *Store) Connection(ctx context.Context, id string) (org.Connection, error) {
	it, err := s.get(ctx, connectionKey(id), true)
	if err != nil {
		return org.Connection{}, within("Connection", err)
	}
	c, err := readConnection(it)
	return c, within("Connection", err)
}

// readConnection reads a connection; the zero value of no item.
func readConnection(it item) (org.Connection, error) {
	var c org.Connection
	if it == nil {
		return c, nil
	}
	_, err := unpack(it, &c)
	c.Org, c.Rev = textOf(it, attrLogSK), numberOf(it, attrRev)
	return c, err
}

// PutConnection stores it if the stored one has the revision ifRev (0: if there is none), and gives it the next. Errors: fault.Conflict, with the stored
// one; fault.Unavailable.
func (s *Store) PutConnection(ctx context.Context, c org.Connection, ifRev int64) (org.Connection, error) {
	blob, err := s.pack(nil, c)
	if err != nil {
		return c, within("PutConnection", err)
	}
	c.Rev = ifRev + 1
	it := connectionKey(c.Org).item()
	it[attrRev], it[attrBlob] = number(c.Rev), octets(blob)
	it[attrLogPK], it[attrLogSK] = text(allConnections), text(c.Org)
	stored, done, err := s.put(ctx, it, at(ifRev))
	if err != nil || done {
		return c, within("PutConnection", err)
	}
	if c, err = readConnection(stored); err == nil {
		err = fault.New(fault.Conflict, "Somebody changed the connection at the same time. Look at it again.")
	}
	return c, within("PutConnection", err)
}

// Connections lists connections by organisation, after one. Errors: fault.Unavailable.
func (s *Store) Connections(ctx context.Context, after string, limit int) ([]org.Connection, error) {
	q := query{index: logIndex, pk: allConnections, limit: limit}
	if after != "" {
		q.from, q.to = after+"\x00", "\U0010FFFF"
	}
	rows, err := s.rows(ctx, q)
	if err != nil {
		return nil, within("Connections", err)
	}
	items, err := s.fetch(ctx, rows)
	if err != nil {
		return nil, within("Connections", err)
	}
	var list []org.Connection
	for _, it := range items {
		c, err := readConnection(it)
		if err != nil {
			return nil, within("Connections", err)
		}
		list = append(list, c)
	}
	return list, nil
}

// CompanyOwner says which organisation is connected to a company, consistently; empty: none. Errors: fault.Unavailable.
func (s *Store) CompanyOwner(ctx context.Context, realm string) (string, error) {
	it, err := s.get(ctx, ownerKey(realm), true)
	return textOf(it, attrOwner), within("CompanyOwner", err)
}

// OwnCompany makes a company an organisation's. Errors: fault.Conflict when it is another's, fault.Unavailable.
func (s *Store) OwnCompany(ctx context.Context, at org.Company) error {
	it := ownerKey(at.Realm).item()
	it[attrOwner] = text(at.Org)
	_, done, err := s.put(ctx, it, absent().Or(ownedBy(at.Org)))
	if err == nil && !done {
		err = fault.New(fault.Conflict, "This QuickBooks company is connected to another organisation already.")
	}
	return within("OwnCompany", err)
}

func ownedBy(owner string) expression.ConditionBuilder {
	return expression.Name(attrOwner).Equal(expression.Value(owner))
}

// FreeCompany lets a company go that is the organisation's. Errors: fault.Unavailable.
func (s *Store) FreeCompany(ctx context.Context, at org.Company) error {
	return within("FreeCompany", s.remove(ctx, ownerKey(at.Realm), ownedBy(at.Org)))
}
