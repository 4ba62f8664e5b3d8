package scheduler

import "sync/atomic"

// stage is how far a scheduler has come in its life.
type stage int32

const (
	idle     stage = iota // runs by hand only
	tending               // the same, for as long as a server lives: what was left behind is seen to
	ticking               // slots are claimed
	draining              // nothing new begins, from here on
	stopped
)

// phase is the stage of a scheduler. It never goes back.
type phase struct{ at atomic.Int32 }

func (p *phase) get() stage { return stage(p.at.Load()) }

func (p *phase) advance(to stage) {
	for at := p.at.Load(); at < int32(to) && !p.at.CompareAndSwap(at, int32(to)); at = p.at.Load() {
	}
}

// awake says whether this process sweeps and prunes, beside its own runs.
func (p *phase) awake() bool { return p.get() == ticking || p.get() == tending }
