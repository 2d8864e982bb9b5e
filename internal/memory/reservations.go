package memory

import (
	"context"
	"sync"
	"time"
)

// Reservations keeps the last time that was given for an organisation's things (package pacing).
type Reservations struct {
	mu   sync.Mutex
	last map[thing]time.Time
}

// NewReservations makes reservations without any.
func NewReservations() *Reservations { return &Reservations{last: map[thing]time.Time{}} }

// Reserve gives the next time for a thing: not before now, and apart from the one that was given before.
func (r *Reservations) Reserve(_ context.Context, org, name string, now time.Time, apart time.Duration) (time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, at := thing{org, name}, now
	if last, ok := r.last[k]; ok && last.Add(apart).After(now) {
		at = last.Add(apart)
	}
	r.last[k] = at
	return at, nil
}
