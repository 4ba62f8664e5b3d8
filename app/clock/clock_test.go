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
