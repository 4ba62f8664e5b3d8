package clock

import "time"

// Watch detects jumps of the wall clock by comparing it with the monotonic clock.
type Watch struct {
	began time.Time // reference of the monotonic clock
	wall  time.Time
	mono  time.Duration
}

// NewWatch returns a Watch without a first reading.
func NewWatch() *Watch { return &Watch{began: time.Now()} }

// Jump returns how far the wall clock has jumped since the last call. It is 0 for less than a second and at the first
// call.
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
