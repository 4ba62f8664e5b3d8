package contract

import "log/slog"

// LogRun returns the log for lines about a run. They have the attributes job and run, and schedule unless it is empty.
func LogRun(log *slog.Logger, job, run, schedule string) *slog.Logger {
	if schedule == "" {
		return log.With("job", job, "run", run)
	}
	return log.With("job", job, "run", run, "schedule", schedule)
}
