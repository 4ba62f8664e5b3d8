package store

import (
	"context"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/db"
)

// groupRows bounds a group: about so many rows are written between two commits, so that the next group
// waits for a few ten milliseconds at most.
const (
	groupRows = db.MaxRows
	// besideRows bounds the claims in a group that has starts or ends.
	besideRows = 100
)

// op is one call that writes. It is carried out inside a transaction together with others, and
// may be carried out again from the start when that transaction did not commit.
type op struct {
	kind string
	rows int
	ctx  context.Context
	need func(*needs)     // names what it needs to read; optional
	run  func(*txn) error // decides, and gathers what to write
	err  error
	// refused means that err is the database's, and not an answer such as a lost fence.
	refused bool
	done    chan struct{}

	finish  *contract.Finish // of a finish
	start   *contract.Start  // of a start
	outcome contract.StartOutcome

	claims []contract.Claim // of a claim
	later  bool             // it was put off; see txn.putOff
	tries  int              // and how often
}

// begins reports whether a worker waits for one of the claims, to begin its run.
func (o *op) begins() bool {
	return slices.ContainsFunc(o.claims, func(c contract.Claim) bool { return c.Status == cron.Running })
}

// awaited reports whether anyone still waits for one of the ops.
func awaited(group []*op) bool {
	for _, o := range group {
		if o.ctx.Err() == nil {
			return true
		}
	}
	return false
}

// rest waits for d, or until nobody waits for the one op of the group any more.
func rest(group []*op, d time.Duration) {
	if d == 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	if len(group) == 1 {
		select {
		case <-t.C:
		case <-group[0].ctx.Done():
		}
		return
	}
	<-t.C
}
