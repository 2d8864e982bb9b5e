package dynamo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/rules"
)

// entryBlob is an entry as its blob has it: the same fields as intlog.Entry, which the conversions below hold it to, under names that stay when Go's
// change. What is left out is in attributes of the item, or the raw bytes of the blob.
type entryBlob struct {
	intlog.Key `json:"-"`
	Rev        int64        `json:"-"`
	State      intlog.State `json:"-"`
	Hash       string       `json:"hash,omitzero"`
	Data       []byte       `json:"-"`

	Cause    []rules.Problem  `json:"cause,omitzero"`
	Why      string           `json:"why,omitzero"`
	Sentence string           `json:"sentence,omitzero"`
	Warnings []string         `json:"warnings,omitzero"`
	Until    time.Time        `json:"until,omitzero"`
	DueAt    time.Time        `json:"-"`
	Lease    time.Time        `json:"lease,omitzero"`
	Polls    int              `json:"polls,omitzero"`
	N        int              `json:"n,omitzero"`
	Postings []intlog.Posting `json:"postings,omitzero"`
	Config   int64            `json:"config,omitzero"`
	Choices  rules.Choices    `json:"choices,omitzero"`

	Created   time.Time    `json:"created,omitzero"`
	Kind      string       `json:"kind,omitzero"`
	Reference string       `json:"reference,omitzero"`
	Case      string       `json:"case,omitzero"`
	CaseNo    string       `json:"caseNo,omitzero"`
	Name      string       `json:"name,omitzero"`
	Branch    string       `json:"branch,omitzero"`
	Date      date.Date    `json:"date,omitzero"`
	Amount    money.Cents  `json:"amount,omitzero"`
	Page      passare.Page `json:"page,omitzero"`

	Attempts []intlog.Attempt `json:"attempts,omitzero"`
	History  []intlog.Step    `json:"history,omitzero"`
}

func (s *Store) entryItem(e intlog.Entry) (item, error) {
	blob, err := s.pack(e.Data, entryBlob(e))
	if err != nil {
		return nil, err
	}
	it := entryKey(e.Key).item()
	it[attrRev], it[attrState], it[attrBlob] = number(e.Rev), text(string(e.State)), octets(blob)
	it[attrLogPK], it[attrLogSK] = text(orgPK(e.Org)), text(logPlace(e))
	switch {
	case !e.DueAt.IsZero():
		it[attrDue] = text(stamp(e.DueAt))
		it[attrWorkPK], it[attrWorkSK] = text(duePK(shardOf(e.Org))), text(dueSK(e.Key, e.DueAt))
	case inWork(e.State):
		it[attrWorkPK], it[attrWorkSK] = text(tabPK(e.Org, e.State.Tab())), text(place(intlog.MarkOf(e)))
	}
	if e.Stuck() {
		it[attrStuckPK], it[attrStuckSK] = text(tabPK(e.Org, e.Tab())), text(place(intlog.MarkOf(e)))
	}
	if e.State == intlog.Held {
		it[attrPage] = text(pageOf(e.Case, e.Page))
	}
	return it, nil
}

// inWork says whether a state waits for a person, so that the work index lists it. What is done is in the log index alone.
func inWork(s intlog.State) bool { return s.Tab() != "" && s != intlog.Synced }

func readEntry(it item) (intlog.Entry, error) {
	var b entryBlob
	raw, err := unpack(it, &b)
	if err != nil {
		return intlog.Entry{}, err
	}
	e := intlog.Entry(b)
	if e.Key, err = readEntryKey(keyOf(it)); err != nil {
		return intlog.Entry{}, err
	}
	if e.DueAt, err = timeOf(it, attrDue); err != nil {
		return intlog.Entry{}, err
	}
	e.Data, e.Rev, e.State = raw, numberOf(it, attrRev), intlog.State(textOf(it, attrState))
	return e, nil
}

func noEntry() error { return fault.New(fault.NotFound, "There is no entry of that id.") }

