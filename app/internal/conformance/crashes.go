package conformance

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
)

// Crashes kills random processes that share a database and a queue, and checks what they leave behind. The processes
// run the test binary again; see [Crashes.Lead].
type Crashes struct {
	// Store is on the database of the processes.
	Store contract.Store
	// Tally counts in a file that the processes write to.
	Tally *Tally
	// Child returns a process of a role, not started. It ends when its standard input is closed.
	Child func(contract.Role) *exec.Cmd
	// For is how long processes are killed.
	For time.Duration
}

// Run starts four processes and repeatedly replaces one, killed by SIGKILL, with a new one of its role. Afterwards
// every slot must have a row and every row its call, and no attempt may have been called twice.
func (k Crashes) Run(t *testing.T) {
	roles := []contract.Role{contract.SchedulerOnly, "", contract.WorkerOnly, contract.WorkerOnly}
	children := make([]*child, len(roles))
	for i, role := range roles {
		children[i] = k.start(t, role)
	}
	defer func() {
		for _, c := range children {
			c.kill()
		}
	}()
	h := &handoff{T: t}
	h.until("the first calls", func() bool { return len(k.Tally.read(t)) > 3 })
	kills := 0
	for began := time.Now(); time.Since(began) < k.For; kills++ {
		time.Sleep(time.Duration(rand.IntN(900)) * time.Millisecond)
		i := rand.IntN(len(children))
		children[i].kill()
		children[i] = k.start(t, roles[i])
	}
	for _, job := range chaosJobs {
		if _, err := k.Store.Pause(t.Context(), contract.Pause{Job: job, At: time.Now().UTC()}); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(1100 * time.Millisecond) // until every slot before the pause is claimed
	began := time.Now()
	var runs map[string][]cron.Record
	h.until("every run has ended", func() bool {
		recs, err := k.Store.Runs(t.Context(), contract.Query{Limit: 1_000_000})
		if err != nil {
			t.Fatal(err)
		}
		runs = byJob(recs)
		for _, r := range recs {
			if !r.Status.Ended() {
				return false
			}
		}
		return true
	})
	t.Logf("%d processes killed: %s; the last ended %s after the last kill", kills, Summary(runs), time.Since(began).Round(100*time.Millisecond))
	k.Tally.Check(t, runs)
}

type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

func (k Crashes) start(t *testing.T, role contract.Role) *child {
	t.Helper()
	c := &child{cmd: k.Child(role)}
	c.cmd.Stderr = os.Stderr
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // returns an error because the process was killed
	_ = c.stdin.Close()
}

// Lead runs a process of [Crashes]: a scheduler with some jobs of every kind, each due once a second. It returns when
// in ends, in case the test ends first.
func (k Crashes) Lead(in io.Reader, e contract.Executor, role contract.Role) error {
	r := cron.NewRegistry()
	chaos(k.Tally.Count)(r)
	jobs, err := r.Jobs(cron.Defaults{CatchUpWindow: time.Hour})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	err = scheduler.New(scheduler.Config{
		Store: k.Store, Jobs: jobs, Executor: e, Role: role, Lease: handoffLease,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError + 4})),
	}).Run(ctx)
	if ctx.Err() == nil {
		return errors.Join(err, errors.New("it stopped by itself"))
	}
	<-read
	return err
}
