package clock_test

import (
	"testing"
	"time"

	"fibercrons/app/clock"
	"fibercrons/app/crontest"
)

// The clock is set, or the machine sleeps and the monotonic clock with it: both show as a wall
// clock that went farther than the monotonic one, or less far.
func TestWatchNoticesJumps(t *testing.T) {
	for _, jump := range []time.Duration{0, 999 * time.Millisecond, time.Second, time.Minute, time.Hour, 24 * time.Hour, 365 * 24 * time.Hour} {
		for _, jump := range []time.Duration{jump, -jump} {
			look := clock.NewWatch().Compare
			wall, mono := time.Now().Round(0), time.Duration(0)
			for range 3 { // looks once a second, on time or late, before the jump and after
				wall, mono = wall.Add(time.Second), mono+time.Second
				look(wall, mono)
			}
			wall, mono = wall.Add(jump+1500*time.Millisecond), mono+1500*time.Millisecond
			want := jump
			if jump.Abs() < time.Second {
				want = 0
			}
			if got := look(wall, mono); got.Round(time.Second) != want.Round(time.Second) {
				t.Errorf("a jump of %s shows as %s", jump, got)
			}
			if got := look(wall.Add(time.Second), mono+time.Second); got != 0 {
				t.Errorf("a second after a jump of %s another of %s shows", jump, got)
			}
		}
	}
}

func TestWatchOfASteadyClock(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		jump := clock.NewWatch().Jump
		for range 100 {
			time.Sleep(time.Hour)
			if d := jump(); d != 0 {
				t.Fatalf("an hour passes on both clocks, and a jump of %s shows", d)
			}
		}
	})
}
