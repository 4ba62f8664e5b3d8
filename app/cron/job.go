package cron

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"fibercrons/app/schedule"
)

// Job is a registered job with every default filled in. It does not change after
// [Registry.Jobs] has returned it.
type Job struct {
	Name        string
	Description string
	Tags        []string
	Metadata    map[string]string
	Exprs       []string            // as written; the first is the one given to Register
	Schedules   []schedule.Schedule // parallel to Exprs
	Zone        *time.Location
	Policies    Policies
	Args        *ArgsSpec   // nil: the job takes no arguments
	Ping        *PingTarget // nil: no pings
	Source      string      // file:line of its Register call
	Disabled    string      // why the job does not run in this environment; empty: it does

	run   Func     // fn inside every wrapper, composed once
	hooks *hookSet // nil: none
}

var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// reserved are the fixed words of /crons/:name, which cannot be job names.
var reserved = []string{
	"runs", "schedules", "maintenance", "timeline", "events", "instances", "audit", "alerts", "silences",
	"openapi.json", "docs", "dashboard", "login", "logout",
}

// Next returns the first slot of the job after t, over all of its schedules, or false if there is none.
func (j *Job) Next(t time.Time) (time.Time, bool) { return schedule.Next(j.Schedules, t) }

// HasTag reports whether the job has the tag.
func (j *Job) HasTag(tag string) bool { return slices.Contains(j.Tags, tag) }

// Call calls the job's function with all of its wrappers, for one attempt of the run in ctx.
func (j *Job) Call(ctx context.Context) error { return j.run(ctx) }

// DefaultArgs are the arguments of a run without its own; nil if the job takes none.
func (j *Job) DefaultArgs() json.RawMessage {
	if j.Args == nil {
		return nil
	}
	return j.Args.Defaults
}

// Accept checks the arguments of a run and fills in the defaults.
func (j *Job) Accept(given json.RawMessage) (json.RawMessage, error) {
	names, wrong := parseArgs(given)
	switch {
	case wrong != nil:
	case j.Args != nil:
		var args json.RawMessage
		if args, wrong = j.Args.merge(names); wrong == nil {
			return args, nil
		}
	case len(names) > 0:
		wrong = []FieldError{{Detail: "the job takes no arguments"}}
	default:
		return nil, nil
	}
	return nil, &ArgsError{Job: j.Name, Fields: wrong}
}
