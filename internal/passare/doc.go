// Package passare is what comes in: the events of the ten trigger families as typed, checked values.
//
// Passare's backend posts CloudEvents 1.0 (events.md, beside this file, is the contract). Decode
// reads one of them strictly: a field that is missing, unknown, repeated, of the wrong type or out
// of range is named with its path, all of them at once, so that Passare's engineers fix a
// delivery in one round.
//
//	bytes ──tree──▶ objects without repeated keys ──reader──▶ Event{Record, Version, Body}
//	                                                 └──────▶ every wrong field
//
// An Event carries the record's whole present state at one version; Hash identifies that state
// (key order and white space do not matter), so that a repeat is told from an edited twin.
package passare
