package qbosim

import "time"

// pacific is the zone of every time that QuickBooks shows, wherever the company is.
func pacific(t time.Time) time.Time {
	return t.In(time.FixedZone("", offset(t.UTC())))
}

// offset is Pacific time's: daylight saving from the second Sunday of March to the first of November, 2:00.
func offset(t time.Time) int {
	const hour = 3600
	start := sunday(t.Year(), time.March, 2).Add(10 * time.Hour)
	end := sunday(t.Year(), time.November, 1).Add(9 * time.Hour)
	if !t.Before(start) && t.Before(end) {
		return -7 * hour
	}
	return -8 * hour
}

// sunday is the nth Sunday of a month.
func sunday(year int, month time.Month, n int) time.Time {
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 0, (7-int(first.Weekday()))%7+7*(n-1))
}

// stamp is an answer's own time, in milliseconds; objects carry whole seconds.
func (s *Sim) stamp() string {
	return pacific(s.o.Now()).Format("2006-01-02T15:04:05.000-07:00")
}

func second(t time.Time) string { return pacific(t).Format("2006-01-02T15:04:05-07:00") }

func (s *Sim) today() string { return pacific(s.o.Now()).Format("2006-01-02") }
