package runner

import (
	"cmp"
	"slices"
	"time"
)

// line is the waiting runs of this process, in order of arrival. A run that may start is ready. A run that its job or
// group blocks waits under a key.
type line struct {
	ready   []*Run
	head    int // index of the first in ready
	blocked map[string][]*Run
	remote  map[string]*remoteWait
}

func (l *line) len() int { return len(l.ready) - l.head }

func (l *line) push(r *Run) { l.ready = append(l.ready, r) }

// pop returns the first ready run, or nil.
func (l *line) pop() *Run {
	if l.len() == 0 {
		return nil
	}
	r := l.ready[l.head]
	l.ready[l.head] = nil
	l.head++
	if l.head > 1024 && l.head > len(l.ready)/2 {
		l.ready = append(l.ready[:0:0], l.ready[l.head:]...)
		l.head = 0
	}
	return r
}

// blockKey names what a blocked run waits for: its group, or else its job or stored schedule.
func blockKey(r *Run) string {
	if g := r.Definition().Policies.Group; g != "" {
		return "group " + g
	}
	if id := r.Schedule(); id != "" {
		return "schedule " + id
	}
	return "job " + r.Job()
}

// behind reports whether another run of r's job goes first: it has the turn, or arrived earlier and is blocked.
func (l *line) behind(r *Run) bool {
	if turn := r.lane.turn; turn != nil && turn != r {
		return true
	}
	if len(l.blocked) == 0 {
		return false
	}
	return slices.ContainsFunc(l.blocked[blockKey(r)], func(other *Run) bool { return other.lane == r.lane && other.seq < r.seq })
}

// block adds r to the blocked runs.
func (l *line) block(r *Run) {
	key := blockKey(r)
	waiting := l.blocked[key]
	i, _ := slices.BinarySearchFunc(waiting, r, func(a, b *Run) int { return cmp.Compare(a.seq, b.seq) })
	if l.blocked == nil {
		l.blocked = make(map[string][]*Run)
	}
	l.blocked[key] = slices.Insert(waiting, i, r)
}

// unblock makes ready the first run that waited for r. In a group it makes all ready, because they may also wait for
// their own jobs.
func (l *line) unblock(r *Run) {
	if len(l.blocked) > 0 {
		l.wake(blockKey(r), r.Definition().Policies.Group != "")
	}
}

// wake makes the first run under key ready, or all.
func (l *line) wake(key string, all bool) {
	waiting := l.blocked[key]
	n := min(1, len(waiting))
	if all {
		n = len(waiting)
	}
	l.ready = append(l.ready, waiting[:n]...)
	if n == len(waiting) {
		delete(l.blocked, key)
		return
	}
	l.blocked[key] = waiting[n:]
}

// wakeSome makes runs under every key ready.
func (l *line) wakeSome() {
	for key := range l.blocked {
		l.wake(key, key[0] == 'g')
	}
}

// remove removes r from the waiting runs.
func (l *line) remove(r *Run) {
	key := blockKey(r)
	if i := slices.Index(l.blocked[key], r); i >= 0 {
		l.blocked[key] = slices.Concat(l.blocked[key][:i], l.blocked[key][i+1:])
	}
	for i := l.head; i < len(l.ready); i++ {
		if l.ready[i] == r {
			l.ready = append(l.ready[:i:i], l.ready[i+1:]...)
			break
		}
	}
}

// Runs of a job or group may be held by several processes, and only the store knows about the other processes' runs. So
// a refused start is retried, with growing delays while the same run is in the way. The delay after that run's end is
// at most about as long as the run, and at most a second.
//
// A process lets earlier slots of other processes go first. Otherwise its own next run would always start sooner, and a
// run elsewhere could wait forever. It does not wait long, and not repeatedly: the other process may be dead or without
// a free worker.

const (
	retryFirst = 20 * time.Millisecond
	retryMax   = time.Second
	// turnTimeout is how long a process lets a run go first that does not start. That run's process retries every
	// second.
	turnTimeout = 2 * retryMax
)

// remoteWait is what runs of a job or group wait for in other processes.
type remoteWait struct {
	by      string    // the run in the way
	since   time.Time // when it was first seen
	wait    time.Duration
	passed  time.Time // slots up to this one do not go first any more
	waiting bool      // a timer is active
}

// remoteOf returns the remoteWait of r's job or group.
func (l *line) remoteOf(r *Run) *remoteWait {
	key := blockKey(r)
	w := l.remote[key]
	if w == nil {
		w = &remoteWait{}
		if l.remote == nil {
			l.remote = make(map[string]*remoteWait)
		}
		l.remote[key] = w
	}
	return w
}

// next returns the delay until the retry of a start refused at now. by is the run that blocks it. earlier: it is not
// running but has an earlier slot.
func (w *remoteWait) next(now time.Time, by string, earlier bool, slot time.Time) time.Duration {
	if w.by != by {
		w.by, w.since, w.wait = by, now, retryFirst
	} else {
		w.wait = min(2*w.wait, retryMax)
	}
	if earlier {
		if now.Sub(w.since) >= turnTimeout {
			w.passed, w.by = slot, ""
		}
		w.wait = min(w.wait, 10*retryFirst) // nothing is running, so a long delay wastes time
	}
	return w.wait
}
