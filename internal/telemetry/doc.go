// Package telemetry is what the deployed functions tell: a log of JSON lines, and metrics in CloudWatch's embedded metric format, both on the function's
// output. Nothing is sent to CloudWatch by a call: Lambda takes the output, and CloudWatch makes the metrics of it.
//
//	use cases ─▶ Watched ─▶ store        the write first
//	                │ it succeeded
//	                ▼
//	             one line, with its metrics in it ─▶ Out ─▶ CloudWatch: Logs, and Metrics (namespace PassareQBO, dimension Stage)
//	Log() ─▶ lines of everything else ──────────────▶┘
//
// A line and its metrics are one JSON object, so that whoever sees an outlier of a metric finds the entry beside it.
//
// # Lines
//
// Every line has
//
//	timestamp, level, message   as Lambda names them; the time is that of the handed-in clock, in RFC 3339
//	Stage, function             where it comes from; Stage is the dimension of the metrics, hence its capital
//	requestId                   of the invocation, when the context has one
//
// A transition is one line ("transition") for each write of an entry, with what else is known of it. What is empty is left out:
//
//	org, entry, record, version, rev   which entry: organisation, id, record type, version, and the revision that was written
//	kind          the event's type, "payment.created"
//	from, to      the states; no from: it was taken in; the same twice: what is known of it changed
//	who           "person" or "machine"; when it was taken in: who acted in Passare
//	causes        kinds of what it waits or failed for, each once: "mapping,period"
//	docs          the numbers of its postings; of a number whose first part has no digit, and so may be a word, the last part alone
//	quickbooks    QuickBooks' ids of those that it accepted
//	faults        sends of these postings whose outcome stayed unknown
//	code          QuickBooks' fault code of the newest try
//	intuit_tid    QuickBooks' number of that request, for its support
//	age_ms        milliseconds since it was taken in
//	due           when the machine looks again, in RFC 3339; only while it owns the entry
//
// The others are "connection broken" (org, since), "delivery quarantined" (org, record, code), "oldest due", "good night", and "proof" for each run of the
// proof of an organisation's books (org, night: the day that it proves, state, full, and how many entries were compared, records done so far, reads made, and
// differences found, gone and open). The level is WARN for what may need a person: to failed, an unknown outcome, a broken connection, a quarantined delivery,
// a proof that failed.
//
// # Metrics
//
//	metric                 unit           when                                                                      alarm
//	EntriesTaken           Count          an entry is taken in                                                      none for days: nothing arrives
//	EntriesSynced          Count          it is in QuickBooks                                                       none; against EntriesTaken
//	TimeToBooks            Milliseconds   with EntriesSynced: since it was last released to the machine             p95 over 5 minutes
//	EntriesFailed          Count          it needs a person, or a fixed cause                                       much more than usual
//	OutcomesUnknown        Count          a try ends and nobody knows how, or it is taken over from a worker that   several in an hour
//	                                      told nothing; each time again while it stays so
//	ConnectionsBroken      Count          QuickBooks refuses a grant; once until somebody reconnects                any
//	DeliveriesQuarantined  Count          a signed delivery could not be taken, repeats included                    any
//	OldestDue              Seconds        each minute: how long the oldest of what is due has been on its way; 0    over 15 minutes, or no value
//	GoodNight              Count          the nightly run went well                                                 none in 26 hours
//	ProofsFailed           Count          the proof of an organisation's books could not be done                    any
//
// Released is the entry when it goes to the machine: taken in with auto-sync on, sent by a person, or freed by a cause that is gone. A wait for another
// record, a pause or a new plan does not begin anew.
//
// # What is never in a line
//
// Payloads, amounts, names of persons and businesses, sentences, warnings and whatever else was written for people, tokens and secrets. A line is made of the
// fields above and nothing else: a new field of an entry is not told until it is added here, and a test fills every text of an entry to see that. Codes and
// ids of QuickBooks, and what a refused delivery says of itself, are told only when they look like identifiers.
//
// # Failure handling
//
// Telemetry never stops money. A line comes after the write, and a write that fails gives none and answers exactly what the store answered. A line that cannot
// be written is lost, silently. Lines of many at once are whole: each is one Write, one at a time.
//
// Not promised: a line for every write. A process that is killed between write and line, and a write whose answer is lost although it was made, leave none;
// so metrics are for alarms and people, and the store is the truth. CloudWatch may count a line twice.
//
// Options.Level is for Log alone: transitions and metrics are always written. Lambda's own level filter (ApplicationLogLevel) knows no such difference:
// above INFO it drops metrics.
package telemetry
