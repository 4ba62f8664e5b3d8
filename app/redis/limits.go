package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/gomodule/redigo/redis"

	"fibercrons/app/contract"
)

// A group is a sorted set of runs by the end of their leases, on the server's clock, so that the replicas' clocks need
// not agree.

// enter: KEYS group; ARGV run, lease in ms, limit.
var enter = redis.NewScript(-1, `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
	return 0
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
	redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1`)

// renew: KEYS a group for each run; ARGV lease in ms, then the runs.
var renew = redis.NewScript(-1, `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for i, key in ipairs(KEYS) do
	redis.call('ZADD', key, now + ARGV[1], ARGV[i + 1])
	if redis.call('PTTL', key) < tonumber(ARGV[1]) then
		redis.call('PEXPIRE', key, ARGV[1])
	end
end
return #KEYS`)

// Enter implements [contract.Limits].
func (c *Client) Enter(ctx context.Context, p contract.Place, limit int) (ok bool, err error) {
	err = c.call(ctx, func(ctx context.Context) error {
		n, err := redis.Int(c.server.run(ctx, enter, []string{c.group(p)}, p.Run, p.Lease.Milliseconds(), limit))
		ok = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("enter group %q: %w", p.Group, err)
	}
	return ok, nil
}

// Renew implements [contract.Limits].
func (c *Client) Renew(ctx context.Context, places []contract.Place) error {
	byLease := make(map[time.Duration][]contract.Place)
	for _, p := range places {
		byLease[p.Lease] = append(byLease[p.Lease], p)
	}
	for lease, some := range byLease {
		keys, args := make([]string, len(some)), []any{lease.Milliseconds()}
		for i, p := range some {
			keys[i], args = c.group(p), append(args, p.Run)
		}
		if err := c.call(ctx, func(ctx context.Context) error {
			_, err := c.server.run(ctx, renew, keys, args...)
			return err
		}); err != nil {
			return fmt.Errorf("renew places in groups: %w", err)
		}
	}
	return nil
}

// Leave implements [contract.Limits].
func (c *Client) Leave(ctx context.Context, p contract.Place) error {
	err := c.call(ctx, func(ctx context.Context) error {
		_, err := c.server.do(ctx, "ZREM", c.group(p), p.Run)
		return err
	})
	if err != nil {
		return fmt.Errorf("leave group %q: %w", p.Group, err)
	}
	return nil
}

func (c *Client) group(p contract.Place) string { return c.key("limit", p.Group) }
