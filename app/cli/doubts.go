package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/schedule"
)

const (
	herd      = 10             // jobs that start together
	herdSpan  = 24 * time.Hour // how far ahead to look for herds
	herdSlots = 1500           // of one job: every minute of a day
)

// doubts are warnings about jobs that are correct and perhaps not intended.
func doubts(jobs []*cron.Job, workers int, now time.Time) []string {
	var list []string
	for _, j := range jobs {
		if j.Disabled != "" {
			continue
		}
		for i, s := range j.Schedules {
			if _, ok := s.Next(now); !ok {
				list = append(list, fmt.Sprintf("%s: job %q: %q will not fire again; remove it", j.Source, j.Name, j.Exprs[i]))
			}
			for _, n := range s.Notes(now, now.Add(lookahead)) {
				// Nobody minds a slot that moves, or that runs once instead of twice.
				if n.Kind == schedule.Dropped || n.Kind == schedule.Repeated {
					list = append(list, fmt.Sprintf("%s: job %q: %s", j.Source, j.Name, n.Text))
				}
			}
		}
	}
	return append(list, herds(jobs, workers, now)...)
}

// endless says which jobs have no timeout.
func endless(jobs []*cron.Job) []string {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j *cron.Job) bool { return j.Disabled != "" || j.Policies.Timeout > 0 })
	if len(jobs) == 0 {
		return nil
	}
	return []string{"without a timeout a run that hangs is never ended; give it Timeout(...), or set CRON_DEFAULT_TIMEOUT: " + some(jobs)}
}

// some names the first few jobs and their places.
func some(jobs []*cron.Job) string {
	const few = 5
	var names []string
	for _, j := range jobs[:min(few, len(jobs))] {
		names = append(names, fmt.Sprintf("%q (%s)", j.Name, j.Source))
	}
	if more := len(jobs) - few; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// herds finds the slot at which the most jobs start together within a day.
func herds(jobs []*cron.Job, workers int, now time.Time) []string {
	at := map[int64][]string{}
	for _, j := range jobs {
		t, ok := j.Next(now)
		for n := 0; ok && j.Disabled == "" && n < herdSlots && t.Before(now.Add(herdSpan)); n++ {
			at[t.UnixMilli()] = append(at[t.UnixMilli()], j.Name)
			t, ok = j.Next(t)
		}
	}
	var worst int64
	for slot, names := range at {
		if n, most := len(names), len(at[worst]); n > most || n == most && slot < worst {
			worst = slot
		}
	}
	names := at[worst]
	if len(names) < herd {
		return nil
	}
	slices.Sort(names)
	what := fmt.Sprintf("%d jobs start together at %s: %s, ...", len(names), time.UnixMilli(worst).UTC().Format(time.RFC3339), strings.Join(names[:3], ", "))
	if len(names) > workers {
		what += fmt.Sprintf("; only CRON_WORKERS=%d can go on at once", workers)
	}
	return []string{what + "; spread them by writing H for the minute"}
}
