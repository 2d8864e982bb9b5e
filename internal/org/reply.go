package org

import "time"

// ReplyLife is how long a reply stands: a repeat within it is answered the same.
const ReplyLife = 24 * time.Hour

// Reply is what a person's call was answered: a repeat of it is answered the same.
type Reply struct {
	Hash   string            `json:"hash"` // of the whole call
	At     time.Time         `json:"at"`   // when it was answered
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   []byte            `json:"body"`
}

// Ended says whether the reply stands no more.
func (r Reply) Ended(now time.Time) bool { return !now.Before(r.At.Add(ReplyLife)) }
