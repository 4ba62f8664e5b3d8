package cron

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/reugn/go-quartz/logger"
	"github.com/reugn/go-quartz/quartz"

	"fibercrons/app/schedule"
)

// clockwork drives ticks by go-quartz. Each distinct schedule is one quartz job that fans out
// to every job of ours on it. quartz calls tick inside its timing loop, so tick only hands over.
//
// A tick is a hint that slots may be due, never the slot itself: which slots are due follows
// from what is settled, so that a tick that is late, lost or repeated changes nothing.
type clockwork struct {
	quartz *quartz.StdScheduler
	tick   func(g *group, slot time.Time)

	mu     sync.Mutex
	groups map[string]*group // by the key of their schedule
}

// group is the jobs that share a schedule.
type group struct {
	clock    *clockwork
	schedule schedule.Schedule
	entries  []*entry // clock.mu guards it
}

func newClockwork(tick func(*group, time.Time), log *slog.Logger) (*clockwork, error) {
	sched, err := quartz.NewStdScheduler(
		quartz.WithQueue(newTickQueue(), &sync.Mutex{}),
		quartz.WithBlockingExecution(),
		quartz.WithJobMetadata(),
		quartz.WithOutdatedThreshold(math.MaxInt64/4), // no tick is dropped for being late
		quartz.WithLogger(quartzLog{log}),
	)
	if err != nil {
		return nil, err
	}
	return &clockwork{quartz: sched.(*quartz.StdScheduler), tick: tick, groups: make(map[string]*group)}, nil
}

// move places e on the schedules of its timetable, and on no others.
func (c *clockwork) move(e *entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range e.keys {
		g := c.groups[key]
		g.entries = slices.DeleteFunc(slices.Clone(g.entries), func(other *entry) bool { return other == e })
		if len(g.entries) == 0 {
			delete(c.groups, key)
			if err := c.quartz.DeleteJob(quartz.NewJobKey(key)); err != nil && !errors.Is(err, quartz.ErrJobNotFound) {
				return err
			}
		}
	}
	e.keys = e.keys[:0]
	for _, s := range e.table.schedules {
		key := s.Key()
		if slices.Contains(e.keys, key) {
			continue
		}
		e.keys = append(e.keys, key)
		g := c.groups[key]
		if g == nil {
			g = &group{clock: c, schedule: s}
			c.groups[key] = g
			if err := c.quartz.ScheduleJob(quartz.NewJobDetail(g, quartz.NewJobKey(key)), trigger{s}); err != nil {
				return err
			}
		}
		g.entries = append(g.entries, e)
	}
	return nil
}

// members returns the jobs of the group. What move does later does not change the slice.
func (g *group) members() []*entry {
	g.clock.mu.Lock()
	defer g.clock.mu.Unlock()
	return g.entries
}

func (c *clockwork) start() { c.quartz.Start(context.Background()) }

// look makes the loop read the clock again: its timer does not notice that the machine slept
// or that the clock was set.
func (c *clockwork) look() { c.quartz.Reset() }

func (c *clockwork) stop() {
	c.quartz.Stop()
	c.quartz.Wait(context.Background())
}

// Execute implements quartz.Job.
func (g *group) Execute(ctx context.Context) error {
	slot := time.Now()
	if md, ok := ctx.Value(quartz.JobMetadataContextKey).(quartz.JobMetadata); ok {
		slot = time.Unix(0, md.RunTime)
	}
	g.clock.tick(g, slot)
	return nil
}

// Description implements quartz.Job.
func (g *group) Description() string { return g.schedule.String() }

// trigger gives quartz the slots of a schedule. It never returns an error, since quartz drops
// a job for good on the first one.
type trigger struct{ schedule schedule.Schedule }

// lookBack is how late the next tick may be before the ticks in between are left out.
const lookBack = time.Second

// NextFireTime implements quartz.Trigger.
func (t trigger) NextFireTime(prev int64) (int64, error) {
	from := max(prev, quartz.NowNano()-int64(lookBack))
	next, ok := t.schedule.Next(time.Unix(0, from))
	if !ok || next.Year() > 2261 {
		return math.MaxInt64, nil // beyond what nanoseconds can say: never
	}
	return next.UnixNano(), nil
}

// Description implements quartz.Trigger.
func (t trigger) Description() string { return t.schedule.String() }

// quartzLog passes on what quartz finds worth a warning.
type quartzLog struct{ log *slog.Logger }

var _ logger.Logger = quartzLog{}

func (quartzLog) Trace(string, ...any)                {}
func (quartzLog) Debug(string, ...any)                {}
func (quartzLog) Info(string, ...any)                 {}
func (l quartzLog) Warn(message string, args ...any)  { l.log.Warn("quartz: "+message, args...) }
func (l quartzLog) Error(message string, args ...any) { l.log.Error("quartz: "+message, args...) }
