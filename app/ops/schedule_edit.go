package ops

import (
	"context"
	"time"

	"fibercrons/app/schedule"
)

// ScheduleEdit is a stored schedule as a person edits it.
type ScheduleEdit struct {
	ScheduleInput
	Revision  int64 // to put it back with
	Runs      int64
	UpdatedAt time.Time
	UpdatedBy string
}

// EditSchedule returns a stored schedule in the form in which it is put, or a [*NoScheduleError].
func (c Crons) EditSchedule(ctx context.Context, id string) (ScheduleEdit, error) {
	g, err := c.stored(ctx, id)
	if err != nil {
		return ScheduleEdit{}, err
	}
	return ScheduleEdit{inputOf(&g, time.Now()), g.Revision, g.Runs, g.UpdatedAt.UTC(), g.UpdatedBy}, nil
}

// ExplainSchedule describes in plain English when a stored schedule is due; empty: its expression cannot be parsed any
// more.
func (c Crons) ExplainSchedule(v ScheduleView) string {
	zone, err := schedule.LoadLocation(v.Timezone)
	if err != nil {
		zone = time.UTC // the job of an orphan had the zone
	}
	s, err := schedule.Parse(v.Expr, schedule.Options{Location: zone, Seed: v.ID})
	if err != nil {
		return ""
	}
	return s.Describe()
}
