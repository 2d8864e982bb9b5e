// Package dynamo is the store on one DynamoDB table: entries, configurations, links, connections, leases, counters, the
// quarantine, the working papers of the proof, and what is a person's own. It answers the same conformance suites (package porttest) as package memory.
//
//	                         ┌ O#org#R#payment#p1 ────────────┐
//	intake ─ Create ────────▶│ V#000000001  entry, version 1  │──┬─▶ log   O#org           created#payment#p1#000000001   (never written again)
//	worker ─ Update (rev) ──▶│ V#000000002  entry, version 2  │  └─▶ work  due#07          dueAt#org#payment#p1#…         while the machine owns it
//	retrier ─ Postpone ─────▶│ M#batch#b1   batch b1 mentions │            O#org#pending   created#payment#p1#…           while a person does
//	                         └────────────────────────────────┘            (none)                                         once it is done
//
// # Items
//
//	item            pk                     sk                       log index (pk · sk)               work index (pk · sk)
//	entry           O#org#R#type#id        V#version                O#org · created#type#id#version   due#shard · dueAt#org#type#id#version, or
//	                                                                (and a mark of its case)          O#org#tab · created#type#id#version
//	undo            O#org#R#type#id        V#version#undo           as an entry: its keys have the undo behind the version
//	mention         O#org#R#type#id        M#type#id
//	configuration   O#org                  config                                                     sweeps#config · first sweep#org
//	flag            O#org                  flag#case#page                                             sweeps#flag · first sweep#org/case#page
//	link, by key    O#org                  link#realm#kind#key
//	link, by id     O#org                  linked#realm#kind#id
//	settings        O#org                  settings#version
//	mapping         O#org                  mapping#realm#version
//	listing         O#org                  listing#realm#list
//	connection      O#org                  connection               connections · org
//	lease           O#org                  lease#thing
//	reservation     O#org                  reserved#thing
//	reads           O#org (sum: O#)        reads#month
//	quarantined     O#org#quarantine       SHA-256 of the body      O#org#quarantine · time#serial
//	  its serials   O#org                  quarantined
//	reply           O#org#P#subject        reply#Idempotency-Key
//	seen            O#org#P#subject        seen
//	paper           O#org#proof#realm      kind#id
//	  its marker    O#org#proof#realm#open kind#id                  (while it is open)
//	owner           company#realm          owner
//	attempt         attempt#id             attempt
//
// Versions have nine digits, undos three, and times nanoseconds in UTC, so that keys are in the order of what they name. A separator inside an identifier is escaped: no
// identifier of one organisation makes a key of another. A paper's id alone stays as it is, since papers are listed in the order of their ids: it is the last
// part of its key, behind the first separator.
//
// An item has what conditions, indexes and people need as attributes (rev, state, due, page, owner, until, open, count), and the rest in one blob: deflated
// against a dictionary, which is kept for ever under its number. An entry of seven lines fits into 1 KB with all that ever happens to it when all goes well. An
// item's blob has at most 390 KB; what is larger is fault.TooLarge.
//
// The index log has keys alone and lists every entry; nothing in a row of it ever changes. The mark in it, eight characters of a hash of the case, is by which
// a case's entries are found without reading those of others (OfCase): an index by case would cost every entry a write unit more. The index work has keys and the case's page. Its tabs are those that
// wait for a person (held, pending, errors); the tab synced is read from log, since most entries are. The index stuck has the rest of errors: entries that
// the machine still has (intlog.Entry.Stuck), whose place in work is among the due ones; few ever get there. Entries that are due share 16 partitions by
// organisation; sweeps, which are few, have one for configurations and one for flags. Whatever an index names is read from the table, and left out when
// it is not there any more.
//
// # Reads
//
//	consistent   Config (intake and the worker decide on it), Entry, Record (what is planned is what is stored), Link and CompanyOwner (a name, a company
//	             must not be given twice), Connection, Reply, Seen, Papers and ListPapers (the proof decides on them); and whatever is read to be changed.
//	             Record shows each version as it is at some moment of the read, and not all at the same one
//	eventual     Flag (its sweeps find what was held at the same moment), counters, Listing, and all other lists: List, OfCase, HeldOn, Due, FlagSweeps,
//	             ConfigSweeps, Links, Connections, Quarantined, SettingsChanges, MappingVersions. What they miss they show a moment later
//
// # Due
//
// Rows of the index are keys alone, about 200 bytes, so that looking past a large organisation is cheap: 10,000 rows are some 250 read units. Of each shard
// 12,000 rows are looked at, from the longest due on. Where there are more, 2,000 from the other end are as well: an entry is there in the minute in which it
// becomes due, so that others are seen as long as not more than 2,000 of one shard became due since the run before. All shards at their bounds would be 5,600
// units, and of each organisation in them its share alone is read from the table.
//
// # Guarantees
//
//   - Every write of an entry is one conditional write of one item, on the revision that was read; a configuration, flag, connection and link the same. Of
//     many writers one wins, and the others get what is stored with fault.Conflict or fault.Stale.
//   - A write whose answer was lost is repeated by the SDK, and its condition fails because of itself. Each write leaves a token of its own; who finds their
//     token has won. When others wrote in between, the token is gone, and a loss is said of a write that was made: whoever reads again sees it. A change that
//     is made of what is stored (Pause, Broken, Mended, sweeps) is then made once more, which changes nothing but the count of grants, whose differences
//     alone have a meaning; a metered read may be counted twice, never not at all.
//   - A link is a transaction of two puts, each "not there or the same"; replacing one frees the old id, and is counted in the configuration, in the same
//     transaction. What is kept of a change of settings or mapping is written in the transaction that changes the configuration.
//   - A paper that becomes open or closed is written in one transaction with its marker. Any other is one conditional put, whose condition has what the stored
//     one says of itself; a paper that turns out to be otherwise is then written by the transaction, on the same revision. A page of open papers is full unless
//     it is the last: those that are closed between their marker and themselves are passed over.
//   - A mention is stored before the entry that mentions.
//   - The quarantine keeps a delivery once, for 90 days, and lists the newest 1,000. An attempt is taken once, and is kept for a day after its end.
//     A reply stands for a day. DynamoDB removes them by their ttl (seconds), some days late at most; whoever takes an attempt or reads a reply looks at
//     its end.
//
// Not promised: lists are a moment behind, so that a page may lack what was stored just now. journal.Name.Number, which is for creating a name, is not kept
// in the lines of a posting.
//
// # Failure handling
//
// The SDK's retries are the client's. When they are used up: throttling, cancelled transactions, faults of DynamoDB and silence are fault.Unavailable (after a
// write it may have happened; every caller's step may be repeated); whatever else is fault.Internal. Of a refusal the cause has the code and the number of the
// request, never its text. Ten tries are made, within 10 s, when others change the same configuration or flag in between, when a transaction of another is in
// the way of a write or a part of a transaction is throttled (the SDK does not repeat these), and when a batch is taken in part; then fault.Unavailable.
//
// # Units
//
// For an item of at most 1 KB, rows of indexes included (measured by a test on the largest event of the golden case, with one posting of seven lines):
//
//	Create                3 write    1 for each record that is mentioned, and 1 read when there are any
//	Config, Record        1 read each
//	Update: claim         1 write    the due time stays, and with it the row of the work index
//	Update: outcome       2 write    the row goes
//	Postpone              3 write
//	Update: to another person's tab, or from one to the machine   3 write
//
// So an entry that goes by itself has 6 write units, and 1 read unit whenever its configuration or record is read. By DynamoDB's price list (DynamoDB Local
// says less): a link is 4 write units, a replaced one 8 (it is counted in the configuration) and 1 read, a lease 1 to take and 1 to give back, a reservation
// 1 and 1 read, a call with an Idempotency-Key 1 and 1 read, what a person reads of the bell 1 and 1 read, a paper 1 and 1 read (4 when it is made open, 5
// when it becomes open or closed, 4 when it is dropped, and 1 read more for each 4 KB of markers), a metered read 2, and looking for what is due, when
// nothing is, 0.5 read units for each of 18 partitions; what is due, 0.025 for each of its rows, and 0.5 for each entry that is taken.
package dynamo
