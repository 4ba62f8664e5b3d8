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

// Now returns the present as it is kept: UTC, in whole milliseconds.
func Now() time.Time { return Whole(time.Now()) }

// Whole returns t as it is kept: UTC, in whole milliseconds.
func Whole(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Optional returns nil for the zero time.
func Optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
