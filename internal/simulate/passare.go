package simulate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intake"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/passare"
)

// record is a record of Passare with its life: what is sent of it.
type record struct {
	kind, id string
	family   int // its case
	members  []*record
	versions []version
	accepted map[int64]version // what was answered with 202
}

func (r *record) String() string { return r.kind + "/" + r.id }

func (r *record) ref() passare.Ref { return passare.Ref{Type: passare.RecordType(r.kind), ID: r.id} }

// version is one version of a record, as far as the oracle must know it.
type version struct {
	n           int64
	verb        string
	on, later   date.Date // its fact's date; that of the return
	cents, more money.Cents
	number      string
	twin        bool // other data under a number that was sent before
	soon        bool // sent right after the one before
}

// lives makes the records of an organisation: of two families of one name, so that their customers get in each other's way.
func (w *world) lives(h *house) []*record {
	if w.o.Quiet != "" {
		return quietLives()[w.o.Quiet]
	}
	var records []*record
	add := func(kind string, versions ...version) *record {
		r := &record{kind: kind, id: fmt.Sprint("r", len(records)+1), family: 1 + w.intN(3)/2, accepted: map[int64]version{}}
		for i, v := range versions {
			v.n = int64(i + 1)
			r.versions = append(r.versions, v)
			if w.intN(10) == 0 {
				v.cents, v.twin = v.cents+1, true
				r.versions = append(r.versions, v)
			}
		}
		records = append(records, r)
		return r
	}
	kinds := []int{w.intN(4), w.intN(4)}
	if !h.auto { // the second organisation is a small one
		kinds = kinds[:1]
	}
	for _, kind := range kinds {
		w.add(kind, add)
	}
	if !h.auto {
		records = append(records, w.clicks(h, records)...)
	}
	return records
}

// add adds what a case may have: a payment, a contract, a check, or a batch with two members.
func (w *world) add(kind int, add func(kind string, versions ...version) *record) {
	switch kind {
	case 0:
		add("payment", w.life("created", "updated", "updated", "returned", "deleted")...)
	case 1:
		add("goods_and_services", w.life("signed", "resigned", "sign_date_changed", "unsigned", "resigned")...)
	case 2:
		check := add("check", w.life("printed", "voided", "reprinted", "reprinted")...)
		for i := range check.versions {
			check.versions[i].number = fmt.Sprint(2000 + w.intN(2))
		}
	case 3:
		a, b := add("payment", w.version("created")), add("payment", w.version("created"))
		a.versions, b.versions = a.versions[:1], b.versions[:1]
		deposit := w.version("processed")
		deposit.cents = a.versions[0].cents + b.versions[0].cents
		life := []version{deposit}
		if w.intN(2) == 0 { // taken apart again, and a member is corrected
			undone := deposit
			undone.verb = "unprocessed"
			life = append(life, undone)
			edited := w.version("updated")
			edited.n, edited.cents = 2, a.versions[0].cents+edited.cents
			a.versions = append(a.versions, edited)
			if w.intN(3) > 0 { // and is banked again, often at once
				again := w.version("processed")
				again.cents, again.soon = edited.cents+b.versions[0].cents, w.intN(4) > 0
				life = append(life, again)
			}
		}
		batch := add("batch_payment", life...)
		batch.versions = slices.DeleteFunc(batch.versions, func(v version) bool { return v.twin })
		batch.members = []*record{a, b}
	}
}

// clicks are the clicks on Add to Accounting Export: some time, or never. What is held for ever keeps its batch waiting, so that one's page is clicked.
func (w *world) clicks(h *house, records []*record) []*record {
	var clicks []*record
	banked := slices.ContainsFunc(records, func(r *record) bool { return r.members != nil })
	for _, r := range records {
		page := passare.RecordType(r.kind).Page()
		id := fmt.Sprint("c", r.family, page)
		if page == passare.NoPage || h.clicked[id] || !banked && w.intN(5) == 0 {
			continue
		}
		h.clicked[id] = true
		clicks = append(clicks, &record{
			kind: "accounting_export", id: id, family: r.family, accepted: map[int64]version{}, versions: []version{{n: 1, verb: "added", number: string(page)}},
		})
	}
	return clicks
}

