package alert

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"fibercrons/app/cron"
)

// Options configure an [Alerter].
type Options struct {
	// Store stores runs, alerts, deliveries and silences. Required.
	Store Store
	// Jobs are the result of cron.Registry.Jobs, with their alert policies.
	Jobs []*cron.Job
	// Channels send the alerts. Without one no alert is raised.
	Channels []Channel
	// Environment is shown in every message. Optional.
	Environment string
	// Link is the public URL of the server, such as https://crons.example.com; messages then link to runs. Optional.
	Link string
	// Context adds values to the context of [Channel.Send]. Optional.
	Context func(context.Context) context.Context
	// Log is the program's log. Optional. Default: slog.Default().
	Log *slog.Logger

	// Every is how often the database is checked for changes. Changes of this process are checked at once. Optional.
	// Default: 3 s.
	Every time.Duration
	// Pending alerts form a message when no further alert came for Quiet, or the first has waited for Longest.
	// Optional. Default: 2 s and 10 s.
	Quiet, Longest time.Duration
	// PerMinute is the maximum number of messages per minute; further alerts form a digest. Optional. Default: 6.
	PerMinute int
	// Lease is how long a delivery may take before another process retries it. Optional. Default: 1 min.
	Lease time.Duration
	// GiveUp is the maximum age of a message. Optional. Default: 24 h.
	GiveUp time.Duration
	// Keep is how long finished alerts and silences are kept. Optional. Default: 720 h.
	Keep time.Duration
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Context == nil {
		o.Context = func(ctx context.Context) context.Context { return ctx }
	}
	o.Every = cmp.Or(o.Every, 3*time.Second)
	o.Quiet = cmp.Or(o.Quiet, 2*time.Second)
	o.Longest = cmp.Or(o.Longest, 10*time.Second)
	o.PerMinute = cmp.Or(o.PerMinute, 6)
	o.Lease = cmp.Or(o.Lease, time.Minute)
	o.GiveUp = cmp.Or(o.GiveUp, 24*time.Hour)
	o.Keep = cmp.Or(o.Keep, 720*time.Hour)
	return o
}

// storeTimeout limits a call of the store.
const storeTimeout = 10 * time.Second
