// Package bell is what people are told without asking: one notice for each cause that entries wait for, however many wait, and what is to be known of the
// connection. Nothing is stored for it but what each person has read: notices are worked out from the tab Sync errors and from the connection, so that the
// usual entry costs nothing more, and a notice goes with its cause.
//
//	Sync errors (the newest 500) ─ by cause ─┐
//	connection, configuration ───────────────┼─▶ notices, newest first ─▶ read or unread, for each person
//	the newest proof of the books ───────────┤
//	what the person has read ────────────────┘
//
// # What a notice is
//
// A cause is the kind and subject of the first problem of an entry: an account without a mapping, a closed period, the connection. What only this record has
// (a refusal of it, a choice to make) is a cause for each entry. A notice's id is a hash of the organisation and the cause, so that it stays the same while
// entries come and go, and is nobody else's.
//
// A cause begins when the first of its entries failed for it; that nights and saved settings try such an entry again, and it fails again for the same reason,
// does not begin anything. A mark counts for what began before it: a cause that ended and begins anew, or that a person tried again in vain, is another
// notice, and unread.
//
// The nightly proof has one notice, whatever it found. That all agrees counts as read; what differs is unread since its newest difference was found.
//
// Not promised: of more than 500 entries the older ones are not looked at; then the list says so, and counts and sums are "at least". An entry keeps 50 steps
// of history: what has failed each night for weeks may be taken to have begun later than it did, and be unread again.
package bell
