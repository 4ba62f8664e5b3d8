package dashboard

import (
	"cmp"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
)

const (
	overviewFailed  = 20
	overviewRunning = 20
	overviewNext    = 8
)

// Overview is the first page: the overall health, and what needs attention first.
type Overview struct {
	Health    Health
	Jobs      int
	Failed    []JobRow // failed and not recovered since, the newest failure first
	FailedAll int
	Running   []cron.Record
	More      bool // more are running than are listed
	Next      []ops.JobView
	Tally     Tally
	Instances []InstanceRow
	Silent    int // instances without a recent heartbeat
}

// Health is the overall state in one line.
type Health struct {
	Kind string // good, warn, bad
	Text string
}

// OverviewData is the input of [NewOverview].
type OverviewData struct {
	Now       time.Time
	Jobs      []ops.JobView
	Running   []cron.Record // active runs, at most [OverviewRunning]
	Recent    map[string][]cron.Record
	Tally     map[cron.Status][]int
	Instances []contract.InstanceInfo
	Ready     error // why the scheduler is not ready, or nil
}

// OverviewRunning is the number of active runs to load for an overview.
const OverviewRunning = overviewRunning + 1

// Failing returns the jobs whose last run failed, the newest failure first.
func Failing(jobs []ops.JobView) (list []ops.JobView) {
	for _, j := range jobs {
		if j.LastStatus != nil && (*j.LastStatus == cron.Failed || *j.LastStatus == cron.Interrupted) {
			list = append(list, j)
		}
	}
	slices.SortStableFunc(list, func(a, b ops.JobView) int { return compareTimes(b.LastRun, a.LastRun) })
	return list
}

// OverviewFailing returns the names of the jobs whose runs to load for an overview.
func OverviewFailing(jobs []ops.JobView) (list []string) {
	for _, j := range Failing(jobs) {
		if len(list) < overviewFailed {
			list = append(list, j.Name)
		}
	}
	return list
}

func compareTimes(a, b *time.Time) int {
	switch {
	case a == nil || b == nil:
		return cmp.Compare(btoi(a != nil), btoi(b != nil))
	}
	return a.Compare(*b)
}

// NewOverview makes the page.
func NewOverview(d OverviewData) Overview {
	o := Overview{
		Jobs: len(d.Jobs), Running: d.Running[:min(len(d.Running), overviewRunning)], More: len(d.Running) > overviewRunning,
		Tally: Tally{TallyBegin(d.Now), d.Tally},
	}
	failing := Failing(d.Jobs)
	o.FailedAll = len(failing)
	for _, j := range failing[:min(len(failing), overviewFailed)] {
		o.Failed = append(o.Failed, newJobRow(j, d.Recent[j.Name]))
	}
	for _, j := range d.Jobs {
		if j.NextRun != nil {
			o.Next = append(o.Next, j)
		}
	}
	slices.SortStableFunc(o.Next, func(a, b ops.JobView) int { return a.NextRun.Compare(*b.NextRun) })
	o.Next = o.Next[:min(len(o.Next), overviewNext)]
	page := NewInstances(d.Now, d.Instances)
	o.Instances, o.Silent = page.Living(), page.Silent()
	o.Health = o.health(d)
	return o
}

func (o Overview) health(d OverviewData) Health {
	disabled := 0
	for _, j := range d.Jobs {
		disabled += btoi(j.Status == contract.JobDisabled)
	}
	switch {
	case d.Ready != nil:
		return Health{"bad", "The scheduler is not ready; see the server's log and /readyz."}
	case o.FailedAll > 0:
		return Health{"bad", plural(o.FailedAll, "job") + " failed and did not recover."}
	case len(d.Jobs) > 0 && disabled == len(d.Jobs):
		return Health{"warn", "No job is scheduled: all are disabled in this process."}
	case o.Silent > 0:
		return Health{"warn", "All jobs are healthy. " + plural(o.Silent, "instance") + " stopped sending heartbeats without a shutdown."}
	case len(d.Jobs) == 0:
		return Health{"warn", "The scheduler is running, but there are no jobs."}
	}
	return Health{"good", "All jobs are healthy."}
}
