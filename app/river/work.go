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

// Work implements [contract.Executor]. Each call has a client of its own, since a stopped one is of no
// further use.
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
		// LISTEN is the session's. Behind a pooler it hears nothing, and would stay on a connection of others.
		PollOnly:          e.pooled,
		FetchPollInterval: e.pollInterval(),
	})
	if err != nil {
		return fmt.Errorf("work river: %w", err)
	}
	// Its own context: the end of ctx is to stop the fetching, and what goes on is to end in peace.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("work river: %w", err)
	}
	<-ctx.Done()
	return e.stop(client.Stop, client.StopAndCancel)
}

// stop waits for the calls that go on, which end when the scheduler says so, and for River to note how
// they ended; but not for a database that does not answer.
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

// worker is what River calls.
type worker struct {
	river.WorkerDefaults[args]
	contract.Worker
	rescue time.Duration
}

// Timeout implements [river.Worker]. There is none: a run has its own. River asks again when a job has
// been under way for long, and takes back what has a timeout that has passed; see the package comment.
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

// output is what River keeps with a job that has been worked.
type output struct {
	Status cron.Status `json:"status"` // of the run; empty: the ticket was void
	Error  string      `json:"error,omitempty"`
}

// Work implements [river.Worker].
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	// River ends ctx also when it stops; only what somebody cancelled is to be cancelled.
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
		return fmt.Errorf("note the outcome: %w", err)
	}
	return nil
}

// pollInterval is how often River looks for tickets that nobody has told it of.
func (e *Executor) pollInterval() time.Duration {
	if e.pooled {
		return 200 * time.Millisecond
	}
	return time.Second // River's own
}
