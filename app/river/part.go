package river

import (
	"context"
	"time"

	"fibercrons/app/part"
)

func init() {
	part.Queues.Register("river", func(ctx context.Context, s part.Setup) (part.Queue, error) {
		q, err := Open(ctx, Options{
			URL: s.Config.Database.Reveal(), Workers: s.Config.Workers, Grace: s.QueueGrace(), Rescue: max(time.Minute, 2*s.Config.Lease), Log: s.Log,
		})
		if err != nil {
			return nil, err
		}
		return q, nil
	})
}
