package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
)

// The kinds of working papers (see the package's doc).
const (
	statePaper      = "state"
	seenPaper       = "seen"
	copiesPaper     = "copies"
	casePaper       = "case"
	customerPaper   = "customer"
	mergedPaper     = "merged"
	dayPaper        = "day"
	waitPaper       = "wait"
	passPaper       = "pass"
	hintPaper       = "hint"
	differencePaper = "difference"
	nightPaper      = "night"
	closePaper      = "close"
)

// desk has the working papers that a run is at: each is read once, changed in memory, and put back with the others.
type desk struct {
	store Papers
	at    org.Company
	held  map[paperKey]*held
}

type paperKey struct{ kind, id string }

type held struct {
	stored Paper // Rev 0: there is none
	value  any
	put    bool
	drop   bool
	open   bool
}

func newDesk(store Papers, at org.Company) *desk {
	return &desk{store: store, at: at, held: map[paperKey]*held{}}
}

// mostAtOnce is how many papers the store reads or lists at once.
const mostAtOnce = 1000

// take reads papers of a kind, in the order of their ids. One that is not there is blank.
func take[T any](ctx context.Context, d *desk, kind string, ids ...string) ([]*T, error) {
	var missing []string
	for _, id := range ids {
		if _, ok := d.held[paperKey{kind, id}]; !ok {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	for chunk := range slices.Chunk(slices.Compact(missing), mostAtOnce) {
		papers, err := d.store.Papers(ctx, d.at, kind, chunk)
		if err != nil {
			return nil, err
		}
		for _, id := range chunk {
			d.held[paperKey{kind, id}] = &held{stored: Paper{Kind: kind, ID: id}, value: new(T)}
		}
		for _, p := range papers {
			h := &held{stored: p, value: new(T), open: p.Open}
			if err := decode(p, h.value); err != nil {
				return nil, err
			}
			d.held[paperKey{kind, p.ID}] = h
		}
	}
	list := make([]*T, len(ids))
	for i, id := range ids {
		list[i], _ = d.held[paperKey{kind, id}].value.(*T)
	}
	return list, nil
}

func decode(p Paper, value any) error {
	if err := json.Unmarshal(p.Body, value); err != nil {
		return fault.Because(err, fault.Internal, "A working paper of the proof cannot be read.")
	}
	return nil
}

// write writes a paper that a run keeps for itself.
func write(ctx context.Context, d *desk, kind, id string, rev *int64, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fault.Because(err, fault.Internal, "A working paper cannot be written.")
	}
	p, err := d.store.PutPaper(ctx, d.at, Paper{Kind: kind, ID: id, Rev: *rev, Body: body})
	if err == nil {
		*rev = p.Rev
	}
	return err
}

// one reads one paper.
func one[T any](ctx context.Context, d *desk, kind, id string) (*T, error) {
	list, err := take[T](ctx, d, kind, id)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// known says whether a paper that was taken is in the store.
func (d *desk) known(kind, id string) bool { return d.held[paperKey{kind, id}].stored.Rev > 0 }

// put has a paper that was taken written with the next flush.
func (d *desk) put(kind, id string, open bool) {
	h := d.held[paperKey{kind, id}]
	h.put, h.drop, h.open = true, false, open
}

// drop has a paper that was taken removed with the next flush.
func (d *desk) drop(kind, id string) {
	h := d.held[paperKey{kind, id}]
	h.drop, h.put = h.stored.Rev > 0, false
}

// atOnce is how many papers are written at a time.
const atOnce = 8

// flush writes what has changed and lays everything aside; what was taken before must be taken again. What says that something was looked at is written
// last: a process that dies before looks at it again.
func (d *desk) flush(ctx context.Context) error {
	looked := map[string]bool{seenPaper: true, waitPaper: true, hintPaper: true}
	for _, last := range []bool{false, true} {
		if err := d.writeAll(ctx, func(k paperKey) bool { return looked[k.kind] == last }); err != nil {
			return err
		}
	}
	d.held = map[paperKey]*held{}
	return nil
}

// writeAll writes the changed papers that it is about, some at a time.
func (d *desk) writeAll(ctx context.Context, about func(paperKey) bool) error {
	var tasks errgroup.Group
	tasks.SetLimit(atOnce)
	for k, h := range d.held {
		switch {
		case !about(k):
		case h.drop:
			tasks.Go(func() error { return d.store.DropPaper(ctx, d.at, k.kind, k.id) })
		case h.put:
			tasks.Go(func() error { return d.write(ctx, k, h) })
		}
	}
	return tasks.Wait()
}

func (d *desk) write(ctx context.Context, k paperKey, h *held) error {
	body, err := json.Marshal(h.value)
	if err != nil {
		return fault.Because(err, fault.Internal, "A working paper cannot be written.")
	}
	if h.stored.Rev > 0 && h.stored.Open == h.open && bytes.Equal(h.stored.Body, body) {
		return nil
	}
	_, err = d.store.PutPaper(ctx, d.at, Paper{Kind: k.kind, ID: k.id, Rev: h.stored.Rev, Open: h.open, Body: body})
	return err
}

// each lists the papers of a kind after one, in pages, until read says that it has enough.
func each[T any](ctx context.Context, store Papers, at org.Company, kind, after string, open bool, read func(id string, value T) (enough bool)) error {
	for {
		page, err := store.ListPapers(ctx, at, kind, after, mostAtOnce, open)
		if err != nil {
			return err
		}
		for _, p := range page {
			var value T
			if err := decode(p, &value); err != nil {
				return err
			}
			if read(p.ID, value) {
				return nil
			}
			after = p.ID
		}
		if len(page) < mostAtOnce {
			return nil
		}
	}
}