// QuietLives are what may be asked for in T2.
func QuietLives() []string { return slices.Sorted(maps.Keys(quietLives())) }

func quietLives() map[string][]*record {
	one := func(kind string, versions ...version) []*record {
		for i := range versions {
			if versions[i].n = int64(i + 1); versions[i].verb == undone {
				versions[i].n = int64(i)
			}
		}
		return []*record{{kind: kind, id: "r1", family: 1, accepted: map[int64]version{}, versions: versions}}
	}
	march, april := date.Date("2026-03-04"), date.Date("2026-04-05")
	return map[string][]*record{
		"a payment":                        one("payment", version{verb: "created", on: march, cents: 1000}),
		"a payment, moved to another date": one("payment", version{verb: "created", on: march, cents: 1000}, version{verb: "updated", on: april, cents: 1200}),
		"a payment, deleted":               one("payment", version{verb: "created", on: march, cents: 1000}, version{verb: "deleted", on: march, cents: 1000}),
		"a contract, signed again":         one("goods_and_services", version{verb: "signed", on: march, cents: 1000}, version{verb: "resigned", on: april, cents: 1500, more: 500}),
		"a payment, undone":                one("payment", version{verb: "created", on: march, cents: 1000}, version{verb: undone}),
		"a contract, undone":               one("goods_and_services", version{verb: "signed", on: march, cents: 1000, more: 500}, version{verb: undone}),
		"a contract, unsigned":             one("goods_and_services", version{verb: "signed", on: march, cents: 1000}, version{verb: "unsigned", on: march}),
	}
}

// life is one to four versions: the first of the first verb, the others of the others.
func (w *world) life(first string, next ...string) []version {
	life := []version{w.version(first)}
	for range w.intN(4) {
		life = append(life, w.version(next[w.intN(len(next))]))
	}
	return life
}

func (w *world) version(verb string) version {
	on := date.Date("2026-03-01").AddDays(w.intN(60))
	return version{verb: verb, on: on, later: on.AddDays(1 + w.intN(40)), cents: money.Cents(100 * (1 + w.intN(50))), more: money.Cents(w.intN(3) * 500)}
}

// event is a version as Passare sends it (../passare/events.md).
func (h *house) event(r *record, v version) string {
	about := ""
	if r.kind != "check" && r.kind != "batch_payment" {
		about = fmt.Sprintf(`"case":{"id":"c%d","number":"24-000%d","decedent":{"first":"John","last":"Smith"}},`, r.family, r.family)
	}
	if r.kind != "accounting_export" {
		about += `"branch":{"id":"main"},`
	}
	return fmt.Sprintf(`{"specversion":"1.0","id":"evt-%s-%d","source":"/organizations/%s","type":"com.passare.%s.%s","time":"2026-03-04T15:00:00Z",
"data":{"record":{"type":%q,"id":%q,"version":%d},%s"actor":{"id":"u1","name":"Ana Diaz"}%s}}`, r.id, v.n, h.id, r.kind, v.verb, r.kind, r.id, v.n, about, r.fields(v))
}

func (r *record) fields(v version) string {
	switch r.kind {
	case "payment":
		fields := fmt.Sprintf(`,"method":"check","date":%q,"amount":%q`, v.on, v.cents)
		if v.verb == "returned" {
			fields += fmt.Sprintf(`,"returned":{"date":%q,"bank":"operating","fee":"25.00","fee_to_family":"30.00"}`, v.later)
		}
		return fields
	case "goods_and_services":
		if v.verb == "unsigned" {
			return ""
		}
		fields := fmt.Sprintf(`,"signed_on":%q,"total":%q,"items":[{"id":"i1","kind":"service","gl_account":"4000","description":"Services","amount":%q}`, v.on, v.cents+v.more, v.cents)
		if v.more > 0 {
			fields += fmt.Sprintf(`,{"id":"i2","kind":"cash_advance","description":"Flowers","amount":%q}`, v.more)
		}
		return fields + "]"
	case "check":
		return fmt.Sprintf(`,"bank":"operating","number":%q,"date":%q,"payee":{"rolodex_id":"rol-1","name":"Oak Hill"},"lines":[{"kind":"expense","gl_account":"6100","amount":%q}]`, v.number, v.on, v.cents)
	case "batch_payment":
		fields := fmt.Sprintf(`,"bank":"operating","date":%q,"total":%q,"members":[`, v.on, v.cents)
		rest := v.cents // the first member has what the others leave: it is the one that is corrected
		for _, m := range r.members[1:] {
			rest -= m.versions[0].cents
		}
		for i, m := range r.members {
			cents := m.versions[0].cents
			if i == 0 {
				cents = rest
			} else {
				fields += ","
			}
			fields += fmt.Sprintf(`{"record":{"type":"payment","id":%q},"amount":%q,"method":"check"}`, m.id, cents)
		}
		return fields + "]"
	}
	return fmt.Sprintf(`,"page":%q`, v.number)
}

