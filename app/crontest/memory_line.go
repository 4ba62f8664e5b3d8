package crontest

import (
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// memJob is a job.
type memJob struct {
	state   contract.State
	code    memLine
	lines   map[string]*memLine // of stored schedules, by ID
	keys    map[string]*memRun
	queued  int // in all lines
	running int

	generation int64 // of the version that defined or removed it
}

// memLine is the runs of a job without a stored schedule, or of one stored schedule.
type memLine struct {
	job      *memJob
	schedule string
	runs     []*memRun // in order of claim
	slots    []*memRun // by slot
	queued   int
	running  int
	deferred int
	full     int // number of ended runs that triggers pruning
}

func (m *Memory) job(name string, now time.Time) *memJob {
	j := m.jobs[name]
	if j == nil {
		j = &memJob{state: contract.State{Name: name, FirstSeen: instant(now)}}
		j.code.job = j
		m.jobs[name] = j
	}
	return j
}

// line returns the runs of a stored schedule; of an empty ID those without one.
func (j *memJob) line(schedule string) *memLine {
	if schedule == "" {
		return &j.code
	}
	l := j.lines[schedule]
	if l == nil {
		l = &memLine{job: j, schedule: schedule}
		if j.lines == nil {
			j.lines = make(map[string]*memLine)
		}
		j.lines[schedule] = l
	}
	return l
}

// runs returns the runs of all lines.
func (j *memJob) runs() []*memRun {
	if len(j.lines) == 0 {
		return j.code.runs
	}
	all := slices.Clone(j.code.runs)
	for _, l := range j.lines {
		all = append(all, l.runs...)
	}
	return all
}

// slot returns the index of the slot, or its insertion point, and whether it exists.
func (l *memLine) slot(at int64) (int, bool) {
	if n := len(l.slots); n == 0 || l.slots[n-1].slot < at {
		return n, false
	}
	return slices.BinarySearchFunc(l.slots, at, func(r *memRun, at int64) int {
		switch {
		case r.slot < at:
			return -1
		case r.slot > at:
			return 1
		}
		return 0
	})
}

// count updates the numbers of deferred, queued and running runs.
func (m *Memory) count(r *memRun, by int) {
	switch l := r.line; {
	case r.deferred():
		l.deferred += by
	case r.status == cron.Queued:
		l.queued += by
		l.job.queued += by
	case r.status == cron.Running:
		l.running += by
		l.job.running += by
		if r.group != "" {
			m.groups[r.group] += by
		}
	}
}

// bound removes the oldest ended runs of a line when there are twice as many as are kept.
func (m *Memory) bound(l *memLine) {
	if ended := len(l.runs) - l.queued - l.running - l.deferred; ended > max(l.full, 2*m.keep) {
		l.full = ended - m.prune(l, m.keep, time.Time{}, ended) + m.keep
	}
	l.job.tidy(l)
}

// tidy forgets the line of a stored schedule if there is nothing in it.
func (j *memJob) tidy(l *memLine) {
	if l.schedule != "" && len(l.runs) == 0 {
		delete(j.lines, l.schedule)
	}
}

// prune deletes at most limit ended runs beyond the newest keep, or that ended before the cutoff.
func (m *Memory) prune(l *memLine, keep int, cutoff time.Time, limit int) int {
	ended := make([]*memRun, 0, len(l.runs))
	for _, r := range l.runs {
		if r.status.Ended() {
			ended = append(ended, r)
		}
	}
	slices.SortFunc(ended, newestFirst)
	settled := m.settledUpTo(l)
	gone := make(map[*memRun]bool)
	for i := len(ended) - 1; i >= 0 && len(gone) < limit; i-- {
		r := ended[i]
		over := keep > 0 && i >= keep
		old := !cutoff.IsZero() && r.endedAt < cutoff.UnixMilli()
		if (over || old) && (r.hand || settled(r.slot)) {
			gone[r] = true
			delete(m.runs, r.id)
			if r.more != nil && r.more.key != "" {
				delete(l.job.keys, r.more.key)
			}
		}
	}
	drop := func(r *memRun) bool { return gone[r] }
	l.runs, l.slots = slices.DeleteFunc(l.runs, drop), slices.DeleteFunc(l.slots, drop)
	return len(gone)
}

// settledUpTo reports of slots whether the watermark has passed them. Those of a deleted schedule are settled.
func (m *Memory) settledUpTo(l *memLine) func(slot int64) bool {
	watermark := l.job.state.Watermark
	if l.schedule != "" {
		g := m.schedules[l.schedule]
		if g == nil {
			return func(int64) bool { return true }
		}
		watermark = g.Watermark
	}
	return func(slot int64) bool { return !millis(slot).After(watermark) }
}
