package ops_test

import (
	"errors"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/ops"
)

// A form begins with what is stored: an empty zone stays empty, although the job's is in effect.
func TestScheduleIsEditedAsItIsStored(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := someSchedules(t, crontest.NewMemory())
		from := time.Date(2000, 1, 2, 3, 4, 5, 678e6, time.UTC)
		stored := put(t, p, cron.Schedule{ID: "a", Job: "send", Expr: "0 9 * * *", Args: tenant{42}, From: from, MaxRuns: 3})
		e, err := p.Sched.EditSchedule(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if e.Timezone != "" || stored.Timezone != "Europe/Berlin" || !e.From.Equal(from) || string(e.Args) != `{"tenant":42}` || e.Revision != stored.Revision || e.UpdatedBy != "ada" {
			t.Errorf("it is edited as %+v", e)
		}
		again, err := p.Sched.By(contract.Caller{Actor: "bob"}).PutSchedule(t.Context(), e.Schedule(), e.Revision)
		if err != nil || again.Outcome != contract.PutUnchanged {
			t.Errorf("put back: %s, %v", again.Outcome, err)
		}
		if says := p.Sched.ExplainSchedule(stored.ScheduleView); says != "At 09:00 every day, Europe/Berlin" {
			t.Errorf("explained as %q", says)
		}
		if says := p.Sched.ExplainSchedule(ops.ScheduleView{Expr: "no more"}); says != "" {
			t.Errorf("what cannot be parsed is %q", says)
		}
		var none *ops.NoScheduleError
		if _, err := p.Sched.EditSchedule(t.Context(), "b"); !errors.As(err, &none) {
			t.Errorf("none: %v", err)
		}
	})
}
