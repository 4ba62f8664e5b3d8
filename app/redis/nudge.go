package redis

import (
	"context"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// nudgeRest is the minimum time between two nudges of a process: at most twenty a second.
const nudgeRest = 50 * time.Millisecond

// Notify implements [contract.Notifier].
func (c *Client) Notify() { ring(c.pending) }

// Notified implements [contract.Notifier].
func (c *Client) Notified() <-chan struct{} { return c.heard }

// ring signals without blocking.
func ring(sign chan struct{}) {
	select {
	case sign <- struct{}{}:
	default:
	}
}

// channel is shared by the processes of one database.
func (c *Client) channel() string { return c.key("nudge", c.opts.Database) }

// publish sends nudges, and drops those that fail.
func (c *Client) publish() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.pending:
		}
		ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
		_ = c.call(ctx, func(ctx context.Context) error { return c.server.Publish(ctx, c.channel(), c.self).Err() })
		cancel()
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(nudgeRest):
		}
	}
}

// listen receives nudges of others. The subscription reconnects.
func (c *Client) listen() {
	sub := c.server.Subscribe(c.ctx, c.channel())
	defer sub.Close()
	messages := sub.Channel(goredis.WithChannelSize(16))
	for {
		select {
		case <-c.ctx.Done():
			return
		case m, ok := <-messages:
			if !ok {
				return
			}
			if m.Payload != c.self {
				ring(c.heard)
			}
		}
	}
}
