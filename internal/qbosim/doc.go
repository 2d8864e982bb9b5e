// Package qbosim simulates QuickBooks Online's Accounting API v3 and its OAuth endpoints over real HTTP, as far as quickbooks.md beside this file
// goes: shapes, key order, texts of faults, and the points where QuickBooks is not known for sure as switches. It is a product of its own: any
// client can be tested against it, and functions/local serves it.
//
//	request ─▶ scripted fault? ─▶ bearer token of that very company ─▶ pace and metering ─▶ requestid replay ─▶ operation ─▶ webhooks
//
// An object is one ordered JSON document (object.go), written by the rules of its entity (schema.go, names.go, journalentry.go) and shown with what
// changes by itself: tokens, times, balances, names of references. The ledger is kept from journal entries alone, and the reports are built from it.
//
// Everything is in memory. Time comes from Options.Now. Test switches are under /_sim/ (switches.go), and so is what people do by hand in
// QuickBooks' own screens: entries typed, edited, copied and deleted, customers merged (hand.go). A fault comes from its own cause, or is scripted
// (script.go): every one of quickbooks.md by its code (catalogue.go), or silence, cut connections, and answers that come after the work was done.
//
// Guarantees: an entry that is accepted balances and obeys every rule of quickbooks.md; two companies share nothing; every call is atomic; the recordings
// of real traffic in testdata/recorded replay. Not simulated: sales and purchase documents beyond keeping what was seeded, currencies other than the home
// currency, attachments.
package qbosim
