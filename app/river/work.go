package river

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Work implements [contract.Executor]. Each call has its own client, because a stopped one cannot be reused.
func (e *Executor) Work(ctx context.Context, w contract.Worker) error {
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{Worker: w, rescue: e.o.Rescue})
	client, err := river.NewClient(riverpgxv5.New(e.pool), &river.Config{
		Logger:               e.o.Log,
		Workers:              workers,
		Queues:               map[string]river.QueueConfig{Queue: {MaxWorkers: e.o.Workers}},
		JobTimeout:           -1,
		RescueStuckJobsAfter: e.o.Rescue,
		Schema:               e.schema,
		// LISTEN needs a session. Behind a pooler it hears nothing and remains on a shared connection.
		PollOnly:          e.pooled,
		FetchPollInterval: e.pollInterval(),
	})
	if err != nil {
		return fmt.Errorf("work river: %w", err)
	}
	// The end of ctx only stops the fetching, so active jobs need another context.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("work river: %w", err)
	}
	<-ctx.Done()
	return e.stop(client.Stop, client.StopAndCancel)
}

// stop waits for active calls, which the scheduler ends, and for River to record them; but not for a database that does
// not respond.
func (e *Executor) stop(gently, hard func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), e.o.Grace)
	defer cancel()
	if gently(ctx) == nil {
		return nil
	}
	ctx, cancel = context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := hard(ctx); err != nil {
		return fmt.Errorf("stop river: %w", err)
	}
	return nil
}

type worker struct {
	river.WorkerDefaults[args]
	contract.Worker
	rescue time.Duration
}

// Timeout implements [river.Worker]. Runs have their own timeouts. River calls this again for a job that has run for
// long, and rescues it if the timeout has passed; see the package comment.
func (w *worker) Timeout(job *river.Job[args]) time.Duration {
	if job.AttemptedAt == nil || time.Since(*job.AttemptedAt) < w.rescue {
		return -1
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if w.Alive(ctx, job.Args.ticket()) {
		return -1
	}
	return time.Nanosecond
}

// output is stored by River with a completed job.
type output struct {
	Status cron.Status `json:"status"` // of the run; empty if the ticket was obsolete
	Error  string      `json:"error,omitempty"`
}

// Work implements [river.Worker].
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	// River also ends ctx when it stops. Cancel the run only if the job was cancelled.
	call, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), river.ErrJobCancelledRemotely) {
			cancel()
		}
	})()
	out := w.Do(call, job.Args.ticket())
	if out.Again > 0 {
		return river.JobSnooze(out.Again)
	}
	if err := out.Err(); err != nil {
		return err
	}
	if out.Status == cron.Cancelled {
		return river.JobCancel(errors.New(out.Error))
	}
	if err := river.RecordOutput(ctx, output{Status: out.Status, Error: out.Error}); err != nil {
		return fmt.Errorf("record the outcome: %w", err)
	}
	return nil
}

// pollInterval is how often River checks for tickets without a notification.
func (e *Executor) pollInterval() time.Duration {
	if e.pooled {
		return 200 * time.Millisecond
	}
	return time.Second // River's default
}
