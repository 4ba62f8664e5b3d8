package cron

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fibercrons/app/internal/texts"
)

// Option sets one property of a job in its Register call.
type Option func(*definition)

// definition is a job as written, unchecked.
type definition struct {
	name, expr  string
	source      site
	fn          Func
	description string
	tags        []string
	metadata    map[string]string
	zone        *string
	also        []string
	only        []string
	timeout     *time.Duration
	retries     *int
	backoff     Backoff
	retryIf     func(error) bool
	keepRuns    *int
	keepFor     *time.Duration
	policies    Policies // overlap, catch-up, crash, group, start deadline
	window      *time.Duration
	args        *ArgsSpec
	use         []Middleware
	ping        *PingTarget
	hooks       []Hooks
	alerts      alertRules
	mistakes    []string
}

func (d *definition) mistake(format string, a ...any) {
	d.mistakes = append(d.mistakes, fmt.Sprintf(format, a...))
}

// Describe sets a sentence about the purpose of the job, of at most 4 KiB.
func Describe(text string) Option {
	return func(d *definition) {
		if len(text) > maxDescription {
			d.mistake("the description has %d bytes; keep it to %d, and the rest elsewhere", len(text), maxDescription)
		}
		d.description = text
	}
}

// Tags label the job; lists can be filtered by them. A tag has no space and no comma. Duplicates are ignored.
func Tags(tags ...string) Option {
	return func(d *definition) {
		for _, t := range tags {
			if t == "" || len(t) > 100 || strings.ContainsFunc(t, notInTag) {
				d.mistake("tag %q must be 1 to 100 characters without space or comma", texts.Shorten(t, maxDetail))
			}
		}
		d.tags = append(d.tags, tags...)
	}
}

func notInTag(r rune) bool {
	return r == ',' || r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r)
}

// Meta attaches a key and a value for readers of the job's page. A later value replaces an earlier one of the same key.
// Key and value together have at most 4 KiB.
func Meta(key, value string) Option {
	return func(d *definition) {
		if key == "" {
			d.mistake("metadata needs a key for the value %q", texts.Shorten(value, maxDetail))
			return
		}
		if n := len(key) + len(value); n > maxMeta {
			d.mistake("metadata %q has %d bytes; keep key and value to %d, and the rest elsewhere", texts.Shorten(key, maxDetail), n, maxMeta)
		}
		if d.metadata == nil {
			d.metadata = map[string]string{}
		}
		d.metadata[key] = value
	}
}

// In sets the zone of the job's expressions, a name of the tz database such as "Europe/Berlin". Optional. Default:
// CRON_TIMEZONE.
func In(zone string) Option { return func(d *definition) { d.zone = &zone } }

// Also adds a schedule. If two schedules have the same instant, it is one slot.
func Also(expr string) Option { return func(d *definition) { d.also = append(d.also, expr) } }

// Only runs the job if APP_ENV is one of env; otherwise it is listed as disabled.
func Only(env ...string) Option {
	return func(d *definition) {
		if len(env) == 0 || slices.Contains(env, "") {
			d.mistake(`Only needs the name of an environment, as in Only("production")`)
		}
		d.only = append(d.only, env...)
	}
}

// Timeout ends an attempt's context t after the attempt's start. The attempt has then failed, even if the function
// returns nil. 0 means no timeout. Optional. Default: CRON_DEFAULT_TIMEOUT.
func Timeout(t time.Duration) Option {
	return func(d *definition) {
		if t < 0 {
			d.mistake("timeout %s is negative", t)
		}
		d.timeout = &t
	}
}

// Retry makes up to n further attempts after a failed one, with delays from backoff. Optional. Default:
// CRON_DEFAULT_RETRIES, exponential from CRON_DEFAULT_RETRY_DELAY.
func Retry(n int, backoff ...Backoff) Option {
	return func(d *definition) {
		if n < 0 || n > 1000 {
			d.mistake("retry count %d is out of range 0-1000", n)
		}
		if len(backoff) > 1 {
			d.mistake("Retry takes one backoff, not %d", len(backoff))
		}
		d.retries = &n
		for _, b := range backoff {
			if err := b.check(); err != nil {
				d.mistake("%v", err)
			}
			d.backoff = b
		}
	}
}

// RetryIf retries only errors for which retry returns true. Errors marked by [NoRetry], and those for which retry
// panics, are never retried.
func RetryIf(retry func(error) bool) Option {
	return func(d *definition) {
		if retry == nil {
			d.mistake("RetryIf needs a function")
		}
		d.retryIf = retry
	}
}

// Overlap decides about a slot that is due while an earlier run of the job is active. Optional. Default: [Skip].
func Overlap(p OverlapPolicy) Option {
	return func(d *definition) {
		switch p {
		case Skip, Queue, Allow, Replace:
		default:
			d.mistake("overlap policy %q is unknown; use Skip, Queue, Allow or Replace", p)
		}
		d.policies.Overlap = p
	}
}

// CatchUp says which missed slots run. Optional. Default: Latest within CRON_CATCH_UP_WINDOW, at most 100.
func CatchUp(p CatchUpPolicy, limits ...CatchUpLimit) Option {
	return func(d *definition) {
		switch p {
		case Latest, All, None:
		default:
			d.mistake("catch-up policy %q is unknown; use Latest, All or None", p)
		}
		d.policies.CatchUp = p
		for i, limit := range limits {
			if limit == nil {
				d.mistake("catch-up limit %d is nil", i+1)
				continue
			}
			limit(d)
		}
	}
}

// CatchUpLimit bounds [CatchUp].
type CatchUpLimit func(*definition)

