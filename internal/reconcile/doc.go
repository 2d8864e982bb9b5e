// Package reconcile proves each night that both books say the same, or says exactly what does not, and why (../rules/accounting.md §11).
//
//	         schedule, a person            webhooks
//	                │                         │ hints
//	                ▼                         ▼
//	┌────────────── run, one of an organisation at a time ──────────────┐
//	│ changes    change data since the last night, ten minutes over     │  QuickBooks: 1 read, 1 more for each 1,000 changes
//	│   or pages all entries, a thousand at a time (full pass)          │              1 for each 1,000 entries
//	│ ours       our entries that no proof has seen, records that wait  │              1 for each 100 that QuickBooks did not tell of
//	│ balances   of the customers that were touched                     │              1 for each 100
//	└──────┬────────────────────────────────────────────────────────────┘
//	       ▼ record by record
//	our postings ── net amounts per place and date ── what QuickBooks has of them
//	       │                                              │
//	       ├─▶ case, customer, day: figures for people    ├─▶ difference, with its class and its sentence
//	       ▼                                              ▼
//	Case, Clearing, Cash advances, Close packet       remedy: noted at the posting as found ─▶ the entry goes its way again,
//	                                                  and the rules plan exactly the difference
//
// # Model
//
// The unit of proof is one record: whatever changes, ours or QuickBooks', touches records, and each of them is compared again whole; its results take the
// place of what was there. So a proof may be begun again, be gone on with by another process, or be done twice. What is known is kept in working papers
// (Papers), small JSON documents of a company's, each under a kind and an id:
//
//	seen        a journal entry as QuickBooks had it last, by its id; what a person accepted of it
//	copies      entries that carry a record's mark and are none of its postings
//	case        what each record of a case comes to: what is owed by three sources, members of clearing accounts, items paid to others
//	customer    a balance and what it is made of: our entries by case, others' entries, what was there before
//	merged      a customer that QuickBooks has merged into another one
//	day         our entries that are dated on it, in sixteen parts
//	difference  by its subject, so that the same one is found again; open ones are listed without the others
//	wait        a record that the next proof looks at whatever changes
//	night       what a proof found; state: where the run is; pass, hint, close
//
// Nothing is written on the way of an entry into QuickBooks: its cost there stays what it is.
//
// # Guarantees
//
// No false alarm: what an answer leaves out is asked for by its id before it is said to be missing; a balance that does not fit is read again after QuickBooks has
// told once more what changed, three times at most, and what moves even then is left to the next night; what was synced in the last ten minutes may not show
// yet. Nothing is overlooked that change data tells of: a journal entry that changed is marked as fresh before its record is proved, and that mark goes when the
// results are written. What change data leaves out is found by the full pass, monthly.
//
// One cause is one difference, and one night one notice (Digest).
//
// A remedy never goes around the engine that posts. It is about what a person looked at (Difference.Seen), and QuickBooks is asked before whether that is
// still so. Done twice it posts once.
//
// Reads of QuickBooks grow with what changed, not with what exists; but for the full pass.
//
// # Failures
//
// A run stops by itself before its process is ended, and says that it is running; whoever called asks again. One that is killed leaves its lease to end, and what it had
// not written is done again; a journal entry may then be counted twice in the night's numbers. QuickBooks is asked three times before it counts as not answering. When it cannot be asked the night is failed and says why, and the next one
// does its work too. More changes than change data tells, or a last night of more than 29 days ago, make it a full pass, which says so.
//
// # Not promised
//
// What customers owed when they were first compared, besides our entries, is taken as right, unless they were made after the first proof. A customer that is
// merged away while its only entry is deleted shows nowhere into whom: the deletion is told, and the case's next entry fails for the missing customer. Change data's own
// delays are QuickBooks'. Descriptions, and how an amount is split into lines, are not compared.
package reconcile
