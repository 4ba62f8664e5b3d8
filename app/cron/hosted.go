package cron

import (
	"encoding/json"
	"log/slog"
	"time"

	"fibercrons/app/internal/millis"
)

// Host is the scheduler in whose process a run goes on.
type Host interface {
	Logger() *slog.Logger      // of the program
	MaxRunLog() int            // bytes of log lines that are kept with a run; below 0: none
	TraceOf(run string) string // ID of the run's trace; empty: it has none
}

// Hosted is a [Run] in the hands of its scheduler, with what a job's function does not need.
type Hosted struct{ Run }

// Input is what came with a run that somebody asked for, or that is continued here.
type Input struct {
	Args     json.RawMessage
	DataSlot time.Time // the past slot that it stands for
	Key      string    // of the request
	Actor    string
}

// Begin fills in a new run. input is nil for a slot with the job's own arguments.
func (r *Hosted) Begin(h Host, j *Job, id string, trigger Trigger, slot millis.Time, input *Input) {
	r.host, r.job, r.id, r.trigger, r.slot, r.input = h, j, id, trigger, slot, input
}

// Resume makes a run that has begun the continuation of rec, of which so many attempts have failed.
func (r *Hosted) Resume(rec *Record, failed int) {
	r.attempt.Store(int32(rec.Attempt)) //nolint:gosec // it is counted in ones
	r.failed = int32(failed)            //nolint:gosec // likewise
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.speak()
	w.progress, w.result, w.journal.seq = rec.Progress, rec.Result, rec.LogSeq
}

// Host returns the scheduler.
func (r *Hosted) Host() Host { return r.host }

// Definition returns the job.
func (r *Hosted) Definition() *Job { return r.job }

// Claimed returns the slot; 0: the run was asked for by hand.
func (r *Hosted) Claimed() millis.Time { return r.slot }

// Input returns what came with the run; nil: nothing did.
func (r *Hosted) Input() *Input { return r.input }

// NextAttempt counts an attempt that begins.
func (r *Hosted) NextAttempt() { r.attempt.Add(1) }

// AttemptFailed counts an attempt that ended in an error.
func (r *Hosted) AttemptFailed() { r.failed++ }

// Log adds a line to the run's log.
func (r *Hosted) Log(at time.Time, level, message string) { r.log(at, level, message) }

// Lines returns those logged since they were asked for last; at the end of the run, with one that counts those that
// were left out.
func (r *Hosted) Lines(end bool, at time.Time) []LogLine {
	if end {
		return r.diary(true).close(at, r.Attempt())
	}
	return r.diary(true).take()
}

// LastLine is the number of the last line of its log.
func (r *Hosted) LastLine() int64 { return r.diary(true).last() }

// News returns the lines and the progress since the last call; nil: there are none.
func (r *Hosted) News() (lines []LogLine, progress *Progress) {
	lines = r.diary(true).take()
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.words; w != nil && w.moved {
		p := *w.progress
		progress, w.moved = &p, false
	}
	return lines, progress
}

// Restore takes back what News has returned, since it could not be kept.
func (r *Hosted) Restore(lines []LogLine, progress bool) {
	r.diary(false).restore(lines)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.words.moved = r.words.moved || progress
}

// Outcome returns the result and a copy of the progress so far.
func (r *Hosted) Outcome() (result json.RawMessage, progress *Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.words
	if w == nil {
		return nil, nil
	}
	if w.progress != nil {
		p := *w.progress
		progress = &p
	}
	return w.result, progress
}

// Arguments returns the run's arguments as they are kept.
func (r *Hosted) Arguments() json.RawMessage { return r.arguments() }

// Trace is the ID of the run's trace; empty: it has none.
func (r *Hosted) Trace() string { return r.trace() }
