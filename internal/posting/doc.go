// Package posting is the protocol that gets an entry into QuickBooks once: whatever crashes, repeats or
// comes late. Its table, constants and accepted limits are protocol.md beside this file; the numbers in
// this package's comments are rows of that table.
//
//	read config and the whole record ─▶ plan ─▶ match names ─▶ supersede older versions
//	                                     │                             │
//	             excluded, unchanged,    │                             ▼
//	             waiting, failed   ◀─────┘              claim: number, lines, requestid stored
//	                                                                   │
//	                             re-validate: config unchanged, young enough
//	                                                                   │
//	   lease over: re-claim, probe by DocNumber, adopt ─▶ send what is still unknown ─▶ record
//
// All entries of a message go this way together: each is planned and claimed by itself, QuickBooks is asked once, and up to MaxBatch postings go out by
// one request (round).
//
// Guarantees: a posting's identity is stored before the first send; after an uncertain outcome nothing
// is sent before the lease is over and QuickBooks was asked; a write is conditional on the revision
// that was read, so of two workers one stops; a record's versions are planned against everything that
// QuickBooks has accepted of it, so that late and repeated ones bring the same books.
//
// An older version that comes late is not dropped while a newer one is on its way: the newer one's worker
// may have read the record before. It waits until the newer one is settled, and then posts what is still
// missing, usually nothing.
//
// A batch that was processed again lets go of what it has banked by a claim of its own, when a member's change waits for that; its entry is then planned
// again (protocol.md, Making way).
//
// Failure handling: an error that QuickBooks gives for certain closes the posting; the next attempt is
// another posting with another number. An outcome that is unknown writes nothing: the entry stays
// posting, its lease ends, and the next claim asks QuickBooks.
package posting
