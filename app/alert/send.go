package alert

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// sendFor limits a call of a channel.
	sendFor = 30 * time.Second
	// sendAtOnce is the number of deliveries of a channel that are leased together.
	sendAtOnce = 3
	// listed is the number of alerts listed in a message; others are counted.
	listed = 20
	// named is the number of schedules of a job that are named in a message; others are counted.
	named = 3
	// pollEvery is how often a sender checks for deliveries without a wake-up.
	pollEvery = 30 * time.Second

	firstRetry, lastRetry = 5 * time.Second, 15 * time.Minute
	// A channel that refuses is misconfigured and needs a person.
	firstRefused, lastRefused = time.Minute, time.Hour
)

// sender sends the messages of one channel, so that a hanging channel does not delay the others.
type sender struct {
	o       *Options
	channel Channel
	wakeups chan struct{}
	failing bool // logged
	refused bool // logged
}

func (s *sender) run(ctx context.Context) {
	for {
		next := pollEvery
		for more := true; more && ctx.Err() == nil; {
			more, next = s.round(ctx)
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.wakeups:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// round sends what is due. It reports whether there may be more, and when to check again.
func (s *sender) round(ctx context.Context) (more bool, next time.Duration) {
	next = pollEvery
	asking, cancel := context.WithTimeout(ctx, storeTimeout)
	list, err := s.o.Store.TakeDeliveries(asking, Take{
		Channels: []string{s.channel.Name()}, Lease: s.o.Lease, PerMinute: s.o.PerMinute, Limit: sendAtOnce, Alerts: listed, Each: named,
	})
	cancel()
	if err != nil {
		if ctx.Err() == nil && !s.failing {
			s.failing = true
			s.o.Log.Error("failed to read alert deliveries; will retry", "channel", s.channel.Name(), "error", err)
		}
		return false, s.o.Every
	}
	s.failing = false
	for i := range list {
		if wait := s.deliver(ctx, &list[i]); wait > 0 {
			next = min(next, wait)
		}
	}
	return len(list) > 0, next
}

// deliver makes one attempt, and returns the time to the next, or 0 if there is none.
func (s *sender) deliver(ctx context.Context, d *Delivery) time.Duration {
	if ctx.Err() != nil {
		return 0 // another process takes it after the lease
	}
	sending, cancel := context.WithTimeout(s.o.Context(ctx), min(sendFor, s.o.Lease/2))
	err := send(sending, s.channel, newMessage(d, s.o.Environment, s.o.Link))
	cancel()
	e := Settlement{ID: d.ID, Token: d.Token}
	switch {
	case err == nil:
		e.Sent, s.refused = true, false
	case ctx.Err() != nil: // shutdown, not the channel's fault
		e.Error, e.Again = "interrupted by the shutdown of the process", time.Second
	default:
		e.Error, e.Again = brief(err.Error()), s.pause(d, err)
		e.GaveUp = time.Since(d.CreatedAt)+e.Again > s.o.GiveUp
		s.logFailure(d, &e, err)
	}
	// Record the result also during shutdown, so that a sent message is not repeated.
	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := s.o.Store.Settle(settling, e); err != nil {
		s.o.Log.Error("failed to record an alert delivery; it may be repeated with the same ID", "channel", d.Channel, "delivery", d.ID, "error", err)
	}
	if e.Sent || e.GaveUp {
		return 0
	}
	return e.Again
}

// send isolates panics of the channel.
func send(ctx context.Context, c Channel, m Message) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the channel panicked: %v", v)
		}
	}()
	return c.Send(ctx, m)
}

// pause is the delay before the next attempt: doubled each time, varied by a quarter.
func (s *sender) pause(d *Delivery, err error) time.Duration {
	first, most := firstRetry, lastRetry
	refused, is := errors.AsType[*RefusedError](err)
	if is && refused.Setup {
		first, most = firstRefused, lastRefused
	}
	wait := min(first<<min(d.Attempts-1, 20), most)
	wait = time.Duration(float64(wait) * (0.75 + rand.Float64()/2)) //nolint:gosec // spreads load
	if is && refused.After > 0 {
		wait = max(wait, min(refused.After, lastRefused))
	}
	return wait
}

func (s *sender) logFailure(d *Delivery, e *Settlement, err error) {
	refused, is := errors.AsType[*RefusedError](err)
	switch {
	case e.GaveUp:
		s.o.Log.Error("alert delivery failed for too long; giving up", "channel", d.Channel, "delivery", d.ID, "attempts", d.Attempts, "error", e.Error)
	case is && refused.Setup:
		if !s.refused {
			s.refused = true
			s.o.Log.Error("alert channel refuses messages; check its configuration (cli alert test)", "channel", d.Channel, "delivery", d.ID, "error", e.Error)
		}
	case d.Attempts == 1:
		s.o.Log.Warn("alert delivery failed; will retry", "channel", d.Channel, "delivery", d.ID, "again", e.Again.Round(time.Second), "error", e.Error)
	}
}
