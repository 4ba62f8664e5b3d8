package trace

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

// Options configure a [Tracer].
type Options struct {
	// Get returns the value of an OpenTelemetry variable, or "" if it is not set.
	Get func(name string) string
	// Service is the program's name if OTEL_SERVICE_NAME is not set. Optional. Default: cron.
	Service string
	// Version of the program. Optional.
	Version string
	// Log receives failures and invalid variables. Optional. Default: slog.Default().
	Log *slog.Logger
	// Console is the output of OTEL_TRACES_EXPORTER=console. Optional. Default: none.
	Console io.Writer
	// Proxy selects the proxy for requests to the collector, like http.Transport.Proxy. Optional. Default: none.
	Proxy func(*http.Request) (*url.URL, error)
	// Exporter replaces the exporter of the environment, for tests.
	Exporter sdk.SpanExporter
}

// Tracer makes spans. A nil Tracer makes none.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   api.Tracer
	sender   *guarded
	sampler  sdk.Sampler
	carry    propagation.TextMapPropagator

	mu    sync.Mutex
	asked map[string]api.SpanContext // by run: the span of its request
}

// closeWait limits the export of the last spans.
const closeWait = 3 * time.Second

// Open starts tracing, or returns nil if it is off or its settings are invalid, which it logs. It also registers the
// tracer as OpenTelemetry's global one (otel.Tracer), so jobs can make spans with their context alone.
func Open(ctx context.Context, o Options) *Tracer {
	o.Log = cmp.Or(o.Log, slog.Default())
	if o.Get == nil {
		o.Get = func(string) string { return "" }
	}
	s := &settings{get: o.Get}
	exporter := o.Exporter
	if exporter == nil {
		kind := s.exporter()
		if kind != "" {
			if o.Console == nil {
				o.Console = io.Discard
			}
			if o.Proxy == nil {
				o.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
			}
			made, err := newExporter(ctx, s, kind, o)
			if err != nil {
				s.complain("OTEL_EXPORTER_OTLP_ENDPOINT", "%v; there are no traces", err)
			} else {
				exporter = made
			}
		}
	}
	if exporter == nil {
		s.report(o.Log)
		return nil
	}
	res, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithProcessPID(),
		resource.WithAttributes(s.attributes(cmp.Or(o.Service, "cron"), o.Version)...))
	if err != nil {
		s.complain("OTEL_RESOURCE_ATTRIBUTES", "%v", err)
	}
	t := &Tracer{
		sampler: s.sampler(),
		carry:   propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
		asked:   make(map[string]api.SpanContext),
		sender:  &guarded{SpanExporter: exporter, log: o.Log},
	}
	t.provider = sdk.NewTracerProvider(
		sdk.WithBatcher(t.sender, s.batch()...),
		sdk.WithResource(res), sdk.WithSampler(t.sampler), sdk.WithIDGenerator(ids{}),
	)
	t.tracer = t.provider.Tracer("fibercrons/app/trace", api.WithInstrumentationVersion(o.Version))
	s.report(o.Log)
	otel.SetTracerProvider(t.provider)
	otel.SetTextMapPropagator(t.carry)
	return t
}

func (s *settings) report(log *slog.Logger) {
	for _, w := range s.wrong {
		log.Warn("invalid OpenTelemetry variable", "problem", w)
	}
}

// Close sends the remaining spans, for at most three seconds. Others are dropped.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.sender.gaveUp(err)
	}
}

// TraceID is the ID of a run's trace, or "".
func (t *Tracer) TraceID(run string) string {
	if t == nil {
		return ""
	}
	id, _ := idsOf(run)
	return id.String()
}
