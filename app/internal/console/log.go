package console

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"

	"fibercrons/app/env"
)

// Log returns a handler that writes to w. With [env.LogAuto] it writes coloured text if w is a terminal, otherwise
// JSON.
func Log(w io.Writer, level slog.Level, format env.LogFormat) slog.Handler {
	terminal := IsTerminal(w)
	if format == env.LogJSON || format == env.LogAuto && !terminal {
		return slog.NewJSONHandler(jsonWriter{w}, &slog.HandlerOptions{Level: level, ReplaceAttr: readable})
	}
	return inert{tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.DateTime, NoColor: !terminal})}
}

// readable writes a duration as 1.5s; encoding/json writes nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// jsonWriter makes each line safe for a terminal. slog writes one whole line at a time.
type jsonWriter struct{ to io.Writer }

func (w jsonWriter) Write(line []byte) (int, error) {
	if _, err := w.to.Write(JSON(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// inert escapes a record before next adds colours, because afterwards their escape codes cannot be told from others.
type inert struct{ next slog.Handler }

func (h inert) Enabled(ctx context.Context, level slog.Level) bool { return h.next.Enabled(ctx, level) }

func (h inert) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Inert(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(inertAttr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h inert) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = inertAttr(a)
	}
	return inert{h.next.WithAttrs(clean)}
}

func (h inert) WithGroup(name string) slog.Handler { return inert{h.next.WithGroup(Inert(name))} }

func inertAttr(a slog.Attr) slog.Attr {
	a.Key = Inert(a.Key)
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(Inert(v.String()))
	case slog.KindAny:
		a.Value = slog.StringValue(Inert(brief(fmt.Sprintf("%+v", v.Any()))))
	case slog.KindGroup:
		clean := make([]slog.Attr, len(v.Group()))
		for i, member := range v.Group() {
			clean[i] = inertAttr(member)
		}
		a.Value = slog.GroupValue(clean...)
	default:
		a.Value = v
	}
	return a
}

// brief limits the text of a value, which may include unexported fields.
func brief(text string) string {
	const most = 16 << 10
	if len(text) <= most+64 { // room for the mark of an earlier cut
		return text
	}
	return fmt.Sprintf("%s… [%d bytes left out]", text[:most], len(text)-most)
}
