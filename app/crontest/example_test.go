package crontest_test

import (
	"context"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
)

func init() {
	cron.Register("greet", "30 2 * * *", func(ctx context.Context) error {
		return cron.RunFrom(ctx).Result("hello")
	}, cron.In("Europe/Berlin"))
}

// A job is run once, in a real run context.
func TestGreet(t *testing.T) {
	got := crontest.Run(t, "greet")
	if got.Err != nil || string(got.Result) != `"hello"` {
		t.Errorf("%v, result %s", got.Err, got.Result)
	}
}

// A week passes in no time.
func TestGreetForAWeek(t *testing.T) {
	if recs := crontest.Walk(t, "greet", 7*24*time.Hour); len(recs) != 7 {
		t.Errorf("%d runs, want 7", len(recs))
	}
}

// When is it due? On the day that clocks go forward, 02:30 is skipped.
func TestGreetIsDue(t *testing.T) {
	crontest.AssertNext(t, "greet", "2027-03-27T12:00:00+01:00", []string{
		"2027-03-28T03:00:00+02:00",
		"2027-03-29T02:30:00+02:00",
	})
}
