// Package cloud is the product on AWS: what each function of functions/ starts, over the adapters. package local is the same on one machine.
//
//	HTTP API ─▶ ingest ─▶ intake, hints ─────┐                         ┌──▶ QuickBooks
//	         ─▶ admin ──▶ review, relinking ─┼─▶ table ◀──── sync ─────┤
//	         ─▶ connect ▶ consent ───────────┤      ▲          ▲       └──▶ secrets
//	                                         └─▶ queue ────────┤
//	each minute ─▶ retry ─▶ what is due, sweeps, dead letters ─┘
//	each night ──▶ connect: what keeps grants alive
//	each ten minutes of the night ─▶ reconcile ─▶ its own queue ─▶ reconcile, one organisation at a time ◀─▶ table, QuickBooks
//
// Guarantees: starting a function touches no network and reads no setting: all is made by its first event, and what could not be made then is tried again
// by the next one. A panic is caught, told, and ends one event alone.
//
// Failure handling: an HTTP function without its settings or secrets fails its event, which the HTTP API answers with 500, and which Lambda counts. sync
// acknowledges every message that it could begin with, whatever became of it: the state is in the table, and what is not done is due again by itself
// (../posting/protocol.md, §2). Only what it could not even begin with, or what was killed, comes again after intlog.Visibility, and after
// intlog.MaxReceives times goes to the dead letters, which retry drains. reconcile runs no longer than any function that may renew a grant, so a proof that
// takes longer goes on in another message; one that failed comes again as often, and is then a dead letter of its own, which nobody drains: the next night
// proves the same.
//
// The secret "webhook" is one signing secret, or two with a blank between them while one replaces the other; it is read again every few minutes. The
// secret "app" is how Intuit knows us: {"client_id": …, "client_secret": …}. The secret "quickbooks-webhook" is the verifier token of QuickBooks' webhooks,
// or several with blanks between them, or has no value: then what QuickBooks says by itself is refused, and nothing rests on it.
package cloud
