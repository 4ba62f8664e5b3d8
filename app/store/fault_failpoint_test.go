//go:build unix

package store_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

// The transactions that claim, start and finish fail right before their commit, without effect,
// or right after it, when the effect is there and the answer is lost. No run may be lost, begun
// again or taken for a crashed one; of the jobs one half says Skip and the other Rerun.
func TestFaultFailpoint(t *testing.T) {
	stretch := time.Second
	switch {
	case *faultLong:
		stretch = 10 * time.Minute
	case *faultAsked:
		stretch = 5 * time.Second
	}
	for _, kind := range []string{"claim", "start", "finish"} {
		for _, point := range []string{"commit", "committed"} {
			for name, err := range map[string]error{"passing": driver.ErrBadConn, "lasting": errors.New("the disk is on fire")} {
				t.Run(fmt.Sprintf("%s/%s/%s", kind, point, name), func(t *testing.T) {
					crontest.Bubble(t, func(t *testing.T) {
						testFailpoint(t, &failpoint{Kind: kind, Point: point, Every: 3, Err: err}, stretch)
					})
				})
			}
		}
	}
}

func testFailpoint(t *testing.T, f *failpoint, stretch time.Duration) {
	s := open(t, file(t))
	fired := f.arm(s)
	marks := filepath.Join(t.TempDir(), "marks")
	w, err := os.Create(marks)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	jobs := jobSet(fleetJobs, &marker{w: w})
	sched := scheduler.New(scheduler.Config{Store: s, Jobs: jobs, Log: slog.New(slog.DiscardHandler), Grace: time.Minute, Version: "0"})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sched.Run(ctx) }()
	time.Sleep(stretch)
	for _, j := range jobs {
		if _, err := sched.Pause(ctx, contract.Pause{Job: j.Name}); err != nil {
			t.Error(err)
		}
	}
	awaitIdle(t, s, time.Minute)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	world := observe(t, s, jobs, readMarks(t, marks, 0))
	world.hurt = map[int]bool{}
	report(t, world.violations())
	if fired() < 5 {
		t.Errorf("the failpoint was met %d times", fired())
	}
	t.Logf("%s %s: %d failures (%v); %s", f.Kind, f.Point, fired(), f.Err, world.figures())
}

// The process dies at the same points, several times over.
func TestFaultDeathAtFailpoint(t *testing.T) {
	onlyIfAsked(t)
	deaths := 3
	switch {
	case *faultLong:
		deaths = 100
	case testing.Short():
		deaths = 1
	}
	for _, kind := range []string{"claim", "start", "finish"} {
		for _, point := range []string{"commit", "committed"} {
			t.Run(kind+"/"+point, func(t *testing.T) {
				t.Parallel()
				c := newCrew(t, life{Jobs: "points", Lease: 700 * time.Millisecond})
				hurt := map[int]bool{}
				for n := range deaths {
					p := c.start(func(l *life) { l.Fail = &failpoint{Kind: kind, Point: point, Every: 2 + n%5, Die: true} })
					select {
					case <-p.ended:
					case <-time.After(patience):
						c.quit()
						t.Fatal("the process has not died at its failpoint")
					}
					hurt[p.number] = true
				}
				last := c.start()
				c.awaitWork(last)
				c.rest(last)
				w := c.world(c.look())
				w.hurt = hurt
				report(t, append(w.violations(), c.disasters()...))
				t.Logf("%s %s: %d deaths; %s", kind, point, deaths, w.figures())
			})
		}
	}
}
