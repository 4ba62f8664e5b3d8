package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// health is a breaker: after a failure only the probe calls the server until it responds again, so an unavailable
// server does not delay claims.
type health struct {
	mu   sync.Mutex
	down error
}

const (
	probeUp   = 2 * time.Second // also how long an idle process takes to notice a loss
	probeDown = 500 * time.Millisecond
	probeKeep = 10 * time.Second
)

// Err returns why Redis is unavailable, or nil.
func (c *Client) Err() error {
	c.health.mu.Lock()
	defer c.health.mu.Unlock()
	return c.health.down
}

// call calls the server, unless the breaker is open.
func (c *Client) call(ctx context.Context, ask func(context.Context) error) error {
	if err := c.Err(); err != nil {
		return err
	}
	return c.note(ctx, false, ask(ctx))
}

// note opens or closes the breaker after a call. Only a call that began with an open breaker closes it; others may have
// been answered before the failure.
func (c *Client) note(ctx context.Context, away bool, err error) error {
	if err != nil && (errors.Is(ctx.Err(), context.Canceled) || c.ctx.Err() != nil) {
		return err // cancelled by the caller, not a failure of the server
	}
	if err != nil {
		err = fmt.Errorf("redis call failed: %w", err)
	}
	c.health.mu.Lock()
	was := c.health.down
	if was == nil || away && err == nil { // keep the first failure
		c.health.down = err
	}
	is := c.health.down
	c.health.mu.Unlock()
	switch {
	case was == nil && err != nil && c.separate():
		c.log.Error("redis is lost; no slot runs until it is back, because another replica may run it", "error", err)
	case was == nil && err != nil:
		c.log.Warn("degraded: redis is lost; slots are claimed through the database alone, with more load on it", "error", err)
	case was != nil && is == nil:
		c.log.Info("redis is back")
	}
	return err
}

// watch probes the server at intervals. Only a probe closes the breaker.
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

// probe makes the same call as claims, on its own key. A server that is full, read-only or refuses scripts still
// answers PING.
func (c *Client) probe() {
	away := c.Err() != nil
	ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
	defer cancel()
	_, err := c.server.run(ctx, admit, []string{c.key("probe", c.self)}, c.self, probeKeep.Milliseconds())
	if err != nil {
		c.inspected = false
	} else if !c.inspected {
		c.inspected = c.inspect(ctx)
	}
	_ = c.note(ctx, away, err)
}

// inspect warns of a server that may evict slots. It uses INFO, because managed servers often refuse CONFIG GET. It
// returns false if there was no answer.
func (c *Client) inspect(ctx context.Context) bool {
	if !c.separate() {
		return true
	}
	info, err := redis.String(c.server.do(ctx, "INFO", "memory"))
	if err != nil {
		_, answered := errors.AsType[redis.Error](err)
		return answered // INFO may be forbidden
	}
	policy := "noeviction"
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:"); ok {
			policy = value
		}
	}
	if policy != "noeviction" {
		c.log.Warn("redis may evict the holder of a slot when its memory is full, and the slot then runs twice; set maxmemory-policy to noeviction", "maxmemory-policy", policy)
	}
	return true
}