// Create stores an entry unless its key exists; then it answers the stored one and false. mentions are stored before the entry is. Errors: fault.TooLarge,
// fault.Unavailable.
func (s *Store) Create(ctx context.Context, e intlog.Entry, mentions []passare.Ref) (intlog.Entry, bool, error) {
	stored, created, err := s.create(ctx, e, mentions)
	return stored, created, within("Create", err)
}

func (s *Store) create(ctx context.Context, e intlog.Entry, mentions []passare.Ref) (intlog.Entry, bool, error) {
	it, err := s.entryItem(e)
	if err != nil {
		return e, false, err
	}
	if len(mentions) > 0 {
		// A repeat writes no mention again, and other data under a known version writes none at all.
		if stored, err := s.get(ctx, entryKey(e.Key), true); err != nil || stored != nil {
			return known(stored, err)
		}
		if err := s.mention(ctx, e.Key, mentions); err != nil {
			return e, false, err
		}
	}
	stored, done, err := s.put(ctx, it, absent())
	if err != nil || !done {
		return known(stored, err)
	}
	e, err = readEntry(it) // a copy: it shares nothing with the caller's
	return e, true, err
}

// known is the answer for an entry that was there before.
func known(stored item, err error) (intlog.Entry, bool, error) {
	if err != nil {
		return intlog.Entry{}, false, err
	}
	e, err := readEntry(stored)
	return e, false, err
}

// mostWritten is how many items DynamoDB takes in one request.
const mostWritten = 25

// mention stores that a record speaks of others.
func (s *Store) mention(ctx context.Context, by intlog.Key, of []passare.Ref) error {
	var writes []types.WriteRequest
	seen := map[passare.Ref]bool{}
	for _, m := range of {
		if !seen[m] {
			seen[m] = true
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: mentionKey(by.Org, m, by.Record).item()}})
		}
	}
	for some := range slices.Chunk(writes, mostWritten) {
		if err := s.writeSome(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) writeSome(ctx context.Context, writes []types.WriteRequest) error {
	for try := range maxTries {
		out, err := s.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.table: writes}})
		if err != nil {
			return failed(err)
		}
		if writes = out.UnprocessedItems[s.table]; len(writes) == 0 {
			return nil
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
	return contended()
}

// Entry reads one entry, consistently. Errors: fault.NotFound, fault.Unavailable.
func (s *Store) Entry(ctx context.Context, k intlog.Key) (intlog.Entry, error) {
	it, err := s.get(ctx, entryKey(k), true)
	if err == nil && it == nil {
		err = noEntry()
	}
	if err != nil {
		return intlog.Entry{}, within("Entry", err)
	}
	e, err := readEntry(it)
	return e, within("Entry", err)
}

// Record reads every version of a record and every undo, oldest first, and the records that mention it: one consistent query. Errors: fault.Unavailable.
func (s *Store) Record(ctx context.Context, id string, ref passare.Ref) (intlog.Record, error) {
	rows, err := s.rows(ctx, query{pk: recordPK(id, ref), consistent: true})
	if err != nil {
		return intlog.Record{}, within("Record", err)
	}
	var r intlog.Record
	for _, it := range rows {
		if parts := split(textOf(it, attrSK)); parts[0] == mentionPart && len(parts) == 3 {
			r.MentionedBy = append(r.MentionedBy, passare.Ref{Type: passare.RecordType(parts[1]), ID: parts[2]})
			continue
		}
		e, err := readEntry(it)
		if err != nil {
			return intlog.Record{}, within("Record", err)
		}
		r.Entries = append(r.Entries, e)
	}
	return r, nil
}

// Update stores an entry if its revision is the stored one, and gives it the next. Errors: fault.Conflict, with the stored entry; fault.NotFound,
// fault.TooLarge, fault.Unavailable.
func (s *Store) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	stored, err := s.replace(ctx, e)
	return stored, within("Update", err)
}

