package simulate

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/review"
)

// undone is the verb of what a person does instead of Passare.
const undone = "undone"

// undoers undo during the storm, in a third of the schedules. Sometimes two of them press the same button, and sometimes one takes it back.
func (w *world) undoers(h *house) {
	if w.o.Quiet != "" || w.o.Seed%3 != 1 {
		return
	}
	for range 1 + w.intN(4) {
		w.spawn(w.between(0, storm*3/4), func() {
			if w.night() {
				return
			}
			key, found := w.undoable(h)
			if !found {
				return
			}
			w.count(&w.tally.People)
			if w.intN(4) == 0 {
				w.spawn(0, func() { w.undo(key) })
			}
			undo, made := w.undo(key)
			if w.intN(3) == 0 && made {
				w.pause(w.between(0, 20*time.Minute))
				w.undo(undo)
			}
		})
	}
}

// undoable gives something that is in QuickBooks. While people tidy up, what a batch has banked stays: its batch would wait for it for ever.
func (w *world) undoable(h *house) (intlog.Key, bool) {
	banked := map[string]bool{}
	for _, r := range h.records {
		for _, m := range r.members {
			banked[m.String()] = w.tidy
		}
	}
	posted := slices.DeleteFunc(w.entries(h), func(e intlog.Entry) bool { return e.State != intlog.Synced || banked[e.Record.String()] })
	if len(posted) == 0 {
		return intlog.Key{}, false
	}
	return posted[w.intN(len(posted))].Key, true
}

// undo has a person undo an entry, until that is answered.
func (w *world) undo(key intlog.Key) (undo intlog.Key, made bool) {
	w.tell(ana, "undoes %s", key.ID())
	w.until("", func(p *process) error {
		e, _, err := review.New(p.store, p.queue, p.now).Undo(context.Background(), key, ana, "Entered twice", nil)
		if err == nil {
			undo, made = e.Key, true
			w.mu.Lock()
			w.undone[e.Key] = true
			w.mu.Unlock()
			w.count(&w.tally.Undos)
		}
		w.tell(ana, "undoes %s by %s: %v", key.ID(), e.ID(), err)
		return err
	})
	return undo, made
}

// undoOnce undoes a version as soon as it is in QuickBooks.
func (w *world) undoOnce(h *house, r *record, v version) {
	key := intlog.Key{Org: h.id, Record: r.ref(), Version: v.n}
	for made := false; !made; w.pause(10 * time.Second) {
		if e, err := w.store.Entry(context.Background(), key); err == nil && e.State == intlog.Synced {
			_, made = w.undo(key)
		}
	}
}

// inForce are the versions up to an entry that no undo has taken out, oldest first: every version that Passare was answered for, and the undos that are in
// the log. Each undo with an odd number takes out what is in force, and the next one of its version brings that back.
func (r *record) inForce(log []intlog.Entry, top intlog.Key) []version {
	var force []version
	taken := map[int64][]version{}
	numbers := slices.Sorted(maps.Keys(r.accepted))
	for _, n := range numbers {
		if n > top.Version {
			break
		}
		force = append(force, r.accepted[n])
		for _, e := range log {
			switch {
			case e.Version != n || e.Undo == 0 || n == top.Version && e.Undo > top.Undo:
			case e.Undo%2 == 0:
				force = taken[n]
			case len(force) > 0:
				force, taken[n] = nil, force
			}
		}
	}
	return force
}
