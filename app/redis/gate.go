package redis

import (
	"context"
	"fmt"
	"strconv"

	"github.com/gomodule/redigo/redis"

	"fibercrons/app/contract"
)

// admit is SET NX PX for each key, and returns for each whether the caller has it. It checks the key first, so it can
// be repeated: a lost response does not cost the winner its slot.
var admit = redis.NewScript(-1, `
local out = {}
for i, key in ipairs(KEYS) do
	local holder = redis.call('GET', key)
	if not holder then
		redis.call('SET', key, ARGV[1], 'NX', 'PX', ARGV[i + 1])
		holder = ARGV[1]
	end
	out[i] = holder == ARGV[1] and 1 or 0
end
return out`)

// Admit implements [contract.Gate], in one round trip.
func (c *Client) Admit(ctx context.Context, tickets []contract.SlotRequest) ([]bool, error) {
	keys, args := make([]string, len(tickets)), make([]any, 1, len(tickets)+1)
	args[0] = c.holder
	for i, t := range tickets {
		name := t.Job + ":" + strconv.FormatInt(t.Slot.UnixMilli(), 10)
		if t.Schedule != "" { // last, since it may hold anything
			name += ":" + t.Schedule
		}
		keys[i] = c.key("slot", name)
		args = append(args, t.Keep.Milliseconds())
	}
	var answers []int64
	err := c.call(ctx, func(ctx context.Context) (err error) {
		answers, err = redis.Int64s(c.server.run(ctx, admit, keys, args...))
		if err == nil && len(answers) != len(tickets) {
			err = fmt.Errorf("%d answers to %d tickets", len(answers), len(tickets))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask for slots: %w", err)
	}
	out := make([]bool, len(tickets))
	for i, a := range answers {
		out[i] = a == 1
	}
	return out, nil
}
