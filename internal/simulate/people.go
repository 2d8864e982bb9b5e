package simulate

import (
	"context"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/retrying"
	"github.com/passare/qbo-sync/internal/review"
)

const ana = "Ana Diaz"

// people act in an organisation during the storm.
func (w *world) people(h *house) {
	if w.o.Quiet != "" {
		return
	}
	if w.intN(4) == 0 { // paused at the head of the index, whatever is due
		w.spawn(0, func() {
			_ = w.store.Pause(context.Background(), h.id, w.o.Now().Add(w.between(10*time.Minute, storm/2)))
		})
	}
	for range w.intN(5) {
		act := []func(*house){w.syncAny, w.syncAny, w.remap, w.remap, w.switchAutoSync, w.reconnect, w.deleteAndRestore, w.deleteAndRestore}[w.intN(8)]
		w.spawn(w.between(0, storm/2), func() {
			if w.night() {
				return
			}
			w.count(&w.tally.People)
			act(h)
		})
	}
}

// until has a person try something again until it is done.
func (w *world) until(what string, f func(p *process) error) {
	for {
		p := w.process("admin")
		var err error
		ended := p.do(30*time.Second, func() { err = f(p) })
		if ended && err == nil || fault.Is(err, fault.Conflict) && what == "" {
			return
		}
		w.pause(w.between(10*time.Second, time.Minute))
	}
}

// syncAny presses Sync on an entry, whatever it is.
func (w *world) syncAny(h *house) {
	if entries := w.entries(h); len(entries) > 0 {
		w.sync(entries[w.intN(len(entries))].Key)
	}
}

func (w *world) sync(key intlog.Key) {
	w.tell(ana, "presses Sync on %s", key.ID())
	w.until("", func(p *process) error {
		_, _, err := review.New(p.store, p.queue, p.now).Sync(context.Background(), key, nil, ana)
		return err
	})
}

// configure changes an organisation's configuration.
func (w *world) configure(h *house, change func(*org.Config)) {
	w.until("configure", func(p *process) error {
		c, err := p.store.Config(context.Background(), h.id)
		if err != nil {
			return err
		}
		change(&c)
		c.Sweeps = []time.Time{p.now().Add(intlog.SweepSoon), p.now().Add(intlog.SweepLate)}
		_, err = p.store.PutConfig(context.Background(), c, c.Version)
		return err
	})
}

// remap has the deposits stand on the other account from now on.
func (w *world) remap(h *house) {
	w.configure(h, func(c *org.Config) { c.Mapping = remapped(c.Mapping) })
}

func (w *world) switchAutoSync(h *house) {
	w.configure(h, func(c *org.Config) {
		c.Settings.AutoSync = !c.Settings.AutoSync
	})
}

// reconnect: the grant is revoked at Intuit, and some time later somebody connects again.
func (w *world) reconnect(h *house) {
	w.tell("Intuit", "%s revokes the grant", h.id)
	w.revoke(h.realm)
	w.pause(w.between(time.Minute, 15*time.Minute))
	w.connect(h)
}

// connect has a person consent at Intuit until QuickBooks is connected, and lets go what waited. Each time it is a new consent.
func (w *world) connect(h *house) {
	w.tell(ana, "connects %s again", h.id)
	w.until("connect", func(p *process) error {
		if err := p.signIn(); err != nil {
			return err
		}
		tokens, err := p.oauth.Exchange(context.Background(), w.consent(h.realm), back)
		if err != nil {
			return err
		}
		if err := p.keeper.Connect(context.Background(), h.id, h.realm, tokens, false); err != nil {
			return err
		}
		_, err = retrying.New(p.store, p.queue, p.now).Reconnected(context.Background(), h.id)
		return err
	})
	w.count(&w.tally.Connected)
}

// mend: during the storm, too, somebody notices that an organisation is disconnected, sooner or later.
func (w *world) mend() {
	for _, h := range w.houses {
		if w.broken(h) && w.intN(2) == 0 {
			w.spawn(w.between(0, 5*time.Minute), func() {
				if w.broken(h) && !w.night() {
					w.count(&w.tally.People)
					w.connect(h)
				}
			})
		}
	}
}

// broken says whether the product has noted that an organisation's grant is dead.
func (w *world) broken(h *house) bool {
	config, err := w.store.Config(context.Background(), h.id)
	if err != nil {
		w.violated("no configuration: %v", err)
	}
	return !config.BrokenSince.IsZero()
}

// deleteAndRestore is what row 3 of the protocol's table allows: nothing of the entry may be posted or open. It is restored soon, and to the queue, as with auto-sync on.
func (w *world) deleteAndRestore(h *house) {
	entries := w.entries(h)
	if len(entries) == 0 {
		return
	}
	e := entries[w.intN(len(entries))]
	if !intlog.Allowed(e.State, intlog.Deleted) || len(e.Standing()) > 0 || e.Open() || e.State == intlog.Held {
		return
	}
	if !w.move(e, intlog.Deleted) {
		return
	}
	w.pause(w.between(0, 20*time.Second))
	w.restore(e.Key)
}

func (w *world) restore(key intlog.Key) {
	if e, err := w.store.Entry(context.Background(), key); err == nil && e.State == intlog.Deleted {
		w.move(e, intlog.Queued)
	}
}

func (w *world) move(e intlog.Entry, to intlog.State) bool {
	moved, err := e.Move(to, ana, "", w.o.Now())
	if err == nil {
		_, err = w.store.Update(context.Background(), moved)
	}
	w.tell(ana, "moves %s from %s to %s: %v", e.ID(), e.State, to, err)
	return err == nil
}

// tidyUp is a look at the log in calm: what failed is tried again, what waits for review is released, what is disconnected is connected.
func (w *world) tidyUp() {
	for _, h := range w.houses {
		if w.broken(h) {
			w.spawn(0, func() { w.connect(h) })
		}
		for _, e := range w.entries(h) {
			switch {
			case e.State == intlog.Deleted:
				w.restore(e.Key)
			case e.State == intlog.Failed, e.State == intlog.Pending && w.tidy:
				w.spawn(0, func() { w.sync(e.Key) })
			}
		}
	}
}
