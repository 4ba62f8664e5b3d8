package cron

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"fibercrons/app/internal/texts"
)

// LogHandler adds jobs to the records of next. A record logged with the context of a run gets job, run, attempt and the
// stored schedule if there is one, and is kept with the run if its level is info or above or next shows it. The values
// of attributes with a secret key are hidden, in both places, with or without a run. A message is limited to 16 KiB, an
// attribute to 16 KiB, and all attributes of a line to 64 KiB, of which the run keeps 16. Longer texts are cut and
// marked, and other values are left out. A handler made by LogHandler is returned unchanged.
func LogHandler(next slog.Handler) slog.Handler {
	if h, ok := next.(*logHandler); ok {
		return h
	}
	return &logHandler{base: next, next: next}
}

type logHandler struct {
	base   slog.Handler   // as given to LogHandler
	next   slog.Handler   // base with everything in with
	with   []modification // WithAttrs and WithGroup so far
	group  bool           // one of them opened a group
	secret bool           // with a secret name
	spent  int            // bytes that with takes
}

type modification func(slog.Handler) slog.Handler

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level) || level >= slog.LevelInfo && RunFrom(ctx) != nil
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, rec slog.Record) error {
	message := texts.Shorten(rec.Message, texts.MaxLine)
	attrs := make([]slog.Attr, 0, rec.NumAttrs()+4)
	may := allowance{each: texts.MaxLine, left: maxAttrs - h.spent}
	rec.Attrs(func(a slog.Attr) bool {
		attrs = h.clean(attrs, a, &may)
		return true
	})
	if left, some := may.rest(); some {
		attrs = append(attrs, left)
	}
	run := RunFrom(ctx)
	if run != nil {
		if log := run.lines(false); !log.full() {
			kept := h.json(rec.Level, attrs)
			if len(kept) > texts.MaxLine { // leaves room for JSON escapes
				less := allowance{each: texts.MaxLine / 4, left: texts.MaxLine / 2}
				kept = h.json(rec.Level, less.attrs(attrs))
			}
			log.add(rec.Time, int(run.attempt.Load()), rec.Level.String(), rec.Message, kept)
		}
	}
	if !h.next.Enabled(ctx, rec.Level) {
		return nil
	}
	next := h.next
	if run != nil {
		stamp := []slog.Attr{slog.String("job", run.job.Name), slog.String("run", run.id), slog.Int("attempt", int(run.attempt.Load()))}
		if id := run.Schedule(); id != "" {
			stamp = append(stamp, slog.String("schedule", id))
		}
		if trace := run.trace(); trace != "" {
			stamp = append(stamp, slog.String("trace_id", trace))
		}
		if h.group { // the run's attributes stay outside of it
			next = h.apply(h.base.WithAttrs(stamp))
		} else {
			attrs = append(attrs, stamp...)
		}
	}
	clean := slog.NewRecord(rec.Time, rec.Level, message, rec.PC)
	clean.AddAttrs(attrs...)
	return next.Handle(ctx, clean)
}

// clean appends a, redacted and bounded.
func (h *logHandler) clean(to []slog.Attr, a slog.Attr, may *allowance) []slog.Attr {
	if a = may.attr(a); a.Equal(slog.Attr{}) {
		return to
	}
	return append(to, h.redact(a))
}

func (h *logHandler) redact(a slog.Attr) slog.Attr {
	if h.secret {
		return slog.String(a.Key, redacted)
	}
	return redact(a)
}

func (h *logHandler) apply(to slog.Handler) slog.Handler {
	for _, m := range h.with {
		to = m(to)
	}
	return to
}

// json renders the attributes of a record and the handler as one JSON object, or nil if there are none.
func (h *logHandler) json(level slog.Level, attrs []slog.Attr) json.RawMessage {
	if len(attrs) == 0 && len(h.with) == 0 {
		return nil
	}
	var buf bytes.Buffer
	out := h.apply(slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: slog.Level(math.MinInt)}))
	bare := slog.NewRecord(time.Time{}, level, "", 0) // a zero time is left out
	bare.AddAttrs(attrs...)
	if err := out.Handle(context.Background(), bare); err != nil {
		return nil
	}
	builtin := fmt.Sprintf(`{"level":%q,"msg":"",`, level.String())
	rest, ok := strings.CutPrefix(strings.TrimSpace(buf.String()), builtin)
	if !ok || !json.Valid([]byte("{"+rest)) {
		return nil
	}
	return json.RawMessage("{" + rest)
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	clean := make([]slog.Attr, 0, len(attrs))
	may := allowance{each: texts.MaxLine, left: maxAttrs - h.spent}
	before := may.left
	for _, a := range attrs {
		clean = h.clean(clean, a, &may)
	}
	if left, some := may.rest(); some {
		clean = append(clean, left)
	}
	more := h.and(func(n slog.Handler) slog.Handler { return n.WithAttrs(clean) })
	more.spent += before - may.left
	return more
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	name = texts.Shorten(name, maxKey)
	grouped := h.and(func(n slog.Handler) slog.Handler { return n.WithGroup(name) })
	grouped.group, grouped.secret = true, h.secret || secretKey(name)
	return grouped
}

func (h *logHandler) and(m modification) *logHandler {
	changed := *h
	changed.next, changed.with = m(h.next), append(slices.Clip(h.with), m)
	return &changed
}
