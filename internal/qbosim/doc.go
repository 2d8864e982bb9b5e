// Package qbosim simulates QuickBooks Online's Accounting API v3 and its OAuth endpoint over real HTTP, as
// far as quickbooks.md beside this file goes: journal entries, customers, vendors, accounts, classes,
// departments, the query language, requestid, the business rules and the texts of their faults. It is a
// product of its own: any client can be tested against it, and functions/local serves it.
//
//	handler ─▶ scripted faults ─▶ bearer token of that very company ─▶ requestid replay ─▶ operation
//
// Everything is in memory. Time comes from Options.Now. Test switches are under /_sim/ (switches.go).
//
// Guarantees: an entry that is accepted balances and obeys every rule of quickbooks.md; two companies
// share nothing; under a lock, so that every call is atomic. Not simulated yet: batch, change data,
// reports, webhooks, updates of journal entries, throttling, metering.
package qbosim
