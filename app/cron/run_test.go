package cron_test

import (
	"context"
	"errors"
	"math"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
)

// Code that is called by jobs and by others need not ask which it is.
func TestRunOutsideOfAJob(t *testing.T) {
	run := cron.RunFrom(t.Context())
	if run != nil {
		t.Fatal("a run outside of a job")
	}
	run.Progress(1, 2, "half")
	if err := run.Result(make(chan int)); err != nil {
		t.Error(err)
	}
	if run.ID() != "" || run.Job() != "" || !run.Slot().IsZero() || run.Attempt() != 0 || run.Key() != "" || run.Args() != nil {
		t.Error("a run that is none says something")
	}
}

func TestRunSaysWhatItIs(t *testing.T) {
	type said struct {
		id, job, key string
		slot         time.Time
		attempt      int
	}
	tell := func(ctx context.Context) said {
		run := cron.RunFrom(ctx)
		return said{run.ID(), run.Job(), run.Key(), run.Slot(), run.Attempt()}
	}
	var got said
	r := cron.NewRegistry()
	r.Register("job", "* * * * *", func(ctx context.Context) error { got = tell(ctx); return nil })

	out := run(t, r, "job")
	if got != (said{out.ID, "job", "job/" + out.ID, time.Time{}, 1}) {
		t.Errorf("by hand: %+v", got)
	}
	slot := time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC)
	out = run(t, r, "job", crontest.Slot(slot.In(time.FixedZone("", 3600))))
	if got != (said{out.ID, "job", "job/" + out.ID, slot, 1}) {
		t.Errorf("for a slot: %+v", got)
	}
	recs := crontest.Walk(t, "job", time.Minute, crontest.Registry(r))
	if got != (said{recs[0].ID, "job", "job/2000-01-01T00:01:00.000Z", *recs[0].Slot, 1}) {
		t.Errorf("at a slot: %+v", got)
	}
}

func TestArgsAreACopy(t *testing.T) {
	got := runFunc(t, func(ctx context.Context) error {
		clear(cron.RunFrom(ctx).Args())
		if n := cron.ArgsFrom[picky](ctx).N; n != 7 {
			return errors.New("changed")
		}
		return nil
	}, cron.Args(picky{N: 7}))
	if got.Err != nil {
		t.Error(got.Err)
	}
}

func TestProgress(t *testing.T) {
	got := runFunc(t, func(ctx context.Context) error {
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() { cron.RunFrom(ctx).Progress(int64(i), 100, "some") })
		}
		wg.Wait()
		cron.RunFrom(ctx).Progress(100, 100, strings.Repeat("ä", 600)+"\x00")
		return nil
	})
	p := got.Progress
	if p == nil || p.Done != 100 || p.Total != 100 || !regexp.MustCompile(`^ä{512}… \[177 bytes left out\]$`).MatchString(p.Text) {
		t.Errorf("%+v", p)
	}
}

func TestResult(t *testing.T) {
	tests := []struct {
		name  string
		value any
		want  string // empty: an error
	}{
		{"number", 7, "7"},
		{"nothing", nil, "null"},
		{"struct", picky{N: 1}, `{"n":1}`},
		{"largest", strings.Repeat("x", 64<<10-2), `"` + strings.Repeat("x", 64<<10-2) + `"`},
		{"too large", strings.Repeat("x", 64<<10-1), ""},
		{"no number", math.NaN(), ""},
		{"channel", make(chan int), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			got := runFunc(t, func(ctx context.Context) error {
				run := cron.RunFrom(ctx)
				if err := run.Result("before"); err != nil {
					return err
				}
				err = run.Result(tt.value)
				return nil
			})
			want := tt.want
			if want == "" {
				want = `"before"` // stays
			}
			if (err == nil) != (tt.want != "") || string(got.Result) != want {
				t.Errorf("%v, kept %.50q", err, got.Result)
			}
			if err != nil && !strings.HasPrefix(err.Error(), `result of job "job": `) {
				t.Errorf("%v", err)
			}
		})
	}
}
