// Package date holds accounting dates: a calendar day without a time or a zone, as the books have it.
package date

import (
	"errors"
	"time"
)

// Date is a calendar day, written YYYY-MM-DD; the zero value is "no date". Dates compare as strings.
type Date string

const layout = "2006-01-02"

// Parse reads YYYY-MM-DD and refuses days that do not exist and years before 1900 or after 2199.
func Parse(s string) (Date, error) {
	t, err := time.Parse(layout, s)
	if err != nil || t.Year() < 1900 || t.Year() > 2199 {
		return "", errors.New("must be a date that exists, written YYYY-MM-DD")
	}
	return Date(s), nil
}

// Of is the day of an instant, in UTC.
func Of(t time.Time) Date { return Date(t.UTC().Format(layout)) }

// AddDays is the day n days later (earlier when n is negative).
func (d Date) AddDays(n int) Date {
	t, err := time.Parse(layout, string(d))
	if err != nil {
		return d
	}
	return Of(t.AddDate(0, 0, n))
}

// Month is YYYY-MM, the unit in which books are closed.
func (d Date) Month() string {
	if len(d) < len("2006-01") {
		return ""
	}
	return string(d[:len("2006-01")])
}

// Short is the day as US bookkeepers write it: 3/2/2026.
func (d Date) Short() string {
	t, err := time.Parse(layout, string(d))
	if err != nil {
		return string(d)
	}
	return t.Format("1/2/2006")
}
