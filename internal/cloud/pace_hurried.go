//go:build hurried

package cloud

import "time"

// Hurry is how many times faster than the real clock that of the functions goes: a build for tests, in which leases, retries and sweeps are over in
// seconds. It is never deployed.
const Hurry = 60

// month is how often the hurried clock begins anew with the real one, so that every process, whenever it began, reads the same time.
const month = 30 * 24 * time.Hour

// Paced is the hurried clock.
func Paced(now func() time.Time) func() time.Time {
	return func() time.Time {
		real := now().UTC()
		since := real.Truncate(month)
		return since.Add(Hurry * real.Sub(since))
	}
}
