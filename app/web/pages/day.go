package pages

import (
	"context"
	"sync"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
)

// day counts the outcomes of the last day. The newest steps are counted for every caller. The others hardly change
// and may be many runs, so they are counted again only every few minutes.
type day struct {
	mu     sync.Mutex
	since  time.Time // begin of the first step
	made   time.Time
	counts map[cron.Status][]int
}

const (
	dayNewest = 2               // steps that are counted each time
	dayKept   = 5 * time.Minute // how long the other counts are reused
)

// tallied is the number of runs by status in each of n steps.
type tallied func(ctx context.Context, since time.Time, step time.Duration, n int) (map[cron.Status][]int, error)

func (d *day) tally(ctx context.Context, count tallied, now time.Time) (map[cron.Status][]int, error) {
	since := dashboard.TallyBegin(now)
	d.mu.Lock()
	defer d.mu.Unlock() // other callers wait for this count
	if !since.Equal(d.since) || now.Sub(d.made) > dayKept || now.Before(d.made) {
		older, err := count(ctx, since, dashboard.TallyStep, dashboard.TallySize-dayNewest)
		if err != nil {
			return nil, err
		}
		d.since, d.made, d.counts = since, now, older
	}
	newest, err := count(ctx, since.Add((dashboard.TallySize-dayNewest)*dashboard.TallyStep), dashboard.TallyStep, dayNewest)
	if err != nil {
		return nil, err
	}
	all := make(map[cron.Status][]int, len(d.counts))
	put := func(from int, counts map[cron.Status][]int) {
		for status, list := range counts {
			if all[status] == nil {
				all[status] = make([]int, dashboard.TallySize)
			}
			copy(all[status][from:], list)
		}
	}
	put(0, d.counts)
	put(dashboard.TallySize-dayNewest, newest)
	return all, nil
}
