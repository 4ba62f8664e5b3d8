package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/internal/redisurl"
)

// Options configure a [Client].
type Options struct {
	// URL of the server: redis://, rediss:// or unix://. It may hold a password and never appears in an error or a log
	// line. Required.
	URL string
	// Prefix begins every key and channel, so that several programs can share a server. Optional. Default: fibercrons.
	Prefix string
	// Database is the identity of this process's database, if each replica has its own. Optional. Default: none, all
	// replicas share one database.
	Database string
	// Log receives losses and returns of the server. Optional. Default: none.
	Log *slog.Logger
}

// Client is this process's connection to Redis. It implements [contract.Peers].
type Client struct {
	opts   Options
	self   string // this process
	holder string // the holder of a slot: this process, or its database
	server *server
	log    *slog.Logger

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	wg      sync.WaitGroup
	started sync.Once

	pending chan struct{} // a nudge to be sent
	heard   chan struct{} // one that was received
	health  health

	inspected bool // the current server was inspected; used by watch only
}

var (
	_ contract.Gate     = (*Client)(nil)
	_ contract.Limits   = (*Client)(nil)
	_ contract.Notifier = (*Client)(nil)
)

// Open parses the URL; it does not connect. Its error is about the URL.
func Open(opts Options) (*Client, error) {
	if opts.Prefix == "" {
		opts.Prefix = "fibercrons"
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	to, err := redisurl.Parse(opts.URL)
	if err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	c := &Client{
		opts: opts, self: rand.Text(), holder: opts.Database, server: newServer(to), log: opts.Log,
		pending: make(chan struct{}, 1), heard: make(chan struct{}, 1),
	}
	if c.holder == "" {
		c.holder = c.self
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// Start starts the health checks and the subscription to nudges. It does not wait; an unavailable server is logged.
func (c *Client) Start() {
	c.started.Do(func() {
		c.wg.Go(c.watch)
		c.wg.Go(c.publish)
		c.wg.Go(c.listen)
	})
}

// Close stops what Start started, and closes the connections.
func (c *Client) Close() error {
	c.stop()
	c.wg.Wait()
	return c.server.close()
}

// Peers returns the client as the scheduler uses it.
func (c *Client) Peers() contract.Peers {
	p := contract.Peers{Gate: c, Notifier: c}
	if c.separate() {
		p.Separate, p.Limits = true, c
	}
	return p
}

// Ping returns the server's response time.
func (c *Client) Ping(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	_, err := c.server.do(ctx, "PING")
	return time.Since(began), err
}

func (c *Client) separate() bool { return c.opts.Database != "" }

func (c *Client) key(kind, name string) string { return c.opts.Prefix + ":" + kind + ":" + name }
