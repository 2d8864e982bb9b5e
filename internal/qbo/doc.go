// Package qbo is the client of QuickBooks Online's Accounting API v3. It speaks to the simulator (package
// qbosim) exactly as to Intuit; what it relies on is quickbooks.md beside the simulator.
//
// Every call names our organisation and the company (realm) whose ids it carries; Tokens gives a token of that very company or none, so that
// one organisation's call can never reach another's books, nor a call made for one company the books of the next.
//
// Failure handling: every answer, success or not, becomes a result or one fault whose code says what
// happened in the books:
//
//	certainly nothing written   refused, name_taken, throttled, disconnected, unavailable (not sent)
//	perhaps written             unknown: time-out, cut connection, 5xx, an answer that cannot be read
//	                            whatever its status, and 400/6000 "unexpected error", which may hide a commit
//
// A 401 is answered with a new token and the same requestid, once. What is refused for pace (429) pauses the organisation for a minute. Nothing
// else is repeated here: the protocol of package posting decides. No token is ever in an error. What QuickBooks says is in the message for people,
// cut, and never in the line for logs.
package qbo
