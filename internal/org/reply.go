package org

// Reply is what a person's call was answered: a repeat of it is answered the same.
type Reply struct {
	Hash   string            `json:"hash"` // of the whole call
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   []byte            `json:"body"`
}
