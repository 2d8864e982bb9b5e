// Package intlog is the Integration log: one entry for each version of each record that Passare sent,
// with a state, one transition table, and everything that happened to it.
//
//	                   ┌────────── held ─────────┐ Add to Accounting Export
//	event ─────────────┼────────── pending ──────┤ a person, or auto-sync
//	                   │                         ▼
//	                   ├───────────────────▶ queued ◀────────────┐
//	                   │                      │  │  └─▶ waiting ─┤ the time has come, or the cause is gone
//	                   │                      │  └────▶ failed ──┘ a person, or the cause is gone
//	                   │                      ▼
//	                   │                   posting ──▶ synced
//	                   │                      └──────▶ failed, waiting
//	                   └─▶ excluded, unchanged      superseded, deleted
//
// Guarantees: a transition that is not in the table cannot be made (Entry.Move); DueAt is set exactly
// while the machine owns the entry (queued, posting, waiting); a posting's number is never used twice.
// An undo is an entry of its own, in the order of its record right after the version that it takes out (Record.Life).
// What each transition needs and writes is ../posting/protocol.md.
package intlog