func (s *Store) replace(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	next := e
	next.Rev++
	it, err := s.entryItem(next)
	if err != nil {
		return e, err
	}
	stored, done, err := s.put(ctx, it, expression.Name(attrRev).Equal(expression.Value(e.Rev)))
	switch {
	case err != nil:
		return e, err
	case done:
		return readEntry(it)
	case stored == nil:
		return e, noEntry()
	}
	other, err := readEntry(stored)
	if err != nil {
		return e, err
	}
	return other, fault.New(fault.Conflict, "Somebody changed this entry at the same time. Look at it again.")
}

// Postpone moves an entry's due time, and nothing else, if it is still seen. Errors: fault.Conflict, fault.Unavailable.
func (s *Store) Postpone(ctx context.Context, k intlog.Key, seen, to time.Time) error {
	move := expression.Set(expression.Name(attrDue), expression.Value(stamp(to))).Set(expression.Name(attrWorkSK), expression.Value(dueSK(k, to)))
	_, done, err := s.update(ctx, entryKey(k), move, attrMove, expression.Name(attrDue).Equal(expression.Value(stamp(seen))))
	if err == nil && !done {
		err = fault.New(fault.Conflict, "The entry is due at another time.")
	}
	return within("Postpone", err)
}

// Due lists entries whose due time is not after now, in turns: the longest due of each organisation, then the second of each, and so on; each of one
// organisation at most, and most in all. How far it looks: package dynamo, Due. Errors: fault.Unavailable.
func (s *Store) Due(ctx context.Context, now time.Time, most, each int) ([]intlog.Entry, error) {
	var rows []item
	for shard := range uint32(shards) {
		some, err := s.dueRows(ctx, query{index: workIndex, pk: duePK(shard), to: before(stamp(now))})
		if err != nil {
			return nil, within("Due", err)
		}
		rows = append(rows, intlog.InTurns(some, orgOfRow, most, each)...) // an organisation is in one shard, so this leaves out nothing that is wanted
	}
	slices.SortFunc(rows, func(a, b item) int { return cmp.Compare(textOf(a, attrWorkSK), textOf(b, attrWorkSK)) })
	due, err := s.entries(ctx, intlog.InTurns(rows, orgOfRow, most, each))
	if err != nil {
		return nil, within("Due", err)
	}
	due = slices.DeleteFunc(due, func(e intlog.Entry) bool { return e.DueAt.IsZero() || e.DueAt.After(now) }) // the index is a moment behind
	slices.SortFunc(due, func(a, b intlog.Entry) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), intlog.MarkOf(a).Compare(intlog.MarkOf(b)))
	})
	return intlog.InTurns(due, func(e intlog.Entry) string { return e.Org }, most, each), nil
}

// How many rows of a shard are looked at: past 10,000 of one organisation, with some room, from the longest due on. When there are more, those that have
// become due last are looked at, too: each entry was among them in the minute in which it became due, however many are due for longer.
const (
	longestDue = 12_000
	newestDue  = 2_000
)

// dueRows reads the rows of a shard, the longest due first.
func (s *Store) dueRows(ctx context.Context, q query) ([]item, error) {
	q.limit = longestDue
	rows, err := s.rows(ctx, q)
	if err != nil || len(rows) < longestDue {
		return rows, err
	}
	q.from, q.newest, q.limit = textOf(rows[len(rows)-1], attrWorkSK)+separator, true, newestDue // what begins with this key and a separator is an undo, which comes after it
	newest, err := s.rows(ctx, q)
	slices.Reverse(newest)
	return append(rows, newest...), err
}

// orgOfRow is the organisation of an entry's row; empty if it is no entry's.
func orgOfRow(row item) string {
	k, err := readEntryKey(keyOf(row))
	if err != nil {
		return ""
	}
	return k.Org
}

