package asynq

import (
	"context"

	"fibercrons/app/part"
)

func init() {
	part.Queues.Register("asynq", func(_ context.Context, s part.Setup) (part.Queue, error) {
		c := s.Config
		q, err := Open(Options{URL: c.Redis.Reveal(), Queue: c.RedisPrefix, Workers: c.Workers, Grace: s.QueueGrace(), Log: s.Log})
		if err != nil {
			return nil, err
		}
		return q, nil
	})
}
