package assembly

import (
	"context"
	"io"
	"log/slog"
	"time"

	"fibercrons/app/asynq"
	"fibercrons/app/contract"
	"fibercrons/app/env"
	"fibercrons/app/river"
)

// Queue is what carries claimed runs to whichever process works it.
type Queue interface {
	contract.Executor
	io.Closer
}

// leave is how long a queue may take to stop beyond the grace of runs, which is itself followed by some
// seconds in which cancelled runs end.
const leave = 10 * time.Second

// OpenQueue opens the queue that CRON_EXECUTOR names; nil: none.
func OpenQueue(ctx context.Context, cfg env.Config, log *slog.Logger) (Queue, error) {
	grace := cfg.ShutdownGrace + leave
	switch cfg.Executor {
	case env.ExecutorRiver:
		q, err := river.Open(ctx, river.Options{
			URL: cfg.Database.Reveal(), Workers: cfg.Workers, Grace: grace, Rescue: max(time.Minute, 2*cfg.Lease), Log: log,
		})
		if err != nil {
			return nil, err
		}
		return q, nil
	case env.ExecutorAsynq:
		q, err := asynq.Open(asynq.Options{URL: cfg.Redis.Reveal(), Queue: cfg.RedisPrefix, Workers: cfg.Workers, Grace: grace, Log: log})
		if err != nil {
			return nil, err
		}
		return q, nil
	}
	return nil, nil
}
