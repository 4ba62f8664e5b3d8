package part

import (
	"context"
	"net/http"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Tracer makes spans of runs and of what belongs to them; package trace says which.
type Tracer interface {
	// Attempt makes the span of an attempt. It is a [cron.Middleware].
	Attempt(next cron.Func) cron.Func
	// TraceID is the ID of a run's trace, or "".
	TraceID(run string) string
	// Asked links the span in ctx, of a request, to the run that it asked for.
	Asked(ctx context.Context, run string)
	// Observe makes the span of a run that has ended. It does not block.
	Observe(e contract.Event)
	// Statement makes the span of a statement; see usertx.Span.
	Statement(ctx context.Context, operation string) (context.Context, func(system, table, text string, rows int64, err error))
	// Transport makes a span of each request that goes through base; nil: http.DefaultTransport.
	Transport(base http.RoundTripper) http.RoundTripper
	// Request makes the span of a received request, and returns what ends it.
	Request(ctx context.Context, method, route string, header func(name string) string) (context.Context, func(status int))
	// Close sends the spans that wait.
	Close(ctx context.Context)
}

// Tracers has the part "otel". What it makes is [Untraced] if no variable asks for spans.
var Tracers Kind[func(context.Context, Setup) Tracer]

// Untraced is a [Tracer] that makes no span.
var Untraced Tracer = untraced{}

type untraced struct{}

func (untraced) Attempt(next cron.Func) cron.Func { return next }
func (untraced) TraceID(string) string            { return "" }
func (untraced) Asked(context.Context, string)    {}
func (untraced) Observe(contract.Event)           {}
func (untraced) Close(context.Context)            {}
func (untraced) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		return http.DefaultTransport
	}
	return base
}

func (untraced) Statement(ctx context.Context, _ string) (context.Context, func(system, table, text string, rows int64, err error)) {
	return ctx, nil
}

func (untraced) Request(ctx context.Context, _, _ string, _ func(string) string) (context.Context, func(int)) {
	return ctx, func(int) {}
}
