package trace

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Attempt is a wrapper that makes a span for each call of a job's function.
func (t *Tracer) Attempt(next cron.Func) cron.Func {
	return func(ctx context.Context) (err error) {
		run := cron.RunFrom(ctx)
		if t == nil || run == nil {
			return next(ctx)
		}
		of := t.spanOf(run.ID())
		ctx = api.ContextWithRemoteSpanContext(ctx, of)
		if !of.IsSampled() {
			return next(ctx) // ctx marks the trace as not sampled
		}
		attrs := append(about(run.Job(), run.ID(), run.Trigger()), attribute.Int("fibercrons.attempt", run.Attempt()))
		if id := run.Schedule(); id != "" {
			attrs = append(attrs, attribute.String("fibercrons.schedule", id))
		}
		if slot := run.Slot(); !slot.IsZero() {
			attrs = append(attrs, attribute.String("fibercrons.slot", instant(slot)))
		}
		ctx, span := t.tracer.Start(ctx, "attempt "+run.Job(), api.WithAttributes(attrs...))
		returned := false
		defer func() {
			if !returned {
				span.SetStatus(codes.Error, "the function called runtime.Goexit")
			}
			span.End()
		}()
		err = next(ctx)
		returned = true
		fail(ctx, span, err)
		return err
	}
}

// fail records an error.
func fail(ctx context.Context, span api.Span, err error) {
	if err == nil || !span.IsRecording() {
		return
	}
	var p *cron.PanicError
	if errors.As(err, &p) {
		span.AddEvent("exception", api.WithAttributes(
			attribute.String("exception.type", "panic"),
			attribute.String("exception.message", err.Error()),
			attribute.String("exception.stacktrace", p.Stack),
		))
		span.SetAttributes(attribute.String("error.type", "panic"))
	} else {
		span.RecordError(err)
	}
	text := err.Error()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		text = cause.Error() + ": " + text
	}
	span.SetStatus(codes.Error, text)
}

// spanOf returns the context of a run's span, with the same sampling decision in every process.
func (t *Tracer) spanOf(run string) api.SpanContext {
	trace, span := idsOf(run)
	var flags api.TraceFlags
	if t.sampler.ShouldSample(sdk.SamplingParameters{ParentContext: context.Background(), TraceID: trace}).Decision == sdk.RecordAndSample {
		flags = api.FlagsSampled
	}
	return api.NewSpanContext(api.SpanContextConfig{TraceID: trace, SpanID: span, TraceFlags: flags, Remote: true})
}

// askedMost is the maximum number of runs whose requests are remembered.
const askedMost = 10_000

// Asked records the request for a run, and links its span to the run; see [scheduler.Config].
func (t *Tracer) Asked(ctx context.Context, run string) {
	from := api.SpanFromContext(ctx)
	if t == nil || !from.SpanContext().IsValid() {
		return
	}
	from.AddLink(api.Link{SpanContext: t.spanOf(run)})
	t.mu.Lock()
	defer t.mu.Unlock()
	for old := range t.asked {
		if len(t.asked) < askedMost {
			break
		}
		delete(t.asked, old) // mostly runs that were refused
	}
	t.asked[run] = from.SpanContext()
}

func (t *Tracer) askedFor(run string) (links []api.Link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if from, ok := t.asked[run]; ok {
		delete(t.asked, run)
		links = append(links, api.Link{SpanContext: from})
	}
	return links
}

// Observe makes the span of an ended run. It does not block.
func (t *Tracer) Observe(e contract.Event) {
	rec := &e.Record
	if t == nil || e.Kind != contract.RunEnded || !rec.Status.Ended() {
		return
	}
	links := t.askedFor(rec.ID)
	if rec.Status == cron.Skipped || rec.EndedAt == nil {
		return
	}
	of := t.spanOf(rec.ID)
	if !of.IsSampled() {
		return
	}
	start := rec.QueuedAt
	if rec.Slot != nil && rec.Slot.Before(start) {
		start = *rec.Slot
	}
	asked := context.WithValue(context.Background(), wantedKey{}, wanted{of.TraceID(), of.SpanID()})
	_, span := t.tracer.Start(asked, "run "+e.Job,
		api.WithNewRoot(), api.WithTimestamp(start), api.WithSpanKind(api.SpanKindConsumer), api.WithLinks(links...))
	if span.IsRecording() {
		describe(span, e.Job, rec)
	}
	span.End(api.WithTimestamp(*rec.EndedAt))
}

func describe(span api.Span, job string, rec *cron.Record) {
	attrs := append(about(job, rec.ID, rec.Trigger),
		attribute.Int("fibercrons.attempts", rec.Attempt), attribute.String("fibercrons.outcome", string(rec.Status)))
	if rec.Slot != nil {
		attrs = append(attrs, attribute.String("fibercrons.slot", instant(*rec.Slot)))
	}
	if id := rec.ScheduleID(); id != "" {
		attrs = append(attrs, attribute.String("fibercrons.schedule", id))
	}
	if cause := rec.Cause(); cause != "" {
		attrs = append(attrs, attribute.String("fibercrons.cause", cause))
	}
	for _, a := range rec.Attempts {
		if len(rec.Attempts) > 1 && !a.StartedAt.IsZero() { // a single attempt has its own span
			span.AddEvent("attempt", api.WithTimestamp(a.StartedAt), api.WithAttributes(attribute.Int("fibercrons.attempt", a.Number), attribute.String("service.instance.id", a.Instance)))
		}
	}
	if rec.Status != cron.Succeeded {
		attrs = append(attrs, attribute.String("error.type", rec.Cause()))
		span.SetStatus(codes.Error, rec.Error)
	}
	span.SetAttributes(attrs...)
}

// about returns the attributes of a run. Those with faas follow OpenTelemetry's conventions for functions called by a
// timer.
func about(job, run string, trigger cron.Trigger) []attribute.KeyValue {
	by := "other"
	if trigger == cron.BySchedule || trigger == cron.ByCatchUp {
		by = "timer"
	}
	return append(make([]attribute.KeyValue, 0, 11), // room for further attributes
		attribute.String("faas.trigger", by), attribute.String("faas.invocation_id", run),
		attribute.String("fibercrons.job", job), attribute.String("fibercrons.run.id", run),
		attribute.String("fibercrons.trigger", string(trigger)),
	)
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
