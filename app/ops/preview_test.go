package ops_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
)

func TestPreviewSaysWhatAScheduleWouldMean(t *testing.T) {
	r := cron.NewRegistry()
	r.Register("job", "@hourly", func(context.Context) error { return nil }, cron.Also("0 30 12 * * *"))
	jobs, err := r.Jobs(cron.Defaults{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	s := ops.New(scheduler.Config{Store: crontest.NewMemory(), Jobs: jobs})
	p, err := s.Preview(t.Context(), "job", " 30 2 * * * ", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if p.Expr != "30 2 * * *" || p.Zone != "Europe/Berlin" || !strings.Contains(p.Text, "02:30") || len(p.Slots) != 10 || len(p.Notes) < 2 {
		t.Errorf("the preview is %+v", p)
	}
	if p, err := s.Preview(t.Context(), "job", "", ""); err != nil || p.Expr != "@hourly; 0 30 12 * * *" {
		t.Errorf("the schedule in the code: %+v, %v", p, err)
	}
	for _, wrong := range [][3]string{
		{"61 * * * *", "", "/expr"}, {"* * * * *", "Mars/Olympus", "/timezone"}, {"TZ=Mars * * * * *", "UTC", "/expr"}, {"0 0 30 2 *", "", "/expr"},
	} {
		var args *cron.ArgsError
		if _, err := s.Preview(t.Context(), "job", wrong[0], wrong[1]); !errors.As(err, &args) || args.Fields[0].Field != wrong[2] || !strings.HasPrefix(err.Error(), `request for job "job": `+wrong[2]) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	if _, err := s.Preview(t.Context(), "jop", "", ""); !errors.Is(err, cron.ErrNotFound) {
		t.Errorf("an unknown job: %v", err)
	}
	views, err := s.Jobs(t.Context(), ops.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if says := s.Explain(views[0]); !strings.Contains(says, "; ") || !strings.Contains(says, "12:30") {
		t.Errorf("explained as %q", says)
	}
}
