package review

import "github.com/passare/qbo-sync/internal/intlog"

// Possible lists what a person may do with an entry as it is, in the order in which it is offered. It is what a page shows: whether it is still possible is
// decided when it is done. Undo is offered for what is in QuickBooks; whether the entry is the newest of its record, PreviewUndo says.
func Possible(e intlog.Entry) []Action {
	var list []Action
	switch e.State {
	case intlog.Pending:
		list = append(list, Sync)
	case intlog.Failed, intlog.Waiting:
		list = append(list, Retry)
	case intlog.Deleted:
		return append(list, Restore)
	case intlog.Synced:
		return append(list, Undo)
	case intlog.Held, intlog.Queued:
	case intlog.Claimed, intlog.Superseded, intlog.Excluded, intlog.Unchanged:
		return nil
	}
	if !e.Open() && len(e.Standing()) == 0 {
		list = append(list, Delete)
	}
	return list
}
