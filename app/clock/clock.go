// Package clock calls a function at the slots of schedules. It is the only package that uses go-quartz.
//
// A [Clock] has members, such as jobs, each on one or more schedules. At every slot of a schedule it calls a function
// with the schedule's members. Each distinct schedule is one quartz job, however many members share it.
//
// A tick is a hint: which slots are due follows from the watermark. A late, lost or repeated tick therefore changes
// nothing. A caller that also checks its members once a second needs ticks only for punctuality. [Clock.Recheck]
// belongs to that check: the loop's timer does not notice that the machine slept or the wall clock was set. [Watch]
// reports such jumps.
package clock

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

// Clock ticks for members of type M. It is safe for concurrent use.
type Clock[M comparable] struct {
	quartz *quartz.StdScheduler
	tick   func(g *Group[M], slot time.Time)

	mu     sync.Mutex
	groups map[string]*Group[M] // by the key of their schedule
}

// Group is the members of one schedule.
type Group[M comparable] struct {
	clock    *Clock[M]
	schedule schedule.Schedule
	members  []M // clock.mu guards it
}

// Placement holds a member's schedules. Only [Clock] changes it. The zero Placement has none.
type Placement struct{ keys []string }

// New returns a stopped clock. It calls tick in its loop, so tick must not block or call methods of the clock or the
// group, which may wait for the loop.
func New[M comparable](tick func(g *Group[M], slot time.Time), log *slog.Logger) (*Clock[M], error) {
	sched, err := quartz.NewStdScheduler(
		quartz.WithQueue(newTickQueue(), &sync.Mutex{}),
		quartz.WithBlockingExecution(),
		quartz.WithJobMetadata(),
		quartz.WithOutdatedThreshold(math.MaxInt64/4), // drop no late tick
		quartz.WithLogger(quartzLog{log}),
	)
	if err != nil {
		return nil, err
	}
	return &Clock[M]{quartz: sched.(*quartz.StdScheduler), tick: tick, groups: make(map[string]*Group[M])}, nil
}

// Place replaces the schedules of m, whose placement is p.
func (c *Clock[M]) Place(m M, p *Placement, schedules []schedule.Schedule) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range p.keys {
		g := c.groups[key]
		g.members = slices.DeleteFunc(slices.Clone(g.members), func(other M) bool { return other == m })
		if len(g.members) == 0 {
			delete(c.groups, key)
			if err := c.quartz.DeleteJob(quartz.NewJobKey(key)); err != nil && !errors.Is(err, quartz.ErrJobNotFound) {
				return err
			}
		}
	}
	p.keys = p.keys[:0]
	for _, s := range schedules {
		key := s.Key()
		if slices.Contains(p.keys, key) {
			continue
		}
		p.keys = append(p.keys, key)
		g := c.groups[key]
		if g == nil {
			g = &Group[M]{clock: c, schedule: s}
			c.groups[key] = g
			if err := c.quartz.ScheduleJob(quartz.NewJobDetail(g, quartz.NewJobKey(key)), trigger{s}); err != nil {
				return err
			}
		}
		g.members = append(g.members, m)
	}
	return nil
}

// Members returns the members of the group. A later Place does not change the slice.
func (g *Group[M]) Members() []M {
	g.clock.mu.Lock()
	defer g.clock.mu.Unlock()
	return g.members
}

// Start starts the clock.
func (c *Clock[M]) Start() { c.quartz.Start(context.Background()) }

// Recheck makes the loop read the wall clock again.
func (c *Clock[M]) Recheck() { c.quartz.Reset() }

// Stop stops the clock and waits for an active tick.
func (c *Clock[M]) Stop() {
	c.quartz.Stop()
	c.quartz.Wait(context.Background())
}

// Execute implements quartz.Job.
func (g *Group[M]) Execute(ctx context.Context) error {
	slot := time.Now()
	if md, ok := ctx.Value(quartz.JobMetadataContextKey).(quartz.JobMetadata); ok {
		slot = time.Unix(0, md.RunTime)
	}
	g.clock.tick(g, slot)
	return nil
}

// Description implements quartz.Job.
func (g *Group[M]) Description() string { return g.schedule.String() }

// trigger passes the slots of a schedule to quartz. It never returns an error, because quartz then deletes the job.
type trigger struct{ schedule schedule.Schedule }

// lookBack is how late the next tick may be. Older ticks are dropped.
const lookBack = time.Second

// NextFireTime implements quartz.Trigger.
func (t trigger) NextFireTime(prev int64) (int64, error) {
	from := max(prev, quartz.NowNano()-int64(lookBack))
	next, ok := t.schedule.Next(time.Unix(0, from))
	if !ok || next.Year() > 2261 {
		return math.MaxInt64, nil // beyond the range of nanoseconds: never
	}
	return next.UnixNano(), nil
}

// Description implements quartz.Trigger.
func (t trigger) Description() string { return t.schedule.String() }

// quartzLog forwards quartz's warnings and errors.
type quartzLog struct{ log *slog.Logger }

var _ logger.Logger = quartzLog{}

func (quartzLog) Trace(string, ...any)                {}
func (quartzLog) Debug(string, ...any)                {}
func (quartzLog) Info(string, ...any)                 {}
func (l quartzLog) Warn(message string, args ...any)  { l.log.Warn("quartz: "+message, args...) }
func (l quartzLog) Error(message string, args ...any) { l.log.Error("quartz: "+message, args...) }

// alarmKey is the quartz job of the alarm. No schedule has this key.
const alarmKey = "alarm"

// Alarm calls ring at an instant, or at once if that is past, in place of the call that an earlier Alarm has set and
// that is still to come. ring is called in the clock's loop, as tick is.
func (c *Clock[M]) Alarm(at time.Time, ring func()) error {
	detail := quartz.NewJobDetailWithOptions(alarm(ring), quartz.NewJobKey(alarmKey), &quartz.JobDetailOptions{Replace: true})
	return c.quartz.ScheduleJob(detail, &once{at: at.UnixNano()})
}

// alarm implements quartz.Job.
type alarm func()

func (a alarm) Execute(context.Context) error {
	a()
	return nil
}

func (a alarm) Description() string { return alarmKey }

// once fires at an instant, once. Only quartz's loop and the call that schedules it use it, one after the other.
type once struct {
	at   int64
	rung bool
}

// NextFireTime implements quartz.Trigger.
func (o *once) NextFireTime(int64) (int64, error) {
	if o.rung {
		return math.MaxInt64, nil
	}
	o.rung = true
	return o.at, nil
}

// Description implements quartz.Trigger.
func (o *once) Description() string { return alarmKey }
