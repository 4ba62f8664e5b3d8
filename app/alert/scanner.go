package alert

import (
	"time"

	"fibercrons/app/cron"
)

// scanner finds what to alert about. Its memory only saves work.
type scanner struct {
	o        *Options
	jobs     map[string]*cron.Job
	ignoring *ignoringRuns
	timed    bool          // some job has late or overdue alerts
	late     time.Duration // the shortest and the
	latest   time.Duration // longest of all jobs; 0: none
	seen     bool
	stamp    int64
	due      time.Time                   // when a limit is reached by time alone; zero: never
	started  time.Time                   // last search for runs that started late
	typical  map[openKey]typical         // by job and schedule
	raised   map[string]bool             // Dedup of alerts known to be in the store
	waiting  bool                        // alerts are to be gathered
	counted  map[openKey]map[string]bool // schedules in an alert for further ones, until that is sent
}

func newScanner(o *Options, ignoring *ignoringRuns) *scanner {
	l := &scanner{o: o, jobs: make(map[string]*cron.Job, len(o.Jobs)), ignoring: ignoring, typical: map[openKey]typical{}, raised: map[string]bool{}, counted: map[openKey]map[string]bool{}}
	for _, j := range o.Jobs {
		l.jobs[j.Name] = j
		p := &j.Policies.Alerts
		if j.Disabled != "" {
			continue
		}
		l.timed = l.timed || p.Late > 0 || p.Overdue > 0 || p.OverdueFactor > 0
		if p.Late > 0 {
			l.latest = max(l.latest, p.Late)
			if l.late == 0 || p.Late < l.late {
				l.late = p.Late
			}
		}
	}
	return l
}

// typical is the usual duration of a job, cached for some time.
type typical struct {
	p95 time.Duration // 0: too few runs
	at  time.Time
}
