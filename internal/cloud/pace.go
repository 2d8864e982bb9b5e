//go:build !hurried

package cloud

import "time"

// paced is the clock that the functions go by: the real one.
func paced(now func() time.Time) func() time.Time { return now }

// Hurry is how many times faster than the real clock theirs goes.
const Hurry = 1
