package cron

import (
	"encoding/json"
	"log/slog"
	"time"
)

// What a scheduler needs of a run that it has begun, beside what the job's function sees.

// host is the scheduler in whose process a run goes on.
type host interface {
	logger() *slog.Logger      // of the program
	maxRunLog() int            // see [Config].MaxRunLog
	traceOf(run string) string // ID of the run's trace; empty: it has none
}

// begin fills in a new run. given is nil for a slot with the job's own arguments.
func (r *Run) begin(h host, j *Job, id string, trigger Trigger, slot instant, given *given) {
	r.host, r.job, r.id, r.trigger, r.slot, r.given = h, j, id, trigger, slot, given
}

// resume makes a run that has begun the continuation of rec, of which so many attempts have failed.
func (r *Run) resume(rec *Record, failed int) {
	r.attempt.Store(int32(rec.Attempt)) //nolint:gosec // it is counted in ones
	r.failed = int32(failed)            //nolint:gosec // likewise
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.speak()
	w.progress, w.result, w.journal.seq = rec.Progress, rec.Result, rec.LogSeq
}

// nextAttempt counts an attempt that begins.
func (r *Run) nextAttempt() { r.attempt.Add(1) }

// attemptFailed counts an attempt that ended in an error.
func (r *Run) attemptFailed() { r.failed++ }

// speak returns where the run's words are kept. r.mu is held.
func (r *Run) speak() *words {
	if r.words == nil {
		r.words = &words{journal: journal{limit: r.host.maxRunLog()}}
	}
	return r.words
}

// diary returns the run's journal; with some, only if there is one.
func (r *Run) diary(some bool) *journal {
	r.mu.Lock()
	defer r.mu.Unlock()
	if some && r.words == nil {
		return nil
	}
	return &r.speak().journal
}

// log adds a line to the run's log.
func (r *Run) log(at time.Time, level, message string) {
	r.diary(false).add(at, r.Attempt(), level, message, nil)
}

// lines returns those logged since they were asked for last; at the end of the run, with one that counts those that
// were left out.
func (r *Run) lines(end bool, at time.Time) []LogLine {
	if end {
		return r.diary(true).close(at, r.Attempt())
	}
	return r.diary(true).take()
}

// lastLine is the number of the last line of its log.
func (r *Run) lastLine() int64 { return r.diary(true).last() }

// told returns the lines and the progress that were told since the last call; nil: there is no news of it.
func (r *Run) told() (lines []LogLine, progress *Progress) {
	lines = r.diary(true).take()
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.words; w != nil && w.moved {
		p := *w.progress
		progress, w.moved = &p, false
	}
	return lines, progress
}

// tellAgain takes back what told has returned, since it could not be kept.
func (r *Run) tellAgain(lines []LogLine, progress bool) {
	r.diary(false).restore(lines)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.words.moved = r.words.moved || progress
}

// outcome returns the result and a copy of the progress told so far.
func (r *Run) outcome() (result json.RawMessage, progress *Progress) {
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

func (r *Run) arguments() json.RawMessage {
	if r.given != nil {
		return r.given.args
	}
	return r.job.defaultArgs()
}

// trace is the ID of the run's trace; empty: it has none.
func (r *Run) trace() string { return r.host.traceOf(r.id) }
