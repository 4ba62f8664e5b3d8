package part

import (
	"context"
	"io"
	"time"

	"fibercrons/app/contract"
)

// Queue carries claimed runs to whichever process works it.
type Queue interface {
	contract.Executor
	io.Closer
}

// Queues are registered by the values of CRON_EXECUTOR.
var Queues Kind[func(context.Context, Setup) (Queue, error)]

// leave is how long a queue may take to stop beyond the grace of runs, which is itself followed by some
// seconds in which cancelled runs end.
const leave = 10 * time.Second

// QueueGrace is how long a queue may take to stop.
func (s Setup) QueueGrace() time.Duration { return s.Config.ShutdownGrace + leave }
