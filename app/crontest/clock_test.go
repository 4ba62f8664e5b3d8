package crontest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
)

func TestWalk(t *testing.T) {
	calls := 0
	r := cron.NewRegistry()
	r.Register("job", "* * * * *", func(context.Context) error {
		if calls++; calls%10 == 0 {
			return errors.New("every tenth")
		}
		return nil
	}, cron.Only("production"))
	recs := crontest.Walk(t, "job", 48*time.Hour, crontest.Registry(r))
	if len(recs) != 48*60 {
		t.Fatalf("%d runs in two days of minutes", len(recs))
	}
	for i, rec := range recs {
		if want := time.Date(2000, 1, 1, 0, i+1, 0, 0, time.UTC); !rec.Slot.Equal(want) || !rec.StartedAt.Equal(want) {
			t.Fatalf("run %d: slot %s, started %s; want %s", i, rec.Slot, rec.StartedAt, want)
		}
		if want := (i+1)%10 == 0; (rec.Status == cron.Failed) != want {
			t.Fatalf("run %d %s", i, rec.Status)
		}
	}
}

func TestWalkFromADayWhenClocksChange(t *testing.T) {
	r := cron.NewRegistry()
	r.Register("job", "30 2 * * *", func(ctx context.Context) error {
		select { // as long as it takes, or until it is cancelled
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(90 * time.Minute):
			return nil
		}
	}, cron.In("Europe/Berlin"), cron.Timeout(2*time.Hour))
	recs := crontest.Walk(t, "job", 3*24*time.Hour+time.Hour, crontest.Registry(r), crontest.From(time.Date(2027, 3, 27, 0, 0, 0, 0, time.UTC)))
	want := []string{"2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z", "2027-03-30T00:30:00Z"}
	if len(recs) != len(want) {
		t.Fatalf("%d runs, want %d", len(recs), len(want))
	}
	for i, rec := range recs {
		status := cron.Succeeded
		if i == len(recs)-1 {
			status = cron.Running
		}
		if got := rec.Slot.Format(time.RFC3339); got != want[i] || rec.Status != status {
			t.Errorf("run %d: %s %s, want %s %s", i, got, rec.Status, want[i], status)
		}
	}
}
