// Package httpapi is the HTTP surface: the signed inbound events of Passare, and the REST calls for admins, which describe themselves (Document).
//
//	Passare ─ signature over the raw body ─▶ Events ─▶ intake
//	people ── token: signature, issuer, audience, times, permission ─▶ said before under this Idempotency-Key? ──yes──▶ the same answer
//	                                                                        └─no─▶ input by its schema ─▶ use case ─▶ answer, kept for a day
//
// Guarantees: the tenant of a call is the claim of the token and nothing else, so that an id of another organisation answers 404, exactly like one that does
// not exist. Every wrong field of an input is named at once. What may be answered is in the description, which is made of the same types and is held to the code
// by tests: its examples fit, each route asks who comes, and a fuzzer finds no answer that it has not.
//
// Failure handling: errors are RFC 9457 application/problem+json, made in one place from fault codes (problem.go). What is our fault has a trace, under
// which the log has the cause; nothing internal is ever in an answer. A call that failed for a reason of ours is not kept for its Idempotency-Key: the
// repeat acts, and does what is left.
package httpapi