// send has every version of a record sent, some of them repeatedly, mostly in their order, until each was answered.
func (w *world) send(h *house, r *record) {
	if w.o.Quiet != "" {
		w.sendQuietly(h, r)
		return
	}
	at := w.between(0, 10*time.Minute)
	before, orderly := at, w.intN(10) < 6
	for _, v := range r.versions {
		switch {
		case v.soon:
			at = before
		case !orderly:
			at = w.between(0, 20*time.Minute)
		}
		before = at
		for range []int{1, 1, 1, 1, 2, 3}[w.intN(6)] {
			w.spawn(at, func() { w.sendOne(h, r, v) })
		}
		at += w.between(0, []time.Duration{time.Second, 10 * time.Second, 8 * time.Minute, 8 * time.Minute}[w.intN(4)])
	}
}

// sendQuietly sends one version after the other, in half a second or when a process stands still.
func (w *world) sendQuietly(h *house, r *record) {
	for i, v := range r.versions {
		if i == 1 && w.o.Retried {
			w.mu.Lock()
			w.next = func() { w.retried(h, r, v) }
			w.mu.Unlock()
		}
		if i == 1 && w.o.Stall > 0 && !w.o.Retried {
			w.mu.Lock()
			w.next = func() { w.spawn(0, func() { w.happen(h, r, v) }) }
			w.mu.Unlock()
			continue
		}
		w.spawn(time.Duration(i)*500*time.Millisecond, func() { w.happen(h, r, v) })
	}
}

// retried is another worker for a version that one works on already: QuickBooks refuses one of its journal entries, and a person presses Sync.
func (w *world) retried(h *house, r *record, v version) {
	w.mu.Lock()
	w.refusesOne = true
	w.mu.Unlock()
	key := intlog.Key{Org: h.id, Record: passare.Ref{Type: passare.RecordType(r.kind), ID: r.id}, Version: v.n}
	w.spawn(0, func() { w.deliver(intlog.Work{Org: h.id, Entries: []string{key.ID()}}, 1) })
	w.spawn(standsStill-100*time.Millisecond, func() { // so that it is queued when the other one goes on
		if e, err := w.store.Entry(context.Background(), key); err == nil && e.State == intlog.Failed {
			w.sync(key)
		}
	})
}

// happen is a version that comes, or its undo.
func (w *world) happen(h *house, r *record, v version) {
	if v.verb == undone {
		w.undoOnce(h, r, v)
		return
	}
	w.sendOne(h, r, v)
}

// sendOne sends an event until it is answered. Passare gives up only on what is certainly refused.
func (w *world) sendOne(h *house, r *record, v version) {
	for {
		p := w.process("intake")
		var result intake.Result
		ended := p.do(30*time.Second, func() {
			result = intake.New(p.store, p.queue, p.now).Accept(context.Background(), []byte(h.event(r, v)))
		})
		switch {
		case ended && result.Err == nil:
			w.mu.Lock()
			r.accepted[v.n] = v
			w.tally.Events++
			w.mu.Unlock()
			w.tell("Passare", "%s v%d %s %s %s was answered 202", r, v.n, v.verb, v.cents, v.on)
			return
		case ended && fault.Is(result.Err, fault.Conflict):
			w.tell("Passare", "%s v%d with other data was answered 409", r, v.n)
			return
		case ended && fault.Is(result.Err, fault.Invalid):
			w.violated("an event is not taken: %v", result.Err)
			return
		}
		w.pause(w.between(10*time.Second, 2*time.Minute))
	}
}
