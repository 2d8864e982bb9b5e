package posting_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// deposit is a version of batch b1 with one payment of 5.00, and p1 with an amount.
func deposit(verb string, version int, cents string) string {
	total := map[string]string{"10.00": "15.00", "12.00": "17.00"}[cents]
	return event("batch_payment."+verb, "b1", version, fmt.Sprintf(`"bank":"operating","date":"2026-03-07","total":%q,"members":[`+
		`{"record":{"type":"payment","id":"p1"},"amount":%q,"method":"cash"},{"record":{"type":"payment","id":"p2"},"amount":"5.00","method":"cash"}]`, total, cents))
}

// banked posts both payments and the batch that banks them.
func (h *house) banked() {
	h.t.Helper()
	h.send(event("payment.created", "p1", 1, paid("10.00")))
	h.send(event("payment.created", "p2", 1, paid("5.00")))
	h.work()
	id := h.send(deposit("processed", 1, "10.00"))
	h.work()
	h.is(id, intlog.Synced)
}

// settles lets time pass until nothing of these is the machine's any more, and says how they must stand.
func (h *house) settles(want map[string]intlog.State) {
	h.t.Helper()
	for range 6 {
		h.later(2 * intlog.Lease)
	}
	for id, state := range want {
		h.is(id, state)
	}
}

// deposited says what of batch b1 stands, entry by entry, and what the accounts have.
func (h *house) deposited(bank string, entries ...string) {
	h.t.Helper()
	var got []string
	for _, e := range h.journal() {
		if strings.Contains(e, "bank operating") {
			got = append(got, e)
		}
	}
	if !slices.Equal(got, entries) {
		h.t.Errorf("of the batch stands\n%s\nand must stand\n%s", strings.Join(got, "\n"), strings.Join(entries, "\n"))
	}
	b := h.sim.Balances(realm)
	if b["deposits_clearing"] != 0 || b["card_clearing"] != 0 || b["bank operating"].String() != bank || b["accounts_receivable"] != -b["bank operating"] {
		h.t.Errorf("balances %v, and the bank must have %s", b, bank)
	}
}

const (
	banking   = "2026-03-07 d bank operating 15.00 c deposits_clearing 10.00 c deposits_clearing 5.00"
	unbanking = "2026-03-07 d deposits_clearing 10.00 d deposits_clearing 5.00 c bank operating 15.00"
	corrected = "2026-03-07 d bank operating 17.00 c deposits_clearing 12.00 c deposits_clearing 5.00"
)

// TestABatchThatIsProcessedAgainLetsGoFirst: accounting.md §6 and protocol.md §2, Making way. A member's change waits until the batch lets go, and the
// batch, processed again with that change, waits for the member. When its unprocessing was overtaken, neither may wait for the other for ever.
func TestABatchThatIsProcessedAgainLetsGoFirst(t *testing.T) {
	t.Parallel()
	edit := event("payment.updated", "p1", 2, paid("12.00"))
	undo, again := deposit("unprocessed", 2, "10.00"), deposit("processed", 3, "12.00")
	for name, order := range map[string][]string{
		"the change was waiting":                     {edit, "", undo, again},
		"all come at once":                           {edit, undo, again},
		"all come at once, the change last":          {undo, again, edit},
		"the unprocessing comes last":                {again, edit, "", undo},
		"the change comes late":                      {undo, again, "", edit},
		"the change comes late, nothing was undone":  {again, "", edit, undo},
		"the change comes between":                   {undo, edit, again},
		"one after the other, each posted":           {undo, "", edit, "", again},
		"one after the other, the change comes late": {undo, "", again, "", edit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.banked()
			ids := map[string]string{}
			for _, e := range order {
				if e == "" {
					h.work()
					continue
				}
				ids[e] = h.send(e)
			}
			h.work()
			h.settles(map[string]intlog.State{ids[edit]: intlog.Synced, ids[again]: intlog.Synced})
			if s := h.entry(ids[undo]).State; !s.Settled() {
				t.Errorf("the unprocessing is %s", s)
			}
			h.deposited("17.00", banking, unbanking, corrected)
		})
	}
	run(t, map[string]func(*testing.T, *house){
		"a member that moves to another case lets the batch bank the same amount anew": func(t *testing.T, h *house) {
			h.banked()
			other := john()
			other.id, other.number = "c2", "24-0114"
			moved := h.send(other.of("Mary", "Jones").event("payment.updated", "p1", 2, paid("10.00")))
			h.send(deposit("unprocessed", 2, "10.00"))
			batch := h.send(deposit("processed", 3, "10.00"))
			h.work()
			h.settles(map[string]intlog.State{moved: intlog.Synced, batch: intlog.Synced})
			h.deposited("15.00", banking, unbanking, banking)
		},
		"what was taken back is not the end, though its worker dies before it is noted": func(t *testing.T, h *house) {
			h.banked()
			change := h.send(edit)
			h.work()
			h.script(qbosim.Fault{Kind: "commit_then_drop"})
			h.send(undo)
			batch := h.send(again)
			h.work()
			if e := h.is(batch, intlog.Claimed); !e.Open() {
				t.Errorf("%+v", e.Postings)
			}
			h.settles(map[string]intlog.State{change: intlog.Synced, batch: intlog.Synced})
			h.deposited("17.00", banking, unbanking, corrected)
		},
		"nothing is taken back for a change that the batch does not have": func(t *testing.T, h *house) {
			h.banked()
			change := h.send(edit)
			h.send(undo)
			batch := h.send(deposit("processed", 3, "10.00"))
			h.work()
			h.settles(map[string]intlog.State{change: intlog.Waiting, batch: intlog.Unchanged})
			h.deposited("15.00", banking)
		},
		"nothing is taken back before each member has the amount of the batch": func(t *testing.T, h *house) {
			h.banked()
			change := h.send(edit)
			second := h.send(event("payment.updated", "p2", 2, paid("6.00")))
			h.send(undo)
			batch := h.send(again)
			h.work()
			h.settles(map[string]intlog.State{change: intlog.Waiting, second: intlog.Waiting, batch: intlog.Waiting})
			h.deposited("15.00", banking)
		},
		"an unprocessing that comes while it is made way takes everything back": func(t *testing.T, h *house) {
			h.banked()
			change := h.send(edit)
			h.send(undo)
			batch := h.send(again)
			h.work()
			h.later(intlog.PollMin)
			last := h.send(deposit("unprocessed", 4, "12.00"))
			h.work()
			h.settles(map[string]intlog.State{change: intlog.Synced})
			if a, b := h.entry(batch).State, h.entry(last).State; !a.Settled() || !b.Settled() {
				t.Errorf("they are %s and %s", a, b)
			}
			if b := h.sim.Balances(realm); b["bank operating"] != 0 || b["deposits_clearing"] != 1700 {
				t.Errorf("%v", b)
			}
		},
	})
}
