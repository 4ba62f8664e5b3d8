package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/internal/texts"
	"fibercrons/app/ops"
	"fibercrons/app/schedule"
)

func (p *program) show() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show NAME",
		Short:             "Show everything about one job: policies, statistics, next slots",
		Args:              one("NAME"),
		ValidArgsFunction: p.completeJob,
	}
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		return p.reading(ctx, func(a *app.App) error {
			job, err := a.Crons.Job(ctx, args[0])
			if err != nil {
				return err
			}
			if format == term.AsJSON {
				return term.JSON(p.out, job)
			}
			term.Facts(p.out, describe(job)...)
			return nil
		})
	})
}

func describe(j ops.JobDetail) [][2]string {
	zone, err := schedule.LoadLocation(j.Timezone)
	if err != nil {
		zone = time.UTC
	}
	description := j.Description
	if description == j.ScheduleText {
		description = ""
	}
	var meta []string
	for _, key := range slices.Sorted(maps.Keys(j.Metadata)) {
		meta = append(meta, key+"="+j.Metadata[key])
	}
	var next []string
	for _, t := range j.NextSlots {
		next = append(next, term.Clock(t, zone))
	}
	status := string(j.Status)
	if j.Disabled != "" {
		status += ": " + j.Disabled
	}
	return [][2]string{
		{"name", j.Name},
		{"description", description},
		{"schedule", strings.Join(j.Schedules, "; ")},
		{"", j.ScheduleText},
		{"override", overrideText(j.Override, zone)},
		{"timezone", j.Timezone},
		{"status", status},
		{"pause", pauseText(j.Pause, zone)},
		{"tags", strings.Join(j.Tags, ", ")},
		{"metadata", strings.Join(meta, "\n")},
		{"ping", pingText(j.Ping)},
		{"source", j.Source},
		{"arguments", string(j.Args)},
		{"next", strings.Join(next, "\n")},
		{"notes", strings.Join(j.Notes, "\n")},
		{"last run", lastText(j.JobView, zone)},
		{"runs", fmt.Sprintf("%d, of which %d failed", j.Runs, j.Failures)},
		{"recent", statsText(j.Stats)},
		{"policies", policyText(j.Policies)},
	}
}

func pauseText(pause *ops.PauseView, zone *time.Location) string {
	if pause == nil {
		return ""
	}
	s := "since " + term.Clock(pause.At.Truncate(time.Second), zone)
	if pause.Until != nil {
		s += " until " + term.Clock(*pause.Until, zone)
	}
	if pause.By != "" {
		s += " by " + pause.By
	}
	if pause.Reason != "" {
		s += ": " + pause.Reason
	}
	return s
}

func pingText(ping *ops.PingView) string {
	if ping == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s)", ping.Host, ping.Form)
}

func overrideText(o *ops.OverrideView, zone *time.Location) string {
	if o == nil {
		return ""
	}
	s := "since " + term.Clock(o.At.Truncate(time.Second), zone)
	if o.By != "" {
		s += " by " + o.By
	}
	return s + ", in place of " + strings.Join(o.Code, "; ")
}

func lastText(v ops.JobView, zone *time.Location) string {
	if v.LastStatus == nil {
		return "never"
	}
	s := string(*v.LastStatus)
	if v.LastRun != nil {
		s = term.Clock(v.LastRun.Truncate(time.Second), zone) + " " + s
	}
	if v.LastDurationMS != nil {
		s += " in " + term.Duration(v.LastDurationMS).Text
	}
	if v.LastError != nil && *v.LastError != "" {
		s += "\n" + *v.LastError
	}
	return s
}

func statsText(s ops.Stats) string {
	if s.Sample == 0 {
		return ""
	}
	out := fmt.Sprintf("%d of %d succeeded", s.Succeeded, s.Sample)
	if s.P50MS != nil && s.P95MS != nil {
		out += fmt.Sprintf("; half took at most %s, 95%% at most %s", term.Duration(s.P50MS).Text, term.Duration(s.P95MS).Text)
	}
	return out
}

func policyText(v ops.PolicyView) string {
	lines := []string{
		"timeout " + orZero(v.Timeout, "none"),
		fmt.Sprintf("retries %d", v.Retries),
		"overlap " + v.Overlap,
		fmt.Sprintf("catch up %s within %s, at most %d", v.CatchUp, orZero(v.CatchUpWindow, "0s"), v.CatchUpCap),
		"start within " + orZero(v.StartWithin, "any time"),
		"on crash " + v.OnCrash,
	}
	if v.Retries > 0 {
		lines[1] += ", " + v.Backoff
	}
	if v.Group != "" {
		lines = append(lines, fmt.Sprintf("limit %d in group %s", v.GroupLimit, v.Group))
	}
	kept := "all runs"
	if v.KeepRuns > 0 {
		kept = term.Count(v.KeepRuns, "run")
	}
	lines = append(lines, "keep "+kept+" for "+orZero(v.KeepFor, "ever"))
	if len(v.Alerts) > 0 {
		lines = append(lines, "alert when "+strings.Join(v.Alerts, ", "))
	}
	return strings.Join(lines, "\n")
}

// orZero is a duration without zeros at its end, or what 0 means.
func orZero(d, zero string) string {
	parsed, err := time.ParseDuration(d)
	switch {
	case err != nil:
		return d
	case parsed == 0:
		return zero
	}
	return texts.Duration(parsed)
}
