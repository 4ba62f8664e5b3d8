package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// health is a breaker: after a failure nobody asks the server but the probe, until it has answered
// again. So a server that is away costs the claims nothing.
type health struct {
	mu   sync.Mutex
	down error
}

const (
	probeUp   = 2 * time.Second // also how long an idle process takes to notice that Redis is gone
	probeDown = 500 * time.Millisecond
	probeKeep = 10 * time.Second
)

// Err says why Redis cannot be asked at present; nil: it can.
func (c *Client) Err() error {
	c.health.mu.Lock()
	defer c.health.mu.Unlock()
	return c.health.down
}

// call asks the server, unless it is known to be away.
func (c *Client) call(ctx context.Context, ask func(context.Context) error) error {
	if err := c.Err(); err != nil {
		return err
	}
	return c.note(ctx, false, ask(ctx))
}

// note opens or closes the breaker by the outcome of a call. Only a call that was begun while the server
// was known to be away closes it: one that was under way when another failed has been answered before that.
func (c *Client) note(ctx context.Context, away bool, err error) error {
	if err != nil && (errors.Is(ctx.Err(), context.Canceled) || c.ctx.Err() != nil) {
		return err // the caller's end, and not the server's
	}
	if err != nil {
		err = fmt.Errorf("redis does not answer as it should: %w", err)
	}
	c.health.mu.Lock()
	was := c.health.down
	if was == nil || away && err == nil { // the first failure is the telling one
		c.health.down = err
	}
	is := c.health.down
	c.health.mu.Unlock()
	switch {
	case was == nil && err != nil && c.separate():
		c.log.Error("redis is lost; until it is back no slot is run, since another replica may run it", "error", err)
	case was == nil && err != nil:
		c.log.Warn("degraded: redis is lost; slots are claimed by the database alone, with more work for it", "error", err)
	case was != nil && is == nil:
		c.log.Info("redis is back")
	}
	return err
}

// watch asks for a sign of life now and then, and by it alone a server comes back.
func (c *Client) watch() {
	for {
		rest := probeUp
		if c.probe(); c.Err() != nil {
			rest = probeDown
		}
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(rest):
		}
	}
}

// probe does what claims do, on a key of its own: a server that is full, read-only or refuses scripts
// answers a mere PING as if all were well.
func (c *Client) probe() {
	away := c.Err() != nil
	ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
	defer cancel()
	_, err := admit.Run(ctx, c.server, []string{c.key("probe", c.self)}, c.self, probeKeep.Milliseconds()).Int64Slice()
	if err != nil {
		c.inspected = false
	} else if !c.inspected {
		c.inspected = c.inspect(ctx)
	}
	_ = c.note(ctx, away, err)
}

// inspect warns of a server that may forget slots at will. Managed ones often refuse CONFIG GET; INFO
// tells the same. It is false when there was no answer.
func (c *Client) inspect(ctx context.Context) bool {
	if !c.separate() {
		return true
	}
	info, err := c.server.Info(ctx, "memory").Result()
	if err != nil {
		return errors.As(err, new(goredis.Error)) // not every user may ask
	}
	policy := "noeviction"
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:"); ok {
			policy = value
		}
	}
	if policy != "noeviction" {
		c.log.Warn("redis may forget who runs a slot when its memory is full, and the slot is then run twice; set maxmemory-policy to noeviction", "maxmemory-policy", policy)
	}
	return true
}
