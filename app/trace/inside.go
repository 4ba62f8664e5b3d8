package trace

import (
	"context"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	api "go.opentelemetry.io/otel/trace"
)

// Statement starts the span of a statement, if ctx is traced, and returns a function that ends it. text has
// placeholders instead of values.
func (t *Tracer) Statement(ctx context.Context, operation string) (context.Context, func(system, table, text string, rows int64, err error)) {
	if t == nil || !api.SpanContextFromContext(ctx).IsValid() {
		return ctx, nil
	}
	ctx, span := t.tracer.Start(ctx, operation, api.WithSpanKind(api.SpanKindClient))
	return ctx, func(system, table, text string, rows int64, err error) {
		span.SetAttributes(attribute.String("db.system.name", system), attribute.String("db.operation.name", operation),
			attribute.String("db.query.text", text))
		if rows >= 0 { // unknown if rows are read one by one
			span.SetAttributes(attribute.Int64("db.response.returned_rows", rows))
		}
		if table != "" {
			span.SetName(operation + " " + table)
			span.SetAttributes(attribute.String("db.collection.name", table))
		}
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

// Transport adds to base a span for each request with a traced context, and sends the trace along (traceparent). base
// nil is http.DefaultTransport.
func (t *Tracer) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	if t == nil {
		return base
	}
	return &transport{t, base}
}

type transport struct {
	*Tracer
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper. The span ends with the response's headers.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !api.SpanContextFromContext(req.Context()).IsValid() {
		return t.base.RoundTrip(req)
	}
	plain := *req.URL // a query may hold secrets
	plain.User, plain.RawQuery, plain.Fragment = nil, "", ""
	ctx, span := t.tracer.Start(req.Context(), req.Method, api.WithSpanKind(api.SpanKindClient), api.WithAttributes(
		attribute.String("http.request.method", req.Method), attribute.String("url.full", plain.String()),
		attribute.String("server.address", req.URL.Hostname()),
	))
	defer span.End()
	req = req.Clone(ctx)
	t.carry.Inject(ctx, propagation.HeaderCarrier(req.Header))
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
		return resp, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
	if resp.StatusCode >= 400 {
		span.SetAttributes(attribute.String("error.type", strconv.Itoa(resp.StatusCode)))
		span.SetStatus(codes.Error, "")
	}
	return resp, nil
}

// Request starts the span of a received request, in the sender's trace, and returns a function that ends it. route is
// the request's pattern.
func (t *Tracer) Request(ctx context.Context, method, route string, header func(name string) string) (context.Context, func(status int)) {
	if t == nil {
		return ctx, func(int) {}
	}
	ctx = t.carry.Extract(ctx, headers(header))
	ctx, span := t.tracer.Start(ctx, method+" "+route, api.WithSpanKind(api.SpanKindServer), api.WithAttributes(
		attribute.String("http.request.method", method), attribute.String("http.route", route)))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetAttributes(attribute.String("error.type", strconv.Itoa(status)))
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// headers are those of a request, read-only.
type headers func(name string) string

// Get implements propagation.TextMapCarrier.
func (h headers) Get(name string) string { return h(name) }

// Set implements propagation.TextMapCarrier.
func (h headers) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (h headers) Keys() []string { return nil }
