package alert

import (
	"maps"
	"slices"
	"sync"
)

// ignoringRuns are runs of this process that are still active although their context has ended. Only their process
// knows.
type ignoringRuns struct {
	mu    sync.Mutex
	runs  map[string]Alert // by ID
	added bool             // since the last take
}

func (g *ignoringRuns) add(run string, a Alert) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.runs == nil {
		g.runs = make(map[string]Alert)
	}
	g.runs[run], g.added = a, true
}

// remove removes a run whose function has returned.
func (g *ignoringRuns) remove(run string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.runs, run)
}

// take returns the runs, and whether one was added since the last call.
func (g *ignoringRuns) take() (list []Alert, fresh bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fresh, g.added = g.added, false
	return slices.Collect(maps.Values(g.runs)), fresh
}
