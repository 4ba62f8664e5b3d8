// Package trace makes spans of runs, attempts and the operations inside them, and sends them to an OpenTelemetry
// collector.
//
// # When
//
// Tracing is off by default: [Open] returns nil without OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
// or OTEL_TRACES_EXPORTER, and with OTEL_SDK_DISABLED=true. A nil [*Tracer] does nothing. settings.go handles
// OpenTelemetry's own variables, from .env and the environment. The SDK reads others, such as certificates and limits
// of spans, from the environment itself; this is the only exception to the rule that package env reads it. As the
// specification requires, an invalid value causes a warning and does not prevent the start.
//
// # How it works
//
// A run has a span from its slot or request to its end, with a child for each attempt. Different processes may make the
// attempts of a run, and share only the run's row. The IDs of a run's trace and span are therefore computed: the trace
// ID is the first 16 bytes of the SHA-256 of the run's ID, and the span ID the next 8. (The bytes of a UUID would not
// do, because samplers treat the last eight bytes of a trace ID as random.) Every process computes the same IDs and
// sampling decision, and the trace ID is available for the run and its log lines without being stored.
//
// The span of an attempt is made by a [cron.Middleware]. It is current in the job's context, so the job's own spans,
// its statements on app.DB and its requests by app.HTTP are children. The process that ends the run makes the run's
// span. Skipped slots have none.
//
// A request for a run has its own span, in the trace that its caller sends (traceparent). The spans of request and run
// are linked in both directions. The run is not a child, because it outlives the request. The link is only in memory: a
// run that another process ends has none.
//
// # What it promises under failure
//
// Spans wait in a bounded queue, and those that do not fit are dropped. An unavailable collector causes at most one log
// line a minute and never affects a run. [Tracer.Close] sends the rest, for at most three seconds.
package trace
