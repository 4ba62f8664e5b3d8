package scheduler

import (
	"sync/atomic"
)

// stage is a stage in a scheduler's life.
type stage int32

const (
	idle        stage = iota // only manual runs
	maintaining              // the same, and runs of dead processes are settled: the clock is off
	ticking                  // slots are claimed
	draining                 // nothing new begins
	stopped
)

// phase is the current stage. It never goes back.
type phase struct{ at atomic.Int32 }

func (p *phase) get() stage { return stage(p.at.Load()) }

func (p *phase) advance(to stage) {
	for at := p.at.Load(); at < int32(to) && !p.at.CompareAndSwap(at, int32(to)); at = p.at.Load() {
	}
}

// awake reports whether this process settles runs of dead processes and prunes.
func (p *phase) awake() bool { return p.get() == ticking || p.get() == maintaining }
