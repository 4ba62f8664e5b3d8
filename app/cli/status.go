package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
)

// overview is what status answers.
type overview struct {
	Jobs      map[contract.JobStatus]int `json:"jobs"`
	Next      *ops.JobView               `json:"next"`            // the job that is due first
	Active    []cron.Record              `json:"active"`          // queued or running
	Failures  []cron.Record              `json:"failures"`        // the newest runs that failed, of the last day
	Instances []contract.InstanceInfo    `json:"instances"`       // processes that have not signed off
	Redis     string                     `json:"redis,omitempty"` // up, or down; empty without REDIS_URL
}

func (p *program) status() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell what goes on: jobs, processes, active runs, the newest failures",
		Args:  none,
	}
	return shows(cmd, func(ctx context.Context, _ []string, format string) error {
		return p.reading(ctx, func(a *app.App) error {
			o, err := snapshot(ctx, a, time.Now())
			if err != nil {
				return err
			}
			if format == term.AsJSON {
				return term.JSON(p.out, o)
			}
			p.printOverview(o)
			return nil
		})
	})
}

func snapshot(ctx context.Context, a *app.App, now time.Time) (o overview, err error) {
	crons := a.Crons
	views, err := crons.Jobs(ctx, ops.Filter{})
	if err != nil {
		return o, err
	}
	o.Jobs = map[contract.JobStatus]int{contract.JobScheduled: 0, contract.JobRunning: 0, contract.JobPaused: 0, contract.JobDisabled: 0}
	for i, v := range views {
		o.Jobs[v.Status]++
		if v.NextRun != nil && (o.Next == nil || v.NextRun.Before(*o.Next.NextRun)) {
			o.Next = &views[i]
		}
	}
	o.Active, err = crons.Records(ctx, contract.Query{Statuses: []cron.Status{cron.Running, cron.Queued}})
	if err != nil {
		return o, err
	}
	o.Failures, err = crons.Records(ctx, contract.Query{
		Statuses: []cron.Status{cron.Failed, cron.Interrupted}, Since: now.Add(-24 * time.Hour), Limit: 5,
	})
	if err != nil {
		return o, err
	}
	o.Instances = []contract.InstanceInfo{}
	o.Active, o.Failures = append([]cron.Record{}, o.Active...), append([]cron.Record{}, o.Failures...) // [] in JSON, not null
	all, err := a.Store.Instances(ctx)
	for _, i := range all {
		if i.StoppedAt.IsZero() {
			o.Instances = append(o.Instances, i)
		}
	}
	o.Redis = redisStatus(ctx, a)
	return o, err
}

// redisStatus asks Redis itself: whether the server processes reach it is in their logs and /readyz.
func redisStatus(ctx context.Context, a *app.App) string {
	if a.Redis == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := a.Redis.Ping(ctx); err != nil {
		return "down"
	}
	return "up"
}

func (p *program) printOverview(o overview) {
	var jobs []string
	for _, s := range []contract.JobStatus{contract.JobScheduled, contract.JobRunning, contract.JobPaused, contract.JobDisabled} {
		if n := o.Jobs[s]; n > 0 {
			jobs = append(jobs, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(jobs) == 0 {
		jobs = []string{"none"}
	}
	next := "-"
	if o.Next != nil {
		next = o.Next.Name + " at " + term.Clock(*o.Next.NextRun, time.UTC)
	}
	var processes []string
	for _, i := range o.Instances {
		processes = append(processes, fmt.Sprintf("%s, pid %d, version %s, tzdata %s, since %s, last seen %s", i.Host, i.PID, i.Version, cmp.Or(i.TZData, "unknown"),
			term.Clock(i.StartedAt.Truncate(time.Second), time.UTC), term.Clock(i.SeenAt.Truncate(time.Second), time.UTC)))
	}
	if len(processes) == 0 {
		processes = []string{"none"}
	}
	lines := [][2]string{{"jobs", strings.Join(jobs, ", ")}, {"next", next}, {"processes", strings.Join(processes, "\n")}}
	switch o.Redis {
	case "up":
		lines = append(lines, [2]string{"redis", "answers"})
	case "down":
		lines = append(lines, [2]string{"redis", "does not answer; see the server's log, and REDIS_URL"})
	}
	term.Facts(p.out, lines...)
	if len(o.Active) > 0 {
		fmt.Fprintln(p.out, "\nactive runs")
		term.Table(p.out, runListing(o.Active, ""))
	}
	if len(o.Failures) > 0 {
		fmt.Fprintln(p.out, "\nfailures of the last day")
		term.Table(p.out, runListing(o.Failures, ""))
	}
}
