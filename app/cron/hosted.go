package cron

import (
	"encoding/json"
	"time"

	"fibercrons/app/internal/millis"
)

// Hosted is a [Run] as its scheduler uses it, with methods that a job's function does not need.
type Hosted struct{ Run }

// Begin fills in a new run. schedule is the ID of its stored schedule, if any. input is nil for a slot with the job's
// default arguments.
func (r *Hosted) Begin(h Host, j *Job, schedule, id string, trigger Trigger, slot millis.Time, input *Input) {
	r.host, r.job, r.stored, r.id, r.trigger, r.slot, r.input = h, j, schedule, id, trigger, slot, input
}

// Resume makes a new run the continuation of rec, with the number of attempts that have failed.
func (r *Hosted) Resume(rec *Record, failed int) {
	r.attempt.Store(int32(rec.Attempt)) //nolint:gosec // far below the limit
	r.failed = int32(failed)            //nolint:gosec // likewise
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.ensureOutput()
	w.progress, w.result, w.journal.seq = rec.Progress, rec.Result, rec.LogSeq
}

// Host returns the scheduler.
func (r *Hosted) Host() Host { return r.host }

// Definition returns the job.
func (r *Hosted) Definition() *Job { return r.job }

// Claimed returns the slot, or 0 for a manual run.
func (r *Hosted) Claimed() millis.Time { return r.slot }

// Input returns the run's input, or nil.
func (r *Hosted) Input() *Input { return r.input }

// NextAttempt counts an attempt that begins.
func (r *Hosted) NextAttempt() { r.attempt.Add(1) }

// AttemptFailed counts an attempt that ended in an error.
func (r *Hosted) AttemptFailed() { r.failed++ }

// Log adds a line to the run's log.
func (r *Hosted) Log(at time.Time, level, message string) { r.log(at, level, message) }

// Lines returns the lines since the last call. At the end of the run, a last line counts those that were left out.
func (r *Hosted) Lines(end bool, at time.Time) []LogLine {
	if end {
		return r.lines(true).close(at, r.Attempt())
	}
	return r.lines(true).take()
}

// LastLine is the number of the last line of its log.
func (r *Hosted) LastLine() int64 { return r.lines(true).last() }

// News returns the lines and the progress since the last call, or nil.
func (r *Hosted) News() (lines []LogLine, progress *Progress) {
	lines = r.lines(true).take()
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.output; w != nil && w.moved {
		p := *w.progress
		progress, w.moved = &p, false
	}
	return lines, progress
}

// Restore returns the result of News, which could not be stored, to the run.
func (r *Hosted) Restore(lines []LogLine, progress bool) {
	r.lines(false).restore(lines)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.output.moved = r.output.moved || progress
}

// Outcome returns the result and a copy of the progress so far.
func (r *Hosted) Outcome() (result json.RawMessage, progress *Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.output
	if w == nil {
		return nil, nil
	}
	if w.progress != nil {
		p := *w.progress
		progress = &p
	}
	return w.result, progress
}

// Arguments returns the run's arguments as stored.
func (r *Hosted) Arguments() json.RawMessage { return r.arguments() }

// Trace is the ID of the run's trace, or empty.
func (r *Hosted) Trace() string { return r.trace() }
