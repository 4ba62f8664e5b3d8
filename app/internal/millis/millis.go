// Package millis has times as they are kept: in whole milliseconds.
package millis

import "time"

// Time is an instant in milliseconds since 1970; 0: none.
type Time int64

// Of returns t as it is kept; of the zero time 0.
func Of(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// UTC returns the instant in UTC; of 0 the zero time.
func (t Time) UTC() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}
