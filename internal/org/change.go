package org

import "time"

// Changed is one field that a person changed.
type Changed struct {
	Field    string `json:"field"`               // as calls name it: "auto_sync", "roles.discounts", "branches.main.class"
	From     string `json:"from"`                // what it was; empty: nothing
	To       string `json:"to"`                  // what it is
	FromName string `json:"from_name,omitempty"` // of an account, class or location: how QuickBooks called it
	ToName   string `json:"to_name,omitempty"`
}

// SettingsChange is one save of an organisation's settings.
type SettingsChange struct {
	Version int64     `json:"version"` // of the configuration that it made
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	Fields  []Changed `json:"fields"`
}

// MappingVersion is a mapping as somebody saved it, whole, so that it can be saved again. Its ids mean something in one company only.
type MappingVersion struct {
	Mapping Mapping   `json:"mapping"`
	At      time.Time `json:"at,omitzero"`   // zero: it was there before versions were kept
	Who     string    `json:"who,omitempty"` // empty: the same
	Changes []Changed `json:"changes"`       // since the version before
}

// Kept is what is kept of a change of a configuration. It is stored together with it, or not at all.
type Kept struct {
	Settings []SettingsChange
	Mappings []MappingVersion // of the company that the configuration is connected to
}

// Freeing is what a person asked to be let go together with a change of settings. It stays in the configuration until the last of the sweeps that were
// stored with it is done, so that a process which dies, or has not got to its end, loses none of it.
type Freeing struct {
	Pending bool      `json:"pending,omitempty"` // what waits for review
	Held    bool      `json:"held,omitempty"`    // what waits for Add to Accounting Export
	Before  time.Time `json:"before"`            // entries that were made before this: of the moment of the change, and of those that raced with it
	By      string    `json:"by"`
}
