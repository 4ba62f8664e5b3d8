package scheduler

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"fibercrons/app/cron"
)

// Timeline is what ran and what is due between two instants.
type Timeline struct {
	From      time.Time     `json:"from"`
	To        time.Time     `json:"to"`
	Now       time.Time     `json:"now"`
	Runs      []TimelineRun `json:"runs"`      // oldest first
	Slots     []Slot        `json:"slots"`     // to come, soonest first
	Dense     []Dense       `json:"dense"`     // jobs with more slots to come than are listed
	Herds     []Herd        `json:"herds"`     // minutes to come in which many jobs are due, the largest first
	Truncated bool          `json:"truncated"` // there were more runs or slots than are listed
}

// TimelineRun is a run on a [Timeline].
type TimelineRun struct {
	ID        string      `json:"id"`
	Job       string      `json:"job"`
	Status    cron.Status `json:"status"`
	Reason    cron.Reason `json:"reason,omitempty"`
	Slot      *time.Time  `json:"slot"`
	StartedAt *time.Time  `json:"started_at"`
	EndedAt   *time.Time  `json:"ended_at"`
}

// Slot is an instant at which a job is due.
type Slot struct {
	Job string    `json:"job"`
	At  time.Time `json:"at"`
}

// Dense is a job that is due too often to list each slot.
type Dense struct {
	Job   string `json:"job"`
	Slots int    `json:"slots"` // at least
}

// Herd is a minute in which many jobs are due.
type Herd struct {
	At   time.Time  `json:"at"`
	Jobs int        `json:"jobs"`
	Hint []HerdHint `json:"hint"` // how some of them could be spread
}

// HerdHint is an expression that keeps a job's rhythm and spreads the load.
type HerdHint struct {
	Job  string `json:"job"`
	Expr string `json:"expr"`
	Use  string `json:"use"`
}

const (
	timelineRuns  = 2000
	timelineSlots = 5000
	denseSlots    = 400 // slots of one job that are listed one by one
	herdSize      = 10  // jobs in one minute that make a herd
	herdsListed   = 10
	herdHints     = 5
)

// Timeline returns what ran and what is due from from to to.
func (s *Scheduler) Timeline(ctx context.Context, from, to time.Time) (Timeline, error) {
	now := present()
	t := Timeline{From: from.UTC(), To: to.UTC(), Now: now, Runs: []TimelineRun{}, Slots: []Slot{}, Dense: []Dense{}, Herds: []Herd{}}
	if from.Before(now) {
		recs, err := s.store.Runs(ctx, Query{Since: from, Until: to.Add(time.Millisecond), Limit: timelineRuns + 1})
		if err != nil {
			return t, err
		}
		if len(recs) > timelineRuns {
			recs, t.Truncated = recs[:timelineRuns], true
		}
		for _, r := range slices.Backward(recs) {
			t.Runs = append(t.Runs, TimelineRun{ID: r.ID, Job: r.Job, Status: r.Status, Reason: r.Reason, Slot: r.Slot, StartedAt: r.StartedAt, EndedAt: r.EndedAt})
		}
	}
	states, err := s.store.Outline(ctx)
	if err != nil {
		return t, err
	}
	s.forecast(&t, states, now)
	return t, nil
}

// forecast lists what is due.
func (s *Scheduler) forecast(t *Timeline, states map[string]State, now time.Time) {
	minutes := make(map[int64][]*entry)
	for _, j := range s.jobs {
		st := states[j.Name]
		after := now
		if t.From.After(now) {
			after = t.From.Add(-time.Millisecond)
		}
		switch {
		case j.Disabled != "" || s.cfg.Disabled:
			continue
		case st.PausedNow(now) && st.PausedUntil.IsZero():
			continue
		case st.PausedNow(now) && st.PausedUntil.After(after):
			after = st.PausedUntil.Add(-time.Millisecond)
		}
		table, _ := overridden(j, st.Override)
		n, last := 0, int64(-1)
		for at, ok := table.next(after); ok && !at.After(t.To); at, ok = table.next(at) {
			if n++; n > denseSlots {
				t.Dense = append(t.Dense, Dense{Job: j.Name, Slots: n})
				break
			}
			t.Slots = append(t.Slots, Slot{Job: j.Name, At: at.UTC()})
			if m := at.Unix() / 60; m != last {
				minutes[m] = append(minutes[m], s.byName[j.Name])
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

// herds finds the fullest minutes.
func herds(minutes map[int64][]*entry) []Herd {
	found := []Herd{}
	for m, entries := range minutes {
		if len(entries) < herdSize {
			continue
		}
		h := Herd{At: time.Unix(m*60, 0).UTC(), Jobs: len(entries), Hint: []HerdHint{}}
		for _, e := range entries {
			if use, ok := spread(e.job.Exprs[0]); ok && len(h.Hint) < herdHints {
				h.Hint = append(h.Hint, HerdHint{Job: e.job.Name, Expr: e.job.Exprs[0], Use: use})
			}
		}
		found = append(found, h)
	}
	slices.SortFunc(found, func(a, b Herd) int { return cmp.Or(cmp.Compare(b.Jobs, a.Jobs), a.At.Compare(b.At)) })
	return found[:min(len(found), herdsListed)]
}

// spread writes H for the minute of an expression that names one: same rhythm, another minute.
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
