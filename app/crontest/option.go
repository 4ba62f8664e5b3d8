package crontest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"fibercrons/app/cron"
)

// Option configures the test of a job.
type Option func(*setup)

// setup holds the options.
type setup struct {
	registry *cron.Registry
	defaults cron.Defaults
	context  func(context.Context) context.Context
	args     any
	slot     time.Time
	from     time.Time
	retries  bool
	given    []string // the options that only some functions support
}

// Registry takes the job from r. Optional. Default: cron.Default.
func Registry(r *cron.Registry) Option { return func(s *setup) { s.registry = r } }

// Defaults are for settings that the job leaves open: zone, timeout, environment and so on. Optional. Default: UTC, a
// catch-up window of an hour, no timeout and no retries.
func Defaults(d cron.Defaults) Option { return func(s *setup) { s.defaults = d } }

// Context adds to the job's context what the program would: fake clients and services, or those of an app on a
// temporary database.
func Context(put func(context.Context) context.Context) Option {
	return func(s *setup) { s.context = put }
}

// Args sets arguments over the job's defaults: a value for encoding/json, such as the job's own type, or a
// json.RawMessage.
func Args(args any) Option {
	return func(s *setup) { s.args, s.given = args, append(s.given, "Args") }
}

// Slot sets the run's slot, which [cron.Run.Slot] returns. Optional. Default: zero, as in a manual run.
func Slot(slot time.Time) Option {
	return func(s *setup) { s.slot, s.given = slot, append(s.given, "Slot") }
}

// Retries allows retries by the job's policy, with its delays, which take no time under testing/synctest. Optional.
// Default: one attempt.
func Retries() Option {
	return func(s *setup) { s.retries, s.given = true, append(s.given, "Retries") }
}

// From sets the start of a walk. Optional. Default: midnight UTC of 2000-01-01, where the fake clock of
// testing/synctest starts; it cannot be earlier.
func From(t time.Time) Option {
	return func(s *setup) { s.from, s.given = t, append(s.given, "From") }
}

// arrange applies the options and finds the job. takes are the options that the caller supports.
func arrange(t testing.TB, name string, options []Option, outer []cron.Middleware, takes ...string) (*setup, *cron.Job) {
	t.Helper()
	s := &setup{registry: cron.Default, defaults: cron.Defaults{CatchUpWindow: time.Hour, Env: "test"}}
	for _, o := range options {
		o(s)
	}
	taken := make(map[string]bool, len(takes))
	for _, name := range takes {
		taken[name] = true
	}
	for _, name := range s.given {
		if !taken[name] {
			t.Fatalf("crontest: option %s is not supported here", name)
		}
	}
	jobs, err := s.registry.Clone(outer...).Jobs(s.defaults)
	if err != nil {
		t.Fatalf("crontest: %v", err)
	}
	for _, j := range jobs {
		if j.Name == name {
			j.Disabled = "" // ignore Only in tests
			return s, j
		}
	}
	names := make([]string, len(jobs))
	for i, j := range jobs {
		names[i] = j.Name
	}
	t.Fatalf("crontest: no job %q is registered; there are %q (does the test import the package that registers it?)", name, names)
	return nil, nil
}

// json returns the arguments as JSON, or nil if there are none.
func (s *setup) json(t testing.TB) json.RawMessage {
	t.Helper()
	switch args := s.args.(type) {
	case nil:
		return nil
	case json.RawMessage:
		return args
	}
	raw, err := json.Marshal(s.args)
	if err != nil {
		t.Fatalf("crontest: Args: %v", err)
	}
	return raw
}
