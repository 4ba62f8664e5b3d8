package clock

import "time"

// Watch notices jumps of the wall clock, by comparing it with the monotonic one.
type Watch struct {
	began time.Time // its monotonic clock counts from here
	wall  time.Time
	mono  time.Duration
}

// NewWatch returns a Watch that has not looked yet.
func NewWatch() *Watch { return &Watch{began: time.Now()} }

// Jump returns how far the wall clock has jumped since the last call. Less than a second, and the first call, is 0.
func (w *Watch) Jump() time.Duration {
	now := time.Now()
	return w.compare(now.Round(0), now.Sub(w.began))
}

func (w *Watch) compare(wall time.Time, mono time.Duration) time.Duration {
	var d time.Duration
	if !w.wall.IsZero() {
		d = wall.Sub(w.wall) - (mono - w.mono)
	}
	w.wall, w.mono = wall, mono
	if d.Abs() < time.Second {
		return 0
	}
	return d.Round(time.Millisecond)
}
