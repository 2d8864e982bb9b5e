// Package money holds exact amounts of one currency in minor units (cents).
//
// On the wire amounts are decimal strings with exactly two places ("1250.00"); inside they are
// int64 cents. There is no float and no currency arithmetic: one currency per organisation
// (accounting.md §12).
package money

import (
	"errors"
	"strconv"
	"strings"
)

// Cents is an amount in minor units. Positive is a debit wherever a sign means a side.
type Cents int64

// Max is the largest amount that Parse accepts, in cents: 999,999,999.99. Sums of the 10,000 lines
// that a record may have stay far inside int64.
const Max Cents = 99_999_999_999

var (
	errForm  = errors.New(`must be a decimal with two places, such as "1250.00"`)
	errRange = errors.New("is larger than 999999999.99")
)

// Parse reads a decimal with exactly two places and an optional leading minus. It refuses anything
// else: other precision, exponents, thousands separators, blanks, a plus, leading zeros, "-0.00".
func Parse(s string) (Cents, error) {
	body, negative := strings.CutPrefix(s, "-")
	whole, fraction, ok := strings.Cut(body, ".")
	if !ok || len(fraction) != 2 || whole == "" || (len(whole) > 1 && whole[0] == '0') || !digits(whole) || !digits(fraction) {
		return 0, errForm
	}
	if len(whole) > 9 {
		return 0, errRange
	}
	n, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return 0, errForm
	}
	if negative {
		if n == 0 {
			return 0, errForm
		}
		n = -n
	}
	return Cents(n), nil
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// String is the wire form: "1250.00", "-15.00".
func (c Cents) String() string {
	sign, n := "", uint64(c)
	if c < 0 {
		sign, n = "-", -n
	}
	fraction := strconv.FormatUint(n%100, 10)
	if len(fraction) == 1 {
		fraction = "0" + fraction
	}
	return sign + strconv.FormatUint(n/100, 10) + "." + fraction
}

// Grouped is the form for people: "1,250.00".
func (c Cents) Grouped() string {
	s := c.String()
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 6; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Abs is the amount without its sign.
func (c Cents) Abs() Cents {
	if c < 0 {
		return -c
	}
	return c
}

// MarshalText writes the wire form, so that JSON carries decimal strings.
func (c Cents) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the wire form.
func (c *Cents) UnmarshalText(b []byte) error {
	v, err := Parse(string(b))
	if err == nil {
		*c = v
	}
	return err
}
