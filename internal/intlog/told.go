package intlog

import (
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/rules"
)

// Person is who last did something to the entry; who made the event, if nobody has since. What the product did by itself does not count.
func (e Entry) Person() string {
	for _, step := range slices.Backward(e.History) {
		if step.Who != Machine {
			return step.Who
		}
	}
	return ""
}

// ChangedAt is when the entry came into its present state, or was last written in it.
func (e Entry) ChangedAt() time.Time {
	if len(e.History) == 0 {
		return e.Created
	}
	return e.History[len(e.History)-1].At
}

// SyncedAt is when the entry was recorded as being in QuickBooks; zero if it was not.
func (e Entry) SyncedAt() time.Time {
	for _, step := range slices.Backward(e.History) {
		if step.To == Synced {
			return step.At
		}
	}
	return time.Time{}
}

// Foreseeable says whether lines of the entry are still to be planned: it is on no way to QuickBooks yet, or stopped on it.
func (e Entry) Foreseeable() bool {
	switch e.State {
	case Held, Pending, Queued, Waiting, Failed:
		return true
	case Claimed, Synced, Deleted, Superseded, Excluded, Unchanged:
	}
	return false
}

// AfterFix is what happens once a problem is taken away, in one sentence (../posting/protocol.md §2).
func AfterFix(k rules.Kind) string {
	switch k {
	case rules.Data, rules.Choice:
		return "Then click Retry sync: the entry waits for a person."
	case rules.Mapping, rules.Connection, rules.Company:
		return "Then the entry goes by itself."
	case rules.Period, rules.Account, rules.NoName:
		return "Then click Retry sync, or wait: the entry is tried again each night."
	case rules.Member, rules.Transient:
		return "Nothing has to be done: the entry is tried again by itself."
	}
	return ""
}
