package ops

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

// Timeline is the runs and slots between two instants.
type Timeline struct {
	From      time.Time              `json:"from"`
	To        time.Time              `json:"to"`
	Now       time.Time              `json:"now"`
	Runs      []contract.TimelineRun `json:"runs"`      // oldest first
	Slots     []Slot                 `json:"slots"`     // future, soonest first
	Dense     []Dense                `json:"dense"`     // jobs with too many future slots to list
	Herds     []Herd                 `json:"herds"`     // future minutes with many due jobs, largest first
	Truncated bool                   `json:"truncated"` // there were more runs or slots than listed
}

// Slot is an instant at which a job is due.
type Slot struct {
	Job string    `json:"job"`
	At  time.Time `json:"at"`
}

// Dense is a job with too many slots to list each.
type Dense struct {
	Job   string `json:"job"`
	Slots int    `json:"slots"` // at least
}

// Herd is a minute in which many jobs are due.
type Herd struct {
	At   time.Time  `json:"at"`
	Jobs int        `json:"jobs"`
	Hint []HerdHint `json:"hint"` // how to spread some of them
}

// HerdHint is an expression with the same frequency that spreads the load.
type HerdHint struct {
	Job  string `json:"job"`
	Expr string `json:"expr"`
	Use  string `json:"use"`
}

const (
	timelineRuns  = 2000
	timelineSlots = 5000
	denseSlots    = 400 // listed slots of one job
	herdSize      = 10  // jobs in one minute that make a herd
	herdsListed   = 10
	herdHints     = 5
)

// Timeline returns the runs and slots from from to to.
func (c Crons) Timeline(ctx context.Context, from, to time.Time) (Timeline, error) {
	now := millis.Now()
	t := Timeline{From: from.UTC(), To: to.UTC(), Now: now, Runs: []contract.TimelineRun{}, Slots: []Slot{}, Dense: []Dense{}, Herds: []Herd{}}
	if from.Before(now) {
		recs, err := c.Store().Runs(ctx, contract.Query{Since: from, Until: to.Add(time.Millisecond), Limit: timelineRuns + 1})
		if err != nil {
			return t, err
		}
		if len(recs) > timelineRuns {
			recs, t.Truncated = recs[:timelineRuns], true
		}
		for _, r := range slices.Backward(recs) {
			t.Runs = append(t.Runs, contract.TimelineRun{ID: r.ID, Job: r.Job, Status: r.Status, Reason: r.Reason, Slot: r.Slot, StartedAt: r.StartedAt, EndedAt: r.EndedAt})
		}
	}
	states, err := c.Store().Outline(ctx)
	if err != nil {
		return t, err
	}
	c.forecast(&t, states, now)
	return t, nil
}

// forecast adds the slots.
func (c Crons) forecast(t *Timeline, states map[string]contract.State, now time.Time) {
	minutes := make(map[int64][]*cron.Job)
	for _, j := range c.Definitions() {
		st := states[j.Name]
		after := now
		if t.From.After(now) {
			after = t.From.Add(-time.Millisecond)
		}
		switch {
		case j.Disabled != "" || c.ClockOff() || c.Superseded(j.Name):
			continue
		case st.PausedNow(now) && st.PausedUntil.IsZero():
			continue
		case st.PausedNow(now) && st.PausedUntil.After(after):
			after = st.PausedUntil.Add(-time.Millisecond)
		}
		table, _ := plan.Overridden(j, st.Override)
		n, last := 0, int64(-1)
		for at, ok := table.Next(after); ok && !at.After(t.To); at, ok = table.Next(at) {
			if n++; n > denseSlots {
				t.Dense = append(t.Dense, Dense{Job: j.Name, Slots: n})
				break
			}
			t.Slots = append(t.Slots, Slot{Job: j.Name, At: at.UTC()})
			if m := at.Unix() / 60; m != last {
				minutes[m] = append(minutes[m], j)
				last = m
			}
		}
	}
	slices.SortFunc(t.Slots, func(a, b Slot) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Job, b.Job))
	})
	if len(t.Slots) > timelineSlots {
		t.Slots, t.Truncated = t.Slots[:timelineSlots], true
	}
	t.Herds = herds(minutes)
}

// herds returns the minutes with the most jobs.
func herds(minutes map[int64][]*cron.Job) []Herd {
	found := []Herd{}
	for m, jobs := range minutes {
		if len(jobs) < herdSize {
			continue
		}
		h := Herd{At: time.Unix(m*60, 0).UTC(), Jobs: len(jobs), Hint: []HerdHint{}}
		for _, j := range jobs {
			if use, ok := spread(j.Exprs[0]); ok && len(h.Hint) < herdHints {
				h.Hint = append(h.Hint, HerdHint{Job: j.Name, Expr: j.Exprs[0], Use: use})
			}
		}
		found = append(found, h)
	}
	slices.SortFunc(found, func(a, b Herd) int { return cmp.Or(cmp.Compare(b.Jobs, a.Jobs), a.At.Compare(b.At)) })
	return found[:min(len(found), herdsListed)]
}

// spread replaces the minute of an expression by H: same frequency, another minute.
func spread(expr string) (string, bool) {
	switch strings.ToLower(expr) {
	case "@hourly":
		return "H * * * *", true
	case "@daily", "@midnight":
		return "H H * * *", true
	case "@weekly":
		return "H H * * H", true
	case "@monthly":
		return "H H H * *", true
	}
	fields := strings.Fields(expr)
	if len(fields) != 5 {
		return "", false
	}
	minute := fields[0]
	switch step, stepped := strings.CutPrefix(minute, "*/"); {
	case stepped:
		fields[0] = "H/" + step
	case strings.Trim(minute, "0123456789") == "":
		fields[0] = "H"
	default:
		return "", false
	}
	return strings.Join(fields, " "), true
}
