package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fibercrons/app/contract"
	"log/slog"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options say which Redis, and what for.
type Options struct {
	// URL of the server: redis://, rediss:// or unix://. It may hold a password and is never part of
	// an error or a log line. Required.
	URL string
	// Prefix begins every key and channel, so that several programs can share a server. Optional.
	// Default: fibercrons.
	Prefix string
	// Database is the identity of this process's database, when each replica has one of its own.
	// Optional. Default: none, all replicas share one database.
	Database string
	// Log hears when Redis is lost and when it is back. Optional. Default: none.
	Log *slog.Logger
}

// Client is this process's connection to Redis. It implements what [contract.Peers] asks for.
type Client struct {
	opts   Options
	self   string // this process
	holder string // who holds a slot: this process, or its database
	server *goredis.Client
	log    *slog.Logger

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	wg      sync.WaitGroup
	started sync.Once

	pending chan struct{} // a nudge to be sent
	heard   chan struct{} // one that was received
	health  health

	inspected bool // the server that answers now; of watch alone
}

var (
	_ contract.Gate     = (*Client)(nil)
	_ contract.Limits   = (*Client)(nil)
	_ contract.Notifier = (*Client)(nil)
)

const (
	// callTimeout bounds a call; the callers' own bounds are shorter.
	callTimeout = time.Second
	connections = 4
)

// Open reads the URL and connects to nothing yet. Its error is about the URL.
func Open(opts Options) (*Client, error) {
	if opts.Prefix == "" {
		opts.Prefix = "fibercrons"
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	o, err := goredis.ParseURL(opts.URL)
	if err != nil { // whose text may hold the password
		return nil, errors.New("open redis: REDIS_URL cannot be read: use redis://host:6379/0, rediss:// for TLS, or unix:///path/to/redis.sock")
	}
	o.ClientName = "fibercrons"
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	// A call is made once: what a second try could hide is what opens the breaker.
	o.MaxRetries, o.DialerRetries = -1, 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = callTimeout, callTimeout, callTimeout, callTimeout
	o.ContextTimeoutEnabled = true
	o.PoolSize, o.MinIdleConns, o.PipelinePoolSize = connections, 0, -1
	goredis.SetLogger(&logging.VoidLogger{}) // it writes to stderr; what fails is returned, and told once

	c := &Client{
		opts: opts, self: rand.Text(), holder: opts.Database, server: goredis.NewClient(o), log: opts.Log,
		pending: make(chan struct{}, 1), heard: make(chan struct{}, 1),
	}
	if c.holder == "" {
		c.holder = c.self
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// Start begins to watch over the server and to listen for nudges. It waits for nothing: a server that
// is away is told of in the log.
func (c *Client) Start() {
	c.started.Do(func() {
		c.wg.Go(c.watch)
		c.wg.Go(c.tell)
		c.wg.Go(c.listen)
	})
}

// Close ends what Start began, and the connections.
func (c *Client) Close() error {
	c.stop()
	c.wg.Wait()
	return c.server.Close()
}

// Peers is what the client is to a scheduler.
func (c *Client) Peers() contract.Peers {
	p := contract.Peers{Gate: c, Notifier: c}
	if c.separate() {
		p.Separate, p.Limits = true, c
	}
	return p
}

// Ping asks the server and says how long the answer took.
func (c *Client) Ping(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	err := c.server.Ping(ctx).Err()
	return time.Since(began), err
}

func (c *Client) separate() bool { return c.opts.Database != "" }

// key names something of the program's.
func (c *Client) key(kind, name string) string { return c.opts.Prefix + ":" + kind + ":" + name }
