package redis

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"fibercrons/app/internal/redisurl"
)

const (
	// callTimeout limits a call. The callers' own limits are shorter.
	callTimeout = time.Second
	connections = 4
	idleFor     = time.Minute
)

// server is a pool of connections to Redis.
type server struct {
	to   redisurl.Server
	pool atomic.Pointer[redis.Pool]
}

func newServer(to redisurl.Server) *server {
	s := &server{to: to}
	s.pool.Store(s.newPool())
	return s
}

func (s *server) newPool() *redis.Pool {
	return &redis.Pool{
		MaxActive: connections, MaxIdle: connections, Wait: true, IdleTimeout: idleFor,
		DialContext: func(ctx context.Context) (redis.Conn, error) { return s.dial(ctx, callTimeout) },
	}
}

// dial opens a connection, on which an answer may take as long as read.
func (s *server) dial(ctx context.Context, read time.Duration) (redis.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return redis.DialContext(ctx, s.to.Network, s.to.Addr,
		redis.DialUsername(s.to.Username), redis.DialPassword(s.to.Password), redis.DialDatabase(s.to.Database), redis.DialClientName("fibercrons"),
		redis.DialUseTLS(s.to.TLS != nil), redis.DialTLSConfig(s.to.TLS), redis.DialTLSHandshakeTimeout(callTimeout),
		redis.DialReadTimeout(read), redis.DialWriteTimeout(callTimeout))
}

// do makes a call once: a hidden retry would delay the breaker.
func (s *server) do(ctx context.Context, command string, args ...any) (any, error) {
	return s.with(ctx, func(ctx context.Context, c redis.Conn) (any, error) { return redis.DoContext(c, ctx, command, args...) })
}

// run runs a script with the keys and the other arguments.
func (s *server) run(ctx context.Context, script *redis.Script, keys []string, args ...any) (any, error) {
	all := redis.Args{len(keys)}.AddFlat(keys)
	return s.with(ctx, func(ctx context.Context, c redis.Conn) (any, error) {
		return script.DoContext(ctx, c, append(all, args...)...)
	})
}

func (s *server) with(ctx context.Context, call func(context.Context, redis.Conn) (any, error)) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	pool := s.pool.Load()
	c, err := pool.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, c)
	_ = c.Close() // goes back to the pool, unless it is broken
	if broken(err) && s.pool.CompareAndSwap(pool, s.newPool()) {
		_ = pool.Close() // the others lead to the same server
	}
	return answer, err
}

// broken reports whether other connections are likely to fail as well: the server is gone, or has become a replica.
func broken(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	refused, answered := errors.AsType[redis.Error](err)
	return !answered || strings.HasPrefix(string(refused), "READONLY ") || strings.HasPrefix(string(refused), "LOADING ")
}

func (s *server) close() error { return s.pool.Load().Close() }