// entries reads the entries of rows.
func (s *Store) entries(ctx context.Context, rows []item) ([]intlog.Entry, error) {
	items, err := s.fetch(ctx, rows)
	if err != nil {
		return nil, err
	}
	var list []intlog.Entry
	for _, it := range items {
		e, err := readEntry(it)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

const allTab = "all"

// List lists entries of a tab, newest first, after the one named by after (none: from the newest). Errors: fault.Unavailable.
func (s *Store) List(ctx context.Context, id, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error) {
	list, err := s.list(ctx, id, tab, after, limit, newestFirst)
	return list, within("List", err)
}

// ListOldest lists entries of a tab, oldest first, after the one named by after (none: from the oldest). Errors: fault.Unavailable.
func (s *Store) ListOldest(ctx context.Context, id, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error) {
	list, err := s.list(ctx, id, tab, after, limit, oldestFirst)
	return list, within("ListOldest", err)
}

// order is that of a list.
type order bool

const (
	newestFirst order = true
	oldestFirst order = false
)

func (s *Store) list(ctx context.Context, id, tab string, after intlog.Mark, limit int, o order) ([]intlog.Entry, error) {
	q := query{index: workIndex, pk: tabPK(id, tab)}
	if tab == allTab || tab == intlog.Synced.Tab() {
		q.index, q.pk = logIndex, orgPK(id)
	}
	list, err := s.listOf(ctx, q, tab, after, limit, o)
	if err != nil || tab != intlog.Failed.Tab() {
		return list, err
	}
	stuck, err := s.listOf(ctx, query{index: stuckIndex, pk: tabPK(id, tab)}, tab, after, limit, o)
	if err != nil {
		return nil, err
	}
	return o.first(append(list, stuck...), limit), nil
}

// listOf lists the entries of a tab that an index has.
func (s *Store) listOf(ctx context.Context, q query, tab string, after intlog.Mark, limit int, o order) ([]intlog.Entry, error) {
	q.newest, q.limit = bool(o), limit
	if after != (intlog.Mark{}) {
		o.goOn(&q, place(after))
	}
	list := []intlog.Entry{}
	for len(list) < limit {
		rows, err := s.rows(ctx, q)
		if err != nil {
			return nil, err
		}
		entries, err := s.entries(ctx, rows)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if tab == allTab || e.Tab() == tab {
				list = append(list, e)
			}
		}
		if len(rows) < q.limit {
			break
		}
		_, sk := indexes(q.index)
		o.goOn(&q, textOf(rows[len(rows)-1], sk))
		q.limit = min(2*q.limit, mostFetched)
	}
	return list[:min(len(list), limit)], nil
}

// goOn makes a query go on after a place. What stands right after it in an index, its undo, comes after the separator (keys.go).
func (o order) goOn(q *query, place string) {
	if o == newestFirst {
		q.to = place
		return
	}
	q.from, q.to = place+separator, last
}

// first gives the first of entries, each once: one that moves while two indexes are read may be in both.
func (o order) first(entries []intlog.Entry, limit int) []intlog.Entry {
	slices.SortFunc(entries, func(a, b intlog.Entry) int {
		if o == newestFirst {
			a, b = b, a
		}
		return intlog.MarkOf(a).Compare(intlog.MarkOf(b))
	})
	entries = slices.CompactFunc(entries, func(a, b intlog.Entry) bool { return a.Key == b.Key })
	return entries[:min(len(entries), limit)]
}

// HeldOn lists the entries of a case's page that wait for its button, in version order. Errors: fault.Unavailable.
func (s *Store) HeldOn(ctx context.Context, id, caseID string, page passare.Page) ([]intlog.Entry, error) {
	rows, err := s.rows(ctx, query{index: workIndex, pk: tabPK(id, intlog.Held.Tab()), page: pageOf(caseID, page)})
	if err != nil {
		return nil, within("HeldOn", err)
	}
	held, err := s.entries(ctx, rows)
	if err != nil {
		return nil, within("HeldOn", err)
	}
	held = slices.DeleteFunc(held, func(e intlog.Entry) bool { return e.State != intlog.Held })
	slices.SortFunc(held, func(a, b intlog.Entry) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), intlog.MarkOf(a).Compare(intlog.MarkOf(b)))
	})
	return held, nil
}