// Within does not catch up missed slots older than w.
func Within(w time.Duration) CatchUpLimit {
	return func(d *definition) {
		if w < 0 {
			d.mistake("catch-up window %s is negative", w)
		}
		d.window = &w
	}
}

// AtMost runs at most n missed slots, the newest ones.
func AtMost(n int) CatchUpLimit {
	return func(d *definition) {
		if n < 1 || n > 10_000 {
			d.mistake("catch-up cap %d is out of range 1-10000", n)
		}
		d.policies.CatchUpCap = n
	}
}

// StartWithin skips a run, as "late", if it has not started within t of its slot. 0, the default, means no deadline.
func StartWithin(t time.Duration) Option {
	return func(d *definition) {
		if t < 0 {
			d.mistake("start deadline %s is negative", t)
		}
		d.policies.StartWithin = t
	}
}

// OnCrash decides about a run whose process died during an attempt. Optional. Default: [Skip], at most once. With
// [Rerun], the job must tolerate two starts for one slot.
func OnCrash(p CrashPolicy) Option {
	return func(d *definition) {
		if p != Skip && p != Rerun {
			d.mistake("crash policy %q is unknown; use Skip or Rerun", p)
		}
		d.policies.OnCrash = p
	}
}

// Limit allows at most n concurrent runs of all jobs in a group, across all processes. All jobs of a group must have
// the same n.
func Limit(group string, n int) Option {
	return func(d *definition) {
		if group == "" || len(group) > 100 {
			d.mistake("concurrency group %q must be 1 to 100 characters", group)
		}
		if n < 1 {
			d.mistake("limit %d of group %q is below 1", n, group)
		}
		d.policies.Group, d.policies.GroupLimit = group, n
	}
}

// Keep limits the job's history to the newest ended runs, and to an age. 0 is no limit. Optional. Default:
// CRON_KEEP_RUNS and CRON_KEEP_FOR.
func Keep(runs int, age time.Duration) Option {
	return func(d *definition) {
		if runs < 0 || age < 0 {
			d.mistake("history of %d runs and %s: neither may be negative", runs, age)
		}
		d.keepRuns, d.keepFor = &runs, &age
	}
}

// Use wraps the job's function. The first listed is the outermost; wrappers of the registry ([Registry.Use]) are
// outside of all of them.
func Use(middleware ...Middleware) Option {
	return func(d *definition) {
		for i, m := range middleware {
			if m == nil {
				d.mistake("middleware %d is nil", i+1)
			}
		}
		d.use = append(d.use, middleware...)
	}
}

// Ping reports every run of the job to a dead man's switch, such as Healthchecks.io: its start, and the end of its last
// attempt. A cancelled or interrupted run is reported as failed. Skipped slots and runs that ended before they started
// are not reported. Manual runs are. Pings are sent independently of the run and never affect it. An address that is
// not public must be listed in ALERT_ALLOWED_HOSTS.
func Ping(address string, form ...PingForm) Option {
	return func(d *definition) {
		target, err := newPingTarget(address, form)
		switch {
		case err != nil:
			d.mistake("%v", err)
		case d.ping != nil:
			d.mistake("Ping is given twice; a job has one")
		default:
			d.ping = target
		}
	}
}

// Args gives the job typed arguments with defaults. T is a struct that encoding/json can write and read. Its JSON names
// are the arguments' names, and a `jsonschema:"..."` tag describes one. A time.Duration is written as a text such as
// "1h30m"; a number of nanoseconds is accepted too. Scheduled runs get the defaults. Arguments of a manual run are
// checked before the run is accepted: unknown names, wrong types and errors of a method Validate() error of T or *T
// refuse it. Omitted arguments keep their defaults, also in nested objects; a list replaces the default list. In the
// job, [ArgsFrom] returns the arguments.
func Args[T any](defaults T) Option {
	return func(d *definition) {
		spec, err := newArgsSpec(defaults)
		if err != nil {
			d.mistake("arguments: %v", err)
			return
		}
		d.args = spec
	}
}

// Before is called once in a run, before the first call of the function, which waits for it. An error or a panic is
// logged, also in the run's log, and does not stop the run; use a wrapper ([Use]) for that.
//
// For all hooks: those of the registry are called first, one after the other. Their context carries the run and the
// values of scheduler.Config.Context, but not those of wrappers. It ends after 10 s; a hook that continues for more
// than another second is abandoned, which is logged. A hook is called at most once. To process every end of a run, also
// after a crash, read the history.
func Before(hook func(ctx context.Context) error) Option {
	return hooked(Hooks{Before: hook}, "Before")
}

// After is called when the end of a run was recorded: succeeded, failed or cancelled, after the last attempt. It takes
// no worker, and a shutdown waits for it as for runs. It cannot change the record. It is not called for a run that has
// lost its lease or whose process died.
func After(hook func(ctx context.Context, o Outcome) error) Option {
	return hooked(Hooks{After: hook}, "After")
}

// OnFailure is [After] for failed runs. A failed attempt with a retry is not a failed run.
func OnFailure(hook func(ctx context.Context, o Outcome) error) Option {
	return hooked(Hooks{OnFailure: hook}, "OnFailure")
}

// OnSkip is called when a slot was recorded as skipped; Reason says why. There is no run then, and [RunFrom] returns
// nil. It is not called for a refused manual run, which has no slot.
func OnSkip(hook func(ctx context.Context, o Outcome) error) Option {
	return hooked(Hooks{OnSkip: hook}, "OnSkip")
}

func hooked(h Hooks, name string) Option {
	return func(d *definition) {
		if h.empty() {
			d.mistake("%s needs a function", name)
			return
		}
		d.hooks = append(d.hooks, h)
	}
}
