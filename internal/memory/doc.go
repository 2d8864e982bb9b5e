// Package memory is the store, the queue and the secrets of one process: for functions/local and for tests.
// It answers the same conformance suites (package porttest) as the adapters for AWS, so that what is
// shown on it holds there.
//
// Values are copied on the way in and out; nothing that a caller changes later is seen here.
package memory
