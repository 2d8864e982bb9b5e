// Package simulate runs the whole product in virtual time, among everything that may go wrong, and says whether the books are right in the end.
//
//	Passare ──events, repeated, re-ordered, edited──▶ intake ──┐             people: Sync, delete and restore, mapping, auto-sync, disconnect, reconnect
//	                                                          ▼                                      │
//	           retrying, each minute ──────────────▶ queue that loses, doubles, delays     ◀─────────┘
//	                                                          │ several workers of an organisation at once
//	                                                          ▼
//	   store (memory, with a lagging index) ◀── posting.Worker, matching ──▶ qbo.Client ──▶ an unruly network ──▶ qbosim
//
// Real are intake, posting, retrying, review, matching, lease, the store in memory, the client of QuickBooks and its simulator. Simulated are the
// processes, which die before and after any call to something outside, the queue, the network, clocks that differ, and a holder of tokens (package
// grant has schedules of its own). The rates are those of the design: see the constants in world.go.
//
// A schedule is a seed: the same seed takes the same steps in every run. Run belongs into a bubble of testing/synctest. What must hold after calm is
// computed from what Passare sent (oracle.go), never from our log, but for one thing: which versions a person had released.
//
// Tests: T1, schedules; T2, a death at every step and every pair of steps; T3, bugs that were seeded on purpose, each of which must be found
// (bugs_test.go); and two naive connectors beside ours (naive_test.go).
//
// Not simulated: the consent at Intuit and refreshes (package grant), reads that DynamoDB answers in part (package dynamo), close dates and the
// cut-over (packages rules and posting).
package simulate
