package alert

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// sendFor is how long a channel may take.
	sendFor = 30 * time.Second
	// sendAtOnce is how many deliveries of a channel are leased together.
	sendAtOnce = 3
	// listed is how many alerts a message lists; the others it counts.
	listed = 20
	// lookUp is how often a sender looks for deliveries without having been told of any.
	lookUp = 30 * time.Second

	firstRetry, lastRetry = 5 * time.Second, 15 * time.Minute
	// A channel that refuses is set up wrongly, and waits for a person.
	firstRefused, lastRefused = time.Minute, time.Hour
)

// sender brings messages to one channel, so that one that hangs holds up no other.
type sender struct {
	a       *Alerter
	channel Channel
	roused  chan struct{}
	failing bool // was told
	refused bool // was told
}

func (s *sender) run(ctx context.Context) {
	for {
		next := lookUp
		for more := true; more && ctx.Err() == nil; {
			more, next = s.round(ctx)
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.roused:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// round sends what is due. It says whether there may be more at once, and when to look again.
func (s *sender) round(ctx context.Context) (more bool, next time.Duration) {
	next = lookUp
	asking, cancel := context.WithTimeout(ctx, patience)
	list, err := s.a.store.TakeDeliveries(asking, Take{
		Channels: []string{s.channel.Name()}, Lease: s.a.o.Lease, PerMinute: s.a.o.PerMinute, Limit: sendAtOnce, Alerts: listed,
	})
	cancel()
	if err != nil {
		if ctx.Err() == nil && !s.failing {
			s.failing = true
			s.a.log.Error("deliveries of alerts wait for the store", "channel", s.channel.Name(), "error", err)
		}
		return false, s.a.o.Every
	}
	s.failing = false
	for i := range list {
		if wait := s.deliver(ctx, &list[i]); wait > 0 {
			next = min(next, wait)
		}
	}
	return len(list) > 0, next
}

// deliver makes one try, and returns after how long there is another; 0: there is none.
func (s *sender) deliver(ctx context.Context, d *Delivery) time.Duration {
	if ctx.Err() != nil {
		return 0 // another process's, once the lease is over
	}
	sending, cancel := context.WithTimeout(s.a.o.Context(ctx), min(sendFor, s.a.o.Lease/2))
	err := send(sending, s.channel, s.a.message(d))
	cancel()
	e := Settlement{ID: d.ID, Token: d.Token}
	switch {
	case err == nil:
		e.Sent, s.refused = true, false
	case ctx.Err() != nil: // broken off by the end of the program, and no fault of the channel's
		e.Error, e.Again = "broken off by the end of the process", time.Second
	default:
		e.Error, e.Again = brief(err.Error()), s.pause(d, err)
		e.GaveUp = time.Since(d.CreatedAt)+e.Again > s.a.o.GiveUp
		s.complain(d, &e, err)
	}
	// Also at the end of the program: what was sent is not to be sent again.
	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := s.a.store.Settle(settling, e); err != nil {
		s.a.log.Error("a delivery of an alert could not be recorded; it may be made again, with the same ID", "channel", d.Channel, "delivery", d.ID, "error", err)
	}
	if e.Sent || e.GaveUp {
		return 0
	}
	return e.Again
}

// send isolates a channel that panics.
func send(ctx context.Context, c Channel, m Message) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the channel panicked: %v", v)
		}
	}()
	return c.Send(ctx, m)
}

// pause is how long to wait after the tries so far: twice as long each time, give or take a quarter.
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

func (s *sender) complain(d *Delivery, e *Settlement, err error) {
	refused, is := errors.AsType[*RefusedError](err)
	switch {
	case e.GaveUp:
		s.a.log.Error("an alert could not be delivered and is given up", "channel", d.Channel, "delivery", d.ID, "attempts", d.Attempts, "error", e.Error)
	case is && refused.Setup:
		if !s.refused {
			s.refused = true
			s.a.log.Error("a channel of alerts refuses what it gets; look at how it is set up (cli alert test)", "channel", d.Channel, "delivery", d.ID, "error", e.Error)
		}
	case d.Attempts == 1:
		s.a.log.Warn("an alert could not be delivered and is tried again", "channel", d.Channel, "delivery", d.ID, "again", e.Again.Round(time.Second), "error", e.Error)
	}
}
