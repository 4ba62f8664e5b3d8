// Package trace makes spans of runs, attempts and what happens inside of them, and sends them to an
// OpenTelemetry collector.
//
// # When
//
// It is off unless the environment asks for it: [Open] returns nil without OTEL_EXPORTER_OTLP_ENDPOINT,
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_TRACES_EXPORTER, and with OTEL_SDK_DISABLED=true. All
// methods may be called on a nil [*Tracer], which does nothing. What is understood of OpenTelemetry's
// own variables, in .env as in the environment, is in settings.go; what is not, such as certificates
// and limits of spans, the SDK reads from the environment itself. That is the one place outside of
// package config that reads it. A value that cannot be right costs a warning, as the specification
// wants it, and never a start.
//
// # How it works
//
// A run has a span from its slot, or from when it was asked for, to its end, and below it one for each
// attempt. The attempts of a run may be made by different processes, which know of each other by the
// run's row only. So the IDs of a run's trace and span are not drawn but computed: the trace ID is the
// first 16 bytes of the SHA-256 of the run's ID, and the span ID the 8 bytes after them. (The bytes of
// the ID itself would not do: samplers go by the last eight bytes of a trace ID, and take them for
// random, which those of a UUID are not.) Every process computes the same, whether a trace is sampled
// included, and the trace ID can be shown with the run and its log lines without being kept anywhere.
//
// The span of the attempt is a wrapper around the job's function, like any other [cron.Middleware]:
// it is current in the job's context, so that the job's own spans, its statements on app.DB and its
// requests by app.HTTP are children. The span of the run is made when the run has ended, by the process
// that ends it. Slots that were skipped have none.
//
// A request that asks for a run has a span of its own, in the trace its caller sends along
// (traceparent). The spans of request and run are linked in both directions; the run is not a child,
// since it outlives the request. Nothing is kept of the link: a run that another process ends has none.
//
// # What it promises under failure
//
// Spans wait in a queue of bounded length, and those that do not fit are dropped: a collector that
// does not answer costs a line in the log, repeated once a minute at most, and never a run. [Tracer.Close]
// sends what is left and waits for three seconds at most.
package trace
