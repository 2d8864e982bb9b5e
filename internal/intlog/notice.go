package intlog

import "time"

// Notice is what the bell shows: one for each cause, however many entries wait for it.
type Notice struct {
	Key  string    `json:"key"` // names the cause; another time the same thing happens is another cause
	Text string    `json:"text"`
	Who  string    `json:"who"` // who is needed
	At   time.Time `json:"at"`
}
