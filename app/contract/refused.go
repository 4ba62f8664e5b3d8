package contract

import (
	"fmt"

	"fibercrons/app/cron"
)

// RefusedError says why a manual run was refused.
type RefusedError struct {
	Job    string
	Reason cron.Reason // cron.ReasonPaused, cron.ReasonOverlap, cron.ReasonQueueFull, cron.ReasonShutdown
}

func (e *RefusedError) Error() string {
	switch e.Reason {
	case cron.ReasonPaused:
		return fmt.Sprintf("job %q is paused; resume it, or force the run", e.Job)
	case cron.ReasonOverlap:
		return fmt.Sprintf("job %q is running and does not overlap; wait for it, or force the run", e.Job)
	case cron.ReasonQueueFull:
		return fmt.Sprintf("job %q has too many runs waiting", e.Job)
	case cron.ReasonShutdown:
		return fmt.Sprintf("job %q cannot be run: the scheduler is stopping", e.Job)
	}
	return fmt.Sprintf("job %q was refused: %s", e.Job, e.Reason)
}
