package intlog

import "time"

// Notice is what the bell shows: one for each cause, however many entries wait for it.
type Notice struct {
	Org  string    `json:"-"`
	Key  string    `json:"key"` // names the cause
	Text string    `json:"text"`
	Who  string    `json:"who"` // who is needed
	At   time.Time `json:"at"`
}

// DeadConnection is the notice of a grant that QuickBooks refuses.
func DeadConnection(org string, at time.Time) Notice {
	return Notice{
		Org: org, Key: "connection", Who: "administrator", At: at,
		Text: "QuickBooks no longer accepts the connection. Reconnect QuickBooks; what waits then goes by itself.",
	}
}
