package asynq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// calls are the tickets that are being worked.
type calls struct {
	contract.Worker
	going  sync.WaitGroup
	cancel sync.Map // task ID -> context.CancelFunc
}

// Work implements [contract.Executor]. Each call has a server of its own, since a stopped one is of no
// further use.
func (e *Executor) Work(ctx context.Context, w contract.Worker) error {
	c := &calls{Worker: w}
	server := asynq.NewServer(e.redis, asynq.Config{
		Concurrency:              e.o.Workers,
		Queues:                   map[string]int{e.o.Queue: 1},
		TaskCheckInterval:        200 * time.Millisecond,
		DelayedTaskCheckInterval: time.Second,
		ShutdownTimeout:          e.o.Grace,
		IsFailure:                func(err error) bool { return errors.As(err, new(*failed)) },
		RetryDelayFunc:           delay,
		ErrorHandler:             asynq.ErrorHandlerFunc(c.cancelled),
		Logger:                   logger{e.o.Log},
		LogLevel:                 asynq.ErrorLevel,
	})
	if err := server.Ping(); err != nil {
		return fmt.Errorf("work asynq: %w", err)
	}
	if err := server.Start(c); err != nil {
		return fmt.Errorf("work asynq: %w", err)
	}
	<-ctx.Done()
	server.Stop()
	server.Shutdown()
	c.going.Wait() // those that asynq does not wait for, since somebody cancelled them
	return nil
}

// ProcessTask implements [asynq.Handler].
func (c *calls) ProcessTask(ctx context.Context, task *asynq.Task) error {
	c.going.Add(1)
	defer c.going.Done()
	var p payload
	if err := json.Unmarshal(task.Payload(), &p); err != nil {
		return fmt.Errorf("not a task of this program's: %w: %w", err, asynq.SkipRetry)
	}
	// asynq ends ctx also when it cannot reach Redis for a while; the run goes on then. What
	// somebody cancelled is told to the error handler.
	call, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	id, _ := asynq.GetTaskID(ctx)
	c.cancel.Store(id, cancel)
	defer c.cancel.Delete(id)
	out := c.Do(call, p.ticket())
	switch err := out.Err(); {
	case out.Again > 0:
		return &putBack{out.Again}
	case err != nil:
		return &failed{err}
	case out.Status != cron.Succeeded:
		note(task, out)
	}
	return nil
}

// note tells asynq's UI what became of a run that did not succeed and did not fail.
func note(task *asynq.Task, out contract.Answer) {
	text := string(out.Status)
	if text == "" {
		text = "void: this attempt is made, or was made elsewhere"
	}
	if out.Error != "" {
		text += ": " + out.Error
	}
	_, _ = task.ResultWriter().Write([]byte(text)) // for people; nothing hangs on it
}

// cancelled is told by asynq of every error, also of the end of a task's context.
func (c *calls) cancelled(ctx context.Context, _ *asynq.Task, err error) {
	if err != context.Canceled { //nolint:errorlint // itself, and not what a run may have failed with
		return
	}
	id, _ := asynq.GetTaskID(ctx)
	if cancel, ok := c.cancel.Load(id); ok {
		cancel.(context.CancelFunc)()
	}
}

// putBack asks for the ticket once more.
type putBack struct{ after time.Duration }

func (p *putBack) Error() string { return "put back for " + p.after.String() }

// failed is a run's failure. asynq archives the task.
type failed struct{ error }

func (f *failed) Is(target error) bool { return target == asynq.SkipRetry }

// patience is how long asynq waits before it hands out again what its worker did not finish.
const patience = 5 * time.Second

func delay(_ int, err error, _ *asynq.Task) time.Duration {
	var p *putBack
	if errors.As(err, &p) {
		return p.after
	}
	return patience
}

// logger passes asynq's errors on.
type logger struct{ log *slog.Logger }

func (logger) Debug(...any)     {}
func (logger) Info(...any)      {}
func (logger) Warn(...any)      {}
func (l logger) Error(a ...any) { l.log.Error("asynq: " + fmt.Sprint(a...)) }
func (l logger) Fatal(a ...any) { l.log.Error("asynq: " + fmt.Sprint(a...)) }
