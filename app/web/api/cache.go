package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"fibercrons/app/web/reply"
)

// list is an encoded list, and X-Total-Count.
type list struct {
	reply.Document
	total int
}

// cache reuses encoded lists while nothing has changed, and makes each once for all who wait for it. An answer
// carries the stamp of the store from before it was made. A caller gets one whose stamp is at least that of its own
// question, so no answer is older than its question.
//
// A list of very many jobs takes long to make, and in a burst of runs it is out of date before it is done. For a
// while such an answer is reused although something has changed (see stale), and the next one is made in the
// background; but not if a request has changed something through this server since: whoever pauses a job sees it
// paused.
type cache struct {
	stamp func(context.Context) (int64, error) // grows with every change
	// background runs work until the application is closed. It returns false once that is so.
	background func(work func(context.Context)) bool

	mu     sync.Mutex
	since  time.Time // answers made before are not reused when out of date
	kept   map[string]answered
	size   int // bytes kept
	making map[string]*flight
}

// answered is a finished answer.
type answered struct {
	list
	stamp       int64
	made, until time.Time // valid from made until then, unless the store changes
	took        time.Duration
}

// stale is how long an answer may be reused once it is out of date: not at all if making it was quick, and
// otherwise so long that renewing it takes a tenth of the time.
func (a *answered) stale() time.Duration {
	if a.took < slowAnswer {
		return 0
	}
	return min(10*a.took, oldest)
}

// flight is an answer in the making.
type flight struct {
	done chan struct{}
	answered
	err error
}

// Callers choose the filters of a list, so the cache is bounded.
const (
	keptMost  = 32
	keptBytes = 16 << 20

	slowAnswer = 20 * time.Millisecond
	oldest     = time.Second
)

var errBroken = errors.New("the answer broke off")

func newCache(stamp func(context.Context) (int64, error), background func(func(context.Context)) bool) *cache {
	return &cache{stamp: stamp, background: background, kept: map[string]answered{}, making: map[string]*flight{}}
}

// do returns the answer to key. create returns it with the time until which it is valid.
func (c *cache) do(ctx context.Context, key string, create func(context.Context) (list, time.Time, error)) (list, error) {
	asked, err := c.stamp(ctx)
	if err != nil {
		return list{}, err
	}
	for {
		c.mu.Lock()
		now := time.Now()
		a, ok := c.kept[key]
		if ok && a.answers(asked, now) {
			c.mu.Unlock()
			return a.list, nil
		}
		other := c.making[key]
		if ok && a.passable(c.since, now) {
			if other == nil {
				mine := c.begin(key)
				if !c.background(func(ctx context.Context) { c.renew(ctx, key, mine, create) }) {
					c.end(key, mine)
				}
			}
			c.mu.Unlock()
			return a.list, nil
		}
		if other == nil {
			mine := c.begin(key)
			c.mu.Unlock()
			return c.make(ctx, key, mine, create)
		}
		c.mu.Unlock()
		select {
		case <-other.done:
		case <-ctx.Done():
			return list{}, ctx.Err()
		}
		if other.err == nil && other.stamp >= asked {
			return other.list, nil // made for all who waited, even if it is out of date by now
		}
	}
}

func (a *answered) answers(asked int64, now time.Time) bool {
	return a.stamp >= asked && !now.Before(a.made) && now.Before(a.until)
}

// passable says that an answer may be reused although it is out of date.
func (a *answered) passable(since, now time.Time) bool {
	stale := a.stale()
	return stale > 0 && a.made.After(since) && !now.Before(a.made) && now.Sub(a.made) < a.took+stale
}

// renew is make in the background. If it fails, the next request reports why.
func (c *cache) renew(ctx context.Context, key string, mine *flight, create func(context.Context) (list, time.Time, error)) {
	defer func() { _ = recover() }()
	_, _ = c.make(ctx, key, mine, create)
}

// changed stops the reuse of answers that are out of date now.
func (c *cache) changed() {
	c.mu.Lock()
	c.since = time.Now()
	c.mu.Unlock()
}

// begin registers an answer in the making. c.mu is held.
func (c *cache) begin(key string) *flight {
	mine := &flight{done: make(chan struct{}), err: errBroken}
	c.making[key] = mine
	return mine
}

// end takes an answer in the making back, or lets those who wait for it see it. c.mu is held.
func (c *cache) end(key string, mine *flight) {
	delete(c.making, key)
	close(mine.done)
}

// make makes an answer.
func (c *cache) make(ctx context.Context, key string, mine *flight, create func(context.Context) (list, time.Time, error)) (list, error) {
	defer func() { // also when create panics: nobody waits forever
		c.mu.Lock()
		defer c.mu.Unlock()
		if mine.err == nil {
			mine.took = time.Since(mine.made)
			c.keep(key, mine.answered)
		}
		c.end(key, mine)
	}()
	mine.made = time.Now()
	if mine.stamp, mine.err = c.stamp(ctx); mine.err == nil {
		mine.list, mine.until, mine.err = create(ctx)
	}
	return mine.list, mine.err
}

func (c *cache) keep(key string, a answered) {
	c.size += len(a.Body) - len(c.kept[key].Body)
	c.kept[key] = a
	if len(c.kept) > keptMost || c.size > keptBytes {
		c.kept, c.size = map[string]answered{}, 0
	}
}
