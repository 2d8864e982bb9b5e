// Package simulate runs the whole product in virtual time, among everything that may go wrong, and says whether the books are right in the end.
//
//	Passare ──events, repeated, re-ordered, edited──▶ intake ──┐             people: Sync, delete and restore, undo, mapping, auto-sync, disconnect, reconnect
//	                                                           ▼                                      │
//	           retrying, each minute ──────────────▶ queue that loses, doubles, delays     ◀──────────┘
//	                                                           │ several workers of an organisation at once
//	                                                           ▼
//	   store (memory, with a lagging index) ◀── posting.Worker, matching ──▶ qbo.Client ──▶ an unruly network ──▶ qbosim
//	                                                                             │                                  ▲
//	   secrets and leases (memory) ◀──────────────────────────────────────── grant.Keeper ──▶ an unruly network ────┘ its sign-in
//
// Real are intake, posting, retrying, review, matching, grant's keeper, lease, the store in memory, the clients of QuickBooks and of its sign-in, and
// their simulator. Simulated are the processes, which die before and after any call to something outside, the queue, the network, and clocks that differ.
// The rates of faults are the constants in world.go. Access tokens end at least once in a schedule; refresh tokens are replaced at each refresh, after a
// day, or never, and one that is used twice, or twice at once, ends the grant. What a person then does is a new consent.
//
// A schedule is a seed: the same seed takes the same steps in every run. Run belongs into a bubble of testing/synctest. What must hold after calm is
// computed from what Passare sent (oracle.go), never from our log, but for two things: which versions a person had released, and which undone.
//
// It must hold: nothing is lost, doubled or unbalanced, by record, date (a check: month) and account; an amount stands on the account where it first
// stood; each family has one customer, and none is made in vain; every entry is settled, or visibly waits for a reason. An organisation has one refresh
// under way at a time; an older token never overwrites a newer one; Intuit refuses only what was revoked, or what was replaced by a token that went with a
// process or an answer.
//
//	go test ./internal/simulate -schedules=10000 -deaths=3 -bugs    T1, T2 and T3, as make test runs them
//	go test ./internal/simulate -run Schedules -seed=725           the story of one schedule, step by step
//	make sim N=100000 SEED=1                                        many schedules
//
// # Deaths
//
// T2 is a death at every step, before its effect and after it, at every two and at every three. Between two effects of a process it does not matter
// when it dies: what it read in between dies with it (a read takes no time in T2). So only one of these deaths is run, and a test compares them.
//
//	                                   runs with up to two and three deaths
//	a payment, deleted                   204   1,394
//	a contract, unsigned                 204   1,394
//	a payment                            208   2,761
//	a payment, undone                    358   5,039
//	a contract, undone                   358   5,039
//	a payment, moved to another date     363   5,180
//	a contract, signed again             365   5,215
//
// # Seeded bugs
//
// The tests test themselves: each of these mistakes is seeded between the product and the world (bugs_test.go), and must be found. The third column is how
// many schedules that took when this was written; "T2" are lives without other faults, with stand-stills at each step or a QuickBooks that is as late as it
// may be, which are tried after 100 schedules. More than 1,000 fails the test.
//
//	the probe is skipped                                                   §2 row 15           2
//	one requestid is kept after a certain refusal                          §5                  5
//	a posting's number is used again                                       §1                  5
//	6000 "unexpected error" is taken for certain                           §5                  25
//	an answer that was lost is taken for a refusal                         §2 row 18           7
//	a request without an answer is taken for done                          §2 row 18           4
//	429 is swallowed                                                       §2 row 20           6
//	a reversal is derived again from today's mapping                       §5                  45
//	the worker judges by when the entry was due                            §5                  161
//	a change frees entries without sweeps                                  §5                  19
//	a numbered name is taken after 6240 with nothing seen                  §5                  25
//	an unapproved newer version supersedes an approved one                 §5                  6
//	posted is what entries that are synced have                            §5                  57
//	a claim is conditional on the state instead of the revision            §5                  T2, step 46 of a payment, moved to another date, retried meanwhile
//	whoever writes last wins                                               §1                  9
//	a version is claimed while an older one is being posted                §5                  1
//	a version that changes nothing leaves the older ones on their way      §2 row 10           T2, step 10 of a contract, unsigned
//	what was undone counts again once the undo is in QuickBooks            §2 row 24           196
//	settings are read once, before the claim                               §5                  38
//	a batch is woken by its members instead of asking                      §5                  10
//	a lease of 45 s                                                        §5                  42
//	a lease of 90 s                                                        §5                  62
//	a lease of 150 s                                                       §5                  T2, a contract, signed again, late
//	a throttled re-send is dropped to waiting                              §5                  2
//	an event is acknowledged before it is stored                           README, Guarantees  9
//	an event's version is not looked for before it is stored               §2 row 1            6
//	what is held is posted                                                 §1 States           11
//	the queue is relied on: nothing is due by itself                       §2 row 4            1
//	what is being posted is never looked at again                          §2 row 13           1
//	a name is linked to two cases                                          matching            2
//	refreshes do not wait for each other                                   §2, Tokens          60
//	a refresh lease shorter than the function                              §5                  85
//	a refreshed token is stored whatever is there                          §2, Tokens          223
//
// Traps of protocol.md §5 that no wrapper can make: names matched after the claim (the order is inside the worker; a claim that is sent too late is
// what the leases above stand for), a lease that is given back though nothing was answered (package lease's tests), a refusal of an old grant that is noted
// after reconnecting, and those of another company (posting's tests). What fifty workers do to one grant is in package grant's schedules.
//
// # Naive connectors
//
// Through the same schedules, with the same store, names, rules, queue and retries (naive_test.go): wrong books in how many of 200.
//
//	read, post, mark                  163
//	look up by number, post, mark     147
//	ours                                0
//
// Not simulated: a consent's way through the browser, and the daily look at grants that nobody uses (package grant), reads that DynamoDB
// answers in part (package dynamo), close dates and the cut-over (packages rules and posting).
package simulate
