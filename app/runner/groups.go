package runner

import (
	"context"
	"sync"
	"time"

	"fibercrons/app/contract"
)

// groups counts the runs of concurrency groups across processes with separate stores. A run takes a place before its
// start is committed, and keeps it while its function may run. If the limits do not answer, there is no place.
type groups struct {
	limits contract.Limits // nil: the store counts
	lease  time.Duration
	calls  context.Context
	// renewing excludes leave during a renewal, which would take the place again.
	renewing sync.RWMutex
}

// limitsTimeout limits one call of [contract.Limits].
const limitsTimeout = 250 * time.Millisecond

// limit reports whether r needs a place.
func (g *groups) limit(r *Run) bool {
	p := &r.Definition().Policies
	return g.limits != nil && p.Group != "" && p.GroupLimit > 0
}

// enter takes a place for r and reports whether there was one.
func (g *groups) enter(r *Run) bool {
	ctx, cancel := context.WithTimeout(g.calls, limitsTimeout)
	defer cancel()
	ok, err := g.limits.Enter(ctx, g.placeOf(r), r.Definition().Policies.GroupLimit)
	return ok && err == nil
}

// leave releases the place of r. After an error the place ends with its lease.
func (g *groups) leave(r *Run) {
	g.renewing.RLock()
	defer g.renewing.RUnlock()
	ctx, cancel := context.WithTimeout(g.calls, limitsTimeout)
	defer cancel()
	_ = g.limits.Leave(ctx, g.placeOf(r))
}

func (g *groups) placeOf(r *Run) contract.Place {
	return contract.Place{Group: r.Definition().Policies.Group, Run: r.ID(), Lease: g.lease}
}
