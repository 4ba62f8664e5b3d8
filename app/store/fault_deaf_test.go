//go:build unix

package store_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

// A process whose heartbeats fail for longer than a lease, while it can still read and write, must
// not take its own runs for those of a dead process and start them a second time.
func TestFaultHeartbeatsLost(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		const lease = 3 * time.Second
		s := open(t, file(t))
		began := time.Now()
		s.Tamper(func(point string, kinds []string) error {
			if age := time.Since(began); point == "begin" && slices.Contains(kinds, "beat") && age > lease && age < 4*lease {
				return errors.New("nobody hears")
			}
			return nil
		})
		marks := filepath.Join(t.TempDir(), "marks")
		m, err := os.Create(marks)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		jobs := jobsOf(t, func(r *cron.Registry) {
			work := (&marker{w: m}).body(3*lease, false)
			r.Register("skip", "@every 12s", work)
			r.Register("rerun", "@every 12s", work, cron.OnCrash(cron.Rerun))
		})
		sched := scheduler.New(scheduler.Config{Store: s, Jobs: jobs, Lease: lease, Grace: time.Minute, Version: "0", Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		time.Sleep(time.Until(time.Now().Truncate(12 * time.Second).Add(12*time.Second - lease))) // the first slot is a lease away
		began = time.Now()
		go func() { ended <- sched.Run(ctx) }()
		time.Sleep(lease + 11*time.Second) // and there is no second
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w := observe(t, s, jobs, readMarks(t, marks, 0))
		w.hurt = map[int]bool{}
		report(t, w.violations())
		if len(w.rows) != 2 {
			t.Errorf("%d runs, want 2", len(w.rows))
		}
	})
}

// Two lease lengths after a process fell silent no run says any more that it is running there, and
// what it has to say when it comes back is fenced off.
func TestFaultSilence(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		const lease = 1500 * time.Millisecond
		f := newFleet(t, lease, 2)
		silent := f.hosts[0]
		atWork := func() int {
			return len(f.running(silent.number, "long-skip")) + len(f.running(silent.number, "long-rerun"))
		}
		f.await("the host to be at runs", func() bool { return atWork() > 1 })
		f.leave(silent)
		time.Sleep(2 * lease)
		if n := atWork(); n != 0 {
			t.Errorf("%d runs still say running two leases after their process fell silent", n)
		}
		silent.comeBack()
		time.Sleep(lease)
		w := f.rest()
		report(t, w.violations())
		t.Log(w.figures())
	})
}
