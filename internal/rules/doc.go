// Package rules says which journal entries a record must have: a pure function from the record's known
// versions, what is posted of it, the records around it, and the organisation's mapping and settings, to
// the entries that bring QuickBooks to what it should be, or to all problems that stand in the way.
//
//	versions ──legs──▶ desired amounts, each with its date ─┐
//	                                                        ├─ difference ─▶ places ─▶ one entry per date
//	accepted postings ─────────────▶ standing amounts ──────┘                    └───▶ problems, all at once
//
// The rules themselves, row by row, are accounting.md beside this file; every function cites its section.
//
// Guarantees: an entry balances; what comes out depends on the input alone, never on a clock; the same
// versions give the same books in whatever order they arrived, because the plan is always the
// difference to all that is known; a repeat gives nothing; a reversal mirrors the posted lines, never
// today's mapping.
package rules
