package runner

import (
	"context"
	"slices"
	"time"

	"fibercrons/app/contract"
)

const (
	// shortWait and less is waited in this process, not in the queue. Queues poll for delayed work, so a retry after
	// one second could take several.
	shortWait   = 5 * time.Second
	sendStep    = 1000 // tickets in one call
	sendTimeout = 10 * time.Second
	// resendMost limits, in leases, the time until a lost ticket is sent again. It doubles from two leases on, because
	// most tickets are not lost but wait.
	resendMost = 16
)

// outbox sends tickets to the queue.
type outbox struct {
	*Config
	st *state
}

// SendTickets sends tickets to the queue until stop is closed.
func (rn *Runner) SendTickets(stop <-chan struct{}) { rn.outbox.run(stop) }

func (o *outbox) run(stop <-chan struct{}) {
	ticker := time.NewTicker(max(o.Lease/3, 10*time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-o.st.sign:
		case <-ticker.C:
			o.st.Lock()
			o.st.resend(time.Now())
			o.st.Unlock()
		}
		for wait := 50 * time.Millisecond; !o.sendAll(); wait = min(2*wait, 2*time.Second) {
			select {
			case <-stop:
				return
			case <-time.After(wait):
			}
		}
	}
}

// sendAll sends all tickets and reports whether the queue accepted them.
func (o *outbox) sendAll() bool {
	for {
		runs, tickets, n := o.take()
		if n == 0 {
			return true
		}
		var err error
		if len(tickets) > 0 {
			ctx, cancel := context.WithTimeout(o.Calls, sendTimeout)
			err = o.Executor.Enqueue(ctx, tickets)
			cancel()
		}
		if !o.sent(runs, n, err) {
			return false
		}
	}
}

// take returns the tickets of the first n runs in the outbox that still need one.
func (o *outbox) take() (runs []*Run, tickets []contract.Ticket, n int) {
	o.st.Lock()
	defer o.st.Unlock()
	n = min(sendStep, len(o.st.tickets))
	for _, r := range o.st.tickets[:n] {
		if r.posted && !r.gone && !r.begun {
			runs, tickets = append(runs, r), append(tickets, r.ticket())
		}
	}
	return runs, tickets, n
}

// sent records the result for the first n runs in the outbox, and reports whether it was success.
func (o *outbox) sent(runs []*Run, n int, err error) bool {
	o.st.Lock()
	defer o.st.Unlock()
	st := o.st
	if err != nil {
		if st.sendError == nil {
			o.Log.Error("runs cannot be sent to the queue; they are kept and sent when it answers", "runs", len(st.tickets), "error", err)
		}
		st.sendError = err
		return false
	}
	if st.sendError != nil {
		o.Log.Info("runs are sent to the queue again")
		st.sendError = nil
	}
	now := time.Now()
	for _, r := range runs {
		r.sent.wait = min(max(2*r.sent.wait, 2*o.Lease), resendMost*o.Lease)
		r.sent.at = now.Add(r.sent.wait)
		if next := r.nextAt.UTC(); next.After(now) {
			r.sent.at = next.Add(r.sent.wait)
		}
	}
	st.tickets = slices.Delete(st.tickets, 0, n)
	return true
}
