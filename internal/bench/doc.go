// Package bench measures the product beside what a user would pick instead, in one run, without a network. Its peers are honest small programs: they do what
// most connectors do, and nothing to look bad.
//
//	one organisation's backlog, or many ──▶ ours (Fleet)          ──▶ the simulator at QuickBooks' real limits, in virtual time
//	                                    └─▶ naive, one by one     ──▶      (10 requests a second, 500 and 40 batches a minute, 0.3 s and 1 s an answer)
//	                                    └─▶ naive, in a pool      ──▶
//
// What is compared is counted by the simulator, which does not know who asks: requests, metered reads, refusals for pace, and how often each entry stands in
// the journal. Time is virtual, so that a drain of hours takes seconds and is the same each time for a seed.
//
// Nothing that is deployed imports it.
package bench
