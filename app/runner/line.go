package runner

import (
	"cmp"
	"slices"
	"time"
)

// line is the runs of this process that wait for a worker, their turn, or their group. A run that may start is ready,
// in order of arrival. One that another run of its job or group blocks waits under a key, in order of arrival, and takes
// no worker.
type line struct {
	ready   []*Run
	head    int // of ready
	blocked map[string][]*Run
	remote  map[string]*remoteWait
}

func (l *line) len() int { return len(l.ready) - l.head }

func (l *line) push(r *Run) { l.ready = append(l.ready, r) }

// pop returns the first run that is ready, or nil.
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

// blockKey names what a run may wait for: its group's limit, and within it its job's turn.
func blockKey(r *Run) string {
	if g := r.Definition().Policies.Group; g != "" {
		return "group " + g
	}
	return "job " + r.Job()
}

// behind says whether r has to let another run of its job go first: one that has the turn, or
// one that waits for it and came earlier.
func (l *line) behind(r *Run) bool {
	if turn := r.lane.turn; turn != nil && turn != r {
		return true
	}
	if len(l.blocked) == 0 {
		return false
	}
	return slices.ContainsFunc(l.blocked[blockKey(r)], func(other *Run) bool { return other.lane == r.lane && other.seq < r.seq })
}

// block sets a run aside.
func (l *line) block(r *Run) {
	key := blockKey(r)
	waiting := l.blocked[key]
	i, _ := slices.BinarySearchFunc(waiting, r, func(a, b *Run) int { return cmp.Compare(a.seq, b.seq) })
	if l.blocked == nil {
		l.blocked = make(map[string][]*Run)
	}
	l.blocked[key] = slices.Insert(waiting, i, r)
}

// unblock lets the first of those that waited for r try again; all of them if it was in a group, since those also wait
// for runs of their own jobs.
func (l *line) unblock(r *Run) {
	if len(l.blocked) > 0 {
		l.wake(blockKey(r), r.Definition().Policies.Group != "")
	}
}

// wake makes the first run that waits under key ready, or all of them.
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

// wakeSome lets somebody try under every key.
func (l *line) wakeSome() {
	for key := range l.blocked {
		l.wake(key, key[0] == 'g')
	}
}

// remove takes r out of those that wait.
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

// Runs of a job that wait for each other, or of a group that is limited, may be held by several processes. Only the
// store knows whether one of another process is running, or was due earlier. So a refused start is repeated: soon at first, and
// at growing distances while the same run stands in the way. The delay between the end of a run and the
// start of the next is therefore about as long as the run at most, and no longer than a second.
//
// A process with runs for later slots lets those for earlier slots go first. Otherwise it would always be there
// sooner with its own next run, and a run held elsewhere might wait for as long as there is a queue. It does
// not wait for long, and not for one after another: the other process may be dead, or have no free worker.

const (
	askFirst = 20 * time.Millisecond
	askMost  = time.Second
	// turnMost is how long a process waits for a run that should go first and does not start. That run's process asks each
	// second.
	turnMost = 2 * askMost
)

// remoteWait is what the runs of a job or group wait for in other processes.
type remoteWait struct {
	by     string    // the run that was in the way
	since  time.Time // when that was first seen
	wait   time.Duration
	passed time.Time // runs for slots up to this one are no longer waited for
	asking bool      // a timer runs
}

// remoteOf returns what r may have to wait for.
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

// next returns when to ask again after a start for slot was refused at now. By is the run in the way. Earlier says that
// this one does not run but was due earlier.
func (w *remoteWait) next(now time.Time, by string, earlier bool, slot time.Time) time.Duration {
	if w.by != by {
		w.by, w.since, w.wait = by, now, askFirst
	} else {
		w.wait = min(2*w.wait, askMost)
	}
	if earlier {
		if now.Sub(w.since) >= turnMost {
			w.passed, w.by = slot, ""
		}
		w.wait = min(w.wait, 10*askFirst) // nothing runs: not to ask is to lose time
	}
	return w.wait
}
