// Package archtest keeps the house in order: which package may import which, as ordinary tests, each
// ban with its reason.
package archtest
