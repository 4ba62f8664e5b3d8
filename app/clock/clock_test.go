package clock_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"fibercrons/app/clock"
	"fibercrons/app/crontest"
	"fibercrons/app/schedule"
)

func parse(t *testing.T, exprs ...string) (list []schedule.Schedule) {
	t.Helper()
	for _, expr := range exprs {
		s, err := schedule.Parse(expr, schedule.Options{})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// Each slot of a schedule ticks once, with the members that stand on it.
func TestTicks(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		ticks := make(chan string, 100)
		c, err := clock.New(func(g *clock.Group[string], slot time.Time) {
			go func() { // members may not be asked for in the loop
				names := slices.Clone(g.Members())
				slices.Sort(names)
				for _, name := range names {
					ticks <- name + slot.UTC().Format(" 15:04:05")
				}
			}()
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		var a, b clock.Placement
		place := func(name string, p *clock.Placement, exprs ...string) {
			t.Helper()
			if err := c.Place(name, p, parse(t, exprs...)); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(stretch time.Duration, want ...string) {
			t.Helper()
			time.Sleep(stretch)
			var got []string
			for len(ticks) > 0 {
				got = append(got, <-ticks)
			}
			if !slices.Equal(got, want) {
				t.Errorf("ticks %q, want %q", got, want)
			}
		}
		place("a", &a, "*/5 * * * *", "*/5 * * * *") // twice the same
		place("b", &b, "*/5 * * * *", "7 * * * *")
		c.Start()
		time.Sleep(time.Second) // bubbles begin at midnight
		expect(10*time.Minute, "a 00:05:00", "b 00:05:00", "b 00:07:00", "a 00:10:00", "b 00:10:00")
		place("b", &b, "12 * * * *") // which the loop learns of while it waits for 00:15
		expect(5*time.Minute, "b 00:12:00", "a 00:15:00")
		place("a", &a)
		expect(10 * time.Minute)
		c.Stop()
		place("a", &a, "* * * * *")
		expect(10 * time.Minute)
	})
}

// An alarm rings once, at its instant or at once, and the last one set counts.
func TestAlarm(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		c, err := clock.New(func(*clock.Group[string], time.Time) {}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		rings := make(chan time.Time, 100)
		set := func(in time.Duration) {
			t.Helper()
			if err := c.Alarm(time.Now().Add(in), func() { rings <- time.Now() }); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		expect := func(stretch time.Duration, want ...time.Duration) {
			t.Helper()
			time.Sleep(stretch)
			var got []time.Duration
			for len(rings) > 0 {
				got = append(got, (<-rings).Sub(began))
			}
			if !slices.Equal(got, want) {
				t.Errorf("rings after %v, want %v", got, want)
			}
		}
		c.Start()
		set(10 * time.Millisecond)
		expect(time.Second, 10*time.Millisecond)
		set(2 * time.Second)
		set(time.Second) // in its place
		expect(5*time.Second, 2*time.Second)
		set(time.Hour)
		set(-time.Minute) // past: at once
		expect(2*time.Hour, 6*time.Second)
		c.Stop()
	})
}
