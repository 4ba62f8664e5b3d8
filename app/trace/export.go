package trace

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// newExporter makes what sends spans away; nil: what is asked for cannot be made, and was complained about.
func newExporter(ctx context.Context, s *settings, kind string, o Options) (sdk.SpanExporter, error) {
	if kind == "console" {
		return stdouttrace.New(stdouttrace.WithWriter(o.Console))
	}
	endpoint, ok := s.endpoint()
	if !ok {
		return nil, nil
	}
	opts := []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(endpoint),
		otlptracehttp.WithProxy(o.Proxy),
		// Shorter than the SDK's minute: what waits meanwhile is dropped when the queue is full.
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: 15 * time.Second}),
	}
	if headers := s.pairs("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"); len(headers) > 0 {
		opts = append(opts, otlptracehttp.WithHeaders(headers))
	}
	if d, ok := s.millis("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"); ok {
		opts = append(opts, otlptracehttp.WithTimeout(d))
	}
	switch v, name := s.text("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"); v {
	case "", "none":
	case "gzip":
		opts = append(opts, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	default:
		s.complain(name, "%q is not a compression this program has; nothing is compressed", v)
	}
	return otlptracehttp.New(ctx, opts...)
}

// complainEvery is how often a collector that does not answer is worth a line.
const complainEvery = time.Minute

// guarded is an exporter whose failures are logged, and nobody else's concern.
type guarded struct {
	sdk.SpanExporter
	log *slog.Logger

	mu      sync.Mutex
	failing bool
	said    time.Time
	lost    int // spans, since it was said
}

// ExportSpans implements sdk.SpanExporter.
func (g *guarded) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := g.SpanExporter.ExportSpans(ctx, spans)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.lost += len(spans)
		g.complain(err)
	} else if g.failing {
		g.log.Info("traces are delivered again")
	}
	g.failing = err != nil
	return nil
}

// gaveUp is called when the last spans were not delivered in time.
func (g *guarded) gaveUp(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.complain(err)
}

// complain says what is lost, but not again and again. g.mu is held.
func (g *guarded) complain(err error) {
	now := time.Now()
	if !g.said.IsZero() && now.Sub(g.said) < complainEvery {
		return
	}
	g.log.Warn("traces cannot be delivered and are dropped; is the collector there?", "spans", g.lost, "error", err.Error())
	g.said, g.lost = now, 0
}
