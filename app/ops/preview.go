package ops

import (
	"context"
	"strings"
	"time"

	"fibercrons/app/plan"
	"fibercrons/app/schedule"
)

// Preview is the effect of a schedule on a job.
type Preview struct {
	Expr  string      `json:"expr"`
	Zone  string      `json:"timezone"`
	Text  string      `json:"text"`  // plain English
	Slots []time.Time `json:"slots"` // the next ten
	Notes []string    `json:"notes"` // daylight-saving changes that affect them
}

// Explain describes in plain English when the job is due.
func (c Crons) Explain(v JobView) string {
	zone, err := schedule.LoadLocation(v.Timezone)
	if err != nil {
		zone = time.UTC
	}
	texts := make([]string, 0, len(v.Schedules))
	for _, expr := range v.Schedules {
		if sch, err := schedule.Parse(expr, schedule.Options{Location: zone, Seed: v.Name}); err == nil {
			texts = append(texts, sch.Describe())
		}
	}
	return strings.Join(texts, "; ")
}

// Preview returns the effect of [scheduler.Scheduler.Reschedule] with the same values, and changes nothing. An empty
// expr is the schedule in the job's code. Errors: [*cron.NoJobError], [*cron.ArgsError].
func (c Crons) Preview(_ context.Context, name, expr, zone string) (Preview, error) {
	j, err := c.Definition(name)
	if err != nil {
		return Preview{}, err
	}
	o := plan.Override{Job: name, Expr: strings.TrimSpace(expr), Zone: zone}
	table, err := plan.Overridden(j, o)
	if err != nil {
		return Preview{}, plan.WrongOverride(o, err)
	}
	now := time.Now()
	p := Preview{Expr: strings.Join(table.Exprs, "; "), Zone: table.Zone.String(), Text: table.Explain(), Slots: []time.Time{}, Notes: []string{}}
	for t, ok := table.Next(now); ok && len(p.Slots) < nextSlots; t, ok = table.Next(t) {
		p.Slots = append(p.Slots, t.UTC())
	}
	for _, sch := range table.Schedules {
		for _, n := range sch.Notes(now, now.Add(notesAhead)) {
			p.Notes = append(p.Notes, n.String())
		}
	}
	return p, nil
}
