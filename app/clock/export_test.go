package clock

import (
	"time"

	"github.com/reugn/go-quartz/quartz"
)

// NewTickQueue is the queue that quartz works on.
func NewTickQueue() quartz.JobQueue { return newTickQueue() }

// Compare is Jump with the clocks of the test's choice.
func (w *Watch) Compare(wall time.Time, mono time.Duration) time.Duration {
	return w.compare(wall, mono)
}
