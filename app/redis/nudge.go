package redis

import (
	"context"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// nudgeRest is the time between two nudges of a process: twenty a second at most, however much
// happens.
const nudgeRest = 50 * time.Millisecond

// Notify implements [contract.Notifier].
func (c *Client) Notify() { ring(c.pending) }

// Notified implements [contract.Notifier].
func (c *Client) Notified() <-chan struct{} { return c.heard }

// ring leaves a sign that there is something, if there is none yet.
func ring(sign chan struct{}) {
	select {
	case sign <- struct{}{}:
	default:
	}
}

// channel is shared by those who look at the same database.
func (c *Client) channel() string { return c.key("nudge", c.opts.Database) }

// tell sends nudges. One that cannot be sent is left out.
func (c *Client) tell() {
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

// listen receives others' nudges. The subscription finds its way back to a server that was away.
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
