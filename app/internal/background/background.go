// Package background runs work that nobody waits for, until it is closed.
package background

import (
	"context"
	"sync"
)

// Group is work in the background. [New] makes it.
type Group struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

// New returns an open Group.
func New() *Group {
	g := &Group{}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Go calls work in a goroutine, with a context that ends with [Group.Close]. After Close it returns false instead.
func (g *Group) Go(work func(ctx context.Context)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.work.Go(func() { work(g.ctx) })
	return true
}

// Close ends the context of all work and waits for it.
func (g *Group) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.work.Wait()
}
