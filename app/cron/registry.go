package cron

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"fibercrons/app/schedule"
)

// Default is the registry for init functions.
var Default = NewRegistry()

// Register declares a job in [Default]; call it from init. It never fails: mistakes are collected with file and line,
// and reported together by [Registry.Jobs].
func Register(name, expr string, fn Func, options ...Option) {
	Default.register(callSite(), name, expr, fn, options)
}

// Registry holds the declared jobs of a program. The order of registration does not matter. It is safe for concurrent
// use.
type Registry struct {
	mu     sync.Mutex
	defs   []definition
	use    []Middleware
	hooks  []Hooks
	sealed bool
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry { return &Registry{} }

// Register declares a job; see the function [Register].
func (r *Registry) Register(name, expr string, fn Func, options ...Option) {
	r.register(callSite(), name, expr, fn, options)
}

// Clone returns an independent copy of the registry, with outer wrapped around its wrappers. Tests use it to add jobs
// without changing the program's registry.
func (r *Registry) Clone(outer ...Middleware) *Registry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Registry{defs: slices.Clone(r.defs), use: append(slices.Clone(outer), r.use...), hooks: slices.Clone(r.hooks)}
}

// Use wraps every job of the registry, registered before or after, outside of the job's own wrappers. A wrapper can
// pass clients and services to jobs in the context. [Registry.Jobs] applies a wrapper once to each job.
func (r *Registry) Use(middleware ...Middleware) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sealed {
		slog.Error("a wrapper registered after the start is ignored; call Use from init", "source", callSite().String())
		return
	}
	r.use = append(r.use, middleware...)
}

// Hook adds hooks to every job of the registry, registered before or after. They are called in the given order, before
// the job's own hooks.
func (r *Registry) Hook(hooks ...Hooks) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sealed {
		slog.Error("a hook registered after the start is ignored; call Hook from init", "source", callSite().String())
		return
	}
	r.hooks = append(r.hooks, hooks...)
}

