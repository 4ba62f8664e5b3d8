package asynq

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"fibercrons/app/contract"
)

// Type is the type of every task of this package, and Queue its queue.
const (
	Type  = "fibercrons.run"
	Queue = "fibercrons"
)

// Options configure an [Executor].
type Options struct {
	// URL of Redis: redis://[user:password@]host[:port][/number], rediss:// or unix:///path.
	URL string
	// Queue is the name of the queue. Optional. Default: the constant Queue.
	Queue string
	// Workers is the maximum number of concurrent runs in this process. Optional. Default: 64.
	Workers int
	// Grace limits the shutdown of work. Optional. Default: 10 s.
	Grace time.Duration
	// Log is asynq's error log. Optional. Default: slog.Default().
	Log *slog.Logger
}

// Executor is a [contract.Executor]. It is safe for concurrent use.
type Executor struct {
	o         Options
	redis     asynq.RedisConnOpt
	client    *asynq.Client
	inspector *asynq.Inspector
}

var _ contract.Executor = (*Executor)(nil)

// Open returns an executor. It does not connect to Redis.
func Open(o Options) (*Executor, error) {
	o.Queue, o.Workers, o.Grace = cmp.Or(o.Queue, Queue), cmp.Or(o.Workers, 64), cmp.Or(o.Grace, 10*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	redis, err := parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("open asynq: %w", err)
	}
	return &Executor{o: o, redis: redis, client: asynq.NewClient(redis), inspector: asynq.NewInspector(redis)}, nil
}

// Close closes the connections. Call it after Work has returned.
func (e *Executor) Close() error { return errors.Join(e.client.Close(), e.inspector.Close()) }

// payload is the content of a task, as shown in asynq's UI.
type payload struct {
	Run     string `json:"run"`
	Job     string `json:"job"`
	Token   int64  `json:"token,string"` // browsers lose digits of large JSON numbers
	Attempt int    `json:"attempt"`
	// Schedule is the run's stored schedule.
	Schedule string `json:"schedule,omitempty"`
}

func (p payload) ticket() contract.Ticket {
	return contract.Ticket{Run: p.Run, Job: p.Job, Schedule: p.Schedule, Token: p.Token, Attempt: p.Attempt}
}

func taskID(t contract.Ticket) string {
	return t.Run + ":" + strconv.Itoa(t.Attempt) + ":" + strconv.FormatInt(t.Token, 36)
}

const (
	retention = time.Hour
	// forever is the timeout of a task; asynq's default is half an hour. A run has its own timeout.
	forever = 100 * 365 * 24 * time.Hour
	// redeliveries must be above 0. Tickets that are put back or whose worker died do not count, and a failed run is
	// archived at once.
	redeliveries = 1
)

// Enqueue implements [contract.Executor].
func (e *Executor) Enqueue(ctx context.Context, tickets []contract.Ticket) error {
	for _, t := range tickets {
		if err := e.enqueue(ctx, t); err != nil {
			return fmt.Errorf("enqueue in asynq: %w", err)
		}
	}
	return nil
}

func (e *Executor) enqueue(ctx context.Context, t contract.Ticket) error {
	body, err := json.Marshal(payload{Run: t.Run, Job: t.Job, Schedule: t.Schedule, Token: t.Token, Attempt: t.Attempt})
	if err != nil {
		return err
	}
	options := []asynq.Option{
		asynq.Queue(e.o.Queue), asynq.TaskID(taskID(t)), asynq.MaxRetry(redeliveries),
		asynq.Timeout(forever), asynq.Retention(retention),
	}
	if !t.NotBefore.IsZero() {
		options = append(options, asynq.ProcessAt(t.NotBefore))
	}
	task := asynq.NewTask(Type, body)
	_, err = e.client.EnqueueContext(ctx, task, options...)
	if errors.Is(err, asynq.ErrTaskIDConflict) && e.over(t) {
		_, err = e.client.EnqueueContext(ctx, task, options...)
	}
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// over deletes the ticket's task if asynq has ended it, and reports whether it did. The run is still waiting, so it
// needs a new task.
func (e *Executor) over(t contract.Ticket) bool {
	info, err := e.inspector.GetTaskInfo(e.o.Queue, taskID(t))
	if err != nil {
		return false
	}
	if info.State != asynq.TaskStateArchived && info.State != asynq.TaskStateCompleted {
		return false
	}
	return e.inspector.DeleteTask(e.o.Queue, info.ID) == nil
}
