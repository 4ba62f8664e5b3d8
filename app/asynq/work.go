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

// calls are the active tickets.
type calls struct {
	contract.Worker
	going  sync.WaitGroup
	cancel sync.Map // task ID -> context.CancelFunc
}

// Work implements [contract.Executor]. Each call has its own server, because a stopped one cannot be reused.
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
	c.going.Wait() // asynq does not wait for cancelled tasks
	return nil
}

// ProcessTask implements [asynq.Handler].
func (c *calls) ProcessTask(ctx context.Context, task *asynq.Task) error {
	c.going.Add(1)
	defer c.going.Done()
	var p payload
	if err := json.Unmarshal(task.Payload(), &p); err != nil {
		return fmt.Errorf("not a task of this program: %w: %w", err, asynq.SkipRetry)
	}
	// asynq also ends ctx if it cannot reach Redis for a while; the run then continues. The error handler receives
	// cancellations.
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

// note records, for asynq's UI, a run that neither succeeded nor failed.
func note(task *asynq.Task, out contract.Answer) {
	text := string(out.Status)
	if text == "" {
		text = "void: this attempt is or was made elsewhere"
	}
	if out.Error != "" {
		text += ": " + out.Error
	}
	_, _ = task.ResultWriter().Write([]byte(text)) // only for display
}

// cancelled is asynq's error handler, which is also called at the end of a task's context.
func (c *calls) cancelled(ctx context.Context, _ *asynq.Task, err error) {
	if err != context.Canceled { //nolint:errorlint // only this value, not a run's error that wraps it
		return
	}
	id, _ := asynq.GetTaskID(ctx)
	if cancel, ok := c.cancel.Load(id); ok {
		cancel.(context.CancelFunc)()
	}
}

// putBack is the error that queues the ticket again.
type putBack struct{ after time.Duration }

func (p *putBack) Error() string { return "put back for " + p.after.String() }

// failed is a run's failure. asynq archives the task.
type failed struct{ error }

func (f *failed) Is(target error) bool { return target == asynq.SkipRetry }

// redeliverAfter is asynq's delay before it repeats a task that its worker did not finish.
const redeliverAfter = 5 * time.Second

func delay(_ int, err error, _ *asynq.Task) time.Duration {
	var p *putBack
	if errors.As(err, &p) {
		return p.after
	}
	return redeliverAfter
}

// logger forwards asynq's errors.
type logger struct{ log *slog.Logger }

func (logger) Debug(...any)     {}
func (logger) Info(...any)      {}
func (logger) Warn(...any)      {}
func (l logger) Error(a ...any) { l.log.Error("asynq: " + fmt.Sprint(a...)) }
func (l logger) Fatal(a ...any) { l.log.Error("asynq: " + fmt.Sprint(a...)) }
