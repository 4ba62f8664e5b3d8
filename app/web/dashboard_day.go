package web

import (
	"context"
	"sync"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
)

// day counts the outcomes of the last day. What is older than the newest stretches hardly changes,
// and where much runs it is much to count: it is counted anew every few minutes, while the newest
// stretches are counted each time they are asked for.
type day struct {
	mu     sync.Mutex
	since  time.Time // of the first stretch
	made   time.Time
	counts map[cron.Status][]int
}

const (
	dayNewest = 2               // stretches that are counted each time
	dayKept   = 5 * time.Minute // how long the others stand
)

func (d *day) tally(ctx context.Context, h history, now time.Time) (map[cron.Status][]int, error) {
	since := dashboard.TallyBegin(now)
	d.mu.Lock()
	defer d.mu.Unlock() // who asks meanwhile waits for the count, and does not make his own
	if !since.Equal(d.since) || now.Sub(d.made) > dayKept || now.Before(d.made) {
		older, err := h.Tally(ctx, since, dashboard.TallyStep, dashboard.TallySize-dayNewest)
		if err != nil {
			return nil, err
		}
		d.since, d.made, d.counts = since, now, older
	}
	newest, err := h.Tally(ctx, since.Add((dashboard.TallySize-dayNewest)*dashboard.TallyStep), dashboard.TallyStep, dayNewest)
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
