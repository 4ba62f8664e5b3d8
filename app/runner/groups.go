package runner

import (
	"context"
	"sync"
	"time"

	"fibercrons/app/contract"
)

// groups counts the runs of concurrency groups where processes have stores of their own. A run of a group takes a place
// among all of them before its start is committed, and holds it for as long as its function may be running. Nobody can be
// asked: there is none.
type groups struct {
	limits contract.Limits // nil: the store counts
	lease  time.Duration
	calls  context.Context
	// renewing excludes leaving: a place that is given up meanwhile would come back.
	renewing sync.RWMutex
}

// answerWithin bounds one call of [contract.Limits].
const answerWithin = 250 * time.Millisecond

// limit says whether r needs a place.
func (g *groups) limit(r *Run) bool {
	p := &r.Definition().Policies
	return g.limits != nil && p.Group != "" && p.GroupLimit > 0
}

// enter takes a place for r, if there is one.
func (g *groups) enter(r *Run) bool {
	ctx, cancel := context.WithTimeout(g.calls, answerWithin)
	defer cancel()
	ok, err := g.limits.Enter(ctx, g.placeOf(r), r.Definition().Policies.GroupLimit)
	return ok && err == nil
}

// leave gives the place of r up. When that fails, it ends with its lease.
func (g *groups) leave(r *Run) {
	g.renewing.RLock()
	defer g.renewing.RUnlock()
	ctx, cancel := context.WithTimeout(g.calls, answerWithin)
	defer cancel()
	_ = g.limits.Leave(ctx, g.placeOf(r))
}

func (g *groups) placeOf(r *Run) contract.Place {
	return contract.Place{Group: r.Definition().Policies.Group, Run: r.ID(), Lease: g.lease}
}
