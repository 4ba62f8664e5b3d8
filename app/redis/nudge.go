package redis

import (
	"context"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
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
		_ = c.call(ctx, func(ctx context.Context) error {
			_, err := c.server.do(ctx, "PUBLISH", c.channel(), c.self)
			return err
		})
		cancel()
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(nudgeRest):
		}
	}
}

const (
	pulse   = 3 * time.Second  // between two pings of the subscription
	silence = 10 * time.Second // without an answer, the connection is lost
)

// listen receives nudges of others. It subscribes again when the connection is lost.
func (c *Client) listen() {
	for {
		c.subscribed()
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(probeDown):
		}
	}
}

// subscribed receives nudges until the connection is lost or the client is closed.
func (c *Client) subscribed() {
	conn, err := c.server.dial(c.ctx, silence)
	if err != nil {
		return
	}
	sub := redis.PubSubConn{Conn: conn}
	var pings sync.WaitGroup
	ctx, stop := context.WithCancel(c.ctx)
	defer pings.Wait()
	defer stop()
	if err := sub.Subscribe(c.channel()); err != nil {
		_ = conn.Close()
		return
	}
	pings.Go(func() {
		defer conn.Close() // ends Receive
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pulse):
				if sub.Ping("") != nil {
					return
				}
			}
		}
	})
	for {
		switch m := sub.Receive().(type) {
		case redis.Message:
			if string(m.Data) != c.self {
				ring(c.heard)
			}
		case error:
			return
		}
	}
}
