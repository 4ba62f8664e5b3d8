// Package assembly is what each package of the application is told of the configuration. They do not know where it
// comes from, and package app ties them together without a word about settings. Optional parts are made here as well,
// if this program is built with them; see package part.
//
// Nothing here keeps anything.
package assembly

import (
	"cmp"
	"net/http"
	"path"
	"runtime/debug"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/outgoing"
	"fibercrons/app/part"
	"fibercrons/app/scheduler"
)

// Defaults are for jobs that do not say otherwise. Without traces there is no wrapper that makes them.
func Defaults(cfg env.Config, traces part.Tracer) cron.Defaults {
	d := cron.Defaults{
		Zone:          cfg.Timezone,
		Env:           cfg.AppEnv,
		Timeout:       cfg.DefaultTimeout,
		Retries:       cfg.DefaultRetries,
		RetryDelay:    cfg.DefaultRetryDelay,
		MaxRetryDelay: cfg.MaxRetryDelay,
		CatchUpWindow: cfg.CatchUpWindow,
		KeepRuns:      cfg.KeepRuns,
		KeepFor:       cfg.KeepFor,
		Alerts:        alertPolicy(cfg.Alerts),
	}
	if traces != part.Untraced {
		d.Use = []cron.Middleware{traces.Attempt}
	}
	return d
}

// Scheduler is what the environment says about scheduling; what it works with is not part of it.
func Scheduler(cfg env.Config) scheduler.Config {
	c := scheduler.Config{
		Workers:   cfg.Workers,
		Lease:     cfg.Lease,
		Grace:     cfg.ShutdownGrace,
		MaxRunLog: cmp.Or(int(cfg.MaxRunLog), -1), // 0 bytes are none; for the scheduler 0 is the default
		Disabled:  !cfg.Enabled,
		Version:   Version(),
		Parts:     part.Built(),
	}
	switch cfg.Role {
	case env.RoleScheduler:
		c.Role = contract.SchedulerOnly
	case env.RoleWorker:
		c.Role = contract.WorkerOnly
	}
	return c
}

// Outgoing says what alerts and pings may call, and which way.
func Outgoing(cfg env.Config) outgoing.Options {
	return outgoing.Options{Allow: cfg.AlertAllowedHosts, Proxy: Proxy(cfg)}
}

// Proxy is the environment's; the variables of .env count as well, which net/http would not see.
func Proxy(cfg env.Config) outgoing.Proxy {
	return outgoing.Proxy{HTTPS: cfg.Proxy.HTTPS.Reveal(), HTTP: cfg.Proxy.HTTP.Reveal(), Except: cfg.Proxy.Except, CGI: cfg.Proxy.CGI}
}

// Transport is what requests of jobs go by; nil: http.DefaultTransport, as there is no proxy.
func Transport(cfg env.Config) http.RoundTripper {
	proxy := Proxy(cfg).Func()
	own, ok := http.DefaultTransport.(*http.Transport)
	if proxy == nil || !ok {
		return nil
	}
	own = own.Clone()
	own.Proxy = proxy
	return own
}

// version is set by the linker where the build cannot see the commit, as in the Dockerfile. Empty: it can.
var version string

// Version names the build: what it was told, the module's version, or the commit it was built from.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	built := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (built == "" || built == "(devel)") {
			built = s.Value
		}
	}
	if built == "" {
		return "(devel)"
	}
	return built
}

// program is its name: the last part of its module's path.
func program() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path == "" {
		return ""
	}
	return path.Base(info.Main.Path)
}
