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

// newExporter returns the exporter of a kind, or nil after a complaint if it cannot be made.
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
		// Shorter than the SDK's minute, because spans are dropped while the queue is full.
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
		s.complain(name, "compression %q is not supported; nothing is compressed", v)
	}
	return otlptracehttp.New(ctx, opts...)
}

// complainEvery is the minimum time between log lines about failures.
const complainEvery = time.Minute

// guarded is an exporter whose failures are only logged.
type guarded struct {
	sdk.SpanExporter
	log *slog.Logger

	mu      sync.Mutex
	failing bool
	said    time.Time
	lost    int // spans, since the last log line
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
		g.log.Info("traces are exported again")
	}
	g.failing = err != nil
	return nil
}

// gaveUp handles a timeout of the last export.
func (g *guarded) gaveUp(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.complain(err)
}

// complain logs lost spans, at most once per complainEvery. g.mu is held.
func (g *guarded) complain(err error) {
	now := time.Now()
	if !g.said.IsZero() && now.Sub(g.said) < complainEvery {
		return
	}
	g.log.Warn("failed to export traces; dropping them; check the collector", "spans", g.lost, "error", err.Error())
	g.said, g.lost = now, 0
}