func (r *Registry) register(source site, name, expr string, fn Func, options []Option) {
	d := definition{name: name, expr: expr, source: source, fn: fn}
	for i, option := range options {
		if option == nil {
			d.mistake("option %d is nil", i+1)
			continue
		}
		option(&d)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sealed {
		slog.Error("job registered after the start is ignored; call Register from init", "job", name, "source", source.String())
		return
	}
	r.defs = append(r.defs, d)
}

// Mistakes are all the mistakes in registering jobs, one per line, sorted by file and line.
type Mistakes struct{ List []string }

func (m *Mistakes) Error() string { return strings.Join(m.List, "\n") }

// Jobs checks all registrations and returns the jobs by name. If there is any mistake, it returns no job and a
// [*Mistakes]. Later registrations are ignored and logged.
func (r *Registry) Jobs(d Defaults) ([]*Job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sealed = true
	d = d.withFallbacks()

	var mistakes []string
	for i, m := range r.use {
		if m == nil {
			mistakes = append(mistakes, fmt.Sprintf("Registry.Use: middleware %d is nil", i+1))
		}
	}
	for i, h := range r.hooks {
		if h.empty() {
			mistakes = append(mistakes, fmt.Sprintf("Registry.Hook: hooks %d hold no function", i+1))
		}
	}
	defs := slices.Clone(r.defs) // sorted, not in registration order
	slices.SortStableFunc(defs, func(a, b definition) int {
		return cmp.Or(strings.Compare(a.source.file, b.source.file), a.source.line-b.source.line, strings.Compare(a.name, b.name))
	})
	jobs := make([]*Job, 0, len(defs))
	named := make(map[string]*Job, len(defs))
	limits := map[string]*Job{}
	use := slices.Concat(d.Use, r.use)
	for i := range defs {
		def := &defs[i]
		say := func(format string, a ...any) {
			mistakes = append(mistakes, fmt.Sprintf("%s: job %q: %s", def.source, def.name, fmt.Sprintf(format, a...)))
		}
		job := def.job(d, use, r.hooks, say)
		if other, dup := named[job.Name]; dup {
			say("the name is taken by the job at %s; give one of them another", other.Source)
			continue
		}
		named[job.Name] = job
		if g := job.Policies.Group; g != "" {
			if other, ok := limits[g]; ok && other.Policies.GroupLimit != job.Policies.GroupLimit {
				say("group %q has limit %d here and %d at %s; they must agree", g, job.Policies.GroupLimit, other.Policies.GroupLimit, other.Source)
			} else {
				limits[g] = job
			}
		}
		jobs = append(jobs, job)
	}
	if len(mistakes) > 0 {
		return nil, &Mistakes{List: mistakes}
	}
	slices.SortFunc(jobs, func(a, b *Job) int { return strings.Compare(a.Name, b.Name) })
	return jobs, nil
}

// job fills in the defaults and reports mistakes to say.
func (d *definition) job(defaults Defaults, use []Middleware, hooks []Hooks, say func(string, ...any)) *Job {
	for _, m := range d.mistakes {
		say("%s", m)
	}
	switch {
	case !nameRule.MatchString(d.name):
		say("a name has 1 to 100 of a-z, 0-9, dot, dash and underscore, and begins with a letter or digit")
	case slices.Contains(reserved, d.name):
		say("the name is reserved for /crons/%s; choose another", d.name)
	}
	if d.fn == nil {
		say("the function is nil")
	}
	job := &Job{
		Name: d.name, Description: d.description, Source: d.source.String(), Args: d.args,
		Tags: distinct(d.tags), Metadata: maps.Clone(d.metadata), Zone: defaults.Zone,
		Exprs: append([]string{d.expr}, d.also...), Policies: d.policies, Ping: d.ping,
	}
	job.schedules(d.zone, say)
	if len(d.only) > 0 && !slices.Contains(d.only, defaults.Env) {
		job.Disabled = fmt.Sprintf("runs only where APP_ENV is %s; it is %q", strings.Join(d.only, " or "), defaults.Env)
	}
	p := &job.Policies
	p.Timeout = or(d.timeout, defaults.Timeout)
	p.Retries = or(d.retries, defaults.Retries)
	p.CatchUpFor = or(d.window, defaults.CatchUpWindow)
	p.KeepRuns = or(d.keepRuns, defaults.KeepRuns)
	p.KeepFor = or(d.keepFor, defaults.KeepFor)
	p.Alerts = d.alerts.over(defaults.Alerts, p.KeepRuns, say)
	p.RetryIf = d.retryIf
	p.Backoff = d.backoff.orElse(defaults)
	p.MaxReruns = defaultMaxReruns
	if p.Overlap == "" {
		p.Overlap = Skip
	}
	if p.CatchUp == "" {
		p.CatchUp = Latest
	}
	if p.CatchUpCap == 0 {
		p.CatchUpCap = defaultCatchUpCap
	}
	if p.OnCrash == "" {
		p.OnCrash = Skip
	}
	job.hooks = newHookSet(hooks, d.hooks)
	if d.fn != nil {
		run, err := job.wrap(d.fn, use, d.use)
		if err != nil {
			say("%v", err)
		}
		job.run = run
	}
	return job
}

func (j *Job) schedules(zone *string, say func(string, ...any)) {
	if zone != nil {
		loc, err := schedule.LoadLocation(*zone)
		if err != nil {
			say("%v", err)
		} else {
			j.Zone = loc
		}
	}
	for _, expr := range j.Exprs {
		s, err := schedule.Parse(expr, schedule.Options{Location: j.Zone, Seed: j.Name})
		if err != nil {
			say("schedule %q: %v", expr, err)
			continue
		}
		j.Schedules = append(j.Schedules, s)
	}
	if len(j.Schedules) > 0 {
		j.Zone = j.Schedules[0].Location() // a TZ= prefix overrides both
	}
}

// wrap composes the job's wrappers, outermost first. It returns an error if a user's wrapper could not be applied.
func (j *Job) wrap(fn Func, shared, own []Middleware) (Func, error) {
	fn, err := apply(fn, slices.Concat(shared, own))
	if err != nil {
		return nil, err
	}
	return Chain(labels(j.Tags, j.Metadata), j.hooks.beforehand(), logging, retrying(j.Policies), timeout(j.Policies.Timeout))(fn), nil
}

// apply is [Chain] for users' wrappers: it isolates panics around the function and each wrapper, so that the next one
// out sees an error.
func apply(fn Func, middleware []Middleware) (wrapped Func, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a wrapper panicked when it was applied to the job, at %s: %v", panicSite(), v)
		}
	}()
	fn = isolate(fn)
	for _, m := range slices.Backward(middleware) {
		if m == nil {
			continue // already reported as a mistake
		}
		if fn = m(fn); fn == nil {
			return nil, errors.New("a wrapper returned nil instead of a function")
		}
		fn = isolate(fn)
	}
	return fn, nil
}

func or[T any](set *T, fallback T) T {
	if set != nil {
		return *set
	}
	return fallback
}

// distinct drops duplicates and keeps the order.
func distinct(list []string) (out []string) {
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
