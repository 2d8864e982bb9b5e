//go:build !hurried

package cloud

import "time"

// Paced is the clock that the functions go by: the real one.
func Paced(now func() time.Time) func() time.Time { return now }
